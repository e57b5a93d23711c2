"""Several writes for one wish: all in the journal first, each once, what fails ends the rest, and the same key goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cardctl.domain.accounts import Account
from cardctl.domain.cards import NO_LIMITS, Card, Limits
from cardctl.domain.operations import OPEN, Operation, OperationState
from cardctl.domain.states import CardState, Move
from cardctl.errors import (
    InsufficientBalance,
    KeyReused,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    SecretRefused,
    StateForbids,
)
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.funding import fund_card, set_limits, withdraw
from cardctl.services.deeds.issuing import CardWish
from cardctl.services.deeds.pulling import sync_accounts, sync_card, sync_cards
from cardctl.services.desk import Done
from cardctl.services.opening import issue_card
from cardctl.services.resuming import resume
from tests.services.world import World, at, strike, usd

ORDERS, UNLOADS, CONTROLS, TRANSITIONS = "/v3/gpaorders", "/v3/gpaorders/unloads", "/v3/velocitycontrols", "/v3/cardtransitions"
OFTEN = 30
KINDS = ["card.issue", "card.limits", "card.activate", "card.fund"]
DAILY = Limits(daily=usd("10"))


def issued(world: World, key: str | None = "mine", **wish: object) -> Done:
    """A card with 25.00 on it and a daily limit, of an account that is made for it once."""
    with world.books.read() as unit:
        account = next(iter(unit.accounts.rows()), None)
    holder = account or world.an_account(external_id="ada")
    wanted = replace(CardWish(holder.id, "USD", allowance=usd("25"), limits=DAILY), **wish)  # type: ignore[arg-type]
    return issue_card(world.desk, wanted, caller_key=key)


def writes(world: World) -> list[Operation]:
    """The journal without the making of accounts, oldest first, each whole."""
    with world.books.read() as unit:
        return [unit.operations.named(one.id) for one in reversed(world.operations()) if one.kind != "account.create"]


def states(world: World) -> list[tuple[str, str, str | None]]:
    return [(one.kind, str(one.state), one.error_code) for one in writes(world)]


def the_card(world: World) -> Card:
    with world.books.read() as unit:
        (card,) = unit.cards.rows()
    return card


def far_cards(world: World) -> int:
    return sum(len(world.user.listed(f"/cards/user/{user['token']}")) for user in world.user.listed("/users"))


def loaded(world: World) -> str:
    """The holder's balance at Marqeta."""
    with world.books.read() as unit:
        (account,) = unit.accounts.rows()
    ledger, available = world.user.gpa(account.ref or "")
    assert ledger == available
    return f"{available:.2f}"


def agree(world: World) -> None:
    """A whole sync changes nothing: our books have all of it already."""
    before = the_card(world)
    sync_accounts(world.desk, lambda _count: None)
    pulled = sync_cards(world.desk, lambda _count: None)
    assert (pulled.new, pulled.changed) == (0, 0)
    assert replace(the_card(world), synced_at=before.synced_at) == before
    assert before.balance == usd(loaded(world))


def test_all_of_it_is_in_the_journal_before_the_first_is_sent(marqeta: World) -> None:
    seen: list[list[tuple[str, str, str | None]]] = []
    at(marqeta, "/v3/cards", lambda: seen.append(states(marqeta)))
    done = issued(marqeta)
    assert seen == [[("card.issue", "sent", None), *((kind, "intended", None) for kind in KINDS[1:])]]
    assert states(marqeta) == [(kind, "done", None) for kind in KINDS]
    chain = writes(marqeta)
    assert [one.arguments.get("after") for one in chain] == [None, *(one.id for one in chain[:-1])]
    assert done.operation is not None
    assert done.operation.id == chain[0].id
    card = the_card(marqeta)
    assert done.object == card
    assert (card.state, card.balance, card.limits) == (CardState.ACTIVE, usd("25"), DAILY)
    agree(marqeta)


def test_repeated_with_the_same_key_it_is_the_first_result_again(marqeta: World) -> None:
    first = issued(marqeta)
    marqeta.wire.asked.clear()
    again = issued(marqeta)
    assert [asked for asked in marqeta.wire.asked if not asked.startswith("GET")] == []
    assert again.object.id == first.object.id
    assert {warned.code for warned in again.warnings} == {"LIMITS_SHARED", "REPEATED"}
    assert (len(writes(marqeta)), far_cards(marqeta), loaded(marqeta)) == (4, 1, "25.00")
    agree(marqeta)


def test_the_same_key_with_another_wish_is_refused(marqeta: World) -> None:
    issued(marqeta)
    with pytest.raises(KeyReused):
        issued(marqeta, allowance=usd("26"))
    with pytest.raises(KeyReused):
        issued(marqeta, limits=Limits(daily=usd("11")))
    with pytest.raises(KeyReused):
        issued(marqeta, type="physical")
    assert (far_cards(marqeta), loaded(marqeta)) == (1, "25.00")
    agree(marqeta)


@pytest.mark.parametrize(("path", "place"), [("/v3/cards", 0), (CONTROLS, 1), (TRANSITIONS, 2), (ORDERS, 3)])
def test_a_refused_step_ends_those_after_it_and_the_same_key_goes_on(marqeta: World, path: str, place: int) -> None:
    strike(marqeta, path, "401")
    with pytest.raises(SecretRefused) as refused:
        issued(marqeta)
    assert states(marqeta) == [
        *((kind, "done", None) for kind in KINDS[:place]),
        (KINDS[place], "refused", "SECRET_REFUSED"),
        *((kind, "refused", "NEVER_SENT") for kind in KINDS[place + 1 :]),
    ]
    assert far_cards(marqeta) == int(place > 0)
    assert loaded(marqeta) == "0.00"
    if place:
        made = writes(marqeta)[0]
        assert f"card.issue {made.id} is done, but {KINDS[place]} is not" in refused.value.message
        assert the_card(marqeta).state is (CardState.ACTIVE if place > 2 else CardState.PENDING)
        sync_card(marqeta.desk, the_card(marqeta))  # nothing has told its balance yet
        agree(marqeta)
    issued(marqeta)
    assert (far_cards(marqeta), loaded(marqeta)) == (1, "25.00")
    assert [one.kind for one in writes(marqeta) if one.state is OperationState.DONE] == KINDS
    card = the_card(marqeta)
    assert (card.state, card.balance, card.limits) == (CardState.ACTIVE, usd("25"), DAILY)
    agree(marqeta)


@pytest.mark.parametrize(("path", "place"), [("/v3/cards", 0), (CONTROLS, 1), (TRANSITIONS, 2), (ORDERS, 3)])
@pytest.mark.parametrize("fault", ["lost-reply", "500"])
def test_what_comes_after_a_doubt_waits_for_it(marqeta: World, path: str, place: int, fault: str) -> None:
    strike(marqeta, path, fault, OFTEN)
    with pytest.raises(OutcomeUnknown):
        issued(marqeta)
    doubtful, waiting = states(marqeta)[place], states(marqeta)[place + 1 :]
    assert doubtful[:2] == (KINDS[place], "in_doubt")
    assert waiting == [(kind, "intended", None) for kind in KINDS[place + 1 :]]
    marqeta.control.clear_faults()
    resumed = resume(marqeta.desk)
    assert resumed.left == ()
    assert [one.kind for one in resumed.settled] == KINDS[place:]
    assert states(marqeta) == [(kind, "done", None) for kind in KINDS]
    assert (far_cards(marqeta), loaded(marqeta)) == (1, "25.00")
    agree(marqeta)
    issued(marqeta)
    assert (far_cards(marqeta), loaded(marqeta), len(writes(marqeta))) == (1, "25.00", 4)


def test_the_same_key_alone_settles_the_doubt_and_goes_on(marqeta: World) -> None:
    strike(marqeta, CONTROLS, "lost-reply", OFTEN)
    with pytest.raises(OutcomeUnknown):
        issued(marqeta)
    marqeta.control.clear_faults()
    issued(marqeta)
    assert [one for one in states(marqeta) if one[1] == "done"] == [(kind, "done", None) for kind in KINDS]
    assert (far_cards(marqeta), loaded(marqeta)) == (1, "25.00")
    agree(marqeta)


def test_while_a_step_is_in_doubt_other_writes_on_the_card_refuse(marqeta: World) -> None:
    strike(marqeta, ORDERS, "lost-reply", OFTEN)
    with pytest.raises(OutcomeUnknown):
        issued(marqeta)
    marqeta.control.clear_faults()
    card = the_card(marqeta)
    with pytest.raises(OutcomeUnknown):
        fund_card(marqeta.desk, card, usd("1"))
    with pytest.raises(OutcomeUnknown):
        set_limits(marqeta.desk, card, {"weekly": 100})
    assert resume(marqeta.desk).left == ()
    assert loaded(marqeta) == "25.00"


def test_what_is_already_so_is_not_sent_and_the_rest_goes_on(marqeta: World) -> None:
    """While its limits were set, the card became active, and a sync has told us so."""

    def activate() -> None:
        with marqeta.books.read() as unit:
            (card,) = unit.cards.rows()
        marqeta.control.edit(card.ref, {"state": "ACTIVE"})
        sync_card(marqeta.desk, card)

    at(marqeta, CONTROLS, activate, after=True)
    issued(marqeta)
    assert states(marqeta)[2] == ("card.activate", "refused", "NEVER_SENT")
    assert states(marqeta)[3] == ("card.fund", "done", None)
    assert f"POST {TRANSITIONS}" not in marqeta.wire.asked
    assert loaded(marqeta) == "25.00"
    agree(marqeta)


@pytest.mark.parametrize("after", [False, True])
def test_a_freeze_passes_a_chain_in_flight(marqeta: World, after: bool) -> None:
    """The money was on its way when the card was stolen: it is there, and the card spends none of it."""
    at(marqeta, ORDERS, lambda: move_card(marqeta.desk, the_card(marqeta), Move.FREEZE), after=after)
    issued(marqeta)
    card = the_card(marqeta)
    assert (card.state, loaded(marqeta)) == (CardState.FROZEN, "25.00")
    assert marqeta.user.seen(f"/cards/{card.ref}")["state"] == "SUSPENDED"
    assert marqeta.control.swipe(card.ref, usd("1")).approved is False
    agree(marqeta)


@pytest.mark.parametrize("fault", ["lost-reply", "500"])
def test_a_freeze_passes_an_activation_in_doubt(marqeta: World, fault: str) -> None:
    """Our books have a card that never began, but it may be active: it must stop, and no resume starts it again."""
    strike(marqeta, TRANSITIONS, fault, 4)
    with pytest.raises(OutcomeUnknown):
        issued(marqeta)
    marqeta.control.clear_faults()
    assert the_card(marqeta).state is CardState.PENDING
    assert move_card(marqeta.desk, the_card(marqeta), Move.FREEZE).operation is not None
    resume(marqeta.desk)
    card = the_card(marqeta)
    assert marqeta.user.seen(f"/cards/{card.ref}")["state"] == "SUSPENDED"
    assert card.state is CardState.FROZEN
    assert [one for one in writes(marqeta) if one.state in OPEN] == []
    sync_card(marqeta.desk, card)
    agree(marqeta)


def test_a_chain_that_meets_a_closed_card_ends(marqeta: World) -> None:
    """Closed between its steps: the money is not sent after it."""
    at(marqeta, TRANSITIONS, lambda: move_card(marqeta.desk, the_card(marqeta), Move.CLOSE), after=True)
    with pytest.raises((StateForbids, ProviderRefused)):
        issued(marqeta)
    assert states(marqeta)[3][:2] == ("card.fund", "refused")
    assert (the_card(marqeta).state, loaded(marqeta)) == (CardState.CLOSED, "0.00")
    assert [one for one in writes(marqeta) if one.state is OperationState.INTENDED] == []


def funded(world: World, *amounts: str) -> Card:
    """A card without limits, funded so often."""
    card = issued(world, key=None, allowance=None, limits=NO_LIMITS).object
    assert isinstance(card, Card)
    for amount in amounts:
        fund_card(world.desk, world.card(card), usd(amount))
    return world.card(card)


def unloads(world: World) -> list[tuple[int, int]]:
    """What was taken back: of which funding (1 is the first), how much (minor units); in the order in which it was."""
    fundings = [one.id for one in writes(world) if one.kind == "card.fund" and one.state is OperationState.DONE]
    taken = [one for one in writes(world) if one.kind == "card.withdraw" and one.state is OperationState.DONE]
    told = [(fundings.index(one.arguments["load"]) + 1, one.amount.minor) for one in taken if one.amount]
    listed = world.user.listed("/gpaorders/unloads")
    found = [(fundings.index(one["original_order_token"]) + 1, round(one["amount"] * 100)) for one in listed]
    assert sorted(found) == sorted(told)
    return told


def test_a_withdrawal_takes_back_the_newest_fundings_first(marqeta: World) -> None:
    card = funded(marqeta, "10", "20", "30")
    withdraw(marqeta.desk, card, usd("35"))
    assert unloads(marqeta) == [(3, 3_000), (2, 500)]
    assert (loaded(marqeta), marqeta.card(card).balance) == ("25.00", usd("25"))
    withdraw(marqeta.desk, card, usd("15"))
    withdraw(marqeta.desk, card, usd("10"))
    assert unloads(marqeta) == [(3, 3_000), (2, 500), (2, 1_500), (1, 1_000)]
    assert loaded(marqeta) == "0.00"
    agree(marqeta)


def test_no_more_is_taken_back_than_was_loaded(marqeta: World) -> None:
    card = funded(marqeta, "10", "20")
    marqeta.user.load(marqeta.account(_holder(marqeta)).ref or "", 100)  # a stranger's money, of which we know no name
    marqeta.wire.asked.clear()
    with pytest.raises(InsufficientBalance):
        withdraw(marqeta.desk, card, usd("30.01"))
    assert marqeta.wire.asked == []
    assert "card.withdraw" not in [kind for kind, _, _ in states(marqeta)]
    withdraw(marqeta.desk, card, usd("30"))
    assert loaded(marqeta) == "100.00"


def test_what_was_spent_is_not_taken_back_in_parts(marqeta: World) -> None:
    """The first part would go through and the last not: none is sent."""
    card = funded(marqeta, "10", "20")
    assert marqeta.control.swipe(card.ref, usd("5")).approved
    with pytest.raises(InsufficientBalance):
        withdraw(marqeta.desk, card, usd("28"))
    assert (unloads(marqeta), loaded(marqeta)) == ([], "25.00")
    with pytest.raises(InsufficientBalance):
        withdraw(marqeta.desk, funded(marqeta, "1"), usd("27"))
    assert unloads(marqeta) == []
    withdraw(marqeta.desk, card, usd("26"))
    assert loaded(marqeta) == "0.00"


@pytest.mark.parametrize("fault", ["lost-reply", "500", "torn-body"])
def test_a_part_in_doubt_and_the_same_key_again(marqeta: World, fault: str) -> None:
    """The same parts once more, though by now the newest funding has less left: 35.00 in all, not more."""
    card = funded(marqeta, "10", "20", "30")
    strike(marqeta, UNLOADS, fault, OFTEN)
    with pytest.raises(OutcomeUnknown):
        withdraw(marqeta.desk, card, usd("35"), caller_key="mine")
    marqeta.control.clear_faults()
    for _ in range(2):
        withdraw(marqeta.desk, marqeta.card(card), usd("35"), caller_key="mine")
        assert unloads(marqeta) == [(3, 3_000), (2, 500)]
        assert loaded(marqeta) == "25.00"
    assert resume(marqeta.desk).left == ()
    agree(marqeta)


def test_the_second_part_refused_and_the_same_key_again(marqeta: World) -> None:
    card = funded(marqeta, "10", "20", "30")
    at(marqeta, UNLOADS, lambda: strike(marqeta, UNLOADS, "401"), after=True)
    with pytest.raises(SecretRefused) as refused:
        withdraw(marqeta.desk, card, usd("55"), caller_key="mine")
    assert "is done, but card.withdraw is not" in refused.value.message
    assert unloads(marqeta) == [(3, 3_000)]
    fund_card(marqeta.desk, marqeta.card(card), usd("40"))  # the newest by now
    withdraw(marqeta.desk, marqeta.card(card), usd("55"), caller_key="mine")
    assert unloads(marqeta) == [(3, 3_000), (2, 2_000), (1, 500)]
    assert loaded(marqeta) == "45.00"
    with pytest.raises(KeyReused):
        withdraw(marqeta.desk, marqeta.card(card), usd("5"), caller_key="mine")
    agree(marqeta)


@pytest.mark.parametrize("fault", ["refused", "429"])
def test_surely_nothing_ran_and_the_same_key_again(marqeta: World, fault: str) -> None:
    card = funded(marqeta, "20", "30")
    strike(marqeta, UNLOADS, fault, OFTEN)
    with pytest.raises(ProviderUnavailable):
        withdraw(marqeta.desk, card, usd("35"), caller_key="mine")
    assert loaded(marqeta) == "50.00"
    marqeta.control.clear_faults()
    withdraw(marqeta.desk, card, usd("35"), caller_key="mine")
    assert (unloads(marqeta), loaded(marqeta)) == ([(2, 3_000), (1, 500)], "15.00")
    agree(marqeta)


def test_several_limits_are_several_writes_and_one_wish(marqeta: World) -> None:
    card = funded(marqeta, "10")
    strike(marqeta, CONTROLS, "lost-reply", OFTEN)
    with pytest.raises(OutcomeUnknown):
        set_limits(marqeta.desk, card, {"daily": 1_000, "weekly": 2_000, "monthly": None})
    assert [(kind, state) for kind, state, _ in states(marqeta)[-3:]] == [
        ("card.limits", "in_doubt"),
        ("card.limits", "intended"),
        ("card.limits", "intended"),
    ]
    marqeta.control.clear_faults()
    assert resume(marqeta.desk).left == ()
    assert marqeta.card(card).limits == Limits(daily=usd("10"), weekly=usd("20"))
    set_limits(marqeta.desk, marqeta.card(card), {"daily": None, "weekly": 3_000})
    assert marqeta.card(card).limits == Limits(weekly=usd("30"))
    agree(marqeta)


def _holder(world: World) -> Account:
    with world.books.read() as unit:
        (account,) = unit.accounts.rows()
    return account
