"""Machines with a clock of the test's own, and what is counted on them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cardctl.db.machine import SECOND, Machine


class Clock:
    """Stands still until it is moved; far from today, so that whoever looked at the real clock would be found out."""

    def __init__(self) -> None:
        self.at = datetime(2100, 10, 21, 7, 28, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def never(text: str) -> None:
    raise AssertionError(f"nothing was to be warned of: {text}")


def machine_at(path: Path, clock: Clock) -> Machine:
    """As a process of its own would open it; any warning fails the test."""
    return Machine(path, clock=clock, warn=never)


def most_in_one_second(moments: Iterable[int]) -> int:
    """The most of these moments (microseconds) that lie within any one second."""
    ordered = sorted(moments)
    most = first = 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= SECOND:
            first += 1
        most = max(most, last - first + 1)
    return most
