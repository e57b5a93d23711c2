"""The rules about how one card is spent: pure, over what the books stream by card and time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby, islice

from cardctl.db.spending import Moment, Purchase
from cardctl.domain.alerts import Fired, Rule, Thresholds
from cardctl.domain.breaks import Severity
from cardctl.domain.money import Money

_NAMED = 10
_REMEMBERED = 50
"""So many amounts of the past are a card's custom."""


def velocity(moments: Iterable[Moment], limits: Thresholds) -> Iterator[Fired]:
    """So many purchases on one card within so many minutes."""
    said = "{count} purchases within {minutes} minutes"
    yield from _bursts(Rule.VELOCITY, moments, limits.velocity_purchases, limits.velocity_minutes, said)


def declines(moments: Iterable[Moment], limits: Thresholds) -> Iterator[Fired]:
    """So many declines on one card within so many minutes."""
    said = "{count} purchases declined within {minutes} minutes"
    yield from _bursts(Rule.DECLINES, moments, limits.declines, limits.declines_minutes, said)


def outlying(purchases: Iterable[Purchase], since: datetime, limits: Thresholds) -> Iterator[Fired]:
    """Purchases since then that do not fit what the card bought before each of them: one alert to a card for the amount (its
    largest), one to each new category or country. Rules that are off say nothing."""
    for _, its_own in groupby(purchases, key=lambda each: each.card_id):
        past, much = _Past(), list[tuple[int, Fired]]()
        for each in its_own:
            if each.at >= since:
                much += _amount(each, past, limits)
                yield from _new(each, past, limits)
            past.add(each)
        if much:
            yield max(much, key=lambda pair: pair[0])[1]


class _Past:
    """What a card bought so far; of the amounts the last ones in each currency."""

    def __init__(self) -> None:
        self.count = 0
        self.categories: set[str | None] = {None}
        self.countries: set[str | None] = {None}
        self._amounts: dict[str, deque[int]] = {}

    def amounts(self, currency: str) -> deque[int]:
        return self._amounts.setdefault(currency, deque(maxlen=_REMEMBERED))

    def add(self, each: Purchase) -> None:
        self.count += 1
        self.categories.add(each.category)
        self.countries.add(each.country)
        self.amounts(each.currency).append(each.minor)


def _amount(each: Purchase, past: _Past, limits: Thresholds) -> list[tuple[int, Fired]]:
    """Strictly more than so many times the mean of the card's last purchases in that currency."""
    before = past.amounts(each.currency)
    count, total = len(before), sum(before)
    enough = limits.watches(Rule.AMOUNT) and count >= limits.history_purchases
    if not enough or each.minor * count <= limits.amount_factor * total:
        return []
    amount, usual = Money(each.minor, each.currency), Money(total // count, each.currency)
    fired = _fired(
        Rule.AMOUNT,
        each,
        each.card_id,
        text=f"a purchase of {amount}{_at(each)}; this card's last {count} come to {usual} on average",
        value=str(amount),
        threshold=f"over {limits.amount_factor} times {usual}",
        purchases=[each.transaction_id],
    )
    return [(each.minor, fired)]


def _new(each: Purchase, past: _Past, limits: Thresholds) -> Iterator[Fired]:
    if past.count < limits.history_purchases:
        return
    told = (
        (Rule.NEW_CATEGORY, "category", each.category, past.categories),
        (Rule.NEW_COUNTRY, "country", each.country, past.countries),
    )
    for rule, noun, word, known in told:
        if word not in known and limits.watches(rule):
            amount = Money(each.minor, each.currency)
            yield _fired(
                rule,
                each,
                f"{each.card_id} {word}",
                text=f"a purchase of {amount}{_at(each)}: the first of the {noun} {word} on this card",
                value=str(word),
                threshold=f"seen before, once there are {limits.history_purchases} purchases",
                purchases=[each.transaction_id],
            )


def _bursts(rule: Rule, moments: Iterable[Moment], least: int, minutes: int, said: str) -> Iterator[Fired]:
    """One alert to a card with at least so many moments within the minutes: its densest stretch."""
    for _, its_own in groupby(moments, key=lambda each: each.card_id):
        count, first = _densest(its_own, timedelta(minutes=minutes))
        if count >= least:
            yield _fired(
                rule,
                first[0],
                first[0].card_id,
                text=said.format(count=count, minutes=minutes) + f", from {first[0].at:%Y-%m-%d %H:%M} UTC on",
                value=str(count),
                threshold=f"{least} within {minutes} minutes",
                purchases=[each.transaction_id for each in first],
            )


def _densest(moments: Iterable[Moment], length: timedelta) -> tuple[int, list[Moment]]:
    """The first of the longest runs of moments whose last is at most `length` after the first: how many, its first."""
    count, first = 0, list[Moment]()
    window = deque[Moment]()
    for each in moments:
        window.append(each)
        while each.at - window[0].at > length:
            window.popleft()
        if len(window) > count:
            count, first = len(window), list(islice(window, _NAMED))
    return count, first


def _fired(
    rule: Rule, about: Moment | Purchase, subject: str, *, text: str, value: str, threshold: str, purchases: list[str]
) -> Fired:
    evidence = {"transactions": purchases}
    warning = Severity.WARNING
    return Fired(rule, warning, about.programme, about.provider, subject, text, value, threshold, about.card_id, evidence)


def _at(each: Purchase) -> str:
    return f" at {each.merchant}" if each.merchant else ""
