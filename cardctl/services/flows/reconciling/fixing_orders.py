"""Mending breaks of orders: what was paid or bought is read again, one by one, and taken in. No money moves: what a customer or
a supplier is owed is for the chain, or for a person."""

from __future__ import annotations

from cardctl.domain.breaks import Break, BreakType
from cardctl.domain.money import Money, zero
from cardctl.domain.orders import Order
from cardctl.domain.payments import UNREFUNDED
from cardctl.domain.sales import RemoteSale, RemoteSaleRefund
from cardctl.errors import StateForbids
from cardctl.providers.base import require
from cardctl.providers.selling import ReadsSales, SellsEsims
from cardctl.services.desk import Desk
from cardctl.services.ordering import take_sale, take_sale_refund
from cardctl.services.supplying import take_purchase

_T = BreakType
SALES = frozenset({_T.ORDER_MISSING_HERE, _T.ORDER_PAYMENT})
"""Types that the provider's word about a payment mends."""
PURCHASES = frozenset({_T.PURCHASE_STATE})
"""Types that the supplier's word about a purchase mends, by our name for it."""
_ACTION = "order.sync"
_HINT = "look at both at the provider: two of its words cannot both be true"


def payment_of(one: Break) -> str:
    """The provider's name of the payment that a break is about."""
    return one.subject if one.type is _T.ORDER_MISSING_HERE else one.evidence["objects"][1]


def is_unmendable(one: Break) -> bool:
    """Whether the provider takes back that it was paid, which no order can follow by itself; or the books have no order at all,
    so that it may be another program's, and taking it in would buy it again."""
    if one.type is _T.ORDER_MISSING_HERE:
        return "orders" in one.local
    return one.type is _T.ORDER_PAYMENT and "state" in one.remote


def mend_sale(desk: Desk, ref: str) -> frozenset[BreakType]:
    """Nothing is left of it. One that was paid long ago waits for a person to say that it shall be fulfilled. StateForbids
    where the books still say another sum."""
    reader = require(desk.provider, ReadsSales)
    sale, refunds = reader.sale(ref), reader.sale_refunds(ref)
    with desk.books.write() as unit:
        order = take_sale(desk, unit, sale, unasked=True, action=_ACTION)
        if order is None:
            raise StateForbids(f"{ref} pays for no order", hint="`cardctl esim fulfil` says what it pays for")
        for refund in refunds:
            order = take_sale_refund(desk, unit, order, refund, action=_ACTION)
        _check_sale(order, sale, refunds)
    return frozenset()


def mend_purchase(desk: Desk, ref: str) -> frozenset[BreakType]:
    """Nothing is left of it. StateForbids where it has ended here otherwise than there."""
    remote = require(desk.provider, SellsEsims).purchase(ref)
    with desk.books.write() as unit:
        order = unit.orders.by_purchases(desk.programme, [ref]).get(ref)
        if order is None:
            raise StateForbids(f"{ref} is the purchase of no order any more", hint="run `cardctl reconcile` again")
        order = take_purchase(desk, unit, order, remote, action=_ACTION)
        if order.purchase_ref == ref and order.purchase is not remote.state:
            raise StateForbids(f"{order.id} is {order.state}, and its purchase {order.purchase} here", hint=_HINT)
    return frozenset()


def _check_sale(order: Order, sale: RemoteSale, refunds: list[RemoteSaleRefund]) -> None:
    nothing = zero(sale.amount.currency)
    living: Money = sum((each.amount for each in refunds if each.state not in UNREFUNDED), nothing)
    here = order.refunded or nothing
    if order.price != sale.amount or here not in (living, sale.refunded):
        raise StateForbids(f"{order.id}: {here} went back by the books, which no later word changes", hint=_HINT)
