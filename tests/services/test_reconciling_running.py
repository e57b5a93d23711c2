"""A run from its beginning to its end: what it reads, what it leaves alone, when nothing is concluded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from cardctl.domain.breaks import BreakType, RunState
from cardctl.domain.cards import Card
from cardctl.domain.states import CardState
from cardctl.errors import BooksCorrupt, RemoteSuddenlyEmpty, TooMuchDiffers
from cardctl.services.deeds.pulling import sync_card
from tests.services import mail
from tests.services import reconciled as r
from tests.services.world import World, usd

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


def test_a_bank_of_two_that_waits_for_somebody(worlds: Worlds) -> None:
    """A run over one programme says nothing of what waits in another."""
    here = worlds()
    there = World(here.control._far_side.path.parent, str(here.books_target), provider="marqeta")
    try:
        card = there.a_card("50")
        there.control.swipe(card.ref, usd("2"))
        assert r.ran(here, there).waiting == 2
        assert (r.clean(here).waiting, r.ran(there).waiting) == (0, 2)
    finally:
        there.close()
