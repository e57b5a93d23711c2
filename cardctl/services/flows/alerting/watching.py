"""What alerts are checked with, laid out by the composition root, and asking every rule; nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from cardctl.db.figures import Figures
from cardctl.db.order_measures import OrderMeasures
from cardctl.db.spending import Spending
from cardctl.db.unit import Books, Unit
from cardctl.domain.alerts import Fired, Rule, Thresholds
from cardctl.domain.breaks import Severity
from cardctl.domain.cards import Card
from cardctl.domain.fulfilment import TOO_LONG
from cardctl.services.desk import Desk
from cardctl.services.flows.alerting import order_rules, rules, spending

MOST = 1000
"""So many alerts of one rule about cards in one check; what is over it, the next check may tell."""


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told: one line, and a few."""

    title: str
    body: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Watch:
    """`programmes` are those to be checked, `whole` says that they are all of the profile's. `rate` is the requests a second
    that a programme's limit allows, None where nobody knows. `notify` sends a message and returns how many addresses took
    it, and what went wrong for each that did not; None: nobody is to be told. `desk_for` is where a card is frozen."""

    books: Books
    clock: Callable[[], datetime]
    profile: str
    log: Callable[[str, str, dict[str, Any]], None]
    limits: Thresholds
    programmes: tuple[str, ...]
    whole: bool
    rate: Callable[[str], Decimal | None]
    notify: Callable[[Message], tuple[int, list[str]]] | None
    desk_for: Callable[[Card], Desk]


@dataclass(slots=True)
class Seen:
    """What all rules found; `cut` are those that found more than they tell."""

    fired: list[Fired] = field(default_factory=list)
    cut: set[Rule] = field(default_factory=set)


def look(watch: Watch, unit: Unit, now: datetime) -> Seen:
    """Ask every rule that is watched, over one view of the books."""
    seen = Seen()
    asked = _Asked(unit.figures(watch.programmes), unit.spending(watch.programmes), unit.order_measures, watch, now)
    for rule, ask in _RULES.items():
        if watch.limits.watches(rule) and (watch.whole or rule not in _GENERAL):
            _take(seen, ask(asked))
    if any(watch.limits.watches(rule) for rule in _OUTLYING):
        _take(seen, asked.outlying())
    return seen


def _take(seen: Seen, fired: Iterator[Fired]) -> None:
    counts: dict[Rule, int] = {}
    known = set[str]()
    for each in fired:
        if each.fingerprint in known:
            continue
        if counts.setdefault(each.rule, 0) == MOST:
            seen.cut.add(each.rule)
            continue
        counts[each.rule] += 1
        known.add(each.fingerprint)
        seen.fired.append(each)


@dataclass(frozen=True, slots=True)
class _Asked:
    figures: Figures
    spending: Spending
    orders: OrderMeasures
    watch: Watch
    now: datetime

    @property
    def limits(self) -> Thresholds:
        return self.watch.limits

    def ago(self, **length: int) -> datetime:
        return self.now - timedelta(**length)

    @property
    def lately(self) -> datetime:
        """Where the spending begins that is looked at. It has no end: a simulated bank's clock may be ahead of ours."""
        return self.ago(hours=self.limits.spending_hours)

    def outlying(self) -> Iterator[Fired]:
        histories = self.spending.histories(self.lately, self.lately - timedelta(days=self.limits.history_days))
        return spending.outlying(histories, self.lately, self.limits)


_RULES: Mapping[Rule, Callable[[_Asked], Iterator[Fired]]] = {
    Rule.BALANCE_DRIFT: lambda a: rules.balance_drift(a.figures.drifts(), a.limits),
    Rule.BREAKS_CRITICAL: lambda a: rules.breaks_critical(a.figures.critical_breaks(), a.limits),
    Rule.RECONCILE_OLD: lambda a: rules.reconcile_old(a.figures.last_run(), a.now, a.limits),
    Rule.WEBHOOK_FAILURES: lambda a: rules.webhook_failures(a.figures.event_failures(a.ago(hours=1)), a.limits),
    Rule.EVENTS_FAILED: lambda a: rules.events_failed(a.figures.events_stuck(a.ago(hours=1)), a.limits),
    Rule.LATENCY: lambda a: rules.latency(a.figures.latency(a.ago(minutes=5)), a.limits),
    Rule.RATE_LIMIT: lambda a: rules.rate_limit(a.figures.load(a.ago(minutes=15)), a.watch.rate, a.limits),
    Rule.KEYS_REFUSED: lambda a: rules.keys_refused(a.figures.refusals(a.ago(hours=1)), a.limits),
    Rule.CARD_CREATION: lambda a: rules.card_creation(a.figures.creations(a.ago(hours=24)), a.limits),
    Rule.OPERATIONS_IN_DOUBT: lambda a: rules.operations_in_doubt(a.figures.in_doubt(a.ago(minutes=10)), a.limits),
    Rule.FROZEN_CARDS: lambda a: rules.frozen_cards(a.figures.freezes(a.now, a.limits.frozen_days), a.limits),
    Rule.CARD_STOPPED: lambda a: rules.card_stopped(a.figures.stopped_cards(a.ago(hours=24), MOST + 1), a.limits),
    Rule.ORDERS_STUCK: lambda a: order_rules.orders_stuck(a.orders.stuck(a.watch.programmes, a.now - TOO_LONG), a.limits),
    Rule.ORDERS_UNFUNDED: lambda a: order_rules.orders_unfunded(a.orders.needs(a.watch.programmes), a.limits),
    Rule.ORDER_SUCCESS: lambda a: order_rules.order_success(a.orders.shares(a.watch.programmes, a.ago(hours=24)), a.limits),
    Rule.VELOCITY: lambda a: spending.velocity(a.spending.purchases(a.lately, a.limits.velocity_purchases), a.limits),
    Rule.DECLINES: lambda a: spending.declines(a.spending.declines(a.lately, a.limits.declines), a.limits),
}
"""Every rule but the three that look at the same histories together."""
_OUTLYING = frozenset({Rule.AMOUNT, Rule.NEW_CATEGORY, Rule.NEW_COUNTRY})
_GENERAL = frozenset({Rule.RECONCILE_OLD})
