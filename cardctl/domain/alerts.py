"""Alerts: what fires, and what people do about it (the words; the rules are services/flows/alerting)."""

from __future__ import annotations

from enum import StrEnum


class AlertState(StrEnum):
    """`firing` until it is seen to (`acknowledged`, or `snoozed` until a time) or the condition ends (`cleared`)."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    CLEARED = "cleared"
