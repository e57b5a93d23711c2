"""Domain objects as JSON: exactly the fields of the contract."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from cardctl.domain.accounts import Account, AccountState, Kyc
from cardctl.domain.audit import AuditEntry
from cardctl.domain.cards import Card, Limits
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft, Operation, OperationState
from cardctl.domain.states import CardState
from cardctl.domain.transactions import Merchant, Transaction, TransactionKind, TransactionState
from cardctl.output import shapes, tables
from cardctl.output.cells import csv_paths
from cardctl.output.writes import write

AT = datetime(2026, 11, 21, 0, 57, 43, 123456, tzinfo=UTC)
WHEN = "2026-11-21T00:57:43.123456Z"
TEN = Money(1000, "USD")
TEN_SHAPE = {"minor": 1000, "currency": "USD", "amount": "10.00"}
CARD = Card(
    id="card_1", ref="ic_1", provider="stripe", programme="stripe", account_id="acct_1", holder="Ada", brand="visa",
    type="virtual", last4="4242", exp_month=7, exp_year=2030, currency="USD", state=CardState.FROZEN, state_reason="lost",
    balance=TEN, limits=Limits(daily=TEN), created_at=AT, updated_at=AT, synced_at=AT, ever_active=True, allowance=TEN,
)  # fmt: skip
ACCOUNT = Account(
    id="acct_1", ref=None, external_id="emp-1", provider="stripe", programme="stripe", environment="simulator", name="Ada",
    email=None, state=AccountState.ACTIVE, kyc=Kyc.VERIFIED, compliance_flags=("requirements.past_due",), balances=(TEN,),
    created_at=AT, updated_at=AT,
)  # fmt: skip
OPERATION = Operation(
    id="op_1", kind="card.fund", target="card_1", provider="stripe", programme="stripe", state=OperationState.REFUSED,
    arguments={}, digest="d", idempotency_key="k", created_at=AT, lease="l", leased_until=AT, actor="ada",
    correlation_id="run_1", amount=TEN, finished_at=AT, error_code="PROVIDER_REFUSED", error="no",
)  # fmt: skip
TRANSACTION = Transaction(
    id="txn_1", ref="ipi_1", provider="stripe", card_id="card_1", kind=TransactionKind.SETTLEMENT,
    state=TransactionState.SETTLED, amount=TEN, impact=-TEN, merchant=Merchant(name="Shop", mcc="5411"),
    authorization_code=None, parent_id="txn_0", occurred_at=AT,
)  # fmt: skip


def test_card() -> None:
    assert shapes.card(CARD) == {
        "id": "card_1", "ref": "ic_1", "provider": "stripe", "programme": "stripe", "account_id": "acct_1", "holder": "Ada",
        "brand": "visa", "type": "virtual", "last4": "4242", "exp_month": 7, "exp_year": 2030, "currency": "USD",
        "state": "frozen", "state_reason": "lost", "balance": TEN_SHAPE,
        "limits": {"per_transaction": None, "daily": TEN_SHAPE, "weekly": None, "monthly": None},
        "created_at": WHEN, "updated_at": WHEN, "synced_at": WHEN,
    }  # fmt: skip
    assert shapes.card(replace(CARD, balance=None))["balance"] is None


def test_account() -> None:
    assert shapes.account(ACCOUNT) == {
        "id": "acct_1", "ref": None, "external_id": "emp-1", "provider": "stripe", "programme": "stripe",
        "environment": "simulator", "name": "Ada", "email": None, "state": "active", "kyc": "verified",
        "compliance_flags": ["requirements.past_due"], "balance": TEN_SHAPE, "balances": [TEN_SHAPE],
        "created_at": WHEN, "updated_at": WHEN,
    }  # fmt: skip
    two = shapes.account(replace(ACCOUNT, balances=(TEN, Money(5, "JPY"))))
    assert (two["balance"], two["balances"][1]) == (None, {"minor": 5, "currency": "JPY", "amount": "5"})


def test_transaction() -> None:
    assert shapes.transaction(TRANSACTION) == {
        "id": "txn_1", "ref": "ipi_1", "provider": "stripe", "card_id": "card_1", "kind": "settlement", "state": "settled",
        "amount": TEN_SHAPE, "impact": {"minor": -1000, "currency": "USD", "amount": "-10.00"},
        "merchant": {"name": "Shop", "mcc": "5411", "category": None, "city": None, "country": None},
        "authorization_code": None, "parent_id": "txn_0", "occurred_at": WHEN,
    }  # fmt: skip


def test_operation() -> None:
    assert shapes.operation(OPERATION) == {
        "id": "op_1", "kind": "card.fund", "target": "card_1", "amount": TEN_SHAPE, "provider": "stripe", "programme": "stripe",
        "state": "refused", "idempotency_key": "k", "created_at": WHEN, "finished_at": WHEN, "error": "PROVIDER_REFUSED: no",
    }  # fmt: skip
    running = shapes.operation(replace(OPERATION, finished_at=None, error=None, error_code=None, amount=None))
    assert (running["finished_at"], running["error"], running["amount"]) == (None, None, None)


def test_audit_entry() -> None:
    entry = AuditEntry(1, AT, "ada", "card.freeze", "card_1", {"state": "active"}, {"state": "frozen"}, "lost", "run_1", "ab")
    assert shapes.audit_entry(entry) == {
        "seq": 1, "at": WHEN, "actor": "ada", "action": "card.freeze", "object": "card_1", "before": {"state": "active"},
        "after": {"state": "frozen"}, "reason": "lost", "correlation_id": "run_1", "hash": "ab",
    }  # fmt: skip


def test_write_names_its_object() -> None:
    assert write("card", CARD, OPERATION) == {"card": shapes.card(CARD), "operation": shapes.operation(OPERATION)}
    assert write("account", ACCOUNT, None) == {"account": shapes.account(ACCOUNT), "operation": None}
    assert write("card", None, OPERATION)["card"] is None
    assert shapes.requests(Draft("POST", "/v1/x", "card", {"a": 1}, {"b": 2}))[0] == {
        "method": "POST",
        "path": "/v1/x",
        "body": {"a": 1},
    }


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (AT.replace(microsecond=0), "2026-11-21T00:57:43.000000Z"),
        (AT.astimezone(timezone(timedelta(hours=9))), WHEN),
        (datetime(999, 1, 2, tzinfo=UTC), "0999-01-02T00:00:00.000000Z"),
        (None, None),
    ],
)
def test_instants_are_utc_and_sort_as_texts(time: datetime | None, text: str | None) -> None:
    assert shapes.instant(time) == text


@pytest.mark.parametrize(
    ("columns", "shape"),
    [
        (tables.CARDS, shapes.card(CARD)),
        (tables.ACCOUNTS, shapes.account(ACCOUNT)),
        (tables.TRANSACTIONS, shapes.transaction(TRANSACTION)),
        (tables.OPERATIONS, shapes.operation(OPERATION)),
        (tables.AUDIT, shapes.audit_entry(AuditEntry(1, AT, "a", "b", "c", {}, {}, None, "d", "e"))),
    ],
)
def test_every_table_column_exists(columns: tuple[str, ...], shape: dict[str, object]) -> None:
    for name in columns:
        held: object = shape
        for part in name.split("."):
            assert isinstance(held, dict)
            assert part in held
            held = held[part]


@pytest.mark.parametrize(
    ("full", "empty"),
    [
        (shapes.card(CARD), shapes.card(replace(CARD, balance=None, limits=Limits()))),
        (shapes.account(ACCOUNT), shapes.account(replace(ACCOUNT, balances=()))),
        (shapes.operation(OPERATION), shapes.operation(replace(OPERATION, amount=None))),
    ],
)
def test_csv_has_the_same_columns_whatever_is_null(full: dict[str, object], empty: dict[str, object]) -> None:
    assert csv_paths(full) == csv_paths(empty)
