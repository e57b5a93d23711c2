"""The tables of orders: the chain's orders and their steps, what topped the wallet up, what was given back."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from cardctl.db.fields import Row, currency_field, id_field, minor_field, one_of, sealed_bytes_field, sealed_field, text_field
from cardctl.domain.orders import OrderState, StepName, StepState
from cardctl.domain.payments import RefundState
from cardctl.domain.topups import TopUpState

RESERVED = "reserved_minor > 0"
"""Orders that have spoken for money of the wallet: a few of all that there are, and summed up for each that is bought."""


class OrderRow(Row, table=True):
    """`price_currency` is of all that the customer paid, `cost_currency` of all that the supplier charges."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("programme", "transaction_id"),
        UniqueConstraint("programme", "payment_ref"),
        UniqueConstraint("supplier", "purchase_ref"),
        one_of("state", OrderState),
        CheckConstraint("price_minor >= 0 AND refunded_minor >= 0 AND cost_minor >= 0 AND reserved_minor >= 0", name="amounts"),
        CheckConstraint("(price_minor IS NULL) = (price_currency IS NULL)", name="price"),
        CheckConstraint("(cost_minor IS NULL) = (cost_currency IS NULL)", name="cost"),
        CheckConstraint("reserved_minor IS NULL OR cost_currency IS NOT NULL", name="reserved"),
        Index(None, "created_at", "id"),
        Index(None, "state", "due_at"),
        Index(None, "supplier", "held_at"),
        Index(None, "supplier", "cost_currency", sqlite_where=text(RESERVED)),
        Index(None, "recipient"),
        Index(None, "checkout_ref"),
    )
    id: str = id_field()
    programme: str = text_field()
    environment: str = text_field()
    transaction_id: str = text_field()
    state: str = text_field()
    offer_id: str = text_field()
    created_at: str = text_field()
    updated_at: str = text_field()
    due_at: str = text_field()
    recipient: str | None = text_field()
    full_name: str | None = text_field()
    title: str | None = text_field()
    checkout_ref: str | None = text_field()
    payment_ref: str | None = text_field()
    price_minor: int | None = minor_field()
    price_currency: str | None = currency_field()
    refunded_minor: int | None = minor_field()
    paid_at: str | None = text_field()
    seen_at: str | None = text_field()
    supplier: str | None = text_field()
    cost_minor: int | None = minor_field()
    cost_currency: str | None = currency_field()
    attempt: int = Field(sa_type=BigInteger)
    purchase_ref: str | None = text_field()
    purchase: str | None = text_field()
    reserved_minor: int | None = minor_field()
    held_at: str | None = text_field()
    bought_at: str | None = text_field()
    issued_at: str | None = text_field()
    iccid: str | None = text_field()
    delivered_at: str | None = text_field()
    refunded_at: str | None = text_field()
    reason_code: str | None = text_field()
    reason: str | None = text_field()
    tries: int = Field(sa_type=BigInteger)
    disputed: int = Field(sa_type=BigInteger)
    asked: int = Field(sa_type=BigInteger)
    short_since: str | None = text_field()
    lease: str = text_field()
    leased_until: str | None = text_field()
    activation: str | None = sealed_field()
    instructions: str | None = sealed_field()
    qr: bytes | None = sealed_bytes_field()
    raw: str | None = sealed_field()


class OrderStepRow(Row, table=True):
    __tablename__ = "order_steps"
    __table_args__ = (one_of("name", StepName), one_of("state", StepState))
    order_id: str = id_field(foreign_key="orders.id")
    name: str = id_field()
    state: str = text_field()
    at: str = text_field()
    tries: int = Field(sa_type=BigInteger)
    operation_id: str | None = text_field()
    error: str | None = text_field()


class WalletTopUpRow(Row, table=True):
    __tablename__ = "wallet_topups"
    __table_args__ = (
        one_of("state", TopUpState),
        CheckConstraint("amount_minor >= 0", name="amount"),
        Index(None, "order_id", "created_at"),
        Index(None, "programme", "created_at"),
    )
    id: str = id_field()
    order_id: str = text_field(foreign_key="orders.id")
    programme: str = text_field()
    ref: str | None = text_field()
    card_id: str | None = text_field()
    amount_minor: int = minor_field()
    amount_currency: str = currency_field()
    state: str = text_field()
    created_at: str = text_field()
    updated_at: str = text_field()
    reason: str | None = text_field()


class SaleRefundRow(Row, table=True):
    __tablename__ = "sale_refunds"
    __table_args__ = (
        UniqueConstraint("programme", "ref"),
        one_of("state", RefundState),
        CheckConstraint("amount_minor >= 0", name="amount"),
        Index(None, "order_id", "created_at"),
    )
    id: str = id_field()
    ref: str = text_field()
    programme: str = text_field()
    order_id: str = text_field(foreign_key="orders.id")
    amount_minor: int = minor_field()
    amount_currency: str = currency_field()
    state: str = text_field()
    created_at: str = text_field()
    updated_at: str = text_field()
    reason: str | None = text_field()
    made_by: str | None = text_field()
