"""What still moves is left out of a verdict: what we write while a run reads, and, where money is real, what is young."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from cardctl.domain.accounts import Address
from cardctl.domain.breaks import BreakState, BreakType
from cardctl.domain.states import Move
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.funding import fund_card
from cardctl.services.deeds.pulling import sync_card, sync_cards
from tests.services import mail
from tests.services import reconciled as r
from tests.services.world import World, usd

T = BreakType
Worlds = Callable[..., World]
HOME = Address(line1="1 Main St", city="Oakland", postal_code="94612", country="US", state="CA")
EVERY = ["stripe", "marqeta", "strowallet"]


def test_what_we_write_while_reading_is_moving(worlds: Worlds) -> None:
    """A card that we freeze, one that we fund, and one of which an event is applied, between reading and comparing."""
    world = worlds()
    frozen, funded, told, still = (world.a_card("100") for _ in range(4))
    mail.deliver(world, mail.posts(world))
    world.control.mark_delivered([id_ for one in mail.posts(world) for id_ in one.event_ids])
    world.control.edit(still.ref, {"status": "inactive"})
    old = world.hold(told, 900)
    mail.deliver(world, mail.posts(world))

    def meanwhile() -> None:
        world.control.advance(timedelta(seconds=3))
        move_card(world.desk, frozen, Move.FREEZE)
        fund_card(world.desk, funded, usd("5"))
        world.control.swipe(told.ref, usd("7"))
        world.on(old, "capture", capture_amount=900)
        mail.deliver(world, mail.posts(world))

    outcome = r.ran(world, between=meanwhile)
    assert world.card(told).balance == usd("84")
    assert r.told(r.found(world, outcome)) == [(T.CARD_STATE, still.ref)]
    (moving,) = (each for each in outcome.run.not_checked if "moving" in each)
    assert int(moving.split(": ")[1].split()[0]) >= 4
    assert r.told(r.found(world)) == [(T.CARD_STATE, still.ref)]


@pytest.mark.parametrize("provider", ["marqeta", "strowallet"])
def test_what_we_write_while_reading_elsewhere(worlds: Worlds, provider: str) -> None:
    world = worlds(provider=provider)
    holder = world.an_account() if provider == "marqeta" else None
    frozen, funded = world.a_card("100", account=holder), world.a_card("60", account=holder)
    r.clean(world)

    def meanwhile() -> None:
        world.control.advance(timedelta(seconds=3))
        move_card(world.desk, frozen, Move.FREEZE)
        fund_card(world.desk, funded, usd("5"))

    assert r.told(r.found(world, r.ran(world, between=meanwhile))) == []
    sync_card(world.desk, funded)
    r.clean(world)


@pytest.mark.parametrize("provider", ["stripe", "marqeta"])
def test_young_events_are_left_out_where_money_is_real(worlds: Worlds, provider: str) -> None:
    world = worlds(environment="sandbox", provider=provider)
    holder = world.an_account(address=HOME)
    card, other = world.a_card("100", account=holder), world.a_card("100", account=holder)
    world.control.swipe(card.ref, usd("20"))
    outcome = r.clean(world)
    assert f"{world.desk.programme}: 2 objects that were still moving" in outcome.run.not_checked
    assert outcome.run.watermark[world.desk.programme]["transactions"]["cutoff"] is not None
    world.control.advance(timedelta(minutes=9))
    r.clean(world)
    world.control.advance(timedelta(minutes=2))
    world.control.swipe(other.ref, usd("5"))
    breaks = r.found(world)
    assert {one.card_id for one in breaks} == {card.id}
    assert {one.type for one in breaks} == {T.TRANSACTION_MISSING_HERE}


def test_an_older_authorization_with_a_young_capture(worlds: Worlds) -> None:
    world = worlds(environment="sandbox")
    card = world.a_card("100", account=world.an_account(address=HOME))
    hold = world.hold(card, 2000)
    sync_card(world.desk, card)
    world.control.advance(timedelta(hours=1))
    world.on(hold, "capture", capture_amount=1500)
    outcome = r.clean(world)
    assert "stripe/acct_1: 2 objects that were still moving" in outcome.run.not_checked
    world.control.advance(timedelta(minutes=11))
    assert {one.type for one in r.found(world)} == {T.TRANSACTION_MISSING_HERE, T.TRANSACTION_AMOUNT}


@pytest.mark.parametrize("provider", EVERY)
def test_since(worlds: Worlds, provider: str) -> None:
    """What lies before is not asked for, not compared, and not taken for gone."""
    world = worlds(provider=provider)
    card = world.a_card("100")
    for amount in ("10", "20"):
        world.control.swipe(card.ref, usd(amount))
    sync_card(world.desk, card)
    missed = world.control.swipe(card.ref, usd("5"))
    assert missed.approved
    old = {one.fingerprint for one in r.found(world)}
    world.control.advance(timedelta(days=3))
    since = world.desk.clock() + timedelta(days=2)
    outcome = r.ran(world, since=since)
    kept = provider != "stripe"  # a balance that the provider keeps tells of what lies before, too
    assert [one.type for one in r.found(world, outcome)] == ([T.BALANCE] if kept else [])
    assert any("money events before" in each for each in outcome.run.not_checked)
    assert {mark for mark, one in r.broken(world).items() if one.state is BreakState.OPEN} >= old
    world.control.swipe(card.ref, usd("7"))
    types = {one.type for one in r.found(world, since=since)}
    assert types - {T.BALANCE} == {T.TRANSACTION_MISSING_HERE}
    sync_cards(world.desk, lambda _count: None)
    sync_card(world.desk, card)
    assert world.card(card).balance == usd("58")
    r.clean(world)
    r.clean(world, since=since)
