"""Alerts as the JSON that scripts rely on, and as a line for a person. Writes nothing."""

from __future__ import annotations

from cardctl.domain.alerts import Alert
from cardctl.output.shapes import Shape, instant

ALERTS = ("fingerprint", "severity", "rule", "state", "provider", "text", "last_at")
"""The columns of a table of alerts."""


def alert_shape(value: Alert) -> Shape:
    """An alert; `evidence` names objects by their kind, and under `freeze` what became of its card."""
    return {
        "fingerprint": value.fingerprint,
        "rule": value.rule.value,
        "severity": value.severity.value,
        "state": value.state.value,
        "provider": value.provider,
        "programme": value.programme,
        "subject": value.subject,
        "card_id": value.card_id,
        "text": value.text,
        "value": value.value,
        "threshold": value.threshold,
        "evidence": value.evidence,
        "action": value.action.value,
        "first_at": instant(value.first_at),
        "last_at": instant(value.last_at),
        "occurrences": value.occurrences,
        "notified_at": instant(value.notified_at),
        "snoozed_until": instant(value.snoozed_until),
        "reason": value.reason,
    }


def alert_line(value: Alert) -> str:
    """An alert in one line."""
    return f"{value.fingerprint} {value.severity} {value.rule}: {value.text}"
