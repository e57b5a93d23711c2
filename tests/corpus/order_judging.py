"""A corpus of orders put into books and two stages, compared, and the findings held against the truth; `python -m` of it makes
one: SEED [ORDERS TIMES]."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cardctl.db.stage import Stage
from cardctl.db.unit import Books
from cardctl.domain.breaks import Finding, Severity
from cardctl.providers.paging import Leaf, Source, Spot
from cardctl.services.flows.reconciling.comparing import moving_in
from cardctl.services.flows.reconciling.comparing_orders import SoldCounts, compare_sold
from cardctl.services.flows.reconciling.comparing_supply import SupplyCounts, compare_supply, our_supply
from cardctl.services.flows.reconciling.keeping_orders import kept_orders, kept_supply
from cardctl.services.flows.reconciling.order_rows import order_rows
from tests.corpus import order_plants
from tests.corpus.orders import SALES, SOLD_RULES, SUPPLY, SUPPLY_RULES, Line, OrderCorpus, truth_of
from tests.corpus.pen import Truth
from tests.db.builders import account, card
from tests.db.conftest import keys_of

__all__ = ["order_plants"]
_PAGE = 500


@dataclass(slots=True)
class OrderVerdict:
    """`missed` and `wrong` are what was to be found and was not, and what was besides; `again` is what evidence comes to."""

    truth: Counter[Truth]
    found: Counter[Truth]
    again: Counter[Truth]
    sold: SoldCounts
    supplied: SupplyCounts
    seconds: float = 0.0

    @property
    def missed(self) -> Counter[Truth]:
        return self.truth - self.found

    @property
    def wrong(self) -> Counter[Truth]:
        return self.found - self.truth


def judged_orders(corpus: OrderCorpus, books: Books, home: Path) -> OrderVerdict:
    """Everything of a corpus, in new books."""
    fill(books, corpus.lines())
    sold, supplied = staged(corpus.lines(), home)
    try:
        began = time.monotonic()
        counts = compared(books, sold, supplied)
        took = time.monotonic() - began
        found = _found(sold) + _found(supplied)
        again = _again(sold, supplied, home)
    finally:
        sold.close()
        supplied.close()
    return OrderVerdict(truth_of(corpus), found, again, *counts, took)


def fill(books: Books, lines: Iterator[Line]) -> None:
    """Our side."""
    books.prepare()
    with books.write() as unit:
        unit.accounts.add(account(), raw={})
        for line in lines:
            for operation in line.operations:
                unit.operations.add(operation)
            if line.here is None:
                continue
            unit.orders.put(line.here)
            for top in line.topups:
                unit.order_money.put_topup(top)
                if top.card_id is not None:
                    unit.cards.add(card(top.card_id), raw={})
            unit.transactions.add_many(line.spends, programme=SALES)


def staged(lines: Iterator[Line], home: Path) -> tuple[Stage, Stage]:
    """Their sides, page by page, each page read again: an object may come twice."""
    stages = Stage(home / "sold.stage"), Stage(home / "supplied.stage")
    for stage in stages:
        stage.begin([(Source.SALES, {})], since=None)
    while page := list(islice(lines, _PAGE)):
        for stage, leaf in zip(stages, _leaves(page), strict=True):
            for _ in range(2):
                stage.turned(0, (), (), (), (), absent=(), requests=1, saved=order_rows(leaf, None))
    return stages


def compared(books: Books, sold: Stage, supplied: Stage) -> tuple[SoldCounts, SupplyCounts]:
    with books.read() as unit:
        comparable = unit.comparable_orders
        sold.forget_verdict()
        counts = compare_sold(sold, comparable.sales(SALES), SOLD_RULES, busy=comparable.busy(SALES))
        ours = our_supply(comparable, SUPPLY)
        return counts, compare_supply(supplied, ours, SUPPLY_RULES, busy=comparable.busy(SUPPLY))


def _leaves(page: list[Line]) -> tuple[Leaf, Leaf]:
    bought = [each for line in page for each in line.bought]
    sales = [sale for line in page for sale in (line.sale, *line.also) if sale is not None]
    refunds = [each for line in page for each in line.refunds]
    ledger = [each.debit for each in bought if each.debit is not None] + [each for line in page for each in line.credits]
    purchases = [each.purchase for each in bought if each.purchase is not None]
    spot = Spot(Source.SALES, {})
    sold = Leaf(spot, [], [], [], [], 1, sales=tuple(sales), sale_refunds=tuple(refunds))
    return sold, Leaf(spot, [], [], [], [], 1, purchases=tuple(purchases), ledger=tuple(ledger))


def _again(sold: Stage, supplied: Stage, home: Path) -> Counter[Truth]:
    found: Counter[Truth] = Counter()
    for evidence, copy in ((sold, home / "sold-anew.stage"), (supplied, home / "supplied-anew.stage")):
        evidence.copy_to(copy)
        anew, moving = Stage(copy), moving_in(evidence)
        anew.forget_verdict()
        try:
            if evidence is sold:
                compare_sold(anew, kept_orders(evidence, SOLD_RULES), SOLD_RULES, moving=moving, keep=False)
            else:
                compare_supply(anew, kept_supply(evidence, SUPPLY_RULES), SUPPLY_RULES, moving=moving, keep=False)
            found += _found(anew)
        finally:
            anew.close()
    return found


def _found(stage: Stage) -> Counter[Truth]:
    return Counter(map(_told, map(Finding.from_plain, stage.findings())))


def _told(finding: Finding) -> Truth:
    return Truth(str(finding.type), finding.subject, finding.card_id, finding.kind.severity is Severity.INFO)


def main(corpus: OrderCorpus) -> OrderVerdict:
    """Print what was planted, what was found otherwise, and how long it took."""
    with tempfile.TemporaryDirectory() as place:
        books = Books(str(Path(place, "books.db")), environment="simulator", keys=keys_of)
        try:
            verdict = judged_orders(corpus, books, Path(place))
        finally:
            books.close()
    for type_, many in sorted(Counter(told.type for told in verdict.truth.elements()).items()):
        print(f"{type_:32} {many:6}")
    print(f"{verdict.truth.total()} in {verdict.sold}, {verdict.supplied}; compared in {verdict.seconds:.2f} s")
    for word, told in (("missed", verdict.missed), ("wrong", verdict.wrong)):
        for each in sorted(map(str, told.elements())):
            print(word, each)
    return verdict


if __name__ == "__main__":
    sizes = (*map(int, sys.argv[2:]), *(5_000, 20)[len(sys.argv) - 2 :])
    outcome = main(OrderCorpus(int(sys.argv[1]), *sizes))
    sys.exit(1 if outcome.missed or outcome.wrong else 0)
