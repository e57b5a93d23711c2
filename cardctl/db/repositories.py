"""One transaction's view of the books: a repository for each noun. What begins and commits a transaction is unit.py's."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from cardctl.db.accounts import Accounts
from cardctl.db.audit import Audit
from cardctl.db.cards import Cards
from cardctl.db.emptying import empty
from cardctl.db.meta import Cursors, Meta
from cardctl.db.operations import Operations
from cardctl.db.sealed import Box
from cardctl.db.transactions import Transactions

if TYPE_CHECKING:  # few commands need these, and every list would load them
    from cardctl.db.alerts import Alerts
    from cardctl.db.breaks import Breaks
    from cardctl.db.calls import Calls
    from cardctl.db.comparable import Comparable
    from cardctl.db.comparable_orders import ComparableOrders
    from cardctl.db.comparable_saved import ComparableSaved
    from cardctl.db.days import Days
    from cardctl.db.events import Events
    from cardctl.db.figures import Figures
    from cardctl.db.loads import Loads
    from cardctl.db.measures import Measures
    from cardctl.db.order_measures import OrderMeasures
    from cardctl.db.order_money import OrderMoney
    from cardctl.db.orders import Orders
    from cardctl.db.payments import Payments
    from cardctl.db.runs import Runs
    from cardctl.db.saved_cards import SavedCards
    from cardctl.db.spending import Spending
    from cardctl.db.topups import TopUps


class Unit:
    """One transaction's view of the books; a repository per noun, made when it is first asked for."""

    def __init__(self, connection: Connection, box: Box) -> None:
        self._connection = connection
        self.box = box

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self._connection, self.box)

    @cached_property
    def cards(self) -> Cards:
        return Cards(self._connection, self.box)

    @cached_property
    def transactions(self) -> Transactions:
        return Transactions(self._connection)

    @cached_property
    def operations(self) -> Operations:
        return Operations(self._connection, self.box)

    @cached_property
    def loads(self) -> Loads:
        from cardctl.db.loads import Loads  # noqa: PLC0415

        return Loads(self._connection)

    @cached_property
    def calls(self) -> Calls:
        from cardctl.db.calls import Calls  # noqa: PLC0415

        return Calls(self._connection)

    @cached_property
    def events(self) -> Events:
        from cardctl.db.events import Events  # noqa: PLC0415

        return Events(self._connection, self.box)

    @cached_property
    def topups(self) -> TopUps:
        from cardctl.db.topups import TopUps  # noqa: PLC0415

        return TopUps(self._connection)

    @cached_property
    def saved_cards(self) -> SavedCards:
        from cardctl.db.saved_cards import SavedCards  # noqa: PLC0415

        return SavedCards(self._connection, self.box)

    @cached_property
    def payments(self) -> Payments:
        from cardctl.db.payments import Payments  # noqa: PLC0415

        return Payments(self._connection, self.box)

    @cached_property
    def orders(self) -> Orders:
        from cardctl.db.orders import Orders  # noqa: PLC0415

        return Orders(self._connection, self.box)

    @cached_property
    def order_money(self) -> OrderMoney:
        from cardctl.db.order_money import OrderMoney  # noqa: PLC0415

        return OrderMoney(self._connection)

    @cached_property
    def runs(self) -> Runs:
        from cardctl.db.runs import Runs  # noqa: PLC0415

        return Runs(self._connection)

    @cached_property
    def breaks(self) -> Breaks:
        from cardctl.db.breaks import Breaks  # noqa: PLC0415

        return Breaks(self._connection)

    @cached_property
    def comparable(self) -> Comparable:
        from cardctl.db.comparable import Comparable  # noqa: PLC0415

        return Comparable(self._connection)

    @cached_property
    def comparable_saved(self) -> ComparableSaved:
        from cardctl.db.comparable_saved import ComparableSaved  # noqa: PLC0415

        return ComparableSaved(self._connection, self.box)

    @cached_property
    def comparable_orders(self) -> ComparableOrders:
        from cardctl.db.comparable_orders import ComparableOrders  # noqa: PLC0415

        return ComparableOrders(self._connection)

    @cached_property
    def order_measures(self) -> OrderMeasures:
        from cardctl.db.order_measures import OrderMeasures  # noqa: PLC0415

        return OrderMeasures(self._connection)

    @cached_property
    def alerts(self) -> Alerts:
        from cardctl.db.alerts import Alerts  # noqa: PLC0415

        return Alerts(self._connection)

    @cached_property
    def days(self) -> Days:
        from cardctl.db.days import Days  # noqa: PLC0415

        return Days(self._connection)

    @cached_property
    def measures(self) -> Measures:
        from cardctl.db.measures import Measures  # noqa: PLC0415

        return Measures(self._connection)

    def figures(self, programmes: Collection[str]) -> Figures:
        from cardctl.db.figures import Figures  # noqa: PLC0415

        return Figures(self._connection, programmes)

    def spending(self, programmes: Collection[str]) -> Spending:
        from cardctl.db.spending import Spending  # noqa: PLC0415

        return Spending(self._connection, programmes)

    @cached_property
    def audit(self) -> Audit:
        return Audit(self._connection)

    @cached_property
    def meta(self) -> Meta:
        return Meta(self._connection)

    @cached_property
    def cursors(self) -> Cursors:
        return Cursors(self._connection)

    def empty(self) -> dict[str, int]:
        """Delete every row of a simulator's books; see `emptying.empty`."""
        return empty(self._connection)
