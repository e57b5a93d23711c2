"""Runs and breaks for the tests of reports; a test names only what matters to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cardctl.domain.breaks import KINDS, Break, BreakState, BreakType, Move, ReconcileRun, RunState, fingerprint
from cardctl.domain.money import Money
from cardctl.output.report import Report

BEGUN = datetime(2026, 11, 26, 2, 0, 0, 250_000, UTC)
PROGRAMME = "stripe/default"


def before(**since: float) -> datetime:
    """A time before the run began."""
    return BEGUN - timedelta(**since)


def shape(minor: int, currency: str = "USD") -> dict[str, Any]:
    """Money as JSON has it."""
    return {"minor": minor, "currency": currency, "amount": Money(minor, currency).amount}


def move(after: BreakState, was: BreakState | None = None, **fields: Any) -> Move:
    given: dict[str, Any] = {"at": BEGUN, "actor": "ada", "before": was, "after": after, "reason": None, "run_id": "run_1"}
    return Move(**given | fields)


def found(type: BreakType = BreakType.CARD_STATE, subject: str = "ic_1", **fields: Any) -> Break:  # noqa: A002
    kind = KINDS[type]
    given: dict[str, Any] = {
        "fingerprint": fingerprint(PROGRAMME, type, subject),
        "type": type,
        "severity": kind.severity,
        "provider": "stripe",
        "programme": PROGRAMME,
        "subject": subject,
        "card_id": "card_00000001",
        "local": {"state": "active"},
        "remote": {"state": "frozen"},
        "at_risk": None,
        "evidence": {},
        "cause": kind.cause,
        "proposed_fix": kind.fix,
        "first_seen_at": BEGUN,
        "last_seen_at": BEGUN,
        "occurrences": 1,
        "state": BreakState.OPEN,
        "snoozed_until": None,
        "reason": None,
        "last_run": "run_1",
        "moves": (move(BreakState.OPEN),),
    }
    return Break(**given | fields)


def run(**fields: Any) -> ReconcileRun:
    given: dict[str, Any] = {
        "id": "run_0000000000000001",
        "state": RunState.DONE,
        "started_at": BEGUN,
        "finished_at": BEGUN + timedelta(seconds=75),
        "actor": "cron",
        "correlation_id": "cor_1",
        "programmes": [PROGRAMME, "marqeta/eu"],
        "watermark": WATERMARK,
        "figures": FIGURES,
        "not_checked": [],
        "found": 0,
        "fixed": 0,
        "digest": "sha256:5c1d",
        "error": None,
    }
    return ReconcileRun(**given | fields)


def report(breaks: Sequence[Break] = (), **fields: Any) -> Report:
    def each() -> Iterator[Break]:
        yield from breaks

    return Report(run(**fields), each, BEGUN + timedelta(seconds=80), "nightly", "simulator")


def _line(programme: str, currency: str, here: int, there: int, **fields: Any) -> dict[str, Any]:
    line = {"programme": programme, "currency": currency, "balance_here": here, "balance_there": there, "drift": here - there}
    return line | {"held": 1_250_00, "settled": 48_211_40, "refunded": 900_00, "float": None} | fields


FIGURES: dict[str, Any] = {
    "programmes": {
        PROGRAMME: {
            "provider": "stripe",
            "accounts": {"here": 3, "there": 3},
            "cards": {"here": 1_203, "there": 1_204},
            "transactions": {"here": 51_204, "there": 51_204},
            "requests": 540,
            "frozen": 12,
            "states": {"active": 1_190, "frozen": 12, "closed": 1},
        },
        "marqeta/eu": {
            "provider": "marqeta",
            "accounts": {"here": 8, "there": 8},
            "cards": {"here": 88, "there": 88},
            "transactions": {"here": 730, "there": 730},
            "requests": 21,
            "frozen": 1,
            "states": {"active": 87, "frozen": 1},
        },
    },
    "totals": [
        _line(PROGRAMME, "USD", 1_204_881_17, 1_204_756_17, float=9_876_543_21),
        _line("marqeta/eu", "USD", 20_000_00, 20_125_00),
        _line("marqeta/eu", "EUR", 11_500_00, 11_500_00),
        _line("marqeta/eu", "JPY", 4_500_000, 4_500_000, held=0, settled=120_000, refunded=0),
    ],
    "by_type": {"card_state": 1},
    "seconds": {"reading": 61.24, "comparing": 12.5},
}
WATERMARK: dict[str, Any] = {
    PROGRAMME: {
        "accounts": {"read_from": "2026-11-26T02:00:00.250000Z", "read_to": "2026-11-26T02:00:03.000000Z"},
        "transactions": {"since": None, "cutoff": "2026-11-26T01:50:00.250000Z", "newest": "2026-11-26T01:41:10.000000Z"},
    },
    "marqeta/eu": {
        "cards": {"read_from": "2026-11-26T02:00:03.000000Z", "read_to": "2026-11-26T02:00:09.500000Z"},
        "provider_clock": "2026-11-26T02:00:04.000000Z",
    },
}
