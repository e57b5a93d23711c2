"""Books for orders that become eSIMs: orders, their steps, top-ups of the wallet, refunds. Nothing that was there changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    """Four new tables, empty."""
    _orders()
    _steps()
    _topups()
    _refunds()


def _orders() -> None:
    op.create_table(
        "orders",
        *(_text(name) for name in ("id", "programme", "environment", "transaction_id", "state", "offer_id")),
        *(_text(name) for name in ("created_at", "updated_at", "due_at")),
        *(_text(name, nullable=True) for name in ("recipient", "full_name", "title", "checkout_ref", "payment_ref")),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("price_currency", sa.String(3), nullable=True),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=True),
        *(_text(name, nullable=True) for name in ("paid_at", "seen_at", "supplier")),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("cost_currency", sa.String(3), nullable=True),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        *(_text(name, nullable=True) for name in ("purchase_ref", "purchase")),
        sa.Column("reserved_minor", sa.BigInteger(), nullable=True),
        *(_text(name, nullable=True) for name in ("held_at", "bought_at", "issued_at", "iccid", "delivered_at")),
        *(_text(name, nullable=True) for name in ("refunded_at", "reason_code", "reason")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("tries", "disputed", "asked")),
        _text("short_since", nullable=True),
        _text("lease"),
        *(_text(name, nullable=True) for name in ("leased_until", "activation")),
        _text("instructions", nullable=True),
        sa.Column("qr", sa.LargeBinary(), nullable=True),
        _text("raw", nullable=True),
        _one_of("orders", "state", *_STATES),
        sa.CheckConstraint(
            "price_minor >= 0 AND refunded_minor >= 0 AND cost_minor >= 0 AND reserved_minor >= 0", name="ck_orders_amounts"
        ),
        sa.CheckConstraint("(price_minor IS NULL) = (price_currency IS NULL)", name="ck_orders_price"),
        sa.CheckConstraint("(cost_minor IS NULL) = (cost_currency IS NULL)", name="ck_orders_cost"),
        sa.CheckConstraint("reserved_minor IS NULL OR cost_currency IS NOT NULL", name="ck_orders_reserved"),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint("programme", "transaction_id", name="uq_orders_programme_transaction_id"),
        sa.UniqueConstraint("programme", "payment_ref", name="uq_orders_programme_payment_ref"),
        sa.UniqueConstraint("supplier", "purchase_ref", name="uq_orders_supplier_purchase_ref"),
    )
    for columns in (
        ("created_at", "id"),
        ("state", "due_at"),
        ("supplier", "held_at"),
        ("recipient",),
        ("checkout_ref",),
    ):
        _index("orders", *columns)
    op.create_index(
        "ix_orders_supplier_cost_currency", "orders", ["supplier", "cost_currency"], sqlite_where=sa.text("reserved_minor > 0")
    )


def _steps() -> None:
    op.create_table(
        "order_steps",
        *(_text(name) for name in ("order_id", "name", "state", "at")),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        *(_text(name, nullable=True) for name in ("operation_id", "error")),
        _one_of("order_steps", "name", "pay", "price", "fund", "buy", "issue", "mail", "refund", "tell"),
        _one_of("order_steps", "state", "running", "waiting", "done", "failed"),
        sa.PrimaryKeyConstraint("order_id", "name", name="pk_order_steps"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_steps_order_id_orders"),
    )


def _topups() -> None:
    op.create_table(
        "wallet_topups",
        *(_text(name) for name in ("id", "order_id", "programme")),
        *(_text(name, nullable=True) for name in ("ref", "card_id")),
        *_amount(),
        *(_text(name) for name in ("state", "created_at", "updated_at")),
        _text("reason", nullable=True),
        _one_of("wallet_topups", "state", "pending", "settled", "failed", "reversed", "unknown"),
        sa.CheckConstraint("amount_minor >= 0", name="ck_wallet_topups_amount"),
        sa.PrimaryKeyConstraint("id", name="pk_wallet_topups"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_wallet_topups_order_id_orders"),
    )
    _index("wallet_topups", "order_id", "created_at")
    _index("wallet_topups", "programme", "created_at")


def _refunds() -> None:
    op.create_table(
        "sale_refunds",
        *(_text(name) for name in ("id", "ref", "programme", "order_id")),
        *_amount(),
        *(_text(name) for name in ("state", "created_at", "updated_at")),
        *(_text(name, nullable=True) for name in ("reason", "made_by")),
        _one_of("sale_refunds", "state", "pending", "completed", "rejected", "failed", "unknown"),
        sa.CheckConstraint("amount_minor >= 0", name="ck_sale_refunds_amount"),
        sa.PrimaryKeyConstraint("id", name="pk_sale_refunds"),
        sa.UniqueConstraint("programme", "ref", name="uq_sale_refunds_programme_ref"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_sale_refunds_order_id_orders"),
    )
    _index("sale_refunds", "order_id", "created_at")


_STATES = ("unpaid", "paid", "funding", "buying", "ordered", "ready", "delivered", "refunding", "refunded", "stuck")


def _amount() -> tuple[sa.Column[int], sa.Column[str]]:
    minor = sa.Column("amount_minor", sa.BigInteger(), nullable=False)
    return minor, sa.Column("amount_currency", sa.String(3), nullable=False)


def _one_of(table: str, column: str, *words: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(map(repr, words))})", name=f"ck_{table}_{column}")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    kind = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=nullable)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
