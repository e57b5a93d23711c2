"""What kept events say: their bodies opened and read by their provider's room; what nothing proves is a hint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cardctl.db.events import Mark
from cardctl.db.unit import Unit
from cardctl.domain.events import Event, EventState, Notice, Source, Told
from cardctl.domain.sales import SoldTold
from cardctl.domain.saved_cards import SavedTold
from cardctl.domain.things import Kind, Named
from cardctl.errors import BadEvent, CardctlError
from cardctl.providers.notifying import Webhooks

ATTEMPTS = 8
"""So often an event may fail before it is dead."""
_PATIENCE = timedelta(minutes=1)
_UNREADABLE = (BadEvent, LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Item:
    """An event with what it says."""

    event: Event
    told: Told

    @property
    def at(self) -> datetime:
        """When it happened, as far as the event tells."""
        return self.event.occurred_at or self.event.received_at

    @property
    def order(self) -> tuple[datetime, str]:
        """The events' own time, then their id: what is left to go by where the provider knows nothing more."""
        return self.at, self.event.event_id


def translate(unit: Unit, webhooks: Webhooks, events: Sequence[Event]) -> tuple[list[Item], list[Mark]]:
    """What each event says; and marks of those that cannot be read."""
    items, marks = [], []
    bodies, parsed = unit.events.bodies(events), dict[str, list[Notice]]()
    for event in events:
        try:
            items.append(Item(event, _told(webhooks, event, bodies, parsed)))
        except _UNREADABLE as error:
            marks.append(failure(event, reason(error)))
    return items, marks


def is_due(event: Event, now: datetime) -> bool:
    """Whether an event should be tried unasked: one that failed ever more seldom, its last time about two hours after it came;
    one that waits for another not at all, since that one wakes it."""
    if event.state is not EventState.FAILED:
        return True
    return event.waits_for is None and now >= event.received_at + _PATIENCE * 2**event.attempts


def failure(event: Event, why: str, *, waits_for: str | None = None) -> Mark:
    """One more attempt that failed; after too many the event is dead, unless it only waits."""
    attempts = event.attempts + 1
    state = EventState.DEAD if attempts >= ATTEMPTS and waits_for is None else EventState.FAILED
    return Mark(event.id, state, attempts, why, waits_for)


def reason(error: Exception) -> str:
    """What is kept of an error; a bug's values might be secrets."""
    return error.message if isinstance(error, CardctlError) else f"it cannot be read: {type(error).__name__}"


def hint(told: Told) -> Told:
    """What is left of a word that nothing proves: the names of what may have changed."""
    cards = [*told.look, *(card.ref for card in told.cards), *(one.card_ref for one in told.transactions if one.card_ref)]
    accounts = [*told.look_accounts, *(account.ref for account in told.accounts)]
    return Told(
        look=tuple(dict.fromkeys(cards)),
        look_accounts=tuple(dict.fromkeys(accounts)),
        decided=False,
        known=told.known,
        saved=SavedTold(look=tuple(dict.fromkeys(_named(told.saved)))),
        sold=SoldTold(look=tuple(dict.fromkeys(_named_sold(told.sold)))),
    )


def _named(saved: SavedTold) -> Iterator[Named]:
    """What can be read again of it; a dispute can not."""
    yield from (name for name in saved.look if name.kind is not Kind.DISPUTE)
    yield from (Named(Kind.CUSTOMER, one.ref) for one in saved.customers)
    yield from (Named(Kind.SAVED_CARD, one.ref) for one in saved.cards)
    yield from (Named(Kind.PAYMENT, one.ref) for one in saved.payments)
    yield from (Named(Kind.REFUND, one.ref) for one in saved.refunds)


def _named_sold(sold: SoldTold) -> Iterator[Named]:
    yield from sold.look
    yield from (Named(Kind.SALE, one.ref) for one in sold.sales)
    yield from (Named(Kind.CHECKOUT, one.ref) for one in sold.checkouts)
    yield from (Named(Kind.SALE, one.sale_ref) for one in sold.refunds)


def _told(webhooks: Webhooks, event: Event, bodies: Mapping[str, bytes], parsed: dict[str, list[Notice]]) -> Told:
    body = bodies.get(event.id)
    if body is None or event.source is Source.IMPORTED:
        return Told()  # dropped on purpose, or another system's past: neither says anything that the books want
    notices = parsed.get(event.digest)
    if notices is None:
        notices = parsed[event.digest] = webhooks.notices(body)
    told = webhooks.told(notices[event.position])
    return told if event.believed else hint(told)
