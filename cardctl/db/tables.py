"""The tables of our books with their constraints and indexes, no behaviour. A column marked `sealed` is encrypted at rest."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, UniqueConstraint, text
from sqlmodel import Field

from cardctl.db.audit_tables import AuditHeadRow, AuditRow, CallRow
from cardctl.db.event_tables import EventRow, TopUpRow
from cardctl.db.fields import (
    Row,
    currency_field,
    id_field,
    minor_field,
    one_of,
    sealed_field,
    table_of,
    text_field,
    whole,
)
from cardctl.db.order_tables import OrderRow, OrderStepRow, SaleRefundRow, WalletTopUpRow
from cardctl.db.reconcile_tables import AlertRow, BreakMoveRow, BreakRow, DayRow, RunBreakRow, RunRow
from cardctl.db.saved_tables import DisputeRow, PaymentRow, RefundRow, SavedCardRow
from cardctl.domain.accounts import AccountState, Kyc
from cardctl.domain.operations import OperationState
from cardctl.domain.states import CardState
from cardctl.domain.transactions import TransactionKind, TransactionState

__all__ = [
    "AccountRow",
    "AlertRow",
    "AuditHeadRow",
    "AuditRow",
    "BreakMoveRow",
    "BreakRow",
    "CallRow",
    "CardRow",
    "CursorRow",
    "DayRow",
    "DisputeRow",
    "EventRow",
    "LoadRow",
    "MetaRow",
    "OperationRow",
    "OrderRow",
    "OrderStepRow",
    "PaymentRow",
    "RefundRow",
    "Row",
    "RunBreakRow",
    "RunRow",
    "SaleRefundRow",
    "SavedCardRow",
    "SchemaVersionRow",
    "TopUpRow",
    "TransactionRow",
    "WalletTopUpRow",
    "table_of",
]

_KEYED = '"key" IS NOT NULL'
"""Most cards have no key of a caller's, and cost that index nothing (on PostgreSQL, to say so would load its whole dialect)."""


class MetaRow(Row, table=True):
    __tablename__ = "meta"
    key: str = id_field()
    value: str = text_field()


class SchemaVersionRow(Row, table=True):
    """One row: the number of the last migration that these books have had."""

    __tablename__ = "schema_version"
    n: int = Field(sa_type=Integer, primary_key=True, sa_column_kwargs={"autoincrement": False})


class CursorRow(Row, table=True):
    """How far a stream of a programme has been read."""

    __tablename__ = "cursors"
    programme: str = id_field()
    stream: str = id_field()
    position: str = text_field()


class AccountRow(Row, table=True):
    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("programme", "ref"),
        UniqueConstraint("programme", "external_id"),
        one_of("state", AccountState),
        one_of("kyc", Kyc),
        Index(None, "created_at", "id"),
        Index(None, "provider", "created_at", "id"),
        Index(None, "state", "created_at", "id"),
        Index(None, "ref"),
        Index(None, "external_id"),
    )
    id: str = id_field()
    ref: str | None = text_field()
    external_id: str | None = text_field()
    provider: str = text_field()
    programme: str = text_field()
    environment: str = text_field()
    name: str = text_field()
    email: str | None = text_field()
    state: str = text_field()
    kyc: str = text_field()
    compliance_flags: str = text_field()
    created_at: str = text_field()
    updated_at: str = text_field()
    raw: str = sealed_field()
    own_balances: str | None = text_field()


class CardRow(Row, table=True):
    __tablename__ = "cards"
    __table_args__ = (
        UniqueConstraint("programme", "ref"),
        one_of("state", CardState),
        *(whole(name) for name in ("balance", "per_transaction", "daily", "weekly", "monthly", "allowance")),
        Index(None, "created_at", "id"),
        Index(None, "account_id", "created_at", "id"),
        Index(None, "provider", "created_at", "id"),
        Index(None, "state", "created_at", "id"),
        Index(None, "last4"),
        Index(None, "ref"),
        Index(None, "account_id", "key", sqlite_where=text(_KEYED)),
    )
    id: str = id_field()
    ref: str = text_field()
    provider: str = text_field()
    programme: str = text_field()
    account_id: str = text_field(foreign_key="accounts.id")
    holder: str = text_field()
    brand: str | None = text_field()
    type: str = text_field()
    last4: str = text_field()
    exp_month: int
    exp_year: int
    currency: str = currency_field()
    state: str = text_field()
    state_reason: str | None = text_field()
    balance_minor: int | None = minor_field()
    balance_currency: str | None = currency_field()
    per_transaction_minor: int | None = minor_field()
    per_transaction_currency: str | None = currency_field()
    daily_minor: int | None = minor_field()
    daily_currency: str | None = currency_field()
    weekly_minor: int | None = minor_field()
    weekly_currency: str | None = currency_field()
    monthly_minor: int | None = minor_field()
    monthly_currency: str | None = currency_field()
    created_at: str = text_field()
    updated_at: str = text_field()
    synced_at: str = text_field()
    ever_active: bool
    allowance_minor: int | None = minor_field()
    allowance_currency: str | None = currency_field()
    key: str | None = text_field()
    provisioning_token: str | None = sealed_field()
    raw: str = sealed_field()


class TransactionRow(Row, table=True):
    __tablename__ = "transactions"
    __table_args__ = (
        UniqueConstraint("programme", "ref"),
        one_of("kind", TransactionKind),
        one_of("state", TransactionState),
        CheckConstraint("amount_minor >= 0", name="amount"),
        Index(None, "card_id", "occurred_at", "id"),
        Index(None, "occurred_at", "id"),
        Index(None, "programme", "occurred_at"),
        Index(None, "parent_id"),
        Index(None, "ref"),
        Index(None, "programme", "remote_ref", unique=True),
        Index(None, "programme", "parent_ref", sqlite_where=text("parent_ref IS NOT NULL AND parent_id IS NULL")),
    )
    id: str = id_field()
    ref: str = text_field()
    provider: str = text_field()
    programme: str = text_field()
    card_id: str = text_field(foreign_key="cards.id")
    kind: str = text_field()
    state: str = text_field()
    amount_minor: int = minor_field()
    amount_currency: str = currency_field()
    impact_minor: int = minor_field()
    impact_currency: str = currency_field()
    merchant_name: str | None = text_field()
    merchant_mcc: str | None = text_field()
    merchant_category: str | None = text_field()
    merchant_city: str | None = text_field()
    merchant_country: str | None = text_field()
    authorization_code: str | None = text_field()
    parent_id: str | None = text_field(foreign_key="transactions.id")
    occurred_at: str = text_field()
    raw_digest: str | None = text_field()
    remote_ref: str | None = text_field()
    parent_ref: str | None = text_field()
    progress: str | None = text_field()


class LoadRow(Row, table=True):
    """One funding that can be taken back only by its name, and what was not yet taken back of it."""

    __tablename__ = "loads"
    __table_args__ = (CheckConstraint("left_minor >= 0", name="left"), Index(None, "account_id", "created_at"))
    programme: str = id_field()
    ref: str = id_field()
    account_id: str = text_field(foreign_key="accounts.id")
    left_minor: int = minor_field()
    left_currency: str = currency_field()
    created_at: str = text_field()


class OperationRow(Row, table=True):
    """`target` is no foreign key: a card that is being issued is not in the books yet."""

    __tablename__ = "operations"
    __table_args__ = (
        UniqueConstraint("programme", "caller_key"),
        one_of("state", OperationState),
        whole("amount"),
        Index(None, "target", "state"),
        Index(None, "target", "entered"),
        Index(None, "state", "created_at", "id"),
        Index(None, "created_at", "id"),
    )
    id: str = id_field()
    kind: str = text_field()
    target: str = text_field()
    provider: str = text_field()
    programme: str = text_field()
    state: str = text_field()
    digest: str = text_field()
    idempotency_key: str = text_field()
    created_at: str = text_field()
    entered: int = Field(sa_type=BigInteger)
    lease: str = text_field()
    leased_until: str = text_field()
    actor: str = text_field()
    correlation_id: str = text_field()
    caller_key: str | None = text_field()
    amount_minor: int | None = minor_field()
    amount_currency: str | None = currency_field()
    reason: str | None = text_field()
    sent_at: str | None = text_field()
    finished_at: str | None = text_field()
    error_code: str | None = text_field()
    error: str | None = text_field()
    arguments: str = sealed_field()
    draft: str | None = sealed_field()
    about: str | None = text_field()
