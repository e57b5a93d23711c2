"""A far side served by a process of its own, and the home of a cardctl that is told to ask it; nothing is measured here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.bench.measuring import CARDCTL

_PATHS = {"stripe": "/stripe", "marqeta": "/marqeta/v3", "strowallet": "/strowallet/api"}


def configure(home: Path, url: str, rate: int) -> None:
    """The profile `bench` of a home: every provider at `url`, asked `rate` times a second at most (0: no limit)."""
    config = home / "config" / "config.toml"
    config.parent.mkdir(exist_ok=True)
    limit = f"rate_limit = {rate}\n" if rate else ""
    lines = ['[profiles.bench]\nenvironment = "simulator"\n']
    lines += [f'[profiles.bench.{name}]\nbase_url = "{url}{path}"\n{limit}' for name, path in _PATHS.items()]
    config.write_text("\n".join(lines))


@contextmanager
def served(env: Mapping[str, str], latency: int) -> Iterator[str]:
    """The base URL of the home's far side, which answers so many milliseconds late, while the block lasts."""
    words = ["simulator", "serve", "--port", "0", "--latency", str(latency), "-o", "json"]
    with subprocess.Popen([sys.executable, "-c", CARDCTL, *words], env=env, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield str(json.loads(server.stdout.readline())["data"]["base_url"])
        finally:
            server.terminate()
