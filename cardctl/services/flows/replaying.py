"""Stored events applied again, or rehearsed: what that would change, per object. Moves no money, answers no authorization."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cardctl.db.event_rows import place_of
from cardctl.db.events import UNFINISHED, EventFilter
from cardctl.db.unit import Books, Unit
from cardctl.domain.audit import AuditEntry
from cardctl.domain.cards import Card
from cardctl.domain.events import Event, EventState
from cardctl.domain.money import Money
from cardctl.domain.transactions import OURS, Transaction
from cardctl.providers.notifying import Webhooks
from cardctl.services.applying import BATCH, ROUNDS, Applied, apply
from cardctl.services.desk import Desk
from cardctl.services.entries import shown
from cardctl.services.rereading import Readings, read
from cardctl.services.taking import Taking
from cardctl.services.telling import Item, translate
from cardctl.stopping import never

_WORDS = ("kind", "state", "amount", "impact", "authorization_code", "parent_ref", "occurred_at")
_BALANCE = "card.balance"
_BROKEN = EventState.FAILED, EventState.DEAD


@dataclass(frozen=True, slots=True)
class Range:
    """Which events; that came from `since` on and before `until`. `type` may end in `*`; `unfinished`: what failed, is dead, or
    was never applied. `ids` are our own."""

    ids: tuple[str, ...] = ()
    provider: str | None = None
    type: str | None = None
    card: Card | None = None
    since: datetime | None = None
    until: datetime | None = None
    unfinished: bool = False
    limit: int | None = None

    @property
    def filter(self) -> EventFilter:
        """The same, as the books are asked."""
        return EventFilter(
            provider=self.provider,
            type=self.type,
            states=UNFINISHED if self.unfinished else (),
            card_ref=self.card.ref if self.card else None,
            ids=self.ids,
            since=self.since,
            until=self.until,
            limit=self.limit,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What a replay would make of one object: our id, or the provider's name for what is not here yet."""

    object: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(slots=True)
class Rehearsed:
    """`changes` by object; `events` were looked at; `failures` could not be applied, by id; `later` could not be read now."""

    events: int = 0
    changes: list[Change] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    later: int = 0


@dataclass(slots=True)
class Replayed:
    """How a replay ended; `skipped`: an earlier one of the same events was interrupted, and this one went on from there."""

    applied: Applied
    events: int = 0
    skipped: bool = False


def providers_of(books: Books, wanted: Range) -> dict[str, int]:
    """Who sent the events that are wanted, and how many; a limit does not cut the numbers."""
    with books.read() as unit:
        return unit.events.by_provider(wanted.filter)


def replay(
    desk: Desk,
    webhooks: Webhooks,
    wanted: Range,
    *,
    anew: bool = False,
    late: Callable[[], bool] = never,
    progress: Callable[[int], None] = lambda _count: None,
) -> Replayed:
    """Apply every event that is wanted again, in the order in which they came, a page at a time, until it is late.

    How far it came is kept, so that one that was interrupted goes on where it was, unless it is to begin `anew`. A page that
    was cut short is begun again: applying what is applied changes nothing.
    """
    chosen = replace(wanted.filter, programme=desk.programme)
    done, stream = Replayed(Applied()), _stream(chosen)
    after = None if anew else _place(desk, stream)
    done.skipped = after is not None
    while events := _page(desk, chosen, after, done.events):
        if late():
            return done
        done.applied.add(apply(desk, webhooks, events, late=late))
        done.events += len(events)
        if done.applied.cut:
            return done
        after = place_of(events[-1])
        with desk.books.write() as unit:
            unit.cursors.set(desk.programme, stream, "\n".join(after))
        progress(len(events))
    with desk.books.write() as unit:
        unit.cursors.set(desk.programme, stream, "")
    return done


def rehearse(
    desk: Desk,
    webhooks: Webhooks,
    wanted: Range,
    *,
    progress: Callable[[int], None] = lambda _count: None,
) -> Rehearsed:
    """What `replay` would change, per object, as it is and as it would be; the provider may be read, nothing is written."""
    chosen, after = replace(wanted.filter, programme=desk.programme), None
    done, merged = Rehearsed(), _Merged()
    while events := _page(desk, chosen, after, done.events):
        _rehearse(desk, webhooks, events, done, merged)
        after, done.events = place_of(events[-1]), done.events + len(events)
        progress(len(events))
    with desk.books.read() as unit:
        done.changes = merged.changes(unit)
    return done


class _Undone(Exception):
    """Ends a unit of which nothing is kept."""


class _Merged:
    """Changes of one object that several pages would make, as one; each page was tried against the books as they are."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        self._transactions: dict[str, tuple[Transaction | None, Transaction]] = {}

    def objects(self, entries: Sequence[AuditEntry]) -> None:
        for entry in entries:
            if entry.action != _BALANCE:  # that follows from the money events of all pages together
                before, after = self._objects.get(entry.object, ({}, {}))
                self._objects[entry.object] = ({**entry.before, **before}, {**after, **entry.after})

    def transactions(self, before: dict[str, Transaction], now: dict[str, Transaction]) -> None:
        for ref, one in now.items():
            was, kept = before.get(ref), self._transactions.get(ref)
            if kept is None or one.progress >= kept[1].progress:
                self._transactions[ref] = (was, one)

    def knows(self, ref: str | None) -> bool:
        """Whether an earlier page would have brought this money event."""
        return ref in self._transactions

    def changes(self, unit: Unit) -> list[Change]:
        spent: dict[str, int] = {}
        found: dict[str, tuple[dict[str, Any], dict[str, Any]]] = dict(self._objects)
        for ref, (was, now) in self._transactions.items():
            words = [word for word in _WORDS if was is None or getattr(was, word) != getattr(now, word)]
            if not words:
                continue
            before = {word: shown(getattr(was, word)) for word in words} if was else {}
            found[was.id if was else ref] = before, {word: shown(getattr(now, word)) for word in words}
            spent[now.card_id] = spent.get(now.card_id, 0) + _spent(now) - (_spent(was) if was else 0)
        for card_id, delta in spent.items():
            before, after = found.get(card_id, ({}, {}))
            if "balance" not in after and (moved := _balance(unit, card_id, delta)):
                found[card_id] = {**before, "balance": moved[0]}, {**after, "balance": moved[1]}
        return [Change(name, before, after) for name, (before, after) in sorted(found.items()) if before != after]


def _rehearse(desk: Desk, webhooks: Webhooks, events: Sequence[Event], done: Rehearsed, merged: _Merged) -> None:
    with desk.books.read() as unit:
        items, marks = translate(unit, webhooks, events)
    readings = Readings()
    for _ in range(ROUNDS):
        taking = _tried(desk, webhooks, items, readings, merged)
        if not taking.left:
            break
        readings = read(desk, taking.wishes)
    broken = [mark for mark in taking.marks if mark.state in _BROKEN or mark in taking.later]
    broken = [mark for mark in broken if not merged.knows(mark.waits_for)]
    done.failures |= {mark.id: mark.error or "" for mark in (*marks, *broken)}
    done.later += len(taking.left)


def _tried(desk: Desk, webhooks: Webhooks, items: Sequence[Item], readings: Readings, merged: _Merged) -> Taking:
    """One attempt of which nothing is kept but what it would have changed."""
    refs = _refs(items, readings)
    tried: list[Taking] = []
    with suppress(_Undone), desk.books.write() as unit:
        start, before = unit.audit.head().seq, unit.transactions.by_refs(desk.programme, refs)
        tried.append(Taking(desk, unit, webhooks, readings))
        tried[0].run(items)
        if not tried[0].left:
            merged.objects(unit.audit.entries_after(start))
            merged.transactions(before, unit.transactions.by_refs(desk.programme, refs))
        raise _Undone
    return tried[0]


def _refs(items: Sequence[Item], readings: Readings) -> set[str]:
    told = {one.ref for item in items for one in item.told.transactions}
    return told | {one.ref for each in readings.transactions.values() for one in each}


def _balance(unit: Unit, card_id: str, delta: int) -> tuple[str, str] | None:
    """What a card can spend, as it is and as it would be; None where that does not follow from what was spent."""
    card = unit.cards.get(card_id)
    if card is None or not delta or card.allowance is None or card.balance is None:
        return None
    return str(card.balance), str(Money(card.balance.minor + delta, card.balance.currency))


def _spent(transaction: Transaction) -> int:
    return 0 if transaction.kind in OURS else transaction.impact.minor


def _page(desk: Desk, wanted: EventFilter, after: tuple[str, str] | None, done: int) -> list[Event]:
    count = BATCH if wanted.limit is None else min(BATCH, wanted.limit - done)
    if count <= 0:
        return []
    with desk.books.read() as unit:
        return unit.events.page(wanted, after, count)


def _stream(wanted: EventFilter) -> str:
    """The name under which it is kept how far a replay of just these events came."""
    return "replay:" + hashlib.sha256(repr(wanted).encode()).hexdigest()[:16]


def _place(desk: Desk, stream: str) -> tuple[str, str] | None:
    with desk.books.read() as unit:
        told = unit.cursors.get(desk.programme, stream)
    if not told:
        return None
    received_at, _, id_ = told.partition("\n")
    return received_at, id_
