"""Numbers for one look, and tokens for a wallet: what is written down of them, and what is not."""

from __future__ import annotations

import pytest

from cardctl.domain.redaction import luhn
from cardctl.domain.states import Move
from cardctl.errors import ProviderRefused, StateForbids
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.revealing import reveal, wallet_payload
from tests.services.world import World


def test_a_look_is_audited_and_logged_without_the_numbers(each_world: World) -> None:
    world = each_world
    card = world.a_card()
    seen = reveal(world.desk, card, reason="the caller said 4242 4242 4242 4242")
    assert (seen.number[-4:], len(seen.number), luhn(seen.number)) == (card.last4, 16, True)
    assert (seen.exp_month, seen.exp_year) == (card.exp_month, card.exp_year)
    with world.books.read() as unit:
        entry = list(unit.audit.rows())[-1]
    assert (entry.action, entry.object, entry.actor) == ("card.reveal", card.id, "tester")
    assert entry.reason == "the caller said **** **** **** 4242"
    assert world.logged[-1] == ("security", "card.reveal", {"object": card.id})
    assert seen.number not in repr((entry, world.logged, seen))


def test_the_audit_comes_before_the_look(world: World) -> None:
    card = world.a_card()
    world.control.edit(card.ref, {"deleted": True})
    with pytest.raises(ProviderRefused):
        reveal(world.desk, card)
    assert world.audit()[-1] == ("card.reveal", card.id)


def test_nothing_is_shown_of_a_closed_card(world: World) -> None:
    card = world.a_card()
    move_card(world.desk, card, Move.CLOSE)
    entries = world.audit()
    with pytest.raises(StateForbids):
        reveal(world.desk, world.card(card))
    assert world.audit() == entries


def test_a_token_is_made_once(each_world: World) -> None:
    world = each_world
    card, other = world.a_card(), world.a_card()
    first = wallet_payload(world.desk, card)
    assert (first.provisioning_token or "").startswith("sim_token_")
    assert "simulated" in first.instructions
    assert wallet_payload(world.desk, card) == first
    assert wallet_payload(world.desk, other).provisioning_token != first.provisioning_token
    assert [entry for entry in world.audit() if entry[0] == "card.token"] == [("card.token", card.id), ("card.token", other.id)]
    with world.books.read() as unit:
        told = [entry.after for entry in unit.audit.rows() if entry.action == "card.token"]
    assert told == [{"provisioning_token": "***"}] * 2


def test_no_token_is_made_up_elsewhere(world: World) -> None:
    card = world.a_card()
    world.desk.provider.environment = "sandbox"
    told = wallet_payload(world.desk, card)
    assert told.provisioning_token is None
    assert {word.wallet for word in told.eligibility} == {"apple_pay", "google_pay"}
    assert "The provider says: " in told.instructions
    with world.books.read() as unit:
        assert unit.cards.token(card.id) is None
