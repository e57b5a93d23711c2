"""The webhook history of another system, kept as events that nothing proves and that are never applied."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import orjson

from cardctl.db.unit import Books
from cardctl.domain.events import Arrival, Event, EventState, Signature, Source, own_id
from cardctl.domain.redaction import redact, redact_body
from cardctl.services.deeds.inbox import Reception, keep
from cardctl.services.flows.importing.table import Bad, BadCell, Faults, Row

COLUMNS = ("event_id", "card_id", "event_type", "payload", "signature_valid", "inserted_at")
NEEDED = ("event_type", "payload", "inserted_at")
NOT_APPLIED = "imported history, not applied"
_BATCH = 1_000
_LONGEST = 255


@dataclass(slots=True)
class ImportedEvents:
    """`rows` were read; of the good ones `new` are (or in a rehearsal would be) kept, and `known` were here already. `dropped`:
    their bodies may not be kept."""

    rows: int = 0
    new: int = 0
    known: int = 0
    dropped: int = 0
    bad: Faults = field(default_factory=Faults)


def import_events(
    books: Books,
    reception: Reception,
    rows: Iterable[Row | Bad],
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _count: None,
) -> ImportedEvents:
    """Keep every good row as an event, once, however often the file is imported; whatever it says, nothing proves it."""
    total, source = ImportedEvents(), iter(rows)
    rehearsed = set[str]()
    while batch := list(islice(source, _BATCH)):
        total.rows += len(batch)
        arrivals = list(_arrivals(reception, batch, total))
        if dry_run:
            _rehearse(books, arrivals, rehearsed, total)
        else:
            for receipt in keep(books, arrivals):
                total.new += receipt.new
                total.known += not receipt.new
        progress(len(batch))
    return total


def _rehearse(books: Books, arrivals: Iterable[Arrival], seen: set[str], total: ImportedEvents) -> None:
    ids = [event.id for arrival in arrivals for event in arrival.events]
    with books.read() as unit:
        seen |= unit.events.known_of(ids)
    for id_ in ids:
        total.known += id_ in seen
        total.new += id_ not in seen
        seen.add(id_)


def _arrivals(reception: Reception, batch: Iterable[Row | Bad], total: ImportedEvents) -> Iterator[Arrival]:
    for row in batch:
        if isinstance(row, Bad):
            total.bad.add(row)
            continue
        try:
            arrival = _arrival(reception, row)
        except BadCell as bad:
            total.bad.add(Bad(row.line, bad.column, bad.message))
            continue
        total.dropped += arrival.body is None
        yield arrival


def _arrival(reception: Reception, row: Row) -> Arrival:
    body = _payload(row.cells["payload"])
    digest = hashlib.sha256(row.cells["payload"].encode()).hexdigest()
    event_id, card_ref = _name(row, "event_id") or digest, _name(row, "card_id")
    kind = _name(row, "event_type")
    if kind is None:
        raise BadCell("event_type", "it is empty")
    event = Event(
        id=own_id(reception.programme, event_id),
        provider=reception.provider,
        programme=reception.programme,
        event_id=event_id,
        type=kind,
        object_ref=card_ref,
        card_ref=card_ref,
        occurred_at=None,
        received_at=_moment(row.cells["inserted_at"]),
        signature=Signature.ABSENT,
        source=Source.IMPORTED,
        state=EventState.IGNORED,
        error=NOT_APPLIED,
        digest=digest,
    )
    return Arrival((event,), reception.webhooks.kept_body(body))


def _payload(text: str) -> bytes:
    """The JSON as it may be kept: what a stranger kept of cards may be anything."""
    body = text.encode()
    try:
        orjson.loads(body)
    except ValueError:
        raise BadCell("payload", "it is no JSON" if text else "it is empty") from None
    return redact_body(body)


def _name(row: Row, column: str) -> str | None:
    text = row.cells.get(column) or None
    if text is None:
        return None
    if len(text) > _LONGEST or not text.isprintable():
        raise BadCell(column, "it is no name: too long, or with characters that none has")
    if redact(text) != text:
        raise BadCell(column, "it looks like a card number or a secret, and would be kept in clear")
    return text


def _moment(text: str) -> datetime:
    """UTC where it does not say."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadCell("inserted_at", "it is no time such as 2025-03-01 12:00:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
