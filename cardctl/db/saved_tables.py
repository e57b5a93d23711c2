"""The tables of saved cards: who they belong to, what was paid with them, refunds and disputes; the others are in tables.py."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from cardctl.db.fields import Row, currency_field, digest_field, id_field, minor_field, one_of, sealed_field, text_field
from cardctl.domain.payments import PaymentKind, PaymentState, RefundState
from cardctl.domain.saved_cards import SavedCardState


class SavedCardRow(Row, table=True):
    """One for each person and seller. The provider's names are sealed, and found by a keyed hash of them."""

    __tablename__ = "saved_cards"
    __table_args__ = (
        UniqueConstraint("programme", "person"),
        one_of("state", SavedCardState),
        Index(None, "programme", "ref_digest"),
        Index(None, "programme", "customer_digest"),
        Index(None, "created_at", "id"),
        Index(None, "last4"),
        Index(None, "person"),
    )
    id: str = id_field()
    provider: str = text_field()
    programme: str = text_field()
    environment: str = text_field()
    person: str = text_field()
    email: str | None = text_field()
    state: str = text_field()
    brand: str | None = text_field()
    last4: str | None = text_field()
    exp_month: int | None
    exp_year: int | None
    version: int = Field(sa_type=BigInteger)
    created_at: str = text_field()
    updated_at: str = text_field()
    synced_at: str = text_field()
    customer_digest: str | None = digest_field("customer_ref")
    ref_digest: str | None = digest_field("ref")
    customer_ref: str | None = sealed_field()
    ref: str | None = sealed_field()
    raw: str | None = sealed_field()


class PaymentRow(Row, table=True):
    """Amounts are minor units of one currency."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("programme", "ref"),
        one_of("kind", PaymentKind),
        one_of("state", PaymentState),
        CheckConstraint("amount_minor >= 0 AND tip_minor >= 0 AND captured_minor >= 0 AND refunded_minor >= 0", name="amounts"),
        Index(None, "saved_card_id", "created_at", "id"),
        Index(None, "created_at", "id"),
        Index(None, "state", "expires_at"),
        Index(None, "programme", "invoice"),
    )
    id: str = id_field()
    ref: str = text_field()
    provider: str = text_field()
    programme: str = text_field()
    saved_card_id: str = text_field(foreign_key="saved_cards.id")
    invoice: str | None = text_field()
    kind: str = text_field()
    state: str = text_field()
    currency: str = currency_field()
    amount_minor: int = minor_field()
    tip_minor: int = minor_field()
    captured_minor: int = minor_field()
    refunded_minor: int = minor_field()
    expires_at: str | None = text_field()
    created_at: str = text_field()
    updated_at: str = text_field()
    told_at: str = text_field()
    asked_minor: int | None = minor_field()
    raw: str | None = sealed_field()


class RefundRow(Row, table=True):
    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("programme", "ref"),
        one_of("state", RefundState),
        CheckConstraint("amount_minor >= 0", name="amount"),
        Index(None, "payment_id", "created_at"),
        Index(None, "programme", "invoice"),
    )
    id: str = id_field()
    ref: str = text_field()
    provider: str = text_field()
    programme: str = text_field()
    payment_id: str = text_field(foreign_key="payments.id")
    invoice: str | None = text_field()
    state: str = text_field()
    amount_minor: int = minor_field()
    amount_currency: str = currency_field()
    reason: str | None = text_field()
    created_at: str = text_field()
    updated_at: str = text_field()
    told_at: str = text_field()
    raw: str | None = sealed_field()


class DisputeRow(Row, table=True):
    """What a bank wants back, by the payment's ref: the notification may come before the payment is known."""

    __tablename__ = "disputes"
    __table_args__ = (CheckConstraint("amount_minor >= 0", name="amount"), Index(None, "programme", "payment_ref"))
    programme: str = id_field()
    ref: str = id_field()
    payment_ref: str = text_field()
    state: str = text_field()
    reason: str | None = text_field()
    amount_minor: int = minor_field()
    amount_currency: str = currency_field()
    due_at: str | None = text_field()
    version: int = Field(sa_type=BigInteger)
