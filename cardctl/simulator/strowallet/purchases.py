"""Bank rules of purchases: a card pays out of its own balance, or declines; no wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, change, select
from cardctl.simulator.strowallet import wallet
from cardctl.simulator.strowallet.history import book
from cardctl.simulator.strowallet.tables import CARDS, TRANSACTIONS
from cardctl.simulator.strowallet.words import ACTIVE, FAILED, PENDING, SUCCESS, TERMINATED

DECLINE_FEE = 50
"""Cents for a decline for want of money, as far as the card has them. UNCONFIRMED: its size; that there is one is known."""

_OF = "refund_of"
"""Of which purchase a refund is: kept with its merchant, and shown to nobody."""


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


def refund(desk: Desk, row: Record, amount: int) -> Record:
    """The merchant gives back `amount` of a purchase, as often as it likes; the new row. Where the card has
    ended it goes to the float. UNCONFIRMED: how a refund is shown. Nothing is told of it, since no event of one is known."""
    (card,) = select(desk, CARDS, "ref = ?", (row["cardId"],))
    ended = card["card_status"] == TERMINATED or bool(card["deleted"])
    if ended:
        wallet.give_back(desk, amount)
    else:
        change(desk, CARDS, card["ref"], {"balance": card["balance"] + amount})
    merchant = {**(row["merchant"] or {}), _OF: row["ref"]}
    return book(desk, card, "refund", amount, FAILED if ended else SUCCESS, row["narrative"], merchant=merchant)


def refunded(desk: Desk, row: Record) -> int:
    """How much of a purchase was given back, in cents."""
    total = f"""SELECT coalesce(sum(amount), 0) FROM {TRANSACTIONS}
        WHERE "cardId" = ? AND kind = 'refund' AND deleted = 0 AND json_extract(merchant, '$.{_OF}') = ?"""  # noqa: S608
    return int(desk.db.execute(total, (row["cardId"], row["ref"])).fetchone()[0])


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
