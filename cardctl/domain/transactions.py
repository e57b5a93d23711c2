"""Transactions: money events on cards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from cardctl.domain.money import Money, zero


class TransactionKind(StrEnum):
    AUTHORIZATION = "authorization"
    SETTLEMENT = "settlement"
    REVERSAL = "reversal"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    DECLINE = "decline"
    FEE = "fee"
    FUNDING = "funding"
    WITHDRAWAL = "withdrawal"


OURS = frozenset({TransactionKind.FUNDING, TransactionKind.WITHDRAWAL})
"""Money events of our own making, which no balance counts (an allowance has them already). Where a provider lists them too, its
word is joined to ours."""


class TransactionState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    SETTLED = "settled"
    REVERSED = "reversed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who was paid; any of it may be missing."""

    name: str | None = None
    mcc: str | None = None
    category: str | None = None
    city: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteTransaction:
    """A provider's word about a money event. `amount` is positive; `impact` is signed, on what the card can still spend.

    `reference` is the provider's name for a movement that we asked for (CardNews.reference, or our operation's id).
    `progress` are counts that only grow while the object lives (how often it was decided, captured, …): of two words about it
    the one that is ahead in any of them, and behind in none, is the later one. Empty: nothing tells.
    """

    ref: str
    card_ref: str
    kind: TransactionKind
    state: TransactionState
    amount: Money
    impact: Money
    occurred_at: datetime
    raw: dict[str, Any]
    merchant: Merchant = Merchant()
    authorization_code: str | None = None
    parent_ref: str | None = None
    reference: str | None = None
    progress: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Transaction:
    """A money event in our books; `parent_id` is the authorization that it belongs to, where that is known here, and
    `parent_ref` the provider's name for it, known or not. `progress` is that of the word that was taken last."""

    id: str
    ref: str
    provider: str
    card_id: str
    kind: TransactionKind
    state: TransactionState
    amount: Money
    impact: Money
    merchant: Merchant
    authorization_code: str | None
    parent_id: str | None
    occurred_at: datetime
    parent_ref: str | None = None
    progress: tuple[int, ...] = ()


def voided(transaction: Transaction) -> Transaction:
    """The same, taking nothing: its provider does not have it. It stays in the books, with what it was said to be."""
    return replace(transaction, state=TransactionState.REVERSED, impact=zero(transaction.impact.currency))
