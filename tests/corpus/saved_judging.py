"""A corpus of saved cards put into books and a stage, compared, and the findings held against the truth; `python -m` of it
makes one: SEED [CARDS PAYMENTS TIMES]."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from cardctl.db.stage import Stage
from cardctl.db.unit import Books
from cardctl.domain.breaks import Finding, Severity
from cardctl.domain.saved_cards import RemoteSavedCard
from cardctl.providers.paging import Leaf, Source, Spot
from cardctl.services.flows.reconciling.comparing import moving_in
from cardctl.services.flows.reconciling.comparing_saved import SavedCounts, busy_in, compare_saved, our_saved
from cardctl.services.flows.reconciling.keeping_saved import kept_saved
from cardctl.services.flows.reconciling.saved_sides import hasher_of, saved_sides
from tests.corpus import saved_plants
from tests.corpus.pen import Truth
from tests.corpus.saved import RULES, Kept, Paid, SavedCorpus, truth_of
from tests.db.conftest import keys_of
from tests.db.saved_builders import SELLER

__all__ = ["saved_plants"]
_PAGE = 500


@dataclass(slots=True)
class SavedVerdict:
    """`missed` and `wrong` are what was to be found and was not, and what was besides; `again` is what evidence comes to."""

    truth: Counter[Truth]
    found: Counter[Truth]
    again: Counter[Truth]
    counts: SavedCounts
    refs: list[str] = field(default_factory=list)

    @property
    def missed(self) -> Counter[Truth]:
        return self.truth - self.found

    @property
    def wrong(self) -> Counter[Truth]:
        return self.found - self.truth


def judged_saved(corpus: SavedCorpus, books: Books, home: Path) -> SavedVerdict:
    """Everything of a corpus, in new books."""
    fill(books, corpus.kept())
    stage = staged(books, corpus.kept(), home / "square.stage")
    try:
        counts = compared(books, stage)
        found = _found(stage)
        stage.copy_to(home / "anew.stage")
        again = _again(stage, home / "anew.stage")
    finally:
        stage.close()
    refs = [card.ref for each in corpus.kept() for card in (each.here, each.there) if card is not None and card.ref]
    return SavedVerdict(truth_of(corpus), found, again, counts, refs)


def fill(books: Books, kept: Iterator[Kept]) -> None:
    """Our side."""
    books.prepare()
    with books.write() as unit:
        for one in kept:
            if one.here is None:
                continue
            unit.saved_cards.put(one.here)
            for operation in one.operations:
                unit.operations.add(operation)
            for paid in one.payments:
                if paid.here is not None:
                    unit.payments.put(paid.here)
                for ours in (ours for ours, _ in paid.refunds if ours is not None):
                    unit.payments.put_refund(ours)


def staged(books: Books, kept: Iterator[Kept], path: Path) -> Stage:
    """Their side, page by page, each page read again: an object may come twice."""
    stage = Stage(path)
    with books.read() as unit:
        stage.begin([(Source.PAYMENTS, {})], key=unit.comparable_saved.key, since=None)
        digest = hasher_of(unit, stage)
    while page := list(islice(kept, _PAGE)):
        leaf = _leaf(page)
        for _ in range(2):
            stage.turned(0, (), (), (), (), absent=(), requests=1, saved=saved_sides(leaf, None, digest))
    return stage


def compared(books: Books, stage: Stage) -> SavedCounts:
    with books.read() as unit:
        ours, busy = our_saved(unit.comparable_saved, SELLER, None), busy_in(unit.comparable_saved, SELLER)
        return compare_saved(stage, ours, RULES, busy=busy)


def _leaf(page: list[Kept]) -> Leaf:
    paid: list[Paid] = [each for one in page for each in one.payments]
    return Leaf(
        Spot(Source.PAYMENTS, {}), [], [], [], [], 1,
        saved_cards=tuple(one.there for one in page if isinstance(one.there, RemoteSavedCard)),
        payments=tuple(each.there for each in paid if each.there is not None),
        refunds=tuple(theirs for each in paid for _, theirs in each.refunds if theirs is not None),
    )  # fmt: skip


def _again(evidence: Stage, copy: Path) -> Counter[Truth]:
    anew = Stage(copy)
    try:
        compare_saved(anew, kept_saved(evidence, RULES), RULES, moving=moving_in(evidence), keep=False)
        return _found(anew)
    finally:
        anew.close()


def _found(stage: Stage) -> Counter[Truth]:
    return Counter(map(_told, map(Finding.from_plain, stage.findings())))


def _told(finding: Finding) -> Truth:
    return Truth(str(finding.type), finding.subject, finding.card_id, finding.kind.severity is Severity.INFO)


def main(corpus: SavedCorpus) -> SavedVerdict:
    """Print what was planted, what was found otherwise, and how long it took."""
    with tempfile.TemporaryDirectory() as place:
        books = Books(str(Path(place, "books.db")), environment="simulator", keys=keys_of)
        try:
            fill(books, corpus.kept())
            stage = staged(books, corpus.kept(), Path(place, "square.stage"))
            began = time.monotonic()
            counts = compared(books, stage)
            took = time.monotonic() - began
            verdict = SavedVerdict(truth_of(corpus), _found(stage), Counter(), counts)
            stage.close()
        finally:
            books.close()
    for type_, many in sorted(Counter(told.type for told in verdict.truth.elements()).items()):
        print(f"{type_:32} {many:6}")
    print(f"{verdict.truth.total()} in {counts}; compared in {took:.2f} s")
    for word, told in (("missed", verdict.missed), ("wrong", verdict.wrong)):
        for each in sorted(map(str, told.elements())):
            print(word, each)
    return verdict


if __name__ == "__main__":
    sizes = (*map(int, sys.argv[2:]), *(2_000, 10_000, 10)[len(sys.argv) - 2 :])
    outcome = main(SavedCorpus(int(sys.argv[1]), *sizes))
    sys.exit(1 if outcome.missed or outcome.wrong else 0)
