"""What the books can prove of orders: sums made by the database, for metrics, alerts and `esim reconcile`; reads only."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, false, func, not_, or_, select

from cardctl.db.columns import moment_to_text
from cardctl.db.figures import Share, Stuck
from cardctl.db.measures import micros_of
from cardctl.db.order_tables import OrderRow, SaleRefundRow, WalletTopUpRow
from cardctl.db.selecting import narrowed
from cardctl.db.tables import table_of
from cardctl.domain.esims import UNDER_WAY, PurchaseState
from cardctl.domain.fulfilment import Why
from cardctl.domain.money import Money
from cardctl.domain.order_figures import OrderFigures, WalletNeed
from cardctl.domain.orders import UNFINISHED, OrderState
from cardctl.domain.payments import UNREFUNDED
from cardctl.domain.targets import rank
from cardctl.domain.topups import TopUpState

_O, _R, _T = (table_of(row) for row in (OrderRow, SaleRefundRow, WalletTopUpRow))
_S = OrderState
_ENDED = _S.DELIVERED, _S.REFUNDED, _S.STUCK
_NOBODYS = Why.REFUNDED_ELSEWHERE, Why.PAID_TWICE
"""Orders that ended so were not ours to fulfil: they say nothing of how well that goes."""
_FAILED = Why.PURCHASE_FAILED, Why.PURCHASE_REFUSED
_NAMED = 10


class OrderMeasures:
    """Figures of orders; `since` is when they were paid."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def figures(self, since: datetime, provider: str | None = None) -> OrderFigures:
        """Of all programmes, or of one provider's, where customers paid or where it was bought."""
        delivered, ended, failed = self._ended(since, provider)
        issued, micros, p95 = self._times(since, provider)
        return OrderFigures(
            delivered,
            ended,
            issued,
            micros,
            p95,
            self._count(_R, since, provider, _R.c.state.not_in(sorted(map(str, UNREFUNDED)))),
            failed,
            self._count(_T, since, provider, _T.c.state.in_([TopUpState.FAILED, TopUpState.REVERSED])),
            self._states(provider),
        )

    def stuck(self, programmes: Collection[str], paid_before: datetime) -> list[Stuck]:
        """Orders that are neither delivered nor refunded, and of which nothing goes on by itself; or which were paid before a
        moment and have come to no end, unless their supplier works on them, or they wait for what is told otherwise."""
        where = or_(_O.c.state == _S.STUCK, _stalled(paid_before)), _O.c.programme.in_(list(programmes))
        query = select(_O.c.programme, func.count()).where(*where).group_by(_O.c.programme).order_by(_O.c.programme)
        found = []
        for programme, many in self._connection.execute(query).all():
            ids = select(_O.c.id).where(*where, _O.c.programme == programme).order_by(_O.c.id).limit(_NAMED)
            found.append(Stuck(programme, many, tuple(self._connection.execute(ids).scalars())))
        return found

    def shares(self, programmes: Collection[str], since: datetime) -> list[Share]:
        """Of the orders that were paid since then and have ended, those that were not delivered."""
        wanted = _O.c.programme.in_(list(programmes)), _O.c.paid_at >= moment_to_text(since), *_ours()
        wrong = func.sum(case((_O.c.state != _S.DELIVERED, 1), else_=0))
        query = select(_O.c.programme, wrong, func.count()).where(*wanted).group_by(_O.c.programme)
        return [Share(name, int(bad), many) for name, bad, many in self._connection.execute(query)]

    def needs(self, suppliers: Collection[str]) -> list[WalletNeed]:
        """Wallets that orders wait for money of, by currency."""
        waits = _O.c.state == _S.FUNDING, _O.c.cost_currency.is_not(None), _O.c.supplier.in_(list(suppliers))
        keys = _O.c.supplier, _O.c.cost_currency
        query = select(*keys, func.count(), func.sum(_O.c.cost_minor)).where(*waits).group_by(*keys).order_by(*keys)
        found = []
        for supplier, currency, many, cost in self._connection.execute(query).all():
            its_own = _O.c.supplier == supplier, _O.c.cost_currency == currency
            reserved = select(func.coalesce(func.sum(_O.c.reserved_minor), 0)).where(*its_own, _O.c.state != _S.FUNDING)
            ids = select(_O.c.id).where(*waits, *its_own).order_by(_O.c.created_at, _O.c.id).limit(_NAMED)
            spoken_for = Money(int(self._connection.execute(reserved).scalar_one()), currency)
            names = tuple(self._connection.execute(ids).scalars())
            found.append(WalletNeed(supplier, many, Money(int(cost), currency), spoken_for, names))
        return found

    def _ended(self, since: datetime, provider: str | None) -> tuple[int, int, int]:
        # a refund that fails has a reason of its own, which is then the order's
        came_to_nothing = _O.c.reason_code.in_(_FAILED) | (_O.c.purchase == PurchaseState.FAILED)
        failed = func.sum(case((came_to_nothing, _O.c.attempt), else_=_O.c.attempt - 1))
        delivered = func.sum(case((_O.c.state == _S.DELIVERED, 1), else_=0))
        ended = func.sum(case((_is_ours_and_ended(), 1), else_=0))
        row = self._connection.execute(_paid(select(delivered, ended, failed), since, provider)).one()
        good, all_, bad = (int(each or 0) for each in row)
        return good, all_, bad

    def _times(self, since: datetime, provider: str | None) -> tuple[int, int | None, int | None]:
        span = micros_of(self._connection, _O.c.delivered_at) - micros_of(self._connection, _O.c.paid_at)
        taken = case((span > 0, span), else_=0)  # the payment's time is the provider's, whose clock may be ahead
        known = _paid(_both(func.count(), func.sum(taken)).where(_O.c.delivered_at.is_not(None)), since, provider)
        sample, total = self._connection.execute(known).one()
        if not sample:
            return 0, None, None
        each = _paid(select(taken).where(_O.c.delivered_at.is_not(None)), since, provider)
        slowest = each.order_by(taken.desc()).offset(sample - rank(sample)).limit(1)
        return int(sample), int(total), int(self._connection.execute(slowest).scalar_one())

    def _count(self, table: Any, since: datetime, provider: str | None, which: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(table).where(which, table.c.created_at >= moment_to_text(since))
        if provider is not None:
            query = query.where(table.c.programme.startswith(f"{provider}/"))
        return int(self._connection.execute(query).scalar_one())

    def _states(self, provider: str | None) -> dict[str, int]:
        query = _of(select(_O.c.state, func.count()), provider).group_by(_O.c.state).order_by(_O.c.state)
        return {str(state): int(many) for state, many in self._connection.execute(query)}


def _both(*columns: ColumnElement[Any]) -> Select[Any]:
    return select(*columns)


def _paid(query: Select[Any], since: datetime, provider: str | None) -> Select[Any]:
    return _of(query.where(_O.c.paid_at >= moment_to_text(since)), provider)


def _of(query: Select[Any], provider: str | None) -> Select[Any]:
    if provider is None:
        return narrowed(query)
    mine = f"{provider}/"
    return query.where(_O.c.programme.startswith(mine) | _O.c.supplier.startswith(mine))


def _stalled(paid_before: datetime) -> ColumnElement[bool]:
    old, at = _O.c.state.in_(sorted(map(str, UNFINISHED - {_S.FUNDING}))), moment_to_text(paid_before)
    at_work = and_(_O.c.state == _S.ORDERED, _O.c.purchase.in_(sorted(map(str, UNDER_WAY))))
    told = func.coalesce(_O.c.reason_code, "").in_([str(Why.WALLET_SHORT), str(Why.TOO_OLD)])
    return and_(old, _O.c.paid_at < at, _O.c.created_at < at, not_(func.coalesce(at_work, false())), not_(told))


def _ours() -> tuple[ColumnElement[bool], ...]:
    return _O.c.state.in_(_ENDED), _O.c.reason_code.is_(None) | _O.c.reason_code.not_in(_NOBODYS)


def _is_ours_and_ended() -> ColumnElement[bool]:
    ended, ours = _ours()
    return ended & ours
