"""Square's own example events, each read as a notification and translated."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cardctl.domain.events import Notice
from cardctl.domain.money import Money
from cardctl.domain.payments import PaymentState, RefundState
from cardctl.domain.saved_cards import SavedTold
from cardctl.providers.square.webhooks import TYPES, SquareWebhooks
from tests.conformance.openapi import load

EXAMPLES = "square-webhook-examples"
CARD, CUSTOMER = "ccof:uIbfJXhXETSP197M3GB", "VDKXEEKPJN48QDG3BGGFAK05P8"


def read(kind: str) -> tuple[Notice, SavedTold]:
    webhooks = SquareWebhooks()
    (notice,) = webhooks.notices(json.dumps(load(EXAMPLES)[kind]).encode())
    told = webhooks.told(notice)
    assert told.known
    assert not told.informs
    return notice, told.saved


def test_all_of_them_are_known() -> None:
    assert set(load(EXAMPLES)) == set(TYPES)
    assert len(load(EXAMPLES)) == 16
    for kind, example in load(EXAMPLES).items():
        notice, _ = read(kind)
        assert (notice.type, notice.event_id) == (kind, example["event_id"])
        assert notice.card_ref is None
        assert notice.live is None
        assert notice.occurred_at == datetime.fromisoformat(example["created_at"])


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind.startswith(("card.", "customer."))])
def test_no_event_is_kept_under_the_name_of_a_card_or_customer(kind: str) -> None:
    notice, _ = read(kind)
    assert notice.object_ref is None


@pytest.mark.parametrize(
    ("kind", "enabled", "version", "expiry", "forgotten"),
    [
        ("card.created", True, 1, (11, 2022, "1111"), False),
        ("card.updated", True, 2, (11, 2022, "1111"), False),
        ("card.disabled", False, 2, (11, 2022, "1111"), False),
        ("card.automatically_updated", True, 2, (11, 2022, "1111"), False),
        ("card.forgotten", False, 2, (None, None, None), True),
    ],
)
def test_cards(kind: str, enabled: bool, version: int, expiry: Any, forgotten: bool) -> None:
    (card,) = read(kind)[1].cards
    assert (card.ref, card.customer_ref, card.enabled, card.version) == (CARD, CUSTOMER, enabled, version)
    assert (card.exp_month, card.exp_year, card.last4) == expiry
    assert card.forgotten is forgotten
    assert card.mark is None  # "user-id-1" is no operation of ours


@pytest.mark.parametrize(
    ("kind", "ref", "deleted"),
    [
        ("customer.created", "QPTXM8PQNX3Q726ZYHPMNP46XC", False),
        ("customer.updated", "A0AP25A6SCVTH8JES9BX01GXM4", False),
        ("customer.deleted", "QPTXM8PQNX3Q726ZYHPMNP46XC", True),
    ],
)
def test_customers(kind: str, ref: str, deleted: bool) -> None:
    (customer,) = read(kind)[1].customers
    assert (customer.ref, customer.deleted, customer.merged_into) == (ref, deleted, None)
    assert customer.email == "jenkins+smorly@squareup.com"


def test_payments() -> None:
    for kind, state, captured in (
        ("payment.created", PaymentState.APPROVED, 0),
        ("payment.updated", PaymentState.COMPLETED, 100),
    ):
        notice, told = read(kind)
        (payment,) = told.payments
        assert notice.object_ref == payment.ref == "hYy9pRFVxpDsO1FB05SunFWUe9JZY"  # not `data.id`, which differs in one
        assert (payment.state, payment.amount, payment.captured) == (state, Money(100, "USD"), Money(captured, "USD"))
        assert (payment.refunded, payment.tip) == (Money(0, "USD"), Money(0, "USD"))
        held = datetime(2020, 11, 29, 21, 16, 51, 86000, tzinfo=UTC)
        assert payment.expires_at == (held if state is PaymentState.APPROVED else None)
        assert payment.token


def test_refunds() -> None:
    for kind, state in (("refund.created", RefundState.PENDING), ("refund.updated", RefundState.COMPLETED)):
        notice, told = read(kind)
        (refund,) = told.refunds
        assert (refund.state, refund.amount) == (state, Money(1000, "USD"))
        assert refund.payment_ref == "KkAkhdMsgzn59SM8A89WgKwekxLZY"
        assert notice.object_ref == refund.ref


def test_disputes() -> None:
    states = {"created": 1, "evidence.created": 2, "evidence.deleted": 3, "state.updated": 6}
    for kind, version in states.items():
        (dispute,) = read(f"dispute.{kind}")[1].disputes
        assert (dispute.ref, dispute.payment_ref) == ("ORSEVtZAJxb37RA1EiGw", "fbmsaEOpoARDKxiSGH1fqPuqoqFZY")
        assert (dispute.state, dispute.version) == ("won" if version == 6 else "evidence_required", version)
        assert (dispute.amount, dispute.reason) == (Money(8801, "USD"), "AMOUNT_DIFFERS")
        assert dispute.due_at == datetime(2020, 3, 4, tzinfo=UTC)
