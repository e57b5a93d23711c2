"""Daily figures: what a programme did in one currency on one day (the words; services/deeds/dailies keeps them)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cardctl.domain.money import Money

LATE = timedelta(days=2)
"""So long after its end a day still takes late events; after that its figures stay."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day (UTC). `purchases` are captures, `volume` their sum; `refunds`, `funded` and `withdrawn` are what settled.

    `active_cards` of today is the count now; of a past day what was counted while it lasted. `final`: it changes no more.
    """

    programme: str
    day: date
    currency: str
    provider: str
    purchases: int
    volume: Money
    refunds: int
    refunded: Money
    declines: int
    funded: Money
    withdrawn: Money
    active_cards: int
    final: bool
    written_at: datetime


def is_final(day: date, now: datetime) -> bool:
    """Whether a day has been over for so long that its late word is in; `now` is UTC."""
    return day + timedelta(days=1) + LATE <= now.date()
