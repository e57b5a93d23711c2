"""How long comparing takes beside reading: `python -m tests.bench.reconciling CARDS TRANSACTIONS HOME`.

Fills books and a stage below HOME with equal sides, as one provider has them (no break; every normal life of a purchase), once;
compares them in a process of its own, and prints seconds, the peak of memory, and how much longer the pages would take to come.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from cardctl.db.stage import Stage
from cardctl.db.unit import Books
from cardctl.services.flows.reconciling.comparing import compare, ours_of
from tests.bench.measuring import Command, once
from tests.corpus.filling import Scratch
from tests.corpus.houses import STRIPE
from tests.corpus.sets import Corpus
from tests.db.conftest import keys_of

PAGE, REQUESTS = 100, 100
"""Objects of a page, and pages a second: as fast as Stripe lets anybody read."""
WRITTEN = 10_000
WANTED_RATIO, WANTED_MB = 20, 400


def fill(cards: int, transactions: int, home: Path) -> None:
    """Books and a stage, the same on every run: some thousands of cards are written, and the others are copies of them under
    other names, since writing each takes longer than all that is measured."""
    copies = max(1, round(cards / WRITTEN))
    home.mkdir(parents=True, exist_ok=True)
    books = _books(home)
    books.prepare()
    books.close()
    scratch = Scratch(home / "scratch.db", STRIPE)
    try:
        scratch.take(Corpus(1, cards // copies, transactions // copies, 0, (STRIPE,)).holders(STRIPE))
        scratch.multiply(copies - 1)
        sizes = {name: scratch.count(name) for name in ("accounts", "cards", "money")}
        scratch.into_books(str(home / "books.db"))
        scratch.into_stage(home / "stage.db").close()
    finally:
        scratch.close()
        (home / "scratch.db").unlink()
    (home / "sizes.json").write_text(json.dumps(sizes))


def one(home: Path) -> None:
    """The compare itself, as a run does it; what it counted goes into a file."""
    stage, books = Stage(home / "stage.db"), _books(home)
    try:
        with books.read() as unit:
            start, busy = time.perf_counter(), time.process_time()
            counts = compare(stage, ours_of(unit.comparable, STRIPE.programme, None), STRIPE.rules, lists_accounts=True)
            taken, busy = time.perf_counter() - start, time.process_time() - busy
    finally:
        books.close()
        stage.close()
    (home / "one.json").write_text(
        json.dumps({"seconds": taken, "cpu": busy, "findings": counts.findings, "moving": counts.moving})
    )


def main(cards: int, transactions: int, home: Path) -> None:
    """Print a line; HOME is kept, and used again."""
    if not (home / "sizes.json").exists():
        # by itself, since a child's peak of memory begins with its parent's
        once(Command([sys.executable, "-m", "tests.bench.reconciling", "fill", str(cards), str(transactions), str(home)]))
    sizes = json.loads((home / "sizes.json").read_text())
    peak = once(Command([sys.executable, "-m", "tests.bench.reconciling", str(home)])).peak
    told = json.loads((home / "one.json").read_text())
    pages = sum(-(-many // PAGE) for many in sizes.values())
    reading, objects = pages / REQUESTS, sum(sizes.values())
    print(
        f"{sizes['cards']:9} cards {sizes['money']:9} transactions: {told['seconds']:7.2f} s ({told['cpu']:.2f} of processor),"
        f" {told['seconds'] / objects * 1e6:6.2f} s a million, {peak:6.1f} MB (under {WANTED_MB} is wanted);"
        f" their pages take {reading:.0f} s: {reading / told['seconds']:.1f} times as long ({WANTED_RATIO} is wanted);"
        f" {told['findings']} findings",
        flush=True,
    )


def _books(home: Path) -> Books:
    return Books(str(home / "books.db"), environment="simulator", keys=keys_of)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        one(Path(sys.argv[1]))
    elif sys.argv[1] == "fill":
        fill(int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    else:
        main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
