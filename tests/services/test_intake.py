"""A provider's word taken in: rows of money that are ours are joined to ours, never a second event; strangers' stay theirs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cardctl.domain.cards import Card
from cardctl.domain.money import Money
from cardctl.domain.operations import OperationState
from cardctl.domain.transactions import TransactionKind
from cardctl.errors import OutcomeUnknown
from cardctl.services.awaiting import await_money
from cardctl.services.deeds.funding import fund_card, withdraw
from cardctl.services.deeds.issuing import CardWish
from cardctl.services.deeds.pulling import pull_transactions, sync_accounts, sync_card, sync_cards
from cardctl.services.opening import issue_card
from cardctl.services.resuming import resume
from cardctl.services.settling import resolve
from tests.services.world import World, at, strike, usd

FUND, WITHDRAW, CREATE = "/api/bitvcard/fund-card", "/api/bitvcard/card_withdraw", "/api/bitvcard/create-card"
CENT = Money(1, "USD")


def moves(world: World, card: Card) -> list[tuple[str, str]]:
    """Fundings and withdrawals in our ledger, by amount."""
    ours = (TransactionKind.FUNDING, TransactionKind.WITHDRAWAL)
    return sorted((str(event.kind), event.amount.amount) for event in world.events(card) if event.kind in ours)


def rows(world: World, card: Card) -> list[tuple[str, str]]:
    """The same in the provider's own history; what a card was made with is none of its rows."""
    words = {"credit": "funding", "debit": "withdrawal"}
    return sorted((words[row["type"]], str(row["amount"]).lstrip("-")) for row in world.customer.rows(card.ref))


def pulled(world: World, card: Card) -> None:
    for _ in range(2):
        sync_card(world.desk, card)
        sync_cards(world.desk, lambda _count: None)
        pull_transactions(world.desk)


def test_what_we_did_ourselves_is_joined_once(strowallet: World) -> None:
    card = strowallet.a_card("100")
    for amount in ("25", "25", "7"):
        fund_card(strowallet.desk, strowallet.card(card), usd(amount))
    withdraw(strowallet.desk, strowallet.card(card), usd("25"))
    pulled(strowallet, card)
    assert moves(strowallet, card) == [("funding", "100.00"), *rows(strowallet, card)]
    assert strowallet.card(card).balance == usd("132")


def test_a_strangers_funding_is_an_event_of_its_own(strowallet: World) -> None:
    """Somebody funds the card in the provider's dashboard, by the very amount of ours."""
    card = strowallet.a_card("100")
    assert strowallet.customer.fund(card.ref, "25").status_code == 200
    pulled(strowallet, card)
    assert moves(strowallet, card) == [("funding", "100.00"), ("funding", "25.00")]
    fund_card(strowallet.desk, strowallet.card(card), usd("25"))
    assert strowallet.customer.withdraw(card.ref, "5").status_code == 200
    pulled(strowallet, card)
    assert moves(strowallet, card) == [("funding", "100.00"), *rows(strowallet, card)]
    assert strowallet.card(card).balance == usd("145")


@pytest.mark.parametrize("path", [FUND, WITHDRAW])
@pytest.mark.parametrize("by", ["resume", "person", "nobody yet"])
def test_a_row_that_a_sync_sees_before_its_write_is_settled(strowallet: World, path: str, by: str) -> None:
    """The write is in doubt and its row is there: it waits for the write to tell of it, however it is settled."""
    card = strowallet.a_card("100")
    act = fund_card if path == FUND else withdraw
    strike(strowallet, path, "lost-reply")
    with pytest.raises(OutcomeUnknown) as doubt:
        act(strowallet.desk, card, usd("25"))
    pulled(strowallet, card)
    assert moves(strowallet, card) == [("funding", "100.00")]
    if by == "nobody yet":
        return
    if by == "resume":
        assert resume(strowallet.desk).left == ()
    else:
        resolve(strowallet.desk, doubt.value.operation_id, state=OperationState.DONE, reason="seen in the dashboard")
    pulled(strowallet, card)
    assert moves(strowallet, card) == sorted([("funding", "100.00"), *rows(strowallet, card)])
    assert strowallet.card(card).balance == usd("125" if path == FUND else "75")


def test_a_row_that_waited_comes_in_where_the_write_was_not_ours_after_all(strowallet: World) -> None:
    """Ours never ran, and the row of the same amount is somebody else's: once a person has said so, it is taken in."""
    card = strowallet.a_card("100")
    at(strowallet, FUND, lambda: strowallet.control.fault("500", 1))
    with pytest.raises(OutcomeUnknown) as doubt:
        fund_card(strowallet.desk, card, usd("25"))
    assert strowallet.customer.fund(card.ref, "25").status_code == 200
    pulled(strowallet, card)
    assert moves(strowallet, card) == [("funding", "100.00")]
    strowallet.control.advance(timedelta(hours=3))
    assert strowallet.control.swipe(card.ref, usd("1")).approved
    pulled(strowallet, card)
    resolve(strowallet.desk, doubt.value.operation_id, state=OperationState.REFUSED, reason="the support says so")
    pulled(strowallet, card)
    assert moves(strowallet, card) == [("funding", "100.00"), ("funding", "25.00")]
    assert strowallet.card(card).balance == usd("124")


@pytest.mark.parametrize("after", [False, True])
def test_a_sync_in_the_middle_of_a_funding(strowallet: World, after: bool) -> None:
    """Another process reads the card while the request is on its way, or its answer on its way back."""
    card = strowallet.a_card("100")

    def sync() -> None:
        pull_transactions(strowallet.desk, card=card)
        pull_transactions(strowallet.desk)

    at(strowallet, FUND, sync, after=after)
    await_money(strowallet.desk, fund_card(strowallet.desk, card, usd("25")))
    pulled(strowallet, card)
    assert moves(strowallet, card) == [("funding", "100.00"), ("funding", "25.00")]
    assert strowallet.card(card).balance == usd("125")


def test_a_card_whose_making_is_in_doubt_stays_so(strowallet: World) -> None:
    """Nothing lists it and nothing proves it: however often it is asked, it is not made a second time."""
    holder = strowallet.an_account()
    strike(strowallet, CREATE, "lost-reply")
    with pytest.raises(OutcomeUnknown) as doubt:
        issue_card(strowallet.desk, CardWish(holder.id, "USD", allowance=usd("40"), key="travel"), caller_key="mine")
    before = strowallet.customer.float()
    for _ in range(3):
        assert [one.id for one in resume(strowallet.desk).left] == [doubt.value.operation_id]
        with pytest.raises(OutcomeUnknown):
            issue_card(strowallet.desk, CardWish(holder.id, "USD", allowance=usd("40"), key="travel"), caller_key="mine")
        sync_accounts(strowallet.desk, lambda _count: None)
        sync_cards(strowallet.desk, lambda _count: None)
    assert strowallet.control.status()["providers"]["strowallet"]["cards"] == 1
    assert strowallet.customer.float() == before
    resolve(strowallet.desk, doubt.value.operation_id, state=OperationState.REFUSED, reason="ended by the support")
    made = issue_card(strowallet.desk, CardWish(holder.id, "USD", allowance=usd("40"), key="travel")).object
    assert isinstance(made, Card)
    assert made.balance == usd("40")
    assert moves(strowallet, made) == [("funding", "40.00")]


def test_cards_of_a_user_that_somebody_else_made(marqeta: World) -> None:
    """Users, cards, limits and money that our books have never heard of: all of it comes in, and shared is shared."""
    user = marqeta.user.user(email="grace@example.com")
    product = marqeta.user.product()
    refs = [marqeta.user.card(user, product) for _ in range(2)]
    marqeta.user.load(user, 30)
    marqeta.user.limit({"user_token": user}, "DAY", 7)
    sync_accounts(marqeta.desk, lambda _count: None)
    pulled = sync_cards(marqeta.desk, lambda _count: None)
    assert (pulled.read, pulled.new) == (2, 2)
    with marqeta.books.read() as unit:
        cards = list(unit.cards.rows())
        (account,) = unit.accounts.rows()
    assert sorted(card.ref for card in cards) == sorted(refs)
    assert {card.balance for card in cards} == {usd("30")}
    assert {card.limits.daily for card in cards} == {usd("7")}
    assert account.balances == (usd("30"),)
    assert marqeta.control.swipe(refs[0], usd("4") - CENT).approved
    again = sync_cards(marqeta.desk, lambda _count: None)
    assert (again.new, again.changed) == (0, 2)
    assert [marqeta.card(card).balance for card in cards] == [usd("26.01")] * 2
    assert marqeta.account(account).balances == (usd("26.01"),)
    spent = [event.impact for event in marqeta.events() if event.impact.minor < 0]
    assert sum(money.minor for money in spent) == -399
