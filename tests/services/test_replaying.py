"""Replays: what they would change and then do, that they go on where they stopped, and that nothing is sent that writes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cardctl.db.events import EventFilter
from cardctl.domain.events import Arrival, Event, EventState, Signature, Source, own_id
from cardctl.domain.states import CardState
from cardctl.errors import ProviderUnavailable
from cardctl.services.flows.replaying import Change, Range, rehearse, replay
from tests.services import mail
from tests.services.test_applying import a_known_card, spent
from tests.services.world import World, refuse, usd


def everything(world: World, **wanted: Any) -> list[Change]:
    done = rehearse(world.desk, mail.reception(world).webhooks, Range(**wanted))
    assert not done.failures
    return done.changes


def test_a_rehearsal_tells_what_a_replay_then_does(each_world: World) -> None:
    world = each_world
    card = a_known_card(world)
    world.control.swipe(card.ref, usd("12.50"))
    world.merchant.done(f"/v1/issuing/cards/{card.ref}", {"status": "inactive"})
    mail.accept(world, mail.posts(world))
    before = mail.state(world.books, world.desk.programme)

    told = {change.object: change for change in everything(world)}
    assert mail.state(world.books, world.desk.programme) == before
    assert mail.counts(world.books)["received"] == 4
    assert told[card.id].before == {"balance": "100.00 USD", "state": "active"}
    assert told[card.id].after == {"balance": "87.50 USD", "state": "frozen"}
    new = [change for change in told.values() if change.object != card.id]
    assert {(change.after["kind"], change.after["impact"]) for change in new} == {
        ("authorization", "0.00 USD"),
        ("settlement", "-12.50 USD"),
    }

    done = replay(world.desk, mail.reception(world).webhooks, Range())
    assert done.applied.counts == {EventState.APPLIED: done.events}
    assert (world.card(card).balance, world.card(card).state) == (usd("87.50"), CardState.FROZEN)
    assert everything(world) == []


def test_a_rehearsal_over_many_pages_tells_each_object_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cardctl.services.flows.replaying.BATCH", 2)
    card = a_known_card(world)
    for amount in ("1", "2", "3"):
        world.control.swipe(card.ref, usd(amount))
    mail.accept(world, mail.posts(world))
    told = {change.object: change for change in everything(world)}
    assert told[card.id].after == {"balance": "94.00 USD"}
    assert len(told) == 1 + 6
    replay(world.desk, mail.reception(world).webhooks, Range())
    assert world.card(card).balance == usd("94")
    assert everything(world) == []


def test_a_replay_sends_nothing_that_writes(world: World) -> None:
    card = a_known_card(world)
    world.control.swipe(card.ref, usd("5"))
    world.merchant.done(f"/v1/issuing/cards/{card.ref}", {"status": "inactive"})
    mail.accept(world, mail.posts(world))
    world.wire.asked.clear()
    replay(world.desk, mail.reception(world).webhooks, Range())
    assert {asked.split()[0] for asked in world.wire.asked} == {"GET"}
    assert world.operations() == [one for one in world.operations() if one.finished_at]


def test_an_interrupted_replay_goes_on_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cardctl.services.flows.replaying.BATCH", 2)
    card = a_known_card(world)
    for _ in range(4):
        world.control.swipe(card.ref, usd("1"))
    mail.deliver(world, mail.posts(world))
    with world.books.read() as unit:
        many = unit.events.count(EventFilter())
    seen: list[int] = []

    def cut(count: int) -> None:
        seen.append(count)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(world.desk, mail.reception(world).webhooks, Range(), progress=cut)
    done = replay(world.desk, mail.reception(world).webhooks, Range())
    assert done.skipped
    assert done.events == many - 6
    done = replay(world.desk, mail.reception(world).webhooks, Range())
    assert (done.skipped, done.events) == (False, many)
    assert world.card(card).balance == usd("96")


def test_what_failed_is_finished_and_only_that(world: World) -> None:
    ref = world.merchant.card()
    posted = mail.posts(world)
    world.wire.before = refuse
    mail.deliver(world, posted)
    done = replay(world.desk, mail.reception(world).webhooks, Range(unfinished=True))
    assert done.applied.unfinished
    world.wire.before = lambda _request: None
    done = replay(world.desk, mail.reception(world).webhooks, Range(unfinished=True))
    assert not done.applied.unfinished
    with world.books.read() as unit:
        assert unit.cards.by_ref(world.desk.programme, ref)
    assert replay(world.desk, mail.reception(world).webhooks, Range(unfinished=True)).events == 0


def test_a_replay_that_cannot_ask_leaves_what_was_applied_applied(world: World) -> None:
    card = a_known_card(world)
    world.merchant.done(f"/v1/issuing/cards/{card.ref}", {"status": "inactive"})
    mail.deliver(world, mail.posts(world))
    world.merchant.done(f"/v1/issuing/cards/{card.ref}", {"status": "active"})
    mail.deliver(world, mail.posts(world))
    world.control.edit(card.ref, {"status": "inactive"})

    def down(_request: object) -> None:
        raise ProviderUnavailable("down")

    world.wire.before = down
    done = replay(world.desk, mail.reception(world).webhooks, Range())
    assert done.applied.later
    assert mail.counts(world.books).keys() == {"applied"}
    assert world.card(card).state is CardState.ACTIVE


def test_ranges_choose(world: World) -> None:
    card, other = a_known_card(world), a_known_card(world)
    world.control.swipe(card.ref, usd("1"))
    world.control.swipe(other.ref, usd("2"))
    mail.accept(world, mail.posts(world))
    webhooks = mail.reception(world).webhooks
    assert replay(world.desk, webhooks, Range(card=world.card(card), unfinished=True)).events == 3
    assert (world.card(card).balance, world.card(other).balance) == (usd("99"), usd("100"))
    assert replay(world.desk, webhooks, Range(type="issuing_authorization.*", unfinished=True)).events == 2
    assert replay(world.desk, webhooks, Range(until=world.desk.clock() - timedelta(days=1))).events == 0
    assert replay(world.desk, webhooks, Range(type="issuing_authorization.*", limit=1)).events == 1  # else any of one moment
    assert len(spent(world, other)) == 1


def test_another_system_s_past_is_never_applied(world: World) -> None:
    card = a_known_card(world)
    past = Event(
        id=own_id(world.desk.programme, "old"), provider="stripe", programme=world.desk.programme, event_id="old",
        type="card.blocked", object_ref=card.ref, card_ref=card.ref, occurred_at=None, received_at=world.desk.clock(),
        signature=Signature.ABSENT, source=Source.IMPORTED, state=EventState.IGNORED, digest="d",
    )  # fmt: skip
    with world.books.write() as unit:
        unit.events.keep([Arrival((past,), b"card blocked, said the old system")])
    done = replay(world.desk, mail.reception(world).webhooks, Range(ids=(past.id,)))
    assert done.applied.counts == {EventState.IGNORED: 1}
    assert world.card(card).state is CardState.ACTIVE
