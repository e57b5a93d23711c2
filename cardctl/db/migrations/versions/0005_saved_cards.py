"""Books for saved cards: the cards, payments with them, refunds, disputes. Nothing that was there changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    """Four new tables, empty."""
    _saved_cards()
    _payments()
    _refunds()
    _disputes()


def _saved_cards() -> None:
    op.create_table(
        "saved_cards",
        *(_text(name) for name in ("id", "provider", "programme", "environment", "person")),
        _text("email", nullable=True),
        _text("state"),
        *(_text(name, nullable=True) for name in ("brand", "last4")),
        sa.Column("exp_month", sa.Integer(), nullable=True),
        sa.Column("exp_year", sa.Integer(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *(_text(name) for name in ("created_at", "updated_at", "synced_at")),
        *(_text(name, nullable=True) for name in ("customer_digest", "ref_digest", "customer_ref", "ref", "raw")),
        _one_of("saved_cards", "state", "pending", "active", "expired", "disabled", "gone"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_cards"),
        sa.UniqueConstraint("programme", "person", name="uq_saved_cards_programme_person"),
    )
    for columns in (
        ("programme", "ref_digest"),
        ("programme", "customer_digest"),
        ("created_at", "id"),
        ("last4",),
        ("person",),
    ):
        _index("saved_cards", *columns)


def _payments() -> None:
    op.create_table(
        "payments",
        *(_text(name) for name in ("id", "ref", "provider", "programme", "saved_card_id")),
        _text("invoice", nullable=True),
        *(_text(name) for name in ("kind", "state")),
        sa.Column("currency", sa.String(3), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("amount_minor", "tip_minor", "captured_minor", "refunded_minor")
        ),
        _text("expires_at", nullable=True),
        *(_text(name) for name in ("created_at", "updated_at", "told_at")),
        sa.Column("asked_minor", sa.BigInteger(), nullable=True),
        _text("raw", nullable=True),
        _one_of("payments", "kind", "charge", "preauth"),
        _one_of("payments", "state", "pending", "approved", "completed", "canceled", "failed", "unknown"),
        sa.CheckConstraint(
            "amount_minor >= 0 AND tip_minor >= 0 AND captured_minor >= 0 AND refunded_minor >= 0", name="ck_payments_amounts"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payments"),
        sa.UniqueConstraint("programme", "ref", name="uq_payments_programme_ref"),
        sa.ForeignKeyConstraint(["saved_card_id"], ["saved_cards.id"], name="fk_payments_saved_card_id_saved_cards"),
    )
    for columns in (
        ("saved_card_id", "created_at", "id"),
        ("created_at", "id"),
        ("state", "expires_at"),
        ("programme", "invoice"),
    ):
        _index("payments", *columns)


def _refunds() -> None:
    op.create_table(
        "refunds",
        *(_text(name) for name in ("id", "ref", "provider", "programme", "payment_id")),
        _text("invoice", nullable=True),
        _text("state"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.String(3), nullable=False),
        _text("reason", nullable=True),
        *(_text(name) for name in ("created_at", "updated_at", "told_at")),
        _text("raw", nullable=True),
        _one_of("refunds", "state", "pending", "completed", "rejected", "failed", "unknown"),
        sa.CheckConstraint("amount_minor >= 0", name="ck_refunds_amount"),
        sa.PrimaryKeyConstraint("id", name="pk_refunds"),
        sa.UniqueConstraint("programme", "ref", name="uq_refunds_programme_ref"),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name="fk_refunds_payment_id_payments"),
    )
    _index("refunds", "payment_id", "created_at")
    _index("refunds", "programme", "invoice")


def _disputes() -> None:
    op.create_table(
        "disputes",
        *(_text(name) for name in ("programme", "ref", "payment_ref", "state")),
        _text("reason", nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.String(3), nullable=False),
        _text("due_at", nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="ck_disputes_amount"),
        sa.PrimaryKeyConstraint("programme", "ref", name="pk_disputes"),
    )
    _index("disputes", "programme", "payment_ref")


def _one_of(table: str, column: str, *words: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(map(repr, words))})", name=f"ck_{table}_{column}")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    kind = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=nullable)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
