"""Strowallet's words as ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cardctl.domain.accounts import AccountState, Kyc
from cardctl.domain.states import CardState
from cardctl.domain.transactions import TransactionKind, TransactionState
from cardctl.errors import BadInput
from cardctl.providers.strowallet import rows, translate, wire
from cardctl.providers.strowallet.countries import alpha3
from tests.providers.strowallet.objects import CVV, NUMBER, detail, row, usd

K, S = TransactionKind, TransactionState


def whole(**fields: Any) -> dict[str, Any]:
    return {"success": True, "response": {"card_detail": wire.harmless(detail(**fields))}}


@pytest.mark.parametrize(
    ("word", "state", "ever_active"),
    [
        ("pending", CardState.PENDING, None),
        ("pending_activation", CardState.PENDING, None),
        ("active", CardState.ACTIVE, True),
        ("ACTIVE", CardState.ACTIVE, True),
        ("frozen", CardState.FROZEN, True),
        ("Inactive", CardState.FROZEN, True),
        ("blocked", CardState.FROZEN, True),
        ("terminated", CardState.CLOSED, None),
        ("failed", CardState.FAILED, None),
        ("activated", CardState.UNKNOWN, None),
        ("", CardState.UNKNOWN, None),
    ],
)
def test_card_states(word: str, state: CardState, ever_active: bool | None) -> None:
    card = translate.card_from_wire(whole(card_status=word), "card-1", nfc=False)
    assert (card.state, card.word, card.ever_active) == (state, word, ever_active)


def test_a_card() -> None:
    card = translate.card_from_wire(whole(), "card-1", nfc=False)
    assert (card.account_ref, card.holder, card.brand, card.type, card.last4) == ("cus-1", "ADA OBI", "visa", "virtual", "4242")
    assert (card.balance, card.shared, card.exp_month, card.exp_year) == (usd(1250), False, 12, 2028)
    assert card.created_at == datetime(2025, 1, 15, tzinfo=UTC)
    assert NUMBER not in json.dumps(card.raw)
    assert CVV not in json.dumps(card.raw)


def test_an_nfc_card_belongs_to_an_email() -> None:
    assert translate.card_from_wire(whole(), "card-1", nfc=True).account_ref == "ada@example.test"


@pytest.mark.parametrize("data", [{"success": True}, {"success": True, "response": []}, whole(card_id="card-2")])
def test_what_is_no_detail_of_this_card(data: dict[str, Any]) -> None:
    with pytest.raises(LookupError):
        translate.card_from_wire(data, "card-1", nfc=False)


@pytest.mark.parametrize(
    ("expiry", "told"),
    [("12/28", (12, 2028)), ("1/2031", (1, 2031)), ("03/31", (3, 2031)), ("13/28", (0, 0)), ("", (0, 0)), (None, (0, 0))],
)
def test_expiries(expiry: str | None, told: tuple[int, int]) -> None:
    card = translate.card_from_wire(whole(expiry=expiry), "card-1", nfc=False)
    assert (card.exp_month, card.exp_year) == told


@pytest.mark.parametrize(
    ("balance", "money"), [("12.50", 1250), (12, 1200), ("0", 0), ("-1.25", -125), (None, None), ("", None)]
)
def test_balances(balance: Any, money: int | None) -> None:
    told = translate.card_from_wire(whole(balance=balance), "card-1", nfc=False).balance
    assert told == (None if money is None else usd(money))


@pytest.mark.parametrize("balance", ["a lot", "1,000.00", True, "NaN", "1.234", [], {}])
def test_a_balance_that_is_none(balance: Any) -> None:
    with pytest.raises((ValueError, BadInput)):
        translate.card_from_wire(whole(balance=balance), "card-1", nfc=False)


@pytest.mark.parametrize(
    ("last4", "number", "told"),
    [
        ("5976", NUMBER, "5976"),
        (None, NUMBER, "4242"),
        ("", "4242 4242 4242 4242", "4242"),
        ("**** 5976", NUMBER, "5976"),
        ("****", "****", ""),
        (None, None, ""),
    ],
)
def test_last_four_digits(last4: str | None, number: str | None, told: str) -> None:
    assert translate.card_from_wire(whole(last4=last4, card_number=number), "card-1", nfc=False).last4 == told


def test_what_nobody_may_keep_is_dropped_at_any_depth() -> None:
    secret = {"card_number": NUMBER, "CVV": CVV, "idNumber": "A1", "bvn": "1", "public_key": "pub_1", "cvv_url": "u"}
    kept = wire.harmless({"response": [{"card": {**secret, "card_id": "card-1", "userPhoto": "p", "id_front_image": "i"}}]})
    assert kept == {"response": [{"card": {"card_id": "card-1", "last4": "4242"}}]}


def test_credentials() -> None:
    found = translate.credentials_from_wire({"response": {"card_detail": detail(card_number="4242 4242 4242 4242")}})
    assert found is not None
    assert (found.number, found.cvc, found.exp_month, found.exp_year) == (NUMBER, CVV, 12, 2028)
    assert translate.credentials_from_wire({"response": {"card_detail": detail(card_number="**** 4242")}}) is None


@pytest.mark.parametrize(
    ("word", "kyc"),
    [
        ("high kyc", Kyc.VERIFIED),
        ("HIGH KYC", Kyc.VERIFIED),
        ("low_kyc", Kyc.VERIFIED),
        ("low", Kyc.VERIFIED),
        ("verified", Kyc.VERIFIED),
        ("Approved", Kyc.VERIFIED),
        ("rejected", Kyc.REJECTED),
        ("failed", Kyc.REJECTED),
        ("Declined", Kyc.REJECTED),
        ("unreview kyc", Kyc.PENDING),
        ("under_review", Kyc.PENDING),
        ("pending", Kyc.PENDING),
        ("not high kyc", Kyc.PENDING),
        ("", Kyc.PENDING),
    ],
)
def test_kyc_words(word: str, kyc: Kyc) -> None:
    data = {"success": True, "data": {"customerId": "cus-1", "status": word}}
    account = translate.account_from_wire(data, nfc=False)
    assert account.kyc is kyc
    assert account.state is (AccountState.ACTIVE if kyc is Kyc.VERIFIED else AccountState.PENDING)
    assert account.compliance_flags == (() if kyc is Kyc.VERIFIED else (word or "kyc_status_missing",))
    assert account.external_id is None


def test_the_requests_own_status_is_no_kyc() -> None:
    data = {"success": True, "status": "verified", "data": {"customerId": "cus-1"}}
    assert translate.account_from_wire(data, nfc=False).kyc is Kyc.PENDING


@pytest.mark.parametrize("place", ["response", "data", None])
def test_an_nfc_customer_in_every_envelope(place: str | None) -> None:
    inner = {"customer_id": "n-1", "status": "approved"}
    data = {"success": True, **({place: inner} if place else inner)}
    account = translate.account_from_wire(data, nfc=True, email="Ada@Example.test")
    assert (account.ref, account.kyc, translate.customer_id(data)) == ("ada@example.test", Kyc.VERIFIED, "n-1")


def test_an_answer_about_no_customer() -> None:
    with pytest.raises(LookupError):
        translate.account_from_wire({"success": True, "data": {"status": "high kyc"}}, nfc=False)


@pytest.mark.parametrize(
    ("fields", "kind", "state", "impact"),
    [
        ({}, K.SETTLEMENT, S.SETTLED, -2500),
        ({"type": "DEBIT", "amount": "25.00"}, K.SETTLEMENT, S.SETTLED, -2500),
        ({"type": None}, K.SETTLEMENT, S.SETTLED, -2500),
        ({"amount": None}, K.SETTLEMENT, S.SETTLED, -2500),
        ({"amount": 25, "type": "debit"}, K.SETTLEMENT, S.SETTLED, -2500),
        ({"status": None}, K.SETTLEMENT, S.SETTLED, -2500),
        ({"status": "pending"}, K.AUTHORIZATION, S.APPROVED, -2500),
        ({"status": "Processing"}, K.AUTHORIZATION, S.APPROVED, -2500),
        ({"status": "odd"}, K.SETTLEMENT, S.UNKNOWN, -2500),
        ({"status": "failed"}, K.DECLINE, S.DECLINED, 0),
        ({"status": "declined"}, K.DECLINE, S.DECLINED, 0),
        ({"type": "declined"}, K.DECLINE, S.DECLINED, 0),
        ({"narrative": "Decline Fee"}, K.FEE, S.SETTLED, -2500),
        ({"description": "card decline_fee"}, K.FEE, S.SETTLED, -2500),
        ({"narrative": "COFFEE HOUSE"}, K.SETTLEMENT, S.SETTLED, -2500),
        ({"narrative": "TOPUP MOBILE"}, K.SETTLEMENT, S.SETTLED, -2500),
        ({"type": "credit", "amount": "25.00", "narrative": "Card top-up"}, K.FUNDING, S.SETTLED, 2500),
        ({"type": "credit", "amount": "25.00", "narrative": "Card funding"}, K.FUNDING, S.SETTLED, 2500),
        ({"type": "topup", "amount": "25.00", "narrative": ""}, K.FUNDING, S.SETTLED, 2500),
        ({"type": "credit", "narrative": "Topup", "status": "pending"}, K.FUNDING, S.PENDING, 2500),
        ({"type": "credit", "narrative": "Topup", "status": "failed"}, K.FUNDING, S.DECLINED, 0),
        ({"type": "credit", "narrative": "Topup", "status": "odd"}, K.FUNDING, S.UNKNOWN, 0),
        ({"narrative": "Withdraw from virtual card"}, K.WITHDRAWAL, S.SETTLED, -2500),
        ({"narrative": "Card withdrawal", "status": "pending"}, K.WITHDRAWAL, S.PENDING, -2500),
        ({"type": "credit", "narrative": "Refund EXAMPLE SHOP"}, K.REFUND, S.SETTLED, 2500),
        ({"type": "credit", "narrative": "EXAMPLE SHOP"}, K.REFUND, S.SETTLED, 2500),
    ],
)
def test_rows(fields: dict[str, Any], kind: TransactionKind, state: TransactionState, impact: int) -> None:
    event = rows.transaction_from_row(row(**fields), "card-1")  # type: ignore[arg-type]
    assert (event.kind, event.state, event.impact, event.amount) == (kind, state, usd(impact), usd(2500))
    assert event.occurred_at == datetime(2025, 1, 15, 10, 30, tzinfo=UTC)


def test_a_row_names_its_merchant_and_a_movement_its_reference() -> None:
    purchase = rows.transaction_from_row(row(), "card-1")  # type: ignore[arg-type]
    assert (purchase.ref, purchase.merchant.name, purchase.reference) == ("t-1", "EXAMPLE SHOP", None)
    moved = rows.transaction_from_row(row(narrative="withdrawal", reference="w-1"), "card-1")  # type: ignore[arg-type]
    assert (moved.reference, moved.merchant.name) == ("w-1", None)


@pytest.mark.parametrize("said", ["EXAMPLE SHOP", "Refund EXAMPLE SHOP", "Refund: EXAMPLE SHOP", "refunded from EXAMPLE SHOP"])
def test_a_refund_names_the_purchase_s_merchant(said: str) -> None:
    refund = rows.transaction_from_row(row(type="credit", narrative=said), "card-1")  # type: ignore[arg-type]
    assert (refund.kind, refund.merchant.name) == (K.REFUND, "EXAMPLE SHOP")
    nameless = rows.transaction_from_row(row(type="credit", narrative="Refund"), "card-1")  # type: ignore[arg-type]
    assert nameless.merchant.name == "Refund"


@pytest.mark.parametrize("fields", [{"id": None}, {"amount": "much"}, {"createdAt": "yesterday"}, {"currency": "XYZ"}])
def test_a_row_that_is_none(fields: dict[str, Any]) -> None:
    with pytest.raises((LookupError, ValueError, BadInput)):
        rows.transaction_from_row(row(**fields), "card-1")  # type: ignore[arg-type]


ROWS = [row("t-1")]


@pytest.mark.parametrize(
    "data",
    [
        {"response": {"card_transactions": ROWS}},
        {"response": ROWS},
        {"data": {"transactions": ROWS}},
        {"data": ROWS},
        {"transactions": ROWS},
    ],
)
def test_rows_are_found_wherever_they_may_be(data: dict[str, Any]) -> None:
    assert wire.rows_in({"success": True, **data}) == ROWS


@pytest.mark.parametrize("data", [{}, {"response": {}}, {"response": None}, {"response": {"card_transactions": []}}])
def test_no_rows_are_none(data: dict[str, Any]) -> None:
    assert wire.rows_in({"success": True, **data}) == []


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"data": {"status": "Approved"}}, "approved"),
        ({"status": "completed"}, "completed"),
        ({"status": "success"}, ""),
        ({"status": True, "data": {"status": "failed"}}, "failed"),
        ({"status": True}, ""),
    ],
)
def test_how_a_withdrawal_stands(data: dict[str, Any], word: str) -> None:
    assert translate.withdrawal_word(data) == word


@pytest.mark.parametrize(
    ("data", "settled", "reference"),
    [
        ({"apiresponse": {"data": {"id": "f-1", "status": "pending", "reference": "r-1"}}}, False, "r-1"),
        ({"apiresponse": {"data": {"id": "f-1", "status": "Success"}}}, True, "f-1"),
        ({"data": {"status": "completed", "reference": "r-1"}}, True, "r-1"),
        ({"status": "success", "message": "in progress"}, False, None),
        ({"apiresponse": {"status": "success", "message": "in progress"}}, False, None),
        ({"data": {"status": "odd"}}, False, None),
    ],
)
def test_money_on_its_way(data: dict[str, Any], settled: bool, reference: str | None) -> None:
    news = translate.moved_money(data, "card-1")
    assert (news.settled, news.reference, news.balance) == (settled, reference, None)


@pytest.mark.parametrize("data", [{"balance": "250.75"}, {"balance": 250.75}, {"data": {"balance": "250.75"}}])
def test_the_float(data: dict[str, Any]) -> None:
    assert translate.float_from_wire(data) == (usd(25_075),)


def test_countries() -> None:
    assert (alpha3("NG"), alpha3("us"), alpha3("HT")) == ("NGA", "USA", "HTI")
    with pytest.raises(BadInput):
        alpha3("XX")
