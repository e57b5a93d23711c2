"""An eSIM bought for a paid order: esim.buy. What becomes of the purchase is told later, and taken in by
services/ordering.py."""

from __future__ import annotations

from typing import ClassVar

from cardctl.db.unit import Unit
from cardctl.domain.esims import NewPurchase, RemotePurchase
from cardctl.domain.operations import Draft, Operation
from cardctl.domain.orders import Order, OrderState
from cardctl.errors import StateForbids
from cardctl.providers.base import Remote, require
from cardctl.providers.selling import SellsEsims
from cardctl.services.desk import Desk, Done
from cardctl.services.journal import Change, Wish
from cardctl.services.operations import came_to_nothing, run_once
from cardctl.services.order_entries import order_diff
from cardctl.services.supplying import take_purchase


def buy(desk: Desk, order: Order) -> Done:
    """Buy what an order wants, once for each of its attempts. StateForbids (6) unless it was decided to buy; ProviderRefused
    (7) where the supplier says no at once: then nothing was bought."""
    told = {"offer": order.offer_id, "purchase": order.purchase_ref}
    return run_once(desk, Buy(), Wish(order.id, told, amount=order.cost, caller_key=_key(order), about=order.purchase_ref))


def was_asked_for(desk: Desk, order: Order) -> bool:
    """Whether the purchase of the order's attempt may have reached the supplier."""
    with desk.books.read() as unit:
        made = unit.operations.by_caller_key(desk.programme, _key(order))
    return made is not None and not came_to_nothing(made)


def _key(order: Order) -> str:
    return f"{order.id}:buy:{order.attempt}"


class Buy:
    """esim.buy: the supplier takes a name once, so that the same request again does no harm."""

    kind: ClassVar[str] = "esim.buy"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> Order | None:
        order = unit.orders.named(operation.target)
        if order.purchase is not None and order.purchase_ref == operation.arguments["purchase"]:
            return order
        if order.state is not OrderState.BUYING or order.purchase_ref != operation.arguments["purchase"]:
            raise StateForbids(f"{order.id} is {order.state}: nothing is bought for it")
        return None

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        wanted = NewPurchase(operation.arguments["offer"], operation.arguments["purchase"])
        return require(desk.provider, SellsEsims).draft_purchase(wanted, operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemotePurchase)
        order = unit.orders.named(operation.target)
        taken = take_purchase(desk, unit, order, remote, action=None, made_by=operation.id)
        return Change(taken, *order_diff(order, taken))

    def load(self, unit: Unit, operation: Operation) -> Order:
        return unit.orders.named(operation.target)
