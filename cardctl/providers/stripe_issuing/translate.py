"""Stripe's words as ours and ours as Stripe's: pure functions and tables, no calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from cardctl.domain.accounts import AccountChange, AccountState, Address, Kyc, NewAccount, RemoteAccount
from cardctl.domain.cards import Credentials, Limits, NewCard, RemoteCard, WalletEligibility
from cardctl.domain.money import Money
from cardctl.domain.redaction import redact_json
from cardctl.domain.states import CardState, Move
from cardctl.domain.transactions import Merchant, RemoteTransaction, TransactionKind, TransactionState
from cardctl.errors import BadInput
from cardctl.providers.stripe_issuing import wire

MARK = "cardctl_operation"
CREATED_BY = "cardctl_created_by"
EXTERNAL_ID = "cardctl_external_id"
ACTIVATED = "cardctl_activated"
"""Metadata keys. Stripe merges metadata key by key (docs.stripe.com/api/metadata), so each write names only its own; CREATED_BY
is written once, since later operations write over MARK."""

ALL_TIME = "all_time"
INTERVALS = {"per_authorization": "per_transaction", "daily": "daily", "weekly": "weekly", "monthly": "monthly"}

_CARD_STATES = {"active": CardState.ACTIVE, "inactive": CardState.INACTIVE, "canceled": CardState.CLOSED}
_ACCOUNT_STATES = {"active": AccountState.ACTIVE, "inactive": AccountState.SUSPENDED, "blocked": AccountState.SUSPENDED}
_REJECTED = frozenset({"listed", "rejected.listed"})
_HOLDS = {  # what is said of an approved authorization
    "pending": TransactionState.APPROVED,
    "closed": TransactionState.SETTLED,
    "reversed": TransactionState.REVERSED,
    "expired": TransactionState.EXPIRED,
}
_MOVES = {Move.ACTIVATE: "active", Move.UNFREEZE: "active", Move.FREEZE: "inactive", Move.CLOSE: "canceled"}
_ACCOUNT_TYPES = ("individual", "company")
_CANCEL_REASONS = frozenset({"lost", "stolen"})
_REPLACE_REASONS = ("damaged", "expired", "lost", "stolen")
_RELEASED = frozenset({TransactionState.SETTLED, TransactionState.REVERSED, TransactionState.EXPIRED})


def card_from_wire(card: wire.StripeCard) -> RemoteCard:
    """KeyError where it has no id or currency: then it is no card."""
    holder = card.get("cardholder") or {}
    currency, word = card["currency"].upper(), card.get("status", "")
    state = _CARD_STATES.get(word, CardState.UNKNOWN)
    metadata = card.get("metadata") or {}
    brand = card.get("brand")
    return RemoteCard(
        ref=card["id"],
        account_ref=(holder if isinstance(holder, str) else holder.get("id")) or None,
        holder="" if isinstance(holder, str) else holder.get("name", ""),
        type=card.get("type", "virtual"),
        last4=card.get("last4", ""),
        exp_month=card.get("exp_month", 0),
        exp_year=card.get("exp_year", 0),
        currency=currency,
        state=state,
        word=word,
        raw=redact_json(card),
        brand=brand.lower() if brand else None,
        state_reason=card.get("cancellation_reason"),
        limits=limits_from_wire(spending_limits(card), currency),
        allowance=allowance_from_wire(spending_limits(card), currency),
        ever_active=True if state is CardState.ACTIVE or metadata.get(ACTIVATED) == "true" else None,
        created_at=_moment(card["created"]) if "created" in card else None,
        mark=metadata.get(MARK),
    )


def account_from_wire(holder: wire.StripeCardholder) -> RemoteAccount:
    """KeyError where it has no id: then it is no cardholder."""
    word = holder.get("status", "")
    requirements = holder.get("requirements") or {}
    reason = requirements.get("disabled_reason")
    flags = [reason] if reason else []
    flags += requirements.get("past_due") or []
    flags += [] if word in ("active", "inactive") else [word or "status_missing"]
    metadata = holder.get("metadata") or {}
    return RemoteAccount(
        ref=holder["id"],
        name=holder.get("name", ""),
        state=_ACCOUNT_STATES.get(word, AccountState.SUSPENDED),  # an unknown word must not look usable; the flag names it
        kyc=Kyc.REJECTED if reason in _REJECTED else Kyc.PENDING if reason else Kyc.VERIFIED,
        raw=redact_json(holder),
        email=holder.get("email"),
        external_id=metadata.get(EXTERNAL_ID),
        compliance_flags=tuple(flags),
        created_at=_moment(holder["created"]) if "created" in holder else None,
        mark=metadata.get(MARK),
    )


def authorization_from_wire(authorization: wire.StripeAuthorization) -> RemoteTransaction:
    """A hold. Stripe's `amount` is what is still authorized: 0 once reversed, the rest once expired
    (docs.stripe.com/issuing/purchases/authorizations); a declined one never held anything."""
    currency = authorization["currency"].upper()
    state = _authorization_state(authorization)
    kind = TransactionKind.DECLINE if state is TransactionState.DECLINED else TransactionKind.AUTHORIZATION
    held = authorization["amount"] if authorization.get("approved") and state not in _RELEASED else 0
    codes = [request.get("authorization_code") for request in authorization.get("request_history") or []]
    return RemoteTransaction(
        ref=authorization["id"],
        card_ref=_ref(authorization["card"]),
        kind=kind,
        state=state,
        amount=Money(_authorized(authorization), currency),
        impact=Money(-held, currency),
        occurred_at=_moment(authorization["created"]),
        raw=redact_json(authorization),
        merchant=_merchant(authorization.get("merchant_data")),
        authorization_code=next((code for code in codes if code), None),
    )


def transaction_from_wire(transaction: wire.StripeTransaction) -> RemoteTransaction:
    """A capture or a refund. Stripe's amount is signed, and a refund that is taken back is a refund with a negative amount
    (docs.stripe.com/issuing/purchases/transactions), so the sign is always the wire's."""
    currency = transaction["currency"].upper()
    word = transaction.get("type", "")
    refund = word == "refund" or (word != "capture" and transaction["amount"] > 0)
    parent = transaction.get("authorization")
    return RemoteTransaction(
        ref=transaction["id"],
        card_ref=_ref(transaction["card"]),
        kind=TransactionKind.REFUND if refund else TransactionKind.SETTLEMENT,
        state=TransactionState.SETTLED if word in ("capture", "refund") else TransactionState.UNKNOWN,
        amount=Money(abs(transaction["amount"]), currency),
        impact=Money(transaction["amount"], currency),
        occurred_at=_moment(transaction["created"]),
        raw=redact_json(transaction),
        merchant=_merchant(transaction.get("merchant_data")),
        authorization_code=(transaction.get("network_data") or {}).get("authorization_code"),
        parent_ref=_ref(parent) if parent else None,
    )


def credentials_from_wire(card: wire.StripeCard) -> Credentials | None:
    """None where Stripe gave no number: in live mode it gives those of virtual cards only."""
    number, cvc = card.get("number"), card.get("cvc")
    return Credentials(number, cvc, card.get("exp_month", 0), card.get("exp_year", 0)) if number and cvc else None


def wallets_from_wire(card: wire.StripeCard) -> tuple[WalletEligibility, ...]:
    wallets = card.get("wallets") or {}
    return tuple(
        WalletEligibility(name, wallet.get("eligible") is True, wallet.get("ineligible_reason"))
        for name, wallet in wallets.items()
        if isinstance(wallet, dict)  # primary_account_identifier stands among them
    )


def float_from_wire(balance: wire.StripeBalance) -> tuple[Money, ...]:
    available = (balance.get("issuing") or {}).get("available") or []
    return tuple(Money(amount["amount"], amount["currency"].upper()) for amount in available)


def spending_limits(card: wire.StripeCard) -> list[wire.StripeSpendingLimit]:
    """The card's whole list, as Stripe keeps it."""
    return list((card.get("spending_controls") or {}).get("spending_limits") or [])


def limits_from_wire(limits: Iterable[wire.StripeSpendingLimit], currency: str) -> Limits:
    """Only limits over every category have a word here; of two of one kind the tighter one counts, as at Stripe."""
    return Limits(**{name: _tightest(limits, interval, currency) for interval, name in INTERVALS.items()})


def allowance_from_wire(limits: Iterable[wire.StripeSpendingLimit], currency: str) -> Money | None:
    return _tightest(limits, ALL_TIME, currency)


def with_limits(limits: Iterable[wire.StripeSpendingLimit], changes: Mapping[str, Money | None]) -> list[dict[str, Any]]:
    """The whole list with the kinds named in `changes` replaced or taken off, and every other limit as it was."""
    changed = {interval for interval, name in INTERVALS.items() if name in changes}
    kept = [_limit_to_wire(limit) for limit in limits if not (_plain(limit) and limit.get("interval") in changed)]
    return kept + limits_to_wire(Limits(**changes), None)


def with_allowance(limits: Iterable[wire.StripeSpendingLimit], allowance: int) -> list[dict[str, Any]]:
    """The whole list with the allowance replaced (or begun), and every other limit as it was."""
    kept = [_limit_to_wire(limit) for limit in limits if not (_plain(limit) and limit.get("interval") == ALL_TIME)]
    return [*kept, {"amount": allowance, "interval": ALL_TIME}]


def limits_to_wire(limits: Limits, allowance: Money | None) -> list[dict[str, Any]]:
    amounts = {interval: getattr(limits, name) for interval, name in INTERVALS.items()} | {ALL_TIME: allowance}
    return [{"amount": money.minor, "interval": interval} for interval, money in amounts.items() if money is not None]


def account_to_wire(wanted: NewAccount, address: Address, mark: str) -> dict[str, Any]:
    """UNCONFIRMED how much of a name Stripe takes (once 24 letters, no digits), so its own refusal is left to decide."""
    if wanted.type not in _ACCOUNT_TYPES:
        raise BadInput(f"stripe has no accounts of type {wanted.type!r}", hint=f"one of {', '.join(_ACCOUNT_TYPES)}")
    return _present(
        name=" ".join(wanted.name.split()),
        type=wanted.type,
        email=wanted.email,
        phone_number=wanted.phone,
        billing={"address": address_to_wire(address)},
        metadata=_present(**{EXTERNAL_ID: wanted.external_id, MARK: mark, CREATED_BY: mark}),
    )


def change_to_wire(change: AccountChange) -> dict[str, Any]:
    """Empty where nothing is to be changed."""
    return _present(
        email=change.email,
        phone_number=change.phone,
        billing={"address": address_to_wire(change.address)} if change.address else None,
        status=None if change.active is None else "active" if change.active else "inactive",
    )


def new_card_to_wire(wanted: NewCard, mark: str) -> dict[str, Any]:
    """BadInput where Stripe has no word for why a card is replaced, or an amount is not in the card's currency."""
    limits, why = wanted.limits, wanted.replaces_reason
    currency_check((*(getattr(limits, name) for name in INTERVALS.values()), wanted.allowance), wanted.currency)
    if wanted.replaces_ref and why not in _REPLACE_REASONS:
        raise BadInput("stripe wants to know why a card is replaced", hint=f"one of {', '.join(_REPLACE_REASONS)}")
    listed = limits_to_wire(limits, wanted.allowance)
    return _present(
        cardholder=wanted.account_ref,
        currency=wanted.currency.lower(),
        type=wanted.type,
        status="active" if wanted.active else "inactive",
        spending_controls={"spending_limits": listed} if listed else None,
        replacement_for=wanted.replaces_ref,
        replacement_reason=why if wanted.replaces_ref else None,
        metadata=_present(**{MARK: mark, CREATED_BY: mark, ACTIVATED: "true" if wanted.active else None}),
    )


def move_to_wire(move: Move, mark: str, reason: str | None) -> dict[str, Any]:
    """Stripe knows two reasons of a cancellation. A freeze starts from active, so it too proves that the card was active."""
    word = (reason or "").strip().lower()
    return _present(
        status=_MOVES[move],
        cancellation_reason=word if move is Move.CLOSE and word in _CANCEL_REASONS else None,
        metadata=_present(**{MARK: mark, ACTIVATED: None if move is Move.CLOSE else "true"}),
    )


def address_to_wire(address: Address) -> dict[str, str]:
    return _present(**{name: getattr(address, name) for name in ("line1", "line2", "city", "state", "postal_code", "country")})


def currency_check(amounts: Iterable[Money | None], currency: str) -> None:
    """BadInput where an amount is not in the card's currency."""
    for money in amounts:
        if money is not None and money.currency != currency:
            raise BadInput(f"{money} is not in the card's currency, {currency}")


def _authorization_state(authorization: wire.StripeAuthorization) -> TransactionState:
    word = authorization.get("status", "")
    if authorization.get("approved"):
        return _HOLDS.get(word, TransactionState.UNKNOWN)
    if word == "pending":
        return TransactionState.PENDING  # nobody has decided yet
    return TransactionState.DECLINED if word in _HOLDS else TransactionState.UNKNOWN


def _authorized(authorization: wire.StripeAuthorization) -> int:
    """What was asked for in all: an amount gone to 0 is told from its history, each entry of which is an addition (SDK)."""
    pending = authorization.get("pending_request") or {}
    history = [request.get("amount", 0) for request in authorization.get("request_history") or [] if request.get("approved")]
    return authorization["amount"] or sum(history) or pending.get("amount", 0)


def _tightest(limits: Iterable[wire.StripeSpendingLimit], interval: str, currency: str) -> Money | None:
    amounts = [limit["amount"] for limit in limits if limit.get("interval") == interval and _plain(limit)]
    return Money(min(amounts), currency) if amounts else None


def _plain(limit: wire.StripeSpendingLimit) -> bool:
    return not limit.get("categories")


def _limit_to_wire(limit: wire.StripeSpendingLimit) -> dict[str, Any]:
    return _present(amount=limit["amount"], interval=limit["interval"], categories=limit.get("categories") or None)


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _merchant(data: wire.StripeMerchant | None) -> Merchant:
    data = data or {}
    return Merchant(data.get("name"), data.get("category_code"), data.get("category"), data.get("city"), data.get("country"))


def _ref(value: Mapping[str, Any] | str) -> str:
    """The id of what may be expanded or not."""
    return value if isinstance(value, str) else str(value["id"])


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
