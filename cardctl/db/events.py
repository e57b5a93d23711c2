"""The repository of events: rows of `events` ⇄ `Event`, each kept once; bodies and headers are opened on demand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, tuple_, update

from cardctl.db.columns import free
from cardctl.db.event_rows import FIELDS, PLAIN, STATES, event_from_row, values_of
from cardctl.db.event_tables import EventRow
from cardctl.db.many import Values, chunks, insert_rows, rows_of
from cardctl.db.sealed import Box, Place
from cardctl.db.selecting import find_by_name, narrowed, starts_with, stream, within
from cardctl.db.tables import table_of
from cardctl.domain.events import Arrival, Event, EventState, Receipt, Signature, Source

_E = table_of(EventRow)
_EVENT = select(*PLAIN)
_NEWEST = _E.c.received_at.desc(), _E.c.id.desc()
_OLDEST = _E.c.received_at, _E.c.id
_DONE = EventState.APPLIED, EventState.IGNORED
UNFINISHED = EventState.RECEIVED, EventState.FAILED, EventState.DEAD


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; that came from `since` on and before `until`. `type` may end in `*`; `ids` are our own."""

    provider: str | None = None
    programme: str | None = None
    type: str | None = None
    states: tuple[EventState, ...] = ()
    signature: Signature | None = None
    card_ref: str | None = None
    object_ref: str | None = None
    ids: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """How applying an event ended."""

    id: str
    state: EventState
    attempts: int
    error: str | None = None
    waits_for: str | None = None


class Events:
    """Events of our books."""

    def __init__(self, connection: Connection, box: Box) -> None:
        self._connection = connection
        self._box = box

    def keep(self, arrivals: Iterable[Arrival]) -> list[Receipt]:
        """Each event once, in order; one that is here without proof takes the proof that came now, to be applied again."""
        arrivals = list(arrivals)
        known = self._known(event.id for arrival in arrivals for event in arrival.events)
        receipts, rows, proven, again = [], list[Values](), list[tuple[Event, Arrival]](), list[str]()
        for arrival in arrivals:
            carrier: str | None = None
            for event in arrival.events:
                believed = known.get(event.id)
                if believed is None:
                    rows.append(self._row(event, arrival, carrier))
                    carrier = carrier or event.id
                elif event.believed and not believed:
                    proven.append((event, arrival))
                else:
                    again.append(event.id)
                receipts.append(Receipt(event.id, believed is None, event.believed and believed is False))
                known[event.id] = event.believed or bool(believed)
        insert_rows(self._connection, _E, [*FIELDS, "carrier", "message"], rows)
        self._repeat(again)
        for event, arrival in proven:
            self._prove(event, arrival)
        return receipts

    def get(self, id: str) -> Event | None:  # noqa: A002 - the house's word for our own name of a thing
        row = self._connection.execute(_EVENT.where(_E.c.id == id)).one_or_none()
        return None if row is None else event_from_row(row)

    def get_many(self, ids: Iterable[str]) -> list[Event]:
        """Those that are there, oldest first."""
        found: list[Event] = []
        for chunk in chunks(ids):
            found += map(event_from_row, self._connection.execute(_EVENT.where(_E.c.id.in_(chunk))))
        return sorted(found, key=lambda event: (event.received_at, event.id))

    def find(self, name: str, *, programme: str | None = None) -> list[Event]:
        """Up to three events that answer to a name: our id, else the provider's, else a prefix (8 or more) of our id."""
        keys = [_E.c.id, _E.c.event_id]
        found = find_by_name(self._connection, _EVENT, keys, name, programme=programme, prefix=True)
        return [event_from_row(row) for row in found]

    def rows(self, filter: EventFilter = EventFilter()) -> Iterator[Event]:  # noqa: A002
        """The events, the last that came first, streamed."""
        return map(event_from_row, stream(self._connection, _filtered(_EVENT, filter).order_by(*_NEWEST).limit(filter.limit)))

    def page(self, filter: EventFilter, after: tuple[str, str] | None, count: int) -> list[Event]:  # noqa: A002
        """At most `count` events in the order in which they came, from behind the place `after` (see `place_of`) on."""
        query = _filtered(_EVENT, filter)
        if after is not None:
            query = query.where(tuple_(*_OLDEST) > after)
        return [event_from_row(row) for row in self._connection.execute(query.order_by(*_OLDEST).limit(count))]

    def count(self, filter: EventFilter) -> int:  # noqa: A002
        """How many the filter finds; its limit does not cut the number."""
        return int(self._connection.execute(_filtered(select(func.count()).select_from(_E), filter)).scalar_one())

    def by_provider(self, filter: EventFilter) -> dict[str, int]:  # noqa: A002
        """How many the filter finds, by provider; its limit does not cut the numbers."""
        query = _filtered(select(_E.c.provider, func.count()), filter).group_by(_E.c.provider).order_by(_E.c.provider)
        return {provider: int(many) for provider, many in self._connection.execute(query)}

    def counts(self) -> list[tuple[str, str, EventState, int, int]]:
        """Provider, signature, state: how many there are, and how often they came."""
        columns = _E.c.provider, _E.c.signature, _E.c.state
        query = select(*columns, func.count(), func.sum(_E.c.times)).group_by(*columns).order_by(*columns)
        found = self._connection.execute(query)
        return [(provider, word, STATES[state], many, times) for provider, word, state, many, times in found]

    def heard(self, programme: str) -> tuple[datetime | None, set[str]]:
        """When the first event of a programme came that nobody imported (None: none did), and of which types they are."""
        ours = _E.c.programme == programme, _E.c.source != str(Source.IMPORTED)
        first = self._connection.execute(select(func.min(_E.c.received_at)).where(*ours)).scalar_one()
        types = self._connection.execute(select(_E.c.type).where(*ours).distinct()).scalars()
        return (None if first is None else datetime.fromisoformat(first)), set(types)

    def known_of(self, ids: Iterable[str]) -> set[str]:
        """Those of our ids that are in the books."""
        return set(self._known(ids))

    def waiting_for(self, programme: str, refs: Iterable[str]) -> list[Event]:
        """Events that cannot be applied before one of these objects is in the books."""
        found: list[Event] = []
        for chunk in chunks(refs):
            query = _EVENT.where(_E.c.programme == programme, _E.c.waits_for.in_(chunk), _E.c.waits_for.is_not(None))
            found += map(event_from_row, self._connection.execute(query.order_by(*_OLDEST)))
        return found

    def bodies(self, events: Sequence[Event]) -> dict[str, bytes]:
        """The raw bodies that the events came in, by our id; one whose body was dropped is left out."""
        opened: dict[str, bytes] = {}
        carriers: dict[str, str] = {}
        for chunk in chunks(event.id for event in events):
            query = select(_E.c.id, _E.c.carrier, _E.c.message).where(_E.c.id.in_(chunk))
            for id_, carrier, message in self._connection.execute(query):
                if carrier is not None:
                    carriers[id_] = carrier
                elif message is not None:
                    opened[id_] = self._opened(id_, message)[1]
        missing = set(carriers.values()) - set(opened)
        if missing:
            opened |= self.bodies(self.get_many(missing))
        return opened | {id_: opened[carrier] for id_, carrier in carriers.items() if carrier in opened}

    def headers(self, id: str) -> dict[str, str]:  # noqa: A002
        """The headers that the event came with, credentials cut; none where its body was dropped."""
        row = self._connection.execute(select(_E.c.carrier, _E.c.message).where(_E.c.id == id)).one_or_none()
        if row is None or (row.carrier is None and row.message is None):
            return {}
        return self.headers(row.carrier) if row.carrier is not None else self._opened(id, row.message)[0]

    def mark(self, marks: Sequence[Mark]) -> None:
        """How applying them ended. A failure does not take back that an event was applied before, by whomever."""
        for mark_all, done in ((_FINISH, True), (_FAIL, False)):
            values = [
                {"which": mark.id, "to": mark.state, "tried": mark.attempts, "why": free(mark.error), "wants": mark.waits_for}
                for mark in marks
                if (mark.state in _DONE) is done
            ]
            if values:
                self._connection.execute(mark_all, values)

    def _known(self, ids: Iterable[str]) -> dict[str, bool]:
        """Which ids there are, and whether what came under each is believed."""
        found = rows_of(self._connection, _E, ("id", "signature", "source"), ids)
        return {id_: signature == Signature.VALID or source == Source.BACKFILLED for id_, signature, source in found}

    def _row(self, event: Event, arrival: Arrival, carrier: str | None) -> Values:
        return (*values_of(event), carrier, None if carrier is not None else self._sealed(event.id, arrival))

    def _sealed(self, id: str, arrival: Arrival) -> bytes | None:  # noqa: A002
        """Headers as one line of JSON, then the body as it came."""
        if arrival.body is None:
            return None
        return self._box.seal_bytes(Place("events", "message", id), orjson.dumps(arrival.headers) + b"\n" + arrival.body)

    def _opened(self, id: str, message: bytes) -> tuple[dict[str, str], bytes]:  # noqa: A002
        headers, _, body = self._box.open_bytes(Place("events", "message", id), message).partition(b"\n")
        return orjson.loads(headers), body

    def _repeat(self, ids: Sequence[str]) -> None:
        if ids:
            self._connection.execute(_AGAIN, [{"which": id_} for id_ in ids])

    def _prove(self, event: Event, arrival: Arrival) -> None:
        """What came with proof takes the place of what came without; others that came in the old body keep that."""
        query = select(_E.c.message).where(_E.c.id == event.id)
        old = self._connection.execute(query).scalar_one()
        for other in self._connection.execute(select(_E.c.id).where(_E.c.carrier == event.id)).scalars().all():
            message = None if old is None else self._box.open_bytes(Place("events", "message", event.id), old)
            anew = None if message is None else self._box.seal_bytes(Place("events", "message", other), message)
            self._connection.execute(update(_E).where(_E.c.id == other).values(carrier=None, message=anew))
        values = dict(zip(FIELDS, values_of(event), strict=True)) | {
            "message": self._sealed(event.id, arrival),
            "carrier": None,
        }
        self._connection.execute(update(_E).where(_E.c.id == event.id).values(values | {"times": _E.c.times + 1}))


_WHICH = _E.c.id == bindparam("which")
_AGAIN = update(_E).where(_WHICH).values(times=_E.c.times + 1)
_MARKED: Mapping[str, Any] = {
    "state": bindparam("to"),
    "attempts": bindparam("tried"),
    "error": bindparam("why"),
    "waits_for": bindparam("wants"),
}
_FINISH = update(_E).where(_WHICH).values(_MARKED)
_FAIL = update(_E).where(_WHICH, *(_E.c.state != str(state) for state in _DONE)).values(_MARKED)


def _filtered(query: Select[Any], filter: EventFilter) -> Select[Any]:  # noqa: A002
    query = narrowed(
        query,
        (_E.c.provider, filter.provider),
        (_E.c.programme, filter.programme),
        (_E.c.signature, filter.signature),
        (_E.c.card_ref, filter.card_ref),
        (_E.c.object_ref, filter.object_ref),
    )
    if filter.states:
        query = query.where(_E.c.state.in_(filter.states))
    if filter.type is not None:
        query = query.where(_of_type(filter.type))
    if filter.ids:
        query = query.where(_E.c.id.in_(filter.ids))
    return within(query, _E.c.received_at, filter.since, filter.until)


def _of_type(wanted: str) -> ColumnElement[bool]:
    return starts_with(_E.c.type, wanted[:-1]) if wanted.endswith("*") else _E.c.type == wanted
