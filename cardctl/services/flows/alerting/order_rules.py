"""The rules about paid orders: pure, each from figures to what fires by them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cardctl.db.figures import Share, Stuck
from cardctl.domain.alerts import Fired, Rule, Thresholds
from cardctl.domain.breaks import Severity
from cardctl.domain.order_figures import WalletNeed
from cardctl.services.flows.alerting.rules import fired, many, percent


def orders_stuck(found: Iterable[Stuck], _limits: Thresholds) -> Iterator[Fired]:
    """Paid orders can be neither delivered nor refunded, or have not been for too long."""
    for each in found:
        waiting = f"{many(each.count, 'paid order')} neither delivered nor refunded"
        yield fired(
            Rule.ORDERS_STUCK,
            Severity.CRITICAL,
            each.programme,
            "orders",
            text=f"{each.programme}: {waiting} (`cardctl esim show {each.ids[0]}`)",
            value=str(each.count),
            threshold="none",
            evidence={"orders": [*each.ids]},
        )


def orders_unfunded(found: Iterable[WalletNeed], _limits: Thresholds) -> Iterator[Fired]:
    """Paid orders wait for money in the wallet: how much is needed, beside what is there."""
    for each in found:
        said = f"{many(each.orders, 'paid order')} waiting for {each.needed} in the wallet"
        others = f", beside {each.reserved} that others have spoken for" if each.reserved.minor else ""
        yield fired(
            Rule.ORDERS_UNFUNDED,
            Severity.CRITICAL,
            each.supplier,
            f"wallet:{each.needed.currency}",
            text=f"{each.supplier}: {said}{others} (`cardctl esim balance`)",
            value=str(each.needed),
            threshold="none",
            evidence={"orders": [*each.ids]},
        )


def order_success(found: Iterable[Share], limits: Thresholds) -> Iterator[Fired]:
    """Too few of a day's orders became eSIMs."""
    for each in found:
        delivered = each.of - each.wrong
        if each.of < limits.minimum_sample or delivered * 100 >= limits.order_success_percent * each.of:
            continue
        yield fired(
            Rule.ORDER_SUCCESS,
            Severity.CRITICAL,
            each.programme,
            "orders",
            text=f"{each.programme}: {each.wrong} of {each.of} orders that were paid in the last 24 hours were not delivered",
            value=percent(delivered, each.of),
            threshold=f"under {limits.order_success_percent} %",
        )
