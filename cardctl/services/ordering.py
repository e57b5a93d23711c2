"""A provider's word about what customers paid, and about what was bought for them, taken into the orders of the books: in any
order, however often, the same. Asks no provider, and decides nothing that costs money.

With `action` a change is audited here; without, by whoever asks. No entry has an activation code.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from cardctl.db.unit import Unit
from cardctl.domain.fulfilment import FOREVER, LATE, Why
from cardctl.domain.money import Money, zero
from cardctl.domain.operations import Operation
from cardctl.domain.orders import (
    Order,
    OrderState,
    SaleRefund,
    StepName,
    StepState,
    order_id_of,
    transaction_id_for,
)
from cardctl.domain.payments import UNREFUNDED, RefundState
from cardctl.domain.redaction import redact
from cardctl.domain.sales import OrderData, RemoteCheckout, RemoteSale, RemoteSaleRefund, SaleState
from cardctl.services.desk import Desk
from cardctl.services.entries import made_by
from cardctl.services.order_entries import given_up, new_order, note_step, put_order

_S = OrderState
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


def take_sale(
    desk: Desk,
    unit: Unit,
    remote: RemoteSale,
    *,
    data: OrderData | None = None,
    checkout_ref: str | None = None,
    at: datetime | None = None,
    unasked: bool = False,
    action: str = "order.event",
) -> Order | None:
    """What is told of a customer's payment; the order that it pays, None where it pays none. `data` is what a person says of
    the order, instead of the payment's own word; `at` when the word was spoken (None: just now, so that it was read).
    `unasked`: nobody has asked for it to be fulfilled, so that one which was paid long ago waits for somebody who does.

    A second payment of an order that is paid already is an order of its own, whose money is given back.
    """
    known = unit.orders.by_payment(desk.programme, remote.ref)
    if known is None:
        data = data or remote.data
        if data is None or remote.state is not SaleState.PAID:
            return None
        known = _order_for(desk, unit, remote, data, checkout_ref, at)
    now = _came_back(unit, _told(desk, known, remote, checkout_ref, at), remote)
    if unasked and known.seen_at is None:
        now = _not_too_late(now, desk.clock())
    taken = put_order(desk, unit, known, now, action=action)
    if known.paid_at is None and taken.paid_at is not None:
        note_step(unit, taken.id, StepName.PAY, StepState.DONE, taken.paid_at)
    return taken


def stopped(order: Order, now: datetime) -> Order:
    """An order for which surely nothing was bought, as its payment has it: over where all of that was given back elsewhere,
    stuck where a bank disputes it, unless a person who knew has said to go on."""
    if order.state not in (_S.PAID, _S.FUNDING):
        return order
    if is_given_back(order):
        return _over(order, now)
    if not order.disputed or order.asked:
        return order
    told = "the customer's bank disputes the payment: nothing is bought, and it cannot be given back"
    return replace(order, state=_S.STUCK, reason_code=Why.DISPUTED, reason=told, reserved=None, due_at=FOREVER)


def is_given_back(order: Order) -> bool:
    """Whether nothing is left of what was paid."""
    left = order.refundable
    return left is not None and left.minor <= 0 and order.refunded is not None and order.refunded.minor > 0


def take_checkout(
    desk: Desk,
    unit: Unit,
    remote: RemoteCheckout,
    *,
    data: OrderData | None = None,
    at: datetime | None = None,
    unasked: bool = False,
) -> Order | None:
    """What is told of a checkout: nothing, unless it is paid."""
    if not remote.paid or remote.sale_ref is None:
        return unit.orders.by_checkouts(desk.programme, [remote.ref]).get(remote.ref)
    sale = RemoteSale(
        ref=remote.sale_ref,
        state=SaleState.PAID,
        amount=remote.amount,
        raw={},
        created_at=remote.created_at,
        data=remote.data,
        email=remote.email,
    )
    return take_sale(desk, unit, sale, data=data, checkout_ref=remote.ref, at=at, unasked=unasked)


def take_sale_refund(
    desk: Desk,
    unit: Unit,
    order: Order,
    remote: RemoteSaleRefund,
    *,
    made: Operation | None = None,
    action: str | None = "order.event",
) -> Order:
    """What is told of money given back to an order's customer; counted once by its name there, however often it is told."""
    known = unit.order_money.refunds_by_refs(desk.programme, [remote.ref]).get(remote.ref)
    made = made or made_by(unit, "sale.refund", remote.mark)
    now = desk.clock()
    given = SaleRefund(
        id=known.id if known else desk.new_id("srf"),
        ref=remote.ref,
        programme=desk.programme,
        order_id=order.id,
        amount=remote.amount,
        state=known.state if known and remote.state is RefundState.UNKNOWN else remote.state,
        created_at=remote.created_at,
        updated_at=now,
        reason=remote.failure or remote.reason,
        made_by=made.id if made is not None and made.target == order.id else known.made_by if known else None,
    )
    unit.order_money.put_refund(given)
    taken = _refunded(order, _given_back(unit, order, known, given), now, shrinks=given.state in UNREFUNDED)
    if order.state in (_S.REFUNDING, _S.REFUNDED) and given.state in UNREFUNDED and not is_given_back(taken):
        why = f"{remote.ref} came to nothing: {remote.failure or given.state}"
        taken = replace(taken, state=_S.STUCK, reason_code=Why.REFUND_FAILED, reason=redact(why), due_at=FOREVER)
        note_step(unit, order.id, StepName.REFUND, StepState.FAILED, now, error=why)
    return put_order(desk, unit, order, taken, action=action)


def _given_back(unit: Unit, order: Order, known: SaleRefund | None, given: SaleRefund) -> Money:
    """How much of the payment is given back, now that this is known of one refund. What others gave back is in the order's sum,
    and need not be known one by one; ours is always of all that was left."""
    none = zero(given.amount.currency)
    alive = [one.amount for one in unit.order_money.refunds_of(order.id) if one.state not in UNREFUNDED]
    together, before = sum(alive, none), order.refunded or none
    if given.state not in UNREFUNDED:
        return max(together, order.price or none) if given.made_by is not None else together
    counted = known is not None and known.state not in UNREFUNDED
    return max(together, before - given.amount) if counted or before == order.price else before


def _order_for(
    desk: Desk, unit: Unit, remote: RemoteSale, data: OrderData, checkout_ref: str | None, at: datetime | None
) -> Order:
    """The order that a payment which the books do not know pays: one that waits for it, a new one, or a twin."""
    own_name = transaction_id_for(desk.programme, remote.ref)
    name = data.transaction_id or own_name
    waiting = unit.orders.get(order_id_of(desk.programme, name))
    if waiting is not None and waiting.payment_ref is None:
        return replace(
            waiting,
            offer_id=data.offer_id,
            recipient=data.recipient or waiting.recipient,
            full_name=data.full_name or waiting.full_name,
        )
    order = new_order(desk, own_name if waiting is not None else name, data, checkout_ref=checkout_ref)
    if waiting is None:
        return order
    twin = replace(order, state=_S.PAID, paid_at=remote.paid_at or at or desk.clock())
    return given_up(twin, Why.PAID_TWICE, f"{name} was paid already, with {waiting.payment_ref}", desk.clock())


def _told(desk: Desk, order: Order, remote: RemoteSale, checkout_ref: str | None, at: datetime | None) -> Order:
    now = desk.clock()
    taken = replace(
        order,
        payment_ref=remote.ref,
        checkout_ref=order.checkout_ref or checkout_ref,
        recipient=order.recipient or remote.email,
        seen_at=max(_no_later(order.seen_at, now), min(at or now, now)),
    )
    if remote.state is SaleState.PAID:
        taken = replace(taken, price=remote.amount)
        if taken.state is _S.UNPAID:
            paid_at = remote.paid_at or at or now
            taken = replace(taken, state=_S.PAID, paid_at=paid_at, due_at=now)
    if remote.refunded is not None:
        taken = _refunded(taken, remote.refunded, now)
    if remote.disputed is not None:
        news = remote.disputed and not taken.disputed
        taken = replace(taken, disputed=remote.disputed, asked=taken.asked and not news)
    return stopped(taken, now)


def _no_later(moment: datetime | None, now: datetime) -> datetime:
    """A moment that is still to come was told by a clock that has been put right since: nothing was seen then."""
    return moment if moment is not None and moment <= now else _EVER


def _not_too_late(order: Order, now: datetime) -> Order:
    """Neither an eSIM nor money goes out for what was paid long ago: another program may have settled it then."""
    if order.state not in (_S.PAID, _S.REFUNDING) or order.paid_at is None or now - order.paid_at <= LATE:
        return order
    told = f"it was paid at {order.paid_at:%Y-%m-%d %H:%M} UTC, long before it was heard of: `cardctl esim fulfil` does it"
    if order.state is _S.REFUNDING:
        return replace(order, state=_S.STUCK, due_at=FOREVER, reason=f"{order.reason}; {told}")
    return replace(order, due_at=FOREVER, reason_code=Why.TOO_OLD, reason=told)


def _refunded(order: Order, refunded: Money, now: datetime, *, shrinks: bool = False) -> Order:
    """What a sum that was given back makes of an order. One that was read may be older than what we gave since: it counts where
    it is more; it is less only where a refund came to nothing."""
    known = order.refunded or zero(refunded.currency)
    if refunded > known or shrinks:
        order = replace(order, refunded=refunded)
    if not is_given_back(order):
        return order
    was_to_be = order.state is _S.STUCK and order.reason_code in (Why.REFUND_REFUSED, Why.REFUND_FAILED)
    if order.state is _S.REFUNDING or was_to_be:
        return replace(order, state=_S.REFUNDED, refunded_at=now, due_at=now)
    return _over(order, now) if order.state in (_S.PAID, _S.FUNDING, _S.STUCK) else order


def _over(order: Order, now: datetime) -> Order:
    told = "the payment was given back elsewhere before anything was bought"
    done = replace(order, state=_S.REFUNDED, refunded_at=now, due_at=FOREVER, reserved=None)
    return replace(done, reason_code=Why.REFUNDED_ELSEWHERE, reason=told)


def _came_back(unit: Unit, order: Order, remote: RemoteSale) -> Order:
    """An order whose money was given back elsewhere, and is here again: that refund has failed, of which its own events tell
    those who made it. UNCONFIRMED that a charge then shows less as refunded. Of refunds of ours their own word counts."""
    if order.state is not _S.REFUNDED or order.refunded is None or remote.refunded is None or remote.refunded >= order.refunded:
        return order
    if any(one.state not in UNREFUNDED for one in unit.order_money.refunds_of(order.id)):
        return order
    why = f"the money that was given back elsewhere has come back: {order.refunded - remote.refunded} of the payment are here"
    again = replace(order, refunded=remote.refunded, refunded_at=None, due_at=FOREVER)
    return replace(again, state=_S.STUCK, reason_code=Why.REFUND_FAILED, reason=why)
