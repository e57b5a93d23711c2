"""Orders joined from the payment to the delivery, their figures and findings, as the JSON that scripts rely
on. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from cardctl.domain.breaks import Finding
from cardctl.domain.chains import Chain, Wallet
from cardctl.domain.order_figures import OrderFigures
from cardctl.output.order_shapes import order_whole
from cardctl.output.shapes import Shape, money

CHAIN_COLUMNS = ("id", "state", "paid", "given_back", "spent", "charged", "purchase_state", "delivered_at", "breaks")
"""What a table shows of a chain."""
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


def wallet(value: Wallet) -> Shape:
    """What is in the wallet, and what orders wait for."""
    return {
        "held": [money(each) for each in value.held],
        "needs": [
            {"orders": need.orders, "needed": money(need.needed), "reserved": money(need.reserved), "order_ids": list(need.ids)}
            for need in value.needs
        ],
    }


def figure_lines(value: OrderFigures) -> list[str]:
    """The figures as a person reads them."""
    rate = "-" if value.success_rate is None else f"{value.success_rate * 100:.2f} %"
    times = "-" if value.mean_ms is None else f"{value.mean_ms} ms on average, 95 of 100 within {value.p95_ms} ms"
    failed = f"failed top-ups: {value.failed_topups}, failed purchases: {value.failed_purchases}, refunds: {value.refunds}"
    return [f"delivered: {rate} of orders that ended ({value.ended})", f"time to issue: {times}", failed]


def wallet_lines(value: Wallet) -> list[str]:
    """The wallet as a person reads it."""
    lines = [f"wallet: {each}" for each in value.held] or ["wallet: empty"]
    return lines + [f"{need.needed} wanted by orders that wait ({need.orders})" for need in value.needs if need.orders]


def finding_lines(found: Sequence[Finding]) -> list[str]:
    """Findings as a person reads them."""
    lines = []
    for each in found:
        risk = f", {each.at_risk} at risk" if each.at_risk else ""
        lines.append(f"{each.kind.severity} {each.type} {each.subject}{risk}: {each.kind.cause}")
    return lines
