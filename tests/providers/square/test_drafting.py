"""Wishes as Square's requests, and the wishes that are no request."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.domain.payments import NewPayment
from cardctl.domain.saved_cards import NewCustomer, NewSavedCard
from cardctl.errors import BadAmount, BadInput, StateForbids
from cardctl.providers.square import drafting
from cardctl.providers.square.translate import payment_from_wire
from tests.providers.square import objects
from tests.providers.square.objects import CARD, CUSTOMER, LOCATION, MARK, PAYMENT, money


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def paid(**more: Any) -> NewPayment:
    told: dict[str, Any] = {"customer_ref": CUSTOMER, "card_ref": CARD, "amount": usd(5000)}
    return NewPayment(**(told | more))


def remote(wire: Any) -> Any:
    return payment_from_wire(wire)


def test_a_customer_is_called_after_the_person() -> None:
    draft = drafting.customer_draft(NewCustomer("buyer@example.com", email="buyer@example.com"))
    assert draft.body == {"reference_id": "buyer@example.com", "email_address": "buyer@example.com"}
    assert drafting.customer_draft(NewCustomer("emp-7")).body == {"reference_id": "emp-7", "given_name": "emp-7"}
    long = "x" * 101
    told = drafting.customer_draft(NewCustomer(long, name="Ada Lovelace")).body
    assert told == {"reference_id": hashlib.sha256(long.encode()).hexdigest(), "given_name": "Ada Lovelace"}
    assert drafting.customer_draft(NewCustomer("x" * 100)).body["reference_id"] == "x" * 100


def test_a_card_has_the_mark_of_its_operation() -> None:
    draft = drafting.saved_card_draft(NewSavedCard(CUSTOMER, "cnon:ok"), MARK)
    assert draft.body == {"source_id": "cnon:ok", "card": {"customer_id": CUSTOMER, "reference_id": MARK}}


def test_no_draft_has_the_key_in_it() -> None:
    drafts = [
        drafting.customer_draft(NewCustomer("emp-7")),
        drafting.saved_card_draft(NewSavedCard(CUSTOMER, "cnon:ok"), MARK),
        drafting.payment_draft(paid(), None, MARK),
        drafting.refund_draft(PAYMENT, usd(1), MARK, None),
    ]
    assert all("idempotency_key" not in draft.body and draft.path in drafting.KEYED for draft in drafts)


def test_what_has_no_body_may_be_repeated() -> None:
    for draft in (drafting.disable_draft(CARD), drafting.cancel_draft(PAYMENT)):
        assert draft.path.endswith(drafting.BODILESS)
        assert (draft.body, draft.repeatable) == ({}, True)


def test_a_charge() -> None:
    told = drafting.payment_draft(paid(invoice="INV-1", tip=usd(150)), LOCATION, MARK).body
    assert told == {
        "source_id": CARD,
        "customer_id": CUSTOMER,
        "amount_money": money(5000),
        "tip_money": money(150),
        "autocomplete": True,
        "location_id": LOCATION,
        "reference_id": "INV-1",
        "note": f"cardctl {MARK}",
    }


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(minutes=1), "PT1M"),
        (timedelta(hours=4), "PT4H"),
        (timedelta(hours=1, minutes=2, seconds=3), "PT1H2M3S"),
        (timedelta(days=6, hours=23), "PT167H"),
    ],
)
def test_a_hold_says_how_long_and_what_then(span: timedelta, said: str) -> None:
    told = drafting.payment_draft(paid(hold=True, hold_for=span), None, MARK).body
    assert (told["autocomplete"], told["delay_duration"], told["delay_action"]) == (False, said, "CANCEL")
    told = drafting.payment_draft(paid(hold=True, then_capture=True), None, MARK).body
    assert (told.get("delay_duration"), told["delay_action"]) == (None, "COMPLETE")


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"amount": usd(0)}, BadAmount),
        ({"amount": usd(-1)}, BadAmount),
        ({"tip": usd(0)}, BadAmount),
        ({"tip": Money(1, "EUR")}, BadAmount),
        ({"invoice": "I" * 41}, BadInput),
        ({"hold": True, "hold_for": timedelta(seconds=59)}, BadInput),
    ],
)
def test_what_is_no_payment(wish: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        drafting.payment_draft(paid(**wish), None, MARK)


@pytest.mark.parametrize(
    ("amount", "tip", "changed"),
    [
        (None, None, None),
        (usd(5000), usd(0), None),
        (usd(4210), None, {"amount_money": money(4210)}),
        (None, usd(300), {"tip_money": money(300)}),
        (usd(6000), usd(1), {"amount_money": money(6000), "tip_money": money(1)}),
    ],
)
def test_a_capture_first_makes_the_hold_what_it_shall_be(amount: Any, tip: Any, changed: Any) -> None:
    draft = drafting.capture_draft(remote(objects.hold(version_token="v1")), amount, tip)
    assert (draft.path, draft.body, draft.repeatable) == (f"/v2/payments/{PAYMENT}/complete", {}, True)
    wanted = amount or usd(5000), tip or usd(0)
    assert draft.before == {"payment": PAYMENT, "amount": wanted[0].minor, "tip": wanted[1].minor, "currency": "USD"}
    if changed is None:
        assert draft.prelude == []
    else:
        body = {"payment": changed | {"version_token": "v1"}}
        assert draft.prelude == [{"method": "PUT", "path": f"/v2/payments/{PAYMENT}", "body": body}]


@pytest.mark.parametrize("status", ["COMPLETED", "CANCELED", "FAILED", "PENDING", "WHATEVER", ""])
def test_only_a_hold_can_be_captured(status: str) -> None:
    with pytest.raises(StateForbids, match="cannot be captured"):
        drafting.capture_draft(remote(objects.payment(status)), None, None)


@pytest.mark.parametrize(
    ("can", "amount", "tip", "allowed"),
    [
        ([], 5000, 0, True),
        ([], 4999, 0, False),
        ([], 5000, 1, False),
        (["EDIT_AMOUNT_DOWN"], 4999, 0, True),
        (["EDIT_AMOUNT_DOWN"], 5001, 0, False),
        (["EDIT_AMOUNT_UP"], 5001, 0, True),
        (["EDIT_AMOUNT_UP"], 4999, 0, False),
        (["EDIT_TIP_AMOUNT_UP"], 5000, 1, True),
        (["EDIT_TIP_AMOUNT_DOWN"], 5000, 1, False),
        (None, 9000, 9, True),
    ],
)
def test_a_hold_is_changed_only_as_square_lets_it(can: Any, amount: int, tip: int, allowed: bool) -> None:
    payment = remote(objects.hold(capabilities=can))
    if allowed:
        drafting.capture_draft(payment, usd(amount), usd(tip))
    else:
        with pytest.raises(StateForbids, match="square does not let"):
            drafting.capture_draft(payment, usd(amount), usd(tip))


@pytest.mark.parametrize(("amount", "tip"), [(Money(1, "EUR"), None), (None, Money(1, "EUR")), (usd(0), None), (None, usd(-1))])
def test_what_is_no_capture(amount: Any, tip: Any) -> None:
    with pytest.raises(BadAmount):
        drafting.capture_draft(remote(objects.hold()), amount, tip)


@pytest.mark.parametrize("reason", [None, "", "broken", "é" * 500])
def test_a_refund_ends_in_the_mark(reason: str | None) -> None:
    told = drafting.refund_draft(PAYMENT, usd(1000), MARK, reason).body["reason"]
    assert told.endswith(f"[{MARK}]")
    assert told.startswith((reason or "[")[:20])
    assert len(told) <= 192


def test_a_prelude_has_a_key_of_its_own() -> None:
    assert drafting.prelude_key(MARK, 0) == f"{MARK}.1"
    assert len(drafting.prelude_key(MARK, 0)) <= 45
