"""The tables of our books with their constraints and indexes, no behaviour. A column marked `sealed` is encrypted at rest."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, cast

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, MetaData, String, Table, UniqueConstraint
from sqlmodel import Field, SQLModel

from cardctl.db.columns import Text
from cardctl.domain.accounts import AccountState, Kyc
from cardctl.domain.operations import OperationState
from cardctl.domain.states import CardState
from cardctl.domain.transactions import TransactionKind, TransactionState


class Row(SQLModel):
    """The base of every row. Constraint names are set from the first migration on: later ones find constraints by name."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def table_of(row: type[Row]) -> Table:
    """The Core table of a row class: lists are read as plain tuples, not as objects of a session."""
    return cast(Table, row.__table__)  # type: ignore[attr-defined]


def _text(**options: Any) -> Any:
    return Field(sa_type=Text, **options)


def _id(**options: Any) -> Any:
    return Field(sa_type=Text, primary_key=True, **options)


def _sealed(**options: Any) -> Any:
    return Field(sa_type=Text, sa_column_kwargs={"info": {"sealed": True}}, **options)


def _minor(**options: Any) -> Any:
    return Field(sa_type=BigInteger, **options)


def _currency(**options: Any) -> Any:
    return Field(sa_type=String(3), **options)


def _one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(str(word)) for word in words)})", name=column)


def _whole(name: str) -> CheckConstraint:
    """An amount has both of its columns or neither."""
    return CheckConstraint(f"({name}_minor IS NULL) = ({name}_currency IS NULL)", name=name)


class MetaRow(Row, table=True):
    __tablename__ = "meta"
    key: str = _id()
    value: str = _text()


class SchemaVersionRow(Row, table=True):
    """One row: the number of the last migration that these books have had."""

    __tablename__ = "schema_version"
    n: int = Field(sa_type=Integer, primary_key=True, sa_column_kwargs={"autoincrement": False})


class CursorRow(Row, table=True):
    """How far a stream of a programme has been read."""

    __tablename__ = "cursors"
    programme: str = _id()
    stream: str = _id()
    position: str = _text()


class AccountRow(Row, table=True):
    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("programme", "ref"),
        UniqueConstraint("programme", "external_id"),
        _one_of("state", AccountState),
        _one_of("kyc", Kyc),
        Index(None, "created_at", "id"),
        Index(None, "provider", "created_at", "id"),
        Index(None, "state", "created_at", "id"),
        Index(None, "ref"),
        Index(None, "external_id"),
    )
    id: str = _id()
    ref: str | None = _text()
    external_id: str | None = _text()
    provider: str = _text()
    programme: str = _text()
    environment: str = _text()
    name: str = _text()
    email: str | None = _text()
    state: str = _text()
    kyc: str = _text()
    compliance_flags: str = _text()
    created_at: str = _text()
    updated_at: str = _text()
    raw: str = _sealed()


class CardRow(Row, table=True):
    __tablename__ = "cards"
    __table_args__ = (
        UniqueConstraint("programme", "ref"),
        _one_of("state", CardState),
        *(_whole(name) for name in ("balance", "per_transaction", "daily", "weekly", "monthly", "allowance")),
        Index(None, "created_at", "id"),
        Index(None, "account_id", "created_at", "id"),
        Index(None, "provider", "created_at", "id"),
        Index(None, "state", "created_at", "id"),
        Index(None, "last4"),
        Index(None, "ref"),
    )
    id: str = _id()
    ref: str = _text()
    provider: str = _text()
    programme: str = _text()
    account_id: str = _text(foreign_key="accounts.id")
    holder: str = _text()
    brand: str | None = _text()
    type: str = _text()
    last4: str = _text()
    exp_month: int
    exp_year: int
    currency: str = _currency()
    state: str = _text()
    state_reason: str | None = _text()
    balance_minor: int | None = _minor()
    balance_currency: str | None = _currency()
    per_transaction_minor: int | None = _minor()
    per_transaction_currency: str | None = _currency()
    daily_minor: int | None = _minor()
    daily_currency: str | None = _currency()
    weekly_minor: int | None = _minor()
    weekly_currency: str | None = _currency()
    monthly_minor: int | None = _minor()
    monthly_currency: str | None = _currency()
    created_at: str = _text()
    updated_at: str = _text()
    synced_at: str = _text()
    ever_active: bool
    allowance_minor: int | None = _minor()
    allowance_currency: str | None = _currency()
    key: str | None = _text()
    provisioning_token: str | None = _sealed()
    raw: str = _sealed()


class TransactionRow(Row, table=True):
    __tablename__ = "transactions"
    __table_args__ = (
        UniqueConstraint("programme", "ref"),
        _one_of("kind", TransactionKind),
        _one_of("state", TransactionState),
        CheckConstraint("amount_minor >= 0", name="amount"),
        Index(None, "card_id", "occurred_at", "id"),
        Index(None, "occurred_at", "id"),
        Index(None, "programme", "occurred_at"),
        Index(None, "parent_id"),
        Index(None, "ref"),
    )
    id: str = _id()
    ref: str = _text()
    provider: str = _text()
    programme: str = _text()
    card_id: str = _text(foreign_key="cards.id")
    kind: str = _text()
    state: str = _text()
    amount_minor: int = _minor()
    amount_currency: str = _currency()
    impact_minor: int = _minor()
    impact_currency: str = _currency()
    merchant_name: str | None = _text()
    merchant_mcc: str | None = _text()
    merchant_category: str | None = _text()
    merchant_city: str | None = _text()
    merchant_country: str | None = _text()
    authorization_code: str | None = _text()
    parent_id: str | None = _text(foreign_key="transactions.id")
    occurred_at: str = _text()
    raw_digest: str | None = _text()


class OperationRow(Row, table=True):
    """`target` is no foreign key: a card that is being issued is not in the books yet."""

    __tablename__ = "operations"
    __table_args__ = (
        UniqueConstraint("programme", "caller_key"),
        _one_of("state", OperationState),
        _whole("amount"),
        Index(None, "target", "state"),
        Index(None, "target", "entered"),
        Index(None, "state", "created_at", "id"),
        Index(None, "created_at", "id"),
    )
    id: str = _id()
    kind: str = _text()
    target: str = _text()
    provider: str = _text()
    programme: str = _text()
    state: str = _text()
    digest: str = _text()
    idempotency_key: str = _text()
    created_at: str = _text()
    entered: int = Field(sa_type=BigInteger)
    lease: str = _text()
    leased_until: str = _text()
    actor: str = _text()
    correlation_id: str = _text()
    caller_key: str | None = _text()
    amount_minor: int | None = _minor()
    amount_currency: str | None = _currency()
    reason: str | None = _text()
    sent_at: str | None = _text()
    finished_at: str | None = _text()
    error_code: str | None = _text()
    error: str | None = _text()
    arguments: str = _sealed()
    draft: str | None = _sealed()


class AuditRow(Row, table=True):
    """One link of the chain; every column but `hash` goes into the hash as it stands here."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "object", "seq"), Index(None, "at", "seq"))
    seq: int = Field(
        sa_type=BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        sa_column_kwargs={"autoincrement": False},
    )
    at: str = _text()
    actor: str = _text()
    action: str = _text()
    object: str = _text()
    before: str = _text()
    after: str = _text()
    reason: str | None = _text()
    correlation_id: str = _text()
    hash: str = _text()


class AuditHeadRow(Row, table=True):
    """One row, apart from the entries, so that a cut tail shows."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)
    id: int = Field(sa_type=Integer, primary_key=True, sa_column_kwargs={"autoincrement": False})
    seq: int = _minor()
    hash: str = _text()
