"""Stripe's words as ours, as tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from cardctl.domain.accounts import AccountState, Kyc
from cardctl.domain.cards import Limits, WalletEligibility
from cardctl.domain.money import Money
from cardctl.domain.states import CardState
from cardctl.domain.transactions import RemoteTransaction, TransactionKind, TransactionState
from cardctl.providers.stripe_issuing import translate
from cardctl.providers.stripe_issuing.wire import (
    StripeAuthorization,
    StripeBalance,
    StripeCard,
    StripeCardholder,
    StripeTransaction,
)
from tests.providers.stripe import objects

K, S = TransactionKind, TransactionState


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def card(*limits: dict[str, Any], **fields: Any) -> StripeCard:
    return cast(StripeCard, objects.card(*limits, **fields))


def authorized(**fields: Any) -> RemoteTransaction:
    return translate.authorization_from_wire(cast(StripeAuthorization, objects.authorization(**fields)))


def settled(**fields: Any) -> RemoteTransaction:
    return translate.transaction_from_wire(cast(StripeTransaction, objects.transaction(**fields)))


@pytest.mark.parametrize(
    ("word", "metadata", "state", "ever_active"),
    [
        ("active", {}, CardState.ACTIVE, True),
        ("inactive", {}, CardState.INACTIVE, None),
        ("inactive", {"cardctl_activated": "true"}, CardState.INACTIVE, True),
        ("canceled", {}, CardState.CLOSED, None),
        ("canceled", {"cardctl_activated": "true"}, CardState.CLOSED, True),
        ("dreaming", {}, CardState.UNKNOWN, None),
    ],
)
def test_card_states(word: str, metadata: dict[str, str], state: CardState, ever_active: bool | None) -> None:
    found = translate.card_from_wire(card(status=word, metadata=metadata))
    assert (found.state, found.word, found.ever_active) == (state, word, ever_active)


def test_a_whole_card() -> None:
    found = translate.card_from_wire(card(metadata={"cardctl_operation": "op_1"}, cancellation_reason="lost"))
    assert (found.ref, found.account_ref, found.holder, found.brand) == ("ic_1", "ich_1", "Jenny Rosen", "visa")
    assert (found.last4, found.exp_month, found.exp_year, found.currency) == ("0005", 8, 2030, "USD")
    assert (found.mark, found.state_reason, found.type) == ("op_1", "lost", "virtual")
    assert found.created_at == datetime.fromtimestamp(objects.CREATED, UTC)
    assert found.balance is None


def test_numbers_never_come_into_raw() -> None:
    wire = card(number="4000009990000005", cvc="123", pin={"encrypted_number": "x"}, second_line="PAN 4000 0099 9000 0005")
    raw = str(translate.card_from_wire(wire).raw)
    assert "4000009990000005" not in raw.replace(" ", "")
    assert "'123'" not in raw


def test_a_card_of_almost_no_fields_is_still_a_card() -> None:
    found = translate.card_from_wire({"id": "ic_1", "currency": "jpy"})
    assert (found.state, found.limits, found.allowance, found.account_ref) == (CardState.UNKNOWN, Limits(), None, None)


def test_limits_are_those_over_every_category_and_the_tightest_counts() -> None:
    wire = card(
        objects.limit(500, "per_authorization"),
        objects.limit(50, "daily", "bakeries"),
        objects.limit(2000, "daily"),
        objects.limit(1000, "daily"),
        objects.limit(9, "yearly"),
        objects.limit(7000, "all_time"),
        {"amount": 5000, "interval": "monthly", "categories": None},
    )
    found = translate.card_from_wire(wire)
    assert found.limits == Limits(per_transaction=usd(500), daily=usd(1000), weekly=None, monthly=usd(5000))
    assert found.allowance == usd(7000)


def test_an_allowance_for_one_category_is_none() -> None:
    assert translate.card_from_wire(card(objects.limit(7000, "all_time", "bakeries"))).allowance is None


@pytest.mark.parametrize(
    ("status", "requirements", "state", "kyc", "flags"),
    [
        ("active", {"disabled_reason": None, "past_due": []}, AccountState.ACTIVE, Kyc.VERIFIED, ()),
        ("active", None, AccountState.ACTIVE, Kyc.VERIFIED, ()),
        ("inactive", {}, AccountState.SUSPENDED, Kyc.VERIFIED, ()),
        ("blocked", {}, AccountState.SUSPENDED, Kyc.VERIFIED, ("blocked",)),
        ("asleep", {}, AccountState.SUSPENDED, Kyc.VERIFIED, ("asleep",)),
        ("active", {"past_due": ["individual.dob.day"]}, AccountState.ACTIVE, Kyc.VERIFIED, ("individual.dob.day",)),
        (
            "active",
            {"disabled_reason": "requirements.past_due", "past_due": ["individual.dob.day"]},
            AccountState.ACTIVE,
            Kyc.PENDING,
            ("requirements.past_due", "individual.dob.day"),
        ),
        ("active", {"disabled_reason": "under_review"}, AccountState.ACTIVE, Kyc.PENDING, ("under_review",)),
        ("active", {"disabled_reason": "listed"}, AccountState.ACTIVE, Kyc.REJECTED, ("listed",)),
        ("active", {"disabled_reason": "rejected.listed"}, AccountState.ACTIVE, Kyc.REJECTED, ("rejected.listed",)),
    ],
)
def test_accounts(status: str, requirements: Any, state: AccountState, kyc: Kyc, flags: tuple[str, ...]) -> None:
    wire = objects.cardholder(status=status, requirements=requirements, metadata={"cardctl_external_id": "acct_user1"})
    found = translate.account_from_wire(cast(StripeCardholder, wire))
    assert (found.state, found.kyc, found.compliance_flags, found.external_id) == (state, kyc, flags, "acct_user1")


@pytest.mark.parametrize(
    ("fields", "kind", "state", "amount", "impact"),
    [
        ({}, K.AUTHORIZATION, S.APPROVED, 700, -700),
        ({"status": "closed"}, K.AUTHORIZATION, S.SETTLED, 700, 0),
        ({"status": "reversed", "amount": 0}, K.AUTHORIZATION, S.REVERSED, 700, 0),
        ({"status": "expired"}, K.AUTHORIZATION, S.EXPIRED, 700, 0),
        ({"amount": 400}, K.AUTHORIZATION, S.APPROVED, 400, -400),
        ({"transactions": [{"type": "capture", "amount": -300}]}, K.AUTHORIZATION, S.APPROVED, 700, -400),
        ({"transactions": [{"type": "capture", "amount": -900}]}, K.AUTHORIZATION, S.APPROVED, 700, 0),
        ({"amount": 400, "transactions": [{"type": "capture", "amount": -300}]}, K.AUTHORIZATION, S.APPROVED, 400, -400),
        ({"approved": False, "status": "closed"}, K.DECLINE, S.DECLINED, 700, 0),
        (
            {"approved": False, "amount": 0, "pending_request": {"amount": 900}, "request_history": []},
            K.AUTHORIZATION,
            S.PENDING,
            900,
            0,
        ),
        ({"status": "dreaming"}, K.AUTHORIZATION, S.UNKNOWN, 700, -700),
        ({"status": "dreaming", "approved": False}, K.AUTHORIZATION, S.UNKNOWN, 700, 0),
        (
            {
                "status": "reversed",
                "amount": 0,
                "request_history": [{"amount": 100, "approved": True}, {"amount": 50, "approved": True}],
            },
            K.AUTHORIZATION,
            S.REVERSED,
            150,
            0,
        ),
    ],
)
def test_authorizations(
    fields: dict[str, Any], kind: TransactionKind, state: TransactionState, amount: int, impact: int
) -> None:
    found = authorized(**fields)
    assert (found.kind, found.state, found.amount, found.impact) == (kind, state, usd(amount), usd(impact))


def test_what_else_an_authorization_tells() -> None:
    found = authorized()
    assert (found.ref, found.card_ref, found.authorization_code, found.parent_ref) == ("iauth_1", "ic_1", "S498162", None)
    assert (found.merchant.name, found.merchant.mcc, found.merchant.city) == ("Rocket Rides", "4121", "San Francisco")
    assert found.occurred_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("fields", "kind", "state", "impact"),
    [
        ({}, K.SETTLEMENT, S.SETTLED, -700),
        ({"type": "refund", "amount": 700}, K.REFUND, S.SETTLED, 700),
        ({"type": "refund", "amount": -700}, K.REFUND, S.SETTLED, -700),
        ({"type": "dream"}, K.SETTLEMENT, S.UNKNOWN, -700),
        ({"type": "dream", "amount": 700}, K.REFUND, S.UNKNOWN, 700),
    ],
)
def test_transactions(fields: dict[str, Any], kind: TransactionKind, state: TransactionState, impact: int) -> None:
    found = settled(**fields)
    assert (found.kind, found.state, found.amount, found.impact) == (kind, state, usd(700), usd(impact))
    assert (found.parent_ref, found.card_ref, found.authorization_code) == ("iauth_1", "ic_1", "S498162")


def test_a_transaction_may_stand_alone() -> None:
    found = settled(authorization=None, network_data=None, merchant_data={}, card=objects.card())
    assert (found.parent_ref, found.authorization_code, found.card_ref) == (None, None, "ic_1")


def test_wallets() -> None:
    wallets = {
        "apple_pay": {"eligible": True, "ineligible_reason": None},
        "google_pay": {"eligible": False, "ineligible_reason": "missing_agreement"},
        "primary_account_identifier": None,
    }
    google = WalletEligibility("google_pay", False, "missing_agreement")
    assert translate.wallets_from_wire(card(wallets=wallets)) == (WalletEligibility("apple_pay", True), google)
    assert translate.wallets_from_wire(card(wallets=None)) == ()


@pytest.mark.parametrize("balance", [{}, {"issuing": None}, {"issuing": {"available": []}}])
def test_no_issuing_is_no_float(balance: StripeBalance) -> None:
    assert translate.float_from_wire(balance) == ()
