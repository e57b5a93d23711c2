"""What Strowallet's notifications say, in our words: pure functions and tables; whether one is genuine is webhooks.py.

Its bodies are hints: unsigned as a rule, in no order, and with words that no official page lists. So the card is read, and what
is told counts only where the reading does not have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from cardctl.domain.events import NOTHING, UNHEARD, Claim, Told
from cardctl.domain.states import CardState
from cardctl.domain.transactions import Merchant, RemoteTransaction
from cardctl.providers.strowallet import rows, translate, wire

_CARDS = "virtualcard."
_INFORMING = frozenset(
    {
        *("otp.code", "usdt.transfer.success"),
        *("authorization.request", "transaction.created", "transaction.refund", "card.balance"),  # of cards in naira
        *("virtualaccount.credit", "banktransfer.success", "banktransfer.refunded"),
    }
)
_MADE = translate.DONE | {"active"}


def told(kind: str, item: Mapping[str, Any]) -> Told:
    """LookupError where an event of a card names none."""
    if kind in _INFORMING:
        return NOTHING
    if not kind.startswith(_CARDS):
        return UNHEARD
    card = card_in(item)
    if not card:
        raise LookupError("cardId")
    return Told(look=(card,), claims=_claims(kind, item, card), transactions=_purchases(kind, item, card), decided=False)


def card_in(item: Mapping[str, Any]) -> str:
    """The card's name: camelCase, though one client tolerates snake_case, and cards in naira have a spelling of their own."""
    values = (item.get(name) for name in ("cardId", "card_id", "card_Id"))
    return next((value for value in values if isinstance(value, str) and value and value.isprintable()), "")


def moment_of(item: Mapping[str, Any]) -> datetime | None:
    """When it happened, where it tells so in a form that can be read."""
    for name in ("date", "createdAt", "created_at", "tranDateTime"):
        try:
            moment = datetime.fromisoformat(str(item.get(name)))
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _claims(kind: str, item: Mapping[str, Any], card: str) -> tuple[Claim, ...]:
    if kind == "virtualcard.created.failed":
        return (Claim(card, CardState.FAILED, _word(item, "failureReason", "reason")),)
    if kind == "virtualcard.transaction.declined.terminated":
        return (Claim(card, CardState.CLOSED, _word(item, "reason")),)
    if kind != "virtualcard.created.complete":
        return ()
    made = (_word(item, "createdStatus", "created_status", "status") or "").lower()  # a card that failed is told by this too
    state = CardState.ACTIVE if made in _MADE else CardState.FAILED if made in translate.FAILED else None
    return () if state is None else (Claim(card, state),)


def _purchases(kind: str, item: Mapping[str, Any], card: str) -> tuple[RemoteTransaction, ...]:
    """The purchase that an event is about, as its poorer reading: what is not surely declined takes from the card. UNCONFIRMED
    that the history's row has the same name; without an amount or a time there is none to tell."""
    declined = kind == "virtualcard.transaction.declined"
    ref, moment = _word(item, "reference", "id"), moment_of(item)
    if not (declined or kind == "virtualcard.transaction.authorization") or not ref or moment is None:
        return ()
    if item.get("amount") in (None, ""):
        return ()
    row = {
        "id": ref,
        "amount": item["amount"],
        "currency": _word(item, "currency"),
        "type": "debit",
        "status": "declined" if declined else _word(item, "status"),
        "reference": _word(item, "reference"),
        "createdAt": moment.isoformat(),
    }
    merchant = Merchant(_word(item, "merchant", "narrative"), _word(item, "mcc"), country=_word(item, "country"))
    found = rows.transaction_from_row(cast(wire.StrowalletRow, row), card)
    return (replace(found, merchant=merchant, raw={}),)


def _word(item: Mapping[str, Any], *names: str) -> str | None:
    """The first text among these."""
    values = (item.get(name) for name in names)
    return next((value.strip() for value in values if isinstance(value, str) and value.strip()), None)
