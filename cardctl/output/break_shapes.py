"""Reconcile's runs, breaks and moves as the JSON that scripts rely on. Writes nothing."""

from __future__ import annotations

from cardctl.domain.breaks import Break, Move, ReconcileRun
from cardctl.output.shapes import Shape, instant, money

BREAK_FIELDS = (
    "fingerprint", "type", "severity", "provider", "programme", "subject", "card_id", "local", "remote", "at_risk", "evidence",
    "cause", "proposed_fix", "first_seen_at", "last_seen_at", "occurrences", "state", "snoozed_until", "reason",
)  # fmt: skip
"""A break's fields in their order, without its `moves`."""
BREAK_COLUMNS = ("fingerprint", "severity", "type", "card_id", "subject", "at_risk", "state", "last_seen_at", "occurrences")
RUN_COLUMNS = ("id", "started_at", "state", "found", "fixed", "actor")
"""What tables show of them."""


def break_shape(value: Break, *, moves: bool = False) -> Shape:
    """A break; `local` and `remote` hold only what differs, `moves` its history where that is asked for."""
    shape = {
        "fingerprint": value.fingerprint,
        "type": value.type.value,
        "severity": value.severity.value,
        "provider": value.provider,
        "programme": value.programme,
        "subject": value.subject,
        "card_id": value.card_id,
        "local": value.local,
        "remote": value.remote,
        "at_risk": money(value.at_risk),
        "evidence": value.evidence,
        "cause": value.cause,
        "proposed_fix": value.proposed_fix,
        "first_seen_at": instant(value.first_seen_at),
        "last_seen_at": instant(value.last_seen_at),
        "occurrences": value.occurrences,
        "state": value.state.value,
        "snoozed_until": instant(value.snoozed_until),
        "reason": value.reason,
    }
    return shape | {"moves": [move_shape(move) for move in value.moves]} if moves else shape


def move_shape(value: Move) -> Shape:
    """One step in a break's life; `before` null: it was found."""
    return {
        "at": instant(value.at),
        "actor": value.actor,
        "before": None if value.before is None else value.before.value,
        "after": value.after.value,
        "reason": value.reason,
        "run_id": value.run_id,
    }


def run_shape(value: ReconcileRun) -> Shape:
    """One reconcile run: what it read (`watermark`), counted (`figures`), left out (`not_checked`) and found."""
    return {
        "id": value.id,
        "state": value.state.value,
        "started_at": instant(value.started_at),
        "finished_at": instant(value.finished_at),
        "actor": value.actor,
        "correlation_id": value.correlation_id,
        "programmes": value.programmes,
        "watermark": value.watermark,
        "figures": value.figures,
        "not_checked": value.not_checked,
        "found": value.found,
        "fixed": value.fixed,
        "digest": value.digest,
        "error": value.error,
    }
