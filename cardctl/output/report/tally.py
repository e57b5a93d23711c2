"""Counts a run's breaks as they pass by: by type, by age, by state, and the money at risk in each currency. Shows nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from cardctl.domain.breaks import Break, BreakState, BreakType, Severity

GRAVEST_FIRST = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
NEW = "new in this run"
AGES: tuple[tuple[str, timedelta], ...] = (
    ("under 1 day", timedelta(days=1)),
    ("1 to 3 days", timedelta(days=3)),
    ("3 to 7 days", timedelta(days=7)),
    ("7 to 30 days", timedelta(days=30)),
)
OLDEST = "over 30 days"
BUCKETS = (NEW, *(name for name, _ in AGES), OLDEST)
_NO_CURRENCY = "~"  # sorts behind every currency


class Tally:
    """What all breaks of the run that began at `started_at` come to. Those that wait for somebody are counted apart."""

    def __init__(self, started_at: datetime) -> None:
        self._started_at = started_at
        self.total = 0
        self.waiting: Counter[Severity] = Counter()
        self.by_type: defaultdict[BreakType, Counter[Severity]] = defaultdict(Counter)
        self.by_age: defaultdict[str, Counter[Severity]] = defaultdict(Counter)
        self.by_state: Counter[BreakState] = Counter()
        self.at_risk: Counter[str] = Counter()

    def add(self, found: Break) -> None:
        """Count one break; the money at risk of those alone that wait."""
        self.total += 1
        self.by_type[found.type][found.severity] += 1
        self.by_age[bucket(self._started_at, found.first_seen_at)][found.severity] += 1
        self.by_state[found.state] += 1
        if not found.waits:
            return
        self.waiting[found.severity] += 1
        if found.at_risk is not None:
            self.at_risk[found.at_risk.currency] += found.at_risk.minor


def bucket(started_at: datetime, first_seen_at: datetime) -> str:
    """How old a break was when the run began, as one of BUCKETS."""
    age = started_at - first_seen_at
    if age <= timedelta():
        return NEW
    return next((name for name, limit in AGES if age < limit), OLDEST)


def gravity(found: Break) -> tuple[bool, int, str, int, str]:
    """The order for people: what waits first, then by severity, then by money at risk.

    Amounts are compared within a currency alone; currencies stand one after the other.
    """
    risk = found.at_risk
    money = (_NO_CURRENCY, 0) if risk is None else (risk.currency, -risk.minor)
    return not found.waits, GRAVEST_FIRST.index(found.severity), *money, found.fingerprint
