"""A corpus put into books and stages, compared, and the findings held against the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cardctl.db.unit import Books
from cardctl.domain.breaks import Finding, Severity
from cardctl.services.flows.reconciling.comparing import Counts, compare, ours_of
from tests.corpus.filling import Scratch
from tests.corpus.houses import House
from tests.corpus.pen import Holder, Truth
from tests.corpus.sets import Corpus


@dataclass(slots=True)
class Verdict:
    """`truth` is what was to be found; `missed` and `wrong` are what was not, and what was besides, each as often."""

    truth: Counter[Truth] = field(default_factory=Counter)
    missed: Counter[Truth] = field(default_factory=Counter)
    wrong: Counter[Truth] = field(default_factory=Counter)
    counts: dict[str, Counts] = field(default_factory=dict)

    @property
    def breaks(self) -> int:
        return sum(many for told, many in self.truth.items() if not told.info)

    @property
    def types(self) -> Counter[str]:
        """How many breaks of which type were planted; `capture_after_freeze` is information, and counted as such."""
        return Counter(told.type for told in self.truth.elements())


def judged(corpus: Corpus, books: Books, target: str, home: Path) -> Verdict:
    """Everything of a corpus: `books` are new ones at `target`."""
    verdict = Verdict()
    books.prepare()
    for house in corpus.houses:
        _judge(verdict, corpus, house, books, target, home)
    return verdict


def _judge(verdict: Verdict, corpus: Corpus, house: House, books: Books, target: str, home: Path) -> None:
    truth: Counter[Truth] = Counter()
    scratch = Scratch(home / f"{house.provider}.scratch", house)
    try:
        scratch.take(_noted(corpus.holders(house), truth))
        scratch.into_books(target)
        stage = scratch.into_stage(home / f"{house.provider}.stage")
    finally:
        scratch.close()
    try:
        with books.read() as unit:
            ours = ours_of(unit.comparable, house.programme, None)
            verdict.counts[house.provider] = compare(stage, ours, house.rules, lists_accounts=True)
        found = Counter(map(_told, map(Finding.from_plain, stage.findings())))
    finally:
        stage.close()
    verdict.truth += truth
    verdict.missed += truth - found
    verdict.wrong += found - truth


def _noted(holders: Iterator[Holder], truth: Counter[Truth]) -> Iterator[Holder]:
    for owner in holders:
        truth.update(owner.truth)
        yield owner


def _told(finding: Finding) -> Truth:
    return Truth(str(finding.type), finding.subject, finding.card_id, finding.kind.severity is Severity.INFO)
