"""`python -m tests.corpus SEED [CARDS TRANSACTIONS BREAKS]`: makes a corpus, compares it, and says what came of it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from cardctl.db.unit import Books
from tests.corpus.judging import Verdict, judged
from tests.corpus.sets import WHOLE, Corpus
from tests.db.conftest import keys_of


def main(corpus: Corpus) -> Verdict:
    """Print what was planted and what was found otherwise."""
    with tempfile.TemporaryDirectory() as place:
        books = Books(str(Path(place, "books.db")), environment="simulator", keys=keys_of)
        try:
            verdict = judged(corpus, books, str(Path(place, "books.db")), Path(place))
        finally:
            books.close()
    for type_, many in sorted(verdict.types.items()):
        print(f"{type_:32} {many:6}")
    cards, events = (sum(getattr(each, name) for each in verdict.counts.values()) for name in ("cards_there", "money_there"))
    print(f"{verdict.breaks} breaks in {cards} cards and {events} transactions")
    for word, told in (("missed", verdict.missed), ("wrong", verdict.wrong)):
        for each in sorted(map(str, told.elements())):
            print(word, each)
    return verdict


if __name__ == "__main__":
    cards, transactions, breaks = (*map(int, sys.argv[2:]), *WHOLE[len(sys.argv) - 2 :])
    outcome = main(Corpus(int(sys.argv[1]), cards, transactions, breaks))
    sys.exit(1 if outcome.missed or outcome.wrong else 0)
