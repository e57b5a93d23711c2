"""Stripe's words as ours: pure functions and tables, no calls; the other direction is drafting.py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from cardctl.domain.accounts import AccountState, Kyc, RemoteAccount
from cardctl.domain.cards import Credentials, Limits, RemoteCard, WalletEligibility
from cardctl.domain.money import MAX_MINOR, Money, exponent
from cardctl.domain.redaction import nothing_to_redact, redact_json
from cardctl.domain.states import CardState
from cardctl.domain.transactions import Merchant, RemoteTransaction, TransactionKind, TransactionState
from cardctl.errors import BadInput
from cardctl.providers.base import Purchase
from cardctl.providers.stripe_issuing import wire

MARK = "cardctl_operation"
MOVED_BY = "cardctl_moved_by"
CREATED_BY = "cardctl_created_by"
INHERITED = "cardctl_inherited"
EXTERNAL_ID = "cardctl_external_id"
ACTIVATED = "cardctl_activated"
"""Metadata keys. Stripe merges metadata key by key (docs.stripe.com/api/metadata), so each write names only its own; CREATED_BY
is written once, since later operations write over MARK; INHERITED is what the cards that this one replaces had spent."""

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
_WHOLE = re.compile(r"-?[0-9]{1,18}\Z", re.ASCII)
_RELEASED = frozenset({TransactionState.SETTLED, TransactionState.REVERSED, TransactionState.EXPIRED})


def state_of(word: str) -> CardState:
    return _CARD_STATES.get(word.strip().lower(), CardState.UNKNOWN)


def listed_card_from_wire(card: wire.StripeCard) -> RemoteCard:
    """The same from a long list: its raw JSON is a text, which is looked at once."""
    text = orjson.dumps(card)
    return card_from_wire(card, raw=text.decode() if nothing_to_redact(text) else None)


def card_from_wire(card: wire.StripeCard, *, raw: str | None = None) -> RemoteCard:
    """KeyError where it has no id or currency: then it is no card. `raw` is its JSON, where that needs no redaction."""
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
        raw=redact_json(card) if raw is None else raw,
        brand=brand.lower() if brand else None,
        state_reason=card.get("cancellation_reason"),
        limits=limits_from_wire(spending_limits(card), currency),
        allowance=allowance_from_wire(card),
        ever_active=True if state is CardState.ACTIVE or metadata.get(ACTIVATED) == "true" else None,
        moved_by=metadata.get(MOVED_BY),
        created_at=_moment(card["created"]) if "created" in card else None,
        mark=metadata.get(MARK),
        created_by=metadata.get(CREATED_BY),
    )


def account_from_wire(holder: wire.StripeCardholder, *, keep: bool = True) -> RemoteAccount:
    """KeyError where it has no id: then it is no cardholder. `keep` False leaves `raw` empty: an event is kept itself."""
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
        raw=redact_json(holder) if keep else {},
        email=holder.get("email"),
        external_id=metadata.get(EXTERNAL_ID),
        compliance_flags=tuple(flags),
        created_at=_moment(holder["created"]) if "created" in holder else None,
        mark=metadata.get(MARK),
        created_by=metadata.get(CREATED_BY),
    )


def authorization_from_wire(authorization: wire.StripeAuthorization, *, keep: bool = True) -> RemoteTransaction:
    """A hold; a declined one never held anything."""
    currency = authorization["currency"].upper()
    state = _authorization_state(authorization)
    kind = TransactionKind.DECLINE if state is TransactionState.DECLINED else TransactionKind.AUTHORIZATION
    held = _held(authorization) if authorization.get("approved") and state not in _RELEASED else 0
    codes = [request.get("authorization_code") for request in authorization.get("request_history") or []]
    return RemoteTransaction(
        ref=authorization["id"],
        card_ref=_ref(authorization["card"]),
        kind=kind,
        state=state,
        amount=Money(_authorized(authorization), currency),
        impact=Money(-held, currency),
        occurred_at=_moment(authorization["created"]),
        raw=redact_json(authorization) if keep else {},
        merchant=merchant_from_wire(authorization.get("merchant_data")),
        authorization_code=next((code for code in codes if code), None),
        progress=_progress(authorization),
    )


def transaction_from_wire(transaction: wire.StripeTransaction, *, keep: bool = True) -> RemoteTransaction:
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
        raw=redact_json(transaction) if keep else {},
        merchant=merchant_from_wire(transaction.get("merchant_data")),
        authorization_code=(transaction.get("network_data") or {}).get("authorization_code"),
        parent_ref=_ref(parent) if parent else None,
        progress=(1,),  # it is made whole, and none of what is read here changes later
    )


def sound(transaction: RemoteTransaction) -> RemoteTransaction:
    """The same; BadInput where its money is none."""
    checked(transaction.amount)
    checked(transaction.impact)
    return transaction


def checked(money: Money) -> Money:
    """The same; BadInput where it is no whole number that cardctl holds exactly, in a known currency."""
    exponent(money.currency)
    if type(money.minor) is not int or abs(money.minor) > MAX_MINOR:
        raise BadInput("no amount")
    return money


def purchase_from_wire(authorization: wire.StripeAuthorization) -> Purchase:
    """A test purchase as it ended; the last decision's reason."""
    history = authorization.get("request_history") or [{}]
    captured = authorization.get("transactions") or []
    reason = str(history[-1].get("reason") or "")
    settlement = captured[-1].get("id") if captured else None
    return Purchase(bool(authorization.get("approved")), reason, authorization["id"], settlement)


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


def allowance_from_wire(card: wire.StripeCard) -> Money | None:
    """What was funded: the `all_time` limit, which also counts what replaced cards spent (docs.stripe.com/issuing/controls/
    spending-controls), less that."""
    limit = _tightest(spending_limits(card), ALL_TIME, card["currency"].upper())
    return limit - inherited_from_wire(card) if limit else None


def inherited_from_wire(card: wire.StripeCard) -> Money:
    text = (card.get("metadata") or {}).get(INHERITED, "")
    return Money(int(text) if _WHOLE.match(text) else 0, card["currency"].upper())


def _authorization_state(authorization: wire.StripeAuthorization) -> TransactionState:
    word = authorization.get("status", "")
    if authorization.get("approved"):
        return _HOLDS.get(word, TransactionState.UNKNOWN)
    if word == "pending":
        return TransactionState.PENDING  # nobody has decided yet
    return TransactionState.DECLINED if word in _HOLDS else TransactionState.UNKNOWN


def _authorized(authorization: wire.StripeAuthorization) -> int:
    """What was asked for in all; `amount` goes to 0 once reversed (docs.stripe.com/issuing/purchases/authorizations)."""
    return authorization["amount"] or _approved(authorization) or (authorization.get("pending_request") or {}).get("amount", 0)


def _held(authorization: wire.StripeAuthorization) -> int:
    """UNCONFIRMED whether `amount` shrinks when a part is captured and the rest stays open: what was captured is taken off only
    where `amount` is still all that was approved, so that no reading of it makes a card look richer than it is."""
    parts = authorization.get("transactions") or []
    captured = -sum(part["amount"] for part in parts if part.get("type") == "capture")
    amount = authorization["amount"]
    return max(amount - captured, 0) if amount == _approved(authorization) else amount


def _approved(authorization: wire.StripeAuthorization) -> int:
    """The sum of the requests: each is an addition to those before (SDK, `pending_request.amount`)."""
    return sum(request.get("amount", 0) for request in authorization.get("request_history") or [] if request.get("approved"))


def _progress(authorization: wire.StripeAuthorization) -> tuple[int, ...]:
    """How far its life has gone, as counts none of which ever goes back; what is absent counts 0.

        what happens                 decided  requests  captures  released
        asked, nobody has decided    0        0         0         0
        approved, held               0        1         0         0
        declined                     1        1         0         0
        an increment, either way     =        +1        =         =         (`amount` and the approved sum grow by the same)
        a part is reversed           =        =         =         +part     (`amount` alone shrinks: no new entry is made)
        captured, all or a part      0 or 1   =         +1        = or +    (UNCONFIRMED whether `amount` shrinks by it)
        reversed, expired            1        =         =         +rest
        captured after that, refund  1        =         +1        = or +

    UNCONFIRMED: that `amount` never grows without a new request. Were it to, `released` would go back, the two words would be
    ahead of each other in something, and neither would be taken for the later one: that is for a reading to settle.
    """
    history = authorization.get("request_history") or []
    decided = authorization.get("status", "pending") != "pending"
    captures = len(authorization.get("transactions") or [])
    released = max(_approved(authorization) - authorization["amount"], 0)
    return (int(decided), len(history), captures, released)


def _tightest(limits: Iterable[wire.StripeSpendingLimit], interval: str, currency: str) -> Money | None:
    amounts = [limit["amount"] for limit in limits if limit.get("interval") == interval and plain(limit)]
    return Money(min(amounts), currency) if amounts else None


def plain(limit: wire.StripeSpendingLimit) -> bool:
    return not limit.get("categories")


def merchant_from_wire(data: wire.StripeMerchant | None) -> Merchant:
    data = data or {}
    return Merchant(data.get("name"), data.get("category_code"), data.get("category"), data.get("city"), data.get("country"))


def _ref(value: Mapping[str, Any] | str) -> str:
    """The id of what may be expanded or not."""
    return value if isinstance(value, str) else str(value["id"])


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
