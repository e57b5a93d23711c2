"""`python -m tests.corpus SEED [CARDS TRANSACTIONS BREAKS]`: makes the corpus of a seed, compares it, and says what came of it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from cardctl.db.unit import Books
from tests.corpus.judging import Verdict, judged
from tests.corpus.sets import Corpus
from tests.db.conftest import keys_of


def main(seed: int, *sizes: int) -> Verdict:
    """Print what was planted and what was found otherwise."""
    with tempfile.TemporaryDirectory() as place:
        books = Books(str(Path(place, "books.db")), environment="simulator", keys=keys_of)
        try:
            verdict = judged(Corpus(seed, *sizes), books, str(Path(place, "books.db")), Path(place))
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
    outcome = main(*map(int, sys.argv[1:]))
    sys.exit(1 if outcome.missed or outcome.wrong else 0)
