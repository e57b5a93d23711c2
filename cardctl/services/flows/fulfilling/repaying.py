"""An order that came to nothing: its customer gets the money back, once. That they are told is delivering.py."""

from __future__ import annotations

from dataclasses import replace

from cardctl.db.unit import Unit
from cardctl.domain.fulfilment import Why
from cardctl.domain.orders import Order, OrderState, StepName, StepState
from cardctl.errors import ProviderHasNot, ProviderRefused
from cardctl.providers.base import require
from cardctl.providers.selling import ReadsSales
from cardctl.services.deeds.returning import return_payment
from cardctl.services.flows.fulfilling.pricing import stuck
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.order_entries import note_step
from cardctl.services.ordering import is_given_back, take_sale


def refund(shop: Shop, order: Order) -> None:
    """Give back what is left of the payment, after a look at it where what is known of it is old. Where the provider says no, a
    look tells whether somebody else was faster, and gave back all or some of it; else a person is needed."""
    if shop.is_stale(order):
        order = _looked(shop, order)
    if order.state is not OrderState.REFUNDING:
        return
    if is_given_back(order):
        shop.change(order, lambda unit, fresh: _refunded(shop, unit, fresh), "order.refunded")
        return
    try:
        done = return_payment(shop.sales, order, reason=order.reason)
    except ProviderRefused as error:
        looked = order if isinstance(error, ProviderHasNot) else _looked(shop, order)
        if looked.state is OrderState.REFUNDING and looked.refundable == order.refundable:
            said = error.message
            shop.change(order, lambda unit, fresh: _stuck(shop, unit, fresh, said), "order.stuck")
        return
    made = done.operation.id if done.operation else None
    ended = shop.order(order.id)
    if ended.state is OrderState.REFUNDING:  # a person has said that it was done
        ended = _looked(shop, ended)
    if ended.state is OrderState.REFUNDING:
        shop.change(ended, lambda unit, fresh: _said_to_be_done(shop, unit, fresh, made), "order.stuck")
    elif ended.state is OrderState.REFUNDED:
        with shop.books.write() as unit:
            note_step(unit, order.id, StepName.REFUND, StepState.DONE, shop.now(), operation_id=made)


def _refunded(shop: Shop, unit: Unit, order: Order) -> Order:
    """Somebody else gave it back while it was not known yet what would become of it."""
    now = shop.now()
    note_step(unit, order.id, StepName.REFUND, StepState.DONE, now)
    return replace(order, state=OrderState.REFUNDED, refunded_at=now, due_at=now)


def _looked(shop: Shop, order: Order) -> Order:
    assert order.payment_ref is not None
    sale = require(shop.sales.provider, ReadsSales).sale(order.payment_ref)
    with shop.books.write() as unit:
        return take_sale(shop.sales, unit, sale, action="order.sync") or order


def _said_to_be_done(shop: Shop, unit: Unit, order: Order, made: str | None) -> Order:
    """The step keeps whose word it was: once a person wants the order tried again, it counts as one that came to nothing."""
    said = f"{made} is held for done by a person, and the provider shows that {order.refundable} of the payment are still here"
    note_step(unit, order.id, StepName.REFUND, StepState.FAILED, shop.now(), operation_id=made, error=said)
    return stuck(order, Why.REFUND_FAILED, said)


def _stuck(shop: Shop, unit: Unit, order: Order, said: str) -> Order:
    note_step(unit, order.id, StepName.REFUND, StepState.FAILED, shop.now(), error=said)
    return stuck(order, Why.REFUND_REFUSED, f"it came to nothing ({order.reason}), and cannot be given back: {said}")
