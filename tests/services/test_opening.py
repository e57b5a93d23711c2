"""A card as it is wanted whole: what its making brings along, what follows it, and who gets none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cardctl.domain.accounts import Account, AccountState, Kyc
from cardctl.domain.cards import NO_LIMITS, Card, Limits
from cardctl.domain.operations import Draft
from cardctl.domain.states import CardState, Move
from cardctl.domain.transactions import TransactionKind
from cardctl.errors import BadInput, CardctlError, ExitCode, StateForbids, Unsupported
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.funding import fund_card, set_limits, withdraw
from cardctl.services.deeds.issuing import CardWish
from cardctl.services.deeds.pulling import sync_account, sync_card
from cardctl.services.desk import Done
from cardctl.services.opening import issue_card, rehearse_issue
from tests.services.world import World, at, usd

DEFAULTS = Limits(per_transaction=usd("500"), daily=usd("1000"), monthly=usd("5000"))
DEFAULTED = ("per_transaction", "daily", "monthly")
ISSUERS = ("stripe", "marqeta", "strowallet")


@pytest.fixture(params=ISSUERS)
def any_world(request: pytest.FixtureRequest) -> World:
    """At each of the three."""
    found: World = request.getfixturevalue("world" if request.param == "stripe" else request.param)
    return found


def kinds(world: World) -> list[str]:
    mine = [one for one in reversed(world.operations()) if one.provider == world.desk.provider.name]
    return [one.kind for one in mine if one.kind != "account.create"]


def sent(world: World) -> list[str]:
    """Writes that left, without those that only read (Strowallet reads by POST)."""
    reads = ("fetch-card-detail", "card-transactions", "getcardholder")
    writing = [asked for asked in world.wire.asked if not asked.startswith("GET")]
    return [asked for asked in writing if not any(read in asked for read in reads)]


def codes(done: Done) -> list[str]:
    return [warned.code for warned in done.warnings]


def the_card(done: Done) -> Card:
    assert isinstance(done.object, Card)
    return done.object


def test_a_card_with_money_is_one_wish_everywhere(any_world: World) -> None:
    world = any_world
    holder = world.an_account()
    card = the_card(issue_card(world.desk, CardWish(holder.id, "USD", allowance=usd("25"))))
    assert (card.state, card.balance, card.limits) == (CardState.ACTIVE, usd("25"), NO_LIMITS)
    assert card == world.card(card)
    assert [(event.kind, event.amount) for event in world.events(card)] == [(TransactionKind.FUNDING, usd("25"))]
    assert sync_card(world.desk, card).balance == usd("25")
    assert world.account(holder).balance == usd("25")
    assert world.control.swipe(card.ref, usd("10")).approved
    assert sync_card(world.desk, card).balance == usd("15")


def test_one_write_where_the_provider_takes_all_of_it(world: World) -> None:
    holder = world.an_account()
    world.wire.asked.clear()
    wish = CardWish(holder.id, "USD", allowance=usd("25"), limits=DEFAULTS)
    card = the_card(issue_card(world.desk, wish))
    assert (kinds(world), sent(world)) == (["card.issue"], ["POST /v1/issuing/cards"])
    assert (card.state, card.balance, card.limits) == (CardState.ACTIVE, usd("25"), DEFAULTS)


def test_limits_come_before_the_card_can_spend_and_money_last(marqeta: World) -> None:
    holder = marqeta.an_account()
    marqeta.wire.asked.clear()
    wish = CardWish(holder.id, "USD", allowance=usd("25"), limits=DEFAULTS)
    done = issue_card(marqeta.desk, wish)
    paths = [asked.removeprefix("POST /v3/") for asked in sent(marqeta)]
    assert paths == ["cardproducts", "cards", *["velocitycontrols"] * 3, "cardtransitions", "gpaorders"]
    assert (the_card(done).limits, the_card(done).state) == (DEFAULTS, CardState.ACTIVE)
    assert done.operation is not None
    assert done.operation.kind == "card.issue"


def test_before_its_limits_are_there_no_purchase_goes_through(marqeta: World) -> None:
    """The holder has money from another card: the new card must not spend it without a limit."""
    rich = marqeta.a_card("100")
    holder = marqeta.account(_holder(marqeta, rich))
    tried: list[bool] = []

    def swipe() -> None:
        with marqeta.books.read() as unit:
            newest = next(card for card in unit.cards.rows() if card.id != rich.id)
        tried.append(marqeta.control.swipe(newest.ref, usd("90")).approved)

    at(marqeta, "/v3/velocitycontrols", swipe)
    card = the_card(issue_card(marqeta.desk, CardWish(holder.id, "USD", limits=Limits(per_transaction=usd("10")))))
    assert tried == [False]
    assert marqeta.control.swipe(card.ref, usd("90")).approved is False
    assert marqeta.control.swipe(card.ref, usd("9")).approved


def test_inactive_it_stays_until_it_is_activated(marqeta: World) -> None:
    holder = marqeta.an_account()
    card = the_card(issue_card(marqeta.desk, CardWish(holder.id, "USD", active=False)))
    assert (kinds(marqeta), card.state) == (["card.issue"], CardState.PENDING)
    assert marqeta.control.swipe(card.ref, usd("1")).approved is False
    assert the_card(move_card(marqeta.desk, card, Move.ACTIVATE)).state is CardState.ACTIVE


def test_what_cannot_be_is_said_before_anything_is_sent(marqeta: World, strowallet: World) -> None:
    at_marqeta, at_strowallet = marqeta.an_account(), strowallet.an_account()
    wishes: list[tuple[World, CardWish, type[CardctlError]]] = [
        (marqeta, CardWish(at_marqeta.id, "USD", active=False, allowance=usd("5")), BadInput),
        (strowallet, CardWish(at_strowallet.id, "USD", limits=Limits(daily=usd("5")), allowance=usd("5")), Unsupported),
        (strowallet, CardWish(at_strowallet.id, "USD", allowance=usd("5"), active=False), Unsupported),
        (strowallet, CardWish(at_strowallet.id, "USD"), BadInput),
        (strowallet, CardWish(at_strowallet.id, "USD", type="physical", allowance=usd("5")), Unsupported),
    ]
    for world, wish, kind in wishes:
        world.wire.asked.clear()
        with pytest.raises(kind):
            issue_card(world.desk, wish)
        with pytest.raises(kind):
            rehearse_issue(world.desk, wish)
        assert sent(world) == []
    assert kinds(marqeta) == []


def test_default_limits_where_there_are_none_to_be_had(strowallet: World) -> None:
    wish = CardWish(strowallet.an_account().id, "USD", allowance=usd("5"), limits=DEFAULTS, defaulted=DEFAULTED)
    done = issue_card(strowallet.desk, wish)
    assert (codes(done), the_card(done).limits) == (["LIMITS_UNSUPPORTED"], NO_LIMITS)


def test_limits_of_the_holder_are_every_cards(marqeta: World) -> None:
    holder = marqeta.an_account()
    first = the_card(issue_card(marqeta.desk, CardWish(holder.id, "USD", limits=Limits(daily=usd("10")))))
    done = issue_card(marqeta.desk, CardWish(holder.id, "USD", limits=Limits(weekly=usd("70"))))
    assert "LIMITS_SHARED" in codes(done)
    both = Limits(daily=usd("10"), weekly=usd("70"))
    assert [marqeta.card(card).limits for card in (first, the_card(done))] == [both, both]
    changed = set_limits(marqeta.desk, marqeta.card(first), {"daily": None, "monthly": 9_000})
    assert codes(changed) == ["LIMITS_SHARED"]
    for card in (first, the_card(done)):
        assert marqeta.card(card).limits == Limits(weekly=usd("70"), monthly=usd("90"))
        assert sync_card(marqeta.desk, marqeta.card(card)).limits == marqeta.card(card).limits
    stranger = marqeta.a_card(None)
    assert stranger.limits == NO_LIMITS


def test_a_default_does_not_take_the_place_of_what_was_chosen(marqeta: World) -> None:
    holder = marqeta.an_account()
    issue_card(marqeta.desk, CardWish(holder.id, "USD", limits=Limits(daily=usd("10"))))
    wish = CardWish(holder.id, "USD", limits=DEFAULTS, defaulted=DEFAULTED)
    card = the_card(issue_card(marqeta.desk, wish))
    assert card.limits == Limits(per_transaction=usd("500"), daily=usd("10"), monthly=usd("5000"))
    named = CardWish(holder.id, "USD", limits=DEFAULTS, defaulted=("monthly",))
    assert the_card(issue_card(marqeta.desk, named)).limits.daily == usd("1000")


def test_a_user_of_its_own_keeps_its_own_limits(worlds: Callable[..., World]) -> None:
    """The setting marqeta.user_per_card: limits are the card's, the money is still the holder's."""
    world = worlds(provider="marqeta", settings={"user_per_card": True})
    holder = world.an_account()
    first = the_card(issue_card(world.desk, CardWish(holder.id, "USD", limits=Limits(daily=usd("10")), allowance=usd("30"))))
    second = issue_card(world.desk, CardWish(holder.id, "USD", limits=Limits(daily=usd("20"))))
    assert "LIMITS_SHARED" not in codes(second)
    assert world.card(first).limits == Limits(daily=usd("10"))
    assert the_card(second).limits == Limits(daily=usd("20"))
    assert [world.card(card).balance for card in (first, the_card(second))] == [usd("30"), usd("30")]
    assert world.control.swipe(first.ref, usd("15")).approved is False
    assert world.control.swipe(the_card(second).ref, usd("15")).approved


def test_a_shared_balance_is_every_cards_and_the_accounts_own(marqeta: World) -> None:
    holder = marqeta.an_account()
    first = the_card(issue_card(marqeta.desk, CardWish(holder.id, "USD", allowance=usd("30"))))
    second = the_card(issue_card(marqeta.desk, CardWish(holder.id, "USD", allowance=usd("12"))))

    def seen() -> list[str | None]:
        balances = [marqeta.card(first).balance, marqeta.card(second).balance, marqeta.account(holder).balance]
        return [balance.amount if balance else None for balance in balances]

    assert seen() == ["42.00"] * 3
    fund_card(marqeta.desk, marqeta.card(second), usd("8"))
    assert seen() == ["50.00"] * 3
    withdraw(marqeta.desk, marqeta.card(first), usd("5"))
    assert seen() == ["45.00"] * 3
    assert marqeta.control.swipe(first.ref, usd("20")).approved
    sync_card(marqeta.desk, marqeta.card(second))
    assert seen() == ["25.00"] * 3
    assert marqeta.account(holder).balances == (usd("25"),), "the holder's money, not the sum of its cards'"
    sync_account(marqeta.desk, marqeta.account(holder))
    assert seen() == ["25.00"] * 3


@pytest.mark.parametrize("word", ["pending", "rejected"])
def test_an_account_whose_kyc_is_not_through_gets_no_card(any_world: World, word: str) -> None:
    world = any_world
    holder = world.an_account()
    world.control.set_kyc(holder.ref or "", word)
    holder = sync_account(world.desk, holder)
    assert (holder.state, holder.kyc) != (AccountState.ACTIVE, Kyc.VERIFIED)
    world.wire.asked.clear()
    with pytest.raises(StateForbids) as refused:
        issue_card(world.desk, CardWish(holder.id, "USD", allowance=usd("5")))
    assert refused.value.exit_code is ExitCode.REFUSED
    assert (world.wire.asked, kinds(world)) == ([], [])
    world.control.set_kyc(holder.ref or "", "verified")
    holder = sync_account(world.desk, holder)
    assert (holder.kyc, holder.state) == (Kyc.VERIFIED, AccountState.ACTIVE)
    assert the_card(issue_card(world.desk, CardWish(holder.id, "USD", allowance=usd("5")))).balance == usd("5")


def test_a_rehearsal_says_what_would_follow_and_does_nothing(marqeta: World) -> None:
    holder = marqeta.an_account()
    marqeta.wire.asked.clear()
    wish = CardWish(holder.id, "USD", allowance=usd("25"), limits=Limits(daily=usd("10")))
    draft, following = rehearse_issue(marqeta.desk, wish)
    assert isinstance(draft, Draft)
    assert draft.path == "/cards"
    assert [words.split()[0] for words in following] == ["card.limits", "card.activate", "card.fund"]
    assert "25.00" in following[-1]
    assert (sent(marqeta), kinds(marqeta)) == ([], [])


def _holder(world: World, card: Card) -> Account:
    with world.books.read() as unit:
        return unit.accounts.named(card.account_id)
