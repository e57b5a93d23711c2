"""Orders, offers and plans as the JSON that scripts rely on. Writes nothing, and never an activation code."""

from __future__ import annotations

from collections.abc import Sequence

from cardctl.domain.esims import Offer, Plan
from cardctl.domain.orders import Order, SaleRefund, Step, WalletTopUp
from cardctl.output.shapes import Shape, instant, money


def order(value: Order, steps: Sequence[Step] | None = None) -> Shape:
    """An order. `steps` None: they were not asked for, and the JSON has none."""
    told = None if steps is None else [_step(step) for step in steps]
    return {
        "id": value.id,
        "programme": value.programme,
        "supplier": value.supplier,
        "payment_ref": value.payment_ref,
        "checkout_ref": value.checkout_ref,
        "transaction_id": value.transaction_id,
        "offer_id": value.offer_id,
        "title": value.title,
        "recipient": value.recipient,
        "full_name": value.full_name,
        "state": value.state.value,
        "cost": money(value.cost),
        "price": money(value.price),
        "refunded": money(value.refunded),
        "purchase_ref": value.purchase_ref,
        "purchase_state": value.purchase.value if value.purchase else None,
        "iccid": value.iccid,
        "reason_code": value.reason_code,
        "reason": value.reason,
        "paid_at": instant(value.paid_at),
        "delivered_at": instant(value.delivered_at),
        "refunded_at": instant(value.refunded_at),
        "created_at": instant(value.created_at),
        "updated_at": instant(value.updated_at),
        **({} if told is None else {"steps": told}),
    }


def order_whole(
    value: Order,
    steps: Sequence[Step],
    topups: Sequence[WalletTopUp],
    refunds: Sequence[SaleRefund],
    plans: Sequence[Plan] | None,
) -> Shape:
    """An order with everything that came of it; `plans` None: nobody asked for them."""
    filled = [
        {
            "id": one.id,
            "ref": one.ref,
            "card_id": one.card_id,
            "state": one.state.value,
            "amount": money(one.amount),
            "reason": one.reason,
            "created_at": instant(one.created_at),
        }
        for one in topups
    ]
    given = [
        {
            "id": one.id,
            "ref": one.ref,
            "state": one.state.value,
            "amount": money(one.amount),
            "reason": one.reason,
            "created_at": instant(one.created_at),
        }
        for one in refunds
    ]
    told = {} if plans is None else {"plans": [_plan(one) for one in plans]}
    return order(value, steps) | {"topups": filled, "refunds": given} | told


def offer(value: Offer) -> Shape:
    """What a supplier sells; `cost` is what it charges, fee included."""
    return {
        "id": value.id,
        "brand": value.brand,
        "enabled": value.enabled,
        "country": value.country,
        "regions": list(value.regions),
        "roaming": list(value.roaming),
        "days": value.days,
        "data_gb": None if value.data_gb is None else format(value.data_gb, "f"),
        "data_unlimited": value.data_unlimited,
        "speeds": list(value.speeds),
        "cost": money(value.cost),
        "price": money(value.price),
        "notes": value.notes,
    }


def offer_row(value: Offer) -> Shape:
    """The same, short enough for a row."""
    return offer(value) | ({"data_gb": "unlimited"} if value.data_unlimited else {})


def _step(value: Step) -> Shape:
    return {
        "name": value.name.value,
        "state": value.state.value,
        "operation_id": value.operation_id,
        "at": instant(value.at),
        "tries": value.tries,
        "error": value.error,
    }


def _plan(value: Plan) -> Shape:
    return {
        "iccid": value.iccid,
        "offer_id": value.offer_id,
        "state": value.state,
        "unlimited": value.unlimited,
        "initial_gb": None if value.initial_gb is None else format(value.initial_gb, "f"),
        "remaining_gb": None if value.remaining_gb is None else format(value.remaining_gb, "f"),
        "starts_at": instant(value.starts_at),
        "ends_at": instant(value.ends_at),
    }
