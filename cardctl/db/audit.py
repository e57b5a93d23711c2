"""The repository of the audit: a chain of hashes over `audit`, whose head stands apart in `audit_head`, and its proof."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from cardctl.db.columns import canonical, free, moment_to_text, storable
from cardctl.db.many import Values, chunks, insert_rows
from cardctl.db.selecting import narrowed, stream, within
from cardctl.db.tables import AuditHeadRow, AuditRow, table_of
from cardctl.domain.audit import GENESIS, AuditEntry, AuditHead, chain_hash
from cardctl.domain.redaction import redact_json
from cardctl.errors import BooksCorrupt

_A = table_of(AuditRow)
_H = table_of(AuditHeadRow)
_FIELDS = [column.name for column in _A.columns]
_HEAD = select(_H.c.seq, _H.c.hash)
_MOVE = update(_H)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries; written from `since` on and before `until`."""

    object: str | None = None
    action: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What `verify` found: how many entries are whole, and the first that is not (`seq`, `problem`)."""

    ok: bool
    checked: int
    problem: str | None
    seq: int | None
    head: AuditHead


class Audit:
    """The chain. Appending reads the head and moves it in the same unit, so that writers follow one another."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(
        self,
        at: datetime,
        actor: str,
        action: str,
        object: str,  # noqa: A002 - the audit entry's own word
        before: dict[str, Any],
        after: dict[str, Any],
        reason: str | None,
        correlation_id: str,
    ) -> AuditEntry:
        """The next entry; card numbers and secrets are cut from `before`, `after` and `reason` first."""
        fields = _link(self.head(), at, actor, action, object, before, after, reason, correlation_id)
        self._keep([fields])
        return entry_from_row(fields)

    def append_many(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """The next entries, each of the words that `append` takes: the same chain as one by one."""
        head, links = self.head(), []
        for entry in entries:
            links.append(_link(head, **entry))
            head = AuditHead(links[-1][0], links[-1][-1])
        if links:
            self._keep(links)

    def rows(self, filter: AuditFilter = AuditFilter(), *, newest_first: bool = False) -> Iterator[AuditEntry]:  # noqa: A002
        """The entries, oldest first or newest, streamed."""
        query = narrowed(select(_A), (_A.c.object, filter.object), (_A.c.action, filter.action), (_A.c.actor, filter.actor))
        query = within(query, _A.c.at, filter.since, filter.until).limit(filter.limit)
        query = query.order_by(_A.c.seq.desc() if newest_first else _A.c.seq)
        return map(entry_from_row, stream(self._connection, query))

    def entries_after(self, seq: int) -> list[AuditEntry]:
        """Every entry later than the one numbered `seq`, in order."""
        return [entry_from_row(row) for row in self._connection.execute(select(_A).where(_A.c.seq > seq).order_by(_A.c.seq))]

    def touched(self, object: str, *, after: int, but: str) -> bool:  # noqa: A002
        """Whether an object has an entry later than the one numbered `after`, of another action than `but`."""
        wanted = (_A.c.object == object) & (_A.c.seq > after) & (_A.c.action != but)
        return self._connection.execute(select(_A.c.seq).where(wanted).limit(1)).first() is not None

    def touched_any(self, objects: Iterable[str], *, after: int, but: str) -> set[str]:
        """Those of the objects that have such an entry."""
        found: set[str] = set()
        for chunk in chunks(objects):
            wanted = _A.c.object.in_(chunk) & (_A.c.seq > after) & (_A.c.action != but)
            found.update(self._connection.execute(select(_A.c.object).where(wanted)).scalars())
        return found

    def head(self) -> AuditHead:
        """How far the chain goes; BooksCorrupt where that is not on record."""
        row = self._connection.execute(_HEAD).one_or_none()
        if row is None:
            raise BooksCorrupt("the head of the audit chain is missing")
        if type(row.seq) is not int or type(row.hash) is not str:
            raise BooksCorrupt("the head of the audit chain was changed")
        return AuditHead(row.seq, row.hash)

    def entry_hash(self, seq: int) -> str | None:
        """The hash of an entry, for an anchor; the one before the first is GENESIS."""
        if seq == 0:
            return GENESIS
        return self._connection.execute(select(_A.c.hash).where(_A.c.seq == seq)).scalar_one_or_none()

    def verify(self) -> AuditVerdict:
        """Walk the whole chain: a changed, missing, moved or added entry, and a cut tail, are each found."""
        walk = _Walk()
        try:
            head = self.head()
        except BooksCorrupt as error:
            return AuditVerdict(False, 0, error.message, None, AuditHead(0, GENESIS))
        try:
            with _exact_text(self._connection):
                for row in stream(self._connection, select(_A).order_by(_A.c.seq)):
                    walk.step(row)
                    if walk.problem:
                        break
        except BooksCorrupt as error:
            walk.problem = f"the entries cannot be read any further: {error.message}"
        if not walk.problem:
            walk.end(head)
        return AuditVerdict(walk.problem is None, walk.seq, walk.problem, walk.seq + 1 if walk.problem else None, head)

    def _keep(self, links: list[Values]) -> None:
        insert_rows(self._connection, _A, _FIELDS, links)
        self._connection.execute(_MOVE, {"seq": links[-1][0], "hash": links[-1][-1]})


def _link(
    head: AuditHead,
    at: datetime,
    actor: str,
    action: str,
    object: str,  # noqa: A002
    before: dict[str, Any],
    after: dict[str, Any],
    reason: str | None,
    correlation_id: str,
) -> Values:
    """All columns of the entry after `head`, in the table's order."""
    fields: dict[str, Any] = {
        "seq": head.seq + 1,
        "at": moment_to_text(at),
        "actor": storable(actor),
        "action": storable(action),
        "object": storable(object),
        "before": canonical(redact_json(before)),
        "after": canonical(redact_json(after)),
        "reason": free(reason),
        "correlation_id": storable(correlation_id),
    }
    return (*fields.values(), chain_hash(head.hash, **fields))


class _Walk:
    """How far the chain was found whole."""

    def __init__(self) -> None:
        self.seq = 0
        self.hash = GENESIS
        self.problem: str | None = None

    def step(self, row: Sequence[Any]) -> None:
        """The next entry: it must be the next number, and its hash must follow from its fields and the one before."""
        seq, at, actor, action, object_, before, after, reason, correlation_id, hash_ = row
        wanted = self.seq + 1
        if seq != wanted:
            self.problem = f"entry {wanted} is missing" if seq > wanted else f"entry {seq} does not belong to the chain"
            return
        try:
            right = chain_hash(
                self.hash,
                seq=seq,
                at=at,
                actor=actor,
                action=action,
                object=object_,
                before=before,
                after=after,
                reason=reason,
                correlation_id=correlation_id,
            )
        except (TypeError, UnicodeEncodeError):  # bytes where a text was, or a text that is no UTF-8
            right = ""
        if right != hash_:
            self.problem = f"entry {seq} was changed"
            return
        self.seq, self.hash = seq, right

    def end(self, head: AuditHead) -> None:
        """The last entry must be the head's."""
        if head.seq > self.seq:
            self.problem = f"the chain ends at entry {self.seq}, but {head.seq} were written: its tail was cut"
        elif head.seq < self.seq:
            self.problem = f"the chain goes on to entry {self.seq}, but only {head.seq} were written"
        elif head.hash != self.hash:
            self.problem = f"entry {self.seq} is not the one that was written last"


@contextmanager
def _exact_text(connection: Connection) -> Iterator[None]:
    """On SQLite a text that is no UTF-8 comes as it is (surrogates), so that the entry is named instead of the read failing."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "sqlite":
        yield
        return
    driver.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = str


def entry_from_row(row: Sequence[Any]) -> AuditEntry:
    """An entry of all columns in the table's order."""
    seq, at, actor, action, object_, before, after, reason, correlation_id, hash_ = row
    moment = datetime.fromisoformat(at)
    return AuditEntry(seq, moment, actor, action, object_, json.loads(before), json.loads(after), reason, correlation_id, hash_)
