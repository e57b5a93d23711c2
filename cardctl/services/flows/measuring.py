"""Targets beside what was measured, how the books stand, and the last days: all of one snapshot. Asks no provider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cardctl.db.unit import Books, Unit
from cardctl.domain import targets
from cardctl.domain.days import Day
from cardctl.domain.order_figures import NO_ORDERS, OrderFigures
from cardctl.domain.standing import Answers, Standing
from cardctl.domain.targets import Measure, Verdict
from cardctl.services.deeds.dailies import keep_days
from cardctl.stopping import never


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured from `since` on until `until`, the books as they were then, and their last days, newest first."""

    since: datetime
    until: datetime
    measures: tuple[Measure, ...]
    answers: tuple[Answers, ...]
    standing: Standing
    days: tuple[Day, ...]
    orders: OrderFigures = NO_ORDERS

    @property
    def missed(self) -> bool:
        """Whether a target is missed; one without data is not."""
        return any(measure.verdict is Verdict.MISSED for measure in self.measures)


def measure(
    books: Books, clock: Callable[[], datetime], *, since: datetime, days: int = 0, provider: str | None = None
) -> Figures:
    """Measure what began from `since` on; `days` last days (today is the first of them), as far as they were kept."""
    now = clock().astimezone(UTC)
    with books.read() as unit:
        return Figures(
            since,
            now,
            _measures(unit, since, now, provider),
            tuple(unit.measures.answers(since, provider)),
            _standing(unit, provider),
            tuple(unit.days.rows(now.date() - timedelta(days=days - 1), provider)) if days else (),
            unit.order_measures.figures(since, provider),
        )


def keep_and_measure(
    books: Books, clock: Callable[[], datetime], *, since: datetime, late: Callable[[], bool] = never
) -> Figures | None:
    """Keep the daily figures, then measure, unless it is `late` by then (None); with the days of today and yesterday, which a
    page for Prometheus has."""
    keep_days(books, clock)
    return None if late() else measure(books, clock, since=since, days=2)


def _measures(unit: Unit, since: datetime, now: datetime, provider: str | None) -> tuple[Measure, ...]:
    moved, moved_p95 = unit.measures.money_moved(since, now, provider)
    answers = unit.measures.answers(since, provider)
    total = sum(each.answers for each in answers)
    waited = sum(each.micros or 0 for each in answers)
    slow, slow_p95 = unit.measures.slowest_answers(since, provider)
    return (
        targets.share(targets.CARD_CREATION, *unit.measures.creations(since, provider)),
        targets.span(targets.TRANSACTION_PROCESSING, moved_p95, moved),
        targets.span(targets.PROVIDER_ANSWERS, waited, total, over=total),
        targets.span(targets.PROVIDER_ANSWERS_P95, slow_p95, slow),
        targets.share(targets.WEBHOOKS_PROCESSED, *unit.measures.processed(since, now, provider)),
    )


def _standing(unit: Unit, provider: str | None) -> Standing:
    return Standing(
        unit.measures.cards(provider),
        unit.measures.operations(provider),
        unit.measures.events(provider),
        unit.measures.breaks(provider),
        unit.measures.alerts(),
        unit.measures.last_run(),
        unit.measures.oldest_unapplied_at(provider),
        unit.audit.head(),
    )
