"""A provider's word about what customers paid, and about what was bought for them, taken into the orders of the books: in any
order, however often, the same. Asks no provider, and decides nothing that costs money.

With `action` a change is audited here; without, by whoever asks. No entry has an activation code.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from cardctl.db.unit import Unit
from cardctl.domain.esims import ENDED, HELD, INSUFFICIENT_FUNDS, PurchaseState, RemotePurchase, goes_on
from cardctl.domain.fulfilment import ATTEMPTS, FOREVER, Why
from cardctl.domain.money import Money, zero
from cardctl.domain.operations import Operation
from cardctl.domain.orders import (
    BOUGHT,
    Order,
    OrderState,
    SaleRefund,
    Step,
    StepName,
    StepState,
    order_id_of,
    transaction_id_for,
)
from cardctl.domain.payments import UNREFUNDED, RefundState
from cardctl.domain.redaction import redact
from cardctl.domain.sales import OrderData, RemoteCheckout, RemoteSale, RemoteSaleRefund, SaleState
from cardctl.services.desk import Desk
from cardctl.services.entries import Diff, audit_change, made_by, shown

_WORDS = ("state", "offer_id", "recipient", "payment_ref", "price", "refunded", "cost", "attempt", "purchase_ref", "purchase")
_MORE = ("reserved", "iccid", "reason_code", "reason", "delivered_at")
_S = OrderState
_BEFORE_BUYING = frozenset({_S.UNPAID, _S.PAID, _S.FUNDING})


def take_sale(
    desk: Desk,
    unit: Unit,
    remote: RemoteSale,
    *,
    data: OrderData | None = None,
    checkout_ref: str | None = None,
    at: datetime | None = None,
    action: str = "order.event",
) -> Order | None:
    """What is told of a customer's payment; the order that it pays, None where it pays none. `data` is what a person says of
    the order, instead of the payment's own word; `at` when the word was spoken (None: just now, so that it was read).

    A second payment of an order that is paid already is an order of its own, whose money is given back.
    """
    known = unit.orders.by_payment(desk.programme, remote.ref)
    if known is None:
        data = data or remote.data
        if data is None or remote.state is not SaleState.PAID:
            return None
        known = _order_for(desk, unit, remote, data, checkout_ref, at)
    now = _told(desk, known, remote, checkout_ref, at)
    return put_order(desk, unit, known, now, action=action)


def take_checkout(
    desk: Desk, unit: Unit, remote: RemoteCheckout, *, data: OrderData | None = None, at: datetime | None = None
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
    return take_sale(desk, unit, sale, data=data, checkout_ref=remote.ref, at=at)


def take_purchase(desk: Desk, unit: Unit, order: Order, remote: RemotePurchase, *, action: str | None = "order.event") -> Order:
    """What the supplier says of an order's purchase. In-flight words may come late, and nothing follows an end."""
    if remote.ref != order.purchase_ref or order.state not in BOUGHT:
        return order
    before = order.purchase
    if before is not None and not goes_on(before, remote.state) and not _completes(order, remote):
        return order
    now = desk.clock()
    taken = replace(
        order,
        purchase=remote.state,
        iccid=remote.iccid or order.iccid,
        bought_at=order.bought_at or now,
        reserved=None if remote.state in HELD | ENDED else order.reserved,
        held_at=order.held_at or (now if remote.state in HELD else None),
        cost=remote.cost if remote.cost is not None and _same_currency(remote.cost, order.cost) else order.cost,
    )
    taken = _after_purchase(desk, unit, taken, remote)
    if remote.activation is not None and taken.purchase is PurchaseState.DONE:
        unit.orders.seal_esim(order.id, activation=remote.activation)
    unit.orders.put(taken, raw=remote.raw)
    return put_order(desk, unit, order, taken, action=action)


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
    alive = [one.amount for one in unit.order_money.refunds_of(order.id) if one.state not in UNREFUNDED]
    taken = _refunded(order, _total(alive, remote.amount.currency), now, shrinks=given.state in UNREFUNDED)
    if order.state in (_S.REFUNDING, _S.REFUNDED) and given.state in UNREFUNDED and _left(taken):
        why = f"{remote.ref} came to nothing: {remote.failure or given.state}"
        taken = replace(taken, state=_S.STUCK, reason_code=Why.REFUND_FAILED, reason=redact(why), due_at=FOREVER)
        unit.orders.put_step(order.id, Step(StepName.REFUND, StepState.FAILED, now, error=why))
    return put_order(desk, unit, order, taken, action=action)


def put_order(desk: Desk, unit: Unit, before: Order | None, now: Order, *, action: str | None) -> Order:
    """The order as it is now, its time and its audit entry where it changed."""
    if before == now:
        return now
    told, after = order_diff(before, now)
    if after:
        now = replace(now, updated_at=desk.clock())
    unit.orders.put(now)
    if action is not None:
        audit_change(desk, unit, action, now.id, told, after)
    return now


def order_diff(before: Order | None, now: Order) -> tuple[Diff, Diff]:
    """What of an order changed, as the audit shows it."""
    words = (*_WORDS, *_MORE)
    if before is None:
        return {}, {word: shown(value) for word in words if (value := getattr(now, word)) is not None}
    differs = [word for word in words if getattr(before, word) != getattr(now, word)]
    return {word: shown(getattr(before, word)) for word in differs}, {word: shown(getattr(now, word)) for word in differs}


def new_order(desk: Desk, transaction_id: str, data: OrderData, **more: object) -> Order:
    """An order that the books do not have yet, and nobody has paid."""
    now = desk.clock()
    order = Order(
        id=order_id_of(desk.programme, transaction_id),
        programme=desk.programme,
        environment=desk.provider.environment,
        transaction_id=transaction_id,
        state=_S.UNPAID,
        offer_id=data.offer_id,
        created_at=now,
        updated_at=now,
        due_at=FOREVER,
        recipient=data.recipient,
        full_name=data.full_name,
    )
    return replace(order, **more)  # type: ignore[arg-type]


def given_up(order: Order, why: Why, reason: str, now: datetime) -> Order:
    """The order whose customer is to get the money back."""
    return replace(order, state=_S.REFUNDING, reason_code=why, reason=redact(reason), reserved=None, due_at=now, tries=0)


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
        seen_at=max(order.seen_at or order.created_at, min(at or now, now)),
    )
    if remote.state is SaleState.PAID:
        taken = replace(taken, price=remote.amount)
        if taken.state is _S.UNPAID:
            paid_at = remote.paid_at or at or now
            taken = replace(taken, state=_S.PAID, paid_at=paid_at, due_at=now)
    if remote.refunded is not None:
        taken = _refunded(taken, remote.refunded, now)
    if remote.disputed and taken.state in (_S.PAID, _S.FUNDING):
        told = "the customer's bank disputes the payment: nothing is bought, and it cannot be given back"
        taken = replace(taken, state=_S.STUCK, reason_code=Why.DISPUTED, reason=told, reserved=None, due_at=FOREVER)
    return taken


def _refunded(order: Order, refunded: Money, now: datetime, *, shrinks: bool = False) -> Order:
    """What a sum that was given back makes of an order. One that was read may be older than what we gave since: it counts where
    it is more; it is less only where a refund came to nothing."""
    known = order.refunded or zero(refunded.currency)
    if refunded > known or shrinks:
        order = replace(order, refunded=refunded)
    if _left(order) or not order.refunded or not order.refunded.minor:
        return order
    if order.state is _S.REFUNDING:
        return replace(order, state=_S.REFUNDED, refunded_at=now, due_at=now)
    if order.state in (_S.PAID, _S.FUNDING):
        told = "the payment was given back elsewhere before anything was bought"
        done = replace(order, state=_S.REFUNDED, refunded_at=now, due_at=FOREVER, reserved=None)
        return replace(done, reason_code=Why.REFUNDED_ELSEWHERE, reason=told)
    return order


def _left(order: Order) -> int:
    """What is left of the payment, in minor units."""
    left = order.refundable
    return left.minor if left is not None else 0


def _total(amounts: list[Money], currency: str) -> Money:
    return sum(amounts, zero(currency))


def _same_currency(one: Money, other: Money | None) -> bool:
    return other is None or one.currency == other.currency


def _completes(order: Order, remote: RemotePurchase) -> bool:
    """Whether a purchase that is done says its eSIM only now."""
    done = order.purchase is remote.state is PurchaseState.DONE
    return done and order.state in (_S.BUYING, _S.ORDERED) and remote.activation is not None


def _after_purchase(desk: Desk, unit: Unit, order: Order, remote: RemotePurchase) -> Order:
    now = desk.clock()
    if order.state not in (_S.BUYING, _S.ORDERED):
        return order
    if remote.state is PurchaseState.FAILED:
        return _failed(unit, order, remote, now)
    unit.orders.put_step(order.id, Step(StepName.BUY, StepState.DONE, order.bought_at or now))
    if remote.state is not PurchaseState.DONE:
        unit.orders.put_step(order.id, Step(StepName.ISSUE, StepState.WAITING, now))
        return replace(order, state=_S.ORDERED, reason_code=None, reason=None)
    if remote.activation is None:
        return replace(order, state=_S.ORDERED, due_at=now)
    unit.orders.put_step(order.id, Step(StepName.ISSUE, StepState.DONE, now))
    return replace(order, state=_S.READY, issued_at=now, due_at=now, tries=0, reason_code=None, reason=None)


def _failed(unit: Unit, order: Order, remote: RemotePurchase, now: datetime) -> Order:
    """FAILED is final, and what was held is let go of. Where the wallet alone was short, the order is bought anew, under
    another name; its name is used up."""
    said = redact(remote.error or remote.error_code or "the supplier did not say why")
    unit.orders.put_step(order.id, Step(StepName.BUY, StepState.FAILED, now, error=said))
    if remote.error_code == INSUFFICIENT_FUNDS and order.attempt < ATTEMPTS:
        again = replace(order, state=_S.PAID, attempt=order.attempt + 1, purchase=None, purchase_ref=None, bought_at=None)
        return replace(again, held_at=None, reserved=None, due_at=now, reason_code=Why.WALLET_SHORT, reason=said)
    return given_up(order, Why.PURCHASE_FAILED, said, now)
