"""While a write is in doubt or on its way: what refuses, what goes through, what clocks prove, and who may settle it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from cardctl.domain.money import Money
from cardctl.domain.operations import OperationState
from cardctl.domain.states import CardState, Move
from cardctl.errors import OutcomeUnknown
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.funding import Fund, fund_card, withdraw
from cardctl.services.deeds.pulling import sync_accounts, sync_card, sync_cards
from cardctl.services.desk import Done
from cardctl.services.journal import Change
from cardctl.services.resuming import DEEDS
from tests.machine.bank import assert_agreement, far_cards
from tests.machine.effects import look, raised
from tests.machine.test_faults import storm
from tests.machine.verbs import DOLLARS, VERBS, Verb, arm, exit_code
from tests.machine.world import World


@pytest.mark.parametrize("fault", ["500", "lost-reply", "torn-body", "slow"])
def test_while_one_is_in_doubt_others_refuse_and_a_freeze_goes_through(world: World, fault: str) -> None:
    before = look(world.home, world.card.ref)
    arm(world, fault, 4)
    with pytest.raises(OutcomeUnknown) as doubt:
        VERBS["fund"].act(world)
    for name in ("fund", "withdraw", "limits"):
        assert exit_code(VERBS[name].act, world) == 9
    frozen = VERBS["freeze"].act(world)
    assert frozen.operation is not None
    assert far_cards(world.home)[world.card.ref].state == world.card.state == CardState.FROZEN
    assert [one.id for one in world.open()] == [doubt.value.operation_id]
    assert exit_code(VERBS["unfreeze"].act, world) == 9
    assert world.resume().left == ()
    assert raised(DOLLARS.minor)(before, look(world.home, world.card.ref)) == 1
    assert world.card.state is CardState.FROZEN
    assert_agreement(world.home)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", ["fund", "withdraw", "limits"])
def test_a_freeze_passes_what_is_in_flight(world: World, name: str, moment: str) -> None:
    """Another process freezes the card while the request is on its way, or its answer on its way back."""
    before = look(world.home, world.card.ref)
    _while_sending(world, moment, Move.FREEZE)
    assert exit_code(VERBS[name].act, world) == 0
    assert VERBS[name].effect(before, look(world.home, world.card.ref)) == 1
    assert world.card.state is CardState.FROZEN
    assert_agreement(world.home)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("move", "state"), [(Move.FREEZE, CardState.FROZEN), (Move.CLOSE, CardState.CLOSED)])
def test_a_stolen_card_stops_whoever_is_unfreezing_it(world: World, moment: str, move: Move, state: CardState) -> None:
    VERBS["freeze"].act(world)
    _while_sending(world, moment, move)
    exit_code(VERBS["unfreeze"].act, world)
    assert_agreement(world.home)
    assert world.card.state is state
    assert world.open() == []


def test_an_unfreeze_in_doubt_does_not_undo_a_later_freeze(world: World) -> None:
    VERBS["freeze"].act(world)
    arm(world, "500", 4)
    assert exit_code(VERBS["unfreeze"].act, world) == 9
    assert VERBS["freeze"].act(world).operation is not None
    assert world.resume().left == ()
    assert world.card.state is CardState.FROZEN
    assert_agreement(world.home)


@pytest.mark.parametrize("fault", ["lost-reply", "500"])
@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_an_hour_off(world: World, fault: str, hours: int) -> None:
    before = look(world.home, world.card.ref)
    arm(world, fault, 4)
    assert exit_code(VERBS["fund"].act, world) == 9
    world.clock_off = timedelta(hours=hours)
    world.resume()
    world.clock_off = timedelta(0)
    assert world.resume().left == ()
    assert raised(DOLLARS.minor)(before, look(world.home, world.card.ref)) == 1
    assert [one.state for one in world.operations()][-1] == "done"
    assert_agreement(world.home)


@pytest.mark.parametrize("fault", ["lost-reply", "500"])
@pytest.mark.parametrize(("name", "hours"), [("fund", 1), *((name, 25) for name in VERBS)])
def test_a_provider_whose_clock_is_ahead(world: World, name: str, fault: str, hours: int) -> None:
    """After 25 hours it has forgotten the key, so looking alone keeps it from being done twice."""
    verb = VERBS[name]
    verb.before(world)
    before = look(world.home, world.card.ref)
    arm(world, fault, 4)
    assert exit_code(verb.act, world) == storm(name, fault)[0]
    world.far_side.advance(timedelta(hours=hours))
    assert world.resume().left == ()
    assert verb.effect(before, look(world.home, world.card.ref)) == 1
    assert_agreement(world.home)


@pytest.mark.parametrize(("fault", "ended"), [("lost-reply", "done"), ("500", "refused")])
@pytest.mark.parametrize("name", VERBS)
def test_after_a_day_only_looking_settles(world: World, name: str, fault: str, ended: str) -> None:
    verb = VERBS[name]
    verb.before(world)
    before = look(world.home, world.card.ref)
    arm(world, fault, 4)
    assert exit_code(verb.act, world) == storm(name, fault)[0]
    world.clock_off = timedelta(hours=25)
    world.far_side.advance(timedelta(hours=25))
    sent = len(world.wire.sent)
    assert world.resume().left == ()
    assert len(world.wire.sent) == sent
    assert verb.effect(before, look(world.home, world.card.ref)) == (ended == "done")
    assert world.operations()[-1].state == ended
    assert_agreement(world.home)


@pytest.mark.parametrize("hours", [-24, -2])
def test_a_clock_far_behind_proves_nothing(world: World, hours: int) -> None:
    """The request may have left a second ago: it is neither sent again nor said to have never run."""
    arm(world, "500", 4)
    assert exit_code(VERBS["fund"].act, world) == 9
    world.clock_off = timedelta(hours=hours)
    assert [one.state for one in world.resume().left] == ["in_doubt"]
    world.clock_off = timedelta(0)
    assert [one.state for one in world.resume().settled] == ["done"]
    assert_agreement(world.home)


@pytest.mark.parametrize("name", ["issue", "account", "nameless"])
def test_what_a_sync_finds_first_is_still_the_same_object(world: World, name: str) -> None:
    """A creation is in doubt, and a sync brings in what it made: settling it must not make, or stumble over, a second one."""
    verb, before = VERBS[name], look(world.home, world.card.ref)
    arm(world, "lost-reply", 4)
    with pytest.raises(OutcomeUnknown):
        verb.act(world)
    sync_accounts(world.desk, lambda _: None)
    sync_cards(world.desk, lambda _: None)
    assert [one.state for one in world.resume().settled] == ["done"]
    made = world.operations()[-1]
    with world.desk.books.read() as unit:
        assert unit.cards.get(made.target) or unit.accounts.get(made.target)
    assert verb.effect(before, look(world.home, world.card.ref)) == 1
    assert_agreement(world.home)


def test_a_resume_goes_on_past_what_can_no_longer_be_sent(world: World) -> None:
    """Killed before it was sent, a funding meets a card that the provider has frozen meanwhile; the next one is settled too."""
    _die_before_sending(world, VERBS["fund"])
    _die_before_sending(world, VERBS["account"])
    world.far_side.edit(world.card.ref, {"status": "inactive"})
    assert [one.state for one in world.resume().settled] == ["refused", "done"]
    sync_card(world.desk, world.card)
    assert_agreement(world.home)


def test_a_write_that_was_never_sent_gives_its_key_back(world: World) -> None:
    """A withdrawal of too much was refused before anything was sent; with the money there, the same key goes through."""
    balance = world.card.balance
    assert balance is not None
    more = Money(balance.minor + 100, "USD")

    def taken(world: World) -> Done:
        return withdraw(world.desk, world.card, more, caller_key="mine")

    assert [exit_code(taken, world) for _ in range(2)] == [6, 6]
    fund_card(world.desk, world.card, DOLLARS)
    assert exit_code(taken, world) == 0
    again = taken(world)
    assert [warned.code for warned in again.warnings] == ["REPEATED"]
    assert world.card.balance == Money(DOLLARS.minor - 100, "USD")
    assert_agreement(world.home)


def test_an_operation_that_somebody_took_over_is_not_sent_twice(world: World) -> None:
    """Suspended in its draft for so long that another machine believed it dead: what that one decided holds."""
    taken: list[OperationState] = []

    def take_over(request: httpx.Request) -> None:
        if not taken:
            taken.append(OperationState.REFUSED)
            with world.desk.books.write() as unit:
                [operation] = unit.operations.open_for(world.card.id)
                unit.operations.save(replace(operation, lease="elsewhere/0", state=OperationState.REFUSED))

    before = look(world.home, world.card.ref)
    world.wire.before = take_over
    world.wire.sent.clear()
    with pytest.raises(OutcomeUnknown):
        VERBS["fund"].act(world)
    assert world.wire.sent == []
    assert world.operations()[-1].state == "refused"
    assert look(world.home, world.card.ref) == before


def _while_sending(world: World, moment: str, move: Move) -> None:
    """Another process makes the move while this one's next write is at the provider."""
    other = world.beside()

    def pass_by(request: httpx.Request) -> None:
        if request.method == "POST":
            setattr(world.wire, moment, lambda _: None)
            move_card(other.desk, other.card, move)
            other.close()

    setattr(world.wire, moment, pass_by)


class _Killed(BaseException):
    pass


def _die_before_sending(world: World, verb: Verb) -> None:
    """Another process writes the intent down and is killed."""
    dead = False

    def commit(moment: str) -> None:
        nonlocal dead
        if dead or moment == "commit after":
            dead = True
            raise _Killed

    other = World(world.home, commit)
    with pytest.raises(_Killed):
        verb.act(other)
    other.die()


def test_a_freeze_holds_against_an_unfreeze_that_lands_after_it(world: World) -> None:
    """The process that sent the unfreeze was killed; its request reached the provider after the freeze did."""
    VERBS["freeze"].act(world)
    arm(world, "500", 4)
    with pytest.raises(OutcomeUnknown) as doubt:
        VERBS["unfreeze"].act(world)
    assert VERBS["freeze"].act(world).operation is not None
    late = {"status": "active", "metadata.cardctl_moved_by": doubt.value.operation_id}
    world.far_side.edit(world.card.ref, late)
    assert world.resume().left == ()
    assert far_cards(world.home)[world.card.ref].state == world.card.state == CardState.FROZEN
    assert [one.kind for one in world.operations()][-1] == "card.freeze"
    assert_agreement(world.home)


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_put_right_does_not_freeze_a_card_again(world: World, hours: int) -> None:
    """The freeze was stamped by a clock an hour off; the unfreeze came after it all the same."""
    world.clock_off = timedelta(hours=hours)
    VERBS["freeze"].act(world)
    world.clock_off = timedelta(0)
    VERBS["unfreeze"].act(world)
    assert far_cards(world.home)[world.card.ref].state == world.card.state == CardState.ACTIVE
    world.far_side.edit(world.card.ref, {"status": "inactive"})
    assert sync_card(world.desk, world.card).state is CardState.FROZEN


def test_a_card_that_a_sync_saw_first_is_settled_as_the_same(world: World) -> None:
    """Its mark was written over since, by a funding that these books know nothing of."""
    arm(world, "lost-reply", 4)
    with pytest.raises(OutcomeUnknown) as doubt:
        VERBS["issue"].act(world)
    (ref,) = [ref for ref, card in far_cards(world.home).items() if ref != world.card.ref and card.state == "active"][-1:]
    world.far_side.edit(ref, {"metadata.cardctl_operation": "op_of_somebody_else"})
    sync_accounts(world.desk, lambda _count: None)
    sync_cards(world.desk, lambda _count: None)
    assert world.resume().left == ()
    assert [one.state for one in world.operations() if one.id == doubt.value.operation_id] == ["done"]
    assert_agreement(world.home)


def test_a_bug_in_settling_one_does_not_keep_the_others_in_doubt(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Fund):
        def record(self, *_: object) -> Change:
            raise ZeroDivisionError

    arm(world, "lost-reply", 8)
    for name in ("fund", "issue"):
        assert exit_code(VERBS[name].act, world) == 9
    with monkeypatch.context() as broken:
        broken.setitem(DEEDS, "card.fund", Broken())
        with pytest.raises(ZeroDivisionError):
            world.resume()
    assert [one.kind for one in world.open()] == ["card.fund"]
    assert world.resume().left == ()
    assert_agreement(world.home)
