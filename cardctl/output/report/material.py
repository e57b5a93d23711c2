"""What a report is made of: the run, its breaks, and where and when it was made. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cardctl.domain.breaks import Break, ReconcileRun

SHOWN = 1_000
"""So many breaks a report for people shows in full; all of them are in the JSON and CSV files."""


@dataclass(frozen=True, slots=True)
class Report:
    """`breaks` gives the run's breaks, gravest first, each with its moves; there may be any number of them."""

    run: ReconcileRun
    breaks: Callable[[], Iterator[Break]]
    made_at: datetime
    profile: str
    environment: str
