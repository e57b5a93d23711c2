"""Money taken or held with a saved card: once for each invoice, whoever asks how often; explained where a bank says no."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cardctl import runtime
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.payments import Payment, PaymentKind, PaymentState
from cardctl.domain.saved_cards import SavedCard, SavedCardState
from cardctl.errors import (
    BadInput,
    CardctlError,
    CardExpired,
    KeyReused,
    LiveNotSaid,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    StateForbids,
)
from cardctl.services.calling_off import cancel as call_off
from cardctl.services.deeds.capturing import cancel, capture
from cardctl.services.deeds.charging import charge, preauth, rehearse_charge, rehearse_preauth
from cardctl.services.deeds.refreshing import sync_saved
from cardctl.services.deeds.saved_cards import SaveWish, save_card
from cardctl.services.flows.finding_saved import list_saved_cards
from cardctl.services.resuming import resume
from tests.services import mail
from tests.services.selling import Selling
from tests.services.world import World, at, strike, usd

PAYMENTS = "/v2/payments"
_S = PaymentState


@pytest.fixture
def card(selling: Selling) -> SavedCard:
    return selling.save()


def books(selling: Selling) -> list[Payment]:
    """All payments that our books have, oldest first."""
    with selling.world.books.read() as unit:
        return list(unit.payments.rows())[::-1]


def state_of(selling: Selling, card: SavedCard) -> SavedCardState:
    return selling.card(card).state


# --- what it takes


def test_a_charge_takes_it_at_once(selling: Selling, card: SavedCard) -> None:
    assert selling.far.taken() == (0, 0, 0)
    done = charge(selling.world.desk, card, usd("25"), invoice="A-17", tip=usd("3"))
    paid = done.object
    assert isinstance(paid, Payment)
    assert (paid.kind, paid.state, paid.amount, paid.tip) == (PaymentKind.CHARGE, _S.COMPLETED, usd("25"), usd("3"))
    assert (paid.captured, paid.refunded, paid.invoice, paid.expires_at) == (usd("28"), usd("0"), "A-17", None)
    assert done.operation is not None
    assert paid.id == "pay_" + done.operation.id.removeprefix("op_")
    assert (selling.far.taken(), books(selling)) == ((2_800, 0, 0), [paid])
    (there,) = selling.far.listed("payments")
    assert (there["reference_id"], there["note"]) == ("A-17", f"cardctl {done.operation.id}")
    assert (there["customer_id"], there["card_details"]["card"]["id"]) == (card.customer_ref, card.ref)
    assert ("saved_card.charge", card.id) in selling.world.audit()
    selling.agree()


def test_a_hold_takes_nothing_yet(selling: Selling, card: SavedCard) -> None:
    held = preauth(selling.world.desk, card, usd("50"), hold_for=timedelta(hours=36)).object
    assert isinstance(held, Payment)
    assert (held.kind, held.state, held.captured, held.invoice) == (PaymentKind.PREAUTH, _S.APPROVED, usd("0"), None)
    assert held.expires_at == held.created_at + timedelta(hours=36)
    assert selling.far.taken() == (0, 5_000, 0)
    (there,) = selling.far.listed("payments")
    assert (there["delay_action"], there["status"]) == ("CANCEL", "APPROVED")
    preauth(selling.world.desk, card, usd("1"), hold_for=timedelta(days=1), then_capture=True)
    assert {one["delay_action"] for one in selling.far.listed("payments")} == {"CANCEL", "COMPLETE"}


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("5000", "JPY", 5_000), ("12.345", "KWD", 12_345), ("19.99", "EUR", 1_999), ("0.01", "USD", 1)],
)
def test_every_currency_to_its_smallest_unit(selling: Selling, card: SavedCard, amount: str, currency: str, minor: int) -> None:
    paid = charge(selling.world.desk, card, Money.parse(amount, currency)).object
    assert isinstance(paid, Payment)
    assert (paid.captured, selling.far.taken(currency), selling.far.taken()[0]) == (
        Money(minor, currency),
        (minor, 0, 0),
        minor if currency == "USD" else 0,
    )


def test_without_an_invoice_each_is_another(selling: Selling, card: SavedCard) -> None:
    for _ in range(2):
        charge(selling.world.desk, card, usd("5"))
    assert (selling.far.taken(), len(books(selling))) == ((1_000, 0, 0), 2)


# --- an invoice is paid once


@pytest.mark.parametrize("pay", [charge, preauth])
def test_an_invoice_is_paid_once(selling: Selling, card: SavedCard, pay: Callable[..., Any]) -> None:
    first = pay(selling.world.desk, card, usd("50"), invoice="A-17")
    asked = len(selling.world.wire.asked)
    again = pay(selling.world.desk, card, usd("50"), invoice="A-17")
    assert (again.object, again.operation, [one.code for one in again.warnings]) == (first.object, None, ["ALREADY"])
    assert (len(selling.world.wire.asked), len(selling.far.payments())) == (asked, 1)
    pay(selling.world.desk, card, usd("50"), invoice="A-18")
    assert len(selling.far.payments()) == 2


@pytest.mark.parametrize(
    ("pay", "amount", "told"),
    [(charge, "51", {}), (preauth, "50", {}), (charge, "50", {"tip": usd("1")})],
)
def test_an_invoice_is_not_paid_otherwise(
    selling: Selling, card: SavedCard, pay: Callable[..., Any], amount: str, told: dict[str, Any]
) -> None:
    charge(selling.world.desk, card, usd("50"), invoice="A-17")
    with pytest.raises(StateForbids, match="A-17"):
        pay(selling.world.desk, card, usd(amount), invoice="A-17", **told)
    assert selling.far.taken() == (5_000, 0, 0)


def test_an_invoice_is_not_paid_in_another_currency(selling: Selling, card: SavedCard) -> None:
    charge(selling.world.desk, card, Money(5_000, "JPY"), invoice="A-17")
    with pytest.raises(StateForbids):
        charge(selling.world.desk, card, Money(5_000, "USD"), invoice="A-17")
    assert (selling.far.taken(), selling.far.taken("JPY")) == ((0, 0, 0), (5_000, 0, 0))


def test_an_invoice_of_one_person_is_not_paid_by_another(selling: Selling, card: SavedCard) -> None:
    other = selling.save("other@example.com")
    charge(selling.world.desk, card, usd("50"), invoice="A-17")
    with pytest.raises(StateForbids, match="A-17"):
        charge(selling.world.desk, other, usd("50"), invoice="A-17")
    assert selling.far.taken() == (5_000, 0, 0)


def test_after_a_decline_the_invoice_is_open(selling: Selling, card: SavedCard) -> None:
    poor = selling.save("poor@example.com", "cnon:card-nonce-insufficient-funds")
    with pytest.raises(ProviderRefused, match="INSUFFICIENT_FUNDS"):
        charge(selling.world.desk, poor, usd("50"), invoice="A-17")
    assert (selling.far.taken(), [one for one in books(selling) if one.state is not _S.FAILED]) == ((0, 0, 0), [])
    save_card(selling.world.desk, SaveWish("poor@example.com", "cnon:card-nonce-ok", replace=True))
    charge(selling.world.desk, selling.card(poor), usd("50"), invoice="A-17")
    assert selling.far.taken() == (5_000, 0, 0)


def test_after_a_release_the_invoice_is_open(selling: Selling, card: SavedCard) -> None:
    held = selling.hold(card, "50", invoice="A-17")
    cancel(selling.world.desk, held)
    again = selling.hold(card, "60", invoice="A-17")
    assert (again.id == held.id, selling.far.taken()) == (False, (0, 6_000, 0))


@pytest.mark.parametrize(
    "how",
    [{"then_capture": True}, {"then_capture": True, "hold_for": timedelta(days=2)}, {"hold_for": timedelta(days=3)}, {}],
)
def test_a_hold_that_ends_otherwise_is_no_hold_as_wished(selling: Selling, card: SavedCard, how: dict[str, Any]) -> None:
    first: dict[str, Any] = {"invoice": "A-17", "hold_for": timedelta(days=2)}
    held = preauth(selling.world.desk, card, usd("50"), **first).object
    with pytest.raises(StateForbids, match="already, a hold that is released at"):
        preauth(selling.world.desk, card, usd("50"), invoice="A-17", **how)
    assert selling.far.taken() == (0, 5_000, 0)
    assert preauth(selling.world.desk, card, usd("50"), **first).object == held
    assert isinstance(held, Payment)
    capture(selling.world.desk, held)
    again = preauth(selling.world.desk, card, usd("50"), invoice="A-17", **how)
    assert (again.operation, selling.far.taken()) == (None, (5_000, 0, 0)), "what is paid ends no more"


def test_a_hold_made_elsewhere_is_not_one_that_captures_itself(selling: Selling, card: SavedCard) -> None:
    money = {"amount": 5_000, "currency": "USD"}
    body = {"source_id": card.ref, "customer_id": card.customer_ref, "amount_money": money, "autocomplete": False}
    selling.far.done("POST", "/v2/payments", {**body, "idempotency_key": "staff-1", "reference_id": "A-17"})
    mail.deliver(selling.world, selling.news())
    with pytest.raises(StateForbids, match="released"):
        preauth(selling.world.desk, card, usd("50"), invoice="A-17", then_capture=True)
    again = preauth(selling.world.desk, card, usd("50"), invoice="A-17", hold_for=timedelta(days=2))
    assert (again.operation, len(selling.far.payments()), selling.far.taken()) == (None, 1, (0, 5_000, 0))


@pytest.mark.parametrize("then_capture", [False, True])
def test_a_hold_whose_time_is_over_covers_nothing_until_somebody_has_looked(
    selling: Selling, card: SavedCard, then_capture: bool
) -> None:
    """Our books say that it is held, and Square has let it go, or captured it, by itself."""
    preauth(selling.world.desk, card, usd("50"), invoice="A-17", hold_for=timedelta(hours=1), then_capture=then_capture)
    selling.world.control.advance(timedelta(hours=2))
    desk = selling.world.desk_with(clock=lambda: runtime.now() + timedelta(hours=2))
    with pytest.raises(StateForbids, match="how it ended") as caught:
        preauth(desk, card, usd("50"), invoice="A-17")
    assert "sync" in str(caught.value.hint)
    sync_saved(desk, card)
    again = preauth(desk, card, usd("50"), invoice="A-17")
    assert (again.operation is None, selling.far.taken()) == (then_capture, (5_000, 0, 0) if then_capture else (0, 5_000, 0))


@pytest.mark.parametrize("others", [False, True])
def test_two_who_pay_an_invoice_at_once_pay_it_once(each_selling: Selling, others: bool) -> None:
    selling, card = each_selling, each_selling.save()
    cards = [card, selling.save("other@example.com") if others else card]
    ended: list[object] = []
    start = threading.Barrier(2)

    def pay(one: SavedCard) -> None:
        desk = selling.world.desk_with(sleep=lambda _seconds: threading.Event().wait(0.01))
        start.wait(10)
        try:
            ended.append(charge(desk, one, usd("50"), invoice="A-17").object)
        except CardctlError as error:
            ended.append(error.code)

    threads = [threading.Thread(target=pay, args=(one,)) for one in cards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (selling.far.taken(), len(selling.far.payments())) == ((5_000, 0, 0), 1)
    (paid,) = books(selling)
    assert paid in ended
    if not others:
        assert ended == [paid, paid]


@pytest.mark.parametrize("invoice", ["", " ", "x" * 41, "A\n17", "4242424242424242", "A-17 ccof:uIbfJXhXETSP197M3GB"])
def test_an_invoice_has_a_name_that_can_be_kept(selling: Selling, card: SavedCard, invoice: str) -> None:
    with pytest.raises(BadInput):
        charge(selling.world.desk, card, usd("50"), invoice=invoice)
    assert selling.far.payments() == {}


# --- the bank says no


@pytest.mark.parametrize("pay", [charge, preauth])
@pytest.mark.parametrize(
    ("nonce", "code"),
    [
        ("cnon:card-nonce-declines-charge", "GENERIC_DECLINE"),
        ("cnon:card-nonce-insufficient-funds", "INSUFFICIENT_FUNDS"),
        ("cnon:card-nonce-verification-required", "CARD_DECLINED_VERIFICATION_REQUIRED"),
        ("cnon:card-nonce-transaction-limit", "TRANSACTION_LIMIT"),
    ],
)
def test_a_decline_is_explained_and_takes_nothing(selling: Selling, pay: Callable[..., Any], nonce: str, code: str) -> None:
    card = selling.save(nonce=nonce)
    with pytest.raises(ProviderRefused, match=code) as caught:
        pay(selling.world.desk, card, usd("50"), invoice="A-17")
    assert caught.value.vendor_code == code
    assert caught.value.hint
    assert (selling.far.taken(), state_of(selling, card)) == ((0, 0, 0), SavedCardState.ACTIVE)
    operation = selling.world.operations()[0]
    assert (str(operation.state), code in str(operation.error)) == ("refused", True)
    told = " ".join(map(str, (caught.value.message, caught.value.hint, operation.error)))
    assert str(card.ref) not in told
    assert str(card.customer_ref) not in told


def test_a_card_that_is_out_of_date_is_refused_before_anything_is_sent(selling: Selling) -> None:
    card = selling.save(nonce="cnon:card-nonce-expires-this-month")
    later = runtime.now() + timedelta(days=40)
    desk = selling.world.desk_with(clock=lambda: later)
    asked = len(selling.world.wire.asked)
    for pay in (charge, preauth):
        with pytest.raises(StateForbids, match="expired"):
            pay(desk, card, usd("50"), invoice="A-17")
    assert len(selling.world.wire.asked) == asked, "nothing was sent"
    assert state_of(selling, card) is SavedCardState.EXPIRED
    assert [one.id for one in list_saved_cards(selling.world.books, later, state=SavedCardState.EXPIRED)] == [card.id]
    assert [action for action, target in selling.world.audit() if target == card.id][-1] == "saved_card.expired"
    assert selling.far.payments() == {}


def test_a_card_that_turns_out_to_be_out_of_date_is_marked(selling: Selling) -> None:
    card = selling.save(nonce="cnon:card-nonce-expires-this-month")
    selling.world.control.advance(timedelta(days=40))
    with pytest.raises(CardExpired, match="CARD_EXPIRED"):
        charge(selling.world.desk, card, usd("50"))
    assert (state_of(selling, card), selling.far.taken()) == (SavedCardState.EXPIRED, (0, 0, 0))
    asked = len(selling.world.wire.asked)
    with pytest.raises(StateForbids):
        charge(selling.world.desk, selling.card(card), usd("50"))
    assert len(selling.world.wire.asked) == asked


def test_a_card_that_was_stopped_elsewhere_is_refused_in_plain_words(selling: Selling, card: SavedCard) -> None:
    selling.far.done("POST", f"/v2/cards/{card.ref}/disable")
    with pytest.raises(ProviderRefused) as caught:
        charge(selling.world.desk, card, usd("50"))
    assert str(card.ref) not in caught.value.message
    assert selling.far.taken() == (0, 0, 0)


# --- nobody knows


@pytest.mark.parametrize("pay", [charge, preauth])
@pytest.mark.parametrize("fault", ["lost-reply", "torn-body", "500-after-commit", "slow", "500", "429", "refused"])
def test_one_fault_is_not_noticed(selling: Selling, card: SavedCard, pay: Callable[..., Any], fault: str) -> None:
    strike(selling.world, PAYMENTS, fault)
    pay(selling.world.desk, card, usd("50"), invoice="A-17")
    assert (sum(selling.far.taken()), len(selling.far.payments())) == (5_000, 1)
    selling.agree()


@pytest.mark.parametrize("pay", [charge, preauth])
@pytest.mark.parametrize("fault", ["lost-reply", "torn-body", "500-after-commit", "500"])
def test_what_nobody_knows_is_settled_to_one_payment(
    selling: Selling, card: SavedCard, pay: Callable[..., Any], fault: str
) -> None:
    strike(selling.world, PAYMENTS, fault, 20)
    try:
        pay(selling.world.desk, card, usd("50"), invoice="A-17")
    except OutcomeUnknown:
        assert books(selling) == []
        with pytest.raises(OutcomeUnknown):
            pay(selling.world.desk, card, usd("50"), invoice="A-17")
        with pytest.raises(OutcomeUnknown):
            pay(selling.world.desk, selling.save("other@example.com"), usd("50"), invoice="A-17")
    selling.world.control.clear_faults()
    assert not resume(selling.world.desk).left
    assert (sum(selling.far.taken()), len(selling.far.payments())) == (5_000, 1)
    again = pay(selling.world.desk, card, usd("50"), invoice="A-17")
    assert (again.operation, [again.object]) == (None, books(selling))
    assert len(selling.far.payments()) == 1
    selling.agree()


@pytest.mark.parametrize("fault", ["429", "refused"])
def test_what_surely_did_not_run_may_be_asked_for_again(selling: Selling, card: SavedCard, fault: str) -> None:
    strike(selling.world, PAYMENTS, fault, 20)
    with pytest.raises(ProviderUnavailable):
        charge(selling.world.desk, card, usd("50"), invoice="A-17", caller_key="mine")
    selling.world.control.clear_faults()
    assert selling.far.payments() == {}
    charge(selling.world.desk, card, usd("50"), invoice="A-17", caller_key="mine")
    assert selling.far.taken() == (5_000, 0, 0)


def test_a_decline_whose_reply_was_lost_ends_as_a_decline(selling: Selling) -> None:
    card = selling.save(nonce="cnon:card-nonce-insufficient-funds")
    strike(selling.world, PAYMENTS, "lost-reply", 20)
    with pytest.raises(OutcomeUnknown):
        charge(selling.world.desk, card, usd("50"), invoice="A-17")
    selling.world.control.clear_faults()
    (settled,) = resume(selling.world.desk).settled
    assert (str(settled.state), "INSUFFICIENT_FUNDS" in str(settled.error)) == ("refused", True)
    assert selling.far.taken() == (0, 0, 0)


def test_what_was_cut_off_before_it_was_sent_is_sent_once(selling: Selling, card: SavedCard) -> None:
    def kill() -> None:
        raise KeyboardInterrupt

    at(selling.world, PAYMENTS, kill)
    with pytest.raises(KeyboardInterrupt):
        charge(selling.world.desk, card, usd("50"), invoice="A-17")
    assert selling.far.payments() == {}
    resume(selling.world.desk)
    resume(selling.world.desk)
    assert selling.far.taken() == (5_000, 0, 0)
    selling.agree()


# --- keys, rehearsals, guards


def test_the_same_key_gives_the_same_payment(selling: Selling, card: SavedCard) -> None:
    first = charge(selling.world.desk, card, usd("5"), caller_key="mine")
    again = charge(selling.world.desk, card, usd("5"), caller_key="mine")
    assert (again.object, again.operation) == (first.object, first.operation)
    for other in ({"tip": usd("1")}, {"invoice": "A-17"}):
        with pytest.raises(KeyReused):
            charge(selling.world.desk, card, usd("5"), caller_key="mine", **other)
    with pytest.raises(KeyReused):
        preauth(selling.world.desk, card, usd("5"), caller_key="mine")
    assert selling.far.taken() == (500, 0, 0)


def test_what_is_held_no_more_is_not_said_to_be_held(selling: Selling, card: SavedCard) -> None:
    """In doubt, called off by its key, and asked for again in the same words."""
    desk = selling.world.desk
    words: dict[str, Any] = {"invoice": "A-17", "caller_key": "mine"}
    strike(selling.world, PAYMENTS, "lost-reply", 20)
    with pytest.raises(OutcomeUnknown) as doubt:
        preauth(desk, card, usd("7"), **words)
    selling.world.control.clear_faults()
    call_off(desk, str(doubt.value.operation_id), reason="outbid")
    pays: list[Callable[..., Any]] = [preauth, rehearse_preauth]
    for pay in pays:
        with pytest.raises(StateForbids, match="canceled") as caught:
            pay(desk, card, usd("7"), **words)
        assert "--idempotency-key" in str(caught.value.hint)
    assert selling.far.taken() == (0, 0, 0)
    preauth(desk, card, usd("7"), invoice="A-17", caller_key="another")
    assert selling.far.taken() == (0, 700, 0)


def test_no_name_of_a_card_is_kept_that_somebody_typed(selling: Selling, card: SavedCard) -> None:
    with pytest.raises(BadInput, match="key"):
        charge(selling.world.desk, card, usd("5"), caller_key=f"mine {card.ref}")
    held = selling.hold(card, "5", invoice="A-17")
    done = cancel(selling.world.desk, held, reason=f"not {card.ref}, another").operation
    assert done is not None
    assert done.reason == "not ***, another"
    with selling.world.books.read() as unit:
        entries = [entry for entry in unit.audit.rows() if entry.reason]
        assert str(card.ref) not in repr(entries)
        assert [one.id for one in unit.saved_cards.find(str(card.ref))] == [card.id], "it is found by it all the same"
    assert selling.far.taken() == (0, 0, 0)


def test_a_rehearsal_sends_and_writes_nothing(selling: Selling, card: SavedCard) -> None:
    asked, before = len(selling.world.wire.asked), selling.world.audit()
    drafted = rehearse_charge(selling.world.desk, card, usd("5"), invoice="A-17", tip=usd("1"))
    held = rehearse_preauth(selling.world.desk, card, usd("5"), hold_for=timedelta(hours=1))
    assert isinstance(drafted, Draft)
    assert isinstance(held, Draft)
    assert (drafted.body["amount_money"], drafted.body["tip_money"]) == (
        {"amount": 500, "currency": "USD"},
        {"amount": 100, "currency": "USD"},
    )
    assert (drafted.body["autocomplete"], held.body["autocomplete"]) == (True, False)
    assert "idempotency_key" not in drafted.body
    assert (len(selling.world.wire.asked), selling.world.audit()) == (asked, before)
    charge(selling.world.desk, card, usd("5"), invoice="A-17")
    assert isinstance(rehearse_charge(selling.world.desk, card, usd("5"), invoice="A-17"), Payment)


def test_a_live_seller_takes_nothing_unsaid(
    selling: Selling, card: SavedCard, worlds: Callable[..., World], tmp_path: Path
) -> None:
    live = worlds(str(tmp_path / "live.db"), provider="square", environment="live")
    with live.books.write() as unit:
        unit.saved_cards.put(replace(card, environment="live"))
    with pytest.raises(LiveNotSaid):
        charge(live.desk, card, usd("5"))
    assert (live.wire.asked, selling.far.payments()) == ([], {})
