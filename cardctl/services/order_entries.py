"""How an order enters our books and changes there: new ones, what of them changed, their audit; and what gives one up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from cardctl.db.columns import Raw
from cardctl.db.unit import Unit
from cardctl.domain.fulfilment import FOREVER, Why
from cardctl.domain.orders import Order, OrderState, Step, StepName, StepState, order_id_of
from cardctl.domain.redaction import redact
from cardctl.domain.sales import OrderData
from cardctl.services.desk import Desk
from cardctl.services.entries import Diff, audit_change, shown

_WORDS = ("state", "offer_id", "recipient", "payment_ref", "price", "refunded", "cost", "attempt", "purchase_ref", "purchase")
_MORE = ("reserved", "iccid", "reason_code", "reason", "delivered_at")
_S = OrderState


def put_order(desk: Desk, unit: Unit, before: Order | None, now: Order, *, action: str | None, raw: Raw | None = None) -> Order:
    """The order as it is now, its time and its audit entry where it changed; `raw`: what the provider says of it, else as it
    was."""
    if before == now and raw is None:
        return now
    told, after = order_diff(before, now)
    if after:
        now = replace(now, updated_at=desk.clock())
    unit.orders.put(now, raw=raw)
    if action is not None and before != now:
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


def note_step(
    unit: Unit,
    order_id: str,
    name: StepName,
    state: StepState,
    at: datetime,
    *,
    operation_id: str | None = None,
    error: str | None = None,
) -> None:
    """Put down where a step stands; beginning it again counts as another try."""
    before = unit.orders.step(order_id, name)
    tries = before.tries if before else 0
    began = before is None or state is StepState.RUNNING or before.state is StepState.WAITING is not state
    made = operation_id or (before.operation_id if before else None)
    step = Step(name, state, at, tries + 1 if began else tries, made, error)
    unit.orders.put_step(order_id, step, new=before is None)
