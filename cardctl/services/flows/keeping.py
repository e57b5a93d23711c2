"""Keeping the books for a command, which may not touch a database: their state, copies, their key, beginning anew."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cardctl.db import maintenance
from cardctl.db.engine import is_postgres
from cardctl.db.sealed import EncryptionKeys
from cardctl.db.unit import Books
from cardctl.domain.audit import AuditHead
from cardctl.domain.redaction import Secret
from cardctl.errors import (
    BooksCorrupt,
    BooksForeign,
    BooksUnusable,
    NotFound,
    Refused,
    SchemaNewer,
    SchemaOlder,
    WrongEncryptionKey,
)
from cardctl.secrets import Found, Secrets

SCHEMA_HEAD = maintenance.HEAD
KEY = "db.encryption_key"
PREVIOUS = "db.encryption_key_previous"
_GRACE = 0.5
"""Seconds that the previous key stays after the commit: who reads a snapshot from before it may only now ask for the keys."""
_OURS = frozenset({"keyring", "development key"})
"""Sources that cardctl writes itself."""


@dataclass(frozen=True, slots=True)
class State:
    """The books as they are: None where they are not made yet; `audit_head` None where this cardctl cannot read them."""

    schema: maintenance.SchemaStatus | None
    audit_head: AuditHead | None


@dataclass(frozen=True, slots=True)
class Upgraded:
    """From which schema to which; `backup` is the copy made before (none on PostgreSQL, or where nothing was to be done)."""

    before: int
    after: int
    backup: Path | None


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back. `older`: `db upgrade` comes next. `readable`: the key it was sealed with is at hand."""

    schema_version: int
    replaced: Path | None
    older: bool
    readable: bool


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many rows were sealed anew. `finished`: an earlier rotation was ended, and no new key made. `left`: where the
    previous key still is, since only its owner can take it away."""

    rows: int
    finished: bool
    left: Found | None


@dataclass(frozen=True, slots=True)
class Begun:
    """What was deleted, by table; `replaced` is where books are kept that could not be read, and had to be replaced."""

    rows: dict[str, int]
    replaced: Path | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What the audit says of who did something, when."""

    at: datetime
    actor: str
    correlation_id: str


def state(books: Books, target: str) -> State:
    """What there is at `target`; nothing is made. BooksUnusable where it is not cardctl's, or cannot be opened."""
    if not maintenance.exist(target):
        return State(None, None)
    found = maintenance.status(target)
    head = None
    with suppress(BooksUnusable), books.read() as unit:
        head = unit.audit.head()
    return State(found, head)


def upgrade(target: str, environment: str, backup_to: Path) -> Upgraded:
    """Bring the schema up to date, after a copy to `backup_to`; BooksForeign where the books are another environment's."""
    found = maintenance.status(target)
    if found.environment != environment:
        raise BooksForeign(f"{found.place} belongs to the environment {found.environment}, not {environment}")
    done = maintenance.upgrade(target, backup_to)
    return Upgraded(done.before, done.after, done.backup)


def backup(target: str, to: Path) -> Path:
    """A whole, checked copy of the books as one file; others go on writing meanwhile. BadFile where `to` is taken."""
    return maintenance.backup(target, to)


def restore(books: Books, target: str, copy: Path, environment: str, *, agreed: Callable[[int], None]) -> Restored:
    """Put a copy in the place of the books, once it is proven and `agreed` (given its schema version) has not raised."""

    def asked(found: maintenance.Identity) -> None:
        if found.environment != environment:
            raise BooksForeign(f"{copy} belongs to the environment {found.environment}, not {environment}")
        agreed(found.version)

    done = maintenance.restore(target, copy, environment=environment, agreed=asked)
    older = maintenance.status(target).version < maintenance.HEAD
    return Restored(done.version, done.replaced, older, readable=older or _readable(books))


def rotate_key(
    secrets: Secrets,
    open_books: Callable[[], Books],
    new_key: Callable[[], Secret],
    entry: Entry,
    *,
    others: Sequence[str] = (),
    pause: Callable[[float], None],
) -> Rotated:
    """Seal everything anew with a new key, in one transaction. A kill at any instant leaves books that can be read:

    the new key is kept as the current one and the old one as the previous before anything is sealed anew, and the previous one
    goes only after that is committed. Repeated after a kill, or where somebody has set both keys, it ends what was begun.
    `others` are the profiles that share the books: Refused where each has the key in an entry of its own.
    """
    secrets.get(KEY)  # SecretMissing, with the ways to provide it
    current = secrets.find(KEY)
    assert current is not None
    earlier = secrets.find(PREVIOUS)
    begun = earlier is not None and earlier.secret.reveal() != current.secret.reveal()
    if not begun:
        _check_ours(current)
        _check_shared(current, others)
        _prove(open_books)
        secrets.set(PREVIOUS, current.secret)
        secrets.set(KEY, new_key())
    rows = _reseal(open_books, entry)
    left = secrets.find(PREVIOUS)
    if left is not None and left.source in _OURS:
        pause(_GRACE)
        secrets.delete(PREVIOUS)
        left = secrets.find(PREVIOUS)
    return Rotated(rows, begun, left)


def begin_anew(books: Books, target: str, *, then: Callable[[], None]) -> Begun:
    """Empty a simulator's books, and do `then` (empty the far side) before that is committed, so that a failure leaves both.

    Rows are deleted in one transaction, so other processes may have the books open. Books that cannot be read (damaged, or of
    another schema) are replaced by new ones instead and kept beside: BooksLocked while anybody uses them.
    """
    try:
        with books.write() as unit:
            rows = unit.empty()
            then()
        return Begun(rows)
    except (BooksCorrupt, SchemaOlder, SchemaNewer):
        if is_postgres(target):
            raise
    books.close()
    replaced = _replaced(Path(target))
    then()
    return Begun({}, replaced)


def drop_damaged_key(secrets: Secrets) -> bool:
    """In the simulator, whose books are empty now: take a damaged development key away, so that the next use makes another."""
    damaged = any("is damaged" in each.outcome for name in (KEY, PREVIOUS) for each in secrets.explain(name))
    for name in (KEY, PREVIOUS) if damaged else ():
        with suppress(NotFound):
            secrets.delete(name)
    return damaged


def _replaced(path: Path) -> Path | None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as beside:
        fresh = Path(beside, path.name)
        blank = Books(str(fresh), environment="simulator", keys=_no_keys)
        blank.prepare()
        blank.close()
        return maintenance.restore(str(path), fresh, environment="simulator").replaced


def _no_keys() -> EncryptionKeys:
    raise AssertionError("empty books have nothing sealed in them")


def _check_ours(current: Found) -> None:
    if current.source not in _OURS:
        raise Refused(
            f"{KEY} comes from the {current.source} ({current.detail}), which cardctl does not write",
            hint=f"there, set a new key as {KEY} and this one as {PREVIOUS}, then run this again: it seals everything anew",
        )


def _check_shared(current: Found, others: Sequence[str]) -> None:
    """A new key in one profile's keyring entry would shut the others out of their books."""
    if others and current.source == "keyring":
        raise Refused(
            f"{', '.join(others)} opens these books too, with a {KEY} of its own in the keyring",
            hint=f"for each of the profiles set a new key as {KEY} and the one of now as {PREVIOUS}, then run this again",
        )


def _prove(open_books: Callable[[], Books]) -> None:
    """A key that does not fit the books now must not become their previous one: WrongEncryptionKey."""
    books = open_books()
    try:
        with books.read() as unit:
            assert unit.box.ring
    finally:
        books.close()


def _readable(books: Books) -> bool:
    try:
        with books.read() as unit:
            return bool(unit.box.ring)
    except WrongEncryptionKey:
        return False


def _reseal(open_books: Callable[[], Books], entry: Entry) -> int:
    books = open_books()
    try:
        with books.write() as unit:
            rows = unit.box.reseal()
            unit.audit.append(
                at=entry.at,
                actor=entry.actor,
                action="secret.rotate",
                object=KEY,
                before={},
                after={"rows": rows},
                reason=None,
                correlation_id=entry.correlation_id,
            )
        return rows
    finally:
        books.close()
