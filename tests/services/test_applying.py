"""Events applied to real books, as the far side tells them: in any order, doubted, failing, gone, late; money is asserted."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from cardctl.db.events import EventFilter
from cardctl.domain.cards import Card
from cardctl.domain.events import Event, EventState, Incoming, Signature, Source
from cardctl.domain.states import CardState, Move
from cardctl.domain.transactions import Transaction, TransactionKind, TransactionState
from cardctl.errors import ProviderUnavailable
from cardctl.services.applying import Applied, apply
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.inbox import judge, keep
from cardctl.services.telling import ATTEMPTS, is_due
from cardctl.simulator.delivering import Posted
from tests.services import mail
from tests.services.world import World, refuse, usd


def kept(world: World, **wanted: Any) -> list[Event]:
    with world.books.read() as unit:
        return list(unit.events.rows(EventFilter(**wanted)))


def again(world: World, *, failed: bool = True) -> Applied:
    return mail.apply_unfinished(world.desk, mail.reception(world).webhooks, failed=failed)


def spent(world: World, card: Card) -> list[Transaction]:
    """What others did with the card, not we with its funding."""
    events = (one for one in world.events(card) if one.kind is not TransactionKind.FUNDING)
    return sorted(events, key=lambda one: one.kind)


def a_known_card(world: World, fund: str | None = "100") -> Card:
    """A card whose making was told and taken, so that what follows is news."""
    card = world.a_card(fund)
    mail.deliver(world, mail.posts(world))
    world.control.mark_delivered([id_ for one in mail.posts(world) for id_ in one.event_ids])
    return card


def changed(posted: Posted, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The body with something else in it."""
    event = json.loads(posted.posting.body)
    change(event)
    return orjson.dumps(event)


def ingest(world: World, body: bytes) -> Event:
    """A body without any proof, from a file."""
    with_no_proof = Incoming(body, {}, world.desk.clock())
    judged = judge(mail.reception(world), with_no_proof, Source.INGESTED)
    assert judged.arrival is not None
    (receipt,) = keep(world.books, [judged.arrival])
    with world.books.read() as unit:
        (event,) = unit.events.get_many([receipt.id])
    return event


def test_a_purchase_is_in_the_books_once_its_events_are(each_world: World) -> None:
    world = each_world
    card = a_known_card(world)
    assert world.card(card).balance == usd("100")
    world.control.swipe(card.ref, usd("12.50"))
    first, second, third = mail.posts(world)
    mail.deliver(world, [first])
    assert world.card(card).balance == usd("87.50")  # held
    mail.deliver(world, [second, third])
    assert world.card(card).balance == usd("87.50")  # captured
    authorization, settlement = spent(world, card)
    assert (authorization.kind, authorization.state) == (TransactionKind.AUTHORIZATION, TransactionState.SETTLED)
    assert (settlement.amount, settlement.parent_id) == (usd("12.50"), authorization.id)
    assert {event.state for event in kept(world)} == {EventState.APPLIED}
    assert ("card.balance", card.id) in world.audit()


def test_a_capture_that_comes_before_its_authorization_finds_it_later(world: World) -> None:
    card = a_known_card(world)
    world.control.swipe(card.ref, usd("12.50"))
    authorized, *captured = mail.posts(world)
    mail.deliver(world, captured[:1])
    (settlement,) = spent(world, card)
    assert settlement.parent_id is None
    mail.deliver(world, [authorized])
    by_kind = {one.kind: one for one in world.events(card)}
    assert by_kind[TransactionKind.SETTLEMENT].parent_id == by_kind[TransactionKind.AUTHORIZATION].id
    mail.deliver(world, captured)
    assert world.card(card).balance == usd("87.50")


def test_what_comes_twice_counts_once(world: World) -> None:
    card = a_known_card(world)
    world.control.swipe(card.ref, usd("12.50"))
    posted = mail.posts(world)
    mail.deliver(world, posted * 3, together=100)
    mail.deliver(world, posted, together=1)
    assert world.card(card).balance == usd("87.50")
    balances = [entry for entry in world.audit() if entry == ("card.balance", card.id)]
    assert len(balances) == 1
    assert {event.times for event in kept(world, type="issuing_transaction.created")} == {4}


def test_a_dispute_waits_for_the_purchase_that_it_is_about(world: World) -> None:
    card = a_known_card(world)
    world.control.swipe(card.ref, usd("20"))
    bought = mail.posts(world)
    capture = world.captures(json.loads(bought[0].posting.body)["data"]["object"]["id"])[0]
    world.merchant.done("/v1/issuing/disputes", {"transaction": capture, "evidence[reason]": "fraudulent"})
    told = [one for one in mail.posts(world) if b"issuing_dispute" in one.posting.body]
    done = mail.deliver(world, told)
    assert done.counts[EventState.FAILED] == 1
    (waiting,) = kept(world, states=(EventState.FAILED,))
    assert waiting.waits_for == capture
    done = mail.deliver(world, bought)
    assert not done.unfinished, done
    (chargeback,) = (one for one in world.events(card) if one.kind is TransactionKind.CHARGEBACK)
    assert (chargeback.state, chargeback.amount) == (TransactionState.PENDING, usd("20"))
    assert not kept(world, states=(EventState.FAILED,))


def test_a_freeze_by_somebody_else_is_read_where_it_differs(world: World) -> None:
    card = a_known_card(world)
    world.merchant.done(f"/v1/issuing/cards/{card.ref}", {"status": "inactive"})
    (told,) = mail.posts(world)
    world.wire.asked.clear()
    mail.deliver(world, [told])
    assert world.card(card).state is CardState.FROZEN
    assert world.wire.asked == [f"GET /v1/issuing/cards/{card.ref}"]
    world.wire.asked.clear()
    mail.deliver(world, [told])
    assert world.wire.asked == []  # it is what the books have


def test_our_own_freeze_costs_no_reading_when_it_is_told(world: World) -> None:
    card = a_known_card(world)
    move_card(world.desk, card, Move.FREEZE, reason="lost")
    world.wire.asked.clear()
    mail.deliver(world, mail.posts(world))
    assert world.wire.asked == []
    assert world.card(card).state is CardState.FROZEN


def test_two_changes_in_one_second_end_as_the_provider_has_it(world: World) -> None:
    card = a_known_card(world)
    for status in ("inactive", "active", "inactive"):
        world.merchant.done(f"/v1/issuing/cards/{card.ref}", {"status": status})
    posted = mail.posts(world)
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]):
        mail.deliver(world, [posted[place] for place in order], together=1)
        assert world.card(card).state is CardState.FROZEN


def test_an_old_event_does_not_take_back_what_was_read_later(world: World) -> None:
    card = a_known_card(world)
    world.merchant.done(f"/v1/issuing/cards/{card.ref}", {"status": "inactive"})
    (old,) = mail.posts(world)
    world.merchant.done(f"/v1/issuing/cards/{card.ref}", {"status": "active"})
    body = changed(old, lambda event: event.update(created=event["created"] - 86_400))
    world.wire.asked.clear()
    event = ingest(world, body)
    believed = Event(**{**{name: getattr(event, name) for name in Event.__slots__}, "signature": Signature.VALID})
    assert believed.believed
    apply(world.desk, mail.reception(world).webhooks, [believed])
    assert world.card(card).state is CardState.ACTIVE
    assert world.wire.asked == []


def test_a_stale_reading_is_read_again_while_the_news_is_young(world: World) -> None:
    card = a_known_card(world)
    world.merchant.done(f"/v1/issuing/cards/{card.ref}", {"status": "inactive"})
    posted = mail.posts(world)
    world.control.fault("stale-read")
    mail.deliver(world, posted)
    assert world.card(card).state is CardState.FROZEN
    assert world.slept == [1.0]


def test_a_card_that_nobody_knew_comes_with_its_holder_and_its_past(world: World) -> None:
    ref = world.merchant.card()
    world.merchant.authorise(ref, 700)
    posted = mail.posts(world)
    mail.deliver(world, posted[-1:])  # only the last of it
    with world.books.read() as unit:
        card = unit.cards.by_ref(world.desk.programme, ref)
        assert card is not None
        holder = unit.accounts.named(card.account_id)
    assert holder.name == "Ada Lovelace"
    assert [one.amount for one in world.events(card)] == [usd("7")]


def test_without_proof_only_the_provider_is_believed(world: World) -> None:
    card = a_known_card(world)
    world.control.swipe(card.ref, usd("12.50"))
    told = mail.posts(world)[0]
    event = ingest(world, changed(told, lambda event: event["data"]["object"].update(amount=9_999, approved=True)))
    assert event.signature is Signature.ABSENT
    done = apply(world.desk, mail.reception(world).webhooks, [event])
    assert done.counts == {EventState.APPLIED: 1}
    assert world.card(card).balance == usd("87.50")
    assert {one.amount for one in spent(world, card)} == {usd("12.50")}


def test_proof_that_comes_later_takes_the_place_of_none(world: World) -> None:
    card = a_known_card(world)
    world.control.swipe(card.ref, usd("12.50"))
    told = mail.posts(world)[0]
    event = ingest(world, changed(told, lambda event: event.update(api_version="something else")))
    (receipt,) = mail.accept(world, [told])
    assert (receipt.id, receipt.new, receipt.proven) == (event.id, False, True)
    with world.books.read() as unit:
        (now,) = unit.events.get_many([event.id])
        assert unit.events.bodies([now])[now.id] == told.posting.body
    assert (now.signature, now.state, now.times) == (Signature.VALID, EventState.RECEIVED, 2)
    again(world)
    assert world.card(card).balance == usd("87.50")
    assert "received" not in mail.counts(world.books)


def test_what_fails_fails_alone_and_dies_in_the_end(world: World) -> None:
    card = a_known_card(world)
    world.control.swipe(card.ref, usd("12.50"))
    good = mail.posts(world)
    arrivals = [mail.judged(world, one).arrival for one in good]
    assert arrivals[0] is not None
    broken = arrivals[0].__class__(
        tuple(_renamed(event) for event in arrivals[0].events),
        changed(good[0], lambda event: event["data"]["object"].pop("currency")),
        {},
    )
    keep(world.books, [broken, *(one for one in arrivals if one is not None)])
    done = again(world)
    assert (done.counts[EventState.FAILED], done.counts[EventState.APPLIED]) == (1, len(good))
    assert world.card(card).balance == usd("87.50")
    for _ in range(ATTEMPTS - 1):
        done = again(world)
    assert done.counts == {EventState.DEAD: 1}
    (dead,) = kept(world, states=(EventState.DEAD,))
    assert dead.attempts == ATTEMPTS
    assert dead.error
    assert again(world).counts == {}  # nobody tries it again unasked


def _renamed(event: Event) -> Event:
    fields = {name: getattr(event, name) for name in Event.__slots__}
    return Event(**{**fields, "id": "evt_" + "b" * 24, "event_id": "evt_broken", "digest": "broken"})


def test_a_provider_that_is_down_costs_an_event_nothing(world: World) -> None:
    ref = world.merchant.card()
    posted = mail.posts(world)
    world.wire.before = refuse
    done = mail.deliver(world, posted)
    assert done.later
    assert {event.attempts for event in kept(world, states=(EventState.RECEIVED,))} == {0}
    world.wire.before = lambda _request: None
    done = again(world, failed=False)
    assert not done.unfinished
    with world.books.read() as unit:
        assert unit.cards.by_ref(world.desk.programme, ref) is not None


def test_where_the_provider_has_the_card_no_more_its_events_are_all_there_is(world: World) -> None:
    card = a_known_card(world)
    world.merchant.done(f"/v1/issuing/cards/{card.ref}", {"status": "inactive"})
    world.control.advance(timedelta(seconds=5))
    world.merchant.done(f"/v1/issuing/cards/{card.ref}", {"status": "canceled"})
    first, last = mail.posts(world)
    world.control.edit(card.ref, {"deleted": "true"})
    done = mail.deliver(world, [last, first], together=1)
    assert done.warnings == [f"stripe has {card.ref} no more: its events were applied by their own time"]
    assert world.card(card).state is CardState.CLOSED
    mail.deliver(world, [first, last], together=1)
    assert world.card(card).state is CardState.CLOSED


def test_an_unknown_type_is_kept_and_ignored(world: World) -> None:
    card = a_known_card(world)
    world.control.swipe(card.ref, usd("1"))
    told = mail.posts(world)[0]
    event = ingest(world, changed(told, lambda event: event.update(type="issuing_miracle.happened")))
    done = apply(world.desk, mail.reception(world).webhooks, [event])
    assert done.counts == {EventState.IGNORED: 1}
    assert not done.failures


def test_an_event_about_real_money_is_not_for_a_test_profile(world: World) -> None:
    card = a_known_card(world)
    world.control.swipe(card.ref, usd("1"))
    told = mail.posts(world)[0]
    body = changed(told, lambda event: event.update(livemode=True))
    judged = judge(mail.reception(world), Incoming(body, {}, world.desk.clock()), Source.INGESTED)
    assert judged.arrival is None
    assert "real money" in (judged.reason or "")


def test_two_who_apply_at_once_do_not_apply_twice(each_world: World) -> None:
    world = each_world
    card = a_known_card(world)
    for _ in range(5):
        world.control.swipe(card.ref, usd("2"))
    mail.accept(world, mail.posts(world))
    threads = [threading.Thread(target=again, args=(world,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.card(card).balance == usd("90")
    assert len(world.events(card)) == 1 + 10
    assert mail.counts(world.books).keys() == {"applied"}


def test_a_top_up_of_the_float_never_goes_back(world: World) -> None:
    a_known_card(world)
    world.merchant.done("/v1/topups", {"amount": "5000", "currency": "usd", "destination_balance": "issuing"})
    posted = mail.posts(world)
    assert len(posted) >= 2
    mail.deliver(world, reversed(posted), together=1)
    with world.books.read() as unit:
        (topup,) = unit.topups.rows(world.desk.programme)
    assert (str(topup.state), topup.amount) == ("settled", usd("50"))


def test_no_key_at_hand_leaves_the_event_where_it_is(world: World) -> None:
    world.merchant.card()
    posted = mail.posts(world)

    def no_answer(_request: object) -> None:
        raise ProviderUnavailable("nobody there")

    world.wire.before = no_answer
    done = mail.deliver(world, posted)
    assert done.later
    assert not done.counts.get(EventState.DEAD)


@pytest.mark.parametrize("provider", ["marqeta", "strowallet"])
def test_where_a_provider_gives_no_order_the_card_is_read(worlds: Callable[..., World], provider: str) -> None:
    world = worlds(provider=provider)
    card = a_known_card(world)
    assert world.card(card).balance == usd("100")
    world.control.swipe(card.ref, usd("12.50"))
    posted = mail.posts(world)
    mail.deliver(world, list(reversed(posted)), together=1)
    assert world.card(card).balance == usd("87.50")
    assert usd("12.50") in {one.amount for one in world.events(card)}
    assert not mail.counts(world.books).get("failed")


def test_what_failed_is_tried_unasked_ever_more_seldom(world: World) -> None:
    at = world.desk.clock()
    base = ingest(world, changed(_told(world), lambda event: event.update(type="issuing_miracle.happened")))
    fields = {name: getattr(base, name) for name in Event.__slots__} | {"received_at": at}
    waits = []
    for attempts in range(1, ATTEMPTS):
        failed = Event(**{**fields, "state": EventState.FAILED, "attempts": attempts})
        minutes = next(minute for minute in range(1, 1000) if is_due(failed, at + timedelta(minutes=minute)))
        waits.append(minutes)
    assert waits == [2, 4, 8, 16, 32, 64, 128]
    assert is_due(Event(**{**fields, "state": EventState.RECEIVED, "attempts": 7}), at)
    waiting = Event(**{**fields, "state": EventState.FAILED, "attempts": 1, "waits_for": "ipi_1"})
    assert not is_due(waiting, at + timedelta(days=9))


def _told(world: World) -> Posted:
    card = a_known_card(world)
    world.control.swipe(card.ref, usd("1"))
    return mail.posts(world)[0]


def test_once_it_is_late_nothing_more_is_read_and_what_was_not_stays_as_it_was(world: World) -> None:
    cards = [a_known_card(world) for _ in range(3)]
    for card in cards:
        world.merchant.done(f"/v1/issuing/cards/{card.ref}", {"status": "inactive"})
    receipts = mail.accept(world, mail.posts(world))
    with world.books.read() as unit:
        events = unit.events.get_many([receipt.id for receipt in receipts])
    asked: list[bool] = []

    def late() -> bool:
        asked.append(len(asked) >= 2)  # before reading, and before the second of what is read
        return asked[-1]

    world.wire.asked.clear()
    done = apply(world.desk, mail.reception(world).webhooks, events, late=late)
    assert [path for path in world.wire.asked if "/issuing/cards/" in path] == [world.wire.asked[0]]
    assert (done.cut, done.later, done.counts, done.failures) == (True, 2, {EventState.APPLIED: 1}, {})
    states = sorted(event.state for event in kept(world, ids=tuple(event.id for event in events)))
    assert states == [EventState.APPLIED, EventState.RECEIVED, EventState.RECEIVED]
    assert sorted(world.card(card).state for card in cards) == [CardState.ACTIVE, CardState.ACTIVE, CardState.FROZEN]
    assert again(world).unfinished == 0
    assert {world.card(card).state for card in cards} == {CardState.FROZEN}
