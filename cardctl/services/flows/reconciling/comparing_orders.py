"""A stage beside the books, of customers' payments: each with the order that it pays, and what was refunded of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cardctl.db.stage import Stage
from cardctl.domain.breaks import BreakType
from cardctl.domain.comparing.order_sides import SaleRefundSide, SaleSide
from cardctl.domain.comparing.orders import Refunds, back_of, compare_order, is_order
from cardctl.domain.comparing.sides import Rules
from cardctl.services.flows.reconciling.comparing import Evidence
from cardctl.services.flows.reconciling.merging import Row, merged

_BATCH = 500
_NOTHING: Mapping[str, set[str]] = MappingProxyType({})


@dataclass(slots=True)
class SoldCounts:
    """How much was compared: orders here, payments there that name one; `others` name none. `differing` are those on which the
    sides differ, `missing` those that are not there; `moving` were left out of the verdict."""

    orders_here: int = 0
    orders_there: int = 0
    others: int = 0
    refunds_there: int = 0
    differing: int = 0
    missing: int = 0
    moving: int = 0
    findings: int = 0
    sums: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    """What was paid for orders and went back, by the provider's word and currency."""


def compare_sold(
    stage: Stage,
    ours: Iterator[Row],
    rules: Rules,
    *,
    busy: frozenset[str] = frozenset(),
    written: Callable[[list[str]], set[str]] = lambda _ids: set(),
    moving: Mapping[str, set[str]] = _NOTHING,
    keep: bool = True,
    progress: Callable[[int], None] = lambda _count: None,
) -> SoldCounts:
    """Every payment that was staged beside our orders (`ours`, by the payment), after whatever else of the stage was compared;
    otherwise as comparing.compare does. `busy` are orders about which a write is open: what differs of them is told as that."""
    counts, evidence = SoldCounts(), Evidence(stage, keep, written, moving)
    groups = merged(ours, stage.sides("sales"), iter(()), stage.sides("sale_refunds"))
    for done, (name, our, their, _, rows) in enumerate(groups, 1):
        here = None if our is None else SaleSide._make(our)
        there = None if their is None else SaleSide._make(their)
        refunds = {ref: SaleRefundSide._make(row) for ref, row in rows.items()}
        _order(name, here, there, refunds, rules, busy, counts, evidence)
        evidence.flush(at_least=_BATCH)
        if not done % 1_000:
            progress(1_000)
    evidence.flush()
    return counts


def _order(
    name: str,
    here: SaleSide | None,
    there: SaleSide | None,
    refunds: Refunds,
    rules: Rules,
    busy: frozenset[str],
    counts: SoldCounts,
    evidence: Evidence,
) -> None:
    if here is None and (there is None or not is_order(there, rules)):
        counts.others += there is not None
        return
    _count(counts, here, there, refunds)
    done = compare_order(here, there, refunds, rules)
    counts.moving += done.moving
    if done.moving:
        evidence.left_out("sales", name)
    if done.moving or not done.findings:
        return
    ids = [] if here is None else [here.id]
    if done.differs and busy.intersection(ids):
        evidence.left_out("sales", name)
        counts.moving += 1
        return
    if evidence.moves("sales", name, ids):
        counts.moving += 1
        return
    counts.findings += len(done.findings)
    counts.differing += done.differs
    counts.missing += any(each.type is BreakType.ORDER_PAYMENT_MISSING for each in done.findings)
    evidence.findings += done.findings
    evidence.apart.append(("sales", name))
    evidence.saved["sales"] += [] if here is None else [here]


def _count(counts: SoldCounts, here: SaleSide | None, there: SaleSide | None, refunds: Refunds) -> None:
    counts.orders_here += here is not None
    counts.orders_there += there is not None
    counts.refunds_there += len(refunds)
    if there is not None and there.state == "paid" and there.currency is not None:
        sums = counts.sums[there.currency]
        sums[0] += there.amount or 0
        sums[1] += back_of(there, refunds)[0]
