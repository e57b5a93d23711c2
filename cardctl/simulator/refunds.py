"""Merchants giving money back at the far side, once or by mistake more often; how a bank books it is the bank's matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cardctl.domain.money import Money
from cardctl.errors import BadInput, NotFound
from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record

DELAY = "square_delay_refund"
"""Where it is counted how many refunds will be delayed, at Square or at Stripe."""


@dataclass(frozen=True, slots=True)
class Refunded:
    """`amount` was given back for each of `transaction_refs`, to a card, by a merchant."""

    card_ref: str
    amount: Money
    merchant: str
    transaction_refs: tuple[str, ...]


class Bank(Protocol):
    """What a bank knows of a purchase (None: nobody here is called so), and how it books a refund that nobody asks it about."""

    def purchase(self, desk: Desk, ref: str) -> Record | None: ...
    def refund(self, desk: Desk, ref: str, amount: int) -> str: ...


def captured(desk: Desk, ref: str, banks: Mapping[str, Bank]) -> Money:
    """What a purchase took; NotFound, BadInput."""
    _, found = _purchase(desk, ref, banks)
    return Money(found["captured"], found["currency"].upper())


def refund(desk: Desk, ref: str, amount: Money | None, times: int, banks: Mapping[str, Bank]) -> Refunded:
    """See `Control.refund`."""
    bank, found = _purchase(desk, ref, banks)
    currency = found["currency"].upper()
    left = found["captured"] - found["refunded"] if times == 1 else found["captured"]
    given = Money(left, currency) if amount is None else amount
    if given.currency != currency:
        raise BadInput(f"this purchase was in {currency}, not {given.currency}")
    if amount is not None and amount.minor <= 0:
        raise BadInput(f"a refund of {amount} is none", hint="give back more than nothing")
    if given.minor <= 0 or (times == 1 and given.minor > left):
        hint = "a merchant that gives back too much does so with --times 2"
        raise BadInput(f"only {Money(max(left, 0), currency)} of this purchase is left to give back", hint=hint)
    refs = tuple(bank.refund(desk, ref, given.minor) for _ in range(times))
    return Refunded(found["card_ref"], given, found["merchant"] or "", refs)


def delay_next(desk: Desk, times: int) -> None:
    """The next `times` refunds that a seller makes stay pending, until staff edit them."""
    desk.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (DELAY, str(times)))


def delayed(desk: Desk) -> bool:
    """Whether the refund that is made now stays pending; one less waits then."""
    row = desk.db.execute("SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?", (DELAY,)).fetchone()
    left = row[0] if row else 0
    if left > 0:
        delay_next(desk, left - 1)
    return bool(left > 0)


def _purchase(desk: Desk, ref: str, banks: Mapping[str, Bank]) -> tuple[Bank, Record]:
    for bank in banks.values():
        found = bank.purchase(desk, ref)
        if found is not None:
            if found["captured"] <= 0:
                raise BadInput(f"{ref} took no money", hint="name a settled purchase: see `cardctl transaction list`")
            return bank, found
    raise NotFound("transaction", ref)
