"""Figures of a run about paid orders and the wallet: how much was compared, and what it comes to in each currency."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cardctl.db.comparable_orders import ComparableOrders
from cardctl.db.stage import Stage
from cardctl.domain.money import Money
from cardctl.services.flows.reconciling.comparing_orders import SoldCounts
from cardctl.services.flows.reconciling.comparing_supply import SupplyCounts

Figures = dict[str, Any]


def sold_figures(comparable: ComparableOrders, programme: str, counts: SoldCounts) -> Figures:
    """Of where customers pay, beside its cards: orders here and payments there, by state, and by currency what was paid and
    went back on both sides, in minor units."""
    orders = {"here": counts.orders_here, "there": counts.orders_there, "differing": counts.differing}
    ours = comparable.paid(programme)
    sums = []
    for currency in sorted({*ours, *counts.sums}):
        here, there = ours.get(currency, (0, 0)), counts.sums.get(currency, (0, 0))
        told = {"paid": there[0], "refunded": there[1], "paid_here": here[0], "refunded_here": here[1]}
        sums.append({"currency": currency, **told})
    return {
        "orders": orders | {"others_there": counts.others, "refunds_there": counts.refunds_there},
        "order_states": comparable.states(programme=programme),
        "order_sums": sums,
    }


def supply_figures(stage: Stage, comparable: ComparableOrders, supplier: str, counts: SupplyCounts) -> Figures:
    """Of a supplier: purchases here and there, movements of its wallet, orders by state."""
    purchases = {"here": counts.purchases_here, "there": counts.purchases_there, "differing": counts.differing}
    return {
        "provider": stage.fact("provider"),
        "purchases": purchases | {"others_there": counts.others},
        "ledger": {"entries": counts.entries},
        "moving": counts.moving,
        "requests": stage.fact("requests") or 0,
        "states": comparable.states(supplier=supplier),
    }


def supply_totals(
    comparable: ComparableOrders, supplier: str, counts: SupplyCounts, floats: Iterable[Money]
) -> list[dict[str, Any]]:
    """Of one wallet, one for each currency, in minor units: what its ledger says that it holds for purchases, has paid
    (`settled`), got back and was topped up with; what orders cost by our books; and what is in it (`float`)."""
    ours, held_in = comparable.bought(supplier), {money.currency: money.minor for money in floats}
    found = []
    for currency in sorted({*ours, *counts.sums, *held_in}):
        told = dict(zip(("held", "settled", "refunded", "topped_up"), counts.sums.get(currency, (0, 0, 0, 0)), strict=True))
        more = {"settled_here": ours.get(currency, 0), "float": held_in.get(currency)}
        found.append({"programme": supplier, "currency": currency, **told, **more})
    return found
