"""One programme that was read whole, compared with the books in one snapshot of them: what was found lies in its stage then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cardctl.db.stage import Stage
from cardctl.db.unit import Unit
from cardctl.domain.comparing.sides import Rules
from cardctl.providers.base import require
from cardctl.providers.paging import ReadsWhole, Source
from cardctl.services.flows.reconciling import figuring, figuring_orders
from cardctl.services.flows.reconciling.comparing import Counts, compare, ours_of
from cardctl.services.flows.reconciling.comparing_orders import SoldCounts, compare_sold
from cardctl.services.flows.reconciling.comparing_saved import SavedCounts, busy_in, compare_saved, our_saved
from cardctl.services.flows.reconciling.comparing_supply import SupplyCounts, compare_supply, our_supply
from cardctl.services.flows.reconciling.gathering import Gathered
from cardctl.services.flows.reconciling.saved_sides import hasher_of
from cardctl.services.flows.reconciling.starting import Means, Part

_Written = Callable[[list[str]], set[str]]


@dataclass(slots=True)
class Read:
    """What was read, and what came of it; `sold` of customers' payments, where such were read."""

    part: Part
    stage: Stage
    rules: Rules
    counts: Counts | SavedCounts | SupplyCounts = field(default_factory=Counts)
    sold: SoldCounts | None = None
    gathered: Gathered = field(default_factory=Gathered)
    figures: dict[str, Any] = field(default_factory=dict)
    totals: list[dict[str, Any]] = field(default_factory=list)


def weigh(one: Read, means: Means) -> None:
    """Compare, and put down what was found and by what rules."""
    reader = require(one.part.desk.provider, ReadsWhole)
    listed = reader.lists(Source.ACCOUNTS)
    with one.part.desk.books.read() as unit:

        def written(ids: list[str]) -> set[str]:
            return unit.audit.touched_any(ids, after=one.stage.fact("audit"), but="card.balance")

        if one.stage.is_sellers:
            _compare_saved(one, unit, written, means)
        elif one.stage.is_suppliers:
            _compare_supply(one, unit, written, means)
        else:
            _compare_issued(one, unit, written, means, lists_accounts=listed)
            if one.stage.has_sales:
                _compare_sold(one, unit, written, means)
    one.stage.add_findings((each.subject, each.plain()) for each in one.gathered.findings)
    rules = {"fundings": one.rules.fundings, "links": one.rules.links, "cutoff": one.rules.cutoff, "lists_accounts": listed}
    one.stage.note(rules=rules, gathered=[each.plain() for each in one.gathered.findings])


def _compare_issued(one: Read, unit: Unit, written: _Written, means: Means, *, lists_accounts: bool) -> None:
    programme, comparable = one.part.desk.programme, unit.comparable
    ours = ours_of(comparable, programme, one.stage.fact("since"))
    counts = compare(one.stage, ours, one.rules, lists_accounts=lists_accounts, written=written, progress=means.progress)
    one.counts = counts
    one.figures = figuring.programme_figures(one.stage, comparable, programme, counts)
    one.totals = figuring.totals(one.stage, comparable, programme, counts, one.gathered.floats)


def _compare_saved(one: Read, unit: Unit, written: _Written, means: Means) -> None:
    """Both sides under one key: see hasher_of."""
    hasher_of(unit, one.stage)
    programme, comparable = one.part.desk.programme, unit.comparable_saved
    ours, busy = our_saved(comparable, programme, one.stage.fact("since")), busy_in(comparable, programme)
    one.counts = counts = compare_saved(one.stage, ours, one.rules, busy=busy, written=written, progress=means.progress)
    one.figures = figuring.saved_figures(one.stage, comparable, programme, counts)
    one.totals = figuring.saved_totals(comparable, programme, counts)


def _compare_sold(one: Read, unit: Unit, written: _Written, means: Means) -> None:
    programme, comparable = one.part.desk.programme, unit.comparable_orders
    ours, busy = comparable.sales(programme), comparable.busy(programme)
    one.sold = counts = compare_sold(one.stage, ours, one.rules, busy=busy, written=written, progress=means.progress)
    one.figures |= figuring_orders.sold_figures(comparable, programme, counts)


def _compare_supply(one: Read, unit: Unit, written: _Written, means: Means) -> None:
    supplier, comparable = one.part.desk.programme, unit.comparable_orders
    ours, busy = our_supply(comparable, supplier), comparable.busy(supplier)
    one.counts = counts = compare_supply(one.stage, ours, one.rules, busy=busy, written=written, progress=means.progress)
    one.figures = figuring_orders.supply_figures(one.stage, comparable, supplier, counts)
    one.totals = figuring_orders.supply_totals(comparable, supplier, counts, one.gathered.floats)
