"""A stage beside the books: every difference and everything out of order, found in one pass and put down in the stage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from cardctl.db.comparable import Comparable
from cardctl.db.stage import Stage
from cardctl.domain.breaks import Finding
from cardctl.domain.comparing.cards import FINAL, compare_account, compare_card, shared_balance
from cardctl.domain.comparing.money import OURS, Compared
from cardctl.domain.comparing.sides import AccountSide, CardSide, MoneySide, Rules
from cardctl.services.flows.reconciling.merging import Rows, Sides, merged, pairs

_BATCH = 500
_MOVING = "moving "
_HELD = ("approved", "pending")


@dataclass(slots=True)
class Counts:
    """How much was compared: objects here and there; `differing` cards; `moving` objects that were left out of the verdict."""

    accounts_here: int = 0
    accounts_there: int = 0
    cards_here: int = 0
    cards_there: int = 0
    money_here: int = 0
    money_there: int = 0
    differing: int = 0
    moving: int = 0
    findings: int = 0
    living_here: int = 0
    """Cards here that are not closed or failed."""
    available: dict[str, int] = field(default_factory=dict)
    """What all cards can spend by the provider's word, by currency; without shared balances."""
    moved: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    """What money events come to by the provider's word, by currency and kind: their amounts, and what of them is held."""


@dataclass(slots=True)
class Ours:
    """Our side, as the books or a piece of evidence give it: rows as `Comparable` has them, and since when a card is frozen."""

    accounts: Iterator[tuple[Any, ...]]
    cards: Iterator[tuple[Any, ...]]
    money: Iterator[tuple[Any, ...]]
    frozen_since: Callable[[str], str | None]


@dataclass(slots=True)
class _Shared:
    """A balance that is a holder's, in one currency: the first of its cards on which the sides differ, and what the money
    events of all of them explain (see Compared)."""

    ours: CardSide | None = None
    theirs: CardSide | None = None
    explained: int = 0
    felt: int = 0
    ids: list[str] = field(default_factory=list)
    """Those of its cards, by our ids."""


@dataclass(slots=True)
class Evidence:
    """Our side of what differs, and findings, on their way into the stage. `saved` is our side of saved cards and payments, by
    table."""

    stage: Stage
    keep: bool
    written: Callable[[list[str]], set[str]]
    moving: Mapping[str, set[str]]
    apart: list[tuple[str, str]] = field(default_factory=list)
    accounts: list[AccountSide] = field(default_factory=list)
    cards: list[CardSide] = field(default_factory=list)
    money: list[MoneySide] = field(default_factory=list)
    saved: dict[str, list[NamedTuple]] = field(default_factory=lambda: defaultdict(list))
    findings: list[Finding] = field(default_factory=list)

    def left_out(self, source: str, name: str) -> None:
        """Remember that it moves: nothing of our side is kept, and yet it is not the same as theirs."""
        self.apart.append((f"{_MOVING}{source}", name))

    def moves(self, source: str, name: str, ids: list[str]) -> bool:
        """Whether what differs of it is left out of the verdict, since something of it was written after reading began."""
        moving = name in self.moving.get(source, ()) or bool(ids and self.written(ids))
        if moving:
            self.left_out(source, name)
        return moving

    def flush(self, *, at_least: int = 1) -> None:
        """Put down what there is, where it is so much."""
        if len(self.findings) + len(self.apart) < at_least:
            return
        if self.keep:
            self.stage.keep_ours(self.apart, self.accounts, self.cards, self.money, saved=self.saved)
        self.stage.add_findings((each.subject, each.plain()) for each in self.findings)
        for part in (self.apart, self.accounts, self.cards, self.money, self.saved, self.findings):
            part.clear()


def ours_of(comparable: Comparable, programme: str, since: str | None) -> Ours:
    """Our side as the books have it in one snapshot."""
    rows = comparable.accounts(programme), comparable.cards(programme), comparable.money(programme, since)
    return Ours(*rows, comparable.frozen_since)


def moving_in(stage: Stage) -> dict[str, set[str]]:
    """What a comparison has left out of its verdict, as its evidence tells."""
    return {
        source: stage.apart(f"{_MOVING}{source}")
        for source in ("accounts", "cards", "holders", "saved_cards", "payments", "sales", "purchases")
    }


def compare(
    stage: Stage,
    ours: Ours,
    rules: Rules,
    *,
    lists_accounts: bool,
    written: Callable[[list[str]], set[str]] = lambda _ids: set(),
    moving: Mapping[str, set[str]] = MappingProxyType({}),
    keep: bool = True,
    progress: Callable[[int], None] = lambda _count: None,
) -> Counts:
    """Everything that was staged beside our side; findings are in the stage afterwards, and with `keep` our side of what is not
    equal, which makes the stage evidence. `written` tells which of our cards and accounts were written since reading began:
    what differs of them is still moving. `moving` tells of which an earlier comparison found that, by the provider's names."""
    stage.forget_verdict()
    counts, evidence = Counts(), Evidence(stage, keep, written, moving)
    _accounts(stage, ours, rules, counts, evidence, listed=lists_accounts)
    shared: dict[tuple[str, str], _Shared] = {}
    sides = merged(ours.cards, stage.sides("cards"), ours.money, stage.sides("money"))
    for done, each in enumerate(sides, 1):
        _card(each, ours, rules, counts, evidence, shared)
        evidence.flush(at_least=_BATCH)
        if not done % 1_000:
            progress(1_000)
    for (holder, _), one in sorted(shared.items()):
        if evidence.moves("holders", holder, one.ids):
            counts.moving += 1
        elif one.ours is not None and one.theirs is not None:
            finding = shared_balance(one.ours, one.theirs, one.explained, one.felt, rules)
            _found(counts, evidence, [finding] if finding else [])
    evidence.flush()
    return counts


def _accounts(stage: Stage, ours: Ours, rules: Rules, counts: Counts, evidence: Evidence, *, listed: bool) -> None:
    absent = stage.absent("accounts")
    for our, their in pairs(ours.accounts, stage.sides("accounts")):
        counts.accounts_here += our is not None
        counts.accounts_there += their is not None
        if our is not None and their is not None and our[:3] == their[:3]:
            continue
        here = None if our is None else AccountSide._make(our)
        there = None if their is None else AccountSide._make(their)
        gone = listed or (here is not None and here.ref in absent)
        if here is not None and evidence.moves("accounts", here.ref, [here.id]):
            counts.moving += 1
            continue
        _found(counts, evidence, compare_account(here, there, rules, listed=gone))
        evidence.apart.append(("accounts", (here or there or AccountSide("", "", "")).ref))
        evidence.accounts += [] if here is None else [here]


def _card(
    sides: Sides,
    ours: Ours,
    rules: Rules,
    counts: Counts,
    evidence: Evidence,
    shared: dict[tuple[str, str], _Shared],
) -> None:
    name, our, their, our_rows, their_rows = sides
    here = None if our is None else CardSide._make(our)
    there = None if their is None else CardSide._make(their)
    counts.cards_here += here is not None
    counts.cards_there += there is not None
    counts.money_here += len(our_rows) if rules.fundings else sum(row[1] not in OURS for row in our_rows.values())
    _move(counts, their_rows)
    counts.living_here += here is not None and here.state not in FINAL
    if name in evidence.moving.get("cards", ()):
        return
    if here is not None and there is None and here.created_at >= rules.begun:
        counts.moving += 1  # made after the list was read
        evidence.left_out("cards", name)
        return
    frozen_at = ours.frozen_since(here.id) if here is not None and here.state == "frozen" and their_rows else None
    done = compare_card(here, there, our_rows, their_rows, rules, frozen_at=frozen_at)
    counts.moving += done.moving
    if done.available is not None and here is not None:
        counts.available[here.currency] = counts.available.get(here.currency, 0) + done.available
    if done.findings and here is not None and evidence.moves("cards", name, [here.id]):
        counts.moving += 1
        return
    differs = there is not None and there.shared and _share(shared, here, there, done)
    if done.findings or differs or not done.equal:
        counts.differing += bool(done.findings)
        _found(counts, evidence, done.findings)
        evidence.apart.append(("cards", name))
        evidence.cards += [] if here is None else [here._replace(word=frozen_at or "")]
        evidence.money += map(MoneySide._make, our_rows.values())


def _move(counts: Counts, rows: Rows) -> None:
    """Of an event that was read twice the later word alone: a stage has both."""
    counts.money_there += len(rows)
    for row in rows.values():
        sums = counts.moved[row[5], row[1]]
        sums[0] += row[3]
        if row[2] in _HELD:
            sums[1] -= row[4]


def _share(shared: dict[tuple[str, str], _Shared], here: CardSide | None, there: CardSide, done: Compared) -> bool:
    """Keep what matters of one card of a holder, which of nearly all is nothing: whether its balance differs. A closed card's
    is as it was then."""
    ended = here is not None and here.state in FINAL and there.state in FINAL
    differs = here is not None and not ended and here.balance != there.balance and here.currency == there.currency
    if not (differs or done.delta or done.felt):
        return False
    one = shared.setdefault((there.account_ref, there.currency), _Shared())
    one.explained += done.delta
    one.felt += done.felt
    if differs and here is not None:
        one.ids.append(here.id)
        if one.ours is None:
            one.ours, one.theirs = here, there
    return differs


def _found(counts: Counts, evidence: Evidence, findings: Iterable[Finding]) -> None:
    new = list(findings)
    counts.findings += len(new)
    evidence.findings += new
