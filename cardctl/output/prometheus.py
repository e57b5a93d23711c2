"""The page for Prometheus' textfile collector, and the dashboard and alert rules that go with it.

Every series names the profile, so that pages of several profiles lie side by side. Money stands in minor units, which a double
holds exactly up to 2^53; nothing names a card, an account or a person.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from importlib import resources
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from cardctl import __version__
from cardctl.domain.alerts import AlertState
from cardctl.domain.breaks import BreakState, RunState, Severity
from cardctl.domain.days import Day
from cardctl.domain.events import EventState
from cardctl.domain.operations import OperationState
from cardctl.domain.order_figures import NO_ORDERS, OrderFigures
from cardctl.domain.orders import OrderState
from cardctl.domain.standing import Answers, Counts, LastRun, Standing
from cardctl.domain.states import CardState
from cardctl.domain.targets import Measure, MeasureUnit, Verdict
from cardctl.output.files import whole_file
from cardctl.output.stream import Stream

DASHBOARD = "grafana-dashboard.json"
RULES = "prometheus-rules.yml"
_OURS = b"# HELP cardctl_"


def page(
    measures: Iterable[Measure],
    answers: Iterable[Answers],
    standing: Standing,
    days: Sequence[Day],
    *,
    orders: OrderFigures = NO_ORDERS,
    since: datetime,
    now: datetime,
    profile: str,
    environment: str,
) -> str:
    """The whole page. A figure that nobody has is left out; a state in which nothing is stands at 0."""
    book = _Page(profile)
    book.one("info", "What wrote this page.", {"environment": environment, "version": __version__}, 1)
    book.one("metrics_written_timestamp_seconds", "When this page was written.", {}, _epoch(now))
    book.one("window_seconds", "How far back the measures and the calls go.", {}, _seconds(now - since))
    _measured(book, measures)
    _answered(book, answers)
    _stand(book, standing)
    if standing.last_run is not None:
        _reconciled(book, standing.last_run)
    if orders.states:
        _ordered(book, orders)
    _daily(book, days, now)
    return generate_latest(book.registry).decode()


def write_page(text: str, path: Path, mode: int, *, force: bool) -> None:
    """The page into a file, at once and whole: a reader finds the old one or the new one. Another page of ours is replaced,
    any other file only with `force`.
    `mode` says who may read it. Errors as `files.whole_file`."""
    with whole_file(path, force=force or _is_page(path)) as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)


def print_page(text: str) -> None:
    """The page to standard output, as it is."""
    stream = Stream(sys.stdout)
    stream.write(text)
    stream.flush()


def write_shipped(name: str, path: Path, mode: int, *, force: bool) -> None:
    """The dashboard or the alert rules as they come with cardctl."""
    with whole_file(path, force=force) as file:
        os.fchmod(file.fileno(), mode)
        file.write(shipped(name))


def shipped(name: str) -> str:
    """The text of DASHBOARD or RULES."""
    return (resources.files("cardctl") / "assets" / name).read_text("utf-8")


class _Page(Collector):
    """The gauges of one page, in the order in which they were first named; `profile` stands on every one."""

    def __init__(self, profile: str) -> None:
        self._profile = profile
        self._families: dict[str, GaugeMetricFamily] = {}
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def one(self, name: str, text: str, labels: Mapping[str, str], value: int | Decimal) -> None:
        """One sample of `cardctl_<name>`; the client writes it as the double nearest to it."""
        if name not in self._families:
            self._families[name] = GaugeMetricFamily(f"cardctl_{name}", text, labels=["profile", *labels])
        self._families[name].add_metric([self._profile, *labels.values()], value)  # type: ignore[arg-type]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._families.values()


def _measured(book: _Page, measures: Iterable[Measure]) -> None:
    for measure in measures:
        name, of = measure.target.unit.value, {"measure": measure.target.name}
        wanted = "above" if measure.target.unit is MeasureUnit.RATIO else "below"
        book.one(f"target_{name}", f"What a measure must be {wanted}.", of, measure.target.bound)
        if measure.measured is not None:
            book.one(f"measured_{name}", "What was measured over the window.", of, measure.measured)
        book.one("measured_sample", "Over how many things.", of, measure.sample)
        for verdict in Verdict:
            text = "1 for the verdict on a measure: met, missed, or no data to judge."
            book.one("target_verdict", text, of | {"verdict": verdict.value}, int(verdict is measure.verdict))


def _answered(book: _Page, answers: Iterable[Answers]) -> None:
    for each in answers:
        of = {"provider": each.provider}
        for outcome in ("answered", "refused", "failed", "silent"):
            text = "Attempts at a provider in the window: answered, refused (4xx), failed (429, 5xx), silent (no answer)."
            book.one("provider_calls", text, of | {"outcome": outcome}, getattr(each, outcome))
        if each.micros is not None and each.p95_micros is not None:
            mean = Decimal(each.micros) / each.answers / 1_000_000
            book.one("provider_answer_mean_seconds", "Mean time until a provider answered.", of, round(mean, 6))
            text = "95 of 100 answers of a provider came within this time."
            book.one("provider_answer_p95_seconds", text, of, Decimal(each.p95_micros) / 1_000_000)


def _stand(book: _Page, standing: Standing) -> None:
    every: list[tuple[str, str, Counts, Sequence[type[StrEnum]]]] = [
        ("cards", "Cards in the books.", standing.cards, [CardState]),
        ("operations", "Writes to a provider, in the journal.", standing.operations, [OperationState]),
        ("events", "Events in the books.", standing.events, [EventState]),
        ("breaks", "Differences that reconcile found.", standing.breaks, [BreakState, Severity]),
    ]
    providers = sorted({key[0] for _, _, counts, _ in every for key in counts})
    for name, text, counts, words in every:
        for provider in providers:
            for key in _combined(words):
                labels = {"provider": provider} | dict(zip(("state", "severity"), key, strict=False))
                book.one(name, text, labels, counts.get((provider, *key), 0))
    for key in _combined([AlertState, Severity]):
        labels = dict(zip(("state", "severity"), key, strict=True))
        book.one("alerts", "Alerts, by what people did about them.", labels, standing.alerts.get(key, 0))
    if standing.oldest_unapplied_at is not None:
        text = "When the oldest event came that is still to be applied."
        book.one("events_oldest_unapplied_timestamp_seconds", text, {}, _epoch(standing.oldest_unapplied_at))
    book.one("audit_entries", "Entries of the audit chain; it never gets shorter.", {}, standing.audit.seq)


def _reconciled(book: _Page, run: LastRun) -> None:
    book.one("reconcile_last_started_timestamp_seconds", "When reconcile last began.", {}, _epoch(run.started_at))
    for state in RunState:
        text = "1 for how the last reconcile run stands."
        book.one("reconcile_last_state", text, {"state": state.value}, int(state is run.state))
    book.one("reconcile_last_breaks", "Breaks that the last reconcile run found.", {}, run.found)
    book.one("reconcile_last_fixes", "Breaks that it fixed.", {}, run.fixed)
    if run.finished_at is not None:
        text = "How long the last reconcile run took."
        book.one("reconcile_last_duration_seconds", text, {}, _seconds(run.finished_at - run.started_at))
    if run.done_at is not None:
        text = "When reconcile last compared everything to its end."
        book.one("reconcile_last_done_timestamp_seconds", text, {}, _epoch(run.done_at))


def _ordered(book: _Page, orders: OrderFigures) -> None:
    """Of a programme that sells eSIMs."""
    for state in OrderState:
        book.one("orders", "Orders in the books.", {"state": state.value}, orders.states.get(state.value, 0))
    for name, text, many in (
        ("esim_orders_ended", "Orders paid in the window that were delivered, refunded or are stuck.", orders.ended),
        ("esim_orders_delivered", "Those of them that were delivered.", orders.delivered),
        ("esim_failed_purchases", "Purchases of them that came to nothing.", orders.failed_purchases),
        ("zendit_topup_failures", "Top-ups of the wallet that failed in the window.", orders.failed_topups),
        ("stripe_refunds_issued", "Refunds to customers of orders in the window.", orders.refunds),
    ):
        book.one(name, text, {}, many)
    if orders.success_rate is not None:
        book.one("esim_success_rate", "What part of the orders that ended was delivered, 0 to 1.", {}, orders.success_rate)
    if orders.micros is not None and orders.p95_micros is not None:
        mean = Decimal(orders.micros) / orders.issued / 1_000_000
        text = "Mean time from a payment to the delivered eSIM."
        book.one("esim_time_to_issue_mean_seconds", text, {}, round(mean, 6))
        text = "95 of 100 eSIMs were delivered within this time of their payment."
        book.one("esim_time_to_issue_p95_seconds", text, {}, Decimal(orders.p95_micros) / 1_000_000)


def _daily(book: _Page, days: Sequence[Day], now: datetime) -> None:
    """Today and yesterday, so that the labels stay few."""
    called = {now.date(): "today", now.date() - timedelta(days=1): "yesterday"}
    for day in days:
        if day.day not in called:
            continue
        of = {"provider": day.provider, "programme": day.programme, "currency": day.currency, "day": called[day.day]}
        for name, text, many in (
            ("purchases", "Captures", day.purchases),
            ("refunds", "Refunds", day.refunds),
            ("declines", "Declined authorizations", day.declines),
            ("active_cards", "Active cards", day.active_cards),
        ):
            book.one(f"day_{name}", f"{text} on one day (UTC).", of, many)
        for name, text, money in (
            ("volume", "Sum of captures", day.volume),
            ("refunded", "Sum of refunds", day.refunded),
            ("funded", "Money put on cards", day.funded),
            ("withdrawn", "Money taken off cards", day.withdrawn),
        ):
            book.one(f"day_{name}", f"{text} on one day (UTC), in minor units.", of | {"unit": "minor"}, money.minor)


def _combined(words: Sequence[type[StrEnum]]) -> list[tuple[str, ...]]:
    keys: list[tuple[str, ...]] = [()]
    for word in words:
        keys = [(*key, member.value) for key in keys for member in word]
    return keys


def _epoch(moment: datetime) -> Decimal:
    return _seconds(moment - datetime.fromtimestamp(0, moment.tzinfo))


def _seconds(span: timedelta) -> Decimal:
    """Whole milliseconds, which a double holds exactly enough."""
    return Decimal(span // timedelta(milliseconds=1)) / 1000


def _is_page(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return path.is_file() and file.read(len(_OURS)) == _OURS
    except OSError:
        return False
