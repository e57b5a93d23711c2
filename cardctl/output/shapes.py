"""Domain objects as the JSON that scripts rely on: names are stable, money is exact, times are RFC 3339 UTC. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cardctl.domain.accounts import Account
from cardctl.domain.audit import AuditEntry
from cardctl.domain.cards import Card, Limits, WalletEligibility
from cardctl.domain.events import Event
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft, Operation
from cardctl.domain.payments import Dispute, Payment, Refund
from cardctl.domain.saved_cards import SavedCard
from cardctl.domain.transactions import Transaction

Shape = dict[str, Any]


def money(value: Money | None) -> Shape | None:
    """`{"minor": 2500, "currency": "USD", "amount": "25.00"}`."""
    return None if value is None else {"minor": value.minor, "currency": value.currency, "amount": _amount(value)}


def instant(value: datetime | None) -> str | None:
    """`2026-11-21T00:57:43.123456Z`, always in microseconds, so that texts sort as times do."""
    if value is None:
        return None
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    clock = value.hour, value.minute, value.second, value.microsecond
    return "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ" % (value.year, value.month, value.day, *clock)  # noqa: UP031 - half isoformat's time


def account(value: Account) -> Shape:
    """An account; `balance` is null where there is none or currencies differ, `balances` has one per currency."""
    return {
        "id": value.id,
        "ref": value.ref,
        "external_id": value.external_id,
        "provider": value.provider,
        "programme": value.programme,
        "environment": value.environment,
        "name": value.name,
        "email": value.email,
        "state": value.state.value,
        "kyc": value.kyc.value,
        "compliance_flags": list(value.compliance_flags),
        "balance": money(value.balance),
        "balances": [money(balance) for balance in value.balances],
        "created_at": instant(value.created_at),
        "updated_at": instant(value.updated_at),
    }


def card(value: Card) -> Shape:
    """A card; `balance` is what it can still spend, null where nothing limits it."""
    return {
        "id": value.id,
        "ref": value.ref,
        "provider": value.provider,
        "programme": value.programme,
        "account_id": value.account_id,
        "holder": value.holder,
        "brand": value.brand,
        "type": value.type,
        "last4": value.last4,
        "exp_month": value.exp_month,
        "exp_year": value.exp_year,
        "currency": value.currency,
        "state": value.state.value,
        "state_reason": value.state_reason,
        "balance": money(value.balance),
        "limits": limits(value.limits),
        "created_at": instant(value.created_at),
        "updated_at": instant(value.updated_at),
        "synced_at": instant(value.synced_at),
    }


def limits(value: Limits) -> Shape:
    """Spending limits, null where there is none of that kind."""
    return {
        "per_transaction": money(value.per_transaction),
        "daily": money(value.daily),
        "weekly": money(value.weekly),
        "monthly": money(value.monthly),
    }


def transaction(value: Transaction) -> Shape:
    """A money event: `amount` is positive, `impact` signed, on what the card can still spend."""
    merchant = value.merchant
    return {
        "id": value.id,
        "ref": value.ref,
        "provider": value.provider,
        "card_id": value.card_id,
        "kind": value.kind.value,
        "state": value.state.value,
        "amount": money(value.amount),
        "impact": money(value.impact),
        "merchant": {
            "name": merchant.name,
            "mcc": merchant.mcc,
            "category": merchant.category,
            "city": merchant.city,
            "country": merchant.country,
        },
        "authorization_code": value.authorization_code,
        "parent_id": value.parent_id,
        "occurred_at": instant(value.occurred_at),
    }


def operation(value: Operation) -> Shape:
    """A journalled write; `error` is null or `CODE: message`."""
    return {
        "id": value.id,
        "kind": value.kind,
        "target": value.target,
        "amount": money(value.amount),
        "provider": value.provider,
        "programme": value.programme,
        "state": value.state.value,
        "idempotency_key": value.idempotency_key,
        "created_at": instant(value.created_at),
        "finished_at": instant(value.finished_at),
        "error": ": ".join(part for part in (value.error_code, value.error) if part) or None,
    }


def event(value: Event) -> Shape:
    """A notification as it is kept; `error` says why it failed, or was not believed. Its body is shown apart."""
    return {
        "id": value.id,
        "provider": value.provider,
        "programme": value.programme,
        "event_id": value.event_id,
        "type": value.type,
        "object_ref": value.object_ref,
        "card_ref": value.card_ref,
        "occurred_at": instant(value.occurred_at),
        "received_at": instant(value.received_at),
        "signature": value.signature.value,
        "source": value.source.value,
        "state": value.state.value,
        "attempts": value.attempts,
        "error": value.error,
        "times": value.times,
        "digest": value.digest,
    }


def wallet_payload(
    card: Card, provisioning_token: str | None, instructions: str, eligibility: Sequence[WalletEligibility]
) -> Shape:
    """What a phone's wallet needs to know of a card."""
    return {
        "card_id": card.id,
        "cardholder_name": card.holder,
        "last4": card.last4,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "provisioning_token": provisioning_token,
        "wallet_instructions": instructions,
        "eligibility": [{"wallet": said.wallet, "eligible": said.eligible, "reason": said.reason} for said in eligibility],
    }


def requests(value: Draft) -> list[Shape]:
    """Every request of a draft, exactly as it would be sent but for what is secret in it, in its order."""
    told = [*value.prelude, {"method": value.method, "path": value.path, "body": value.body}]
    return [_starred(request, value.secret) for request in told] if value.secret else told


def _starred(value: Any, secret: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {name: _starred(item, secret) for name, item in value.items()}
    if isinstance(value, list):
        return [_starred(item, secret) for item in value]
    if isinstance(value, str):
        for text in secret:
            value = value.replace(text, "***")
    return value


def audit_entry(value: AuditEntry) -> Shape:
    """One link of the audit chain; `before` and `after` hold only what changed."""
    return {
        "seq": value.seq,
        "at": instant(value.at),
        "actor": value.actor,
        "action": value.action,
        "object": value.object,
        "before": value.before,
        "after": value.after,
        "reason": value.reason,
        "correlation_id": value.correlation_id,
        "hash": value.hash,
    }


def saved_card(value: SavedCard) -> Shape:
    """A saved card; the provider's names of it and of its customer are never shown."""
    return {
        "id": value.id,
        "provider": value.provider,
        "programme": value.programme,
        "environment": value.environment,
        "person": value.person,
        "email": value.email,
        "brand": value.brand,
        "last4": value.last4,
        "exp_month": value.exp_month,
        "exp_year": value.exp_year,
        "state": value.state.value,
        "created_at": instant(value.created_at),
        "updated_at": instant(value.updated_at),
        "synced_at": instant(value.synced_at),
    }


def payment(value: Payment) -> Shape:
    """A payment with a saved card; `captured` has the tip in it, `expires_at` is when a hold ends by itself."""
    return {
        "id": value.id,
        "ref": value.ref,
        "provider": value.provider,
        "programme": value.programme,
        "saved_card_id": value.saved_card_id,
        "invoice": value.invoice,
        "kind": value.kind.value,
        "state": value.state.value,
        "amount": money(value.amount),
        "tip": money(value.tip),
        "captured": money(value.captured),
        "refunded": money(value.refunded),
        "expires_at": instant(value.expires_at),
        "created_at": instant(value.created_at),
        "updated_at": instant(value.updated_at),
    }


def payment_whole(value: Payment, refunds: Sequence[Refund], disputes: Sequence[Dispute]) -> Shape:
    """A payment with what came of it."""
    given = [
        {
            "id": one.id,
            "ref": one.ref,
            "invoice": one.invoice,
            "state": one.state.value,
            "amount": money(one.amount),
            "reason": one.reason,
            "created_at": instant(one.created_at),
        }
        for one in refunds
    ]
    claimed = [
        {"ref": one.ref, "state": one.state, "reason": one.reason, "amount": money(one.amount), "due_at": instant(one.due_at)}
        for one in disputes
    ]
    return payment(value) | {"refunds": given, "disputes": claimed}


@lru_cache(maxsize=1024)  # a programme's limits are the same few amounts
def _amount(value: Money) -> str:
    return value.amount
