"""The audit chain for a person: its proof, the anchor that proves it later, and all of it as it stands; changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cardctl.db.audit import AuditFilter
from cardctl.db.unit import Books, Unit
from cardctl.domain.audit import AuditEntry, AuditHead
from cardctl.errors import BadFile, BooksCorrupt

_DATABASE = "database_id"
_HASH = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_LARGEST = 64 * 1024
_LAST = 2**63 - 1
_UNREADABLE = "an entry of the audit cannot be read"
_VERIFY = "see which with `cardctl audit verify`"


@dataclass(frozen=True, slots=True)
class Anchor:
    """How far the chain of one database went at a moment. Kept elsewhere, it shows what was cut or written anew since."""

    seq: int
    hash: str
    at: datetime
    database: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written. `seq` is the entry, None where it is about the books as a whole."""

    seq: int | None
    problem: str


@dataclass(frozen=True, slots=True)
class Verified:
    """The proof: how many entries were found whole, how far the chain should go, and what is wrong."""

    checked: int
    head: AuditHead
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """The whole chain at one instant: its anchor, and its entries, oldest first, streamed."""

    anchor: Anchor
    entries: Iterator[AuditEntry]


def verify(books: Books, anchor: Anchor | None = None) -> Verified:
    """Walk the chain from its first entry to its head; with an `anchor`, what it knew must still be there, unchanged.

    The walk ends at the first entry that is wrong: whatever follows it hangs on a broken link.
    """
    with books.read() as unit:
        verdict = unit.audit.verify()
        findings = [] if verdict.ok else [Finding(verdict.seq, verdict.problem or "broken")]
        if anchor is not None:
            findings += _against(unit, anchor)
    return Verified(verdict.checked, verdict.head, tuple(findings))


@contextmanager
def whole_chain(books: Books, clock: Callable[[], datetime]) -> Iterator[Chain]:
    """The chain as of now, entries and anchor from one snapshot. BooksCorrupt where its end is not the one on record."""
    with books.read() as unit:
        head = unit.audit.head()
        if unit.audit.entry_hash(head.seq) != head.hash:
            raise BooksCorrupt("the audit chain does not end where it should: it has no anchor", hint=_VERIFY)
        anchor = Anchor(head.seq, head.hash, clock(), unit.meta.get(_DATABASE) or "")
        yield Chain(anchor, _readable(unit, AuditFilter(), newest_first=False))


def list_entries(
    books: Books,
    *,
    object_id: str | None = None,
    action: str | None = None,
    actor: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> Iterator[AuditEntry]:
    """The entries, newest first, streamed. BooksCorrupt where one cannot be read."""
    wanted = AuditFilter(object=object_id, action=action, actor=actor, since=since, until=until, limit=limit)
    with books.read() as unit:
        yield from _readable(unit, wanted, newest_first=True)


def read_anchor(path: Path) -> Anchor:
    """The anchor that an export wrote; BadFile where there is none or it is something else."""
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_LARGEST))
        seq, digest, at, database = (told[name] for name in ("seq", "hash", "at", "database"))
        if type(seq) is not int or not 0 <= seq <= _LAST or not _HASH.match(digest) or not isinstance(database, str):
            raise ValueError
        return Anchor(seq, digest, datetime.fromisoformat(at), database)
    except OSError as error:
        raise BadFile(f"cannot read the anchor {path}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadFile(
            f"{path} is no anchor of an audit chain", hint="`cardctl audit export --anchor FILE` writes one"
        ) from None


def _against(unit: Unit, anchor: Anchor) -> list[Finding]:
    if unit.meta.get(_DATABASE) != anchor.database:
        return [Finding(None, "these are not the books that the anchor was taken of")]
    try:
        known = unit.audit.entry_hash(anchor.seq)
    except BooksCorrupt as error:
        return [Finding(anchor.seq, f"entry {anchor.seq}, which the anchor knows, cannot be read: {error.message}")]
    if known is None:
        return [Finding(anchor.seq, f"entry {anchor.seq}, which the anchor knows, is gone: the chain was cut")]
    if known != anchor.hash:
        return [Finding(anchor.seq, f"entry {anchor.seq} is not the one that the anchor knows: the chain was written anew")]
    return []


def _readable(unit: Unit, wanted: AuditFilter, *, newest_first: bool) -> Iterator[AuditEntry]:
    try:
        for entry in unit.audit.rows(wanted, newest_first=newest_first):
            texts = entry.actor, entry.action, entry.object, entry.reason or "", entry.correlation_id, entry.hash
            if not all(type(text) is str for text in texts):
                raise TypeError
            yield entry
    except (ValueError, TypeError, AttributeError) as error:  # not JSON, not a time, bytes where a text was
        raise BooksCorrupt(_UNREADABLE, hint=_VERIFY) from error
