"""A supplier's word about the purchase of an order, taken into the books: in any order, however often, the same. Asks no
provider, and decides nothing that costs money."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from cardctl.db.unit import Unit
from cardctl.domain.esims import ENDED, HELD, INSUFFICIENT_FUNDS, PurchaseState, RemotePurchase, goes_on
from cardctl.domain.fulfilment import LACKS, Why
from cardctl.domain.money import Money
from cardctl.domain.orders import BOUGHT, Order, OrderState, StepName, StepState
from cardctl.domain.redaction import redact
from cardctl.services.desk import Desk
from cardctl.services.order_entries import given_up, note_step, put_order

_S = OrderState
_SKEW = timedelta(hours=1)
"""How far the clocks of the two providers may be apart."""


def made_since(order: Order) -> datetime:
    """From when on a purchase under the order's name is its own; an older one is of another shop, which calls orders alike."""
    return (order.paid_at or order.created_at) - _SKEW


def take_purchase(
    desk: Desk,
    unit: Unit,
    order: Order,
    remote: RemotePurchase,
    *,
    action: str | None = "order.event",
    made_by: str | None = None,
) -> Order:
    """What the supplier says of an order's purchase. In-flight words may come late, and nothing follows an end. `made_by`: the
    operation that bought it, where this is its answer."""
    if remote.ref != order.purchase_ref or order.state not in BOUGHT or _is_anothers(order, remote):
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
        short_since=None if remote.state in HELD else order.short_since,
        cost=remote.cost if remote.cost is not None and _same_currency(remote.cost, order.cost) else order.cost,
    )
    taken = _after_purchase(desk, unit, taken, remote, made_by)
    if taken.purchase is PurchaseState.DONE:
        unit.orders.seal_esim(order.id, activation=remote.activation, instructions=remote.instructions)
    return put_order(desk, unit, order, taken, action=action, raw=remote.raw)


def _is_anothers(order: Order, remote: RemotePurchase) -> bool:
    """Whether a purchase that nobody has answered us about has our name, and is of another offer, or another time."""
    if order.purchase is not None:
        return False
    older = remote.created_at is not None and remote.created_at < made_since(order)
    return older or remote.offer_id not in (None, order.offer_id)


def _same_currency(one: Money, other: Money | None) -> bool:
    return other is None or one.currency == other.currency


def _completes(order: Order, remote: RemotePurchase) -> bool:
    """Whether a purchase that is done says its eSIM only now."""
    done = order.purchase is remote.state is PurchaseState.DONE
    return done and order.state in (_S.BUYING, _S.ORDERED) and remote.activation is not None


def _after_purchase(desk: Desk, unit: Unit, order: Order, remote: RemotePurchase, made_by: str | None) -> Order:
    now = desk.clock()
    if order.state not in (_S.BUYING, _S.ORDERED):
        return order
    if remote.state is PurchaseState.FAILED:
        return _failed(unit, order, remote, now)
    note_step(unit, order.id, StepName.BUY, StepState.DONE, order.bought_at or now, operation_id=made_by)
    if remote.state is not PurchaseState.DONE:
        note_step(unit, order.id, StepName.ISSUE, StepState.WAITING, now)
        return replace(order, state=_S.ORDERED, reason_code=None, reason=None)
    if remote.activation is None:
        return replace(order, state=_S.ORDERED, due_at=now)
    note_step(unit, order.id, StepName.ISSUE, StepState.DONE, now)
    return replace(order, state=_S.READY, issued_at=now, due_at=now, tries=0, reason_code=None, reason=None)


def lacking(order: Order, said: str, now: datetime) -> Order:
    """The order after the supplier has said that the wallet cannot pay: nothing was bought, and it is bought anew, later and
    later. For how long, the chain's terms say (`short_since`), since the wallet may tell otherwise for ever."""
    lack = timedelta(seconds=LACKS[min(order.attempt, len(LACKS)) - 1])
    again = replace(order, state=_S.PAID, attempt=order.attempt + 1, purchase=None, purchase_ref=None, bought_at=None)
    again = replace(again, held_at=None, reserved=None, due_at=now + lack, short_since=order.short_since or now)
    return replace(again, reason_code=Why.WALLET_SHORT, reason=said, tries=0)


def _failed(unit: Unit, order: Order, remote: RemotePurchase, now: datetime) -> Order:
    """FAILED is final, and what was held is let go of. Where the wallet alone was short, the order is bought anew, under
    another name; its name is used up."""
    said = redact(remote.error or remote.error_code or "the supplier did not say why")
    note_step(unit, order.id, StepName.BUY, StepState.FAILED, now, error=said)
    if order.state is _S.ORDERED:  # it was waited for
        note_step(unit, order.id, StepName.ISSUE, StepState.FAILED, now)
    if remote.error_code == INSUFFICIENT_FUNDS:
        return lacking(order, said, now)
    return given_up(order, Why.PURCHASE_FAILED, said, now)
