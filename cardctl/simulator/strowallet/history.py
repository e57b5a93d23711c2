"""A card's rows: booking one, finding one, reading them page by page; what they mean for a balance is decided elsewhere."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import uuid4

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import NoSuch, Record, insert, select
from cardctl.simulator.strowallet.tables import TRANSACTIONS


def book(desk: Desk, card: Record, kind: str, amount: int, status: str, narrative: str, **more: Any) -> Record:
    """A row of `amount` cents, negative for a debit. `kind`: funding, withdrawal, purchase, refund or fee."""
    row = {
        "ref": str(uuid4()),
        "world": card["world"],
        "cardId": card["ref"],
        "kind": kind,
        "type": "debit" if amount < 0 else "credit",
        "amount": amount,
        "currency": card["currency"],
        "status": status,
        "narrative": narrative,
        "reference": secrets.token_hex(10),
    }
    return insert(desk, TRANSACTIONS, row | more)


def rows_of(desk: Desk, card: Record, take: int, page: int = 1) -> list[Record]:
    """The card's rows, newest first; pages count from 1. As at any such list, a row booked meanwhile moves the others on."""
    where = '"cardId" = ? AND deleted = 0 ORDER BY created DESC, seq DESC LIMIT ? OFFSET ?'
    return select(desk, TRANSACTIONS, where, (card["ref"], take, (page - 1) * take))


def withdrawal(desk: Desk, world: str, reference: str) -> Record:
    """The withdrawal with this reference; NoSuch."""
    where = "reference = ? AND world = ? AND kind = 'withdrawal' AND deleted = 0"
    found = select(desk, TRANSACTIONS, where, (reference, world))
    if not found:
        raise NoSuch(TRANSACTIONS, reference)
    return found[0]
