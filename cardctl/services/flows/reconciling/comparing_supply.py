"""A stage beside the books, of a supplier: each purchase with its order and what the wallet paid, then the wallet's top-ups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cardctl.db.comparable_orders import ComparableOrders
from cardctl.db.stage import Stage
from cardctl.domain.breaks import BreakType
from cardctl.domain.comparing.order_sides import LedgerSide, PayingCardSide, PurchaseSide, WalletTopUpSide
from cardctl.domain.comparing.purchases import compare_paying, compare_purchase, compare_topups
from cardctl.domain.comparing.sides import Rules
from cardctl.domain.esims import HELD
from cardctl.services.flows.reconciling.comparing import Evidence
from cardctl.services.flows.reconciling.merging import Row, Rows, merged

_BATCH = 500
_DONE = {"debit": 1, "credit": 2, "recharge": 3}
_NOTHING: Mapping[str, set[str]] = MappingProxyType({})


@dataclass(slots=True)
class SupplyCounts:
    """How much was compared: purchases here and there; `others` are none of ours. `differing` are those on which the sides
    differ, `missing` those that are not there; `moving` were left out of the verdict."""

    purchases_here: int = 0
    purchases_there: int = 0
    others: int = 0
    entries: int = 0
    differing: int = 0
    missing: int = 0
    moving: int = 0
    findings: int = 0
    sums: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))
    """What the wallet holds for purchases, has paid, got back and was topped up with, by its ledger and currency."""


@dataclass(slots=True)
class OurSupply:
    """Our side, as the books or a piece of evidence give it: rows as `ComparableOrders` has them. `earlier` are names of
    purchases that another attempt has taken the place of, with their orders."""

    purchases: Iterator[Row]
    earlier: Iterable[tuple[str, str]]
    topups: Iterable[Row]
    paying_cards: Iterable[Row]


def our_supply(comparable: ComparableOrders, supplier: str) -> OurSupply:
    """Our side as the books have it in one snapshot."""
    return OurSupply(
        comparable.purchases(supplier),
        comparable.earlier(supplier),
        comparable.topups(supplier),
        comparable.paying_cards(supplier),
    )


def compare_supply(
    stage: Stage,
    ours: OurSupply,
    rules: Rules,
    *,
    busy: frozenset[str] = frozenset(),
    written: Callable[[list[str]], set[str]] = lambda _ids: set(),
    moving: Mapping[str, set[str]] = _NOTHING,
    keep: bool = True,
    progress: Callable[[int], None] = lambda _count: None,
) -> SupplyCounts:
    """Everything that was staged beside our side; otherwise as comparing_orders.compare_sold does. Our top-ups are kept whole
    in the stage: they are few, and matched by their sums."""
    stage.forget_verdict()
    stage.claim(ours.earlier)
    for name, rows in (("wallet_topups", ours.topups), ("paying_cards", ours.paying_cards)):
        stage.keep_ours((), (), (), (), saved={name: rows})
    counts, evidence, owners = SupplyCounts(), Evidence(stage, keep, written, moving), dict(stage.claims())
    groups = merged(ours.purchases, stage.sides("purchases"), iter(()), stage.sides("ledger"))
    for done, (name, our, their, _, entries) in enumerate(groups, 1):
        _ledger(counts, entries)
        _purchase(name, our, their, entries.get("debit"), rules, busy, owners.get(name), counts, evidence)
        evidence.flush(at_least=_BATCH)
        if not done % 1_000:
            progress(1_000)
    _wallet(stage, rules, counts, evidence)
    evidence.flush()
    return counts


def _ledger(counts: SupplyCounts, entries: Rows) -> None:
    for row in entries.values():
        entry = LedgerSide._make(row)
        counts.entries += 1
        if entry.state == "done":
            counts.sums[entry.currency][_DONE[entry.kind]] += entry.amount
        elif entry.kind == "debit" and entry.state in HELD:
            counts.sums[entry.currency][0] += entry.amount


def _purchase(
    name: str,
    our: Row | None,
    their: Row | None,
    debit: Row | None,
    rules: Rules,
    busy: frozenset[str],
    owner: str | None,
    counts: SupplyCounts,
    evidence: Evidence,
) -> None:
    here = None if our is None else PurchaseSide._make(our)
    there = None if their is None else PurchaseSide._make(their)
    if here is None and there is None and debit is None:
        return  # money that came in
    counts.purchases_here += here is not None
    done = compare_purchase(here, there, None if debit is None else LedgerSide._make(debit), owner, rules)
    counts.others += done.other
    counts.purchases_there += there is not None and not done.other
    counts.moving += done.moving
    if done.moving:
        evidence.left_out("purchases", name)
    if done.moving or not done.findings:
        return
    ids = [each for each in (here.id if here is not None else None, owner) if each]
    if done.differs and busy.intersection(ids):
        evidence.left_out("purchases", name)
        counts.moving += 1
        return
    if evidence.moves("purchases", name, ids):
        counts.moving += 1
        return
    counts.findings += len(done.findings)
    counts.differing += done.differs
    counts.missing += any(each.type is BreakType.PURCHASE_MISSING_THERE for each in done.findings)
    evidence.findings += done.findings
    evidence.apart.append(("purchases", name))
    evidence.saved["purchases"] += [] if here is None else [here]


def _wallet(stage: Stage, rules: Rules, counts: SupplyCounts, evidence: Evidence) -> None:
    tops_up = bool(stage.rows("SELECT 1 FROM our_wallet_topups LIMIT 1"))
    ours, theirs = stage.unmatched()
    tops, came_in = map(WalletTopUpSide._make, ours), map(LedgerSide._make, theirs)
    for found in compare_topups(tops, came_in, rules, tops_up=tops_up):
        counts.findings += 1
        evidence.findings.append(found)
        evidence.flush(at_least=_BATCH)
    for card in map(PayingCardSide._make, stage.sides("paying_cards", ours=True)):
        finding = compare_paying(card, rules)
        if finding is not None:
            counts.findings += 1
            evidence.findings.append(finding)
