"""Our books' side of a comparison of paid orders with what customers paid and what the supplier sold, streamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, select

from cardctl.db.comparable import mark_of, streamed
from cardctl.db.many import chunks
from cardctl.db.order_rows import order_from_row
from cardctl.db.order_tables import OrderRow
from cardctl.db.selecting import plain_columns, stream
from cardctl.db.tables import CardRow, OperationRow, TransactionRow, table_of
from cardctl.domain.money import Money
from cardctl.domain.operations import OPEN
from cardctl.domain.orders import CARD_FOR_ONE, OrderState, order_of_card, purchase_ref_of
from cardctl.domain.states import FINAL

_O, _P, _M, _C = table_of(OrderRow), table_of(OperationRow), table_of(TransactionRow), table_of(CardRow)
_SALES = (
    "SELECT COALESCE(o.payment_ref, o.id) AS name, 'paid', o.price_minor, COALESCE(o.refunded_minor, 0), o.price_currency,"
    " o.created_at, {never}, {never}, '', o.id, o.state, COALESCE(o.purchase, ''), COALESCE(o.reason_code, ''), o.updated_at,"
    " o.due_at, COALESCE(o.issued_at, ''), CASE WHEN o.paid_at > o.created_at THEN o.paid_at ELSE o.created_at END"
    " FROM orders o WHERE o.programme = {mark} AND o.state <> 'unpaid' ORDER BY name"
)
_PURCHASES = (
    "SELECT o.purchase_ref, COALESCE(o.purchase, ''), o.cost_minor, o.cost_currency, o.created_at, o.updated_at, '', '', o.id,"
    " o.state, COALESCE(o.bought_at, '') FROM orders o WHERE o.supplier = {mark} AND o.purchase_ref IS NOT NULL"
    " ORDER BY o.purchase_ref"
)
_TOPUPS = (
    "SELECT w.id, w.state, w.amount_minor, w.amount_currency, w.created_at, COALESCE(w.card_id, ''), w.order_id,"
    " COALESCE(w.ref, '')"
    " FROM wallet_topups w WHERE w.programme = {mark} AND w.state IN ('settled', 'pending') ORDER BY w.id"
)
_SPENT = (
    "SELECT -SUM(t.impact_minor) FROM transactions t WHERE t.card_id = w.card_id AND t.amount_currency = w.amount_currency"
    " AND t.kind NOT IN ('funding', 'withdrawal')"
)
_CARDS = (  # what is under way may have been paid, and may come into the wallet still
    f"SELECT w.card_id, w.amount_currency, CAST(COALESCE(({_SPENT}), 0) AS BIGINT),"  # noqa: S608 - no text of anybody's
    " CAST(SUM(CASE WHEN w.state IN ('settled', 'pending', 'unknown') THEN w.amount_minor ELSE 0 END) AS BIGINT),"
    " MAX(w.updated_at) FROM wallet_topups w WHERE w.programme = {mark} AND w.card_id IS NOT NULL"
    " GROUP BY w.card_id, w.amount_currency ORDER BY w.card_id, w.amount_currency"
)


class ComparableOrders:
    """Reads for comparing; rows are tuples of the words of the sides in domain/comparing/order_sides.py, in their order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sales(self, programme: str) -> Iterator[tuple[Any, ...]]:
        """Orders that were paid in that programme, by the provider's name for the payment; what has none, by our id."""
        return self._rows(_SALES, programme)

    def purchases(self, supplier: str) -> Iterator[tuple[Any, ...]]:
        """Orders that were bought there, or are to be, by our name of the purchase that counts."""
        return self._rows(_PURCHASES, supplier)

    def earlier(self, supplier: str) -> Iterator[tuple[str, str]]:
        """Names of purchases that a later attempt of the same order has taken the place of, each with the order's id."""
        query = select(*plain_columns(_O)).where(_O.c.supplier == supplier, _O.c.attempt > 1)
        for order in map(order_from_row, stream(self._connection, query)):
            for attempt in range(1, order.attempt):
                yield purchase_ref_of(replace(order, attempt=attempt)), order.id

    def topups(self, supplier: str) -> Iterator[tuple[Any, ...]]:
        """Top-ups of the wallet that did not fail."""
        return self._rows(_TOPUPS, supplier)

    def paying_cards(self, supplier: str) -> Iterator[tuple[Any, ...]]:
        """Cards that topped the wallet up, by our id, and those that were made to and are open for nothing."""
        left = self._left_open(supplier)
        for row in self._rows(_CARDS, supplier):
            by, balance, *_ = left.pop(row[0], ("", 0))
            yield (*row, by, balance)
        for card_id, (by, balance, currency, at) in sorted(left.items()):
            yield card_id, currency, 0, 0, at, by, balance

    def _left_open(self, supplier: str) -> dict[str, tuple[Any, ...]]:
        """Open cards that were made for one top-up of an order which waits for no money any more: the order, what is on the
        card, in which currency, and since when."""
        columns = _C.c.id, _C.c.key, func.coalesce(_C.c.balance_minor, 0), _C.c.currency, _C.c.updated_at
        open_ = _C.c.state.not_in(sorted(map(str, FINAL))), _C.c.key.startswith(CARD_FOR_ONE, autoescape=True)
        made = {str(row.id): row for row in self._connection.execute(select(*columns).where(*open_))}
        named = {card_id: order_of_card(row.key) for card_id, row in made.items()}
        waits = _O.c.supplier == supplier, _O.c.state != str(OrderState.FUNDING)
        over: dict[str, str] = {}
        for chunk in chunks(set(named.values())):
            query = select(_O.c.id, _O.c.updated_at).where(*waits, _O.c.id.in_(chunk))
            over |= {str(order_id): str(at) for order_id, at in self._connection.execute(query)}
        return {
            card_id: (named[card_id], int(row[2]), row.currency, max(str(row.updated_at), over[named[card_id]]))
            for card_id, row in made.items()
            if named[card_id] in over
        }

    def spent(self, card_ids: Iterable[str]) -> dict[str, Money]:
        """What these cards spent in all, by our ids; of one that spent in several currencies nothing is told."""
        known: dict[str, list[Money]] = {}
        money = _M.c.kind.not_in(("funding", "withdrawal"))
        for chunk in chunks(card_ids):
            query = select(_M.c.card_id, _M.c.amount_currency, -func.sum(_M.c.impact_minor)).where(
                _M.c.card_id.in_(chunk), money
            )
            for card_id, currency, minor in self._connection.execute(query.group_by(_M.c.card_id, _M.c.amount_currency)):
                known.setdefault(card_id, []).append(Money(int(minor), currency))
        return {card_id: sums[0] for card_id, sums in known.items() if len(sums) == 1}

    def busy(self, programme: str) -> frozenset[str]:
        """Ids of orders (and whatever else) about which a write to that programme is not over."""
        wanted = _P.c.programme == programme, _P.c.state.in_(sorted(map(str, OPEN)))
        return frozenset(self._connection.execute(select(_P.c.target).where(*wanted)).scalars())

    def programmes(self) -> list[str]:
        """Where orders are paid, then where they are bought."""
        found = [*self._connection.execute(select(_O.c.programme).distinct()).scalars()]
        found += self._connection.execute(select(_O.c.supplier).where(_O.c.supplier.is_not(None)).distinct()).scalars()
        return [str(each) for each in found]

    def first(self, programme: str) -> str | None:
        """When the first order that is paid or bought in that programme was made, or its payment; None: there is none."""
        mine = (_O.c.programme == programme) | (_O.c.supplier == programme)
        row = self._connection.execute(select(func.min(_O.c.created_at), func.min(_O.c.paid_at)).where(mine)).one()
        return min((str(at) for at in row if at is not None), default=None)

    def states(self, *, programme: str | None = None, supplier: str | None = None) -> dict[str, int]:
        """How many orders are in which state."""
        query = select(_O.c.state, func.count()).group_by(_O.c.state).order_by(_O.c.state)
        for column, value in ((_O.c.programme, programme), (_O.c.supplier, supplier)):
            query = query if value is None else query.where(column == value)
        return {str(state): int(many) for state, many in self._connection.execute(query)}

    def paid(self, programme: str) -> dict[str, tuple[int, int]]:
        """What was paid for orders and what of it was given back, by currency, in minor units."""
        wanted = _O.c.programme == programme, _O.c.state != OrderState.UNPAID, _O.c.price_currency.is_not(None)
        sums = func.sum(_O.c.price_minor), func.coalesce(func.sum(_O.c.refunded_minor), 0)
        query = select(_O.c.price_currency, *sums).where(*wanted).group_by(_O.c.price_currency)
        return {str(currency): (int(paid), int(back)) for currency, paid, back in self._connection.execute(query)}

    def bought(self, supplier: str) -> dict[str, int]:
        """What the eSIMs of orders cost that were issued, by currency, in minor units."""
        wanted = _O.c.supplier == supplier, _O.c.purchase == "done", _O.c.cost_currency.is_not(None)
        query = select(_O.c.cost_currency, func.sum(_O.c.cost_minor)).where(*wanted).group_by(_O.c.cost_currency)
        return {str(currency): int(cost) for currency, cost in self._connection.execute(query)}

    def _rows(self, query: str, programme: str) -> Iterator[tuple[Any, ...]]:
        mark = mark_of(self._connection)
        return streamed(self._connection, query.format(mark=mark, never="0" if mark == "?" else "false"), (programme,))
