"""The tables of what was done: the audit chain and its head, and the calls to providers; the others are in tables.py."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer
from sqlmodel import Field

from cardctl.db.fields import Row, minor_field, text_field

NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""The number of a row, which SQLite counts by itself only as its own INTEGER."""


class AuditRow(Row, table=True):
    """One link of the chain; every column but `hash` goes into the hash as it stands here."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "object", "seq"), Index(None, "at", "seq"))
    seq: int = Field(
        sa_type=NUMBER,
        primary_key=True,
        sa_column_kwargs={"autoincrement": False},
    )
    at: str = text_field()
    actor: str = text_field()
    action: str = text_field()
    object: str = text_field()
    before: str = text_field()
    after: str = text_field()
    reason: str | None = text_field()
    correlation_id: str = text_field()
    hash: str = text_field()


class AuditHeadRow(Row, table=True):
    """One row, apart from the entries, so that a cut tail shows."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)
    id: int = Field(sa_type=Integer, primary_key=True, sa_column_kwargs={"autoincrement": False})
    seq: int = minor_field()
    hash: str = text_field()


class CallRow(Row, table=True):
    """One attempt at a provider; `operation` is its method and path, `status` None where no whole answer came."""

    __tablename__ = "calls"
    __table_args__ = (Index(None, "at"), Index(None, "provider", "at"))
    id: int | None = Field(sa_type=NUMBER, primary_key=True)
    at: str = text_field()
    provider: str = text_field()
    programme: str | None = text_field()
    operation: str = text_field()
    status: int | None
    latency_ms: int
    attempt: int
    request_id: str | None = text_field()
