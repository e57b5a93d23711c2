"""What the processes of this machine tell one another about providers: rate budgets and breakers, in one small SQLite file.

No books: all of it may be lost at any time, so nothing is synced to a disk. Standard library alone.
"""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any

from cardctl.db.side_file import connected, opened

SECOND = 1_000_000
"""Times in this file are whole microseconds since 1970."""

_STEP = 5 * SECOND
"""A booking that seems to be made this long after now: the clock was stepped back. More than `side_file.BUSY`,
which comes between reading the clock and booking."""
_CAP = 120 * SECOND
"""No booking is for later; more than the longest pause that a provider is granted, and the longest queue behind it."""

_UNUSABLE = (sqlite3.DatabaseError, OSError)
_TABLES = (
    "CREATE TABLE IF NOT EXISTS budgets (key TEXT PRIMARY KEY, tat INTEGER NOT NULL, booked_at INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS breakers (key TEXT PRIMARY KEY, state TEXT NOT NULL, failures INTEGER NOT NULL,"
    " successes INTEGER NOT NULL, opened_at INTEGER NOT NULL, probed_at INTEGER NOT NULL)",
)
_BOOK = (
    "INSERT INTO budgets (key, tat, booked_at) VALUES (:key, max(:now, :until) + :interval, :now) ON CONFLICT (key) DO UPDATE"
    " SET tat = max(CASE WHEN booked_at > :now + :step OR tat > :now + :cap THEN :now ELSE tat END, :now, :until) + :interval,"
    " booked_at = :now RETURNING tat"
)
"""The next request is due once `tat` has come (`until` at the soonest), and moves it on by `interval`."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Machine:
    """The file, made (0600) and opened when it is first used. Safe for threads, and across a fork.

    Where it cannot be used (no room, no right, damaged, held by a stopped process) this process goes on in its own memory until
    it is closed, and `warn` is told so, once.
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime], warn: Callable[[str], None]) -> None:
        self._path = path
        self._clock = clock
        self._warn = warn
        self._warned = False
        self._by_process: dict[int, _Own] = {}

    def now(self) -> int:
        """This moment, in microseconds since 1970."""
        return (self._clock() - _EPOCH) // _MICROSECOND

    def execute(self, statement: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """One statement, atomic by itself where it is not in a `turn`; its first row."""
        with self._own.lock:
            try:
                rows = self._connection().execute(statement, values).fetchall()
            except _UNUSABLE as error:
                rows = self._in_memory(error).execute(statement, values).fetchall()
        return rows[0] if rows else None

    def look(self, statement: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The same for what only reads: no file is made to find nothing in it."""
        if self._own.connection is None and not os.path.exists(self._path):
            return None
        return self.execute(statement, values)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Several statements as one: no other process and no other thread comes between. Undone whole on any error."""
        with self._own.lock:
            self.execute("BEGIN IMMEDIATE", {})
            try:
                yield
            except BaseException:
                self._end("ROLLBACK")
                raise
            self._end("COMMIT")

    def close(self) -> None:
        """Give the file back; it opens again when it is used again."""
        with self._own.lock:
            if self._own.connection is not None:
                self._own.connection.close()
            self._own.connection = None

    @property
    def _own(self) -> _Own:
        """A lock and a connection are of the process that made them: after a fork SQLite must not even close the parent's."""
        pid = os.getpid()
        return self._by_process.get(pid) or self._by_process.setdefault(pid, _Own())

    def _connection(self) -> sqlite3.Connection:
        own = self._own
        if own.connection is None:
            own.connection = opened(self._path, _TABLES)
        return own.connection

    def _in_memory(self, error: Exception) -> sqlite3.Connection:
        self.close()
        own = self._own
        own.connection = connected(":memory:", _TABLES)
        if not self._warned:
            self._warned = True
            self._warn(f"{self._path} cannot be used ({error}): rate limit and breaker are this process's own")
        return own.connection

    def _end(self, word: str) -> None:
        connection = self._connection()
        if not connection.in_transaction:  # the turn broke off, and went on in memory
            return
        try:
            connection.execute(word)
        except _UNUSABLE as error:
            self._in_memory(error)


class RateBudget:
    """At most `rate` requests (1 or more) in any one second, by all who book under `key`.

    GCRA: the row keeps when the next request is due (`tat`, its theoretical arrival time), and a booking moves that on by one
    interval. So who comes first goes first, nobody polls, and who dies before sending has wasted one slot. A twentieth of a
    second's worth may go at once; the steady rate is that much lower, so that any one second keeps to `rate`.
    """

    def __init__(self, machine: Machine, key: str, rate: float) -> None:
        burst = max(1, int(rate / 20))
        self._machine = machine
        self._key = key
        self._interval = math.ceil(SECOND / (rate - burst + 1))
        self._tolerance = (burst - 1) * self._interval

    def take(self, *, wait: bool = True) -> float:
        """Book the next request; the seconds to wait before it may be sent (0 where `wait` is False, though it is booked)."""
        now = self._machine.now()
        ahead = self._booked(now, interval=self._interval) - self._interval - self._tolerance - now
        return max(ahead, 0) / SECOND if wait else 0.0

    def penalise(self, seconds: float) -> None:
        """The provider asked for a pause: whoever books from now on waits until it is over."""
        now = self._machine.now()
        self._booked(now, until=now + round(seconds * SECOND) + self._tolerance)

    def _booked(self, now: int, *, until: int = 0, interval: int = 0) -> int:
        values = {"key": self._key, "now": now, "until": until, "interval": interval, "step": _STEP, "cap": _CAP}
        row = self._machine.execute(_BOOK, values)
        assert row is not None
        tat: int = row[0]
        return tat


@dataclass(slots=True)
class _Own:
    lock: RLock = field(default_factory=RLock)
    connection: sqlite3.Connection | None = None
