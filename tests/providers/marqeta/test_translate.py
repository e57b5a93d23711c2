"""Marqeta's words as ours, as tables."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from cardctl.domain.accounts import AccountState, Kyc
from cardctl.domain.cards import Limits
from cardctl.domain.money import Money
from cardctl.domain.states import CardState
from cardctl.errors import BadAmount
from cardctl.providers.marqeta import translate
from tests.providers.marqeta import objects


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def account(**fields: Any) -> Any:
    return translate.account_from_wire(objects.user(**fields))  # type: ignore[arg-type]


def card(user: Any = None, balance: Any = None, controls: Any = (), **fields: Any) -> Any:
    return translate.card_from_wire(objects.card(**fields), user, balance, controls)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("word", "state", "kyc", "flags"),
    [
        ("ACTIVE", AccountState.ACTIVE, Kyc.VERIFIED, ()),
        ("SUSPENDED", AccountState.SUSPENDED, Kyc.VERIFIED, ("SUSPENDED",)),
        ("UNVERIFIED", AccountState.PENDING, Kyc.PENDING, ("UNVERIFIED",)),
        ("LIMITED", AccountState.PENDING, Kyc.PENDING, ("LIMITED",)),
        ("CLOSED", AccountState.CLOSED, Kyc.NONE, ("CLOSED",)),
        ("TERMINATED", AccountState.CLOSED, Kyc.NONE, ("TERMINATED",)),
        ("DREAMING", AccountState.SUSPENDED, Kyc.NONE, ("DREAMING",)),
        ("", AccountState.SUSPENDED, Kyc.NONE, ("status_missing",)),
    ],
)
def test_account_states(word: str, state: AccountState, kyc: Kyc, flags: tuple[str, ...]) -> None:
    found = account(status=word)
    assert (found.state, found.kyc, found.compliance_flags) == (state, kyc, flags)


def test_what_else_a_user_tells() -> None:
    metadata = {"cardctl_external_id": "emp-7", "cardctl_operation": "op_2", "cardctl_created_by": "op_1"}
    found = account(metadata=metadata, ssn="111234444", identifications=[{"type": "SSN", "value": "111234444"}])
    assert (found.ref, found.name, found.email, found.external_id) == ("user_1", "Ada Lovelace", "ada@example.test", "emp-7")
    assert (found.mark, found.created_by, found.balances) == ("op_2", "op_1", None)
    assert found.created_at == datetime(2026, 1, 15, 9, tzinfo=UTC)
    assert "111234444" not in str(found.raw)
    assert account(company="Acme Ltd", first_name=None, last_name=None).name == "Acme Ltd"
    assert account(first_name="Plato", last_name=None).name == "Plato"


@pytest.mark.parametrize(
    ("word", "state", "ever_active"),
    [
        ("UNACTIVATED", CardState.PENDING, None),
        ("ACTIVE", CardState.ACTIVE, True),
        ("SUSPENDED", CardState.FROZEN, True),
        ("LIMITED", CardState.SUSPENDED, None),
        ("TERMINATED", CardState.CLOSED, None),
        ("UNSUPPORTED", CardState.UNKNOWN, None),
        ("DREAMING", CardState.UNKNOWN, None),
        ("", CardState.UNKNOWN, None),
    ],
)
def test_card_states(word: str, state: CardState, ever_active: bool | None) -> None:
    found = card(state=word)
    assert (found.state, found.word, found.ever_active) == (state, word, ever_active)


def test_what_else_a_card_tells() -> None:
    found = card(pan=objects.NUMBER, cvv_number="123", metadata={"cardctl_operation": "op_1", "cardctl_created_by": "op_1"})
    assert (found.ref, found.last4, found.exp_month, found.exp_year, found.type) == ("card_1", "1111", 1, 2030, "virtual")
    assert (found.mark, found.created_by, found.state_reason) == ("op_1", "op_1", "Card activated")
    assert (found.holder, found.balance, found.limits, found.account_ref) == ("", None, Limits(), "user_1")
    assert objects.NUMBER not in str(found.raw)
    assert "cvv_number" not in found.raw
    assert card(instrument_type="PHYSICAL_MSR").type == "physical"
    assert card(expiration="1399").exp_month == 0
    assert "user" not in card(user=objects.user(ssn="111234444")).raw


@pytest.mark.parametrize(
    ("metadata", "user", "owner"),
    [
        ({"cardctl_account": "user_7"}, objects.user(), "user_7"),
        ({}, objects.user(), "user_1"),
        ({}, objects.user(token="op_1u", parent_token="user_1", metadata={"cardctl_card_user": "op_1"}), "user_1"),
        ({}, objects.user(token="kid", parent_token="user_1", uses_parent_account=True), "kid"),  # not of our making
    ],
)
def test_whose_a_card_is(metadata: dict[str, str], user: dict[str, Any], owner: str) -> None:
    assert card(user, metadata=metadata).account_ref == owner


EUR, USD = objects.purse(20.5, "EUR"), objects.purse(75)


@pytest.mark.parametrize(
    ("said", "balance", "currency", "minor"),
    [
        (None, objects.balance(USD)["gpa"], "USD", 7500),
        ("USD", objects.balance(EUR, USD)["gpa"], "USD", 7500),
        (None, objects.balance(EUR, USD)["gpa"], "EUR", 2050),
        ("USD", objects.balance(EUR)["gpa"], "EUR", 2050),
        ("EUR", None, "EUR", None),
        (None, None, "USD", None),
        (None, {"currency_code": "840", "available_balance": 1}, "USD", 100),
    ],
)
def test_money_is_the_holders(said: str | None, balance: Any, currency: str, minor: int | None) -> None:
    found = card(None, _exact(balance), metadata={"cardctl_currency": said} if said else {})
    assert (found.currency, found.balance) == (currency, None if minor is None else Money(minor, currency))
    assert found.shared


def _exact(value: Any) -> Any:
    """As it comes from the wire: decimals, no floats."""
    if isinstance(value, dict):
        return {name: _exact(item) for name, item in value.items()}
    return Decimal(str(value)) if isinstance(value, float) else value


def test_balances_are_one_for_each_currency() -> None:
    gpa = _exact(objects.balance(USD, EUR)["gpa"])
    assert translate.balances_from_wire(gpa) == (Money(2050, "EUR"), usd(7500))
    assert translate.balances_from_wire({}) == ()


@pytest.mark.parametrize(
    ("controls", "limits"),
    [
        ([], Limits()),
        ([objects.control("TRANSACTION", 5), objects.control("MONTH", Decimal("10.25"))], Limits(usd(500), monthly=usd(1025))),
        ([objects.control("DAY", 90), objects.control("DAY", 10)], Limits(daily=usd(1000))),
        ([objects.control("WEEK", 0)], Limits(weekly=usd(0))),
        ([objects.control("WEEK", 10, currency_code="840")], Limits(weekly=usd(1000))),
        ([objects.control("LIFETIME", 10)], Limits()),
        ([objects.control("DAY", 10, active=False)], Limits()),
        ([objects.control("DAY", 10, merchant_scope={"mid": "1"})], Limits()),
        ([objects.control("DAY", 10, association={"card_product_token": "cp_1"})], Limits()),
        ([objects.control("DAY", 10, currency_code="EUR")], Limits()),
    ],
)
def test_limits(controls: list[dict[str, Any]], limits: Limits) -> None:
    assert translate.limits_from_wire(controls, "USD") == limits  # type: ignore[arg-type]


def test_an_amount_that_no_cent_can_hold_is_no_amount() -> None:
    with pytest.raises(BadAmount):
        translate.money(Decimal("10.005"), "USD")
    assert translate.money(Decimal("10.500"), "USD") == usd(1050)
    assert translate.money(7, "JPY") == Money(7, "JPY")


@pytest.mark.parametrize("fields", [{"pan": objects.MASKED, "cvv_number": "123"}, {"pan": objects.NUMBER}, {"pan": None}])
def test_masked_numbers_are_no_credentials(fields: dict[str, Any]) -> None:
    assert translate.credentials_from_wire(objects.card(**fields)) is None  # type: ignore[arg-type]
