"""What follows a payment: captured once, whole or in part; released; refunded to what is left; the money on both sides."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest

from cardctl import runtime
from cardctl.domain.lots import Cover, Lot, LotStatus, Policy
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.payments import Payment, PaymentState, RefundState
from cardctl.domain.saved_cards import SavedCard
from cardctl.errors import BadAmount, BadInput, CardctlError, KeyReused, OutcomeUnknown, ProviderRefused, StateForbids
from cardctl.services.deeds.capturing import (
    cancel,
    capture,
    rehearse_cancel,
    rehearse_capture,
)
from cardctl.services.deeds.charging import preauth
from cardctl.services.deeds.refreshing import sync_saved
from cardctl.services.deeds.refunding import refund, rehearse_refund
from cardctl.services.desk import Done
from cardctl.services.flows.finding_saved import find_hold, find_refundable, payments_of
from cardctl.services.flows.preauthorizing import keep
from cardctl.services.resuming import resume
from tests.services.selling import Selling
from tests.services.world import strike, usd

_S = PaymentState


@pytest.fixture
def card(selling: Selling) -> SavedCard:
    return selling.save()


@pytest.fixture
def held(selling: Selling, card: SavedCard) -> Payment:
    """50.00 for the invoice A-17."""
    return selling.hold(card, "50", invoice="A-17")


@pytest.fixture
def paid(selling: Selling, card: SavedCard) -> Payment:
    """50.00, taken at once for the invoice B-1."""
    return selling.charge(card, "50", invoice="B-1")


def payment(done: Done) -> Payment:
    assert isinstance(done.object, Payment)
    return done.object


def the_card(selling: Selling) -> SavedCard:
    with selling.world.books.read() as unit:
        (one,) = unit.saved_cards.rows()
    return one


def codes(done: Done) -> list[str]:
    return [one.code for one in done.warnings]


# --- capture


@pytest.mark.parametrize(
    ("amount", "tip", "captured"),
    [(None, None, 5_000), ("42.10", None, 4_210), (None, "3", 5_300), ("42.10", "3", 4_510), ("50", "0", 5_000)],
)
def test_a_hold_is_captured_once(selling: Selling, held: Payment, amount: str | None, tip: str | None, captured: int) -> None:
    how: dict[str, Any] = {"amount": usd(amount) if amount else None, "tip": usd(tip) if tip else None}
    assert selling.far.taken() == (0, 5_000, 0)
    done = payment(capture(selling.world.desk, held, **how))
    assert (done.id, done.state, done.captured, done.expires_at) == (held.id, _S.COMPLETED, Money(captured, "USD"), None)
    assert (done.first_asked, done.invoice) == (usd("50"), "A-17")
    assert selling.far.taken() == (captured, 0, 0)
    again = capture(selling.world.desk, done, **how)
    assert (again.object, again.operation, codes(again)) == (done, None, ["ALREADY"])
    assert selling.far.taken() == (captured, 0, 0)
    selling.agree()


@pytest.mark.parametrize("how", [{"amount": usd("42.11")}, {"amount": usd("50")}, {"tip": usd("1")}])
def test_what_is_captured_is_not_captured_otherwise(selling: Selling, held: Payment, how: dict[str, Any]) -> None:
    done = payment(capture(selling.world.desk, held, amount=usd("42.10")))
    with pytest.raises(StateForbids, match="captured already"):
        capture(selling.world.desk, done, **how)
    assert selling.far.taken() == (4_210, 0, 0)


def test_a_charge_is_captured_already(selling: Selling, paid: Payment) -> None:
    assert codes(capture(selling.world.desk, paid)) == ["ALREADY"]
    assert selling.far.taken() == (5_000, 0, 0)


def test_the_invoice_of_a_captured_hold_is_paid(selling: Selling, card: SavedCard, held: Payment) -> None:
    done = payment(capture(selling.world.desk, held, amount=usd("42.10")))
    again = preauth(selling.world.desk, card, usd("50"), invoice="A-17")
    assert (again.object, again.operation) == (done, None)
    with pytest.raises(StateForbids):
        preauth(selling.world.desk, card, usd("42.10"), invoice="A-17")
    assert selling.far.taken() == (4_210, 0, 0)


def test_another_currency_is_no_part_of_it(selling: Selling, held: Payment) -> None:
    with pytest.raises(BadAmount):
        capture(selling.world.desk, held, amount=Money(4_210, "EUR"))
    assert selling.far.taken() == (0, 5_000, 0)


def test_more_than_was_held_is_asked_of_the_bank_or_refused(selling: Selling, held: Payment) -> None:
    """Square's bank decides; whatever it says, both sides say the same afterwards."""
    try:
        done = payment(capture(selling.world.desk, held, amount=usd("60")))
        assert done.captured == usd("60")
    except CardctlError:
        assert selling.far.taken() == (0, 5_000, 0)
    selling.agree()


def test_a_hold_that_ended_by_itself_is_captured_no_more(selling: Selling, held: Payment, card: SavedCard) -> None:
    selling.world.control.advance(timedelta(days=8))
    with pytest.raises((StateForbids, ProviderRefused)):
        capture(selling.world.desk, held)
    assert selling.far.taken() == (0, 0, 0)
    sync_saved(selling.world.desk, card)
    assert selling.payment(held.ref).state is _S.CANCELED
    again = selling.hold(card, "50", invoice="A-17")
    assert (again.id == held.id, selling.far.taken()) == (False, (0, 5_000, 0))


def test_two_who_capture_at_once_capture_once(each_selling: Selling) -> None:
    selling = each_selling
    held = selling.hold(selling.save(), "50", invoice="A-17")
    ended: list[object] = []

    def take(amount: str) -> None:
        desk = selling.world.desk_with(sleep=lambda _seconds: threading.Event().wait(0.01))
        try:
            ended.append(payment(capture(desk, held, amount=usd(amount))).captured)
        except CardctlError as error:
            ended.append(error.code)

    threads = [threading.Thread(target=take, args=(amount,)) for amount in ("42.10", "42.10", "41", "50")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    won = selling.payment(held.ref).captured
    assert selling.far.taken() == (won.minor, 0, 0)
    assert set(ended) == {won, "STATE_FORBIDS"}


@pytest.mark.parametrize("amount", [None, "42.10"])
@pytest.mark.parametrize("fault", ["lost-reply", "torn-body", "500-after-commit", "500", "429"])
def test_one_fault_is_not_noticed(selling: Selling, held: Payment, fault: str, amount: str | None) -> None:
    strike(selling.world, f"/v2/payments/{held.ref}/complete", fault)
    capture(selling.world.desk, held, amount=usd(amount) if amount else None)
    assert selling.far.taken() == (4_210 if amount else 5_000, 0, 0)
    selling.agree()


@pytest.mark.parametrize("step", ["", "/complete"])
@pytest.mark.parametrize("fault", ["lost-reply", "500"])
def test_a_part_that_nobody_knows_of_is_captured_once(selling: Selling, held: Payment, fault: str, step: str) -> None:
    strike(selling.world, f"/v2/payments/{held.ref}{step}", fault, 20)
    try:
        capture(selling.world.desk, held, amount=usd("42.10"))
    except OutcomeUnknown:
        with pytest.raises(OutcomeUnknown):
            cancel(selling.world.desk, held)
    selling.world.control.clear_faults()
    assert not resume(selling.world.desk).left
    assert selling.far.taken() == (4_210, 0, 0)
    assert codes(capture(selling.world.desk, selling.payment(held.ref), amount=usd("42.10"))) == ["ALREADY"]
    selling.agree()


# --- what a hold is by now


def no_capture(selling: Selling, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no payment is completed; whatever else is asked is done."""
    inner = selling.world.wire.handle_request

    def answered(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/complete"):
            return httpx.Response(400, json={"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "BAD_REQUEST"}]})
        return inner(request)

    monkeypatch.setattr(selling.world.wire, "handle_request", answered)


def change(selling: Selling, held: Payment, **money: int) -> None:
    """The seller's staff make the hold another one."""
    changed = {f"{name}_money": {"amount": minor, "currency": "USD"} for name, minor in money.items()}
    selling.far.done("PUT", f"/v2/payments/{held.ref}", {"idempotency_key": "staff-1", "payment": changed})


def test_what_a_refused_capture_has_made_of_the_hold_is_known(
    selling: Selling, held: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        no_capture(selling, patch)
        with pytest.raises(ProviderRefused):
            capture(selling.world.desk, held, amount=usd("42.10"), tip=usd("3"))
    assert selling.far.taken() == (0, 4_510, 0)
    now = selling.payment(held.ref)
    assert (now.state, now.amount, now.tip, now.first_asked) == (_S.APPROVED, usd("42.10"), usd("3"), usd("50"))
    assert ("payment.sync", held.id) in selling.world.audit()
    selling.agree()


@pytest.mark.parametrize(
    ("changed", "how"),
    [
        ({"amount": 4_210}, {}),
        ({"amount": 4_210}, {"tip": usd("3")}),
        ({"tip": 500}, {}),
        ({"tip": 500}, {"amount": usd("42.10")}),
        ({"tip": 500}, {"amount": usd("50")}),
    ],
)
def test_all_of_a_hold_that_is_not_what_it_was_is_not_taken(
    selling: Selling, card: SavedCard, held: Payment, changed: dict[str, int], how: dict[str, Any]
) -> None:
    change(selling, held, **changed)
    there = selling.far.taken()
    before = selling.world.audit()
    with pytest.raises(StateForbids, match="in these books"):
        rehearse_capture(selling.world.desk, held, **how)
    assert selling.world.audit() == before, "a rehearsal writes nothing"
    with pytest.raises(StateForbids, match="in these books") as caught:
        capture(selling.world.desk, held, **how)
    assert card.id in str(caught.value.hint)
    assert selling.far.taken() == there
    selling.agree()
    capture(selling.world.desk, selling.payment(held.ref))
    assert selling.far.taken() == (there[1], 0, 0)
    selling.agree()


def test_a_part_is_taken_whatever_the_hold_is_by_now(selling: Selling, held: Payment) -> None:
    change(selling, held, amount=4_500, tip=500)
    capture(selling.world.desk, held, amount=usd("42.10"), tip=usd("0"))
    assert selling.far.taken() == (4_210, 0, 0)
    selling.agree()


def test_a_policy_goes_on_from_what_a_refused_capture_has_made_of_the_hold(
    selling: Selling, card: SavedCard, held: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = runtime.now() - timedelta(hours=1)
    lot = Lot(card.person, "A-17", usd("50"), start, start, status=LotStatus.COMPLETED, final=usd("42.10"))
    with monkeypatch.context() as patch:
        no_capture(selling, patch)
        kept = keep(selling.world.desk, Policy((lot,)))
    assert (len(kept.failed), len(kept.taken), kept.lots[0].held) == (1, 1, usd("42.10"))
    assert selling.far.taken() == (0, 4_210, 0)
    kept = keep(selling.world.desk, Policy((lot,)))
    assert (kept.exit_code, kept.lots[0].cover, selling.far.taken()) == (0, Cover.PAID, (4_210, 0, 0))
    selling.agree()


# --- cancel


def test_a_hold_is_released_once(selling: Selling, held: Payment) -> None:
    done = payment(cancel(selling.world.desk, held, reason="outbid"))
    assert (done.state, done.captured, done.expires_at) == (_S.CANCELED, usd("0"), None)
    assert selling.far.taken() == (0, 0, 0)
    assert codes(cancel(selling.world.desk, done)) == ["ALREADY"]
    with pytest.raises(StateForbids, match="canceled"):
        capture(selling.world.desk, done)
    with pytest.raises(StateForbids):
        refund(selling.world.desk, done, usd("1"))
    assert selling.far.taken() == (0, 0, 0)
    selling.agree()


def test_what_was_released_elsewhere_is_not_captured(selling: Selling, held: Payment) -> None:
    selling.far.done("POST", f"/v2/payments/{held.ref}/cancel")
    with pytest.raises((StateForbids, ProviderRefused)):
        capture(selling.world.desk, held)
    assert payment(cancel(selling.world.desk, held)).state is _S.CANCELED, "as was wished"
    assert selling.far.taken() == (0, 0, 0)
    selling.agree()


def test_what_was_captured_elsewhere_is_captured_and_not_released(selling: Selling, held: Payment) -> None:
    selling.far.done("POST", f"/v2/payments/{held.ref}/complete", {})
    with pytest.raises((StateForbids, ProviderRefused)):
        cancel(selling.world.desk, held)
    assert selling.far.taken() == (5_000, 0, 0)


def test_what_is_captured_is_not_released(selling: Selling, paid: Payment) -> None:
    with pytest.raises(StateForbids) as caught:
        cancel(selling.world.desk, paid)
    assert "refund" in str(caught.value.hint)
    assert selling.far.taken() == (5_000, 0, 0)


# --- refund


def test_parts_go_back_until_nothing_is_left(selling: Selling, paid: Payment) -> None:
    first = payment(refund(selling.world.desk, paid, usd("10"), reason="late"))
    assert (first.refunded, first.refundable, selling.far.taken()) == (usd("10"), usd("40"), (5_000, 0, 1_000))
    with pytest.raises(BadAmount, match="left"):
        refund(selling.world.desk, first, usd("40.01"))
    rest = payment(refund(selling.world.desk, first))
    assert (rest.refunded, rest.refundable, selling.far.taken()) == (usd("50"), usd("0"), (5_000, 0, 5_000))
    with pytest.raises(StateForbids, match="nothing"):
        refund(selling.world.desk, rest)
    given = selling.far.listed("refunds")
    assert sorted(one["amount_money"]["amount"] for one in given) == [1_000, 4_000]
    assert any(one["reason"].startswith("late [op_") for one in given)
    selling.agree()


def test_under_an_invoice_a_part_goes_back_once(selling: Selling, paid: Payment) -> None:
    for _ in range(2):
        done = refund(selling.world.desk, selling.payment(paid.ref), usd("10"), invoice="B-1")
    assert (codes(done), done.operation, selling.far.taken()) == (["ALREADY"], None, (5_000, 0, 1_000))
    with pytest.raises(StateForbids, match="refunded"):
        refund(selling.world.desk, selling.payment(paid.ref), usd("11"), invoice="B-1")
    refund(selling.world.desk, selling.payment(paid.ref), usd("11"), invoice="B-1/2")
    assert selling.far.taken() == (5_000, 0, 2_100)


def test_all_that_is_left_goes_back_once_under_an_invoice(selling: Selling, paid: Payment) -> None:
    for _ in range(2):
        refund(selling.world.desk, selling.payment(paid.ref), invoice="B-1")
    assert selling.far.taken() == (5_000, 0, 5_000)


def test_a_part_that_went_back_is_not_the_whole(selling: Selling, paid: Payment) -> None:
    """Nobody is told that all went back where only a part did."""
    refund(selling.world.desk, paid, usd("10"), invoice="B-1")
    with pytest.raises(StateForbids):
        refund(selling.world.desk, selling.payment(paid.ref), invoice="B-1")
    assert selling.far.taken() == (5_000, 0, 1_000)


def test_the_same_key_gives_the_same_refund(selling: Selling, paid: Payment) -> None:
    for amount in (usd("10"), None):
        first = refund(selling.world.desk, selling.payment(paid.ref), amount, caller_key=f"key {amount}")
        again = refund(selling.world.desk, selling.payment(paid.ref), amount, caller_key=f"key {amount}")
        assert (again.object, again.operation) == (first.object, first.operation)
    with pytest.raises(KeyReused):
        refund(selling.world.desk, paid, usd("11"), caller_key="key 10.00 USD")
    assert selling.far.taken() == (5_000, 0, 5_000)


def test_a_tip_goes_back_too(selling: Selling, held: Payment) -> None:
    done = payment(capture(selling.world.desk, held, tip=usd("5")))
    refund(selling.world.desk, done)
    assert selling.far.taken() == (5_500, 0, 5_500)


def test_a_hold_is_released_not_refunded(selling: Selling, held: Payment) -> None:
    with pytest.raises(StateForbids) as caught:
        refund(selling.world.desk, held, usd("10"))
    assert "cancel" in str(caught.value.hint)
    assert (selling.far.taken(), selling.far.listed("refunds")) == ((0, 5_000, 0), [])


def test_what_went_back_elsewhere_is_no_more_left(selling: Selling, paid: Payment) -> None:
    body = {
        "idempotency_key": "staff-1",
        "payment_id": paid.ref,
        "amount_money": {"amount": 4_500, "currency": "USD"},
    }
    selling.far.done("POST", "/v2/refunds", body)
    with pytest.raises(ProviderRefused):
        refund(selling.world.desk, paid, usd("10"))
    assert selling.far.taken() == (5_000, 0, 4_500)


def test_a_refund_in_a_currency_without_cents(selling: Selling, card: SavedCard) -> None:
    held = payment(preauth(selling.world.desk, card, Money.parse("5000", "JPY")))
    done = payment(capture(selling.world.desk, held, amount=Money.parse("4210", "JPY")))
    refund(selling.world.desk, done, Money.parse("10", "JPY"))
    assert selling.far.taken("JPY") == (4_210, 0, 10)
    with pytest.raises(BadAmount):
        refund(selling.world.desk, selling.payment(done.ref), usd("10"))


@pytest.mark.parametrize("fault", ["lost-reply", "torn-body", "500-after-commit", "500"])
def test_a_refund_that_nobody_knows_of_is_settled_to_one(selling: Selling, paid: Payment, fault: str) -> None:
    strike(selling.world, "/v2/refunds", fault, 20)
    try:
        refund(selling.world.desk, paid, usd("10"), invoice="B-1")
    except OutcomeUnknown:
        with pytest.raises(OutcomeUnknown):
            refund(selling.world.desk, paid, usd("10"), invoice="B-1")
    selling.world.control.clear_faults()
    assert not resume(selling.world.desk).left
    assert selling.far.taken() == (5_000, 0, 1_000)
    assert codes(refund(selling.world.desk, selling.payment(paid.ref), usd("10"), invoice="B-1")) == ["ALREADY"]
    (one,) = [given for _, refunds, _ in payments_of(selling.world.books, the_card(selling)) for given in refunds]
    assert (one.state, one.amount, one.invoice) == (RefundState.COMPLETED, usd("10"), "B-1")
    selling.agree()


# --- finding, rehearsing


def test_a_payment_is_found_by_its_card(selling: Selling, card: SavedCard, held: Payment, paid: Payment) -> None:
    books = selling.world.books
    for name in (card.id, card.id[:12], card.person):
        assert find_hold(books, name).id == held.id
        assert find_hold(books, name, invoice="A-17").id == held.id
        assert find_refundable(books, name).id == paid.id
        assert find_refundable(books, name, invoice="B-1").id == paid.id
    assert find_hold(books, held.id, invoice="A-17").id == held.id
    with pytest.raises(BadInput):
        find_hold(books, held.id, invoice="B-1")
    other = selling.hold(card, "5", invoice="A-18")
    with pytest.raises(BadInput, match="several") as caught:
        find_hold(books, card.id)
    assert other.id in str(caught.value.hint)
    for one in (held, other):
        cancel(selling.world.desk, one)
    with pytest.raises(StateForbids, match="nothing is held"):
        find_hold(books, card.id)
    assert find_hold(books, card.id, invoice="A-17").state is _S.CANCELED, "who asks again is told how it ended"


def test_a_rehearsal_sends_and_writes_nothing(selling: Selling, held: Payment, paid: Payment) -> None:
    desk, before, far = selling.world.desk, selling.world.audit(), selling.far.payments()
    part = rehearse_capture(desk, held, amount=usd("42.10"))
    assert isinstance(part, Draft)
    assert [step["method"] for step in part.prelude] == ["PUT"]
    assert part.path == f"/v2/payments/{held.ref}/complete"
    for draft in (rehearse_cancel(desk, held), rehearse_refund(desk, paid, usd("10"))):
        assert isinstance(draft, Draft)
    with pytest.raises(BadAmount):
        rehearse_refund(desk, paid, usd("51"))
    assert (selling.world.audit(), selling.far.payments()) == (before, far)
    assert not [one for one in selling.world.wire.asked if one.startswith("PUT")]
