"""Bank rules of the wallet and its ledger: what is there, what comes in, and the entry of every movement; no wire.

What is there never counts what is held: UNCONFIRMED, the name `availableBalance` suggests it. The opening balance has no entry,
so that at any time opening + credits done - debits done - what is held = what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from cardctl.simulator.desk import Desk
from cardctl.simulator.purses import available, receive
from cardctl.simulator.rows import Record, change, insert, select
from cardctl.simulator.zendit.tables import LEDGER
from cardctl.simulator.zendit.words import CREDIT, DEBIT, DONE, ENDED, FACE, OLD_RECHARGE, RECHARGE

CURRENCY, DIVISOR = "USD", 100

_PACE = "zendit_pace"
_SAYINGS = {
    "ACCEPTED": "Accepted for processing",
    "PENDING": "Waiting for processing",
    "AUTHORIZED": "Authorized against the wallet",
    "IN_PROGRESS": "With the provider",
    "DONE": "Completed",
    "FAILED": "Failed",
}


def visit(desk: Desk) -> Desk:
    """A visit that may have come without the face's name, or with another's."""
    return Desk(desk.db, FACE, desk.now)


def balance(desk: Desk) -> int:
    """Cents that can be spent."""
    return available(visit(desk)).get(CURRENCY.lower(), 0)


def move(desk: Desk, cents: int) -> None:
    """Cents into the wallet, or out of it."""
    receive(visit(desk), CURRENCY.lower(), cents)


def in_cents(amount: int, divisor: int) -> int:
    """An amount of an object with its own divisor, as the wallet counts: a fraction of a cent is one more."""
    return -(-amount * DIVISOR // divisor)


def recharge(desk: Desk, cents: int, product: str = RECHARGE) -> Record:
    """Money into the wallet, at once: the entry, whose `transactionId` is new."""
    move(desk, cents)
    entry = {"transactionId": str(uuid4()), "productType": product, "type": CREDIT, "status": DONE, "amount": cents}
    return booked(desk, entry)


def set_balance(desk: Desk, cents: int) -> Record | None:
    """As the console of the test mode does by hand; the entry of the difference. UNCONFIRMED: that one is made, and of which
    type when the balance falls."""
    more = cents - balance(desk)
    if more > 0:
        return recharge(desk, more, OLD_RECHARGE)
    if more == 0:
        return None
    move(desk, more)
    entry = {"transactionId": str(uuid4()), "productType": OLD_RECHARGE, "type": DEBIT, "status": DONE, "amount": -more}
    return booked(desk, entry)


def booked(desk: Desk, entry: Mapping[str, Any], *, due: int | None = None) -> Record:
    """A new entry; its own name is its transaction's, after `ledger:`, so that a purchase and its entry are two things."""
    status = entry["status"]
    whole = {
        "currency": CURRENCY,
        "currencyDivisor": DIVISOR,
        "log": [logged(status, desk.now)],
        **entry,
        "ref": f"ledger:{entry['transactionId']}",
        "updated": desk.now,
        "finished": desk.now if status in ENDED else None,
        "due": due,
    }
    return insert(visit(desk), LEDGER, whole)


def mirrored(desk: Desk, ref: str, changes: Mapping[str, Any]) -> None:
    """An entry follows what it is the entry of."""
    for entry in select(desk, LEDGER, "ref = ?", (f"ledger:{ref}",)):
        change(visit(desk), LEDGER, entry["ref"], changes)


def entry_of(desk: Desk, transaction: str) -> Record | None:
    return next(iter(select(desk, LEDGER, "transactionId = ? AND deleted = 0 ORDER BY seq", (transaction,))), None)


def logged(status: str, at: int) -> Record:
    """A line of a transaction's log."""
    return {"dateTime": instant(at), "status": status, "statusMessage": _SAYINGS.get(status, status)}


def instant(at: int) -> str:
    """As the wire writes times."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pace(desk: Desk) -> int:
    """Seconds of the far side's clock between two states; none, unless staff have set it."""
    row = desk.db.execute("SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?", (_PACE,)).fetchone()
    return int(row[0]) if row else 0


def set_pace(desk: Desk, seconds: int) -> None:
    """For what is asked for from now on."""
    desk.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_PACE, str(seconds)))
