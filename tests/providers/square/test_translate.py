"""Square's words and ours, as tables; what is missing, newer, or no such object at all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.domain.payments import PaymentKind, PaymentState, RefundState
from cardctl.domain.states import CardState
from cardctl.providers.square import translate
from tests.providers.square import objects
from tests.providers.square.objects import CARD, CUSTOMER, MARK, PAYMENT, money


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@pytest.mark.parametrize(
    ("word", "state", "captured"),
    [
        ("PENDING", PaymentState.PENDING, 0),
        ("APPROVED", PaymentState.APPROVED, 0),
        ("COMPLETED", PaymentState.COMPLETED, 5300),
        ("CANCELED", PaymentState.CANCELED, 0),
        ("FAILED", PaymentState.FAILED, 0),
        ("completed", PaymentState.UNKNOWN, 0),
        ("REVERSED", PaymentState.UNKNOWN, 0),
        (None, PaymentState.UNKNOWN, 0),
    ],
)
def test_payments(word: str | None, state: PaymentState, captured: int) -> None:
    wire = objects.payment(tip_money=money(300), total_money=money(5300), refunded_money=money(1000), status=word)
    payment = translate.payment_from_wire(wire)
    assert (payment.state, payment.word) == (state, word or "")
    assert (payment.amount, payment.tip) == (usd(5000), usd(300))
    assert (payment.captured, payment.refunded) == (usd(captured), usd(1000))
    assert (payment.ref, payment.card_ref, payment.customer_ref) == (PAYMENT, CARD, CUSTOMER)
    assert (payment.invoice, payment.mark) == ("INV-1", MARK)


def test_a_hold_ends_and_what_is_over_does_not() -> None:
    assert translate.payment_from_wire(objects.hold()).expires_at == datetime(2026, 11, 29, 21, 16, 51, 86000, tzinfo=UTC)
    assert translate.payment_from_wire(objects.hold(status="COMPLETED")).expires_at is None
    assert translate.payment_from_wire(objects.hold(delayed_until=None)).expires_at is None
    assert translate.payment_from_wire(objects.hold(delay_action="COMPLETE")).then_capture


@pytest.mark.parametrize(
    ("status", "captured", "updated", "kind"),
    [
        ("APPROVED", None, "51.086", PaymentKind.PREAUTH),
        ("COMPLETED", "51.900", "59.999", PaymentKind.CHARGE),
        ("COMPLETED", None, "59.999", PaymentKind.CHARGE),
        ("COMPLETED", "51.900", None, PaymentKind.CHARGE),
        ("CANCELED", None, "51.086", None),
        ("FAILED", None, "51.086", None),
    ],
)
def test_what_is_completed_at_once_is_a_charge(
    status: str, captured: str | None, updated: str | None, kind: PaymentKind | None
) -> None:
    """Square tells of a charge as of a hold at first; one that was refunded months later was a charge all the same."""
    wire = objects.payment(status, updated_at=f"2026-11-22T21:16:{updated}Z" if updated else "2027-03-01T00:00:00Z")
    if captured:
        wire["card_details"]["card_payment_timeline"] = {"captured_at": f"2026-11-22T21:16:{captured}Z"}
    assert translate.payment_from_wire(wire).kind is kind


def test_a_hold_that_was_captured_stays_one() -> None:
    late = "2026-11-22T21:19:00.832Z"
    wire = objects.payment(updated_at=late)
    assert translate.payment_from_wire(wire).kind is PaymentKind.PREAUTH
    wire["card_details"]["card_payment_timeline"] = {"captured_at": late}
    assert translate.payment_from_wire(wire).kind is PaymentKind.PREAUTH


def test_a_payment_of_another_kind_is_read_as_well() -> None:
    """Cash, a gift, a card that is not on file: the seller's lists have them all."""
    bare: Any = {"id": "p1", "amount_money": money(7, "JPY"), "created_at": objects.CREATED, "status": "COMPLETED"}
    payment = translate.payment_from_wire(bare)
    assert (payment.card_ref, payment.customer_ref, payment.invoice, payment.mark) == (None, None, None, None)
    assert (payment.captured, payment.tip, payment.refunded) == (Money(7, "JPY"), Money(0, "JPY"), Money(0, "JPY"))
    assert payment.updated_at == payment.created_at


@pytest.mark.parametrize("note", ["", "lunch", f"cardctl {MARK} and more", f"xcardctl {MARK}x!", "cardctl op_", None])
def test_a_note_that_is_not_ours_is_no_mark(note: str | None) -> None:
    assert translate.payment_from_wire(objects.payment(note=note)).mark is None


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"amount_money": None}, TypeError),
        ({"amount_money": {"amount": 5}}, LookupError),
        ({"amount_money": {"amount": "5", "currency": "USD"}}, TypeError),
        ({"amount_money": {"amount": True, "currency": "USD"}}, TypeError),
        ({"amount_money": {"amount": 5, "currency": None}}, TypeError),
        ({"id": ""}, TypeError),
        ({"id": 7}, TypeError),
        ({"created_at": "yesterday"}, ValueError),
        ({"card_details": "VISA"}, AttributeError),
        ({"tip_money": money(5, "EUR"), "total_money": None}, translate.STRANGE),
    ],
)
def test_what_is_no_payment(wrong: dict[str, Any], error: Any) -> None:
    assert not isinstance(error, type) or issubclass(error, translate.STRANGE)
    with pytest.raises(error):
        translate.payment_from_wire(objects.payment(**wrong))


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PENDING", RefundState.PENDING),
        ("COMPLETED", RefundState.COMPLETED),
        ("REJECTED", RefundState.REJECTED),
        ("FAILED", RefundState.FAILED),
        ("APPROVED", RefundState.UNKNOWN),
        (None, RefundState.UNKNOWN),
    ],
)
def test_refunds(word: str | None, state: RefundState) -> None:
    refund = translate.refund_from_wire(objects.refund(status=word))
    assert (refund.state, refund.amount, refund.payment_ref) == (state, usd(1000), PAYMENT)


@pytest.mark.parametrize(
    ("said", "reason", "mark"),
    [
        (f"broken [{MARK}]", "broken", MARK),
        (f"[{MARK}]", None, MARK),
        (f"two [lines]\n and [{MARK}]", "two [lines]\n and", MARK),
        ("broken", "broken", None),
        (f"[{MARK}] first", f"[{MARK}] first", None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_the_mark_is_no_reason(said: str | None, reason: str | None, mark: str | None) -> None:
    refund = translate.refund_from_wire(objects.refund(reason=said))
    assert (refund.reason, refund.mark) == (reason, mark)


def test_what_is_said_of_a_reason_comes_back() -> None:
    for reason in ("broken", "x" * 100, None):
        wire: Any = objects.refund(reason=translate.reason_of(reason, MARK))
        refund = translate.refund_from_wire(wire)
        assert (refund.reason, refund.mark) == (reason, MARK)


def test_cards() -> None:
    card = translate.card_from_wire(objects.card())
    assert (card.ref, card.customer_ref, card.mark, card.version) == (CARD, CUSTOMER, MARK, 1)
    assert (card.brand, card.last4, card.exp_month, card.exp_year) == ("VISA", "1111", 11, 2029)
    assert (card.enabled, card.closed, card.forgotten) == (True, False, False)
    closed = translate.card_from_wire(objects.card(issuer_alert="ISSUER_ALERT_CARD_CLOSED"))
    assert closed.closed
    assert not translate.card_from_wire(objects.card(issuer_alert="ISSUER_ALERT_NEW"), keep=False).closed
    text = translate.card_from_wire(objects.card(exp_month="3", version="7"))
    assert (text.exp_month, text.version) == (3, 7)


def test_square_issues_no_cards() -> None:
    assert translate.state_of("ACTIVE") is CardState.UNKNOWN


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22T21:16:51Z", datetime(2026, 11, 22, 21, 16, 51, tzinfo=UTC)),
        ("2026-11-22T21:16:51.5Z", datetime(2026, 11, 22, 21, 16, 51, 500000, tzinfo=UTC)),
        ("2026-11-22T21:16:51.123456789Z", datetime(2026, 11, 22, 21, 16, 51, 123456, tzinfo=UTC)),
        ("2026-11-22T22:16:51+01:00", datetime(2026, 11, 22, 21, 16, 51, tzinfo=UTC)),
        ("2026-11-22T21:16:51", datetime(2026, 11, 22, 21, 16, 51, tzinfo=UTC)),
    ],
)
def test_moments(text: str, at: datetime) -> None:
    assert translate.moment(text) == at
