"""How a provider's word enters our books: new cards and accounts, what a sync takes over, and the money events of our own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any

from cardctl.db.unit import Unit
from cardctl.domain.accounts import Account, RemoteAccount
from cardctl.domain.cards import Card, Limits, RemoteCard
from cardctl.domain.money import Money, minor_or_none
from cardctl.domain.operations import Operation
from cardctl.domain.states import FINAL, CardState, settle
from cardctl.domain.transactions import Merchant, Transaction, TransactionKind, TransactionState
from cardctl.services.desk import Desk

_CARD_WORDS = ("state", "holder", "brand", "last4", "exp_month", "exp_year", "currency", "limits", "allowance", "balance")
_ACCOUNT_WORDS = ("ref", "name", "email", "state", "kyc", "compliance_flags")
_LIMITS = ("per_transaction", "daily", "weekly", "monthly")
Diff = dict[str, Any]


def new_card(desk: Desk, card_id: str, account_id: str, remote: RemoteCard, *, holder: str = "") -> Card:
    """Our card for a provider's, seen for the first time; `holder` is the account's name, for a word that does not tell it."""
    now = desk.clock()
    ever_active = remote.state is CardState.ACTIVE or bool(remote.ever_active)
    return Card(
        id=card_id,
        ref=remote.ref,
        provider=desk.provider.name,
        programme=desk.programme,
        account_id=account_id,
        holder=remote.holder or holder,
        brand=remote.brand,
        type=remote.type,
        last4=remote.last4,
        exp_month=remote.exp_month,
        exp_year=remote.exp_year,
        currency=remote.currency,
        state=settle(remote.state, ever_active=ever_active),
        state_reason=remote.state_reason,
        balance=remote.balance or remote.allowance,
        limits=remote.limits,
        created_at=remote.created_at or now,
        updated_at=now,
        synced_at=now,
        ever_active=ever_active,
        allowance=remote.allowance,
    )


def account_id_for(desk: Desk, external_id: str | None) -> str:
    """A new account's id: made from the caller's own key where there is one, so that two runs at once mean one account."""
    if external_id is None:
        return desk.new_id("account")
    return "account_" + hashlib.sha256(f"{desk.programme}\n{external_id}".encode()).hexdigest()[:20]


def made_by(unit: Unit, kind: str, mark: str | None) -> Operation | None:
    """Our own creation that left its mark on an object: its target is the id, though a sync may see the object first."""
    operation = unit.operations.get(mark) if mark else None
    return operation if operation is not None and operation.kind == kind else None


def taken_card(card: Card, remote: RemoteCard, now: datetime, balance: Money | None) -> tuple[Card, Diff, Diff]:
    """A card we know with the provider's whole word about it, `balance` being what it can still spend; and what of it changed.

    The provider's word is always taken, except out of a final state: that would be a break, and our state stays.
    """
    ever_active = card.ever_active or remote.state is CardState.ACTIVE or bool(remote.ever_active)
    state = card.state if card.state in FINAL else settle(remote.state, ever_active=ever_active)
    taken = replace(
        card,
        holder=remote.holder or card.holder,
        brand=remote.brand or card.brand,
        last4=remote.last4 or card.last4,
        exp_month=remote.exp_month or card.exp_month,
        exp_year=remote.exp_year or card.exp_year,
        currency=remote.currency,
        state=state,
        state_reason=card.state_reason if state is card.state else remote.state_reason,
        limits=remote.limits,
        allowance=remote.allowance,
        balance=balance,
        ever_active=ever_active,
        synced_at=now,
    )
    differs = [word for word in _CARD_WORDS if getattr(card, word) != getattr(taken, word)]
    if differs:
        taken = replace(taken, updated_at=now)
    before, after = ({word: shown(getattr(side, word)) for word in differs} for side in (card, taken))
    return taken, before, after


def take_account(desk: Desk, unit: Unit, account: Account, remote: RemoteAccount) -> tuple[Account, Diff, Diff]:
    """Take the provider's word about an account into the books; the account now, and what of it changed."""
    taken = replace(
        account,
        ref=remote.ref,
        name=remote.name or account.name,
        email=remote.email or account.email,
        state=remote.state,
        kyc=remote.kyc,
        compliance_flags=remote.compliance_flags,
    )
    differs = [word for word in _ACCOUNT_WORDS if getattr(account, word) != getattr(taken, word)]
    if differs:
        taken = replace(taken, updated_at=desk.clock())
    own = {} if remote.balances is None else {"own": remote.balances}
    unit.accounts.save(taken, raw=remote.raw, **own)
    before, after = ({word: shown(getattr(side, word)) for word in differs} for side in (account, taken))
    return taken, before, after


def new_account(desk: Desk, account_id: str, external_id: str | None, remote: RemoteAccount) -> Account:
    """Our account for a provider's, seen for the first time."""
    now = desk.clock()
    return Account(
        id=account_id,
        ref=remote.ref,
        external_id=external_id,
        provider=desk.provider.name,
        programme=desk.programme,
        environment=desk.provider.environment,
        name=remote.name,
        email=remote.email,
        state=remote.state,
        kyc=remote.kyc,
        compliance_flags=remote.compliance_flags,
        balances=(),
        created_at=remote.created_at or now,
        updated_at=now,
    )


def audit_change(desk: Desk, unit: Unit, action: str, object_id: str, before: Diff, after: Diff) -> None:
    """One audit entry for what changed otherwise than by a write's own record; none where nothing did."""
    if after:
        unit.audit.append(**audit_entry(desk, action, object_id, before, after))


def audit_entry(desk: Desk, action: str, object_id: str, before: Diff, after: Diff) -> dict[str, Any]:
    """The words of such an entry, for many at once."""
    return {
        "at": desk.clock(),
        "actor": desk.actor,
        "action": action,
        "object": object_id,
        "before": before,
        "after": after,
        "reason": None,
        "correlation_id": desk.correlation_id,
    }


def rebalance(desk: Desk, unit: Unit, card_id: str) -> None:
    """Make a card's balance what its allowance and money events say, audited where that changes it."""
    before, after = unit.cards.rebalance(card_id)
    if before != after:
        audit_change(desk, unit, "card.balance", card_id, {"balance": shown(before)}, {"balance": shown(after)})


def available(remote: RemoteCard, spend: int) -> Money | None:
    """What a card can still spend: the provider's figure, else allowance and `spend` (minor, negative); None: no limit."""
    if remote.balance is not None or remote.allowance is None:
        return remote.balance
    return Money(remote.allowance.minor + spend, remote.allowance.currency)


def share_balance(unit: Unit, card: Card, balance: Money) -> None:
    """A balance that is the holder's is every card's of the account, and the account's own."""
    account = unit.accounts.named(card.account_id)
    others = tuple(money for money in account.balances if money.currency != balance.currency)
    unit.accounts.save(account, own=(*others, balance))
    for other in unit.cards.of_account(card.account_id):
        if other.id != card.id and other.currency == balance.currency and other.balance != balance:
            unit.cards.save(replace(other, balance=balance))


def share_limits(desk: Desk, unit: Unit, card: Card) -> None:
    """Limits that are the holder's hold for every card of the account."""
    for other in unit.cards.of_account(card.account_id):
        if other.id != card.id and other.currency == card.currency and other.limits != card.limits:
            unit.cards.save(replace(other, limits=card.limits, updated_at=desk.clock()))


def money_event(desk: Desk, operation: Operation, card: Card, kind: TransactionKind, *, settled: bool = True) -> Transaction:
    """Our own funding or withdrawal as a money event, of when it was sent, however late we hear of it. Its ref is the
    operation's; a provider's own row is joined later."""
    amount = operation.amount
    assert amount is not None
    return Transaction(
        id=desk.new_id("txn"),
        ref=operation.id,
        provider=card.provider,
        card_id=card.id,
        kind=kind,
        state=TransactionState.SETTLED if settled else TransactionState.PENDING,
        amount=amount,
        impact=amount if kind is TransactionKind.FUNDING else -amount,
        merchant=Merchant(),
        authorization_code=None,
        parent_id=None,
        occurred_at=operation.sent_at or desk.clock(),
    )


def limits_of(told: dict[str, int | None], currency: str) -> Limits:
    """Limits back from their JSON (minor units)."""
    return Limits(**{name: Money(minor, currency) if minor is not None else None for name, minor in told.items()})


def limits_told(limits: Limits) -> dict[str, int | None]:
    """Limits as plain JSON (minor units)."""
    return {
        "per_transaction": minor_or_none(limits.per_transaction),
        "daily": minor_or_none(limits.daily),
        "weekly": minor_or_none(limits.weekly),
        "monthly": minor_or_none(limits.monthly),
    }


def limits_shown(limits: Limits) -> dict[str, str | None]:
    """Limits as the audit shows them."""
    return {name: shown(getattr(limits, name)) for name in _LIMITS}


def shown(value: object) -> Any:
    """A field as the audit shows it: plain JSON."""
    if isinstance(value, Limits):
        return limits_shown(value)
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return value if value is None or isinstance(value, int) else str(value)
