"""Bank rules of purchases: a card pays out of its own balance, or declines; no wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, change
from cardctl.simulator.strowallet.history import book
from cardctl.simulator.strowallet.tables import CARDS
from cardctl.simulator.strowallet.words import ACTIVE, FAILED, PENDING, SUCCESS

DECLINE_FEE = 50
"""Cents for a decline for want of money, as far as the card has them. UNCONFIRMED: its size; that there is one is known."""


def purchase(desk: Desk, card: Record, amount: int, merchant: Mapping[str, Any], *, hold: bool) -> tuple[Record, str | None]:
    """The row (success; pending for a hold, which takes the balance too; failed), and the bank's sentence where it declines."""
    named = str(merchant.get("name") or "UNKNOWN MERCHANT")
    why = _declined(card, amount)
    if why is None:
        change(desk, CARDS, card["ref"], {"balance": card["balance"] - amount})
        return book(desk, card, "purchase", -amount, PENDING if hold else SUCCESS, named, merchant=dict(merchant)), None
    reason, sentence = why
    row = book(desk, card, "purchase", -amount, FAILED, named, merchant=dict(merchant), reason=reason)
    if reason == "insufficient_funds":
        _charge(desk, card)
    return row, sentence


def _declined(card: Record, amount: int) -> tuple[str, str] | None:
    if card["card_status"] != ACTIVE:
        return "card_inactive", f"Card is {card['card_status']}"
    if card["balance"] < amount:
        return "insufficient_funds", "Insufficient funds"
    return None


def _charge(desk: Desk, card: Record) -> None:
    fee = min(DECLINE_FEE, card["balance"])
    if fee > 0:
        change(desk, CARDS, card["ref"], {"balance": card["balance"] - fee})
        book(desk, card, "fee", -fee, SUCCESS, "Decline fee")
