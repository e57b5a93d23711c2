"""What the customer of an order paid, given back: sale.refund. Whether an order is given up is the chain's to decide."""

from __future__ import annotations

from typing import ClassVar

from cardctl.db.unit import Unit
from cardctl.domain.fulfilment import Why
from cardctl.domain.operations import Draft, Operation, OperationState
from cardctl.domain.orders import Order, OrderState, StepName
from cardctl.domain.payments import UNREFUNDED
from cardctl.domain.sales import RemoteSaleRefund
from cardctl.errors import StateForbids
from cardctl.providers.base import Remote, require
from cardctl.providers.selling import TakesPayments
from cardctl.services.desk import Desk, Done
from cardctl.services.journal import Change, Wish
from cardctl.services.operations import run_once
from cardctl.services.order_entries import order_diff
from cardctl.services.ordering import take_sale_refund


def return_payment(desk: Desk, order: Order, *, reason: str | None = None) -> Done:
    """Give the customer of an order that was given up everything back that is left of the payment, once. StateForbids (6) for
    one that was not given up; ProviderRefused (7) where the provider says no."""
    told = {"payment": order.payment_ref, "duplicate": order.reason_code == Why.PAID_TWICE}
    key = f"{order.id}:refund:{_failed(desk, order) + 1}"
    return run_once(desk, ReturnPayment(), Wish(order.id, told, amount=order.refundable, caller_key=key, reason=reason))


def _failed(desk: Desk, order: Order) -> int:
    """How often it came to nothing so far: each attempt after that is another one, and asks anew."""
    with desk.books.read() as unit:
        failed = [one for one in unit.order_money.refunds_of(order.id) if one.state in UNREFUNDED]
        tried = [one for one in unit.operations.for_target(order.id) if one.kind == ReturnPayment.kind]
        step = unit.orders.step(order.id, StepName.REFUND)
        made = {one.made_by for one in unit.order_money.refunds_of(order.id)}
    refused = [one for one in tried if one.state is OperationState.REFUSED and one.caller_key is not None]
    wrongly_done = [one for one in tried if one.state is OperationState.DONE and one.id not in made]
    wrongly_done = [one for one in wrongly_done if step is not None and step.operation_id == one.id]
    return len(failed) + len(refused) + len(wrongly_done)


class ReturnPayment:
    """sale.refund"""

    kind: ClassVar[str] = "sale.refund"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> Order | None:
        order = unit.orders.named(operation.target)
        left = order.refundable
        if order.state is OrderState.REFUNDED or (left is not None and not left.minor):
            return order
        if order.state is not OrderState.REFUNDING or left is None or operation.amount is None or operation.amount > left:
            raise StateForbids(f"{order.id} is {order.state}, and {left or 'nothing'} is left of its payment")
        return None

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        assert operation.amount is not None
        provider = require(desk.provider, TakesPayments)
        told = operation.arguments
        return provider.draft_sale_refund(told["payment"], operation.amount, operation.id, duplicate=told["duplicate"])

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteSaleRefund)
        order = unit.orders.named(operation.target)
        taken = take_sale_refund(desk, unit, order, remote, made=operation, action=None)
        return Change(taken, *order_diff(order, taken))

    def load(self, unit: Unit, operation: Operation) -> Order:
        return unit.orders.named(operation.target)
