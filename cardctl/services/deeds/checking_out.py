"""A page on which a customer shall pay for an eSIM, and the order that waits for it: esim.checkout."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import ClassVar

from cardctl.db.unit import Unit
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft, Operation
from cardctl.domain.orders import Order, OrderState, order_id_of
from cardctl.domain.sales import NewCheckout, OrderData, RemoteCheckout
from cardctl.errors import StateForbids
from cardctl.providers.base import Remote, require
from cardctl.providers.selling import TakesPayments
from cardctl.services.desk import Desk, Done, Thing
from cardctl.services.journal import Change, Wish
from cardctl.services.operations import rehearse, run_once
from cardctl.services.order_entries import new_order, order_diff


def check_out(desk: Desk, wanted: NewCheckout, *, caller_key: str | None = None) -> Done:
    """Make a checkout, and the order that waits for its payment. StateForbids (6) where the order is paid, or has a
    checkout."""
    return run_once(desk, CheckOut(), _wish(desk, wanted, caller_key))


def rehearse_checkout(desk: Desk, wanted: NewCheckout, *, caller_key: str | None = None) -> Draft | Thing:
    return rehearse(desk, CheckOut(), _wish(desk, wanted, caller_key))


class CheckOut:
    """esim.checkout"""

    kind: ClassVar[str] = "esim.checkout"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> None:
        order = unit.orders.get(operation.target)
        if order is None:
            return
        if order.payment_ref is not None:
            raise StateForbids(f"{order.transaction_id} is paid already: it is {order.id}, {order.state}")
        if order.checkout_ref is not None:
            raise StateForbids(
                f"{order.transaction_id} has a checkout already: {order.checkout_ref}",
                hint="give the order another --transaction-id: two payments under one name pay one order",
            )

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        return require(desk.provider, TakesPayments).draft_checkout(_wanted(operation), operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteCheckout)
        wanted = _wanted(operation)
        assert wanted.data.transaction_id is not None
        known = unit.orders.get(operation.target)
        order = known or new_order(desk, wanted.data.transaction_id, wanted.data)
        order = replace(order, checkout_ref=remote.ref)
        if order.state is OrderState.UNPAID:
            order = replace(order, price=wanted.price)
        unit.orders.put(order)
        return Change(order, {}, order_diff(known, order)[1] | {"checkout": remote.ref})

    def load(self, unit: Unit, operation: Operation) -> Order:
        return unit.orders.named(operation.target)


def _wish(desk: Desk, wanted: NewCheckout, caller_key: str | None) -> Wish:
    assert wanted.data.transaction_id is not None
    told = asdict(wanted) | {"price": {"minor": wanted.price.minor, "currency": wanted.price.currency}}
    target = order_id_of(desk.programme, wanted.data.transaction_id)
    return Wish(target, told, amount=wanted.price, caller_key=caller_key)


def _wanted(operation: Operation) -> NewCheckout:
    told = operation.arguments
    price, data = Money(**told["price"]), OrderData(**told["data"])
    return NewCheckout(data, price, told["title"], told["success_url"], told["cancel_url"])
