"""A port that is open for one test: the server in a thread of this process, and the command in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cardctl.simulator.server import Manner, Server


@contextmanager
def port(path: Path, rate_limit: int | None = None, latency: float = 0.0) -> Iterator[Server]:
    server = Server(path, "127.0.0.1", 0, Manner(rate_limit, latency, "1.2.3"))
    worker = threading.Thread(target=server.serve_forever, args=(0.02,))
    worker.start()
    try:
        yield server
    finally:
        server.shutdown()
        worker.join()
        server.close()


@contextmanager
def command(*argv: str, environ: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`cardctl simulator serve --port 0 -o json` and what it said at its start; ended at the end."""
    line = [sys.executable, "-m", "cardctl", "simulator", "serve", "--port", "0", "-o", "json", *argv]
    with subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())["data"]
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(20)
