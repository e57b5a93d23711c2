"""Marqeta's words for users, cards, limits and balances as ours: pure functions and tables; money events: transactions.py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from cardctl.domain.accounts import AccountState, Kyc, RemoteAccount
from cardctl.domain.cards import CardNews, Credentials, Limits, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.redaction import redact_json
from cardctl.domain.states import CardState
from cardctl.providers.marqeta.wire import (
    MarqetaBalance,
    MarqetaCard,
    MarqetaControl,
    MarqetaTransition,
    MarqetaUser,
    Number,
    harmless,
)

MARK = "cardctl_operation"
CREATED_BY = "cardctl_created_by"
EXTERNAL_ID = "cardctl_external_id"
ACCOUNT = "cardctl_account"
CURRENCY = "cardctl_currency"
REPLACES = "cardctl_replaces"
CARD_USER = "cardctl_card_user"
"""Metadata keys. CARD_USER is what a user is told by that was made for one card alone."""

LIMIT_NAMES = {"TRANSACTION": "per_transaction", "DAY": "daily", "WEEK": "weekly", "MONTH": "monthly"}
CARD_STATES = {
    "UNACTIVATED": CardState.PENDING,
    "ACTIVE": CardState.ACTIVE,
    "SUSPENDED": CardState.FROZEN,
    "LIMITED": CardState.SUSPENDED,
    "TERMINATED": CardState.CLOSED,
}
_ACCOUNTS = {  # status: what it means, and what it says of KYC (SPEC, POST /users: the initial status follows from KYC)
    "ACTIVE": (AccountState.ACTIVE, Kyc.VERIFIED),
    "SUSPENDED": (AccountState.SUSPENDED, Kyc.VERIFIED),
    "UNVERIFIED": (AccountState.PENDING, Kyc.PENDING),
    "LIMITED": (AccountState.PENDING, Kyc.PENDING),  # may do some things before its KYC; an activation is still to come
    "CLOSED": (AccountState.CLOSED, Kyc.NONE),
    "TERMINATED": (AccountState.CLOSED, Kyc.NONE),
}
_UNKNOWN_ACCOUNT = (AccountState.SUSPENDED, Kyc.NONE)  # an unknown word must not look usable; the flag names it
_NUMERIC = {"840": "USD", "978": "EUR", "826": "GBP", "124": "CAD", "036": "AUD"}
_DEFAULT_CURRENCY = "USD"
_EXPIRY = re.compile(r"(0[1-9]|1[0-2])([0-9]{2})\Z", re.ASCII)
_WHOLE = re.compile(r"[0-9]{12,19}\Z", re.ASCII)


def account_from_wire(user: MarqetaUser, balances: tuple[Money, ...] | None = None, *, keep: bool = True) -> RemoteAccount:
    """KeyError where it has no token: then it is no user. `keep` False leaves `raw` empty."""
    word = user.get("status") or ""
    state, kyc = _ACCOUNTS.get(word, _UNKNOWN_ACCOUNT)
    metadata = user.get("metadata") or {}
    return RemoteAccount(
        ref=user["token"],
        name=name_of(user),
        state=state,
        kyc=kyc,
        raw=kept(user) if keep else {},
        email=user.get("email"),
        external_id=metadata.get(EXTERNAL_ID),
        compliance_flags=() if word == "ACTIVE" else (word or "status_missing",),
        created_at=moment(user.get("created_time")),
        mark=metadata.get(MARK),
        created_by=metadata.get(CREATED_BY),
        balances=balances,
    )


def name_of(user: MarqetaUser) -> str:
    return user.get("company") or " ".join(filter(None, (user.get("first_name"), user.get("last_name"))))


def is_card_user(user: MarqetaUser) -> bool:
    """Whether a user is there for one card only, and is no account."""
    return CARD_USER in (user.get("metadata") or {})


def owner_of(user: MarqetaUser) -> str:
    """The account that a user is, or belongs to. A child that others have made is an account of its own."""
    return (user.get("parent_token") or user["token"]) if is_card_user(user) else user["token"]


def state_of(word: str) -> CardState:
    return CARD_STATES.get(word.strip().upper(), CardState.UNKNOWN)


def card_from_wire(
    card: MarqetaCard,
    user: MarqetaUser | None = None,
    balance: MarqetaBalance | None = None,
    controls: Iterable[MarqetaControl] = (),
    *,
    keep: bool = True,
) -> RemoteCard:
    """The card, and where they were read too, its holder, money and limits. KeyError where it has no token. `keep` False leaves
    `raw` empty."""
    word, metadata = card.get("state") or "", card.get("metadata") or {}
    state = CARD_STATES.get(word, CardState.UNKNOWN)
    currency = card_currency(card, balance)
    month, year = expiry_of(card)
    return RemoteCard(
        ref=card["token"],
        account_ref=metadata.get(ACCOUNT) or (owner_of(user) if user else card.get("user_token")),
        holder=name_of(user) if user else "",
        type="physical" if (card.get("instrument_type") or "").startswith("PHYSICAL") else "virtual",
        last4=card.get("last_four") or "",
        exp_month=month,
        exp_year=year,
        currency=currency,
        state=state,
        word=word,
        raw=kept(card) if keep else {},
        state_reason=card.get("state_reason"),
        limits=limits_from_wire(controls, currency),
        balance=available(balance, currency) if balance else None,
        ever_active=True if state in (CardState.ACTIVE, CardState.FROZEN) else None,
        created_at=moment(card.get("created_time")),
        mark=metadata.get(MARK),
        created_by=metadata.get(CREATED_BY),
        shared=True,
    )


def card_currency(card: MarqetaCard, balance: MarqetaBalance | None) -> str:
    """What the card was issued for, where the holder has money of that currency; else the holder's own, else what was said."""
    said, held = (card.get("metadata") or {}).get(CURRENCY), _purses(balance)
    own = currency_of(balance.get("currency_code")) if balance and balance.get("currency_code") else None
    return said if said and said in held else own or said or _DEFAULT_CURRENCY


def currency_of(code: str | None) -> str:
    """Alphabetic ISO 4217, USD where none is told; Marqeta's own examples have a numeric one too."""
    return _NUMERIC.get(code or "", (code or _DEFAULT_CURRENCY).upper())


def available(balance: MarqetaBalance, currency: str) -> Money | None:
    """What the holder can still spend (ledger less holds). None where there is no such balance."""
    purse = _purses(balance).get(currency)
    return money(purse["available_balance"], currency) if purse and "available_balance" in purse else None


def balances_from_wire(balance: MarqetaBalance) -> tuple[Money, ...]:
    """One Money for each currency."""
    held = ((currency, available(balance, currency)) for currency in sorted(_purses(balance)))
    return tuple(amount for _, amount in held if amount is not None)


def limits_from_wire(controls: Iterable[MarqetaControl], currency: str) -> Limits:
    """Only plain controls have a word here; of several of one kind the tightest counts, as at Marqeta."""
    found: dict[str, Money] = {}
    for control in controls:
        name = LIMIT_NAMES.get(control.get("velocity_window", ""))
        if name and plain(control) and currency_of(control.get("currency_code")) == currency:
            amount = money(control["amount_limit"], currency)
            found[name] = min(amount, found.get(name, amount), key=lambda limit: limit.minor)
    return Limits(**found)


def plain(control: MarqetaControl) -> bool:
    """Whether it limits every purchase of one user, as our limits do."""
    scoped = any((control.get("merchant_scope") or {}).values()) or control.get("money_in_transaction")
    ours = (control.get("association") or {}).get("user_token") and control.get("include_purchases") is not False
    return bool(ours and not scoped and control.get("active") and control.get("approvals_only") is not False)


def move_from_wire(transition: MarqetaTransition | MarqetaCard, card: str, moved_by: str | None) -> CardNews:
    """What a transition's answer, or the card itself, tells of its state."""
    word = transition["state"]
    state = CARD_STATES.get(word, CardState.UNKNOWN)
    return CardNews(card, kept(transition), state=state, word=word, moved_by=moved_by)


def credentials_from_wire(card: MarqetaCard) -> Credentials | None:
    """None where the number came masked, or the security code not at all."""
    number, code = card.get("pan") or "", card.get("cvv_number") or ""
    return Credentials(number, code, *expiry_of(card)) if _WHOLE.match(number) and code else None


def expiry_of(card: MarqetaCard) -> tuple[int, int]:
    """Month and year, from MMyy; zeros where it cannot be read."""
    found = _EXPIRY.match(card.get("expiration") or "")
    return (int(found[1]), 2000 + int(found[2])) if found else (0, 0)


def money(value: Number, currency: str) -> Money:
    """Decimal major units. BadInput for an unknown currency, or more decimals than it has."""
    return Money.of_decimal(Decimal(value), currency)


def moment(text: str | None) -> datetime | None:
    """ISO 8601; without a zone it is UTC."""
    if not text:
        return None
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def kept(value: Mapping[str, Any]) -> dict[str, Any]:
    """What may be kept of an answer. The user in a card is kept with the account, where it is anybody's."""
    raw: dict[str, Any] = redact_json(harmless({name: item for name, item in value.items() if name != "user"}))
    return raw


def _purses(balance: MarqetaBalance | None) -> dict[str, MarqetaBalance]:
    if not balance:
        return {}
    return dict(balance.get("balances") or {}) or {currency_of(balance.get("currency_code")): balance}
