"""What may stand in a profile, with types and defaults, and clear words for what may not; where it comes from is not known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from cardctl.config.document import BUILT_IN, Sourced, nearest
from cardctl.config.provider_tables import MailTable, MarqetaTable, SquareTable, StripeTable, StrowalletTable, ZenditTable
from cardctl.config.values import Amount, Arguments, Cash, Percent, Section, Words
from cardctl.domain import alerts, authorizations, cards
from cardctl.domain.money import Money
from cardctl.errors import BadConfig

_LOOPBACK = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/]|\Z)")
_HERE = "http://127.0.0.1:8420"
_SECRETIVE = re.compile(r"key\Z|secret|token|password")


class CardLimits(Section):
    """Defaults for new cards, as text until the card's currency is known; None is no limit."""

    per_transaction: Amount = "500.00"
    daily: Amount = "1000.00"
    weekly: Amount = None
    monthly: Amount = "5000.00"

    def in_currency(self, currency: str) -> cards.Limits:
        """The limits of a new card; BadAmount where one is no whole number of the currency's units (500.00 JPY is)."""
        told = {key: text for key, text in self.model_dump().items() if text is not None}
        return cards.Limits(**{key: Money.of_decimal(Decimal(text), currency) for key, text in told.items()})


Told = Literal["notify", "off"]
Stopping = Literal["notify", "freeze", "off"]
Count = Annotated[int, Field(gt=0, le=100_000)]


class ActionsTable(Section):
    """What each rule does when it fires; only those about one card's spending may freeze it."""

    balance_drift: Told = "notify"
    breaks_critical: Told = "notify"
    reconcile_old: Told = "notify"
    webhook_failures: Told = "notify"
    events_failed: Told = "notify"
    latency: Told = "notify"
    rate_limit: Told = "notify"
    keys_refused: Told = "notify"
    card_creation: Told = "notify"
    operations_in_doubt: Told = "notify"
    frozen_cards: Told = "notify"
    card_stopped: Told = "notify"
    orders_stuck: Told = "notify"
    orders_unfunded: Told = "notify"
    order_success: Told = "notify"
    velocity: Stopping = "notify"
    amount: Stopping = "notify"
    new_category: Stopping = "notify"
    new_country: Stopping = "notify"
    declines: Stopping = "notify"


class AlertsTable(Section):
    """Thresholds of alerts, as domain/alerts.py explains them, and `float_low`, which reconcile reads."""

    balance_drift_percent: Percent = Decimal(1)
    webhook_failure_percent: Percent = Decimal(5)
    latency_ms: Count = 2000
    rate_limit_percent: Annotated[Percent, Field(gt=0)] = Decimal(80)
    card_creation_percent: Annotated[Percent, Field(le=100)] = Decimal(99)
    order_success_percent: Annotated[Percent, Field(le=100)] = Decimal(95)
    minimum_sample: Count = 10
    frozen_sigma: Percent = Decimal(3)
    frozen_days: Annotated[int, Field(ge=1, le=366)] = 14
    frozen_minimum: Count = 5
    notify_frozen: bool = False
    reconcile_hours: Count = 36
    float_low: Cash = None
    spending_hours: Count = 24
    history_days: Annotated[int, Field(ge=1, le=3660)] = 90
    history_purchases: Count = 5
    velocity_purchases: Annotated[int, Field(ge=2)] = 10
    velocity_minutes: Count = 10
    amount_factor: Annotated[Percent, Field(ge=1)] = Decimal(5)
    declines: Count = 5
    declines_minutes: Count = 60
    actions: ActionsTable = ActionsTable()

    @property
    def thresholds(self) -> alerts.Thresholds:
        """The same, as the rules take them."""
        told = {name: getattr(self, name) for name in type(self).model_fields if name not in ("actions", "float_low")}
        actions = {alerts.Rule(rule): alerts.Action(action) for rule, action in self.actions.model_dump().items()}
        return alerts.Thresholds(**told, actions=actions)


class AuthorizationsTable(Section):
    """Whether a provider's questions about purchases are answered by local rules, and by which; off unless it says `enabled`.
    `default` is the answer where the rules fail, are slow, or do not know the card."""

    enabled: bool = False
    default: Literal["approve", "decline"] = "decline"
    deadline_ms: Annotated[int, Field(ge=50, le=1900)] = 1500
    allowed_categories: Words | None = None
    blocked_categories: Words = ()
    allowed_countries: Words | None = None
    blocked_countries: Words = ()

    @property
    def rules(self) -> authorizations.Rules:
        """The same, as they are decided by."""
        return authorizations.Rules(
            approve_by_default=self.default == "approve",
            allowed_categories=None if self.allowed_categories is None else frozenset(self.allowed_categories),
            blocked_categories=frozenset(self.blocked_categories),
            allowed_countries=None if self.allowed_countries is None else frozenset(self.allowed_countries),
            blocked_countries=frozenset(self.blocked_countries),
        )


class Profile(Section):
    """A named set of settings. `confirm_over` None asks no consent for any amount; `reports` None is the usual place."""

    name: str
    environment: Literal["simulator", "sandbox", "live"]
    provider: Literal["stripe", "marqeta", "strowallet", "square", "zendit"] = "stripe"
    database: Annotated[str, Field(min_length=1, repr=False)] = (
        "sqlite"  # CARDCTL_DB may bring a password; see Settings.database
    )
    secret_command: Arguments = None
    confirm_over: Cash = None
    reports: Annotated[str | None, Field(min_length=1)] = None
    limits: CardLimits = CardLimits()
    stripe: StripeTable = StripeTable()
    marqeta: MarqetaTable = MarqetaTable()
    strowallet: StrowalletTable = StrowalletTable()
    square: SquareTable = SquareTable()
    zendit: ZenditTable = ZenditTable()
    mail: MailTable = MailTable()
    alerts: AlertsTable = AlertsTable()
    authorizations: AuthorizationsTable = AuthorizationsTable()

    @model_validator(mode="after")
    def _simulated_here(self) -> Profile:
        """What is simulated is asked for on this machine alone: a slip must not send made-up cards to a real provider."""
        tables = (self.stripe, self.marqeta, self.strowallet, self.square, self.zendit)
        asked = (*(table.base_url for table in tables), self.zendit.topup_url)
        if self.environment == "simulator" and any(not _LOOPBACK.match(url or _HERE) for url in asked):
            raise ValueError(f"in the simulator a base_url names a `simulator serve` of this machine, such as {_HERE}/stripe")
        return self


def validated(name: str, table: Mapping[str, Any], told: Mapping[str, Sourced[Any]], file: object) -> Profile:
    """The profile `name` from its table in `file`, overridden by what flags and variables told. BadConfig names every fault."""
    wanted = {**table, **{key: sourced.value for key, sourced in told.items()}}
    if "name" in table:
        raise BadConfig(f"{file}: unknown key profiles.{name}.name; the table's own name is the profile's")
    if name == BUILT_IN and wanted.setdefault("environment", "simulator") != "simulator":
        raise BadConfig(f"{file}: profiles.{BUILT_IN}.environment: the built-in profile {BUILT_IN} is always in the simulator")
    wanted.setdefault("confirm_over", "none" if wanted.get("environment") == "simulator" else "1000.00 USD")
    try:
        return Profile.model_validate({**wanted, "name": name})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise BadConfig("; ".join(_fault(each, name, told, file) for each in faults), hint=_advice(faults)) from None


def _fault(fault: ErrorDetails, name: str, told: Mapping[str, Sourced[Any]], file: object) -> str:
    """One line without the value, which may be a secret in the wrong place."""
    at = [str(each) for each in fault["loc"]]
    key = ".".join(("profiles", name, *at))
    if fault["type"] == "extra_forbidden":
        return f"{file}: unknown key {key}{nearest(at[-1], _keys(at[:-1]))}"
    if at and at[0] in told:
        return f"{told[at[0]].source}: {_words(fault)}"
    return f"{file}: {key} is missing" if fault["type"] == "missing" else f"{file}: {key}: {_words(fault)}"


def _words(fault: ErrorDetails) -> str:
    return fault["msg"].removeprefix("Value error, ")


def _keys(at: Sequence[str]) -> list[str]:
    model: Any = Profile
    for each in at:
        model = model.model_fields[each].annotation
    return [key for key in model.model_fields if key != "name"]


def _advice(faults: Sequence[ErrorDetails]) -> str | None:
    unknown = [str(each["loc"][-1]) for each in faults if each["type"] == "extra_forbidden"]
    if any(_SECRETIVE.search(each) for each in unknown):
        return "a secret has no place in config.toml: use `cardctl secret set`"
    return None
