"""What a notification says of customers' payments and of purchases: which of it is ours, what has to be read first, and taking
the rest in (services/ordering.py, services/supplying.py). It makes orders, and sends nothing.

A seller is paid for much that is none of ours. Ours is a payment whose metadata names an offer, or that an order has; a
refund of such a payment; and the purchase that an order waits for. A notification that nothing proves may name any payment:
it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cardctl.db.unit import Unit
from cardctl.domain.esims import RemotePurchase
from cardctl.domain.sales import RemoteCheckout, RemoteSale, RemoteSaleRefund, SoldTold
from cardctl.domain.things import Kind, Named
from cardctl.services.desk import Desk
from cardctl.services.ordering import take_checkout, take_sale, take_sale_refund
from cardctl.services.rereading import Readings
from cardctl.services.supplying import take_purchase


@dataclass(frozen=True, slots=True)
class PlacingOrders:
    """One attempt, with what was read for it by now."""

    desk: Desk
    unit: Unit
    readings: Readings

    def wants(self, sold: SoldTold, *, believed: bool) -> list[Named]:
        """What has to be read before it can be taken in, whether or not it was read by now."""
        return [name for name in sold.look if self._concerns(name, believed)]

    def take(self, sold: SoldTold, at: datetime) -> bool:
        """Take it in, told at that moment; False where nothing of it is ours."""
        ours = [take_sale(self.desk, self.unit, one, at=at, unasked=True) is not None for one in sold.sales]
        ours += [take_checkout(self.desk, self.unit, one, at=at, unasked=True) is not None for one in sold.checkouts]
        ours += [self._refund(one) for one in sold.refunds]
        ours += [self._read(one) for one in self._readings(sold)]
        return any(ours)

    def _concerns(self, name: Named, believed: bool) -> bool:
        """Whether reading it may tell anything. A checkout is named where nothing proves its payment, and only then."""
        programme = self.desk.programme
        if name.kind is Kind.PURCHASE:
            return bool(self.unit.orders.by_purchases(programme, [name.ref]))
        if name.kind is Kind.SALE_REFUND:
            return bool(self.unit.order_money.refunds_by_refs(programme, [name.ref]))
        return not believed or bool(self.unit.orders.by_payments(programme, [name.ref]))

    def _readings(self, sold: SoldTold) -> Iterator[RemoteSale | RemoteCheckout | RemoteSaleRefund | RemotePurchase]:
        for name in sold.look:
            read = self.readings.things.get(name)
            if isinstance(read, RemoteSale | RemoteCheckout | RemoteSaleRefund | RemotePurchase):
                yield read

    def _read(self, read: RemoteSale | RemoteCheckout | RemoteSaleRefund | RemotePurchase) -> bool:
        if isinstance(read, RemotePurchase):
            order = self.unit.orders.by_purchases(self.desk.programme, [read.ref]).get(read.ref)
            if order is not None:
                take_purchase(self.desk, self.unit, order, read)
            return order is not None
        if isinstance(read, RemoteSaleRefund):
            return self._refund(read)
        if isinstance(read, RemoteCheckout):
            return take_checkout(self.desk, self.unit, read, unasked=True) is not None
        return take_sale(self.desk, self.unit, read, unasked=True) is not None

    def _refund(self, remote: RemoteSaleRefund) -> bool:
        order = self.unit.orders.by_payment(self.desk.programme, remote.sale_ref)
        if order is not None:
            take_sale_refund(self.desk, self.unit, order, remote)
        return order is not None
