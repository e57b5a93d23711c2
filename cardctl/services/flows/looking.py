"""A card as it is known: from the books while that is recent, else from its provider, else the books again, saying how old."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cardctl.domain.cards import Card
from cardctl.errors import Busy, CardctlError, ProviderHasNot, ProviderUnavailable, SecretProblem
from cardctl.services.deeds.pulling import sync_card
from cardctl.services.desk import Desk, Warned

RECENT = timedelta(minutes=5)
"""How long a provider's word about a card is taken as it is."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The card, and what should be known of how it was seen."""

    card: Card
    warnings: tuple[Warned, ...] = ()


def is_recent(card: Card, now: datetime) -> bool:
    """Whether our books need not ask; a moment in the future is none (a clock was set back)."""
    return timedelta(0) <= now - card.synced_at < RECENT


def card_now(desk: Callable[[], Desk], card: Card, now: datetime, *, insist: bool) -> Seen:
    """The card as its provider has it, or where nobody can be asked, as our books had it, with the warning STALE.

    `insist` (a person said --fresh): the errors are raised. The desk is opened here, since a missing secret is such an error.
    """
    try:
        return Seen(sync_card(desk(), card))
    except (ProviderUnavailable, SecretProblem, ProviderHasNot, Busy) as error:
        if insist:
            raise
        return Seen(card, (Warned("STALE", _stale(card, now, error)),))


def _stale(card: Card, now: datetime, error: CardctlError) -> str:
    return f"this is what was known {_age(now - card.synced_at)} ago, and could not be asked for again: {error.message}"


def _age(since: timedelta) -> str:
    """A length of time in the largest unit that it fills twice, such as `3 hours`."""
    seconds = max(int(since.total_seconds()), 0)
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"
