"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    """An empty database becomes books."""
    _accounts()
    _audit()
    _audit_head()
    _cursors()
    _meta()
    _operations()
    _schema_version()
    _cards()
    _transactions()


def _accounts() -> None:
    op.create_table(
        "accounts",
        _text("id"),
        _text("ref", nullable=True),
        _text("external_id", nullable=True),
        _text("provider"),
        _text("programme"),
        _text("environment"),
        _text("name"),
        _text("email", nullable=True),
        _text("state"),
        _text("kyc"),
        _text("compliance_flags"),
        _text("created_at"),
        _text("updated_at"),
        _text("raw"),
        _one_of("accounts", "kyc", "none pending verified rejected"),
        _one_of("accounts", "state", "pending active suspended closed"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("programme", "external_id", name="uq_accounts_programme_external_id"),
        sa.UniqueConstraint("programme", "ref", name="uq_accounts_programme_ref"),
    )
    _index("accounts", "created_at", "id")
    _index("accounts", "external_id")
    _index("accounts", "provider", "created_at", "id")
    _index("accounts", "ref")
    _index("accounts", "state", "created_at", "id")


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        _text("at"),
        _text("actor"),
        _text("action"),
        _text("object"),
        _text("before"),
        _text("after"),
        _text("reason", nullable=True),
        _text("correlation_id"),
        _text("hash"),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    _index("audit", "at", "seq")
    _index("audit", "object", "seq")


def _audit_head() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        _text("hash"),
        sa.CheckConstraint("id = 1", name="ck_audit_head_one"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )


def _cursors() -> None:
    op.create_table(
        "cursors",
        _text("programme"),
        _text("stream"),
        _text("position"),
        sa.PrimaryKeyConstraint("programme", "stream", name="pk_cursors"),
    )


def _meta() -> None:
    op.create_table("meta", _text("key"), _text("value"), sa.PrimaryKeyConstraint("key", name="pk_meta"))


def _operations() -> None:
    op.create_table(
        "operations",
        _text("id"),
        _text("kind"),
        _text("target"),
        _text("provider"),
        _text("programme"),
        _text("state"),
        _text("digest"),
        _text("idempotency_key"),
        _text("created_at"),
        sa.Column("entered", sa.BigInteger(), nullable=False),
        _text("lease"),
        _text("leased_until"),
        _text("actor"),
        _text("correlation_id"),
        _text("caller_key", nullable=True),
        *_money("amount", nullable=True),
        _text("reason", nullable=True),
        _text("sent_at", nullable=True),
        _text("finished_at", nullable=True),
        _text("error_code", nullable=True),
        _text("error", nullable=True),
        _text("arguments"),
        _text("draft", nullable=True),
        _one_of("operations", "state", "intended sent done refused in_doubt"),
        _whole("operations", "amount"),
        sa.PrimaryKeyConstraint("id", name="pk_operations"),
        sa.UniqueConstraint("programme", "caller_key", name="uq_operations_programme_caller_key"),
    )
    _index("operations", "created_at", "id")
    _index("operations", "state", "created_at", "id")
    _index("operations", "target", "entered")
    _index("operations", "target", "state")


def _schema_version() -> None:
    op.create_table(
        "schema_version",
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_schema_version"),
    )


def _cards() -> None:
    op.create_table(
        "cards",
        _text("id"),
        _text("ref"),
        _text("provider"),
        _text("programme"),
        _text("account_id"),
        _text("holder"),
        _text("brand", nullable=True),
        _text("type"),
        _text("last4"),
        sa.Column("exp_month", sa.Integer(), nullable=False),
        sa.Column("exp_year", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        _text("state"),
        _text("state_reason", nullable=True),
        *_money("balance", nullable=True),
        *_money("per_transaction", nullable=True),
        *_money("daily", nullable=True),
        *_money("weekly", nullable=True),
        *_money("monthly", nullable=True),
        _text("created_at"),
        _text("updated_at"),
        _text("synced_at"),
        sa.Column("ever_active", sa.Boolean(), nullable=False),
        *_money("allowance", nullable=True),
        _text("key", nullable=True),
        _text("provisioning_token", nullable=True),
        _text("raw"),
        _one_of("cards", "state", "pending active inactive frozen suspended closed failed unknown"),
        _whole("cards", "allowance"),
        _whole("cards", "balance"),
        _whole("cards", "daily"),
        _whole("cards", "monthly"),
        _whole("cards", "per_transaction"),
        _whole("cards", "weekly"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_cards_account_id_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_cards"),
        sa.UniqueConstraint("programme", "ref", name="uq_cards_programme_ref"),
    )
    _index("cards", "account_id", "created_at", "id")
    _index("cards", "created_at", "id")
    _index("cards", "last4")
    _index("cards", "provider", "created_at", "id")
    _index("cards", "ref")
    _index("cards", "state", "created_at", "id")


def _transactions() -> None:
    op.create_table(
        "transactions",
        _text("id"),
        _text("ref"),
        _text("provider"),
        _text("programme"),
        _text("card_id"),
        _text("kind"),
        _text("state"),
        *_money("amount"),
        *_money("impact"),
        _text("merchant_name", nullable=True),
        _text("merchant_mcc", nullable=True),
        _text("merchant_category", nullable=True),
        _text("merchant_city", nullable=True),
        _text("merchant_country", nullable=True),
        _text("authorization_code", nullable=True),
        _text("parent_id", nullable=True),
        _text("occurred_at"),
        _text("raw_digest", nullable=True),
        _one_of("transactions", "kind", "authorization settlement reversal refund chargeback decline fee funding withdrawal"),
        _one_of("transactions", "state", "pending approved declined settled reversed expired unknown"),
        sa.CheckConstraint("amount_minor >= 0", name="ck_transactions_amount"),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name="fk_transactions_card_id_cards"),
        sa.ForeignKeyConstraint(["parent_id"], ["transactions.id"], name="fk_transactions_parent_id_transactions"),
        sa.PrimaryKeyConstraint("id", name="pk_transactions"),
        sa.UniqueConstraint("programme", "ref", name="uq_transactions_programme_ref"),
    )
    _index("transactions", "card_id", "occurred_at", "id")
    _index("transactions", "occurred_at", "id")
    _index("transactions", "parent_id")
    _index("transactions", "programme", "occurred_at")
    _index("transactions", "ref")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    kind = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=nullable)


def _money(name: str, *, nullable: bool = False) -> list[sa.Column[Any]]:
    minor: sa.Column[Any] = sa.Column(f"{name}_minor", sa.BigInteger(), nullable=nullable)
    return [minor, sa.Column(f"{name}_currency", sa.String(3), nullable=nullable)]


def _one_of(table: str, column: str, words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words.split())
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"ck_{table}_{column}")


def _whole(table: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"({name}_minor IS NULL) = ({name}_currency IS NULL)", name=f"ck_{table}_{name}")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
