"""The supplier's wallet as the chain sees it: a reading of its balance, and what of that is spoken for by orders of the
books."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime

from cardctl.db.unit import Unit
from cardctl.domain.money import Money, zero
from cardctl.providers.base import ReportsBalance, require
from cardctl.services.desk import Desk

FRESH_SECONDS = 10
"""How old a reading may be that says that there is enough; that there is not, only one that was made for the order says."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was in the wallet, by currency, at least since `at`."""

    balances: dict[str, Money]
    at: datetime

    def free(self, unit: Unit, supplier: str, currency: str) -> Money:
        """What nobody has spoken for. Reservations of orders count until the wallet was seen to hold their money, and what it
        has held since the reading counts too: an order may for a moment count twice, and never not at all."""
        there = self.balances.get(currency, zero(currency))
        return Money(there.minor - unit.orders.reserved(supplier, currency, since=self.at), currency)


@dataclass(slots=True)
class Wallet:
    """One reading for many orders: while there is enough, nobody asks again for some seconds."""

    desk: Desk
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _last: Reading | None = None

    def reading(self) -> Reading:
        """A reading of the last seconds."""
        with self._turn:
            last = self._last
            if last is not None and 0 <= (self.desk.clock() - last.at).total_seconds() < FRESH_SECONDS:
                return last
            return self._read()

    def read_again(self, older_than: Reading) -> Reading:
        """A reading that was made after that one; many who ask at once share it."""
        with self._turn:
            if self._last is not None and self._last is not older_than and self._last.at > older_than.at:
                return self._last
            return self._read()

    def _read(self) -> Reading:
        at = self.desk.clock()
        balances = require(self.desk.provider, ReportsBalance).float_balances()
        self._last = Reading({money.currency: money for money in balances}, at)
        return self._last


@dataclass(frozen=True, slots=True)
class Purse:
    """The wallet in one currency: what is there, what orders have spoken for, and what those that wait still lack."""

    available: Money
    reserved: Money
    wanted: Money

    @property
    def free(self) -> Money:
        return self.available - self.reserved


def look(desk: Desk) -> list[Purse]:
    """The wallet as it is now, by currency."""
    reading = Wallet(desk).reading()
    with desk.books.read() as unit:
        wanted = unit.orders.wanted(desk.programme)
        currencies = sorted({*reading.balances, *wanted})
        reserved = {each: unit.orders.reserved(desk.programme, each, since=reading.at) for each in currencies}
    return [
        Purse(reading.balances.get(each, zero(each)), Money(reserved[each], each), Money(wanted.get(each, 0), each))
        for each in currencies
    ]
