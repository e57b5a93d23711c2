"""Alerts: what may fire, from where on, and what people do about it (the words; the rules are services/flows/alerting)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from cardctl.domain.breaks import Severity

Evidence = dict[str, list[str]]


class AlertState(StrEnum):
    """`firing` until it is seen to (`acknowledged`, or `snoozed` until a time) or the condition ends (`cleared`)."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    CLEARED = "cleared"


class Rule(StrEnum):
    """What is watched. Those from `velocity` on are about the spending of one card."""

    BALANCE_DRIFT = "balance_drift"
    BREAKS_CRITICAL = "breaks_critical"
    RECONCILE_OLD = "reconcile_old"
    WEBHOOK_FAILURES = "webhook_failures"
    EVENTS_FAILED = "events_failed"
    LATENCY = "latency"
    RATE_LIMIT = "rate_limit"
    KEYS_REFUSED = "keys_refused"
    CARD_CREATION = "card_creation"
    OPERATIONS_IN_DOUBT = "operations_in_doubt"
    FROZEN_CARDS = "frozen_cards"
    CARD_STOPPED = "card_stopped"
    ORDERS_STUCK = "orders_stuck"
    ORDERS_UNFUNDED = "orders_unfunded"
    ORDER_SUCCESS = "order_success"
    VELOCITY = "velocity"
    AMOUNT = "amount"
    NEW_CATEGORY = "new_category"
    NEW_COUNTRY = "new_country"
    DECLINES = "declines"


SPENDING = frozenset({Rule.VELOCITY, Rule.AMOUNT, Rule.NEW_CATEGORY, Rule.NEW_COUNTRY, Rule.DECLINES})
"""Rules that may stop the card that they are about."""


class Action(StrEnum):
    """What a rule does when it fires; `freeze` tells, too. `off`: it is not asked."""

    NOTIFY = "notify"
    FREEZE = "freeze"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a rule fires. Percents, `frozen_sigma` and `amount_factor` are exact decimals.

    `minimum_sample`: a share or a mean of fewer things says nothing. `actions` lacks what only notifies.
    """

    balance_drift_percent: Decimal = Decimal(1)
    webhook_failure_percent: Decimal = Decimal(5)
    latency_ms: int = 2000
    rate_limit_percent: Decimal = Decimal(80)
    card_creation_percent: Decimal = Decimal(99)
    order_success_percent: Decimal = Decimal(95)
    minimum_sample: int = 10
    frozen_sigma: Decimal = Decimal(3)
    frozen_days: int = 14
    frozen_minimum: int = 5
    notify_frozen: bool = False
    reconcile_hours: int = 36
    spending_hours: int = 24
    history_days: int = 90
    history_purchases: int = 5
    velocity_purchases: int = 10
    velocity_minutes: int = 10
    amount_factor: Decimal = Decimal(5)
    declines: int = 5
    declines_minutes: int = 60
    actions: dict[Rule, Action] = field(default_factory=dict)

    def action(self, rule: Rule) -> Action:
        """What the rule does."""
        return self.actions.get(rule, Action.NOTIFY)

    def watches(self, rule: Rule) -> bool:
        """Whether the rule is asked at all."""
        return self.action(rule) is not Action.OFF and (rule is not Rule.CARD_STOPPED or self.notify_frozen)


@dataclass(frozen=True, slots=True)
class Fired:
    """One condition as one check sees it. `programme` None: it is about all of them. `subject` is what it is about within the
    programme and the rule, and never moves; `text`, `value` and `threshold` are said in words."""

    rule: Rule
    severity: Severity
    programme: str | None
    provider: str | None
    subject: str
    text: str
    value: str
    threshold: str
    card_id: str | None = None
    evidence: Evidence = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """The same from check to check: `alr_` and 20 characters."""
        about = f"{self.rule}\n{self.programme or ''}\n{self.subject}"
        return "alr_" + hashlib.sha256(about.encode("utf-8", "replace")).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition with its memory. `first_at` is when it began to fire this time, `last_at` when a check last found it, and
    `occurrences` how many checks have. `notified_at` None: nobody was told of it yet. `evidence["freeze"]` is the operation
    that froze its card, or why none had to."""

    fingerprint: str
    rule: Rule
    severity: Severity
    state: AlertState
    provider: str | None
    programme: str | None
    subject: str
    card_id: str | None
    text: str
    value: str
    threshold: str
    evidence: Evidence
    action: Action
    first_at: datetime
    last_at: datetime
    occurrences: int
    notified_at: datetime | None = None
    snoozed_until: datetime | None = None
    reason: str | None = None

    @property
    def firing(self) -> bool:
        return self.state is AlertState.FIRING

    @property
    def untold(self) -> bool:
        """Whether somebody should hear of it and has not."""
        return self.firing and self.notified_at is None

    @property
    def unfrozen(self) -> bool:
        """Whether its card should be stopped and was not tried to the end."""
        return self.firing and self.action is Action.FREEZE and FREEZE not in self.evidence


FREEZE = "freeze"
"""The evidence of what was done about a card."""
