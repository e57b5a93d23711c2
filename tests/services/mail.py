"""The far side's notifications brought to a world's inbox by hand, and what the books then say, so that it can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from cardctl.db.accounts import AccountFilter
from cardctl.db.cards import CardFilter
from cardctl.db.event_rows import place_of
from cardctl.db.events import EventFilter
from cardctl.db.transactions import TransactionFilter
from cardctl.db.unit import Books
from cardctl.domain.events import EventState, Incoming, Receipt, Source
from cardctl.domain.redaction import Secret
from cardctl.providers import registry
from cardctl.providers.notifying import Webhooks
from cardctl.services.applying import BATCH, Applied, apply
from cardctl.services.deeds.inbox import Judged, Reception, judge, keep
from cardctl.services.desk import Desk
from cardctl.simulator.delivering import Posted
from tests.services.world import World


def reception(world: World) -> Reception:
    """How the world's programme receives: with the far side's own secrets."""
    webhooks = registry.webhooks(world.desk.provider.name)
    known = world.control.webhook_secrets()
    secrets = {name: [Secret(value) for value in known.get(name, [])] for name in webhooks.secret_names}
    return Reception(webhooks, world.desk.programme, secrets, live=False)


def posts(world: World, **wanted: Any) -> list[Posted]:
    """What the far side would send now, of the world's provider."""
    return list(world.control.deliveries(face=world.desk.provider.name, **wanted))


def judged(world: World, posted: Posted, *, at: timedelta = timedelta(0), how: Source = Source.SERVED) -> Judged:
    posting = posted.posting
    headers = {name.lower(): value for name, value in posting.headers.items()}
    incoming = Incoming(posting.body, headers, posted.at + at, posting.query)
    return judge(reception(world), incoming, how)


def accept(world: World, posted: Iterable[Posted]) -> list[Receipt]:
    """Kept, not applied."""
    arrivals = [found.arrival for found in (judged(world, one) for one in posted) if found.arrival is not None]
    return keep(world.books, arrivals)


def deliver(world: World, posted: Iterable[Posted], *, together: int = 500) -> Applied:
    """Kept and applied, `together` requests at a time."""
    total, waiting = Applied(), list(posted)
    for start in range(0, len(waiting), together):
        receipts = accept(world, waiting[start : start + together])
        with world.books.read() as unit:
            events = unit.events.get_many([receipt.id for receipt in receipts])
        total.add(apply(world.desk, reception(world).webhooks, events))
    return total


def state(books: Books, programme: str, card_refs: Sequence[str] | None = None) -> list[tuple[Any, ...]]:
    """What the books say of accounts, cards, money events and top-ups, without what differs by chance (our ids, our clock)."""
    with books.read() as unit:
        refs = {card.id: card.ref for card in unit.cards.rows(CardFilter(programme=programme))}
        named = {one.id: one.ref for one in unit.transactions.rows(TransactionFilter(programme=programme))}
        rows: list[tuple[Any, ...]] = [
            ("card", card.ref, str(card.state), str(card.balance), str(card.allowance), str(card.limits), card.ever_active)
            for card in unit.cards.rows(CardFilter(programme=programme))
        ]
        rows += [
            ("account", one.ref, one.name, str(one.state), str(one.kyc), one.compliance_flags)
            for one in unit.accounts.rows(AccountFilter(programme=programme))
        ]
        rows += [
            (
                "transaction", refs[one.card_id], one.ref, str(one.kind), str(one.state), str(one.amount), str(one.impact),
                named.get(one.parent_id or ""), one.occurred_at.isoformat(),
            )
            for one in unit.transactions.rows(TransactionFilter(programme=programme))
        ]  # fmt: skip
        rows += [("topup", one.ref, str(one.state), str(one.amount)) for one in unit.topups.rows(programme)]
    rows.sort(key=repr)
    return rows if card_refs is None else [row for row in rows if row[1] in card_refs]


def state_hash(books: Books, programme: str) -> str:
    return hashlib.sha256(repr(state(books, programme)).encode()).hexdigest()


def counts(books: Books) -> dict[str, int]:
    """How many events there are, by state."""
    found: dict[str, int] = {}
    with books.read() as unit:
        for event in unit.events.rows(EventFilter()):
            found[str(event.state)] = found.get(str(event.state), 0) + 1
    return found


def apply_unfinished(desk: Desk, webhooks: Webhooks, *, failed: bool) -> Applied:
    """Apply what was received and not applied yet; `failed`: also what failed before, as long as it is not dead."""
    states = (EventState.RECEIVED, EventState.FAILED) if failed else (EventState.RECEIVED,)
    wanted = EventFilter(programme=desk.programme, states=states)
    total, after = Applied(), None
    while True:
        with desk.books.read() as unit:
            events = unit.events.page(wanted, after, BATCH)
        if not events:
            return total
        after = place_of(events[-1])
        total.add(apply(desk, webhooks, events))
