"""The supplier's wallet: what is in it, what of that orders of the books have spoken for, and what others wait for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cardctl.db.unit import Unit
from cardctl.domain.money import Money, zero
from cardctl.domain.order_figures import Purse
from cardctl.providers.base import ReportsBalance, require
from cardctl.services.desk import Desk


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


def read_wallet(desk: Desk) -> Reading:
    """Asks the supplier, once."""
    at = desk.clock()
    balances = require(desk.provider, ReportsBalance).float_balances()
    return Reading({money.currency: money for money in balances}, at)


def look(desk: Desk) -> list[Purse]:
    """The wallet as it is now, by currency."""
    reading = read_wallet(desk)
    with desk.books.read() as unit:
        needs = {need.needed.currency: need for need in unit.order_measures.needs([desk.programme])}
        currencies = sorted({*reading.balances, *needs})
        reserved = {each: unit.orders.reserved(desk.programme, each, since=reading.at) for each in currencies}
    return [Purse(reading.balances.get(each, zero(each)), Money(reserved[each], each), needs.get(each)) for each in currencies]
