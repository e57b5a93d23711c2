"""A run from its beginning to its end: what it reads, what cuts it off, where the next goes on, when nothing is concluded."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
import pytest

from cardctl.domain.breaks import BreakType, RunState
from cardctl.domain.cards import Card
from cardctl.domain.states import CardState
from cardctl.errors import BooksCorrupt, ProviderUnavailable, RemoteSuddenlyEmpty, TooMuchDiffers
from cardctl.services.deeds.pulling import sync_card
from tests.services import mail
from tests.services import reconciled as r
from tests.services.world import World, refuse, usd

T = BreakType
Worlds = Callable[..., World]
EVERY = ["stripe", "marqeta", "strowallet"]


def lists(world: World) -> list[str]:
    """What was asked of the bank but its clock, its float and its events, in the order of names."""
    told = [one for one in world.wire.asked if not one.endswith(("/balance", "/events", "/ping", "/wallet/balance/USD/"))]
    world.wire.asked.clear()
    return sorted(told)


def synced(world: World, card: Card, *swipes: str) -> Card:
    for amount in swipes:
        world.control.swipe(card.ref, usd(amount))
    return sync_card(world.desk, card)


@pytest.mark.parametrize("provider", EVERY)
def test_nothing_at_all(worlds: Worlds, provider: str) -> None:
    world = worlds(provider=provider)
    outcome = r.clean(world)
    run = outcome.run
    assert (run.state, run.found, run.fixed, run.error) == (RunState.DONE, 0, 0, None)
    assert run.digest == "0" * 64
    assert run.programmes == [world.desk.programme]
    figures = run.figures["programmes"][world.desk.programme]
    assert (figures["accounts"], figures["transactions"]) == ({"here": 0, "there": 0}, {"here": 0, "there": 0})
    assert figures["cards"] == {"here": 0, "there": 0, "differing": 0}
    assert run.watermark[world.desk.programme]["transactions"]["newest"] is None
    assert r.clean(world).run.id != run.id
    assert ("reconcile.run", run.id) in world.audit()


def test_both_kinds_of_books(each_world: World) -> None:
    world = each_world
    cards = [world.a_card("100") for _ in range(3)]
    synced(world, cards[0], "12.50")
    r.clean(world)
    world.control.swipe(cards[1].ref, usd("20"))
    world.control.edit(cards[2].ref, {"status": "inactive"})
    breaks = r.found(world)
    assert [one.type for one in breaks] == [T.TRANSACTION_MISSING_HERE, T.CARD_STATE, T.TRANSACTION_MISSING_HERE]
    assert [one.at_risk for one in breaks] == [usd("20"), None, usd("0")]
    r.mended(world, breaks)
    assert [world.card(card).balance for card in cards] == [usd("87.50"), usd("80"), usd("100")]
    assert world.card(cards[2]).state is CardState.FROZEN
    outcome = r.clean(world)
    (total,) = outcome.run.figures["totals"]
    assert (total["balance_here"], total["balance_there"], total["drift"], total["settled"]) == (26750, 26750, 0, 3250)


def test_two_programmes_and_two_banks(worlds: Worlds) -> None:
    """One run; each programme has its own stage, figures and totals, and its breaks are its own."""
    here = worlds()
    there = World(here.control._far_side.path.parent, str(here.books_target), provider="marqeta")
    try:
        one, other = here.a_card("100"), there.a_card("50")
        here.control.swipe(one.ref, usd("1"))
        there.control.swipe(other.ref, usd("2"))
        outcome = r.ran(here, there)
        breaks = r.found(here, outcome)
        assert {(each.programme, each.provider) for each in breaks} == {
            ("stripe/acct_1", "stripe"),
            ("marqeta/default", "marqeta"),
        }
        assert {each.card_id for each in breaks} == {one.id, other.id}
        assert sorted(outcome.run.figures["programmes"]) == ["marqeta/default", "stripe/acct_1"]
        drift = {each["programme"]: each["drift"] for each in outcome.run.figures["totals"]}
        assert drift == {"stripe/acct_1": 100, "marqeta/default": 200}
        r.mended(here, [each for each in breaks if each.provider == "stripe"])
        r.mended(there, [each for each in breaks if each.provider == "marqeta"])
        assert (here.card(one).balance, here.card(other).balance) == (usd("99"), usd("48"))
        assert r.told(r.found(here, r.ran(here, there))) == []
    finally:
        there.close()


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


def test_suddenly_empty(world: World) -> None:
    """Nothing is concluded; with force what was read is not read again."""
    card = world.a_card("100")
    r.clean(world)
    r.behind(world, "UPDATE cards SET deleted = 1")
    world.control.advance(timedelta(seconds=2))
    before = r.broken(world)
    with pytest.raises(RemoteSuddenlyEmpty):
        r.ran(world)
    assert r.broken(world) == before
    with world.books.read() as unit:
        stopped = next(iter(unit.runs.rows()))
    assert (stopped.state, stopped.found) == (RunState.STOPPED, 0)
    world.wire.asked.clear()
    outcome = r.ran(world, force=True)
    assert lists(world) == []
    assert outcome.run.id == stopped.id
    assert r.told(r.found(world, outcome)) == [(T.CARD_MISSING_THERE, card.ref)]


def test_too_much_differs(world: World) -> None:
    holder = world.an_account()
    cards = [world.a_card("100", account=holder) for _ in range(29)]
    for card in cards[:9]:
        world.control.edit(card.ref, {"status": "inactive"})
    assert len(r.found(world)) == 9, "a few are told, whatever their part is"
    world.control.edit(cards[9].ref, {"status": "inactive"})
    with pytest.raises(TooMuchDiffers) as stop:
        r.ran(world)
    assert stop.value.exit_code == 6
    assert len(r.found(world, force=True)) == 10
    world.a_card("100", account=holder)
    assert len(r.found(world)) == 10, "ten of thirty are not more than a third"


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


def test_a_run_writes_nothing_that_is_not_its_own(each_world: World) -> None:
    world = each_world
    card = synced(world, world.a_card("100"), "10")
    world.control.swipe(card.ref, usd("1"))
    before, audited = mail.state(world.books, card.programme), world.audit()
    world.wire.asked.clear()
    r.ran(world)
    assert {one.split()[0] for one in world.wire.asked} == {"GET"}
    assert mail.state(world.books, card.programme) == before
    assert [action for action, _ in world.audit()[len(audited) :]] == ["reconcile.run"]


def test_books_that_are_damaged_are_not_taken_for_a_stage(world: World) -> None:
    world.a_card("100")
    r.amend(world, "DELETE FROM audit_head")
    with pytest.raises(BooksCorrupt):
        r.ran(world)
