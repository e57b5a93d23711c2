"""What Strowallet's notifications say, as tables: hints, claims, and purchases in their poorer reading."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cardctl.domain.events import NOTHING, UNHEARD, Claim, Told
from cardctl.domain.money import Money
from cardctl.domain.states import CardState
from cardctl.domain.transactions import TransactionKind, TransactionState
from cardctl.errors import BadEvent
from cardctl.providers.strowallet.webhooks import StrowalletWebhooks

K, S = TransactionKind, TransactionState
LOOK = Told(look=("card-1",), decided=False)
PURCHASE = {
    "id": "evt-5",
    "event": "virtualcard.transaction.authorization",
    "date": "2026-05-18T12:10:00Z",
    "amount": "9.99",
    "cardId": "card-1",
    "status": "completed",
    "currency": "USD",
    "merchant": "EXAMPLE",
    "mcc": "5999",
    "country": "US",
    "narrative": "EXAMPLE fee withdrawal",
    "reference": "R5",
}
DECLINED = {
    "id": "evt-6",
    "event": "virtualcard.transaction.declined",
    "date": "2024-10-27T22:51:36.378Z",
    "amount": "0",
    "cardId": "card-1",
    "reason": "MCC not allowed",
    "status": "failed",
    "reference": "R6",
}


def told(**fields: Any) -> Told:
    webhooks = StrowalletWebhooks()
    (notice,) = webhooks.notices(json.dumps(fields).encode())
    return webhooks.told(notice)


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "virtualcard.topup.complete", "amount": "25.00", "status": "success"},
        {"event": "virtualcard.topup.complete", "amount": "25.00", "status": "failed", "isTerminated": False},
        {"event": "virtualcard.topup.failed"},
        {"event": "virtualcard.withdrawal.success", "amount": "131.08", "fee": "10.49", "credited": "120.59"},
        {"event": "virtualcard.transaction.crossborder", "amount": "1.00", "chargedAmount": "1.25", "createdAt": "x"},
        {"event": "virtualcard.something.new"},
    ],
)
def test_a_hint_where_to_look(fields: dict[str, Any]) -> None:
    assert told(id="e", cardId="card-1", **fields) == LOOK
    assert told(id="e", data={"card_id": "card-1", **fields}, event=fields["event"]) == LOOK


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"createdStatus": "completed", "status": "active"}, CardState.ACTIVE),
        ({"createdStatus": "COMPLETE"}, CardState.ACTIVE),
        ({"createdStatus": "success"}, CardState.ACTIVE),
        ({"status": "active"}, CardState.ACTIVE),
        ({"createdStatus": "failed", "status": "active"}, CardState.FAILED),
        ({"createdStatus": "pending"}, None),
        ({"createdStatus": "dreaming", "status": "active"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("event", ["virtualcard.created.complete", "virtualcard.created.success"])
def test_a_card_that_was_made_or_not(event: str, fields: dict[str, Any], state: CardState | None) -> None:
    claims = (Claim("card-1", state),) if state else ()
    assert told(event=event, id="card-1", cardId="card-1", amount="3", **fields) == Told(
        look=("card-1",), claims=claims, decided=False
    )


def test_cards_that_are_no_more() -> None:
    failed = told(event="virtualcard.created.failed", cardId="card-1", failureReason="KYC", refundAmount="3", id="e")
    assert failed.claims == (Claim("card-1", CardState.FAILED, "KYC"),)
    gone = told(event="virtualcard.transaction.declined.terminated", cardId="card-1", amount=100, status="success", id="e")
    assert gone.claims == (Claim("card-1", CardState.CLOSED),)
    assert gone.transactions == ()


@pytest.mark.parametrize(
    ("status", "kind", "state", "impact"),
    [
        ("completed", K.SETTLEMENT, S.SETTLED, -999),
        ("success", K.SETTLEMENT, S.SETTLED, -999),
        ("pending", K.AUTHORIZATION, S.APPROVED, -999),
        ("failed", K.DECLINE, S.DECLINED, 0),
        ("dreaming", K.SETTLEMENT, S.UNKNOWN, -999),
        (None, K.SETTLEMENT, S.SETTLED, -999),
    ],
)
def test_a_purchase_is_told_for_where_its_card_is_gone(
    status: str | None, kind: TransactionKind, state: TransactionState, impact: int
) -> None:
    found = told(**{**PURCHASE, "status": status})
    (purchase,) = found.transactions
    assert (found.look, found.decided, found.claims) == (("card-1",), False, ())
    assert (purchase.kind, purchase.state, purchase.impact) == (kind, state, Money(impact, "USD"))
    assert (purchase.ref, purchase.reference, purchase.card_ref) == ("R5", "R5", "card-1")
    assert (purchase.amount, purchase.raw) == (Money(999, "USD"), {})
    assert purchase.occurred_at == datetime(2026, 5, 18, 12, 10, tzinfo=UTC)
    assert (purchase.merchant.name, purchase.merchant.mcc, purchase.merchant.country) == ("EXAMPLE", "5999", "US")


@pytest.mark.parametrize("status", ["failed", "success", "dreaming", None])
def test_a_decline_takes_nothing_whatever_else_it_says(status: str | None) -> None:
    (declined,) = told(**{**DECLINED, "status": status, "amount": "4.20"}).transactions
    assert (declined.kind, declined.state, declined.impact) == (K.DECLINE, S.DECLINED, Money(0, "USD"))
    assert (declined.amount, declined.ref) == (Money(420, "USD"), "R6")


@pytest.mark.parametrize("missing", ["amount", "date"])
@pytest.mark.parametrize("event", [PURCHASE, DECLINED])
def test_a_purchase_that_cannot_be_told_is_still_a_hint(event: dict[str, Any], missing: str) -> None:
    assert told(**{**event, missing: None}) == LOOK


def test_without_a_reference_the_events_own_id_names_it() -> None:
    (purchase,) = told(**{**PURCHASE, "reference": None}).transactions
    assert (purchase.ref, purchase.reference) == ("evt-5", None)


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "otp.code", "cardId": "card-1", "authorizationCode": "1"},
        {"event": "usdt.transfer.success", "id": "u"},
        {"event": "banktransfer.success", "merchantTxRef": "m"},
        {"event": "banktransfer.refunded", "merchantTxRef": "m"},
        {"sessionId": "s", "accountNumber": "1", "settlementId": "x"},
        {"authorization.request": "r", "card_Id": "card-9"},
        {"transaction.created": "r"},
        {"transaction.refund": "r"},
        {"card.balance": "r"},
    ],
)
def test_what_informs_only(fields: dict[str, Any]) -> None:
    assert told(**fields) == NOTHING


@pytest.mark.parametrize("event", ["card.created", "card.blocked", "virtualcards.x", "virtualcard", "dream"])
def test_what_nobody_has_heard_of(event: str) -> None:
    assert told(event=event, cardId="card-1") == UNHEARD


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "virtualcard.topup.complete"},
        {"event": "virtualcard.topup.complete", "cardId": ""},
        {"event": "virtualcard.topup.complete", "cardId": ["card-1"]},
        {**PURCHASE, "amount": "much"},
        {**PURCHASE, "amount": "0.001"},
        {**PURCHASE, "amount": [1]},
        {**PURCHASE, "currency": "ZZZ"},
    ],
)
def test_what_a_cards_event_must_have(fields: dict[str, Any]) -> None:
    with pytest.raises(BadEvent):
        told(**fields)
