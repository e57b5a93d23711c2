"""The corpus of saved cards: every planted break is found, typed right, once, and nothing else; no card's name is kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from cardctl.domain.break_kinds import BreakType
from tests.corpus import saved_judging
from tests.corpus.saved import SavedCorpus
from tests.corpus.saved_judging import SavedVerdict, judged_saved
from tests.services.test_corpus import SAVED, new_books

TYPES = {str(each) for each in BreakType if each.startswith(SAVED)} | {"unknown_word"}


def verdict_on(corpus: SavedCorpus, target: str, home: Path) -> SavedVerdict:
    with new_books(target) as books:
        return judged_saved(corpus, books, home)


def assert_found(verdict: SavedVerdict) -> None:
    assert (verdict.missed, verdict.wrong) == (Counter(), Counter())
    assert {told.type for told in verdict.truth} == TYPES
    assert verdict.again == verdict.found, "evidence comes to the same"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_break_is_found_and_nothing_else(seed: int, tmp_path: Path) -> None:
    verdict = verdict_on(SavedCorpus(seed, 400, 1_500, 4), str(tmp_path / "books.db"), tmp_path)
    assert_found(verdict)
    assert verdict.counts.payments_here > 1_000
    assert verdict.counts.other_cards == 40
    assert verdict.counts.other_payments > 50
    assert verdict.counts.moving > 4


def test_the_same_on_postgresql(new_postgres: str, tmp_path: Path) -> None:
    assert_found(verdict_on(SavedCorpus(4, 200, 600, 2), new_postgres, tmp_path))


def test_clean_books_are_clean(tmp_path: Path) -> None:
    verdict = verdict_on(SavedCorpus(5, 300, 1_500, 0), str(tmp_path / "books.db"), tmp_path)
    assert (verdict.truth, verdict.found, verdict.again) == (Counter(), Counter(), Counter())
    counts = verdict.counts
    assert (counts.differing_cards, counts.differing_payments, counts.findings) == (0, 0, 0)


def test_the_judge_sees_what_is_missed_and_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = saved_judging._told
    monkeypatch.setattr(saved_judging, "_told", lambda finding: told(replace(finding, subject="another")))
    verdict = verdict_on(SavedCorpus(1, 60, 100, 1), str(tmp_path / "books.db"), tmp_path)
    assert verdict.missed == verdict.truth
    assert verdict.wrong.total() == verdict.truth.total()


def test_no_name_of_a_card_is_in_a_stage(tmp_path: Path) -> None:
    verdict = verdict_on(SavedCorpus(6, 100, 300, 1), str(tmp_path / "books.db"), tmp_path)
    files = [path for path in tmp_path.iterdir() if ".stage" in path.name]
    assert len(files) >= 2
    kept = b"".join(path.read_bytes() for path in files)
    assert len(verdict.refs) > 150
    assert [ref for ref in verdict.refs if ref.encode() in kept] == []
    assert b"buyer1@example.com" not in kept


@pytest.mark.whole
def test_the_whole(tmp_path: Path) -> None:
    verdict = verdict_on(SavedCorpus(7, 2_000, 10_000, 20), str(tmp_path / "books.db"), tmp_path)
    assert_found(verdict)
    assert verdict.counts.payments_there > 9_000
