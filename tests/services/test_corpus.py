"""The corpus: every planted break is found, typed right, once, and nothing else; from any seed, on both kinds of books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cardctl.db.unit import Books
from cardctl.domain.breaks import BreakType
from tests.corpus import judging
from tests.corpus.houses import HOUSES, STRIPE
from tests.corpus.judging import Verdict, judged
from tests.corpus.pen import Holder
from tests.corpus.sets import Corpus
from tests.db.conftest import keys_of

ELSEWHERE = {"event_gap", "event_failed", "operation_in_doubt", "float_low"}
"""What no comparison of two sides finds."""
SAVED = ("saved_card_", "payment_", "refund_missing_", "refund_state", "refund_amount", "hold_")
"""Of these a seller's corpus has all: see test_corpus_saved.py."""
ORDERED = ("order_", "purchase_", "ledger_", "topup_")
"""Of these the corpus of orders has all: see test_corpus_orders.py."""


@contextmanager
def new_books(target: str) -> Iterator[Books]:
    books = Books(target, environment="simulator", keys=keys_of)
    try:
        yield books
    finally:
        books.close()


def verdict_on(corpus: Corpus, target: str, home: Path) -> Verdict:
    with new_books(target) as books:
        return judged(corpus, books, target, home)


def assert_found(verdict: Verdict) -> None:
    assert (verdict.missed, verdict.wrong) == (Counter(), Counter())
    assert set(verdict.types) == {str(each) for each in BreakType if not each.startswith(SAVED + ORDERED)} - ELSEWHERE


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_break_is_found_and_nothing_else(seed: int, tmp_path: Path) -> None:
    verdict = verdict_on(Corpus(seed, 3_000, 15_000, 400), str(tmp_path / "books.db"), tmp_path)
    assert_found(verdict)
    assert verdict.breaks >= 400
    assert sum(counts.money_there for counts in verdict.counts.values()) >= 15_000


def test_the_same_on_postgresql(new_postgres: str, tmp_path: Path) -> None:
    assert_found(verdict_on(Corpus(4, 1_500, 4_500, 200), new_postgres, tmp_path))


def test_clean_books_are_clean(tmp_path: Path) -> None:
    verdict = verdict_on(Corpus(5, 2_000, 10_000, 0), str(tmp_path / "books.db"), tmp_path)
    assert (verdict.missed, verdict.wrong, verdict.breaks) == (Counter(), Counter(), 0)
    assert set(verdict.types) == {"capture_after_freeze", "capture_without_authorization"}  # as information


def test_a_seed_is_a_corpus() -> None:
    def made(seed: int) -> list[Holder]:
        return [holder for house in HOUSES for holder in Corpus(seed, 300, 900, 40).holders(house)]

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_the_judge_sees_what_is_missed_and_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that had neither would make every test above worthless."""
    told = judging._told
    monkeypatch.setattr(judging, "_told", lambda finding: told(replace(finding, subject="another")))
    verdict = verdict_on(Corpus(1, 300, 600, 20, (STRIPE,)), str(tmp_path / "books.db"), tmp_path)
    assert verdict.missed == verdict.truth
    assert verdict.wrong.total() == verdict.truth.total()


@pytest.mark.whole
def test_the_whole_corpus(tmp_path: Path) -> None:
    verdict = verdict_on(Corpus(1), str(tmp_path / "books.db"), tmp_path)
    assert_found(verdict)
    assert verdict.breaks >= 2_000
    counts = verdict.counts.values()
    assert sum(each.cards_here for each in counts) >= 100_000
    assert sum(each.money_there for each in counts) >= 500_000
