"""Breaks: how our books differ from a provider's, with their memory and fingerprint; their kinds are in break_kinds.py."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cardctl.domain.break_kinds import KINDS, BreakType, Kind, Remedy, Severity
from cardctl.domain.money import Money

__all__ = [
    "KINDS",
    "WAITING",
    "Break",
    "BreakState",
    "BreakType",
    "Finding",
    "Kind",
    "Move",
    "ReconcileRun",
    "Remedy",
    "RunState",
    "Severity",
    "fingerprint",
]


class BreakState(StrEnum):
    """`open` and `reopened` wait for somebody; the others were seen to, or are gone (`resolved`)."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"
    REOPENED = "reopened"


WAITING = frozenset({BreakState.OPEN, BreakState.REOPENED})
"""States in which nobody has seen to a break yet."""


class RunState(StrEnum):
    """`partial`: some of it could not be read; `stopped`: a safety stop, nothing was concluded."""

    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference as one run sees it. `subject` is the provider's name for the object (ours, where it has none).

    `local` and `remote` hold only what differs, as plain JSON; `delta` is how much more the provider's side lets the card
    spend, in minor units, because of it. `evidence` names objects, events and operations. `severity`, `cause`, `fix` and
    `remedy` None are those of its kind.
    """

    type: BreakType
    subject: str
    provider: str
    programme: str
    card_id: str | None = None
    local: dict[str, Any] = field(default_factory=dict)
    remote: dict[str, Any] = field(default_factory=dict)
    at_risk: Money | None = None
    delta: int = 0
    evidence: dict[str, list[str]] = field(default_factory=dict)
    severity: Severity | None = None
    cause: str | None = None
    fix: str | None = None
    remedy: Remedy | None = None

    @property
    def kind(self) -> Kind:
        """What its type means, with what this one knows better."""
        known = KINDS[self.type]
        return Kind(
            self.severity or known.severity, self.cause or known.cause, self.fix or known.fix, self.remedy or known.remedy
        )

    @property
    def fingerprint(self) -> str:
        """The same from run to run: it is made of what it is about, and of nothing that moves."""
        return fingerprint(self.programme, self.type, self.subject)

    def plain(self) -> dict[str, Any]:
        """As JSON; `from_plain` reads it."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return told | {"at_risk": [self.at_risk.minor, self.at_risk.currency] if self.at_risk else None}

    @staticmethod
    def from_plain(told: dict[str, Any]) -> Finding:
        risk, severity, remedy = told["at_risk"], told["severity"], told["remedy"]
        words = {
            "type": BreakType(told["type"]),
            "at_risk": Money(*risk) if risk else None,
            "severity": Severity(severity) if severity else None,
            "remedy": Remedy(remedy) if remedy else None,
        }
        return Finding(**{**told, **words})


@dataclass(frozen=True, slots=True)
class Break:
    """A difference with its memory. `moves` are its steps, oldest first, where they were asked for."""

    fingerprint: str
    type: BreakType
    severity: Severity
    provider: str
    programme: str
    subject: str
    card_id: str | None
    local: dict[str, Any]
    remote: dict[str, Any]
    at_risk: Money | None
    evidence: dict[str, list[str]]
    cause: str
    proposed_fix: str
    first_seen_at: datetime
    last_seen_at: datetime
    occurrences: int
    state: BreakState
    snoozed_until: datetime | None
    reason: str | None
    last_run: str
    moves: tuple[Move, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether somebody must see to it: it is more than information, and nobody has yet."""
        return self.severity is not Severity.INFO and self.state in WAITING


@dataclass(frozen=True, slots=True)
class Move:
    """One step in a break's life; `before` None: it was found."""

    at: datetime
    actor: str
    before: BreakState | None
    after: BreakState
    reason: str | None
    run_id: str | None


@dataclass(frozen=True, slots=True)
class ReconcileRun:
    """One run as it is remembered. `programmes` is one JSON object per programme that was to be read, `watermark` says per
    programme and source what was read and compared, `figures` counts and sums, `not_checked` what was left out and why."""

    id: str
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    actor: str
    correlation_id: str
    programmes: list[str]
    watermark: dict[str, Any]
    figures: dict[str, Any]
    not_checked: list[str]
    found: int
    fixed: int
    digest: str
    error: str | None = None


def fingerprint(programme: str, type: BreakType, subject: str) -> str:  # noqa: A002 - the field's own word
    """`brk_` and 20 characters."""
    return "brk_" + hashlib.sha256(f"{programme}\n{type}\n{subject}".encode("utf-8", "backslashreplace")).hexdigest()[:20]
