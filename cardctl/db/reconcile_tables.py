"""The tables of what reconcile and the alerts remember: runs, breaks and how they were moved, alerts, daily figures."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, String
from sqlmodel import Field

from cardctl.db.fields import Row, currency_field, id_field, minor_field, one_of, text_field, whole
from cardctl.domain.alerts import AlertState
from cardctl.domain.breaks import BreakState, RunState, Severity


class RunRow(Row, table=True):
    """One reconcile run. `programmes`, `watermark`, `figures` and `not_checked` are JSON; `digest` is that of its findings."""

    __tablename__ = "runs"
    __table_args__ = (one_of("state", RunState), Index(None, "started_at", "id"))
    id: str = id_field()
    state: str = text_field()
    started_at: str = text_field()
    finished_at: str | None = text_field()
    actor: str = text_field()
    correlation_id: str = text_field()
    programmes: str = text_field()
    watermark: str = text_field()
    figures: str = text_field()
    not_checked: str = text_field()
    found: int = Field(sa_type=Integer)
    fixed: int = Field(sa_type=Integer)
    digest: str = text_field()
    error: str | None = text_field()


class BreakRow(Row, table=True):
    """One difference, by its fingerprint. `card_id` is no foreign key: a card may be missing here. `local`, `remote` and
    `evidence` are JSON. `type` is left unchecked: there will be more of them."""

    __tablename__ = "breaks"
    __table_args__ = (
        one_of("severity", Severity),
        one_of("state", BreakState),
        whole("at_risk"),
        CheckConstraint("occurrences >= 1", name="occurrences"),
        Index(None, "state", "last_seen_at", "fingerprint"),
        Index(None, "programme", "state"),
        Index(None, "card_id"),
        Index(None, "last_seen_at", "fingerprint"),
        Index(None, "last_run"),
    )
    fingerprint: str = id_field()
    type: str = text_field()
    severity: str = text_field()
    provider: str = text_field()
    programme: str = text_field()
    subject: str = text_field()
    card_id: str | None = text_field()
    local: str = text_field()
    remote: str = text_field()
    at_risk_minor: int | None = minor_field()
    at_risk_currency: str | None = currency_field()
    evidence: str = text_field()
    cause: str = text_field()
    proposed_fix: str = text_field()
    first_seen_at: str = text_field()
    last_seen_at: str = text_field()
    occurrences: int = Field(sa_type=Integer)
    state: str = text_field()
    snoozed_until: str | None = text_field()
    reason: str | None = text_field()
    last_run: str = text_field()


class BreakMoveRow(Row, table=True):
    """One step in a break's life: who moved it from where to where, and why."""

    __tablename__ = "break_moves"
    __table_args__ = (Index(None, "at", "fingerprint"),)
    fingerprint: str = id_field(foreign_key="breaks.fingerprint")
    n: int = Field(sa_type=Integer, primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: str = text_field()
    actor: str = text_field()
    before: str | None = text_field()
    after: str = text_field()
    reason: str | None = text_field()
    run_id: str | None = text_field()


class RunBreakRow(Row, table=True):
    """That a run found a break."""

    __tablename__ = "run_breaks"
    run_id: str = id_field(foreign_key="runs.id")
    fingerprint: str = id_field(foreign_key="breaks.fingerprint")


class AlertRow(Row, table=True):
    """One alert, by its fingerprint. `value` and `threshold` are said in words; `notified_at` None: nobody was told yet."""

    __tablename__ = "alerts"
    __table_args__ = (
        one_of("severity", Severity),
        one_of("state", AlertState),
        CheckConstraint("occurrences >= 1", name="occurrences"),
        Index(None, "state", "last_at", "fingerprint"),
        Index(None, "last_at", "fingerprint"),
    )
    fingerprint: str = id_field()
    rule: str = text_field()
    severity: str = text_field()
    state: str = text_field()
    provider: str | None = text_field()
    programme: str | None = text_field()
    subject: str = text_field()
    card_id: str | None = text_field()
    text: str = text_field()
    value: str = text_field()
    threshold: str = text_field()
    evidence: str = text_field()
    action: str = text_field()
    first_at: str = text_field()
    last_at: str = text_field()
    occurrences: int = Field(sa_type=Integer)
    notified_at: str | None = text_field()
    snoozed_until: str | None = text_field()
    reason: str | None = text_field()


class DayRow(Row, table=True):
    """What a programme did in one currency on one day (UTC). `final`: the day was over, and its late word is in."""

    __tablename__ = "days"
    __table_args__ = (Index(None, "day"),)
    programme: str = id_field()
    day: str = id_field()
    currency: str = Field(sa_type=String(3), primary_key=True)
    provider: str = text_field()
    purchases: int = Field(sa_type=BigInteger)
    volume_minor: int = minor_field()
    refunds: int = Field(sa_type=BigInteger)
    refunded_minor: int = minor_field()
    declines: int = Field(sa_type=BigInteger)
    funded_minor: int = minor_field()
    withdrawn_minor: int = minor_field()
    active_cards: int = Field(sa_type=BigInteger)
    final: bool
    written_at: str = text_field()
