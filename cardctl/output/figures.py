"""Measures, the standing of the books and daily figures as JSON, and as the cells of a table."""

from __future__ import annotations

from typing import Any

from cardctl.domain.days import Day
from cardctl.domain.standing import Answers, Counts, LastRun, Standing
from cardctl.domain.targets import Measure
from cardctl.output.shapes import Shape, instant, money

MEASURES = ("name", "target", "measured", "verdict", "sample")
DAYS = ("day", "programme", "purchases", "volume", "refunded", "declines", "funded", "withdrawn", "active_cards", "final")


def measure(value: Measure) -> Shape:
    """A measure; `measured` is null where there is no data. Ratios are 0 to 1, and must be over their target."""
    target = value.target
    return {
        "name": target.name,
        "target": target.bound,
        "measured": value.measured,
        "unit": target.unit.value,
        "verdict": value.verdict.value,
        "sample": value.sample,
        "of": target.text,
    }


def measure_cells(value: Measure) -> Shape:
    """The same for a person: `over 99 %` beside `99.7 %`."""
    return measure(value) | {"target": value.target.wanted, "measured": value.told}


def day(value: Day) -> Shape:
    """What a programme did in one currency on one day (UTC)."""
    return {
        "day": value.day.isoformat(),
        "provider": value.provider,
        "programme": value.programme,
        "currency": value.currency,
        "purchases": value.purchases,
        "volume": money(value.volume),
        "refunds": value.refunds,
        "refunded": money(value.refunded),
        "declines": value.declines,
        "funded": money(value.funded),
        "withdrawn": money(value.withdrawn),
        "active_cards": value.active_cards,
        "final": value.final,
        "written_at": instant(value.written_at),
    }


def answers(value: Answers) -> Shape:
    """The attempts at one provider, by how they ended."""
    mean = value.micros // value.answers if value.micros is not None else None
    return {
        "provider": value.provider,
        "answered": value.answered,
        "refused": value.refused,
        "failed": value.failed,
        "silent": value.silent,
        "mean_ms": None if mean is None else mean // 1000,
        "p95_ms": None if value.p95_micros is None else value.p95_micros // 1000,
    }


def standing(value: Standing) -> Shape:
    """How the books stand: counts by state, and the last reconcile run (null: there was none)."""
    return {
        "cards": _counts(value.cards, "provider", "state"),
        "operations": _counts(value.operations, "provider", "state"),
        "events": _counts(value.events, "provider", "state"),
        "breaks": _counts(value.breaks, "provider", "state", "severity"),
        "alerts": _counts(value.alerts, "state", "severity"),
        "reconcile": None if value.last_run is None else _run(value.last_run),
        "oldest_unapplied_at": instant(value.oldest_unapplied_at),
        "audit_head": {"seq": value.audit.seq, "hash": value.audit.hash},
    }


def _run(run: LastRun) -> Shape:
    return {
        "id": run.id,
        "state": run.state.value,
        "started_at": instant(run.started_at),
        "finished_at": instant(run.finished_at),
        "found": run.found,
        "fixed": run.fixed,
        "done_at": instant(run.done_at),
    }


def _counts(counts: Counts, *names: str) -> list[dict[str, Any]]:
    return [dict(zip(names, key, strict=True)) | {"count": many} for key, many in counts.items()]
