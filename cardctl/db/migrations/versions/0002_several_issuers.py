"""Books for several issuers: balances of accounts' own, fundings by name, providers' rows for our events, the call log; and
what finds a caller's own name for a card, among the cards and among the operations that are making one.

Columns are added at the end of their tables, and uniqueness is an index: then SQLite rewrites no row, however many there are.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    """What version 1 kept stays as it is; the new columns are empty."""
    op.add_column("accounts", _text("own_balances", nullable=True))
    op.add_column("transactions", _text("remote_ref", nullable=True))
    _index("transactions", "programme", "remote_ref", unique=True)
    _index("cards", "account_id", "key", sqlite_where=sa.text('"key" IS NOT NULL'))
    op.add_column("operations", _text("about", nullable=True))
    _loads()
    _calls()


def _loads() -> None:
    op.create_table(
        "loads",
        _text("programme"),
        _text("ref"),
        _text("account_id"),
        sa.Column("left_minor", sa.BigInteger(), nullable=False),
        sa.Column("left_currency", sa.String(3), nullable=False),
        _text("created_at"),
        sa.CheckConstraint("left_minor >= 0", name="ck_loads_left"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_loads_account_id_accounts"),
        sa.PrimaryKeyConstraint("programme", "ref", name="pk_loads"),
    )
    _index("loads", "account_id", "created_at")


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        _text("at"),
        _text("provider"),
        _text("programme", nullable=True),
        _text("operation"),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        _text("request_id", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    _index("calls", "at")
    _index("calls", "provider", "at")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    kind = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=nullable)


def _index(table: str, *columns: str, unique: bool = False, **where: Any) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns), unique=unique, **where)
