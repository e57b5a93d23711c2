"""A reading from before our own last write is never what the next write is computed from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cardctl.domain.cards import Card, Limits
from cardctl.domain.operations import OperationState
from cardctl.errors import InsufficientBalance, OutcomeUnknown, ProviderUnavailable
from cardctl.providers.base import Provider
from cardctl.services.deeds.funding import fund_card, set_limits, withdraw
from cardctl.services.deeds.pulling import sync_card
from cardctl.services.desk import Desk
from cardctl.services.resuming import resume
from cardctl.services.settling import resolve
from tests.services.world import World, strike, usd

CARD = "/v1/issuing/cards"
TRIES = 4
"""How often a draft is made anew before it is given up."""


def allowance(world: World, card: Card) -> tuple[str, int | None]:
    """By our books, and by the provider (minor units)."""
    balance = world.card(card).balance
    assert balance is not None
    return balance.amount, world.far_limit(card)


@pytest.mark.parametrize("times", range(1, TRIES))
def test_a_stale_read_never_takes_the_last_funding_back(world: World, times: int) -> None:
    card = world.a_card("100")
    fund_card(world.desk, card, usd("50"))
    world.slept.clear()
    world.control.fault("stale-read", times)
    fund_card(world.desk, card, usd("25"))
    assert allowance(world, card) == ("175.00", 17_500)
    assert len(world.slept) == times, "it waits between its looks"


def test_nor_a_withdrawal_nor_limits(world: World) -> None:
    card = world.a_card("100")
    set_limits(world.desk, card, {"daily": 5_000})
    world.control.fault("stale-read")
    withdraw(world.desk, card, usd("40"))
    assert (world.far_limit(card), world.far_limit(card, "daily")) == (6_000, 5_000)
    world.control.fault("stale-read")
    set_limits(world.desk, world.card(card), {"weekly": 7_000})
    assert [world.far_limit(card, word) for word in ("all_time", "daily", "weekly")] == [6_000, 5_000, 7_000]
    world.control.fault("stale-read")
    fund_card(world.desk, world.card(card), usd("1"))
    assert [world.far_limit(card, word) for word in ("all_time", "daily", "weekly")] == [6_100, 5_000, 7_000]
    assert world.card(card).limits == Limits(daily=usd("50"), weekly=usd("70"))
    assert sync_card(world.desk, card).balance == usd("61")


def test_money_that_a_stale_read_still_shows_is_not_withdrawn(world: World) -> None:
    card = world.a_card("100")
    withdraw(world.desk, card, usd("80"))
    world.control.fault("stale-read")
    with pytest.raises(InsufficientBalance):
        withdraw(world.desk, card, usd("30"))
    assert allowance(world, card) == ("20.00", 2_000)


def test_a_provider_that_goes_on_answering_from_before_is_not_believed(world: World) -> None:
    """Exit 8, nothing was sent, and the same again works when it has caught up."""
    card = world.a_card("100")
    fund_card(world.desk, card, usd("50"))
    world.control.fault("stale-read", TRIES)
    writes = len([asked for asked in world.wire.asked if asked.startswith("POST")])
    with pytest.raises(ProviderUnavailable) as refused:
        fund_card(world.desk, card, usd("25"), caller_key="mine")
    assert "from before the last write" in refused.value.message
    assert len([asked for asked in world.wire.asked if asked.startswith("POST")]) == writes
    assert world.operations()[0].state is OperationState.REFUSED
    assert allowance(world, card) == ("150.00", 15_000)
    fund_card(world.desk, card, usd("25"), caller_key="mine")
    assert allowance(world, card) == ("175.00", 17_500)


def test_a_provider_in_front_of_which_something_keeps_answers(world: World) -> None:
    """It drafts from the card as it was before our last write, as a cache would make it do."""
    card = world.a_card("100")
    before = world.desk.provider.draft_fund(card.ref, usd("25"), "op_x", account_ref="")  # type: ignore[attr-defined]
    fund_card(world.desk, card, usd("50"))
    kept = _Kept(world.desk.provider, before)
    with pytest.raises(ProviderUnavailable):
        fund_card(_through(world, kept), card, usd("25"))
    assert kept.asked == TRIES
    assert allowance(world, card) == ("150.00", 15_000)


def test_what_a_stranger_wrote_is_fresh(world: World) -> None:
    """A mark that is none of ours, or none at all, proves nothing stale."""
    card = world.a_card("100")
    world.control.edit(card.ref, {"metadata.cardctl_operation": "op_of_somebody_else"})
    fund_card(world.desk, card, usd("5"))
    world.control.edit(card.ref, {"metadata.cardctl_operation": None})
    world.slept.clear()
    fund_card(world.desk, card, usd("5"))
    assert (allowance(world, card), world.slept) == (("110.00", 11_000), [])


def test_what_a_person_said_was_done_is_no_proof(world: World) -> None:
    """It was said to be done and was not: the card's mark stays an older one for good, and funding goes on."""
    card = world.a_card("100")
    strike(world, f"{CARD}/{card.ref}", "500", 4)
    with pytest.raises(OutcomeUnknown) as doubt:
        fund_card(world.desk, card, usd("50"))
    resolve(world.desk, doubt.value.operation_id, state=OperationState.DONE, reason="I thought so")
    fund_card(world.desk, card, usd("25"))
    assert world.far_limit(card) == 12_500


def test_a_resume_settled_from_a_stale_read_is_done_once(world: World) -> None:
    card = world.a_card("100")
    strike(world, f"{CARD}/{card.ref}", "lost-reply", 4)
    with pytest.raises(OutcomeUnknown):
        fund_card(world.desk, card, usd("50"))
    world.control.clear_faults()
    world.control.fault("stale-read")
    assert resume(world.desk).left == ()
    assert allowance(world, card) == ("150.00", 15_000)


class _Kept:
    """A provider that drafts every funding as it was once drafted."""

    def __init__(self, inner: Provider, draft: object) -> None:
        self._inner, self._draft = inner, draft
        self.asked = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def draft_fund(self, *_arguments: object, **_named: object) -> object:
        self.asked += 1
        return self._draft

    def draft_withdraw(self, *_arguments: object, **_named: object) -> object:
        raise AssertionError("not asked for here")


def _through(world: World, provider: object) -> Desk:
    return replace(world.desk, provider=provider)  # type: ignore[arg-type]
