"""Serving until asked to stop, and who serves now: a file beside the far side's, locked for as long as its process lives."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cardctl.simulator.server import Manner, Server
from cardctl.stopping import asked_to_stop, wait_for


@dataclass(frozen=True, slots=True)
class Served:
    """A port that is open. `wait` returns when Ctrl-C or SIGTERM asks to stop."""

    base_url: str
    base_urls: dict[str, str]
    wait: Callable[[], object]


@contextmanager
def running(path: Path, host: str, port: int, manner: Manner) -> Iterator[Served]:
    """Serves the far side in a thread of its own, known to `served`, for as long as the block lasts. BadInput.

    Only in a main thread, whose Ctrl-C and SIGTERM are taken meanwhile. Requests at work are cut off at the end.
    """
    with closing(Server(path, host, port, manner)) as server, _announced(server), asked_to_stop() as asked:
        worker = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        worker.start()
        try:
            yield Served(server.base_url, server.base_urls, partial(wait_for, asked))
        finally:
            server.shutdown()
            worker.join()


def served(path: Path) -> list[dict[str, Any]]:
    """Who serves the far side in the file `path` now: `{pid, base_urls}`, by port.

    The kernel frees the lock of a process that died, so that what it left behind is not named.
    """
    found = []
    for note in sorted(path.parent.glob(f"{path.name}.serve-*")):
        with note.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found.append(json.load(file))
    return found


@contextmanager
def _announced(server: Server) -> Iterator[None]:
    path = server.far_side.path
    note = path.parent / f"{path.name}.serve-{server.server_port}"
    with os.fdopen(os.open(note, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # waits for those who only look
        file.truncate()
        json.dump({"pid": os.getpid(), "base_urls": server.base_urls}, file)
        file.flush()
        try:
            yield
        finally:
            note.unlink(missing_ok=True)
