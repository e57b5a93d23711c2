"""Durable ingest over HTTP against raw sqlite3, a commit for each row: `python -m tests.bench.receiving [EVENTS]`.

In turns, in one run: so many events over 32 connections, then the rows as they were stored, with synchronous=FULL, their values
prebuilt. Then the time that a request takes at half that load.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from tests.bench.events import SECRET
from tests.bench.loading import Job, Loaded, load
from tests.bench.measuring import CARDCTL, home_env

EVENTS, TURNS = 4_000, 5


@contextmanager
def receiver(home: Path) -> Iterator[tuple[int, Path]]:
    """The port of a `webhook serve` that only keeps, and its books."""
    env = {**os.environ, **home_env(home), "CARDCTL_STRIPE_WEBHOOK_SECRET": SECRET}
    words = ["webhook", "serve", "--port", "0", "--no-apply", "-o", "json"]
    with subprocess.Popen(
        [sys.executable, "-c", CARDCTL, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["data"]["base_url"]
            yield urlsplit(url).port or 0, home / "state" / "books" / "dev.db"
        finally:
            process.terminate()


def stored(books: Path, after: int) -> list[tuple[Any, ...]]:
    """The rows behind the first so many, as they lie there."""
    with sqlite3.connect(books) as database:
        return database.execute("SELECT * FROM events ORDER BY rowid LIMIT -1 OFFSET ?", (after,)).fetchall()


class Raw:
    """A SQLite file with the same table and indexes."""

    def __init__(self, books: Path, file: Path) -> None:
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        with sqlite3.connect(books) as ours:
            made = ours.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'events' AND sql IS NOT NULL ORDER BY rowid")
            for (statement,) in made.fetchall():
                self._database.execute(statement)

    def commit_each(self, rows: list[tuple[Any, ...]]) -> float:
        """Rows a second, each in a transaction of its own."""
        insert = f"INSERT INTO events VALUES ({', '.join('?' * len(rows[0]))})"
        begun = time.perf_counter()
        for row in rows:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute(insert, row)
            self._database.execute("COMMIT")
        return len(rows) / (time.perf_counter() - begun)


def main(events: int = EVENTS) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as place, receiver(Path(place) / "home") as (port, books):
        done = events // 4
        load(Job(port, done))
        raw = Raw(books, Path(place) / "raw.db")
        raw.commit_each(stored(books, 0))
        served: list[float] = []
        single: list[float] = []
        for _ in range(TURNS):
            served.append(_all_kept(load(Job(port, events, start=done))).rate)
            single.append(raw.commit_each(stored(books, done)))
            done += events
        half = _all_kept(load(Job(port, events, start=done, rate=median(served) / 2)))
        _tell(served, single, half)


def _all_kept(loaded: Loaded) -> Loaded:
    if set(loaded.statuses) != {"200"}:
        sys.exit(f"not everything was kept: {loaded.statuses}")
    return loaded


def _tell(served: list[float], single: list[float], half: Loaded) -> None:
    ratios: Mapping[str, float] = {"median": median(served) / median(single), "best": max(served) / max(single)}
    print(f"over HTTP, 32 connections: {' '.join(f'{rate:.0f}' for rate in served)} a second")
    print(f"raw, a commit each:        {' '.join(f'{rate:.0f}' for rate in single)} a second")
    print(f"ratio: {ratios['median']:.2f} of the medians, {ratios['best']:.2f} of the best   wanted 1.5")
    print(f"at {half.rate:.0f} a second: p50 {half.p50:.1f} ms, p99 {half.p99:.1f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
