"""Stripe's words for what customers pay, as tables: states, amounts of every kind of currency, and what metadata says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardctl.domain.money import MAX_MINOR, Money
from cardctl.domain.payments import RefundState
from cardctl.domain.sales import CheckoutState, OrderData, RemoteCheckout, RemoteSale, RemoteSaleRefund, SaleState
from cardctl.errors import BadAmount, BadInput
from cardctl.providers.stripe_issuing import sales
from cardctl.providers.stripe_issuing.amounts import money_from_wire, money_to_wire
from tests.providers.stripe import objects

NAMES = sales.ORDER_NAMES
CREATED = datetime.fromtimestamp(objects.CREATED, UTC)
DATA = OrderData("ESIM-TR-7D-1GB", "ada@example.com", "Ada L.", "txn-1")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def sale(**fields: Any) -> RemoteSale:
    wire: Any = objects.sale(**fields)
    return sales.sale_from_wire(wire, NAMES)


def checkout(**fields: Any) -> RemoteCheckout:
    wire: Any = objects.checkout(**fields)
    return sales.checkout_from_wire(wire, NAMES)


def refund(**fields: Any) -> RemoteSaleRefund:
    wire: Any = objects.sale_refund(**fields)
    return sales.refund_from_wire(wire)


def test_a_payment() -> None:
    found = sale()
    assert (found.ref, found.state, found.amount, found.data) == ("pi_1", SaleState.PAID, usd(1500), DATA)
    assert (found.refunded, found.disputed, found.created_at) == (usd(0), False, CREATED)
    assert (found.email, found.paid_at) == ("payer@example.com", CREATED + timedelta(seconds=60))


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("requires_payment_method", SaleState.OPEN),
        ("requires_confirmation", SaleState.OPEN),
        ("requires_action", SaleState.OPEN),
        ("processing", SaleState.OPEN),
        ("requires_capture", SaleState.OPEN),
        ("canceled", SaleState.CANCELED),
        ("succeeded", SaleState.PAID),
        ("Succeeded", SaleState.UNKNOWN),
        ("paid", SaleState.UNKNOWN),
        ("", SaleState.UNKNOWN),
    ],
)
def test_states_of_a_payment(word: str, state: SaleState) -> None:
    found = sale(status=word, amount=1600)
    assert found.state is state
    assert found.amount == usd(1500 if state is SaleState.PAID else 1600)
    assert (found.paid_at is None) == (state is not SaleState.PAID)


def test_what_was_received_counts_though_more_was_asked_for() -> None:
    assert sale(amount=2000, amount_received=1500).amount == usd(1500)


@pytest.mark.parametrize(
    ("charge", "refunded", "disputed"),
    [
        (objects.charge(amount_refunded=400), usd(400), False),
        (objects.charge(disputed=True), usd(0), True),
        ("ch_1", None, None),  # not expanded: as it is in an event
        (None, usd(0), None),  # nobody tried to pay
        ({"id": "ch_1"}, None, None),
    ],
)
def test_what_a_charge_tells(charge: Any, refunded: Money | None, disputed: bool | None) -> None:
    found = sale(latest_charge=charge)
    assert (found.refunded, found.disputed) == (refunded, disputed)


def test_a_payment_without_a_word_of_charges_tells_of_none() -> None:
    wire: Any = objects.sale()
    del wire["latest_charge"]
    assert sales.sale_from_wire(wire, NAMES).refunded is None


def test_a_checkout() -> None:
    found = checkout(metadata={**objects.ORDER, "cardctl_operation": "op_1"})
    assert (found.ref, found.state, found.paid, found.amount) == ("cs_test_1", CheckoutState.COMPLETE, True, usd(1500))
    assert (found.data, found.email, found.sale_ref, found.mark) == (DATA, "payer@example.com", "pi_1", "op_1")
    assert (found.created_at, found.expires_at) == (CREATED, CREATED + timedelta(days=1))


@pytest.mark.parametrize(
    ("fields", "state", "paid"),
    [
        ({"status": "open", "payment_status": "unpaid", "payment_intent": None}, CheckoutState.OPEN, False),
        ({"status": "expired", "payment_status": "unpaid"}, CheckoutState.EXPIRED, False),
        ({"status": "complete", "payment_status": "unpaid"}, CheckoutState.COMPLETE, False),  # a bank debit, for days
        ({"status": "complete", "payment_status": "no_payment_required"}, CheckoutState.COMPLETE, False),
        ({"status": None, "payment_status": "settled"}, CheckoutState.UNKNOWN, False),
        ({"status": "done"}, CheckoutState.UNKNOWN, True),
    ],
)
def test_states_of_a_checkout(fields: dict[str, Any], state: CheckoutState, paid: bool) -> None:
    found = checkout(**fields)
    assert (found.state, found.paid) == (state, paid)


def test_an_open_checkout_says_where_to_pay() -> None:
    found = checkout(
        status="open", payment_status="unpaid", payment_intent=None, customer_details=None, url="https://pay.example/c"
    )
    assert (found.url, found.sale_ref, found.email) == ("https://pay.example/c", None, "ada@example.com")


def test_an_expanded_payment_is_its_name() -> None:
    assert checkout(payment_intent=objects.sale()).sale_ref == "pi_1"
    assert refund(payment_intent=objects.sale()).sale_ref == "pi_1"


def test_a_checkout_about_no_money_is_none() -> None:
    for fields in ({"amount_total": None}, {"currency": None}, {"id": None}, {"created": "now"}):
        with pytest.raises(sales.STRANGE):
            checkout(**fields)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("pending", RefundState.PENDING),
        ("requires_action", RefundState.PENDING),
        ("succeeded", RefundState.COMPLETED),
        ("failed", RefundState.FAILED),
        ("canceled", RefundState.FAILED),
        ("done", RefundState.UNKNOWN),
        (None, RefundState.UNKNOWN),
    ],
)
def test_states_of_a_refund(word: str | None, state: RefundState) -> None:
    found = refund(status=word, failure_reason="lost_or_stolen_card" if word == "failed" else None)
    assert found.state is state
    assert (found.ref, found.sale_ref, found.amount, found.mark) == ("re_1", "pi_1", usd(1500), "op_1")
    assert (found.reason, found.failure) == ("requested_by_customer", "lost_or_stolen_card" if word == "failed" else None)


def test_a_refund_of_no_payment_intent_is_none() -> None:
    with pytest.raises(sales.STRANGE):
        refund(payment_intent=None)


@pytest.mark.parametrize(
    ("metadata", "wanted"),
    [
        (None, None),
        ({}, None),
        ({"offerId": " "}, None),
        ({"offerId": 7}, None),
        ({"offerid": "ESIM"}, None),
        ({"offerId": " ESIM \n"}, OrderData("ESIM")),
        ({"offerId": "ESIM", "fullName": "", "transactionId": "  "}, OrderData("ESIM")),
        ({**objects.ORDER, "other": "x"}, DATA),
        ({"offerId": "ESIM", "recipientEmail": " ada@example.com "}, OrderData("ESIM", "ada@example.com")),
        ({"offerId": "ESIM", "fullName": "A 4242424242424242"}, OrderData("ESIM", None, "A **** **** **** 4242")),
        ({"offerId": "ESIM", "transactionId": "4242424242424242"}, OrderData("ESIM", transaction_id="4242424242424242")),
        ({"offerId": "ESIM", "recipientEmail": "Zoë@müller.example"}, OrderData("ESIM", "Zoë@müller.example")),
    ],
)
def test_what_metadata_says_of_an_order(metadata: Any, wanted: OrderData | None) -> None:
    assert sales.order_from_wire(metadata, NAMES) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "ada@example.",
        "ada@.com",
        "a da@example.com",
        "ada@example.com, eve@example.com",
        "ada@example.com;eve@example.com",
        "Ada <ada@example.com>",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@@example.com",
        "ada\x00@example.com",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 250}.com",
    ],
)
def test_what_no_mail_can_be_sent_to(text: str) -> None:
    found = sales.order_from_wire({"offerId": "ESIM", "recipientEmail": text}, NAMES)
    assert found == OrderData("ESIM")
    assert sale(receipt_email=text, latest_charge=None).email is None


def test_names_that_the_settings_give() -> None:
    names = sales.order_names({"order_names": {"offer": "sku", "recipient": "mail", "full_name": "who", "transaction": "no"}})
    said = {"sku": "ESIM", "mail": "a@b.co", "who": "A B", "no": "1", "offerId": "OTHER"}
    assert sales.order_from_wire(said, names) == OrderData("ESIM", "a@b.co", "A B", "1")
    assert sales.order_names(None) == sales.order_names({}) == sales.order_names({"order_names": None}) == NAMES


def test_what_is_kept_has_no_secret_of_the_customers() -> None:
    number = "4242 4242 4242 4242"
    kept = [
        sale(description=f"paid with {number}").raw,
        checkout(client_secret="cs_secret_dont", payment_intent=objects.sale()).raw,
        refund(description=number).raw,
    ]
    text = json.dumps(kept)
    assert "secret" not in text
    assert number not in text
    assert kept[0]["latest_charge"]["id"] == "ch_1"
    wire: Any = objects.sale()
    assert sales.sale_from_wire(wire, NAMES, keep=False).raw == {}


@pytest.mark.parametrize(
    ("wire", "currency", "money"),
    [
        (1500, "usd", Money(1500, "USD")),
        (0, "EUR", Money(0, "EUR")),
        (500, "jpy", Money(500, "JPY")),
        (500, "isk", Money(5, "ISK")),
        (5, "mga", Money(500, "MGA")),
        (5120, "kwd", Money(5120, "KWD")),
        (MAX_MINOR, "usd", Money(MAX_MINOR, "USD")),
    ],
)
def test_amounts_as_stripe_counts(wire: int, currency: str, money: Money) -> None:
    assert money_from_wire(wire, currency) == money
    if wire:
        assert money_to_wire(money) == wire


@pytest.mark.parametrize(
    ("wire", "currency"),
    [
        (501, "isk"),
        (500, "ugx"),
        (500, "xxx"),
        (500, ""),
        ("500", "usd"),
        (5.0, "usd"),
        (True, "usd"),
        (None, "usd"),
        (MAX_MINOR + 1, "usd"),
        (MAX_MINOR, "mga"),
    ],
)
def test_amounts_that_are_none(wire: Any, currency: str) -> None:
    with pytest.raises(BadInput):
        money_from_wire(wire, currency)


@pytest.mark.parametrize("money", [usd(0), usd(-1), Money(501, "MGA"), Money(5121, "KWD")])
def test_what_stripe_cannot_count_is_not_asked_for(money: Money) -> None:
    with pytest.raises(BadAmount):
        money_to_wire(money)
    with pytest.raises(BadInput):
        money_to_wire(Money(500, "UGX"))


@given(st.integers(1, 2**40), st.sampled_from(["USD", "JPY", "ISK", "KRW", "HUF", "TWD", "BHD", "MGA"]))
def test_what_is_asked_for_comes_back(minor: int, currency: str) -> None:
    money = Money(minor * {"BHD": 10, "MGA": 100}.get(currency, 1), currency)
    assert money_from_wire(money_to_wire(money), currency.lower()) == money


SOME = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4), st.just({}), st.just([]), st.just({"id": 7}))


@given(st.dictionaries(st.sampled_from(sorted(objects.sale())), SOME, max_size=3))
def test_a_strange_payment_is_read_or_refused(fields: dict[str, Any]) -> None:
    try:
        found = sale(**fields)
    except sales.STRANGE:
        return
    assert found.ref
    assert found.amount.minor >= 0 or "amount" in fields or "amount_received" in fields
