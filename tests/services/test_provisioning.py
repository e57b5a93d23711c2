"""`provision --dev` as a service: three accounts with a million and a card each, whatever it finds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cardctl.domain.accounts import AccountChange, AccountState
from cardctl.domain.money import Money
from cardctl.domain.states import CardState, Move
from cardctl.errors import DevelopmentOnly, OutcomeUnknown, StateForbids
from cardctl.services.deeds.controls import change_account, move_card
from cardctl.services.deeds.funding import fund_card
from cardctl.services.deeds.issuing import CardWish
from cardctl.services.flows.provisioning import ENOUGH, PEOPLE, Provisioned, provision_dev
from cardctl.services.opening import issue_card
from tests.services.world import World, usd


def provisioned(world: World) -> Provisioned:
    """One run, after which it is all as promised, on both sides."""
    made = provision_dev(world.desk)
    assert len({account.id for account in made.accounts}) == len({card.id for card in made.cards}) == 3
    for account, card in zip(made.accounts, made.cards, strict=True):
        assert account.state is AccountState.ACTIVE
        assert (card.account_id, card.state, card.type, card.currency) == (account.id, CardState.ACTIVE, "virtual", "USD")
        held = {balance.currency: balance for balance in account.balances}
        assert held["USD"] >= ENOUGH
        assert world.far(card)["status"] == "active"
        with world.books.read() as unit:
            assert (unit.cards.token(card.id) or "").startswith("sim_token_")
    return made


def test_first_and_again(each_world: World) -> None:
    world = each_world
    first = provisioned(world)
    assert (first.created, first.changed) == (6, 0)
    assert [account.external_id for account in first.accounts] == list(PEOPLE)
    assert [account.balance for account in first.accounts] == [ENOUGH] * 3
    assert [world.far_limit(card) for card in first.cards] == [ENOUGH.minor] * 3
    entries, operations = world.audit(), world.operations()
    again = provisioned(world)
    assert (again.created, again.changed, again.accounts) == (0, 0, first.accounts)
    assert [card.id for card in again.cards] == [card.id for card in first.cards]
    assert (world.audit(), world.operations()) == (entries, operations), "nothing was written"


def test_what_was_spent_is_topped_up_and_never_taken_down(world: World) -> None:
    first = provisioned(world)
    spent, richer, _ = first.cards
    world.control.swipe(spent.ref, usd("250"))
    fund_card(world.desk, richer, usd("5"))
    again = provisioned(world)
    assert (again.created, again.changed) == (0, 1)
    assert [account.balance for account in again.accounts] == [ENOUGH, ENOUGH + usd("5"), ENOUGH]
    assert world.far_limit(spent) == ENOUGH.minor + 25000


def test_a_frozen_card_is_thawed_and_a_suspended_account_activated(world: World) -> None:
    first = provisioned(world)
    move_card(world.desk, first.cards[0], Move.FREEZE)
    change_account(world.desk, first.accounts[1], AccountChange(active=False))
    again = provisioned(world)
    assert (again.created, again.changed) == (0, 2)
    assert [card.id for card in again.cards] == [card.id for card in first.cards]


def test_a_change_at_the_far_side_alone_is_seen(world: World) -> None:
    first = provisioned(world)
    world.control.edit(first.cards[2].ref, {"status": "inactive", "spending_controls.spending_limits.all_time": 100})
    again = provisioned(world)
    assert (again.created, again.changed) == (0, 2), "thawed, and topped up"
    assert world.far_limit(first.cards[2]) == ENOUGH.minor


def test_a_closed_card_is_succeeded(world: World) -> None:
    first = provisioned(world)
    move_card(world.desk, first.cards[0], Move.CLOSE)
    again = provisioned(world)
    assert (again.created, again.changed) == (1, 0)
    assert again.cards[0].id != first.cards[0].id


def test_a_far_side_that_was_reset_is_healed(world: World) -> None:
    first = provisioned(world)
    world.control.reset()
    again = provisioned(world)
    assert [account.id for account in again.accounts] == [account.id for account in first.accounts]
    assert {account.ref for account in again.accounts}.isdisjoint(account.ref for account in first.accounts)
    assert (again.created, again.changed) == (6, 3), "three accounts and cards anew, three cards marked as gone"
    assert [world.card(card).state for card in first.cards] == [CardState.CLOSED] * 3
    assert [account.balance for account in again.accounts] == [ENOUGH] * 3
    third = provisioned(world)
    assert (third.created, third.changed) == (0, 0)


def test_one_card_that_was_deleted_at_the_far_side(world: World) -> None:
    first = provisioned(world)
    world.control.edit(first.cards[1].ref, {"deleted": True})
    again = provisioned(world)
    assert (again.created, again.changed) == (1, 1)
    assert [card.id == old.id for card, old in zip(again.cards, first.cards, strict=True)] == [True, False, True]


def test_books_that_were_lost_are_filled_from_the_far_side(worlds: Callable[..., World], tmp_path: object) -> None:
    first = provisioned(worlds())
    other = worlds(f"{tmp_path}/other.db")
    again = provisioned(other)
    assert (again.created, again.changed) == (0, 0)
    assert [card.ref for card in again.cards] == [card.ref for card in first.cards]
    assert [account.external_id for account in again.accounts] == list(PEOPLE)


def test_rich_accounts_are_used_where_the_named_are_not(world: World) -> None:
    poor, rich = world.an_account("Poor"), world.an_account("Rich")
    world.a_card("999999.99", account=poor)
    card = world.a_card("2000000", account=rich)
    made = provisioned(world)
    assert made.accounts[0].id == rich.id
    assert made.cards[0].id == card.id
    assert made.accounts[0].balance == usd("2000000"), "never down"
    assert [account.external_id for account in made.accounts[1:]] == ["acct_user2", "acct_user3"]
    assert (made.created, made.changed) == (4, 0)
    assert provisioned(world).created == 0


def test_rich_accounts_that_only_the_provider_knows(world: World) -> None:
    far = world.merchant.card(
        **{
            "spending_controls[spending_limits][0][amount]": "100000000",
            "spending_controls[spending_limits][0][interval]": "all_time",
        }
    )
    assert provisioned(world).cards[0].ref == far


def test_an_account_with_euros_too_is_not_funded_again_and_again(world: World) -> None:
    first = provisioned(world)
    wish = CardWish(first.accounts[0].id, "EUR", allowance=Money(500, "EUR"))
    issue_card(world.desk, wish)
    again = provisioned(world)
    assert (again.created, again.changed) == (0, 0)
    assert again.accounts[0].balances == (Money(500, "EUR"), ENOUGH)
    assert again.accounts[0].balance is None


def test_an_unlimited_card_gets_an_allowance(world: World) -> None:
    account = world.an_account("Ada Lovelace", external_id="acct_user1")
    card = world.a_card(None, account=account)
    assert world.card(card).balance is None
    made = provisioned(world)
    assert made.cards[0].id == card.id
    assert made.cards[0].balance == ENOUGH


def test_a_card_that_was_never_active_is_activated(world: World) -> None:
    account = world.an_account("Ada Lovelace", external_id="acct_user1")
    card = world.a_card("1000000", account=account, active=False)
    assert card.state is CardState.INACTIVE
    made = provisioned(world)
    assert made.cards[0].id == card.id


@pytest.mark.parametrize("writes", range(6))
@pytest.mark.parametrize("fault", ["429", "lost-reply"])
def test_a_run_that_was_stopped_halfway_is_finished_by_the_next(world: World, writes: int, fault: str) -> None:
    """The n-th write and all after it fail; then the bank is well again."""
    left = [writes]
    whole = world.desk.provider.send

    class Failing:
        def __getattr__(self, name: str) -> object:
            return getattr(world.desk.provider, name)

        def send(self, draft: object, key: str) -> object:
            if not left[0]:
                world.control.fault(fault, times=50)
            left[0] -= 1
            return whole(draft, key)  # type: ignore[arg-type]

    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one depends on the fault
        provision_dev(world.desk_with(provider=Failing()))
    assert caught.value.exit_code == (8 if fault == "429" else 9)  # type: ignore[attr-defined]
    world.control.clear_faults()
    made = provisioned(world)
    assert [account.balance for account in made.accounts] == [ENOUGH] * 3
    assert len(world.merchant.seen("/v1/issuing/cards")["data"]) == 3, "nothing was made twice"
    assert len(world.merchant.seen("/v1/issuing/cardholders")["data"]) == 3


def test_what_is_in_doubt_and_cannot_be_settled_stops_it(world: World) -> None:
    world.control.fault("lost-reply", times=50)
    with pytest.raises(OutcomeUnknown):
        provision_dev(world.desk)
    world.control.clear_faults()
    world.control.fault("refused", times=500)
    with pytest.raises(Exception) as caught:  # noqa: PT011
        provision_dev(world.desk)
    assert caught.value.exit_code in (8, 9)  # type: ignore[attr-defined]
    world.control.clear_faults()
    assert provisioned(world).cards


def test_an_account_that_may_get_no_card(world: World) -> None:
    account = world.an_account("Ada Lovelace", external_id="acct_user1")
    world.control.edit(account.ref or "", {"requirements.disabled_reason": "under_review"})
    with pytest.raises(StateForbids, match="KYC"):
        provision_dev(world.desk)


@pytest.mark.parametrize("environment", ["sandbox", "live"])
def test_only_in_the_simulator(worlds: Callable[..., World], environment: str) -> None:
    world = worlds(environment="simulator")
    world.desk.provider.environment = environment
    with pytest.raises(DevelopmentOnly):
        provision_dev(world.desk)
    assert world.control.status()["objects"]["cardholders"] == 0
    assert world.operations() == []
