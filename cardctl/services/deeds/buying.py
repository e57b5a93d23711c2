"""An eSIM bought for a paid order: esim.buy. What becomes of the purchase is told later, and taken in by
services/supplying.py."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from cardctl.db.unit import Unit
from cardctl.domain.esims import NewPurchase, RemotePurchase
from cardctl.domain.fulfilment import is_stale
from cardctl.domain.operations import Draft, Operation, OperationState
from cardctl.domain.orders import Order, OrderState
from cardctl.errors import StateForbids
from cardctl.providers.base import Remote, require
from cardctl.providers.selling import SellsEsims
from cardctl.services.desk import Desk, Done
from cardctl.services.journal import Change, Wish
from cardctl.services.operations import came_to_nothing, run_once
from cardctl.services.order_entries import order_diff
from cardctl.services.ordering import is_given_back
from cardctl.services.settling import RESOLVED
from cardctl.services.supplying import made_since, take_purchase


def buy(desk: Desk, order: Order) -> Done:
    """Buy what an order wants, once for each of its attempts. StateForbids (6) unless it was decided to buy; ProviderRefused
    (7) where the supplier says no at once: then nothing was bought."""
    told = {"offer": order.offer_id, "purchase": order.purchase_ref}
    key = _key(desk, order)
    return run_once(desk, Buy(), Wish(order.id, told, amount=order.cost, caller_key=key, about=order.purchase_ref))


def was_asked_for(desk: Desk, order: Order) -> bool:
    """Whether the purchase of the order's attempt may have reached the supplier, and was not refused there."""
    with desk.books.read() as unit:
        made = unit.operations.by_caller_key(desk.programme, _key(desk, order))
    return made is not None and not came_to_nothing(made)


def may_be_bought(order: Order, now: datetime) -> bool:
    """Whether its customer has paid for it, as far as that was seen lately."""
    return not is_stale(order, now) and _is_paid_for(order)


def _is_paid_for(order: Order) -> bool:
    return not is_given_back(order) and (order.asked or not order.disputed)


def _key(desk: Desk, order: Order) -> str:
    """After a no the same is asked for anew, if at all: one that is remembered has lost its words. A person's no holds."""
    with desk.books.read() as unit:
        asked = [one for one in unit.operations.for_target(order.id) if one.kind == Buy.kind]
    refused = [one for one in asked if one.state is OperationState.REFUSED and one.error_code != RESOLVED]
    refused = [one for one in refused if one.about == order.purchase_ref and not came_to_nothing(one)]
    return f"{order.id}:buy:{order.attempt}" + (f":{len(refused) + 1}" if refused else "")


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
        if not _is_paid_for(order):
            raise StateForbids(f"{order.id} is not paid for any more: nothing is bought for it")
        return None

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        with desk.books.read() as unit:
            order = unit.orders.named(operation.target)
        if is_stale(order, desk.clock()):  # an intent that lay here, of somebody who died
            raise StateForbids(f"what is known of the payment of {order.id} is too old to buy for it")
        since = made_since(order)
        wanted = NewPurchase(operation.arguments["offer"], operation.arguments["purchase"], not_before=since)
        return require(desk.provider, SellsEsims).draft_purchase(wanted, operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemotePurchase)
        order = unit.orders.named(operation.target)
        taken = take_purchase(desk, unit, order, remote, action=None, made_by=operation.id)
        return Change(taken, *order_diff(order, taken))

    def is_wanted(self, unit: Unit, operation: Operation) -> bool:
        """Not for a customer who has got the money back since, or disputes the payment: where it was not bought by then, it is
        not bought any more."""
        return _is_paid_for(unit.orders.named(operation.target))

    def load(self, unit: Unit, operation: Operation) -> Order:
        return unit.orders.named(operation.target)
