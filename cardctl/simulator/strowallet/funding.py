"""Bank rules of money between float and card: funding, withdrawing, and when either settles; no wire.

The giving side pays when the move is asked for, the taking side gets it when the move settles: at once, unless it is
delayed, then when staff settle it or a minute has passed. So every cent is in the float, on a card, or in a pending row.
"""

from __future__ import annotations

from collections.abc import Sequence

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, select, write
from cardctl.simulator.strowallet import wallet
from cardctl.simulator.strowallet.cards import check_open
from cardctl.simulator.strowallet.history import book
from cardctl.simulator.strowallet.tables import CARDS, TRANSACTIONS
from cardctl.simulator.strowallet.words import ACTIVE, FAILED, FROZEN, PENDING, SUCCESS, TERMINATED, Refused

SETTLES_AFTER = 60
"""Seconds of the far side's clock until a delayed move settles by itself."""

_DELAY = "delay_funding"
_WAITING = "face = ? AND status = 'pending' AND due IS NOT NULL"


def fund(desk: Desk, card: Record, amount: int) -> Record:
    """`amount` cents from the float to an active card; the row. Refused where the card is not, or the float is short."""
    check_open(card)
    if card["card_status"] != ACTIVE:
        raise Refused(f"Card is {card['card_status']}")
    wallet.draw(desk, amount)
    return _moved(desk, book(desk, card, "funding", amount, PENDING, "Card funding", due=desk.now + SETTLES_AFTER))


def withdraw(desk: Desk, card: Record, amount: int) -> Record:
    """`amount` cents from an active or frozen card to the float, without a fee; the row. Refused where the card has less."""
    check_open(card)
    if card["card_status"] not in (ACTIVE, FROZEN):
        raise Refused(f"Card is {card['card_status']}")
    if card["balance"] < amount:
        raise Refused("Insufficient card balance")
    write(desk, CARDS, card["ref"], {"balance": card["balance"] - amount})
    narrative = "Withdraw from virtual card"
    return _moved(desk, book(desk, card, "withdrawal", -amount, PENDING, narrative, due=desk.now + SETTLES_AFTER))


def delay_next(desk: Desk, times: int) -> None:
    """The next `times` moves stay pending."""
    desk.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_DELAY, str(times)))


def settle_all(desk: Desk) -> int:
    """Every move that waits is done; how many."""
    return _settle(desk, select(desk, TRANSACTIONS, f"{_WAITING} ORDER BY seq", (desk.face,)))


def settle_due(desk: Desk) -> int:
    """The moves that have waited long enough are done; how many."""
    return _settle(desk, select(desk, TRANSACTIONS, f"{_WAITING} AND due <= ? ORDER BY seq", (desk.face, desk.now)))


def any_due(desk: Desk) -> bool:
    """Whether `settle_due` would do something; costs no commit."""
    return bool(select(desk, TRANSACTIONS, f"{_WAITING} AND due <= ? LIMIT 1", (desk.face, desk.now)))


def _moved(desk: Desk, row: Record) -> Record:
    if _delayed(desk):
        return row
    _settle(desk, [row])
    return row | {"status": SUCCESS}


def _delayed(desk: Desk) -> bool:
    """Whether a delay was left; it is used up by this."""
    found = desk.db.execute("SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?", (_DELAY,)).fetchone()
    left = found[0] if found else 0
    if left > 1:
        delay_next(desk, left - 1)
    else:
        desk.db.execute("DELETE FROM meta WHERE key = ?", (_DELAY,))
    return bool(left > 0)


def _settle(desk: Desk, rows: Sequence[Record]) -> int:
    for row in rows:
        (card,) = select(desk, CARDS, "ref = ?", (row["cardId"],))
        lost = card["card_status"] == TERMINATED or bool(card["deleted"])
        if row["amount"] < 0:
            wallet.give_back(desk, -row["amount"])
        elif lost:
            wallet.give_back(desk, row["amount"])
        else:
            write(desk, CARDS, card["ref"], {"balance": card["balance"] + row["amount"]})
        write(desk, TRANSACTIONS, row["ref"], {"status": FAILED if lost and row["amount"] > 0 else SUCCESS})
    return len(rows)
