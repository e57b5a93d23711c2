"""The daily figures, kept: each day is added up anew until it is final, then never again. Asks no provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from cardctl.db.days import Born, Key, Sums
from cardctl.db.unit import Books, Unit
from cardctl.domain.days import Day, is_final
from cardctl.domain.money import Money

HISTORY = timedelta(days=400)
"""How far back figures are made where there were none: a year, and a month to compare it with."""
_ONE = timedelta(days=1)


def keep_days(books: Books, clock: Callable[[], datetime]) -> int:
    """Bring the figures of every programme's days up to now; how many rows changed. A second time at once: none.

    The sums are made over a snapshot that holds up no writer; only what came out of them is then written.
    """
    now = clock().astimezone(UTC)
    with books.read() as unit:
        born: dict[tuple[str, str], list[Born]] = {}
        for each in unit.days.cards():
            born.setdefault((each.programme, each.provider), []).append(each)
        days = [day for programme, cards in born.items() for day in _reckoned(unit, *programme, cards, now)]
    if not days:
        return 0
    with books.write() as unit:
        return unit.days.put(days)


def _reckoned(unit: Unit, programme: str, provider: str, cards: Sequence[Born], now: datetime) -> Iterator[Day]:
    """The days of a programme that are new, or not what is kept."""
    today = now.date()
    since = _first_open(unit, programme, today)
    kept, sums = unit.days.of_programme(programme, since), unit.days.sums(programme, since, today + _ONE)
    active = _active(cards, since, today)
    for currency in sorted({currency for _, currency in (*kept, *sums, *active)}):
        for number in range((today - since).days + 1):
            key = (since + number * _ONE, currency)
            day = _day(programme, provider, key, sums.get(key, Sums()), active.get(key, 0), now)
            known = kept.get(key)
            if known is not None and key[0] < today:
                # how many cards were active on a day that is past cannot be counted any more
                day = replace(day, active_cards=known.active_cards)
            if known is None or (not known.final and replace(known, written_at=now) != day):
                yield day


def _first_open(unit: Unit, programme: str, today: date) -> date:
    """The day after the last final one; where there is none, the first on which something happened, or today."""
    last = unit.days.last_final(programme)
    if last is not None:
        return min(last + _ONE, today)
    return min(unit.days.first_day(programme, today - HISTORY) or today, today)


def _active(cards: Sequence[Born], since: date, today: date) -> dict[Key, int]:
    """Active cards by day and currency. For today they are counted; for a day of which nothing was written while it lasted, the
    cards stand that were made by its end and are not closed by now: the nearest that the books still know."""
    active: dict[Key, int] = {}
    for currency in {each.currency for each in cards}:
        made = [each for each in cards if each.currency == currency]
        for number in range((today - since).days):
            day = since + number * _ONE
            active[day, currency] = sum(each.lasting for each in made if each.day <= day)
        active[today, currency] = sum(each.active for each in made)
    return active


def _day(programme: str, provider: str, key: Key, sums: Sums, active_cards: int, now: datetime) -> Day:
    day, currency = key
    return Day(
        programme,
        day,
        currency,
        provider,
        sums.purchases,
        Money(sums.volume, currency),
        sums.refunds,
        Money(sums.refunded, currency),
        sums.declines,
        Money(sums.funded, currency),
        Money(sums.withdrawn, currency),
        active_cards,
        is_final(day, now),
        now,
    )
