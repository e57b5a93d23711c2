"""Runs that are cut off (late, a bank that is down, a full disk, a torn file), and where the next one goes on."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
import pytest

from cardctl.db.stage import Stage
from cardctl.domain.breaks import BreakState, BreakType, RunState
from cardctl.domain.cards import Card
from cardctl.errors import DiskFull, ProviderUnavailable
from cardctl.services.deeds.pulling import sync_card
from cardctl.services.flows.reconciling.places import Places
from cardctl.services.flows.reconciling.running import reconcile
from cardctl.services.flows.reconciling.starting import Means, Wish
from tests.services import reconciled as r
from tests.services.test_reconciling_running import lists, synced
from tests.services.world import World, refuse, usd

T = BreakType
Worlds = Callable[..., World]
EVERY = ["stripe", "marqeta", "strowallet"]


def several(world: World, many: int) -> list[Card]:
    """Cards of as many users, so that there is as much to read."""
    return [synced(world, world.a_card("100"), "1") for _ in range(many)]


def test_a_run_that_is_late_goes_on_and_reads_nothing_twice(marqeta: World) -> None:
    cards = several(marqeta, 6)
    marqeta.control.swipe(cards[0].ref, usd("9"))
    marqeta.wire.asked.clear()
    whole = r.ran(marqeta)
    wanted = lists(marqeta)
    asked, ids = list[str](), set[str]()
    for _ in range(40):
        left = 3

        def late() -> bool:
            nonlocal left
            left -= 1
            return left < 0

        outcome = r.ran(marqeta, late=late)
        ids.add(outcome.run.id)
        asked += lists(marqeta)
        if not outcome.late:
            break
        assert outcome.run.state is RunState.RUNNING
    assert not outcome.late
    assert len(ids) == 1
    assert sorted(asked) == wanted
    assert (outcome.run.digest, outcome.run.found) == (whole.run.digest, whole.run.found)
    assert outcome.run.figures["totals"] == whole.run.figures["totals"]
    name = marqeta.desk.programme
    assert outcome.run.figures["programmes"][name]["requests"] == whole.run.figures["programmes"][name]["requests"]


def _other_since(world: World, run: str) -> dict[str, Any]:
    return {"since": world.desk.clock() - timedelta(days=1)}


def _long_ago(world: World, run: str) -> dict[str, Any]:
    r.amend(world, "UPDATE runs SET started_at = '2026-01-01T00:00:00.000000Z' WHERE id = ?", run)
    return {}


def _lost(world: World, run: str) -> dict[str, Any]:
    shutil.rmtree(r.places(world).left()[0].parent)
    return {}


def _spoilt(world: World, run: str) -> dict[str, Any]:
    for path in r.places(world).left():
        path.write_text("nothing of it is left")
    return {}


@pytest.mark.parametrize("change", [_other_since, _long_ago, _lost, _spoilt])
def test_what_is_not_gone_on_with(marqeta: World, change: Callable[[World, str], dict[str, Any]]) -> None:
    several(marqeta, 3)
    left = 4

    def late() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    first = r.ran(marqeta, late=late)
    assert first.late
    wish = change(marqeta, first.run.id)
    second = r.ran(marqeta, **wish)
    assert (second.late, second.run.id == first.run.id) == (False, False)
    assert r.told(r.found(marqeta, second)) == []
    with marqeta.books.read() as unit:
        (given_up,) = (run.state for run in unit.runs.rows() if run.id != second.run.id)
    assert given_up is (RunState.STOPPED if change in (_other_since, _long_ago) else RunState.RUNNING)


def test_a_stage_that_is_torn_within_is_read_again(world: World) -> None:
    """A power cut may tear it, since nothing in it waits for the disk."""
    for _ in range(3):
        world.a_card("100")
    calls = 0

    def late() -> bool:
        nonlocal calls
        calls += 1
        return calls > 3

    assert r.ran(world, late=late).late
    (path,) = r.places(world).left()
    with closing(sqlite3.connect(path)) as stage:
        stage.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        stage.execute("PRAGMA journal_mode=DELETE")
        stage.execute("CREATE TABLE ballast (x)")
        stage.execute("INSERT INTO ballast VALUES (zeroblob(100000))")
        stage.execute("DROP TABLE ballast")
        stage.commit()
        root = stage.execute("SELECT rootpage FROM sqlite_master WHERE name = 'cards'").fetchone()[0]
        size = stage.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(path.read_bytes())
    content[(root - 1) * size : root * size] = b"\xff" * size
    path.write_bytes(content)
    r.clean(world)


def test_one_bank_of_two_is_down(worlds: Worlds) -> None:
    """The other one is compared; the next run goes on with the same, and counts what it has found once."""
    here = worlds()
    there = World(here.control._far_side.path.parent, str(here.books_target), provider="marqeta")
    try:
        one, other = here.a_card("100"), there.a_card("50")
        here.control.swipe(one.ref, usd("1"))
        there.control.swipe(other.ref, usd("2"))
        there.wire.before = refuse
        first = r.ran(here, there)
        assert (first.run.state, [error.code for error in first.unread]) == (RunState.PARTIAL, ["PROVIDER_UNAVAILABLE"])
        assert first.run.found == 2
        assert any(each.startswith("marqeta/default: ") for each in first.run.not_checked)
        assert {each.programme for each in r.found(here, first)} == {"stripe/acct_1"}
        there.wire.before = lambda _request: None
        second = r.ran(here, there)
        assert second.unread == ()
        breaks = r.found(here, second)
        assert len(breaks) == 4
        assert (second.run.id, second.run.found) == (first.run.id, 4)
        assert {each.occurrences for each in breaks} == {1}
        assert second.waiting == 4
    finally:
        there.close()


def test_a_bank_that_is_down(world: World) -> None:
    world.a_card("100")
    world.wire.before = refuse
    with pytest.raises(ProviderUnavailable):
        r.ran(world)
    with world.books.read() as unit:
        (run,) = unit.runs.rows()
    assert (run.state, run.error is None) == (RunState.PARTIAL, False)
    world.wire.before = lambda _request: None
    r.clean(world)


def test_a_bank_that_stops_answering_in_the_middle(marqeta: World) -> None:
    several(marqeta, 5)
    marqeta.wire.asked.clear()
    r.clean(marqeta)
    wanted = lists(marqeta)
    calls = 0

    def break_off(request: httpx.Request) -> None:
        nonlocal calls
        calls += 1
        if calls > 9:
            refuse(request)

    marqeta.wire.before = break_off
    with pytest.raises(ProviderUnavailable):
        r.ran(marqeta)
    marqeta.wire.before = lambda _request: None
    served = marqeta.wire.asked[:9]
    marqeta.wire.asked.clear()
    r.clean(marqeta)
    told = lists(marqeta)
    again = len(told) + len([one for one in served if not one.endswith(("/balance", "/ping"))]) - len(wanted)
    assert 0 <= again <= 9, "only turns that were cut off in their middle"
    assert len(told) < len(wanted)


def test_totals_count_what_was_read_twice_once(world: World) -> None:
    """A list that moves while it is read gives an object again: the later word counts."""
    card = synced(world, world.a_card("100"), "10")
    world.hold(card, 300)
    sync_card(world.desk, card)
    first = r.clean(world).run.figures["totals"]
    calls = 0

    def late() -> bool:
        nonlocal calls
        calls += 1
        return calls > 3

    assert r.ran(world, late=late).late
    (path,) = r.places(world).left()
    with closing(sqlite3.connect(path)) as stage:
        for name in ("money", "cards", "accounts"):
            stage.execute(f"INSERT INTO {name} SELECT * FROM {name}")
        doubled = stage.execute("SELECT count(*) FROM money").fetchone()[0]
        stage.commit()
    outcome = r.clean(world)
    assert doubled
    assert outcome.run.figures["totals"] == first


class Narrow(Places):
    """A disk that has no room for more than so many pages of a stage."""

    def __init__(self, whole: Places, room: int) -> None:
        super().__init__(whole._root)
        self._room = room

    def current(self, programme: str) -> Stage:
        stage = super().current(programme)
        stage._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = stage._connection.execute("PRAGMA page_count").fetchone()[0]
        stage._connection.execute(f"PRAGMA max_page_count={pages + self._room}")
        return stage


def test_a_disk_that_fills_while_reading(marqeta: World) -> None:
    """It is said, and what fitted is not read again once there is room."""
    holder = marqeta.an_account()
    for _ in range(60):
        marqeta.a_card(None, account=holder)
    several(marqeta, 12)
    marqeta.wire.asked.clear()
    r.clean(marqeta)
    wanted = lists(marqeta)
    with pytest.raises(DiskFull):
        reconcile(r.parts(marqeta), Wish(), Means(Narrow(r.places(marqeta), 0)))
    served = lists(marqeta)
    with marqeta.books.read() as unit:
        run = next(iter(unit.runs.rows()))
    assert run.state is RunState.RUNNING
    outcome = r.clean(marqeta)
    assert outcome.run.id == run.id
    again = lists(marqeta)
    assert len(again) < len(wanted), "some of it was kept"
    assert set(served) | set(again) == set(wanted)


def test_what_was_mended_between_two_halves_of_a_run(worlds: Worlds) -> None:
    """One bank was down, the breaks of the other are mended meanwhile: the run that is gone on with finds none of them."""
    here = worlds()
    there = World(here.control._far_side.path.parent, str(here.books_target), provider="marqeta")
    try:
        cards = [here.a_card("100") for _ in range(4)]
        there.a_card("50")
        here.control.swipe(cards[0].ref, usd("1"))
        here.control.edit(cards[1].ref, {"status": "inactive"})
        r.amend(here, "UPDATE cards SET balance_minor = 1 WHERE id = ?", cards[2].id)
        r.amend(here, "UPDATE accounts SET kyc = 'rejected' WHERE id = ?", cards[3].account_id)
        there.wire.before = refuse
        first = r.ran(here, there)
        breaks = r.found(here, first)
        assert len(breaks) == 5
        done = r.mended(here, breaks, run_id=first.run.id)
        assert len(done.fixed) == 5
        there.wire.before = lambda _request: None
        second = r.ran(here, there)
        assert (second.run.id, second.waiting, second.remembered.reopened) == (first.run.id, 0, 0)
        assert {one.state for one in r.broken(here).values()} == {BreakState.RESOLVED}
        assert r.told(r.found(here, r.ran(here, there))) == []
    finally:
        there.close()
