"""Rows of `orders` as they stand in the table ⇄ Order; no query here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cardctl.db.columns import free, moment_from_text, moment_or_none, moment_to_text, money_from_row
from cardctl.domain.esims import PurchaseState
from cardctl.domain.money import minor_or_none
from cardctl.domain.orders import Order, OrderState


def order_to_row(order: Order) -> dict[str, Any]:
    """The plain columns of an order, as they are stored."""
    return {
        "id": order.id,
        "programme": order.programme,
        "environment": order.environment,
        "transaction_id": order.transaction_id,
        "state": order.state,
        "offer_id": order.offer_id,
        "created_at": moment_to_text(order.created_at),
        "updated_at": moment_to_text(order.updated_at),
        "due_at": moment_to_text(order.due_at),
        "recipient": order.recipient,
        "full_name": order.full_name,
        "title": free(order.title),
        "checkout_ref": order.checkout_ref,
        "payment_ref": order.payment_ref,
        "price_minor": minor_or_none(order.price),
        "price_currency": None if order.price is None else order.price.currency,
        "refunded_minor": minor_or_none(order.refunded),
        "paid_at": moment_or_none(order.paid_at),
        "seen_at": moment_or_none(order.seen_at),
        "supplier": order.supplier,
        "cost_minor": minor_or_none(order.cost),
        "cost_currency": None if order.cost is None else order.cost.currency,
        "attempt": order.attempt,
        "purchase_ref": order.purchase_ref,
        "purchase": order.purchase,
        "reserved_minor": minor_or_none(order.reserved),
        "held_at": moment_or_none(order.held_at),
        "bought_at": moment_or_none(order.bought_at),
        "issued_at": moment_or_none(order.issued_at),
        "iccid": order.iccid,
        "delivered_at": moment_or_none(order.delivered_at),
        "refunded_at": moment_or_none(order.refunded_at),
        "reason_code": order.reason_code,
        "reason": free(order.reason),
        "tries": order.tries,
        "disputed": int(order.disputed),
        "asked": int(order.asked),
        "short_since": moment_or_none(order.short_since),
        "lease": order.lease,
        "leased_until": moment_or_none(order.leased_until),
    }


def order_from_row(row: Any) -> Order:
    """An order of the plain columns."""
    return Order(
        id=row.id,
        programme=row.programme,
        environment=row.environment,
        transaction_id=row.transaction_id,
        state=OrderState(row.state),
        offer_id=row.offer_id,
        created_at=datetime.fromisoformat(row.created_at),
        updated_at=datetime.fromisoformat(row.updated_at),
        due_at=datetime.fromisoformat(row.due_at),
        recipient=row.recipient,
        full_name=row.full_name,
        title=row.title,
        checkout_ref=row.checkout_ref,
        payment_ref=row.payment_ref,
        price=money_from_row(row.price_minor, row.price_currency),
        refunded=money_from_row(row.refunded_minor, row.price_currency),
        paid_at=moment_from_text(row.paid_at),
        seen_at=moment_from_text(row.seen_at),
        supplier=row.supplier,
        cost=money_from_row(row.cost_minor, row.cost_currency),
        attempt=row.attempt,
        purchase_ref=row.purchase_ref,
        purchase=None if row.purchase is None else PurchaseState(row.purchase),
        reserved=money_from_row(row.reserved_minor, row.cost_currency),
        held_at=moment_from_text(row.held_at),
        bought_at=moment_from_text(row.bought_at),
        issued_at=moment_from_text(row.issued_at),
        iccid=row.iccid,
        delivered_at=moment_from_text(row.delivered_at),
        refunded_at=moment_from_text(row.refunded_at),
        reason_code=row.reason_code,
        reason=row.reason,
        tries=row.tries,
        disputed=bool(row.disputed),
        asked=bool(row.asked),
        short_since=moment_from_text(row.short_since),
        lease=row.lease,
        leased_until=moment_from_text(row.leased_until),
    )
