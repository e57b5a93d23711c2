"""Stages: what was read and where reading goes on are one step; sorted as the books sort, private, and no other file."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cardctl.db.stage import Stage
from cardctl.domain.comparing.sides import AccountSide, CardSide, MoneySide
from cardctl.errors import BooksCorrupt, BooksUnusable, DiskFull, ExitCode

AWKWARD = ["a", "B", "b", "Z", "_", "~", "", "é", "e\u0301", "Ａ", "ß", "\uffff", "😀", "ic_1", "ic_10", "ic_2", "中"]
"""Names that collations, UTF-16 and code points put in different orders."""


def a_card(ref: str, **more: object) -> CardSide:
    card = CardSide(
        ref, "ich_1", "active", "USD", "4242", 11, 2029, "Ada", None, None, None, None, 100_00, None, False, True, "active"
    )
    return card._replace(**more)  # type: ignore[arg-type]


def an_event(ref: str, card: str, **more: object) -> MoneySide:
    at = "2026-11-01T10:00:00.000000+00:00"
    event = MoneySide(ref, "settlement", "settled", 500, -500, "USD", None, at, "Cafe", "5812", "1", None, None, card)
    return event._replace(**more)  # type: ignore[arg-type]


@pytest.fixture
def stages() -> Iterator[Callable[[Path], Stage]]:
    made: list[Stage] = []

    def make(path: Path) -> Stage:
        made.append(Stage(path))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def stage(tmp_path: Path, stages: Callable[[Path], Stage]) -> Stage:
    return stages(tmp_path / "one.stage")


def turned(stage: Stage, n: int, **more: Any) -> None:
    """The place `n` was read; what is not named was not there."""
    told: dict[str, Any] = {"accounts": [], "cards": [], "money": [], "then": [], "absent": [], "requests": 1} | more
    stage.turned(n, **told)


def test_a_stage_is_private_from_the_first_instant(tmp_path: Path, stages: Callable[[Path], Stage]) -> None:
    before = os.umask(0)
    try:
        stage = stages(tmp_path / "a" / "b" / "one.stage")
        stage.note(run="run_1")
        stage.copy_to(tmp_path / "a" / "copy.stage")
    finally:
        os.umask(before)
    made = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert {mode for path, mode in made.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in made.items() if path.is_file()} == {0o600}, made


def test_facts_are_kept_and_replaced(stage: Stage, tmp_path: Path, stages: Callable[[Path], Stage]) -> None:
    assert stage.fact("run") is None
    stage.note(run="run_1", since=None, audit=7, rules={"cutoff": None})
    stage.note(run="run_2")
    assert stages(stage.path).fact("run") == "run_2"
    assert (stage.fact("since"), stage.fact("audit"), stage.fact("rules")) == (None, 7, {"cutoff": None})


def test_what_is_read_and_where_it_goes_on_are_one_step(stage: Stage) -> None:
    stage.begin([("cards", {"page": 1}), ("accounts", {})], requests=1)
    assert stage.waiting(0, 10) == [(1, "cards", {"page": 1}), (2, "accounts", {})]
    assert stage.waiting(1, 10) == [(2, "accounts", {})]
    turned(stage, 1, cards=[a_card("ic_1")], then=[("cards", {"page": 2})], absent=[("cards", "ic_9")], requests=3)
    assert stage.waiting(0, 10) == [(2, "accounts", {}), (3, "cards", {"page": 2})]
    assert (stage.fact("requests"), stage.absent("cards"), stage.absent("accounts")) == (4, {"ic_9"}, set())

    def broken() -> Iterator[CardSide]:
        yield a_card("ic_2")
        raise RuntimeError("the page ends here")

    with pytest.raises(RuntimeError):
        turned(stage, 3, cards=broken(), then=[("cards", {"page": 3})])
    assert [row[0] for row in stage.sides("cards")] == ["ic_1"]
    assert (stage.unread(), stage.fact("requests")) == (2, 4)
    turned(stage, 3)
    turned(stage, 2)
    assert stage.unread() == 0


def test_a_number_is_never_given_twice(stage: Stage) -> None:
    """Who reads keeps how far he came by number: a place that is found later has a higher one."""
    stage.begin([("cards", {})])
    turned(stage, 1)
    assert stage.waiting(0, 5) == []
    stage.begin([("cards", {"again": True})])
    assert [place[0] for place in stage.waiting(0, 5)] == [2]


def test_sides_are_sorted_as_python_sorts(stage: Stage) -> None:
    stage.begin([("cards", {})])
    turned(
        stage,
        1,
        accounts=[AccountSide(ref, "active", "none") for ref in AWKWARD],
        cards=map(a_card, AWKWARD),
        money=[an_event(f"e{n}", ref) for n, ref in enumerate(AWKWARD)],
    )
    for name, place in (("accounts", 0), ("cards", 0), ("money", -1)):
        assert [row[place] for row in stage.sides(name)] == sorted(AWKWARD), name


def test_of_two_the_later_comes_later(stage: Stage) -> None:
    stage.begin([("cards", {}), ("cards", {})])
    turned(stage, 2, cards=[a_card("ic_1", state="active"), a_card("ic_0")], money=[an_event("e", "ic_1", amount=1)])
    turned(stage, 1, cards=[a_card("ic_1", state="closed")], money=[an_event("e", "ic_1", amount=2)])
    assert [(row[0], row[2]) for row in stage.sides("cards")] == [("ic_0", "active"), ("ic_1", "active"), ("ic_1", "closed")]
    assert [row[3] for row in stage.sides("money")] == [1, 2]


def test_a_side_keeps_its_words(stage: Stage) -> None:
    card, event = a_card("ic_1", shared=True, balance=-3, allowance=None), an_event("é", "ic_1", parent_ref="x", progress="1.2")
    stage.begin([("cards", {})])
    turned(stage, 1, cards=[card], money=[event])
    assert [CardSide._make(row) for row in stage.sides("cards")] == [card]
    assert [MoneySide._make(row) for row in stage.sides("money")] == [event]


def test_our_side_and_findings_go_with_the_verdict(stage: Stage) -> None:
    stage.keep_ours([("cards", "ic_1")], [AccountSide("ich_1", "active", "none")], [a_card("ic_1")], [an_event("e", "ic_1")])
    stage.add_findings([("ic_1", {"n": 1}), ("ic_0", {"n": 2})])
    assert list(stage.findings()) == [{"n": 1}, {"n": 2}], "in their order"
    assert stage.apart("cards") == {"ic_1"}
    assert [len(list(stage.sides(name, ours=True))) for name in ("accounts", "cards", "money")] == [1, 1, 1]
    stage.forget_verdict()
    assert list(stage.findings()) == []
    assert stage.apart("cards") == set()
    assert [list(stage.sides(name, ours=True)) for name in ("accounts", "cards", "money")] == [[], [], []]


def test_a_copy_is_whole_and_one_file(stage: Stage, tmp_path: Path, stages: Callable[[Path], Stage]) -> None:
    stage.begin([("cards", {"page": 1})], run="run_1")
    (tmp_path / "copy").mkdir()
    stage.copy_to(tmp_path / "copy" / "one")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["one"]
    copy = stages(tmp_path / "copy" / "one")
    assert (copy.fact("run"), copy.unread()) == ("run_1", 1)


_READER = """
import sys
from pathlib import Path
from cardctl.db.stage import Stage
from tests.db.test_stage import a_card, an_event, turned
stage = Stage(Path(sys.argv[1]))
while places := stage.waiting(0, 1):
    n, source, at = places[0]
    page = at["page"]
    cards = [a_card(f"ic_{page * 20 + i:06}") for i in range(20)]
    money = [an_event("e" + card.ref, card.ref) for card in cards]
    turned(stage, n, cards=cards, money=money, then=[("cards", {"page": page + 1})])
"""


def test_a_kill_leaves_whole_pages(stage: Stage) -> None:
    stage.begin([("cards", {"page": 0})], requests=0)
    last = 0
    for number in range(4):
        command = [sys.executable, "-c", _READER, str(stage.path)]
        with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
            end = time.monotonic() + 60
            while stage.fact("requests") <= last + number and time.monotonic() < end:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            assert process.wait(20) == -signal.SIGKILL
        ((n, _, at),) = stage.waiting(0, 5)
        pages = at["page"]
        assert pages > last
        last = pages
        assert (n, stage.fact("requests")) == (pages + 1, pages)
        refs = [row[0] for row in stage.sides("cards")]
        assert refs == [f"ic_{i:06}" for i in range(pages * 20)]
        assert [row[0] for row in stage.sides("money")] == ["e" + ref for ref in refs]


def test_a_full_disk_is_said_and_loses_nothing(stage: Stage) -> None:
    stage.begin([("cards", {"page": 1})])
    turned(stage, 1, cards=[a_card("ic_1")], then=[("cards", {"page": 2})])
    stage._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = stage._connection.execute("PRAGMA page_count").fetchone()[0]
    stage._connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(DiskFull) as failure:
        turned(stage, 2, cards=[a_card(f"ic_{n}" + "x" * 500) for n in range(500)], then=[("cards", {"page": 3})])
    assert failure.value.exit_code is ExitCode.BOOKS
    assert stage.waiting(0, 5) == [(2, "cards", {"page": 2})]
    assert [row[0] for row in stage.sides("cards")] == ["ic_1"]
    stage._connection.execute("PRAGMA max_page_count=1000000")
    turned(stage, 2, cards=[a_card("ic_2")])
    assert (stage.unread(), len(list(stage.sides("cards")))) == (0, 2)


def _text(path: Path) -> None:
    path.write_text("this is no stage\n" * 1000)


def _other(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE spots (n INTEGER PRIMARY KEY)")
        other.commit()


def _cut(path: Path) -> None:
    stage = Stage(path)
    stage.begin([("cards", {"page": "x" * 9000})] * 40)
    stage._connection.execute("PRAGMA journal_mode=DELETE")
    stage.close()
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("spoil", [_text, _other, _cut])
def test_a_file_that_is_no_stage(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    path = tmp_path / "one.stage"
    spoil(path)
    with pytest.raises(BooksCorrupt):
        _used(path)


def _used(path: Path) -> None:
    with closing(Stage(path)) as stage:
        stage.waiting(0, 10)
        stage.begin([("cards", {})])
        list(stage.sides("cards"))


def test_a_directory_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "one.stage").mkdir()
    with pytest.raises(BooksUnusable):
        Stage(tmp_path / "one.stage")
