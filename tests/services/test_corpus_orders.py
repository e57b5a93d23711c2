"""The corpus of orders: every planted break is found, typed right, once, and nothing else; evidence comes to the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from cardctl.domain.break_kinds import BreakType
from tests.corpus import order_judging
from tests.corpus.order_judging import OrderVerdict, judged_orders
from tests.corpus.orders import PLANTS, OrderCorpus
from tests.services.test_corpus import ORDERED, new_books

TYPES = {str(each) for each in BreakType if each.startswith(ORDERED)} | {"unknown_word"}


def verdict_on(corpus: OrderCorpus, target: str, home: Path) -> OrderVerdict:
    with new_books(target) as books:
        return judged_orders(corpus, books, home)


def assert_found(verdict: OrderVerdict) -> None:
    assert (verdict.missed, verdict.wrong) == (Counter(), Counter())
    assert {told.type for told in verdict.truth} == TYPES
    assert verdict.again == verdict.found, "evidence comes to the same"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_break_is_found_and_nothing_else(seed: int, tmp_path: Path) -> None:
    verdict = verdict_on(OrderCorpus(seed, 500, 2), str(tmp_path / "books.db"), tmp_path)
    assert_found(verdict)
    assert len(PLANTS) >= 35
    assert verdict.sold.orders_here > 400
    assert verdict.sold.others > 20
    assert verdict.supplied.others > 5
    assert min(verdict.sold.moving, verdict.supplied.moving) > 0


def test_the_same_on_postgresql(new_postgres: str, tmp_path: Path) -> None:
    assert_found(verdict_on(OrderCorpus(4, 300, 2), new_postgres, tmp_path))


def test_clean_books_are_clean(tmp_path: Path) -> None:
    verdict = verdict_on(OrderCorpus(5, 1_000, 0), str(tmp_path / "books.db"), tmp_path)
    assert (verdict.truth, verdict.found, verdict.again) == (Counter(), Counter(), Counter())
    assert (verdict.sold.differing, verdict.sold.findings, verdict.supplied.differing, verdict.supplied.findings) == (0,) * 4


def test_the_judge_sees_what_is_missed_and_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = order_judging._told
    monkeypatch.setattr(order_judging, "_told", lambda finding: told(replace(finding, subject="another")))
    verdict = verdict_on(OrderCorpus(1, 60, 1), str(tmp_path / "books.db"), tmp_path)
    assert verdict.missed == verdict.truth
    assert verdict.wrong.total() == verdict.truth.total()


def test_nobody_is_named_in_a_stage(tmp_path: Path) -> None:
    verdict_on(OrderCorpus(6, 200, 1), str(tmp_path / "books.db"), tmp_path)
    files = [path for path in tmp_path.iterdir() if ".stage" in path.name]
    kept = b"".join(path.read_bytes() for path in files)
    assert len(files) >= 4
    assert b"ada@example.com" not in kept
    assert b"8900000000000000001" not in kept, "an eSIM's number is asked for nowhere in comparing"
