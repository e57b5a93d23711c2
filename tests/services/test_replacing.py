"""Replacing a card: the old one closed for good, its successor with the same limits and what was left, and never more."""

from __future__ import annotations

from typing import Any

import pytest

from cardctl.domain.accounts import AccountChange
from cardctl.domain.cards import Card, Limits
from cardctl.domain.operations import Draft
from cardctl.domain.states import CardState, Move
from cardctl.errors import BadInput, OutcomeUnknown, ProviderUnavailable, StateForbids
from cardctl.services.deeds.controls import change_account, move_card
from cardctl.services.deeds.pulling import pull_transactions, sync_card
from cardctl.services.flows.replacing import REASONS, rehearse_replacement, replace_card
from cardctl.services.resuming import resume
from tests.services.world import World, usd


def unmarked(draft: Draft) -> dict[str, Any]:
    """The body but for the operation's own id, which no two have in common."""
    metadata = {key: value for key, value in draft.body["metadata"].items() if not value.startswith("op_")}
    return {**draft.body, "metadata": metadata}


LIMITS = Limits(per_transaction=usd("20"), daily=usd("50"), weekly=usd("60"), monthly=usd("70"))


def replaced(world: World, card: Card, why: str = "lost") -> Card:
    made = replace_card(world.desk, card, why).object
    assert isinstance(made, Card)
    assert world.card(card).state is CardState.CLOSED
    assert world.far(card)["status"] == "canceled"
    assert (made.state, made.account_id, made.currency) == (CardState.ACTIVE, card.account_id, card.currency)
    return made


@pytest.mark.parametrize("why", REASONS)
def test_every_reason(world: World, why: str) -> None:
    card = world.a_card("100", limits=LIMITS)
    new = replaced(world, card, why)
    assert (new.limits, new.balance, new.allowance) == (LIMITS, usd("100"), usd("100"))
    far = world.far(new)
    assert (far["replacement_for"], far["replacement_reason"]) == (card.ref, why)
    assert world.far(card)["cancellation_reason"] == (why if why in ("lost", "stolen") else None)
    assert [(action, target) for action, target in world.audit() if action.startswith("card.")][-2:] == [
        ("card.close", card.id),
        ("card.issue", new.id),
    ]
    with world.books.read() as unit:
        assert unit.accounts.named(card.account_id).balance == usd("100"), "not doubled"


def test_only_what_is_left_goes_along(world: World) -> None:
    card = world.a_card("100")
    world.control.swipe(card.ref, usd("30"))
    hold = world.hold(card, 1000)
    pull_transactions(world.desk)
    assert world.card(card).balance == usd("60")
    new = replaced(world, world.card(card))
    assert new.balance == usd("60")
    assert not world.control.swipe(new.ref, usd("60.01")).approved, "the bank says the same"
    assert world.control.swipe(new.ref, usd("60")).approved
    assert sync_card(world.desk, new).balance == usd("0")
    world.on(hold, "capture")
    assert sync_card(world.desk, card).balance == usd("60"), "the old card's own account of things is whole"
    assert sync_card(world.desk, new).balance == usd("0")


def test_a_purchase_that_our_books_do_not_know_is_not_given_back(world: World) -> None:
    card = world.a_card("100")
    world.control.swipe(card.ref, usd("40"))
    assert world.card(card).balance == usd("100"), "nothing was pulled"
    new = replaced(world, card)
    assert new.balance == usd("60")
    assert not world.control.swipe(new.ref, usd("60.01")).approved


def test_the_whole_line_of_successors_spends_no_more_than_was_funded(world: World) -> None:
    card = world.a_card("100")
    spent = 0
    for amount in ("10", "20", "30"):
        world.control.swipe(card.ref, usd(amount))
        spent += int(amount)
        card = replaced(world, card, "damaged")
        assert card.balance == usd(str(100 - spent))
    assert not world.control.swipe(card.ref, usd("40.01")).approved
    assert world.control.swipe(card.ref, usd("40")).approved
    assert sync_card(world.desk, card).balance == usd("0")


def test_what_was_overdrawn_stays_owed(world: World) -> None:
    card = world.a_card("10")
    world.force(card, 1500)
    assert sync_card(world.desk, card).balance is not None
    new = replaced(world, world.card(card))
    assert new.balance == -usd("5")
    assert not world.control.swipe(new.ref, usd("0.01")).approved


def test_an_unlimited_card_has_an_unlimited_successor(world: World) -> None:
    new = replaced(world, world.a_card(None, limits=LIMITS))
    assert (new.balance, new.limits) == (None, LIMITS)


def test_the_callers_own_key_goes_along(world: World) -> None:
    card = world.a_card("100", key="travel")
    new = replaced(world, card)
    with world.books.read() as unit:
        assert {one.id for one in unit.cards.by_key(card.account_id, "travel")} == {card.id, new.id}


@pytest.mark.parametrize("state", [CardState.FROZEN, CardState.INACTIVE, CardState.CLOSED])
def test_cards_in_other_states(world: World, state: CardState) -> None:
    card = world.a_card("100", active=state is not CardState.INACTIVE)
    if state is CardState.FROZEN:
        move_card(world.desk, card, Move.FREEZE)
    if state is CardState.CLOSED:
        move_card(world.desk, card, Move.CLOSE)
    assert replaced(world, world.card(card)).balance == usd("100")


def test_a_repeat_gives_the_same_successor(world: World) -> None:
    card = world.a_card("100")
    new = replaced(world, card)
    again = replace_card(world.desk, world.card(card), "lost")
    assert again.object == new
    assert [warned.code for warned in again.warnings] == ["REPEATED"]
    assert len(world.merchant.seen("/v1/issuing/cards")["data"]) == 2


def test_what_is_in_doubt_between_closing_and_issuing_is_gone_on_with(world: World) -> None:
    card = world.a_card("100")
    move_card(world.desk, card, Move.CLOSE)  # as far as a killed run came
    world.control.fault("lost-reply", times=50)
    with pytest.raises(OutcomeUnknown):
        replace_card(world.desk, world.card(card), "lost")
    world.control.clear_faults()
    new = replace_card(world.desk, world.card(card), "lost").object
    assert isinstance(new, Card)
    assert new.balance == usd("100")
    assert len(world.merchant.seen("/v1/issuing/cards")["data"]) == 2
    assert resume(world.desk).left == ()


def test_nothing_issued_means_it_can_be_done_again(world: World) -> None:
    card = world.a_card("100")
    move_card(world.desk, card, Move.CLOSE)
    world.control.fault("429", times=50)
    with pytest.raises(ProviderUnavailable):
        replace_card(world.desk, world.card(card), "lost")
    world.control.clear_faults()
    assert replaced(world, world.card(card)).balance == usd("100")


def test_a_suspended_holder_is_refused_before_the_card_is_closed(world: World) -> None:
    account = world.an_account()
    card = world.a_card("100", account=account)
    change_account(world.desk, account, AccountChange(active=False))
    with pytest.raises(StateForbids, match="only an active account"):
        replace_card(world.desk, card, "lost")
    assert (world.card(card).state, world.far(card)["status"]) == (CardState.ACTIVE, "active")


def test_no_reason_is_refused_before_the_card_is_closed(world: World) -> None:
    card = world.a_card("100")
    with pytest.raises(BadInput, match="no reason"):
        replace_card(world.desk, card, "bored")
    assert world.far(card)["status"] == "active"


def test_a_rehearsal_shows_both_requests_and_does_nothing(world: World) -> None:
    card = world.a_card("100", limits=LIMITS)
    world.control.swipe(card.ref, usd("15"))
    before = world.far(card), world.operations(), world.audit(), world.card(card)
    close, issue = rehearse_replacement(world.desk, card, "stolen")
    assert (world.far(card), world.operations(), world.audit(), world.card(card)) == before
    assert isinstance(close, Draft)
    assert isinstance(issue, Draft)
    assert (close.path, close.body["status"], close.body["cancellation_reason"]) == (
        f"/v1/issuing/cards/{card.ref}",
        "canceled",
        "stolen",
    )
    replaced(world, card, "stolen")
    sent = {operation.kind: operation.id for operation in reversed(world.operations())}
    with world.books.read() as unit:
        really = [unit.operations.named(sent[kind]).draft for kind in ("card.close", "card.issue")]
    assert all(really)
    for shown, done in zip((close, issue), really, strict=True):
        assert done is not None
        assert unmarked(shown) == unmarked(done)
        assert (shown.method, shown.path) == (done.method, done.path)


def test_repeated_when_it_is_done_it_gives_the_same_successor(world: World) -> None:
    """Although less is left on the old card since: a purchase of before settled late."""
    card = world.a_card("100")
    new = replaced(world, card)
    world.force(card, 1_000)
    again = replace_card(world.desk, world.card(card), "lost")
    assert (again.object.id, [warned.code for warned in again.warnings]) == (new.id, ["REPEATED"])
    assert world.far_limit(new) == 10_000
