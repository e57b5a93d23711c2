"""Where a provider lists no cards, those that we know are read one by one: one request each, each intake only once."""

from __future__ import annotations

from collections import Counter

import pytest

from cardctl.domain.accounts import Account, AccountState, Kyc
from cardctl.domain.cards import Card
from cardctl.domain.money import Money
from cardctl.domain.states import CardState, Move
from cardctl.errors import ProviderUnavailable
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.pulling import pull_transactions, sync_account, sync_accounts, sync_cards
from tests.services.world import World, refuse, usd

DETAIL, HOLDER = "POST /api/bitvcard/fetch-card-detail/", "GET /api/bitvcard/getcardholder/"


def cards_of(world: World, count: int) -> list[Card]:
    holder = world.an_account()
    return [world.a_card(f"{10 + number}", account=holder) for number in range(count)]


def walked(world: World) -> tuple[Counter[str], tuple[int, int, int]]:
    """The requests of a sync of all cards, and what it brought: read, new, changed."""
    world.wire.asked.clear()
    counted: list[int] = []
    pulled = sync_cards(world.desk, counted.append)
    assert sum(counted) == pulled.read
    return Counter(world.wire.asked), (pulled.read, pulled.new, pulled.changed)


def test_one_request_a_card_and_nothing_else(strowallet: World) -> None:
    cards = cards_of(strowallet, 5)
    assert walked(strowallet) == (Counter({DETAIL: 5}), (5, 0, 0))
    assert [strowallet.card(card).balance for card in cards] == [usd(f"{10 + number}") for number in range(5)]


def test_what_changed_there_is_taken_and_audited_once(strowallet: World) -> None:
    first, second, third = cards_of(strowallet, 3)
    assert strowallet.control.swipe(first.ref, usd("4")).approved
    strowallet.control.edit(second.ref, {"card_status": "frozen"})
    before = len(strowallet.audit())
    assert walked(strowallet)[1] == (3, 0, 2)
    assert strowallet.card(first).balance == usd("6")
    assert strowallet.card(second).state is CardState.FROZEN
    assert strowallet.card(third).balance == third.balance
    assert sorted(strowallet.audit()[before:]) == sorted(("card.sync", card.id) for card in (first, second))
    assert walked(strowallet)[1] == (3, 0, 0)


def test_a_card_that_ended_is_not_asked_for_again(strowallet: World) -> None:
    first, *_ = cards_of(strowallet, 3)
    strowallet.control.edit(first.ref, {"card_status": "terminated"})
    assert walked(strowallet)[1] == (3, 0, 1)
    assert strowallet.card(first).state is CardState.CLOSED
    assert walked(strowallet) == (Counter({DETAIL: 2}), (2, 0, 0))


def test_a_card_that_is_not_there_any_more_is_left_as_it_was(strowallet: World) -> None:
    first, second = cards_of(strowallet, 2)
    strowallet.control.edit(first.ref, {"deleted": "true"})
    strowallet.control.edit(second.ref, {"card_status": "frozen"})
    assert walked(strowallet)[1] == (1, 0, 1)
    assert strowallet.card(first) == first
    assert strowallet.card(second).state is CardState.FROZEN


def test_a_provider_that_is_down_ends_the_walk(strowallet: World) -> None:
    cards = cards_of(strowallet, 3)
    strowallet.wire.before = refuse
    with pytest.raises(ProviderUnavailable):
        sync_cards(strowallet.desk, lambda _count: None)
    strowallet.wire.before = lambda _request: None
    assert walked(strowallet)[1][0] == 3
    assert [strowallet.card(card).balance for card in cards] == [card.balance for card in cards]


def test_cards_of_one_account_alone(strowallet: World) -> None:
    mine, others = cards_of(strowallet, 2), [strowallet.a_card("7") for _ in range(2)]
    for card in (*mine, *others):
        strowallet.control.edit(card.ref, {"card_status": "frozen"})
    holder = _account(strowallet, mine[0])
    strowallet.wire.asked.clear()
    assert sync_cards(strowallet.desk, lambda _count: None, account=holder).changed == 2
    assert Counter(strowallet.wire.asked) == {DETAIL: 2}
    assert [strowallet.card(card).state for card in others] == [CardState.ACTIVE] * 2


def test_accounts_too_one_request_each(strowallet: World) -> None:
    first, second = strowallet.an_account("Ada Lovelace"), strowallet.an_account("Grace Hopper")
    strowallet.control.set_kyc(second.ref or "", "rejected")
    strowallet.wire.asked.clear()
    pulled = sync_accounts(strowallet.desk, lambda _count: None)
    assert Counter(strowallet.wire.asked) == {HOLDER: 2}
    assert (pulled.read, pulled.new, pulled.changed) == (2, 0, 1)
    assert strowallet.account(first) == first
    assert strowallet.account(second).kyc is Kyc.REJECTED
    assert strowallet.account(second).state is not AccountState.CLOSED
    assert sync_account(strowallet.desk, strowallet.account(second)).kyc is Kyc.REJECTED


def test_money_events_of_every_card(strowallet: World) -> None:
    """The whole programme has no list either: the history of each card is read, and each purchase is there once."""
    cards = cards_of(strowallet, 3)
    for number, card in enumerate(cards):
        assert strowallet.control.swipe(card.ref, Money(100 + number, "USD")).approved
    for _ in range(2):
        pull_transactions(strowallet.desk)
        sync_cards(strowallet.desk, lambda _count: None)
        spent = [event.impact.minor for event in strowallet.events() if event.impact.minor < 0]
        assert sorted(spent) == [-102, -101, -100]
    assert [strowallet.card(card).balance for card in cards] == [usd("9.00"), usd("9.99"), usd("10.98")]


def test_a_write_while_the_walk_is_under_way_holds(strowallet: World) -> None:
    """What was read before the freeze is older than our books, and does not take it back."""
    first, second = cards_of(strowallet, 2)
    frozen: list[str] = []

    def freeze(_request: object) -> None:
        strowallet.wire.after = lambda _request: None
        frozen.append(move_card(strowallet.desk, strowallet.card(first), Move.FREEZE).object.id)

    strowallet.wire.after = freeze
    sync_cards(strowallet.desk, lambda _count: None)
    assert frozen == [first.id]
    assert strowallet.card(first).state is CardState.FROZEN
    assert strowallet.customer.detail(first.ref)["card_status"] == "frozen"
    assert strowallet.card(second).state is CardState.ACTIVE


def _account(world: World, card: Card) -> Account:
    with world.books.read() as unit:
        return unit.accounts.named(card.account_id)
