"""Books for what providers tell: events, top-ups; and of a money event how far it had come, and its parent's name.

Columns are added at the end of their tables: then SQLite rewrites no row, however many there are.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    """What version 2 kept stays as it is; the new columns and tables are empty."""
    op.add_column("transactions", _text("parent_ref", nullable=True))
    op.add_column("transactions", _text("progress", nullable=True))
    _index("transactions", "programme", "parent_ref", sqlite_where=sa.text("parent_ref IS NOT NULL AND parent_id IS NULL"))
    _events()
    _topups()


def _events() -> None:
    op.create_table(
        "events",
        *(_text(name) for name in ("id", "provider", "programme", "event_id", "type")),
        *(_text(name, nullable=True) for name in ("object_ref", "card_ref", "occurred_at")),
        *(_text(name) for name in ("received_at", "signature", "source", "state")),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _text("error", nullable=True),
        _text("waits_for", nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        _text("digest"),
        _text("carrier", nullable=True),
        sa.Column("message", sa.LargeBinary(), nullable=True),
        _one_of("events", "state", "received", "applied", "ignored", "failed", "dead", "quarantined"),
        _one_of("events", "signature", "valid", "invalid", "stale", "absent"),
        _one_of("events", "source", "served", "ingested", "imported", "backfilled"),
        sa.CheckConstraint("attempts >= 0 AND times >= 1", name="ck_events_counts"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    _index("events", "received_at", "id")
    _index("events", "programme", "card_ref")
    unfinished = sa.text("state IN ('received', 'failed', 'dead')")
    _index("events", "state", "received_at", "id", sqlite_where=unfinished)
    _index("events", "programme", "waits_for", sqlite_where=sa.text("waits_for IS NOT NULL"))


def _topups() -> None:
    op.create_table(
        "topups",
        _text("programme"),
        _text("ref"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.String(3), nullable=False),
        _text("state"),
        _text("occurred_at"),
        _one_of("topups", "state", "pending", "settled", "failed", "reversed", "unknown"),
        sa.CheckConstraint("amount_minor >= 0", name="ck_topups_amount"),
        sa.PrimaryKeyConstraint("programme", "ref", name="pk_topups"),
    )


def _one_of(table: str, column: str, *words: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(map(repr, words))})", name=f"ck_{table}_{column}")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    kind = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=nullable)


def _index(table: str, *columns: str, unique: bool = False, **where: Any) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns), unique=unique, **where)
