"""A stage beside the books, of a provider that keeps buyers' cards: saved cards, then payments with their refunds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cardctl.db.comparable_saved import ComparableSaved
from cardctl.db.stage import Stage
from cardctl.domain.breaks import BreakType
from cardctl.domain.comparing.saved import compare_payment, compare_saved_card
from cardctl.domain.comparing.sides import PaymentSide, RefundSide, Rules, SavedCardSide
from cardctl.domain.payments import UNPAID
from cardctl.domain.saved_cards import USABLE
from cardctl.services.flows.reconciling.comparing import Evidence
from cardctl.services.flows.reconciling.merging import Row, Rows, merged, pairs

_BATCH = 500
_CHANGES_CARD = frozenset({"customer.create", "saved_card.add", "saved_card.disable"})
_UNCLAIMED_MARKS = (
    "SELECT DISTINCT p.mark FROM payments p LEFT JOIN claims c ON c.name = p.card WHERE p.mark IS NOT NULL AND c.id IS NULL"
)
_OLDER_PAYMENTS = (
    "SELECT DISTINCT r.payment_ref FROM refunds r LEFT JOIN payments p ON p.ref = r.payment_ref WHERE p.ref IS NULL"
)
_PAYMENT_MARK, _REFUND_MARK = PaymentSide._fields.index("mark"), RefundSide._fields.index("mark")
_NOTHING: Mapping[str, set[str]] = MappingProxyType({})


@dataclass(slots=True)
class SavedCounts:
    """How much was compared: objects here and there that are ours; `other_…` are the seller's, and none of ours. `differing_…`
    are those on which the sides differ, `missing_…` those that are not there; `moving` were left out of the verdict."""

    cards_here: int = 0
    cards_there: int = 0
    other_cards: int = 0
    payments_here: int = 0
    payments_there: int = 0
    other_payments: int = 0
    refunds_here: int = 0
    refunds_there: int = 0
    differing_cards: int = 0
    differing_payments: int = 0
    missing_payments: int = 0
    moving: int = 0
    findings: int = 0
    living_here: int = 0
    """Cards here that are charged, or would be but for their date."""
    sums: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))
    """What is held, was captured and went back, by the provider's word and currency."""


@dataclass(slots=True)
class OurSaved:
    """Our side, as the books or a piece of evidence give it: rows as `ComparableSaved` has them. `claims` are the names by
    which a payment of the stage is ours, in several parts, each asked for once the one before it is in the stage."""

    cards: Iterator[Row]
    payments: Iterator[Row]
    refunds: Iterator[Row]
    claims: Callable[[Stage], Iterator[Iterable[tuple[str, str]]]]


@dataclass(frozen=True, slots=True)
class Busy:
    """What operations that are not over may still change: the provider's names of payments, our ids of saved cards, and the
    marks of what they make."""

    payments: frozenset[str] = frozenset()
    cards: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()


def our_saved(comparable: ComparableSaved, programme: str, since: str | None) -> OurSaved:
    """Our side as the books have it in one snapshot."""

    def claims(stage: Stage) -> Iterator[Iterable[tuple[str, str]]]:
        yield ((row[0], row[7]) for row in comparable.cards(programme))
        yield comparable.makers(programme, [str(mark) for (mark,) in stage.rows(_UNCLAIMED_MARKS)])
        if since is not None:
            older = [str(ref) for (ref,) in stage.rows(_OLDER_PAYMENTS)]
            yield comparable.cards_of_payments(programme, older).items()

    rows = comparable.cards(programme), comparable.payments(programme, since), comparable.refunds(programme, since)
    return OurSaved(*rows, claims)


def busy_in(comparable: ComparableSaved, programme: str) -> Busy:
    """What is not over explains what differs: it is told by itself (`operation_in_doubt`), or under way this very moment."""
    rows = comparable.open_operations(programme)
    refs = comparable.payment_refs(programme, [target for _, _, target in rows])
    cards = frozenset(target for _, kind, target in rows if kind in _CHANGES_CARD)
    return Busy(frozenset(refs.values()), cards, frozenset(id_ for id_, _, _ in rows))


def compare_saved(
    stage: Stage,
    ours: OurSaved,
    rules: Rules,
    *,
    busy: Busy = Busy(),
    written: Callable[[list[str]], set[str]] = lambda _ids: set(),
    moving: Mapping[str, set[str]] = _NOTHING,
    keep: bool = True,
    progress: Callable[[int], None] = lambda _count: None,
) -> SavedCounts:
    """Everything that was staged beside our side; otherwise as comparing.compare does."""
    stage.forget_verdict()
    for part in ours.claims(stage):
        stage.claim(part)
    counts, evidence = SavedCounts(), Evidence(stage, keep, written, moving)
    for here, there in pairs(ours.cards, stage.sides("saved_cards")):
        _card(here, there, rules, busy, counts, evidence)
        evidence.flush(at_least=_BATCH)
    sides = merged(ours.payments, stage.claimed(), ours.refunds, stage.sides("refunds"))
    for done, (name, here, there, our_refunds, their_refunds) in enumerate(sides, 1):
        _payment(_Group(name, here, there, our_refunds, their_refunds), rules, busy, counts, evidence)
        evidence.flush(at_least=_BATCH)
        if not done % 1_000:
            progress(1_000)
    evidence.flush()
    return counts


def _card(our: Row | None, their: Row | None, rules: Rules, busy: Busy, counts: SavedCounts, evidence: Evidence) -> None:
    """A card that the books do not have is another one of the seller's."""
    if our is None:
        counts.other_cards += 1
        return
    here, there = SavedCardSide._make(our), None if their is None else SavedCardSide._make(their)
    counts.cards_here += 1
    counts.cards_there += there is not None
    counts.living_here += here.state in USABLE
    found = list(compare_saved_card(here, there, rules))
    if not found:
        return
    if here.id in busy.cards:
        evidence.left_out("saved_cards", here.ref)
        counts.moving += 1
        return
    if evidence.moves("saved_cards", here.ref, [here.id]):
        counts.moving += 1
        return
    counts.findings += len(found)
    counts.differing_cards += any(each.type is not BreakType.SAVED_CARD_EXPIRED for each in found)
    evidence.findings += found
    evidence.apart.append(("saved_cards", here.ref))
    evidence.saved["saved_cards"].append(here)


@dataclass(slots=True)
class _Group:
    """One payment with its refunds, by ref, as rows."""

    name: str
    our: Row | None
    their: Row | None
    our_rows: Rows
    their_rows: Rows

    def made_by(self) -> set[str | None]:
        """The marks that the provider's side bears."""
        marks = {row[_REFUND_MARK] for row in self.their_rows.values()}
        return marks | ({self.their[_PAYMENT_MARK]} if self.their is not None else set())

    def is_same(self) -> bool:
        """Whether both sides agree in every word that counts."""
        if (
            self.our is None
            or self.their is None
            or self.our[:7] != self.their[:7]
            or len(self.our_rows) != len(self.their_rows)
        ):
            return False
        return all(ref in self.our_rows and self.our_rows[ref][:4] == row[:4] for ref, row in self.their_rows.items())

    def is_ours(self, stage: Stage, *, whole: bool) -> bool:
        """Whether it was made with a card of ours, or by us. Of a payment that was made before the time that is looked at, a
        refund may be (not `whole`)."""
        if self.our is not None or self.their is not None:
            return self.our is not None or bool(self.their and self.their[-1])
        return bool(self.our_rows) or (not whole and stage.is_claimed(self.name))


def _payment(group: _Group, rules: Rules, busy: Busy, counts: SavedCounts, evidence: Evidence) -> None:
    if not group.is_ours(evidence.stage, whole=rules.since is None):
        counts.other_payments += group.their is not None
        return
    here = None if group.our is None else PaymentSide._make(group.our)
    there = None if group.their is None else PaymentSide._make(group.their)
    _count(counts, here, there, group)
    if group.is_same() and there is not None and there.state != "approved":
        return
    our_refunds, their_refunds = _refunds(group.our_rows), _refunds(group.their_rows)
    done = compare_payment(here, there, our_refunds, their_refunds, rules)
    counts.moving += done.moving
    if not done.findings:
        if done.moving:
            evidence.left_out("payments", group.name)
        return
    if _is_moving(group, here, busy, evidence):
        counts.moving += 1
        return
    counts.findings += len(done.findings)
    counts.differing_payments += done.differs
    counts.missing_payments += any(each.type is BreakType.PAYMENT_MISSING_THERE for each in done.findings)
    evidence.findings += done.findings
    evidence.apart.append(("payments", group.name))
    evidence.saved["payments"] += [] if here is None else [here]
    evidence.saved["refunds"] += our_refunds.values()


def _is_moving(group: _Group, here: PaymentSide | None, busy: Busy, evidence: Evidence) -> bool:
    """Whether a difference is left out, and noted as such: a write about it is open, or the books heard of it meanwhile."""
    if group.name in busy.payments or group.made_by() & busy.marks:
        evidence.left_out("payments", group.name)
        return True
    return evidence.moves("payments", group.name, [here.id] if here is not None else [])


def _count(counts: SavedCounts, here: PaymentSide | None, there: PaymentSide | None, group: _Group) -> None:
    counts.payments_here += here is not None
    counts.payments_there += there is not None and (here is not None or there.state not in UNPAID)
    counts.refunds_here += len(group.our_rows)
    counts.refunds_there += len(group.their_rows)
    if there is not None:
        sums = counts.sums[there.currency]
        sums[0] += there.amount + there.tip if there.state == "approved" else 0
        sums[1] += there.captured
        sums[2] += there.refunded


def _refunds(rows: Rows) -> dict[str, RefundSide]:
    return {ref: RefundSide._make(row) for ref, row in rows.items()}
