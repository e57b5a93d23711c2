"""What was missed is fetched once, and the record says from when to when it is complete, or that nobody can tell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from cardctl.services.deeds.completeness import complete, leaving
from cardctl.services.flows.backfilling import backfill
from tests.services import mail
from tests.services.test_applying import a_known_card
from tests.services.world import World, usd


def test_every_event_that_was_lost_comes_back_once(each_world: World) -> None:
    world = each_world
    card = a_known_card(world)
    for _ in range(3):
        world.control.swipe(card.ref, usd("2"))
    mail.deliver(world, mail.posts(world)[:2])  # the rest is lost
    assert world.card(card).balance != usd("94")
    begun = world.desk.clock()
    done = backfill(world.desk, mail.reception(world), None)
    assert done.new == 7
    assert not done.applied.unfinished
    assert world.card(card).balance == usd("94")
    assert done.why is None
    assert done.since is not None
    assert done.until is not None
    assert done.since < begun - timedelta(days=29) < begun <= done.until
    assert complete(world.books, world.desk.programme) == (done.since, done.until)

    again = backfill(world.desk, mail.reception(world), None)
    assert again.new == 0
    assert again.since == done.since  # the record grows, and begins where it began
    assert world.card(card).balance == usd("94")


def _leaving(world: World, later: timedelta) -> datetime | None:
    return leaving(world.books, world.desk.programme, timedelta(days=30), world.desk.clock() + later)


def test_what_left_the_list_is_told_as_lost(world: World) -> None:
    a_known_card(world)
    backfill(world.desk, mail.reception(world), None)
    now = world.desk.clock()
    later = world.desk_with(clock=lambda: now + timedelta(days=45))
    assert _leaving(world, timedelta(days=45)) is not None
    done = backfill(later, mail.reception(world), None)
    assert done.lost is not None
    assert done.lost[1] - done.lost[0] > timedelta(days=14)


def test_a_warning_comes_72_hours_before_events_leave(world: World) -> None:
    a_known_card(world)
    assert _leaving(world, timedelta(0)) is None  # nothing was ever complete
    backfill(world.desk, mail.reception(world), None)
    now = world.desk.clock()
    assert _leaving(world, timedelta(days=26)) is None
    leaves = _leaving(world, timedelta(days=27, hours=1))
    assert leaves is not None
    assert timedelta(days=29) < leaves - now < timedelta(days=31)


def test_marqeta_sends_again_what_is_missing_and_proves_nothing(worlds: Callable[..., World]) -> None:
    world = worlds(provider="marqeta")
    card = a_known_card(world)
    world.control.swipe(card.ref, usd("12.50"))
    world.user.done(
        "/webhooks",
        {
            "name": "ours",
            "events": ["*"],
            "config": {
                "url": "https://ops.example.com/webhooks/marqeta",
                "basic_auth_username": "ops",
                "basic_auth_password": "Abcdefgh1234567890!x",
            },
        },
    )
    done = backfill(world.desk, mail.reception(world), None)
    assert done.new >= 2
    assert world.card(card).balance == usd("87.50")
    assert done.why is not None
    assert done.since is None
    assert backfill(world.desk, mail.reception(world), None).new == 0


def test_without_an_endpoint_at_marqeta_the_purchases_are_read(worlds: Callable[..., World]) -> None:
    world = worlds(provider="marqeta")
    card = a_known_card(world)
    world.control.swipe(card.ref, usd("12.50"))
    done = backfill(world.desk, mail.reception(world), None)
    assert done.new == 0
    assert usd("12.50") in {one.amount for one in world.events(card)}


def test_strowallet_can_prove_nothing(worlds: Callable[..., World]) -> None:
    world = worlds(provider="strowallet")
    done = backfill(world.desk, mail.reception(world), None)
    assert (done.new, done.since) == (0, None)
    assert "neither lists its events" in (done.why or "")
