"""What came and was not believed, in one small capped SQLite file apart from the books; only sealing needs a library.

All of it may be lost at any time, so nothing is synced to a disk; who notes here never waits for the books, nor they for this.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from cardctl.db.side_file import opened
from cardctl.domain.events import Event, EventState, Signature, Source
from cardctl.domain.redaction import redact
from cardctl.errors import BooksCorrupt, SecretProblem

if TYPE_CHECKING:
    from cardctl.db.sealed import EncryptionKeys, Ring

T = TypeVar("T")

MOST_ROWS = 1_000
MOST_BYTES = 16_000_000
"""Of what is sealed, all rows together; beyond either, the oldest go."""

_UNUSABLE = (sqlite3.DatabaseError, OSError)
_UNOPENED = (BooksCorrupt, SecretProblem)
_TABLES = (
    "CREATE TABLE IF NOT EXISTS quarantine (id TEXT PRIMARY KEY, provider TEXT NOT NULL, programme TEXT NOT NULL,"
    " received_at TEXT NOT NULL, last_at TEXT NOT NULL, signature TEXT NOT NULL, reason TEXT NOT NULL, types TEXT NOT NULL,"
    " digest TEXT NOT NULL, times INTEGER NOT NULL, size INTEGER NOT NULL, headers BLOB NOT NULL, body BLOB)",
    "CREATE INDEX IF NOT EXISTS quarantine_last ON quarantine (last_at, id)",
)
_PLAIN = "id, provider, programme, received_at, last_at, signature, reason, types, digest, times"
_NEWEST = "ORDER BY last_at DESC, id DESC"
_NOTE = (  # our own words alone, and so below
    f"INSERT INTO quarantine ({_PLAIN}, size, headers, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    " ON CONFLICT (id) DO UPDATE SET times = times + excluded.times, last_at = max(last_at, excluded.last_at)"
)
_AGAIN = "UPDATE quarantine SET times = times + ?, last_at = max(last_at, ?) WHERE id = ?"
_CUT = (  # the newest are counted until either cap is reached; what lies behind goes
    "DELETE FROM quarantine WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER newest AS place, sum(size) OVER newest AS"  # noqa: S608
    f" total FROM quarantine WINDOW newest AS ({_NEWEST} ROWS UNBOUNDED PRECEDING)) WHERE place > ? OR total > ?)"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is noted: a body (None: it may not be kept) with its SHA-256, credentials cut from its headers; `types` are what it
    claims to be."""

    provider: str
    programme: str
    received_at: datetime
    signature: Signature
    reason: str
    digest: str
    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)
    types: tuple[str, ...] = ()
    times: int = 1


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row: the same body is one, however often it came; `received_at` is the first time and `last_at` the last."""

    id: str
    provider: str
    programme: str
    received_at: datetime
    last_at: datetime
    signature: Signature
    reason: str
    types: tuple[str, ...]
    digest: str
    times: int


class Quarantine:
    """The file, made (0600) when something is first noted. Safe for threads.

    Where it cannot be used (damaged, no room, no right) nothing is noted and nothing found; `warn` is told so, once.
    """

    def __init__(
        self,
        path: Path,
        *,
        keys: Callable[[], EncryptionKeys],
        warn: Callable[[str], None] = lambda _: None,
        most_rows: int = MOST_ROWS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.warn = warn
        self._path = path
        self._keys = keys
        self._caps = most_rows, most_bytes
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None
        self._warned = False

    def note_many(self, refusals: Sequence[Refusal]) -> None:
        """All of them in one transaction; what is over the caps goes, the oldest first."""
        if not refusals:
            return
        self._do(lambda connection: self._note(connection, refusals), None, make=True)

    def rows(
        self, *, provider: str | None = None, since: datetime | None = None, limit: int | None = None
    ) -> list[Quarantined]:
        """Newest first; `since` asks for those that came last then or later."""
        wanted = [("provider = ?", provider), ("last_at >= ?", None if since is None else _text(since))]
        given = [(clause, value) for clause, value in wanted if value is not None]
        where = f"WHERE {' AND '.join(clause for clause, _ in given)} " if given else ""
        query = f"SELECT {_PLAIN} FROM quarantine {where}{_NEWEST} LIMIT ?"  # noqa: S608
        return [_quarantined(row) for row in self._select(query, [*(value for _, value in given), limit or -1])]

    def get(self, id: str) -> Quarantined | None:  # noqa: A002 - the house's word for our own name of a thing
        found = self._select(f"SELECT {_PLAIN} FROM quarantine WHERE id = ?", [id])  # noqa: S608
        return _quarantined(found[0]) if found else None

    def body(self, id: str) -> bytes | None:  # noqa: A002
        """The raw body; None where it was not kept, or no key at hand opens it."""
        return self._opened(id, "body")

    def headers(self, id: str) -> dict[str, str]:  # noqa: A002
        """The headers that it came with, credentials cut; none where no key at hand opens them."""
        told = self._opened(id, "headers")
        kept: dict[str, str] = json.loads(told) if told else {}
        return kept

    def count(self) -> int:
        found = self._select("SELECT count(*) FROM quarantine", [])
        return int(found[0][0]) if found else 0

    def clear(self) -> int:
        """Throw everything away; how many rows that were."""
        return self._do(lambda connection: connection.execute("DELETE FROM quarantine").rowcount, 0)

    def close(self) -> None:
        """Give the file back; it opens again when it is used again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    @cached_property
    def _ring(self) -> Ring:
        from cardctl.db.sealed import Ring  # noqa: PLC0415 - who only counts seals nothing

        return Ring(self._keys())

    def _note(self, connection: sqlite3.Connection, refusals: Iterable[Refusal]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for refusal in refusals:
                id_, at = _id_of(refusal), _text(refusal.received_at)
                if connection.execute(_AGAIN, (refusal.times, at, id_)).rowcount == 0:
                    connection.execute(_NOTE, self._row(id_, at, refusal))
            connection.execute(_CUT, self._caps)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def _row(self, id_: str, at: str, refusal: Refusal) -> tuple[Any, ...]:
        headers = self._seal(id_, "headers", json.dumps(dict(refusal.headers)).encode())
        body = None if refusal.body is None else self._seal(id_, "body", refusal.body)
        told = redact(refusal.reason), redact(json.dumps(refusal.types)), refusal.digest, refusal.times
        size = len(headers) + len(body or b"")
        return (id_, refusal.provider, refusal.programme, at, at, str(refusal.signature), *told, size, headers, body)

    def _seal(self, id_: str, column: str, data: bytes) -> bytes:
        from cardctl.db.sealed import Place  # noqa: PLC0415

        return self._ring.seal_bytes(Place("quarantine", column, id_), data)

    def _opened(self, id_: str, column: str) -> bytes | None:
        from cardctl.db.sealed import Place  # noqa: PLC0415

        found = self._select(f"SELECT {column} FROM quarantine WHERE id = ?", [id_])  # noqa: S608
        if not found or found[0][0] is None:
            return None
        try:
            return self._ring.open_bytes(Place("quarantine", column, id_), found[0][0])
        except _UNOPENED:
            return None

    def _select(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        return self._do(lambda connection: connection.execute(query, values).fetchall(), [])

    def _do(self, work: Callable[[sqlite3.Connection], T], otherwise: T, *, make: bool = False) -> T:
        """The work on the open file; `otherwise` where there is none to read. What fails is told once and goes no further."""
        with self._lock:
            try:
                if self._connection is None and (make or os.path.exists(self._path)):
                    self._connection = opened(self._path, _TABLES)
                return otherwise if self._connection is None else work(self._connection)
            except _UNUSABLE as error:
                self.close()
                self._complain(error)
                return otherwise

    def _complain(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            self.warn(f"{self._path} cannot be used ({error}): what is not believed is counted, and not kept")


def as_event(row: Quarantined) -> Event:
    """A row as lists of events show it: by our id for it, since the id that a forger claims means nothing."""
    return Event(
        id=row.id,
        provider=row.provider,
        programme=row.programme,
        event_id=row.id,
        type=row.types[0] if row.types else "unknown",
        object_ref=None,
        card_ref=None,
        occurred_at=None,
        received_at=row.received_at,
        signature=row.signature,
        source=Source.SERVED,
        state=EventState.QUARANTINED,
        error=row.reason,
        times=row.times,
        digest=row.digest,
    )


def _id_of(refusal: Refusal) -> str:
    return "qev_" + hashlib.sha256(f"{refusal.provider}\n{refusal.digest}".encode()).hexdigest()[:24]


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _quarantined(row: Sequence[Any]) -> Quarantined:
    id_, provider, programme, received_at, last_at, signature, reason, types, digest, times = row
    first, last = datetime.fromisoformat(received_at), datetime.fromisoformat(last_at)
    return Quarantined(
        id_, provider, programme, first, last, Signature(signature), reason, tuple(json.loads(types)), digest, times
    )
