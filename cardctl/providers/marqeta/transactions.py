"""Marqeta's transactions as our money events: which message is what, and what it does to a balance; pure tables, no calls."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum

from cardctl.domain.money import Money, zero
from cardctl.domain.transactions import Merchant, RemoteTransaction, TransactionKind, TransactionState
from cardctl.providers.base import Purchase
from cardctl.providers.marqeta.translate import currency_of, kept, moment, money
from cardctl.providers.marqeta.wire import MarqetaAcceptor, MarqetaTransaction


class Effect(Enum):
    """What a message does to what can be spent; `standing` is what its authorization still holds, 0 unless that is PENDING.

    Every message is an object of its own, of which only the state changes, and none is a sum of others. So that the impacts of
    one purchase's messages add up to what it took, a hold counts until it is CLEARED, and then only what came of it counts:

        effect    PENDING                      CLEARED                      COMPLETION     DECLINED, ERROR
        HOLD      -amount                      0                            0              0
        RELEASE   +amount, at most standing    +amount, at most standing    the same       0
        REPLACE   standing - amount            standing - amount            the same       0     (the amount is the new total)
        DEBIT     -amount                      -amount                      -amount        0
        CREDIT    0                            +amount                      +amount        0
        NONE      0                            0                            0              0

    In a state that is no word of Marqeta's a HOLD and a DEBIT count, and nothing else does: no card looks richer for it.
    """

    HOLD = "hold"
    RELEASE = "release"
    REPLACE = "replace"
    DEBIT = "debit"
    CREDIT = "credit"
    NONE = "none"


_K, _E = TransactionKind, Effect
_RULES = tuple(  # the first that fits; what no rule knows is judged by its polarity, and its state is UNKNOWN
    (re.compile(pattern, re.ASCII), kind, effect)
    for pattern, kind, effect in (
        (r"gpa\.credit", _K.FUNDING, _E.CREDIT),
        (r"gpa\.debit", _K.WITHDRAWAL, _E.DEBIT),
        (r"(balance|product\.|.*\.balance)inquiry|token\..+", _K.AUTHORIZATION, _E.NONE),
        (r".*pin\.(change|unblock).*|.*checkavs|address\.verification|transit\.offer", _K.AUTHORIZATION, _E.NONE),
        (r".*\.chargeback\.(reversal|provisional\.debit)|dispute\.debit", _K.CHARGEBACK, _E.DEBIT),
        (r".*\.chargeback(\.provisional\.credit)?|dispute\.credit", _K.CHARGEBACK, _E.CREDIT),
        (r".*\.chargeback\.(completed|writeoff)", _K.CHARGEBACK, _E.NONE),
        (r"fee\.charge\.(refund|reversal)|fee\.collection\.credit", _K.FEE, _E.CREDIT),
        (r"fee\.charge\.waived", _K.FEE, _E.NONE),
        (r"fee\.charge\.pending", _K.FEE, _E.HOLD),
        (r"fee\.charge|fee\.collection\.debit|transfer\.fee", _K.FEE, _E.DEBIT),
        (r"(refund|original\.credit)\.authorization(\.advice)?", _K.AUTHORIZATION, _E.NONE),
        (r"(refund|original\.credit)\.authorization\.reversal", _K.REVERSAL, _E.NONE),
        (r"(refund|original\.credit)\.authorization\.clearing", _K.REFUND, _E.CREDIT),
        (r"(pindebit\.)?refund|original\.credit\.auth_plus_capture|pindebit\.credit\.adjustment", _K.REFUND, _E.CREDIT),
        (r"pindebit\.refund\.reversal|original\.credit\.auth_plus_capture\.reversal", _K.REVERSAL, _E.DEBIT),
        (r"(pindebit\.|account\.funding\.)?authorization\.reversal(\.issuerexpiration)?", _K.REVERSAL, _E.RELEASE),
        (r"pindebit\.reversal|.*auth_plus_capture\.reversal", _K.REVERSAL, _E.CREDIT),
        (r"authorization\.advice", _K.AUTHORIZATION, _E.REPLACE),
        (r"(pindebit\.|account\.funding\.)?authorization\.clearing(\..+)?|.*auth_plus_capture", _K.SETTLEMENT, _E.DEBIT),
        (
            r"authorization(\.incremental|\.standin|\.cashback|\.quasi\.cash|\.atm\.withdrawal)?"
            r"|(pindebit|account\.funding)\.authorization",
            _K.AUTHORIZATION,
            _E.HOLD,
        ),
        (r"pindebit(\.(cashback|atm\.withdrawal|quasi\.cash|debit\.adjustment))?", _K.SETTLEMENT, _E.DEBIT),
    )
)
_POLARITY = {
    "CREDIT": (_K.REFUND, _E.CREDIT),
    "DEBIT": (_K.SETTLEMENT, _E.DEBIT),
    "PENDING_CREDIT": (_K.AUTHORIZATION, _E.NONE),
    "PENDING_DEBIT": (_K.AUTHORIZATION, _E.HOLD),
}
_FAILED = frozenset({"DECLINED", "ERROR"})
_STATES = frozenset({"PENDING", "CLEARED", "COMPLETION"})
_BEGINNING = datetime(2010, 1, 1, tzinfo=UTC)
Holds = dict[str, Money]
"""What each authorization holds that still stands PENDING, by its token; it goes from page to page, oldest first."""


def events_from_wire(page: Iterable[MarqetaTransaction], holds: Holds, *, keep: bool = True) -> list[RemoteTransaction]:
    """The money events of one page of a list, oldest first, as far as they name a card. `holds` is brought up to date; `keep`
    False leaves `raw` empty."""
    wires = [wire for wire in page if wire.get("card_token")]
    for wire in wires:  # first, since those of one second may come in any order
        if (held := _standing(wire)) is not None:
            holds[wire["token"]] = held
    return [_event(wire, holds, keep) for wire in wires]


def transaction_from_wire(wire: MarqetaTransaction, standing: Money | None = None, *, keep: bool = True) -> RemoteTransaction:
    """A money event of a card; `standing` is what the authorization still holds that it is about (see Effect). KeyError where
    it has no token, card or amount. `keep` False leaves `raw` empty: an event is kept itself."""
    kind, effect, known = _kind(wire)
    word, currency = wire.get("state") or "", _currency(wire)
    amount = money(abs(Decimal(wire["amount"])), currency)
    failed = word in _FAILED
    return RemoteTransaction(
        ref=wire["token"],
        card_ref=wire["card_token"] or "",
        kind=_K.DECLINE if failed else kind,
        state=_state(kind, effect, wire) if known or failed else TransactionState.UNKNOWN,
        amount=amount,
        impact=zero(currency) if failed else _impact(effect, word, amount, standing),
        occurred_at=_made_at(wire),
        raw=kept(wire) if keep else {},
        merchant=_merchant(wire.get("card_acceptor") or {}),
        authorization_code=wire.get("approval_code"),
        parent_ref=_parent_of(wire),
        reference=((wire.get("gpa_order") or wire.get("gpa_order_unload") or {}).get("token")),
        progress=(int(word not in ("", "PENDING")),),  # the state alone changes, and never back to that
    )


def purchase_from_wire(authorization: MarqetaTransaction, settlement: MarqetaTransaction | None) -> Purchase:
    """A test purchase as it ended; one that was declined comes with 201 like any other."""
    response = authorization.get("response") or {}
    reason = response.get("memo") or str(response.get("code") or "")
    approved = authorization.get("state") in _STATES
    return Purchase(approved, reason, authorization["token"], settlement["token"] if settlement else None)


def _event(wire: MarqetaTransaction, holds: Holds, keep: bool) -> RemoteTransaction:
    parent = _parent_of(wire) or ""
    standing = holds.get(parent)
    event = transaction_from_wire(wire, standing, keep=keep)
    if (
        standing is not None
        and _kind(wire)[1] in (Effect.RELEASE, Effect.REPLACE)
        and standing.currency == event.impact.currency
    ):
        holds[parent] = standing - event.impact
    return event


def _standing(wire: MarqetaTransaction) -> Money | None:
    """What a message itself holds; None where that is nothing."""
    if _kind(wire)[1] is not Effect.HOLD or wire.get("state") != "PENDING":
        return None
    return money(abs(Decimal(wire["amount"])), _currency(wire))


def _made_at(wire: MarqetaTransaction) -> datetime:
    """When Marqeta made the entry; the cardholder may have paid days before."""
    return moment(wire.get("created_time")) or moment(wire.get("user_transaction_time")) or _BEGINNING


def _parent_of(wire: MarqetaTransaction) -> str | None:
    """The authorization that a message is about."""
    return wire.get("preceding_related_transaction_token") or wire.get("original_transaction_token") or None


def _kind(wire: MarqetaTransaction) -> tuple[TransactionKind, Effect, bool]:
    word = wire.get("type") or ""
    for pattern, kind, effect in _RULES:
        if pattern.fullmatch(word):
            alone = effect is Effect.REPLACE and _parent_of(wire) is None  # an advice of what nobody was asked before
            return kind, Effect.HOLD if alone else effect, True
    kind, effect = _POLARITY.get(wire.get("polarity") or "", (_K.SETTLEMENT, _E.NONE))
    return kind, effect, False


def _impact(effect: Effect, word: str, amount: Money, standing: Money | None) -> Money:
    nothing = zero(amount.currency)
    held = standing if standing is not None and standing.currency == amount.currency else nothing
    if effect is Effect.DEBIT or (effect is Effect.HOLD and word not in ("CLEARED", "COMPLETION")):
        return -amount
    if effect is Effect.RELEASE and word in _STATES:
        return min(amount, held, key=lambda one: one.minor)
    if effect is Effect.REPLACE and word in _STATES and held.minor:
        return held - amount
    return amount if effect is Effect.CREDIT and word in ("CLEARED", "COMPLETION") else nothing


def _state(kind: TransactionKind, effect: Effect, wire: MarqetaTransaction) -> TransactionState:
    word = wire.get("state") or ""
    if word in _FAILED:
        return TransactionState.DECLINED
    if word not in _STATES:
        return TransactionState.UNKNOWN
    if kind is _K.REVERSAL:
        expired = (wire.get("type") or "").endswith(".issuerexpiration")
        return TransactionState.EXPIRED if expired else TransactionState.REVERSED
    if word == "PENDING":
        return TransactionState.APPROVED if effect in (Effect.HOLD, Effect.REPLACE) else TransactionState.PENDING
    return TransactionState.SETTLED


def _currency(wire: MarqetaTransaction) -> str:
    return currency_of(wire.get("currency_code") or (wire.get("gpa") or {}).get("currency_code"))


def _merchant(acceptor: MarqetaAcceptor) -> Merchant:
    country = acceptor.get("country_code") or acceptor.get("country")
    return Merchant(acceptor.get("name"), acceptor.get("mcc"), None, acceptor.get("city"), country)
