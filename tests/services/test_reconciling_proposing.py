"""What reconcile leaves to a person: proposed, acknowledged, never done; what other commands do; what is no break at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from cardctl.domain.breaks import BreakState, BreakType, Severity
from cardctl.domain.cards import Card
from cardctl.domain.events import EventState
from cardctl.domain.operations import OperationState
from cardctl.domain.states import CardState, Move
from cardctl.errors import BadInput, CardctlError, OutcomeUnknown, StateForbids
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.funding import fund_card
from cardctl.services.deeds.pulling import sync_accounts, sync_card
from cardctl.services.flows.reconciling.fixing import plan
from cardctl.services.flows.reconciling.moving import find_break, move
from tests.services import mail
from tests.services import reconciled as r
from tests.services.world import World, strike, usd

T = BreakType
S = BreakState
Worlds = Callable[..., World]
EVERY = ["stripe", "marqeta", "strowallet"]


def left(world: World, type_: BreakType) -> list[str]:
    """Proposed, then found again and waiting for nobody; the fingerprints."""
    breaks = [one for one in r.found(world) if one.type is type_]
    done = r.mended(world, breaks)
    assert done.fixed == []
    assert sorted(done.proposed) == sorted(one.fingerprint for one in breaks)
    outcome = r.ran(world)
    again = [one for one in r.found(world, outcome) if one.type is type_]
    assert [(one.fingerprint, one.state, one.occurrences) for one in again] == [
        (one.fingerprint, S.ACKNOWLEDGED, one.occurrences + 1) for one in breaks
    ]
    assert outcome.waiting == 0
    return [one.fingerprint for one in breaks]


def a_capture(world: World, card: Card, authorized: int, captured: int) -> str:
    hold = world.hold(card, authorized)
    world.on(hold, "capture", capture_amount=captured)
    return hold


def test_over_capture_is_proposed_and_its_money_is_in_the_books(world: World) -> None:
    card = world.a_card("100")
    hold = a_capture(world, card, 1000, 3000)
    breaks = r.found(world)
    assert (T.OVER_CAPTURE, hold) in r.told(breaks)
    world.wire.asked.clear()
    r.mended(world, breaks)
    assert world.card(card).balance == usd("70")
    (fingerprint,) = left(world, T.OVER_CAPTURE)
    assert r.broken(world)[fingerprint].at_risk == usd("20")


@pytest.mark.parametrize("provider", EVERY)
def test_a_hold_that_nobody_takes(worlds: Worlds, provider: str) -> None:
    world = worlds(provider=provider)
    card = world.a_card("100")
    world.control.swipe(card.ref, usd("30"), hold=True)
    world.control.swipe(card.ref, usd("5"))
    sync_card(world.desk, card)
    r.clean(world)
    world.control.advance(timedelta(days=6))
    assert not [one for one in r.found(world) if one.type is T.AUTHORIZATION_STALE]
    world.control.advance(timedelta(days=2))
    (fingerprint,) = left(world, T.AUTHORIZATION_STALE)
    assert r.broken(world)[fingerprint].at_risk == usd("30")
    assert world.card(card).balance == usd("65")


def test_a_closed_card_that_is_open_again(world: World) -> None:
    card = world.a_card("100")
    move_card(world.desk, card, Move.CLOSE)
    r.clean(world)
    world.control.edit(card.ref, {"status": "active"})
    one = r.only(world)
    assert (one.type, one.at_risk, one.severity) == (T.REOPENED_CLOSED, usd("100"), Severity.CRITICAL)
    (fingerprint,) = left(world, T.REOPENED_CLOSED)
    assert world.card(card).state is CardState.CLOSED, "our word stays until a person says"
    done = r.mended(world, [r.broken(world)[fingerprint]], explicit=True, reason="the bank has confirmed it")
    assert done.fixed == [fingerprint]
    assert world.card(card).state is CardState.ACTIVE
    assert ("card.reopen", card.id) in world.audit()
    assert r.broken(world)[fingerprint].reason == "the bank has confirmed it"
    r.clean(world)


def test_a_word_that_nobody_knows(world: World) -> None:
    card = world.a_card("100")
    world.control.edit(card.ref, {"status": "melted"})
    one = r.only(world)
    assert (one.type, one.remote) == (T.UNKNOWN_WORD, {"word": "melted"})
    left(world, T.UNKNOWN_WORD)


@pytest.mark.parametrize("provider", ["stripe", "strowallet"])
def test_a_float_that_is_spent(worlds: Worlds, provider: str) -> None:
    world = worlds(provider=provider)
    world.control.edit(provider, {"float.USD": 5_000})
    assert [one.type for one in r.found(world, float_low=usd("49.99"))] == []
    (one,) = r.found(world, float_low=usd("50"))
    sides = {"wanted": "50.00 USD"}, {"float": "50.00 USD"}
    assert (one.type, one.subject, one.local, one.remote) == (T.FLOAT_LOW, "float:USD", *sides)
    assert r.mended(world, [one]).proposed == [one.fingerprint]
    world.control.edit(provider, {"float.USD": 0})
    (none,) = r.found(world)
    assert none.state is S.REOPENED, "it is less than what was seen to"


def test_events_that_failed(world: World) -> None:
    """Reconcile leaves the mending to a replay, and says which."""
    card = world.a_card("100")
    mail.deliver(world, mail.posts(world))
    world.control.mark_delivered([id_ for one in mail.posts(world) for id_ in one.event_ids])
    world.control.swipe(card.ref, usd("5"))
    mail.accept(world, mail.posts(world))
    r.amend(world, "UPDATE events SET state = 'failed', attempts = 1, error = 'PROVIDER_UNAVAILABLE' WHERE state = 'received'")
    breaks = r.found(world)
    failed = [one for one in breaks if one.type is T.EVENT_FAILED]
    with world.books.read() as unit:
        ids = {one.id for one in unit.events.rows() if one.state is EventState.FAILED}
    assert {one.subject for one in failed} == ids
    assert len(ids) == 3, "asked, approved, captured"
    done = r.mended(world, breaks)
    (chores,) = done.chores.values()
    assert sorted(chores) == sorted(one.fingerprint for one in failed)
    assert mail.apply_unfinished(world.desk, mail.reception(world).webhooks, failed=True).unfinished == 0
    outcome = r.clean(world)
    assert outcome.remembered.gone == len(failed) == 3


def test_events_that_never_came(world: World) -> None:
    card = world.a_card("100")
    mail.deliver(world, mail.posts(world))
    world.control.mark_delivered([id_ for one in mail.posts(world) for id_ in one.event_ids])
    r.clean(world)
    world.control.swipe(card.ref, usd("5"))
    mail.deliver(world, mail.posts(world))
    world.control.mark_delivered([id_ for one in mail.posts(world) for id_ in one.event_ids])
    r.clean(world)
    world.control.advance(timedelta(minutes=1))
    world.control.swipe(card.ref, usd("7"), hold=True)
    breaks = r.found(world)
    (gap,) = (one for one in breaks if one.type is T.EVENT_GAP)
    assert (gap.subject, gap.local, gap.remote) == ("events", {"events": 0}, {"events": 1})
    assert len(gap.evidence["events"]) == len(gap.evidence["objects"]) == 1
    mail.deliver(world, mail.posts(world))
    assert world.card(card).balance == usd("88")
    outcome = r.clean(world)
    assert outcome.remembered.gone == 2, "the event is here, and so is what it told of"


def test_a_write_in_doubt(world: World) -> None:
    card = world.a_card("100")
    strike(world, f"/v1/issuing/cards/{card.ref}", "lost_reply", 9)
    with pytest.raises((OutcomeUnknown, CardctlError)):
        fund_card(world.desk, card, usd("5"))
    doubt = next(one for one in world.operations() if one.state is not OperationState.DONE)
    world.control.clear_faults()
    if doubt.state is not OperationState.IN_DOUBT:
        r.amend(world, "UPDATE operations SET state = 'in_doubt' WHERE id = ?", doubt.id)
    breaks = r.found(world)
    one = next(one for one in breaks if one.type is T.OPERATION_IN_DOUBT)
    assert (one.subject, one.card_id, one.at_risk) == (doubt.id, card.id, usd("5"))


def test_information_makes_no_run_unclean(world: World) -> None:
    card = world.a_card("100")
    world.force(card, 500)
    sync_card(world.desk, card)
    outcome = r.ran(world)
    (info,) = r.broken(world).values()
    assert (info.type, info.severity, info.proposed_fix) == (T.CAPTURE_WITHOUT_AUTHORIZATION, Severity.INFO, "nothing")
    assert (outcome.run.found, outcome.waiting) == (1, 0)


def test_normal_lives_are_no_breaks(world: World) -> None:
    card = world.a_card("500")
    world.control.swipe(card.ref, usd("10"), mcc="5812")
    part = world.hold(card, 5000)
    world.on(part, "capture", capture_amount=1500, close_authorization=False)
    world.on(part, "capture", capture_amount=3500)
    for how in ("reverse", "expire"):
        world.on(world.hold(card, 700), how)
    bought = a_capture(world, card, 1000, 1000)
    (capture,) = world.captures(bought)
    world.refund(capture, 400)
    world.refund(capture, 600)
    world.control.swipe(card.ref, usd("9999"))
    sync_card(world.desk, card)
    sync_accounts(world.desk, lambda _count: None)
    r.clean(world)


def test_what_a_plan_says(world: World) -> None:
    card = world.a_card("100")
    a_capture(world, card, 1000, 3000)
    breaks = r.found(world)
    told = {each.fingerprint: (str(each.remedy), each.words) for each in plan(breaks)}
    assert told.keys() == {one.fingerprint for one in breaks}
    assert {told[one.fingerprint][0] for one in breaks if one.type is T.OVER_CAPTURE} == {"propose"}


def test_people_and_a_break(world: World) -> None:
    """Every step has its reason, is remembered and audited; what differs otherwise than it was seen is open again."""
    card = world.a_card("100")
    world.control.edit(card.ref, {"spending_controls.spending_limits.daily": 5_000})
    one = r.only(world)
    hand, name = r.hand(world), one.fingerprint
    with pytest.raises(BadInput):
        move(hand, [name], S.ACKNOWLEDGED, " ")
    with pytest.raises(BadInput):
        move(hand, [name], S.SNOOZED, "later", until=world.desk.clock() - timedelta(seconds=1))

    move(hand, [name], S.ACCEPTED, "agreed with the bank")
    outcome = r.ran(world)
    assert (outcome.waiting, find_break(world.books, name[:12]).state) == (0, S.ACCEPTED)
    world.control.edit(card.ref, {"spending_controls.spending_limits.daily": 6_000})
    assert r.ran(world).waiting == 1
    assert find_break(world.books, name).state is S.REOPENED

    until = world.desk.clock() + timedelta(hours=1)
    ((snoozed, really),) = move(hand, [name], S.SNOOZED, "next week", until=until)
    assert (snoozed.snoozed_until, really) == (until, True)
    assert move(hand, [name], S.SNOOZED, "next week", until=until)[0][1] is False
    assert r.ran(world).waiting == 0
    r.amend(world, "UPDATE breaks SET snoozed_until = '2026-01-01T00:00:00.000000Z' WHERE fingerprint = ?", name)
    assert r.ran(world).waiting == 1
    assert find_break(world.books, name).state is S.OPEN

    move(hand, [name], S.RESOLVED, "by hand")
    with pytest.raises(StateForbids):
        move(hand, [name], S.ACKNOWLEDGED, "no")
    r.ran(world)
    now = find_break(world.books, name)
    assert (now.state, now.occurrences) == (S.REOPENED, 6)
    assert [(step.before, step.after) for step in now.moves] == [
        (None, S.OPEN),
        (S.OPEN, S.ACCEPTED),
        (S.ACCEPTED, S.REOPENED),
        (S.REOPENED, S.SNOOZED),
        (S.SNOOZED, S.OPEN),
        (S.OPEN, S.RESOLVED),
        (S.RESOLVED, S.REOPENED),
    ]
    assert all(step.reason for step in now.moves[1:])
    audited = [action for action, about in world.audit() if about == name]
    assert audited == ["break.accept", "break.snooze", "break.resolve"]
