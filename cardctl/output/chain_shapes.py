"""Orders joined from the payment to the delivery, their figures and findings, and the wallet, as the JSON that scripts rely
on. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cardctl.domain.breaks import Finding
from cardctl.domain.chains import Chain
from cardctl.domain.order_figures import OrderFigures, Purse
from cardctl.output.order_shapes import order_whole
from cardctl.output.shapes import Shape, money

CHAIN_COLUMNS = ("id", "state", "paid", "given_back", "spent", "charged", "purchase_state", "delivered_at", "breaks")
"""What a table shows of a chain."""
WALLET_COLUMNS = ("available", "reserved", "free", "wanted", "orders")
"""What a table shows of a wallet."""
FIGURE_COLUMNS = (
    "esim_success_rate",
    "delivered",
    "ended",
    "failed_purchases",
    "zendit_topup_failures",
    "stripe_refunds_issued",
    "average_time_to_issue_esim_ms",
    "p95_time_to_issue_esim_ms",
)
"""What a table shows of figures."""


def chain(value: Chain) -> Shape:
    """An order with what both providers say of it: `paid` and `given_back` at the provider that takes the money, `spent` by the
    cards that topped up for it, `cost` and `charged` at the supplier and in its wallet's ledger."""
    whole = order_whole(value.order, value.steps, value.topups, value.refunds, None)
    seen = {
        "paid": money(value.paid),
        "given_back": money(value.given_back),
        "spent": money(value.spent),
        "charged": money(value.charged),
        "purchase_there": value.purchase,
        "cost_there": money(value.cost),
        "breaks": [finding(each) for each in value.findings],
    }
    return whole | seen


def chain_row(value: Chain) -> Shape:
    """The same, short enough for a row."""
    told = {"breaks": ", ".join(each.type.value for each in value.findings) or None}
    return chain(value) | told


def finding(value: Finding) -> Shape:
    """A difference that a reading found; unlike a break it has no history."""
    kind = value.kind
    return {
        "type": value.type.value,
        "severity": kind.severity.value,
        "provider": value.provider,
        "programme": value.programme,
        "subject": value.subject,
        "local": value.local,
        "remote": value.remote,
        "at_risk": money(value.at_risk),
        "evidence": value.evidence,
        "cause": kind.cause,
        "proposed_fix": kind.fix,
    }


def figures(value: OrderFigures) -> Shape:
    """What operators watch, under the names that they know; times are milliseconds from the payment to the mail."""
    return {
        "esim_success_rate": None if value.success_rate is None else format(value.success_rate, "f"),
        "zendit_topup_failures": value.failed_topups,
        "stripe_refunds_issued": value.refunds,
        "failed_purchases": value.failed_purchases,
        "average_time_to_issue_esim_ms": value.mean_ms,
        "p95_time_to_issue_esim_ms": value.p95_ms,
        "delivered": value.delivered,
        "ended": value.ended,
        "orders": dict(value.states),
    }


def wallet(purses: Iterable[Purse]) -> list[Shape]:
    """What is in the wallet, in each currency; what orders have spoken for of it, and what those that wait want."""
    return [
        {
            "available": money(each.available),
            "reserved": money(each.reserved),
            "free": money(each.free),
            "wanted": money(each.wanted),
            "orders": each.need.orders if each.need else 0,
            "order_ids": list(each.need.ids) if each.need else [],
        }
        for each in purses
    ]


def figure_lines(value: OrderFigures) -> list[str]:
    """The figures as a person reads them."""
    rate = "-" if value.success_rate is None else f"{value.success_rate * 100:.2f} %"
    times = "-" if value.mean_ms is None else f"{value.mean_ms} ms on average, 95 of 100 within {value.p95_ms} ms"
    failed = f"failed top-ups: {value.failed_topups}, failed purchases: {value.failed_purchases}, refunds: {value.refunds}"
    return [f"delivered: {rate} of orders that ended ({value.ended})", f"time to issue: {times}", failed]


def wallet_lines(purses: Sequence[Purse]) -> list[str]:
    """The wallet as a person reads it."""
    lines = [f"{each.available} in the wallet, {each.reserved} spoken for, {each.free} free" for each in purses]
    needs = [each.need for each in purses if each.need]
    lines += [f"{need.needed} wanted by orders that wait ({need.orders})" for need in needs]
    return lines or ["nothing is in the wallet"]


def finding_lines(found: Sequence[Finding]) -> list[str]:
    """Findings as a person reads them."""
    lines = []
    for each in found:
        risk = f", {each.at_risk} at risk" if each.at_risk else ""
        lines.append(f"{each.kind.severity} {each.type} {each.subject}{risk}: {each.kind.cause}")
    return lines
