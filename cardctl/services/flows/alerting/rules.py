"""The rules about a programme: pure, each from figures to what fires by them. Those about orders, and about one card's
spending, are elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from cardctl.db.figures import Drift, Freezes, Latency, Load, Refusals, Share, StoppedCard, Stuck
from cardctl.domain.alerts import Evidence, Fired, Rule, Thresholds
from cardctl.domain.breaks import Severity
from cardctl.domain.money import Money

TURNED_AWAY = 5
"""Fewer answers of 429 are a moment that a retry got over."""
MINUTE = 60


def balance_drift(found: Iterable[Drift], limits: Thresholds) -> Iterator[Fired]:
    """Our balances and the provider's, by currency, are further apart than so many percent of the provider's."""
    for each in found:
        apart = abs(each.drift)
        if apart * 100 <= limits.balance_drift_percent * abs(each.there):
            continue
        value = percent(apart, abs(each.there)) if each.there else "all of it"
        sums = [str(Money(minor, each.currency)) for minor in (each.here, each.there)]
        yield fired(
            Rule.BALANCE_DRIFT,
            Severity.CRITICAL,
            each.programme,
            each.currency,
            text=f"our books of {each.programme} say {sums[0]}, the provider {sums[1]}",
            value=value,
            threshold=f"over {limits.balance_drift_percent} %",
            evidence={"runs": [each.run_id]},
        )


def breaks_critical(found: Iterable[Stuck], _limits: Thresholds) -> Iterator[Fired]:
    """Reconcile found something critical, and nobody has seen to it. One alert to a type."""
    for each in found:
        text = f"{each.programme}: {many(each.count, f'critical {each.kind} break')} not seen to (`cardctl break list`)"
        yield fired(
            Rule.BREAKS_CRITICAL,
            Severity.CRITICAL,
            each.programme,
            each.kind,
            text=text,
            value=str(each.count),
            threshold="none",
            evidence={"breaks": [*each.ids]},
        )


def reconcile_old(found: tuple[datetime, datetime | None] | None, now: datetime, limits: Thresholds) -> Iterator[Fired]:
    """Where there is any reconcile run, the last that concluded is too long ago; `found`: first begin, last end."""
    if found is None or now - (since := found[1] or found[0]) <= timedelta(hours=limits.reconcile_hours):
        return
    hours = (now - since) // timedelta(hours=1)
    said = (
        f"the last reconcile ended {hours} hours ago"
        if found[1]
        else f"no reconcile has ended in the {hours} hours since the first"
    )
    yield fired(
        Rule.RECONCILE_OLD,
        Severity.WARNING,
        None,
        "reconcile",
        text=said,
        value=f"{hours} h",
        threshold=f"over {limits.reconcile_hours} h",
    )


def webhook_failures(found: Iterable[Share], limits: Thresholds) -> Iterator[Fired]:
    """Too large a share of an hour's events could not be applied."""
    for each in found:
        if each.of < limits.minimum_sample or each.wrong * 100 <= limits.webhook_failure_percent * each.of:
            continue
        yield fired(
            Rule.WEBHOOK_FAILURES,
            Severity.CRITICAL,
            each.programme,
            "events",
            text=f"{each.programme}: {each.wrong} of {each.of} events of the last hour could not be applied",
            value=percent(each.wrong, each.of),
            threshold=f"over {limits.webhook_failure_percent} %",
        )


def events_failed(found: Iterable[Stuck], _limits: Thresholds) -> Iterator[Fired]:
    """Events are given up, or have failed for an hour."""
    for each in found:
        waiting = f"{many(each.count, 'event')} not applied for an hour, or given up"
        text = f"{each.programme}: {waiting} (`cardctl webhook replay --failed`)"
        yield fired(
            Rule.EVENTS_FAILED,
            Severity.WARNING,
            each.programme,
            "events",
            text=text,
            value=str(each.count),
            threshold="none",
            evidence={"events": [*each.ids]},
        )


def latency(found: Iterable[Latency], limits: Thresholds) -> Iterator[Fired]:
    """The mean of five minutes' attempts took too long."""
    for each in found:
        if each.calls < limits.minimum_sample or each.total_ms <= limits.latency_ms * each.calls:
            continue
        mean = each.total_ms // each.calls
        yield fired(
            Rule.LATENCY,
            Severity.WARNING,
            each.programme,
            "calls",
            text=f"{each.programme} takes {mean} ms to answer: the mean of {each.calls} attempts in the last five minutes",
            value=f"{mean} ms",
            threshold=f"over {limits.latency_ms} ms",
        )


def rate_limit(found: Iterable[Load], rate: Callable[[str], Decimal | None], limits: Thresholds) -> Iterator[Fired]:
    """A minute used nearly what the limit allows in one, or the provider turned attempts away. `rate` is requests a second of a
    programme, None where nobody knows it."""
    for each in found:
        allowed = (rate(each.programme) or Decimal(0)) * MINUTE
        near = bool(allowed) and each.busiest * 100 >= limits.rate_limit_percent * allowed
        if not near and each.turned_away < TURNED_AWAY:
            continue
        used = f"{each.busiest} requests in a minute of the {allowed.normalize():f} that the limit allows" if near else ""
        turned = f"{each.turned_away} attempts turned away (429)" if each.turned_away else ""
        yield fired(
            Rule.RATE_LIMIT,
            Severity.WARNING,
            each.programme,
            "calls",
            text=f"{each.programme}, last quarter of an hour: " + ", ".join(filter(None, (used, turned))),
            value=percent(each.busiest, allowed) if near else f"{each.turned_away} x 429",
            threshold=f"{limits.rate_limit_percent} % of the limit, or {TURNED_AWAY} x 429",
        )


def keys_refused(found: Iterable[Refusals], _limits: Thresholds) -> Iterator[Fired]:
    """The provider does not know our key (401), or forbids it something (403)."""
    for each in found:
        counts = [f"{count} x {status}" for count, status in ((each.unknown, 401), (each.forbidden, 403)) if count]
        yield fired(
            Rule.KEYS_REFUSED,
            Severity.CRITICAL if each.unknown else Severity.WARNING,
            each.programme,
            "key",
            text=f"{each.programme} refused our key in the last hour: {' and '.join(counts)} (`cardctl secret check`)",
            value=", ".join(counts),
            threshold="none",
            evidence={"requests": [*each.paths]},
        )


def card_creation(found: Iterable[Share], limits: Thresholds) -> Iterator[Fired]:
    """Too few of a day's cards were issued."""
    for each in found:
        made = each.of - each.wrong
        if each.of < limits.minimum_sample or made * 100 >= limits.card_creation_percent * each.of:
            continue
        yield fired(
            Rule.CARD_CREATION,
            Severity.CRITICAL,
            each.programme,
            "cards",
            text=f"{each.programme}: {each.wrong} of {each.of} cards of the last 24 hours could not be issued, or nobody knows",
            value=percent(made, each.of),
            threshold=f"under {limits.card_creation_percent} %",
        )


def operations_in_doubt(found: Iterable[Stuck], _limits: Thresholds) -> Iterator[Fired]:
    """Nobody knows how a write ended."""
    for each in found:
        yield fired(
            Rule.OPERATIONS_IN_DOUBT,
            Severity.CRITICAL,
            each.programme,
            "operations",
            text=f"{each.programme}: {many(each.count, 'operation')} in doubt (`cardctl operation resume`)",
            value=str(each.count),
            threshold="none",
            evidence={"operations": [*each.ids]},
        )


def frozen_cards(found: Iterable[Freezes], limits: Thresholds) -> Iterator[Fired]:
    """More cards were stopped in 24 hours than the mean of the days before and so many standard deviations above it.

    Exact: with n days that sum to s and whose squares sum to q, today > s/n + k·√(q/n − (s/n)²) is the comparison below.
    """
    for each in found:
        today, *before = each.days
        n, total = len(before), sum(before)
        above = n * today - total
        spread = n * sum(day * day for day in before) - total * total
        if today < limits.frozen_minimum or above <= 0 or above * above <= limits.frozen_sigma * limits.frozen_sigma * spread:
            continue
        yield fired(
            Rule.FROZEN_CARDS,
            Severity.CRITICAL,
            each.programme,
            "cards",
            text=f"{each.programme}: {today} cards frozen or blocked in the last 24 hours; {_tenths(total, n)} a day is usual",
            value=str(today),
            threshold=f"over the mean of {n} days + {limits.frozen_sigma} sigma, and at least {limits.frozen_minimum}",
        )


def card_stopped(found: Iterable[StoppedCard], _limits: Thresholds) -> Iterator[Fired]:
    """A card was frozen or blocked in the last 24 hours, and is so still."""
    for each in found:
        why = f": {each.reason}" if each.reason else ""
        yield fired(
            Rule.CARD_STOPPED,
            Severity.INFO,
            each.programme,
            each.card_id,
            text=f"the card ending in {each.last4} is {each.state} ({each.action} by {each.actor}{why})",
            value=each.state,
            threshold="none",
            card_id=each.card_id,
        )


def provider_of(programme: str) -> str:
    """The provider whose account a programme is."""
    return programme.partition("/")[0]


def fired(
    rule: Rule,
    severity: Severity,
    programme: str | None,
    subject: str,
    *,
    text: str,
    value: str,
    threshold: str,
    card_id: str | None = None,
    evidence: Evidence | None = None,
) -> Fired:
    """What fires, with the provider that its programme is at."""
    provider = provider_of(programme) if programme else None
    return Fired(rule, severity, programme, provider, subject, text, value, threshold, card_id, evidence or {})


def percent(part: int, whole: int | Decimal) -> str:
    """Such as `5.0 %`."""
    return f"{Decimal(part * 100) / whole:.1f} %"


def _tenths(part: int, whole: int) -> str:
    return f"{Decimal(part) / whole:.1f}"


def many(count: int, noun: str) -> str:
    """Such as `2 events`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
