"""Authorization requests: a provider asks, while a merchant waits, whether a purchase may be made; and the pure rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cardctl.domain.cards import Card
from cardctl.domain.money import Money
from cardctl.domain.states import CardState
from cardctl.domain.transactions import Merchant

WINDOWS = ("daily", "weekly", "monthly")
"""The limits that count over a time: a UTC day, a week from Sunday, a month from its first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a provider asks. `amount` is what this decision would add to what is held."""

    ref: str
    card_ref: str
    amount: Money
    merchant: Merchant


@dataclass(frozen=True, slots=True)
class Rules:
    """What the profile allows. An allowed list blocks all others; None allows all. Categories are the provider's names or the
    four digits of an MCC, countries are ISO 3166 codes of two letters."""

    approve_by_default: bool
    allowed_categories: frozenset[str] | None = None
    blocked_categories: frozenset[str] = frozenset()
    allowed_countries: frozenset[str] | None = None
    blocked_countries: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, and why."""

    approved: bool
    reason: str


def decide(asked: Asked, card: Card | None, spent: Mapping[str, Money], rules: Rules) -> Decision:
    """The first rule that says no; `spent` is what was held and captured in each of WINDOWS. A card that is not in our books is
    nobody's to approve: the default decides.

    card            state       category   country    limits     →
    unknown         -           -          -          -          the default
    known           not active  -          -          -          declined
    known           active      blocked    -          -          declined
    known           active      fits       blocked    -          declined
    known           active      fits       fits       broken     declined
    known           active      fits       fits       kept       approved
    """
    if card is None:
        return Decision(rules.approve_by_default, "card_unknown")
    if card.state is not CardState.ACTIVE:
        return Decision(False, f"card_{card.state}")
    words = {word for word in (asked.merchant.category, asked.merchant.mcc) if word}
    if words & rules.blocked_categories or (rules.allowed_categories is not None and not words & rules.allowed_categories):
        return Decision(False, "category")
    country = asked.merchant.country
    if country in rules.blocked_countries or (rules.allowed_countries is not None and country not in rules.allowed_countries):
        return Decision(False, "country")
    broken = _broken_limit(asked, card, spent)
    return Decision(False, broken) if broken else Decision(True, "rules_kept")


def _broken_limit(asked: Asked, card: Card, spent: Mapping[str, Money]) -> str | None:
    """Amounts of another currency than the limit's cannot be compared, and break it."""
    limits = card.limits
    if limits.per_transaction is not None and not _within(asked.amount, limits.per_transaction):
        return "limit_per_transaction"
    for window in WINDOWS:
        limit: Money | None = getattr(limits, window)
        if limit is not None and not (_within(asked.amount, limit) and _within(asked.amount + spent[window], limit)):
            return f"limit_{window}"
    if card.balance is not None and not _within(asked.amount, card.balance):
        return "balance"
    return None


def _within(amount: Money, limit: Money) -> bool:
    return amount.currency == limit.currency and amount <= limit
