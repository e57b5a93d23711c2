"""How things stand in the books at one moment: counts by state, the last reconcile run, the audit's head (words only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cardctl.domain.audit import AuditHead
from cardctl.domain.breaks import RunState

Counts = Mapping[tuple[str, ...], int]
"""How many, by provider and state; of breaks by provider, state and severity; of alerts by state and severity."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last reconcile run that began, and when one last read and compared everything (`done_at`; None: never)."""

    id: str
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    found: int
    fixed: int
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Answers:
    """The attempts at one provider. `answered` below 400, `refused` other 4xx, `failed` 429 and 5xx, `silent` no whole answer.

    `micros` is the sum of the times until an answer, `p95_micros` their 95th percentile; both None where none came.
    """

    provider: str
    answered: int
    refused: int
    failed: int
    silent: int
    micros: int | None
    p95_micros: int | None

    @property
    def answers(self) -> int:
        return self.answered + self.refused + self.failed


@dataclass(frozen=True, slots=True)
class Standing:
    """The books now. `oldest_unapplied_at` is when the oldest event came that is received or failed, and not applied."""

    cards: Counts
    operations: Counts
    events: Counts
    breaks: Counts
    alerts: Counts
    last_run: LastRun | None
    oldest_unapplied_at: datetime | None
    audit: AuditHead
