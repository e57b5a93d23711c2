"""Marqeta's messages as money events, one by one and as families: what a purchase did to what can be spent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.domain.transactions import RemoteTransaction, TransactionKind, TransactionState
from cardctl.providers.marqeta.provider import build
from cardctl.providers.marqeta.transactions import events_from_wire, transaction_from_wire
from tests.providers.conftest import Hand
from tests.providers.marqeta import objects
from tests.providers.marqeta.far import Answer, Far

K, S = TransactionKind, TransactionState


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def event(kind: str, state: str, standing: Money | None = None, **fields: Any) -> RemoteTransaction:
    return transaction_from_wire(objects.transaction(kind, state, **fields), standing)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("word", "state", "standing", "kind", "meaning", "impact"),
    [
        ("authorization", "PENDING", None, K.AUTHORIZATION, S.APPROVED, -2500),
        ("authorization", "CLEARED", None, K.AUTHORIZATION, S.SETTLED, 0),
        ("authorization", "DECLINED", None, K.DECLINE, S.DECLINED, 0),
        ("authorization", "ERROR", None, K.DECLINE, S.DECLINED, 0),
        ("authorization", "DREAMING", None, K.AUTHORIZATION, S.UNKNOWN, -2500),
        ("authorization.incremental", "PENDING", 9000, K.AUTHORIZATION, S.APPROVED, -2500),
        ("authorization.cashback", "PENDING", None, K.AUTHORIZATION, S.APPROVED, -2500),
        ("authorization.atm.withdrawal", "PENDING", None, K.AUTHORIZATION, S.APPROVED, -2500),
        ("authorization.quasi.cash", "PENDING", None, K.AUTHORIZATION, S.APPROVED, -2500),
        ("authorization.standin", "PENDING", None, K.AUTHORIZATION, S.APPROVED, -2500),
        ("pindebit.authorization", "PENDING", None, K.AUTHORIZATION, S.APPROVED, -2500),
        ("account.funding.authorization", "PENDING", None, K.AUTHORIZATION, S.APPROVED, -2500),
        ("authorization.advice", "PENDING", 9000, K.AUTHORIZATION, S.APPROVED, 6500),
        ("authorization.advice", "PENDING", None, K.AUTHORIZATION, S.APPROVED, 0),
        ("authorization.clearing", "COMPLETION", None, K.SETTLEMENT, S.SETTLED, -2500),
        ("authorization.clearing.cashback", "COMPLETION", None, K.SETTLEMENT, S.SETTLED, -2500),
        ("authorization.clearing", "DREAMING", None, K.SETTLEMENT, S.UNKNOWN, -2500),
        ("pindebit.authorization.clearing", "COMPLETION", None, K.SETTLEMENT, S.SETTLED, -2500),
        ("account.funding.auth_plus_capture", "COMPLETION", None, K.SETTLEMENT, S.SETTLED, -2500),
        ("account.funding.auth_plus_capture.reversal", "COMPLETION", None, K.REVERSAL, S.REVERSED, 2500),
        ("pindebit", "COMPLETION", None, K.SETTLEMENT, S.SETTLED, -2500),
        ("pindebit.atm.withdrawal", "COMPLETION", None, K.SETTLEMENT, S.SETTLED, -2500),
        ("pindebit.reversal", "COMPLETION", None, K.REVERSAL, S.REVERSED, 2500),
        ("pindebit.refund", "COMPLETION", None, K.REFUND, S.SETTLED, 2500),
        ("pindebit.balanceinquiry", "CLEARED", None, K.AUTHORIZATION, S.SETTLED, 0),
        ("authorization.reversal", "CLEARED", None, K.REVERSAL, S.REVERSED, 0),
        ("authorization.reversal", "PENDING", 9000, K.REVERSAL, S.REVERSED, 2500),
        ("authorization.reversal", "CLEARED", 2500, K.REVERSAL, S.REVERSED, 2500),
        ("authorization.reversal", "CLEARED", 1000, K.REVERSAL, S.REVERSED, 1000),
        ("authorization.reversal.issuerexpiration", "CLEARED", 2500, K.REVERSAL, S.EXPIRED, 2500),
        ("refund", "COMPLETION", None, K.REFUND, S.SETTLED, 2500),
        ("refund", "PENDING", None, K.REFUND, S.PENDING, 0),
        ("refund", "DREAMING", None, K.REFUND, S.UNKNOWN, 0),
        ("refund.authorization", "PENDING", None, K.AUTHORIZATION, S.PENDING, 0),
        ("refund.authorization.clearing", "COMPLETION", None, K.REFUND, S.SETTLED, 2500),
        ("refund.authorization.reversal", "CLEARED", None, K.REVERSAL, S.REVERSED, 0),
        ("original.credit.authorization.clearing", "CLEARED", None, K.REFUND, S.SETTLED, 2500),
        ("authorization.clearing.chargeback", "COMPLETION", None, K.CHARGEBACK, S.SETTLED, 2500),
        ("authorization.clearing.chargeback.reversal", "COMPLETION", None, K.CHARGEBACK, S.SETTLED, -2500),
        ("authorization.clearing.chargeback.completed", "COMPLETION", None, K.CHARGEBACK, S.SETTLED, 0),
        ("fee.charge", "COMPLETION", None, K.FEE, S.SETTLED, -2500),
        ("fee.charge.refund", "COMPLETION", None, K.FEE, S.SETTLED, 2500),
        ("gpa.credit", "COMPLETION", None, K.FUNDING, S.SETTLED, 2500),
        ("gpa.credit", "PENDING", None, K.FUNDING, S.PENDING, 0),
        ("gpa.debit", "COMPLETION", None, K.WITHDRAWAL, S.SETTLED, -2500),
    ],
)
def test_messages(
    word: str, state: str, standing: int | None, kind: TransactionKind, meaning: TransactionState, impact: int
) -> None:
    parent = {"preceding_related_transaction_token": "t_0"}
    found = event(word, state, None if standing is None else usd(standing), **parent)
    assert (found.kind, found.state, found.amount, found.impact) == (kind, meaning, usd(2500), usd(impact))


@pytest.mark.parametrize(
    ("polarity", "kind", "impact"),
    [
        ("DEBIT", K.SETTLEMENT, -2500),
        ("CREDIT", K.REFUND, 2500),
        ("PENDING_DEBIT", K.AUTHORIZATION, 0),
        ("PENDING_CREDIT", K.AUTHORIZATION, 0),
        (None, K.SETTLEMENT, 0),
    ],
)
def test_a_type_that_no_table_lists_fails_nothing(polarity: str | None, kind: TransactionKind, impact: int) -> None:
    found = event("billpayment", "COMPLETION", polarity=polarity)
    assert (found.kind, found.state, found.impact) == (kind, S.UNKNOWN, usd(impact))


def message(token: str, kind: str, state: str, amount: Any, parent: str | None = "a", **fields: Any) -> dict[str, Any]:
    return objects.transaction(kind, state, amount, token=token, preceding_related_transaction_token=parent, **fields)


HOLD = message("a", "authorization", "PENDING", 100, None)
SPENT = message("a", "authorization", "CLEARED", 100, None)


@pytest.mark.parametrize(
    ("family", "spent"),
    [
        ([HOLD], -10000),
        ([SPENT, message("b", "authorization.clearing", "COMPLETION", 100)], -10000),
        ([SPENT, message("b", "authorization.clearing", "COMPLETION", 80)], -8000),
        ([SPENT, message("b", "authorization.clearing", "COMPLETION", 120)], -12000),
        ([SPENT, message("b", "authorization.reversal", "CLEARED", 100)], 0),
        ([HOLD, message("b", "authorization.reversal", "CLEARED", 100)], 0),
        ([HOLD, message("b", "authorization.reversal", "PENDING", 30)], -7000),
        (
            [
                HOLD,
                message("b", "authorization.reversal", "PENDING", 30),
                message("c", "authorization.reversal", "PENDING", 90),
            ],
            0,
        ),
        (
            [
                SPENT,
                message("b", "authorization.reversal", "PENDING", 30),
                message("c", "authorization.clearing", "COMPLETION", 70),
            ],
            -7000,
        ),
        ([HOLD, message("b", "authorization.incremental", "PENDING", 20)], -12000),
        ([HOLD, message("b", "authorization.advice", "PENDING", 80)], -8000),
        (
            [HOLD, message("b", "authorization.reversal", "PENDING", 30), message("c", "authorization.advice", "PENDING", 50)],
            -5000,
        ),
        ([message("b", "authorization.advice", "PENDING", 50, None)], -5000),
        ([message("b", "authorization.reversal", "PENDING", 30), HOLD], -7000),  # of one second, in any order
        ([SPENT, message("b", "authorization.clearing", "COMPLETION", 100), message("c", "refund", "COMPLETION", 40)], -6000),
        ([message("a", "authorization", "DECLINED", 100, None)], 0),
        ([HOLD, message("b", "authorization.reversal", "DECLINED", 100)], -10000),
        ([HOLD, message("b", "authorization.reversal", "PENDING", 30, currency_code="EUR")], -10000),
        ([message("b", "authorization.clearing", "COMPLETION", 100, None)], -10000),  # forced, without an authorization
    ],
)
def test_a_family_adds_up_to_what_it_took(family: list[dict[str, Any]], spent: int) -> None:
    events = events_from_wire(family, {})  # type: ignore[arg-type]
    assert sum(one.impact.minor for one in events if one.impact.currency == "USD") == spent


def test_a_hold_is_remembered_from_page_to_page(hand: Hand) -> None:
    pages: list[Answer] = [
        objects.listed(HOLD, more=True),
        objects.listed(message("b", "authorization.reversal", "PENDING", 30), start=1),
    ]
    found = [one for page in build(hand(Far({"GET /transactions": pages}))).transactions() for one in page]
    assert [one.impact for one in found] == [usd(-10000), usd(3000)]


def test_what_else_a_message_tells() -> None:
    found = event("authorization.clearing", "COMPLETION", preceding_related_transaction_token="t_0")
    assert (found.ref, found.card_ref, found.authorization_code, found.parent_ref) == ("t_1", "card_1", "534165", "t_0")
    merchant = found.merchant
    assert (merchant.name, merchant.mcc, merchant.city, merchant.country) == ("EXAMPLE SAAS", "5734", "Oakland", "USA")
    assert found.occurred_at == datetime(2026, 1, 15, 11, tzinfo=UTC)
    assert event("gpa.credit", "COMPLETION", gpa_order=objects.order()).reference == "op_1"
    assert event("gpa.debit", "COMPLETION", gpa_order_unload=objects.unload(token="op_2")).reference == "op_2"


def test_a_message_may_tell_hardly_anything() -> None:
    bare = {"token": "t_1", "type": "authorization", "state": "PENDING", "amount": 5, "card_token": "card_1"}
    found = transaction_from_wire(bare)  # type: ignore[arg-type]
    assert (found.amount, found.merchant.name, found.parent_ref) == (usd(500), None, None)
    assert event("pindebit", "COMPLETION", currency_code="840").amount.currency == "USD"


def test_what_is_kept_has_no_numbers() -> None:
    card = objects.card(pan=objects.NUMBER, cvv_number="123")
    kept = event("authorization", "PENDING", card=card, user={"ssn": "111-23-4444", "identifications": [{"value": "x"}]}).raw
    assert objects.NUMBER not in str(kept)
    assert "111-23-4444" not in str(kept)
    assert "cvv_number" not in str(kept)


def test_what_names_no_card_is_left_out(hand: Hand) -> None:
    load = objects.transaction("gpa.credit", "COMPLETION", card_token=None)
    far = Far({"GET /transactions": objects.listed(load)})
    assert list(build(hand(far)).transactions()) == []


def test_the_list_is_asked_for_all_states_and_all_time(hand: Hand) -> None:
    far = Far()
    provider = build(hand(far))
    list(provider.transactions())
    list(provider.transactions_of("card_1", since=datetime(2026, 3, 10, 12, tzinfo=UTC)))
    everything, recent = (dict(one.url.params) for one in far.requests)
    assert everything == {
        "state": "PENDING,CLEARED,COMPLETION,DECLINED,ERROR",
        "sort_by": "created_time",
        "start_date": everything["start_date"],
        "end_date": "2100-01-01",
        "count": "100",
        "start_index": "0",
    }
    assert everything["start_date"] < "2010-01-02"
    assert (recent["card_token"], recent["start_date"]) == ("card_1", "2026-03-03")


@pytest.mark.parametrize(
    ("made", "given"), [("2026-03-10T12:00:00Z", True), ("2026-03-10T08:00:00Z", True), ("2026-03-10T07:59:59Z", False)]
)
def test_since_is_when_the_entry_was_made_less_the_lag_of_the_list(hand: Hand, made: str, given: bool) -> None:
    far = Far({"GET /transactions": objects.listed(objects.transaction(created_time=made))})
    found = list(build(hand(far)).transactions(since=datetime(2026, 3, 10, 12, tzinfo=UTC)))
    assert bool(found) is given


def test_the_beginning_of_time_is_no_error(hand: Hand) -> None:
    list(build(hand(Far())).transactions(since=datetime(1, 1, 1, tzinfo=UTC)))
