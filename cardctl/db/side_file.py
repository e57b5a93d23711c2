"""A small SQLite file beside the books, which may be lost: nothing of it is worth a wait for the disk."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

BUSY = 2.0
"""Seconds; every write takes microseconds, so that who waits for longer waits for a process that was stopped."""


def opened(path: Path, tables: Iterable[str]) -> sqlite3.Connection:
    """The file and its directories, made where they are missing, for their owner alone; sqlite3's errors and OSError."""
    for directory in reversed(path.parents):  # `parents=True` would make the upper ones for everybody to read
        directory.mkdir(mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    return connected(str(path), tables)


def connected(target: str, tables: Iterable[str]) -> sqlite3.Connection:
    """A connection that any thread may use, one at a time, with these tables made; `target` may be `:memory:`."""
    connection = sqlite3.connect(target, timeout=BUSY, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous=OFF")
        with suppress(sqlite3.OperationalError):  # locked: another process is just switching the file, which then stays so
            connection.execute("PRAGMA journal_mode=WAL")
        for table in tables:
            connection.execute(table)
    except BaseException:
        connection.close()
        raise
    return connection
