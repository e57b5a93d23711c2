"""A seller reconciled with Square's far side: each thing that is changed there behind our back is named, mended, and proven."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cardctl.db.breaks import BreakFilter
from cardctl.domain.break_kinds import BreakType, Severity
from cardctl.domain.breaks import Break, RunState
from cardctl.domain.payments import PaymentState
from cardctl.domain.saved_cards import SavedCard, SavedCardState
from cardctl.services.deeds.capturing import cancel, capture
from cardctl.services.deeds.refunding import refund
from cardctl.services.flows.reconciling.moving import breaks_of
from tests.services import reconciled as r
from tests.services.selling import Selling
from tests.services.world import usd

T = BreakType
DAY = timedelta(days=1)


@pytest.fixture
def card(selling: Selling) -> SavedCard:
    return selling.save()


def ref_of(card: SavedCard) -> str:
    assert card.ref is not None
    return card.ref


def only(selling: Selling) -> Break:
    """The one break of a new run; nothing in it, or in what the run kept, names the card or its customer."""
    one = r.only(selling.world)
    kept = b"".join(path.read_bytes() for path in _home(selling).rglob("*") if path.is_file() and "stages" in str(path))
    with selling.world.books.read() as unit:
        cards = list(unit.saved_cards.rows())
    names = [name for card in cards for name in (card.ref, card.customer_ref) if name]
    assert names
    assert kept
    assert [name for name in names if name.encode() in kept or name in str(one)] == []
    return one


def mended(selling: Selling, one: Break) -> None:
    """By the provider's word, read alone; the next run proves it."""
    done = r.mended(selling.world, [one])
    assert (done.fixed, done.proposed, done.failed) == ([one.fingerprint], [], {})
    r.clean(selling.world)


def test_a_seller_that_agrees(selling: Selling, card: SavedCard) -> None:
    held, paid = selling.hold(card, "50", invoice="lot-1"), selling.charge(card, "5")
    other = selling.hold(selling.save("other@example.com"), "7")
    capture(selling.world.desk, held, amount=usd("42.10"))
    refund(selling.world.desk, selling.payment(held.ref), usd("10"))
    cancel(selling.world.desk, other)
    outcome = r.clean(selling.world)
    figures = outcome.run.figures["programmes"]["square/default"]
    assert (figures["saved_cards"]["here"], figures["saved_cards"]["there"]) == (2, 2)
    assert (figures["payments"]["here"], figures["payments"]["there"]) == (3, 3)
    assert figures["refunds"] == {"here": 1, "there": 1}
    assert figures["states"] == {"active": 2}
    (total,) = outcome.run.figures["totals"]
    captured, held_now, refunded = selling.far.taken()
    assert (captured, held_now, refunded) == (4710, 0, 1000)
    assert (total["settled"], total["held"], total["refunded"]) == (4710, 0, 1000)
    assert (total["settled_here"], total["held_here"], total["refunded_here"]) == (4710, 0, 1000)
    assert paid.ref in selling.far.payments()
    assert sorted(outcome.run.watermark["square/default"]) == ["payments", "provider_clock", "refunds", "saved_cards"]


def test_nothing_at_all(selling: Selling) -> None:
    outcome = r.clean(selling.world)
    assert (outcome.run.state, outcome.run.found, outcome.run.digest) == (RunState.DONE, 0, "0" * 64)
    assert "square/default: customers and disputes, of which events alone tell" in outcome.run.not_checked


def test_what_the_seller_does_otherwise_is_none_of_ours(selling: Selling, card: SavedCard) -> None:
    """A payment without a card of ours, and a card of another's."""
    location = selling.far.seen("/v2/locations")["locations"][0]["id"]
    cash = {
        "idempotency_key": "cash-1",
        "source_id": "CASH",
        "amount_money": {"amount": 900, "currency": "USD"},
        "cash_details": {"buyer_supplied_money": {"amount": 1000, "currency": "USD"}},
        "location_id": location,
    }
    selling.far.done("POST", "/v2/payments", cash)
    customer = selling.far.done("POST", "/v2/customers", {"given_name": "Ada"})["customer"]["id"]
    wish = {"idempotency_key": "c-1", "source_id": "cnon:card-nonce-ok", "card": {"customer_id": customer}}
    selling.far.done("POST", "/v2/cards", wish)
    selling.charge(card, "5")
    figures = r.clean(selling.world).run.figures["programmes"]["square/default"]
    assert figures["saved_cards"] == {"here": 1, "there": 1, "differing": 0, "others_there": 1}
    assert figures["payments"] == {"here": 1, "there": 1, "differing": 0, "others_there": 1}


def test_a_card_disabled_there(selling: Selling, card: SavedCard) -> None:
    selling.world.control.edit(ref_of(card), {"enabled": "false"})
    one = only(selling)
    assert (one.type, one.subject, one.card_id) == (T.SAVED_CARD_DISABLED, card.id, card.id)
    assert (one.local, one.remote) == ({"state": "active"}, {"state": "disabled", "word": "disabled"})
    mended(selling, one)
    assert selling.card(card).state is SavedCardState.DISABLED
    assert ("saved_card.sync", card.id) in selling.world.audit()


def test_a_card_renewed_there(selling: Selling, card: SavedCard) -> None:
    selling.world.control.edit(ref_of(card), {"exp_year": "2041", "last_4": "2222"})
    one = only(selling)
    assert (one.type, one.remote) == (T.SAVED_CARD_RENEWED, {"last4": "2222", "exp_year": 2041})
    mended(selling, one)
    assert (selling.card(card).last4, selling.card(card).exp_year) == ("2222", 2041)


def test_a_card_whose_customer_is_gone(selling: Selling, card: SavedCard) -> None:
    """It has paid, so that the seller is not suddenly empty."""
    selling.charge(card, "5")
    assert card.customer_ref is not None
    selling.far.delete_customer(card.customer_ref)
    one = only(selling)
    assert one.type in (T.SAVED_CARD_GONE, T.SAVED_CARD_DISABLED)
    mended(selling, one)
    assert selling.card(card).state is SavedCardState.GONE


def test_a_card_that_is_forgotten(selling: Selling, card: SavedCard) -> None:
    selling.charge(card, "5")
    selling.world.control.edit(ref_of(card), {"forgotten": "true"})
    one = only(selling)
    assert one.type in (T.SAVED_CARD_GONE, T.SAVED_CARD_DISABLED)
    mended(selling, one)
    assert selling.card(card).state is SavedCardState.GONE


def test_a_card_that_the_books_hold_for_disabled(selling: Selling, card: SavedCard) -> None:
    r.amend(selling.world, "UPDATE saved_cards SET state = 'disabled' WHERE id = ?", card.id)
    one = only(selling)
    assert (one.type, one.severity) == (T.SAVED_CARD_ENABLED, Severity.CRITICAL)
    mended(selling, one)
    assert selling.card(card).state is SavedCardState.ACTIVE


def test_a_card_whose_time_is_over_by_the_providers_clock(selling: Selling, card: SavedCard) -> None:
    selling.world.control.advance(1_500 * DAY)
    one = only(selling)
    assert (one.type, one.local) == (T.SAVED_CARD_EXPIRED, {"state": "active"})
    assert one.remote == {"exp_month": card.exp_month, "exp_year": card.exp_year}
    mended(selling, one)
    assert selling.card(card).state is SavedCardState.EXPIRED


def test_a_charge_made_elsewhere_with_our_card(selling: Selling, card: SavedCard) -> None:
    swiped = selling.world.control.swipe(ref_of(card), usd("12.50"))
    one = only(selling)
    ref = next(iter(selling.far.payments()))
    assert (one.type, one.subject, one.card_id, one.at_risk) == (T.PAYMENT_MISSING_HERE, ref, card.id, usd("12.50"))
    assert one.remote == {"state": "completed", "amount": "12.50 USD", "captured": "12.50 USD"}
    assert swiped is not None
    mended(selling, one)
    selling.agree()
    assert selling.far.taken() == (1250, 0, 0), "nothing was moved"


def test_a_charge_made_elsewhere_and_refunded_there(selling: Selling, card: SavedCard) -> None:
    """One break; both come."""
    selling.world.control.swipe(ref_of(card), usd("12.50"))
    ref = next(iter(selling.far.payments()))
    selling.world.control.refund(ref, usd("2.50"))
    one = only(selling)
    assert (one.type, one.at_risk, one.remote["refunds"]) == (T.PAYMENT_MISSING_HERE, usd("10"), 1)
    mended(selling, one)
    assert selling.amounts(ref) == (PaymentState.COMPLETED, usd("12.50"), usd("2.50"))
    with selling.world.books.read() as unit:
        assert len(unit.payments.refunds_of(selling.payment(ref).id)) == 1


def test_a_refund_made_elsewhere(selling: Selling, card: SavedCard) -> None:
    """Told once: what it makes of its payment is explained by it."""
    paid = selling.charge(card, "20")
    selling.world.control.refund(paid.ref, usd("7.50"))
    one = only(selling)
    assert (one.type, one.card_id, one.at_risk) == (T.REFUND_MISSING_HERE, card.id, usd("7.50"))
    assert one.evidence["objects"] == [one.subject, paid.ref]
    mended(selling, one)
    assert selling.amounts(paid.ref) == (PaymentState.COMPLETED, usd("20"), usd("7.50"))
    assert selling.far.taken() == (2000, 0, 750)


def test_a_hold_captured_elsewhere(selling: Selling, card: SavedCard) -> None:
    held = selling.hold(card, "50")
    selling.far.done("POST", f"/v2/payments/{held.ref}/complete", {})
    one = only(selling)
    assert (one.type, one.severity, one.at_risk) == (T.PAYMENT_STATE, Severity.CRITICAL, usd("50"))
    mended(selling, one)
    assert selling.amounts(held.ref) == (PaymentState.COMPLETED, usd("50"), usd("0"))


def test_a_hold_that_is_about_to_lapse_and_lapses(selling: Selling, card: SavedCard) -> None:
    """Whoever waits for it is told before; nothing is captured or released for them."""
    held = selling.hold(card, "50", hold_for=3 * DAY)
    r.clean(selling.world)
    selling.world.control.advance(2 * DAY + timedelta(hours=7))  # in the last quarter
    one = only(selling)
    assert (one.type, one.subject, one.severity, one.at_risk) == (T.HOLD_LAPSING, held.ref, Severity.WARNING, usd("50"))
    done = r.mended(selling.world, [one])
    assert (done.fixed, done.proposed) == ([], [one.fingerprint])
    assert selling.far.taken() == (0, 5000, 0)
    selling.world.control.advance(DAY)
    one = only(selling)
    assert (one.type, one.remote["state"]) == (T.PAYMENT_STATE, "canceled")
    mended(selling, one)
    assert selling.amounts(held.ref) == (PaymentState.CANCELED, usd("0"), usd("0"))


def test_a_hold_that_captures_itself_is_only_worth_knowing(selling: Selling, card: SavedCard) -> None:
    selling.hold(card, "50", hold_for=timedelta(hours=3), then_capture=True)
    selling.world.control.advance(timedelta(hours=2, minutes=30))
    outcome = r.clean(selling.world)
    (told,) = breaks_of(selling.world.books, BreakFilter(run_id=outcome.run.id))
    assert (told.type, told.severity) == (T.HOLD_LAPSING, Severity.INFO)


def test_amounts_changed_by_staff(selling: Selling, card: SavedCard) -> None:
    paid = selling.charge(card, "20")
    selling.world.control.edit(paid.ref, {"tip": "300"})
    one = only(selling)
    assert (one.type, one.at_risk) == (T.PAYMENT_AMOUNT, usd("3"))
    assert one.remote == {"tip": "3.00 USD", "captured": "23.00 USD"}
    mended(selling, one)
    selling.agree()


def test_a_refund_that_ends_otherwise(selling: Selling, card: SavedCard) -> None:
    paid = selling.charge(card, "20")
    refund(selling.world.desk, paid, usd("5"))
    r.clean(selling.world)
    (made,) = selling.far.listed("refunds")
    selling.world.control.edit(made["id"], {"status": "REJECTED"})
    one = only(selling)
    assert (one.type, one.remote) == (T.REFUND_STATE, {"state": "rejected"})
    mended(selling, one)
    assert selling.amounts(paid.ref) == (PaymentState.COMPLETED, usd("20"), usd("0"))


def test_what_the_provider_does_not_have_is_for_a_person(selling: Selling, card: SavedCard) -> None:
    paid, other = selling.charge(card, "20"), selling.charge(card, "1")
    r.behind(selling.world, "UPDATE square_payments SET deleted = 1 WHERE ref = ?", paid.ref)
    one = only(selling)
    assert (one.type, one.subject, one.at_risk) == (T.PAYMENT_MISSING_THERE, paid.ref, usd("20"))
    done = r.mended(selling.world, [one])
    assert (done.fixed, done.proposed) == ([], [one.fingerprint])
    assert selling.amounts(other.ref) == (PaymentState.COMPLETED, usd("1"), usd("0"))


def test_a_charge_in_doubt_is_told_once(selling: Selling, card: SavedCard) -> None:
    """Its payment is there, and resuming settles it; it is no stranger's payment."""
    selling.charge(card, "1")
    selling.charge(card, "5", invoice="lot-5")
    r.amend(selling.world, "UPDATE operations SET state = 'in_doubt' WHERE about = 'lot-5'")
    r.amend(selling.world, "DELETE FROM payments WHERE invoice = 'lot-5'")
    assert [one.type for one in r.found(selling.world)] == [T.OPERATION_IN_DOUBT]


def _home(selling: Selling) -> Path:
    return r._home(selling.world)
