"""What a doctor says: one thing that was looked at, how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SLOW_MS = 2_000
"""Milliseconds; beyond it, a programme feels it."""
SKEW = 300
"""Seconds; beyond it, signatures and events seem too old or too young, and the life of an idempotency key is misjudged."""


class Outcome(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `remedy` is what to do, None where nothing is to be done."""

    name: str
    outcome: Outcome
    detail: str
    remedy: str | None = None
