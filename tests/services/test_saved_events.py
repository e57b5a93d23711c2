"""Square's notifications applied to real books, through its face: what we did and what was done behind our back, in any order,
twice, unproven, unreachable; what was captured and refunded is asserted on both sides."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from cardctl.db.events import EventFilter
from cardctl.domain.events import Event, EventState, Incoming, Source
from cardctl.domain.payments import Payment, PaymentKind, PaymentState
from cardctl.domain.saved_cards import SavedCardState
from cardctl.errors import CardctlError, OutcomeUnknown
from cardctl.services.applying import Applied, apply
from cardctl.services.deeds.capturing import cancel, capture
from cardctl.services.deeds.inbox import judge, keep
from cardctl.services.deeds.refreshing import sync_saved
from cardctl.services.deeds.refunding import refund
from cardctl.services.flows.backfilling import backfill
from cardctl.services.flows.replaying import Range, rehearse
from cardctl.services.resuming import resume
from cardctl.services.telling import ATTEMPTS
from cardctl.simulator.delivering import Posted
from tests.contract.seller import Seller
from tests.services import mail
from tests.services.selling import Selling
from tests.services.world import World, refuse, usd

STATE = PaymentState


@pytest.fixture
def selling(tmp_path: Path, worlds: Callable[..., World]) -> Iterator[Selling]:
    far = Seller(tmp_path / "simulator.db")
    yield Selling(worlds(provider="square"), far)
    far.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def each_selling(request: pytest.FixtureRequest, tmp_path: Path, worlds: Callable[..., World]) -> Iterator[Selling]:
    target = None if request.param == "sqlite" else request.getfixturevalue("new_postgres")
    far = Seller(tmp_path / "simulator.db")
    yield Selling(worlds(target, provider="square"), far)
    far.close()


def kept(world: World, **wanted: Any) -> list[Event]:
    with world.books.read() as unit:
        return list(unit.events.rows(EventFilter(**wanted)))


def ingest(world: World, body: bytes) -> Applied:
    """A body without any proof, from a file."""
    judged = judge(mail.reception(world), Incoming(body, {}, world.desk.clock()), Source.INGESTED)
    assert judged.arrival is not None
    (receipt,) = keep(world.books, [judged.arrival])
    with world.books.read() as unit:
        return apply(world.desk, mail.reception(world).webhooks, unit.events.get_many([receipt.id]))


def body_of(posted: Posted, change: Callable[[dict[str, Any]], None] = lambda _event: None) -> bytes:
    event = json.loads(posted.posting.body)
    change(event)
    return orjson.dumps(event)


def told(world: World, what: str) -> list[str]:
    """The entries of the audit that events (or a sync) made, by kind."""
    return [action for action, _ in world.audit() if action.endswith(what)]


# --- what we did ourselves


def test_what_we_did_is_told_and_changes_nothing(each_selling: Selling) -> None:
    selling, world = each_selling, each_selling.world
    card = selling.save()
    held = selling.hold(card, "50", invoice="lot-7")
    assert selling.amounts(held.ref) == (STATE.APPROVED, usd("0"), usd("0"))
    capture(world.desk, held, amount=usd("42.10"))
    assert selling.amounts(held.ref) == (STATE.COMPLETED, usd("42.10"), usd("0"))
    refund(world.desk, selling.payment(held.ref), usd("10"))
    assert selling.amounts(held.ref) == (STATE.COMPLETED, usd("42.10"), usd("10"))
    before = selling.card(card)
    done = mail.deliver(world, selling.news())
    assert not done.unfinished, done.failures
    assert selling.amounts(held.ref) == (STATE.COMPLETED, usd("42.10"), usd("10"))
    assert selling.card(card) == before
    assert told(world, ".event") == []
    selling.agree()


def test_an_event_comes_before_its_operation_has_ended(selling: Selling) -> None:
    """The reply is lost, as if the process had died: the event brings the payment, and settling finds it."""
    world, card = selling.world, selling.save()
    selling.news()
    world.control.fault("lost-reply", 20)
    with pytest.raises(OutcomeUnknown):
        selling.charge(card, "5", invoice="lot-8")
    world.control.clear_faults()
    mail.deliver(world, selling.news())
    (ref,) = selling.far.payments()
    brought = selling.payment(ref)
    assert (brought.kind, brought.invoice, brought.asked) == (PaymentKind.CHARGE, "lot-8", usd("5"))
    assert selling.amounts(ref) == (STATE.COMPLETED, usd("5"), usd("0"))
    resume(world.desk)
    (operation,) = [one for one in world.operations() if one.kind == "saved_card.charge"]
    assert (str(operation.state), brought.id) == ("done", f"pay_{operation.id.removeprefix('op_')}")
    assert selling.payment(ref).id == brought.id
    assert selling.far.taken() == (500, 0, 0)
    selling.agree()


# --- what was done behind our back


def test_a_payment_made_elsewhere_with_our_card_comes_in_and_others_do_not(selling: Selling) -> None:
    world, card = selling.world, selling.save()
    assert card.ref is not None
    selling.news()
    world.control.swipe(card.ref, usd("12.50"))
    cash = {"source_id": "CASH", "idempotency_key": "k1", "amount_money": {"amount": 900, "currency": "USD"}}
    selling.far.done("POST", "/v2/payments", cash | {"cash_details": {"buyer_supplied_money": cash["amount_money"]}})
    done = mail.deliver(world, selling.news())
    assert not done.unfinished, done.failures
    assert done.counts[EventState.IGNORED] > 0
    selling.agree()
    with world.books.read() as unit:
        (elsewhere,) = list(unit.payments.rows())
    assert (elsewhere.captured, elsewhere.asked, elsewhere.saved_card_id) == (usd("12.50"), None, card.id)
    assert elsewhere.kind is PaymentKind.CHARGE


@pytest.mark.parametrize("backwards", [False, True])
def test_a_refund_made_elsewhere_counts_whichever_event_comes_first(selling: Selling, backwards: bool) -> None:
    world, card = selling.world, selling.save()
    paid = selling.charge(card, "20")
    mail.deliver(world, selling.news())
    assert selling.amounts(paid.ref) == (STATE.COMPLETED, usd("20"), usd("0"))
    world.control.refund(paid.ref, usd("3"))
    news = selling.news()
    mail.deliver(world, news[::-1] if backwards else news, together=1)
    assert selling.amounts(paid.ref) == (STATE.COMPLETED, usd("20"), usd("3"))
    selling.agree()
    with world.books.read() as unit:
        assert [one.amount for one in unit.payments.refunds_of(paid.id)] == [usd("3")]


def test_a_refund_before_its_payments_event_reads_the_payment(selling: Selling) -> None:
    """The payment was made elsewhere, and its own events are lost."""
    world, card = selling.world, selling.save()
    world.control.swipe(str(card.ref), usd("12.50"))
    (ref,) = selling.far.payments()
    selling.news()
    world.control.refund(ref, usd("2.50"))
    refunds = [one for one in selling.news() if b'"type":"refund' in one.posting.body]
    assert refunds
    assert not mail.deliver(world, refunds).unfinished
    assert selling.amounts(ref) == (STATE.COMPLETED, usd("12.50"), usd("2.50"))
    selling.agree()


def test_a_hold_that_lapses_is_told(selling: Selling) -> None:
    world, card = selling.world, selling.save()
    held = selling.hold(card, "50")
    mail.deliver(world, selling.news())
    world.control.advance(timedelta(days=8))
    mail.deliver(world, selling.news())
    assert selling.amounts(held.ref) == (STATE.CANCELED, usd("0"), usd("0"))
    assert selling.payment(held.ref).expires_at is None
    selling.agree()


def test_a_dispute_is_put_down_and_its_end(selling: Selling) -> None:
    world, card = selling.world, selling.save()
    paid = selling.charge(card, "20")
    ref = world.control.dispute(paid.ref)
    mail.deliver(world, selling.news())
    world.control.decide_dispute(ref, "lost")
    mail.deliver(world, selling.news())
    with world.books.read() as unit:
        (dispute,) = unit.payments.disputes_of(world.desk.programme, paid.ref)
    assert (dispute.ref, dispute.state, dispute.amount) == (ref, "lost", usd("20"))
    assert ("dispute.event", paid.id) in world.audit()


def test_a_card_renewed_disabled_and_forgotten(selling: Selling) -> None:
    world, card = selling.world, selling.save()
    ref = str(card.ref)
    selling.news()
    for fields, expected in (
        ({"exp_year": 2044, "last_4": "4444"}, SavedCardState.ACTIVE),
        ({"enabled": "false"}, SavedCardState.DISABLED),
        ({"forgotten": "true"}, SavedCardState.GONE),
    ):
        world.control.edit(ref, fields, tell=True)
        news = selling.news()
        assert news, fields
        assert not mail.deliver(world, news * 2).unfinished
        assert selling.card(card).state is expected
    now = selling.card(card)
    assert (now.exp_year, now.last4) == (2044, "4444")
    assert told(world, ".event") == ["saved_card.event"] * 3
    assert all(ref not in repr(entry) for entry in world.audit())


def test_a_deleted_customer_takes_the_card_with_it(selling: Selling) -> None:
    world, card = selling.world, selling.save()
    selling.far.delete_customer(str(card.customer_ref))
    assert not mail.deliver(world, selling.news()).unfinished
    assert selling.card(card).state is SavedCardState.GONE


def test_a_merged_customer_is_followed(selling: Selling) -> None:
    world, card, other = selling.world, selling.save(), selling.save("other@example.com")
    selling.news()
    world.control.edit(str(card.customer_ref), {"merged_into": other.customer_ref}, tell=True)
    done = mail.deliver(world, selling.news())
    assert not done.unfinished, done.failures
    now = selling.card(card)
    living = selling.far.send("GET", f"/v2/cards/{card.ref}")
    if living.status_code == 200 and living.json()["card"]["enabled"]:
        assert (now.state, now.customer_ref) == (SavedCardState.ACTIVE, other.customer_ref)
        assert selling.charge(now, "5").captured == usd("5")
    else:
        assert now.state is not SavedCardState.ACTIVE


# --- in any order, twice, unproven, unreachable


def a_life(selling: Selling, dice: random.Random) -> None:
    """Charges, holds, captures and refunds, of ours and by others, and a card that changes."""
    world, card = selling.world, selling.save()
    for number in range(5):
        paid = dice.choice((selling.charge, selling.hold))(card, "20", invoice=f"lot-{number}")
        if paid.held:
            dice.choice((cancel, capture, lambda _desk, _paid: None))(world.desk, paid)
        world.control.swipe(str(card.ref), usd("7"), hold=dice.random() < 0.5)
        for ref, there in selling.far.payments().items():
            if there.captured - there.refunded >= 100 and dice.random() < 0.4:
                world.control.refund(ref, usd("1"))
    world.control.edit(str(card.ref), {"exp_year": 2044}, tell=True)
    world.control.edit(str(card.ref), {"exp_year": 2045}, tell=True)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_and_twice_ends_as_the_far_side_is(selling: Selling, seed: int) -> None:
    world, dice = selling.world, random.Random(seed)
    a_life(selling, dice)
    news = [one for one in selling.news() for _ in range(dice.choice((1, 1, 2, 3)))]
    dice.shuffle(news)
    done = mail.deliver(world, news, together=dice.choice((1, 7, 100)))
    assert not done.unfinished, done.failures
    selling.agree()
    with world.books.read() as unit:
        (card,) = list(unit.saved_cards.rows())
        refunds = {one.ref for paid in list(unit.payments.rows()) for one in unit.payments.refunds_of(paid.id)}
    assert (card.state, card.exp_year) == (SavedCardState.ACTIVE, 2045)
    assert refunds == {one["id"] for one in selling.far.listed("refunds")}


def test_what_nothing_proves_is_read_again_and_a_forged_amount_counts_for_nothing(selling: Selling) -> None:
    world, card = selling.world, selling.save()
    held = selling.hold(card, "50")
    selling.news()
    world.control.swipe(str(card.ref), usd("7"))

    def more(event: dict[str, Any]) -> None:
        event["data"]["object"]["payment"] |= {"status": "COMPLETED", "amount_money": {"amount": 999_999, "currency": "USD"}}

    posted = selling.news()[-1]
    done = ingest(world, body_of(posted, more))
    assert done.counts == {EventState.APPLIED: 1}
    selling.agree()
    assert selling.amounts(held.ref) == (STATE.APPROVED, usd("0"), usd("0"))


def test_a_forged_deletion_of_a_card_and_of_a_customer_changes_nothing(selling: Selling) -> None:
    world, card = selling.world, selling.save()
    before = selling.card(card)
    for kind, noun, ref in (("card.forgotten", "card", card.ref), ("customer.deleted", "customer", card.customer_ref)):
        event = {"event_id": f"forged-{noun}", "type": kind, "created_at": "2026-11-26T10:00:00Z", "merchant_id": "M"}
        thing = {"id": ref, "version": 99, "customer_id": card.customer_ref, "enabled": False}
        event["data"] = {"type": noun, "id": ref, "deleted": True, "object": {noun: thing}}  # type: ignore[assignment]
        assert not ingest(world, orjson.dumps(event)).unfinished
    now = selling.card(card)
    assert (now.state, now.version, now.customer_ref) == (SavedCardState.ACTIVE, before.version, card.customer_ref)


def test_an_unproven_deletion_that_is_true_counts(selling: Selling) -> None:
    world, card = selling.world, selling.save()
    selling.news()
    selling.far.delete_customer(str(card.customer_ref))
    deleted = next(one for one in selling.news() if b"customer.deleted" in one.posting.body)
    assert not ingest(world, body_of(deleted)).unfinished
    assert selling.card(card).state is SavedCardState.GONE


def test_an_unproven_refund_of_what_we_do_not_know_brings_the_payment(selling: Selling) -> None:
    world, card = selling.world, selling.save()
    world.control.swipe(str(card.ref), usd("12.50"))
    (ref,) = selling.far.payments()
    world.control.refund(ref, usd("2.50"))
    posted = next(one for one in selling.news() if b'"type":"refund.' in one.posting.body)
    assert not ingest(world, body_of(posted)).unfinished
    assert selling.amounts(ref) == (STATE.COMPLETED, usd("12.50"), usd("2.50"))


def test_what_cannot_be_read_now_stays_as_it_is_however_often(selling: Selling) -> None:
    world, card = selling.world, selling.save()
    selling.news()
    world.control.swipe(str(card.ref), usd("7"))
    posted = selling.news()[-1]

    world.wire.before = refuse
    done = ingest(world, body_of(posted))
    for _ in range(ATTEMPTS + 2):
        done = mail.apply_unfinished(world.desk, mail.reception(world).webhooks, failed=True)
    assert done.later == 1
    (event,) = kept(world)
    assert (event.state, event.attempts) == (EventState.RECEIVED, 0)
    world.wire.before = lambda _request: None
    done = mail.apply_unfinished(world.desk, mail.reception(world).webhooks, failed=True)
    assert done.counts == {EventState.APPLIED: 1}
    selling.agree()


def test_events_that_were_lost_are_fetched_where_search_was_enabled(selling: Selling) -> None:
    world = selling.world
    selling.far.enable_events()
    a_life(selling, random.Random(4))
    selling.news()  # none of them was delivered
    done = backfill(world.desk, mail.reception(world), None)
    assert not done.applied.unfinished, done.applied.failures
    assert done.new > 0
    assert done.why is not None
    selling.agree()
    assert backfill(world.desk, mail.reception(world), None).new == 0


def test_a_rehearsal_tells_what_would_change_and_changes_nothing(selling: Selling) -> None:
    world, card = selling.world, selling.save()
    paid = selling.charge(card, "20")
    selling.news()
    world.control.refund(paid.ref, usd("3"))
    world.control.edit(str(card.ref), {"exp_year": 2044}, tell=True)
    mail.accept(world, selling.news())
    found = rehearse(world.desk, mail.reception(world).webhooks, Range())
    changes = {change.object: (change.before, change.after) for change in found.changes}
    assert changes[paid.id] == ({"refunded": "0.00 USD"}, {"refunded": "3.00 USD"})
    assert changes[card.id][1] == {"exp_year": 2044}
    assert (selling.amounts(paid.ref), selling.card(card)) == ((STATE.COMPLETED, usd("20"), usd("0")), card)
    assert not mail.apply_unfinished(world.desk, mail.reception(world).webhooks, failed=False).unfinished
    assert (selling.amounts(paid.ref)[2], selling.card(card).exp_year) == (usd("3"), 2044)


def test_no_name_of_a_card_or_a_customer_stands_in_the_books_in_clear(selling: Selling, tmp_path: Path) -> None:
    """Whatever was told, proven or not, and whatever failed."""
    world = selling.world
    a_life(selling, random.Random(5))
    posted = selling.news()
    secret = {row["id"] for noun in ("customers", "cards") for row in selling.far.listed(noun)}
    world.wire.before = refuse
    ingest(world, body_of(posted[0]))
    world.wire.before = lambda _request: None
    mail.deliver(world, posted)
    selling.far.delete_customer(next(row["id"] for row in selling.far.listed("customers")))
    mail.deliver(world, selling.news())
    kept_bytes = b"".join(path.read_bytes() for path in tmp_path.glob("books.db*"))
    assert len(secret) == 2
    assert [ref for ref in secret if ref.encode() in kept_bytes] == []
    assert [ref for ref in secret if ref in repr((world.logged, world.audit()))] == []


# --- saved-card sync


def test_a_sync_takes_in_the_card_its_holds_and_its_refunds(each_selling: Selling) -> None:
    selling, world = each_selling, each_selling.world
    card = selling.save()
    held = selling.hold(card, "50")
    world.control.edit(str(card.ref), {"exp_year": 2044}, tell=False)
    world.control.edit(held.ref, {"status": "COMPLETED"}, tell=False)
    assert selling.amounts(held.ref) == (STATE.APPROVED, usd("0"), usd("0"))
    now = sync_saved(world.desk, card)
    assert (now.state, now.exp_year) == (SavedCardState.ACTIVE, 2044)
    assert selling.amounts(held.ref) == (STATE.COMPLETED, usd("50"), usd("0"))
    assert sorted(told(world, ".sync")) == ["payment.sync", "saved_card.sync"]
    sync_saved(world.desk, card)
    assert len(told(world, ".sync")) == 2  # nothing has changed since
    selling.agree()


def test_a_sync_finds_that_a_card_or_its_customer_is_gone(selling: Selling) -> None:
    world, card, other = selling.world, selling.save(), selling.save("other@example.com")
    world.control.edit(str(card.ref), {"forgotten": "true"}, tell=False)
    assert sync_saved(world.desk, card).state is SavedCardState.GONE
    selling.far.delete_customer(str(other.customer_ref))
    assert sync_saved(world.desk, other).state is SavedCardState.GONE
    with pytest.raises(CardctlError):
        selling.charge(selling.card(other), "5")
    assert selling.far.payments() == {}


def test_a_sync_brings_back_a_card_that_was_believed_gone(selling: Selling) -> None:
    world, card = selling.world, selling.save()
    with world.books.write() as unit:
        unit.saved_cards.put(replace(card, state=SavedCardState.GONE))
    assert sync_saved(world.desk, card).state is SavedCardState.ACTIVE


def test_a_sync_changes_nothing_of_a_payment_that_has_ended(selling: Selling) -> None:
    world, card = selling.world, selling.save()
    held = selling.hold(card, "50")
    cancel(world.desk, held)
    world.wire.asked.clear()
    sync_saved(world.desk, card)
    assert not any("payments" in asked for asked in world.wire.asked)
    assert isinstance(selling.payment(held.ref), Payment)
