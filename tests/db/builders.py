"""Domain objects for the tests of the books; a test names only what matters to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cardctl.db.unit import Books, Unit
from cardctl.domain.accounts import Account, AccountState, Kyc
from cardctl.domain.audit import AuditEntry
from cardctl.domain.cards import Card, Limits
from cardctl.domain.money import Money
from cardctl.domain.operations import Operation, OperationState
from cardctl.domain.states import CardState
from cardctl.domain.transactions import Merchant, Transaction, TransactionKind, TransactionState

NOW = datetime(2026, 11, 21, 0, 57, 43, 123456, UTC)
PROGRAMME = "stripe/acct_1"


def later(seconds: float) -> datetime:
    """A time after NOW."""
    return NOW + timedelta(seconds=seconds)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def account(id: str = "acct_00000001", **fields: Any) -> Account:  # noqa: A002
    given: dict[str, Any] = {
        "id": id,
        "ref": f"ich_{id}",
        "external_id": None,
        "provider": "stripe",
        "programme": PROGRAMME,
        "environment": "simulator",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "state": AccountState.ACTIVE,
        "kyc": Kyc.VERIFIED,
        "compliance_flags": ("listed",),
        "balances": (),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Account(**given | fields)


def card(id: str = "card_00000001", **fields: Any) -> Card:  # noqa: A002
    given: dict[str, Any] = {
        "id": id,
        "ref": f"ic_{id}",
        "provider": "stripe",
        "programme": PROGRAMME,
        "account_id": "acct_00000001",
        "holder": "Ada Lovelace",
        "brand": "visa",
        "type": "virtual",
        "last4": "4242",
        "exp_month": 11,
        "exp_year": 2029,
        "currency": "USD",
        "state": CardState.ACTIVE,
        "state_reason": None,
        "balance": usd(2500),
        "limits": Limits(per_transaction=usd(50000), daily=usd(100000)),
        "created_at": NOW,
        "updated_at": NOW,
        "synced_at": NOW,
        "ever_active": True,
        "allowance": usd(2500),
    }
    return Card(**given | fields)


def transaction(id: str = "txn_00000001", **fields: Any) -> Transaction:  # noqa: A002
    given: dict[str, Any] = {
        "id": id,
        "ref": f"iauth_{id}",
        "provider": "stripe",
        "card_id": "card_00000001",
        "kind": TransactionKind.AUTHORIZATION,
        "state": TransactionState.PENDING,
        "amount": usd(1000),
        "impact": usd(-1000),
        "merchant": Merchant("Cafe", "5812", "eating_places", "Oakland", "US"),
        "authorization_code": "123456",
        "parent_id": None,
        "occurred_at": NOW,
    }
    return Transaction(**given | fields)


def operation(id: str = "op_00000001", **fields: Any) -> Operation:  # noqa: A002
    given: dict[str, Any] = {
        "id": id,
        "kind": "card.fund",
        "target": "card_00000001",
        "provider": "stripe",
        "programme": PROGRAMME,
        "state": OperationState.INTENDED,
        "arguments": {"amount": 1000},
        "digest": "d" * 64,
        "idempotency_key": f"key-{id}",
        "created_at": NOW,
        "lease": "host/lease",
        "leased_until": later(60),
        "actor": "ada",
        "correlation_id": "cor_1",
    }
    return Operation(**given | fields)


def append(unit: Unit, number: int = 0, **fields: Any) -> AuditEntry:
    """An audit entry."""
    given: dict[str, Any] = {
        "at": later(number),
        "actor": "ada",
        "action": "card.freeze",
        "object": "card_00000001",
        "before": {"state": "active"},
        "after": {"state": "frozen", "number": number},
        "reason": "lost",
        "correlation_id": f"cor_{number}",
    }
    return unit.audit.append(**given | fields)


def with_card(books: Books, *cards: Card) -> None:
    """An account with cards (one, unless they are named) in the books."""
    with books.write() as unit:
        unit.accounts.add(account(), raw={"id": "ich_1"})
        for each in cards or (card(),):
            unit.cards.add(each, raw={"id": each.ref})
