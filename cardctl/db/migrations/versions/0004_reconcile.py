"""Books for what reconcile and the alerts remember: runs, breaks and their moves, alerts, daily figures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    """What version 3 kept stays as it is; the new tables are empty."""
    _runs()
    _breaks()
    _break_moves()
    _run_breaks()
    _alerts()
    _days()


def _runs() -> None:
    op.create_table(
        "runs",
        *_texts("id", "state", "started_at"),
        _text("finished_at", nullable=True),
        *_texts("actor", "correlation_id", "programmes", "watermark", "figures", "not_checked"),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("fixed", sa.Integer(), nullable=False),
        _text("digest"),
        _text("error", nullable=True),
        _one_of("runs", "state", "running", "done", "partial", "stopped"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    _index("runs", "started_at", "id")


def _breaks() -> None:
    op.create_table(
        "breaks",
        *_texts("fingerprint", "type", "severity", "provider", "programme", "subject"),
        _text("card_id", nullable=True),
        *_texts("local", "remote"),
        sa.Column("at_risk_minor", sa.BigInteger(), nullable=True),
        sa.Column("at_risk_currency", sa.String(3), nullable=True),
        *_texts("evidence", "cause", "proposed_fix", "first_seen_at", "last_seen_at"),
        sa.Column("occurrences", sa.Integer(), nullable=False),
        _text("state"),
        _text("snoozed_until", nullable=True),
        _text("reason", nullable=True),
        _text("last_run"),
        _severity("breaks"),
        _one_of("breaks", "state", "open", "acknowledged", "snoozed", "accepted", "resolved", "reopened"),
        sa.CheckConstraint("(at_risk_minor IS NULL) = (at_risk_currency IS NULL)", name="ck_breaks_at_risk"),
        sa.CheckConstraint("occurrences >= 1", name="ck_breaks_occurrences"),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_breaks"),
    )
    _index("breaks", "state", "last_seen_at", "fingerprint")
    _index("breaks", "programme", "state")
    _index("breaks", "card_id")
    _index("breaks", "last_seen_at", "fingerprint")
    _index("breaks", "last_run")


def _break_moves() -> None:
    op.create_table(
        "break_moves",
        _text("fingerprint"),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        *_texts("at", "actor"),
        _text("before", nullable=True),
        _text("after"),
        _text("reason", nullable=True),
        _text("run_id", nullable=True),
        sa.ForeignKeyConstraint(["fingerprint"], ["breaks.fingerprint"], name="fk_break_moves_fingerprint_breaks"),
        sa.PrimaryKeyConstraint("fingerprint", "n", name="pk_break_moves"),
    )
    _index("break_moves", "at", "fingerprint")


def _run_breaks() -> None:
    op.create_table(
        "run_breaks",
        *_texts("run_id", "fingerprint"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_breaks_run_id_runs"),
        sa.ForeignKeyConstraint(["fingerprint"], ["breaks.fingerprint"], name="fk_run_breaks_fingerprint_breaks"),
        sa.PrimaryKeyConstraint("run_id", "fingerprint", name="pk_run_breaks"),
    )


def _alerts() -> None:
    op.create_table(
        "alerts",
        *_texts("fingerprint", "rule", "severity", "state"),
        *(_text(name, nullable=True) for name in ("provider", "programme")),
        _text("subject"),
        _text("card_id", nullable=True),
        *_texts("text", "value", "threshold", "evidence", "action", "first_at", "last_at"),
        sa.Column("occurrences", sa.Integer(), nullable=False),
        *(_text(name, nullable=True) for name in ("notified_at", "snoozed_until", "reason")),
        _severity("alerts"),
        _one_of("alerts", "state", "firing", "acknowledged", "snoozed", "cleared"),
        sa.CheckConstraint("occurrences >= 1", name="ck_alerts_occurrences"),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_alerts"),
    )
    _index("alerts", "state", "last_at", "fingerprint")
    _index("alerts", "last_at", "fingerprint")


def _days() -> None:
    op.create_table(
        "days",
        *_texts("programme", "day"),
        sa.Column("currency", sa.String(3), nullable=False),
        _text("provider"),
        sa.Column("purchases", sa.BigInteger(), nullable=False),
        sa.Column("volume_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunds", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("declines", sa.BigInteger(), nullable=False),
        sa.Column("funded_minor", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_minor", sa.BigInteger(), nullable=False),
        sa.Column("active_cards", sa.BigInteger(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        _text("written_at"),
        sa.PrimaryKeyConstraint("programme", "day", "currency", name="pk_days"),
    )
    _index("days", "day")


def _severity(table: str) -> sa.CheckConstraint:
    return _one_of(table, "severity", "info", "warning", "critical")


def _one_of(table: str, column: str, *words: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(map(repr, words))})", name=f"ck_{table}_{column}")


def _texts(*names: str) -> list[sa.Column[str]]:
    return [_text(name) for name in names]


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    kind = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=nullable)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
