"""The rules about how one card is spent: pure, over moments and outliers that the books stream by card and time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import groupby, islice

from cardctl.db.spending import Moment, Outlier
from cardctl.domain.alerts import Fired, Rule, Thresholds
from cardctl.domain.breaks import Severity
from cardctl.domain.money import Money

_NAMED = 10


def velocity(moments: Iterable[Moment], limits: Thresholds) -> Iterator[Fired]:
    """So many purchases on one card within so many minutes."""
    said = "{count} purchases within {minutes} minutes"
    yield from _bursts(Rule.VELOCITY, moments, limits.velocity_purchases, limits.velocity_minutes, said)


def declines(moments: Iterable[Moment], limits: Thresholds) -> Iterator[Fired]:
    """So many declines on one card within so many minutes."""
    said = "{count} purchases declined within {minutes} minutes"
    yield from _bursts(Rule.DECLINES, moments, limits.declines, limits.declines_minutes, said)


def outlying(outliers: Iterable[Outlier], limits: Thresholds) -> Iterator[Fired]:
    """Purchases that do not fit the card's past: one alert to a card for the amount (its largest), one to each new category or
    country. Rules that are off say nothing."""
    for _, its_own in groupby(outliers, key=lambda each: each.card_id):
        purchases = list(its_own)
        if limits.watches(Rule.AMOUNT) and (much := [each for each in purchases if _is_much(each, limits)]):
            yield _amount(max(much, key=lambda each: each.amount.minor), limits)
        for each in purchases:
            if each.purchases_before >= limits.history_purchases:
                yield from _new(each, limits)


def _is_much(each: Outlier, limits: Thresholds) -> bool:
    """Strictly more than so many times the mean of the card's last purchases in that currency."""
    enough = each.before >= limits.history_purchases
    return enough and each.amount.minor * each.before > limits.amount_factor * each.sum_before


def _amount(each: Outlier, limits: Thresholds) -> Fired:
    usual = Money(each.sum_before // each.before, each.amount.currency)
    return _fired(
        Rule.AMOUNT,
        each,
        each.card_id,
        text=f"a purchase of {each.amount}{_at(each)}; this card's last {each.before} come to {usual} on average",
        value=str(each.amount),
        threshold=f"over {limits.amount_factor} times {usual}",
        purchases=[each.transaction_id],
    )


def _new(each: Outlier, limits: Thresholds) -> Iterator[Fired]:
    told = ((Rule.NEW_CATEGORY, "category", each.category), (Rule.NEW_COUNTRY, "country", each.country))
    for rule, noun, word in told:
        if word and limits.watches(rule):
            yield _fired(
                rule,
                each,
                f"{each.card_id} {word}",
                text=f"a purchase of {each.amount}{_at(each)}: the first of the {noun} {word} on this card",
                value=word,
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
    rule: Rule, about: Moment | Outlier, subject: str, *, text: str, value: str, threshold: str, purchases: list[str]
) -> Fired:
    evidence = {"transactions": purchases}
    warning = Severity.WARNING
    return Fired(rule, warning, about.programme, about.provider, subject, text, value, threshold, about.card_id, evidence)


def _at(each: Outlier) -> str:
    return f" at {each.merchant}" if each.merchant else ""
