"""What goes on after a provider has said yes: a card that starts by itself, money on its way, orders that come to nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest

from cardctl.domain.cards import Card
from cardctl.domain.operations import OperationState
from cardctl.domain.states import CardState
from cardctl.domain.transactions import TransactionKind, TransactionState
from cardctl.errors import OutcomeUnknown, ProviderRefused
from cardctl.services.awaiting import await_money
from cardctl.services.deeds.funding import fund_card, withdraw
from cardctl.services.deeds.issuing import CardWish
from cardctl.services.deeds.pulling import pull_transactions, sync_card, sync_cards
from cardctl.services.desk import Done
from cardctl.services.opening import issue_card
from cardctl.services.resuming import resume
from tests.commands.runner import Cardctl
from tests.services.world import World, at, strike, usd

FUND, WITHDRAW, CREATE = "/api/bitvcard/fund-card", "/api/bitvcard/card_withdraw", "/api/bitvcard/create-card"
SETTLED, PENDING, DECLINED = TransactionState.SETTLED, TransactionState.PENDING, TransactionState.DECLINED


def moved(world: World, card: Card) -> list[tuple[str, str, str]]:
    """The ledger of our own moves: kind, state, amount; oldest first, and each joined to at most one row of the provider's."""
    events = [event for event in world.events(card) if event.kind in (TransactionKind.FUNDING, TransactionKind.WITHDRAWAL)]
    return [(str(event.kind), str(event.state), event.amount.amount) for event in events]


def balances(world: World, card: Card) -> tuple[str, str]:
    """By our books, and by the provider."""
    balance = world.card(card).balance
    assert balance is not None
    return balance.amount, f"{world.customer.balance(card.ref):.2f}"


def codes(done: Done) -> list[str]:
    return [warned.code for warned in done.warnings]


def test_money_that_settles_at_once_is_waited_for(strowallet: World) -> None:
    """The answer says pending whatever became of it, so the card is looked at."""
    card = strowallet.a_card("100")
    done = await_money(strowallet.desk, fund_card(strowallet.desk, card, usd("25")))
    assert (codes(done), balances(strowallet, card)) == ([], ("125.00", "125.00"))
    assert isinstance(done.object, Card)
    assert done.object.balance == usd("125")
    done = await_money(strowallet.desk, withdraw(strowallet.desk, done.object, usd("5")))
    assert (codes(done), balances(strowallet, card)) == ([], ("120.00", "120.00"))
    assert moved(strowallet, card) == [
        ("funding", "settled", "100.00"),
        ("funding", "settled", "25.00"),
        ("withdrawal", "settled", "5.00"),
    ]
    assert pull_transactions(strowallet.desk, card=card).changed == 0


def test_money_on_its_way_is_said_and_settled_once_later(strowallet: World) -> None:
    card = strowallet.a_card("100")
    strowallet.control.fault("delayed-funding")
    strowallet.slept.clear()
    done = await_money(strowallet.desk, fund_card(strowallet.desk, card, usd("25")), wait=10.0)
    assert codes(done) == ["FUNDING_PENDING"]
    assert 0 < sum(strowallet.slept) <= 10.0
    assert done.operation is not None
    assert done.operation.state is OperationState.DONE
    assert (balances(strowallet, card), moved(strowallet, card)[1]) == (("100.00", "100.00"), ("funding", "pending", "25.00"))
    strowallet.control.advance(timedelta(minutes=2))
    for _ in range(2):
        sync_card(strowallet.desk, card)
        sync_cards(strowallet.desk, lambda _count: None)
        pull_transactions(strowallet.desk)
        assert balances(strowallet, card) == ("125.00", "125.00")
        assert moved(strowallet, card) == [("funding", "settled", "100.00"), ("funding", "settled", "25.00")]


def test_a_withdrawal_on_its_way_has_left_the_card(strowallet: World) -> None:
    card = strowallet.a_card("100")
    strowallet.control.fault("delayed-funding")
    done = await_money(strowallet.desk, withdraw(strowallet.desk, card, usd("40")), wait=5.0)
    assert codes(done) == ["FUNDING_PENDING"]
    assert balances(strowallet, card) == ("60.00", "60.00")
    strowallet.control.advance(timedelta(minutes=2))
    sync_card(strowallet.desk, card)
    assert (balances(strowallet, card), moved(strowallet, card)[1:]) == (
        ("60.00", "60.00"),
        [("withdrawal", "settled", "40.00")],
    )


def test_two_of_the_same_amount_are_two(strowallet: World) -> None:
    """Both on their way at once: each of the provider's rows is joined to one of ours."""
    card = strowallet.a_card("100")
    strowallet.control.fault("delayed-funding", 2)
    for _ in range(2):
        await_money(strowallet.desk, fund_card(strowallet.desk, card, usd("25")), wait=0)
    assert moved(strowallet, card)[1:] == [("funding", "pending", "25.00")] * 2
    strowallet.control.advance(timedelta(minutes=2))
    sync_card(strowallet.desk, card)
    assert (balances(strowallet, card), moved(strowallet, card)[1:]) == (
        ("150.00", "150.00"),
        [("funding", "settled", "25.00")] * 2,
    )
    assert len({event.id for event in strowallet.events(card)}) == 3


def test_money_that_never_arrives_is_declined_in_the_ledger(strowallet: World) -> None:
    """The card was ended while it was on its way, so the provider gives it back to the float."""
    card, before = strowallet.a_card("100"), strowallet.customer.float()
    strowallet.control.fault("delayed-funding")
    await_money(strowallet.desk, fund_card(strowallet.desk, card, usd("25")), wait=0)
    strowallet.control.edit(card.ref, {"card_status": "terminated"})
    strowallet.control.advance(timedelta(minutes=2))
    assert sync_card(strowallet.desk, card).state is CardState.CLOSED
    assert moved(strowallet, card)[1:] == [("funding", "declined", "25.00")]
    assert (balances(strowallet, card), strowallet.customer.float()) == (("100.00", "100.00"), before)


@pytest.mark.parametrize("by", ["resume", "sync and resume"])
def test_a_lost_reply_of_a_delayed_funding_is_one_event(strowallet: World, by: str) -> None:
    """A sync may see the provider's row before the funding itself is settled: it must not become an event of its own."""
    card = strowallet.a_card("100")
    strowallet.control.fault("delayed-funding")
    strike(strowallet, FUND, "lost-reply")
    with pytest.raises(OutcomeUnknown):
        fund_card(strowallet.desk, card, usd("25"))
    if by != "resume":
        sync_card(strowallet.desk, card)
        pull_transactions(strowallet.desk)
    assert resume(strowallet.desk).left == ()
    strowallet.control.advance(timedelta(minutes=2))
    for _ in range(2):
        sync_card(strowallet.desk, card)
        assert moved(strowallet, card) == [("funding", "settled", "100.00"), ("funding", "settled", "25.00")]
        assert balances(strowallet, card) == ("125.00", "125.00")


def test_an_order_that_the_provider_calls_failed_is_refused(strowallet: World) -> None:
    """A 2xx that says `failed` is no funding."""
    card = strowallet.a_card("100")
    inner = {"data": {"status": "failed", "reference": "ref-1", "cardId": card.ref}}
    answer = {"success": "success", "message": "Card funding failed", "apiresponse": inner}
    _answered(strowallet, FUND, answer)
    with pytest.raises(ProviderRefused):
        fund_card(strowallet.desk, card, usd("25"))
    assert strowallet.operations()[0].state is OperationState.REFUSED
    assert moved(strowallet, card) == [("funding", "settled", "100.00")]


def test_a_card_that_starts_by_itself_is_waited_for(strowallet: World) -> None:
    done = issue_card(strowallet.desk, CardWish(strowallet.an_account().id, "USD", allowance=usd("40")))
    assert isinstance(done.object, Card)
    assert (codes(done), done.object.state, len(done.object.last4)) == ([], CardState.ACTIVE, 4)
    assert balances(strowallet, done.object) == ("40.00", "40.00")
    assert moved(strowallet, done.object) == [("funding", "settled", "40.00")]


def test_a_card_that_takes_its_time_is_said_and_its_money_comes_with_it(strowallet: World) -> None:
    """Every look finds it pending: its first money is on its way as long as it is, and settled when it is there."""
    world, holder = strowallet, strowallet.an_account()
    at(world, CREATE, lambda: _keep_pending(world), after=True)
    world.slept.clear()
    done = issue_card(world.desk, CardWish(holder.id, "USD", allowance=usd("40")))
    card = done.object
    assert isinstance(card, Card)
    assert (codes(done), card.state) == (["CARD_PENDING"], CardState.PENDING)
    assert 0 < sum(world.slept) <= 30.0
    assert moved(world, card) == [("funding", "pending", "40.00")]
    world.control.edit(card.ref, {"card_status": "active"})
    for _ in range(2):
        card = sync_card(world.desk, card)
        assert (card.state, moved(world, card)) == (CardState.ACTIVE, [("funding", "settled", "40.00")])
        assert balances(world, card) == ("40.00", "40.00")


def test_a_card_that_fails_has_had_no_money(strowallet: World) -> None:
    world, holder = strowallet, strowallet.an_account()
    at(world, CREATE, lambda: _keep_pending(world), after=True)
    card = issue_card(world.desk, CardWish(holder.id, "USD", allowance=usd("40")), wait=0).object
    assert isinstance(card, Card)
    assert card.state is CardState.PENDING
    world.control.edit(card.ref, {"card_status": "failed"})
    assert sync_card(world.desk, card).state is CardState.FAILED
    assert moved(world, card) == [("funding", "declined", "40.00")]


def test_nobody_waits_where_nothing_is_to_come(world: World, marqeta: World) -> None:
    for each, card in ((world, world.a_card("100")),):
        each.slept.clear()
        done = await_money(each.desk, fund_card(each.desk, card, usd("5")))
        assert (codes(done), each.slept) == ([], [])
    done = issue_card(marqeta.desk, CardWish(marqeta.an_account().id, "USD", allowance=usd("5")))
    asked = len(marqeta.wire.asked)
    assert await_money(marqeta.desk, done) == done
    assert (len(marqeta.wire.asked), marqeta.slept) == (asked, [])


def test_the_command_says_so_and_succeeds(home: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 0 with FUNDING_PENDING; `card sync` later settles it exactly once."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    cardctl = Cardctl(home)  # type: ignore[arg-type]
    made = cardctl("provision", "--dev", "--provider", "strowallet", "-o", "json").data
    card = made["cards"][0]["id"]
    assert cardctl("simulator", "fault", "--next", "delayed-funding").code == 0
    funded = cardctl("card", "fund", card, "--amount", "25", "-o", "json")
    assert (funded.code, funded.warnings, funded.data["operation"]["state"]) == (0, ["FUNDING_PENDING"], "done")
    assert funded.data["card"]["balance"]["amount"] == "1000000.00"
    assert cardctl("simulator", "advance", "2m").code == 0
    for _ in range(2):
        synced = cardctl("card", "sync", card, "-o", "json")
        assert (synced.code, synced.data["card"]["balance"]["amount"]) == (0, "1000025.00")
    listed = cardctl("transaction", "list", "--card", card, "-o", "json").data
    assert sorted((one["kind"], one["state"], one["amount"]["amount"]) for one in listed) == [
        ("funding", "settled", "1000000.00"),
        ("funding", "settled", "25.00"),
    ]


def _card(done: Done) -> Card:
    assert isinstance(done.object, Card)
    return done.object


def _keep_pending(world: World) -> None:
    """The card that was made a moment ago is still being made."""
    with sqlite3.connect(world.control.status()["path"]) as staff:
        staff.execute("UPDATE strowallet_cards SET card_status = 'pending' WHERE seq = (SELECT max(seq) FROM strowallet_cards)")


def _answered(world: World, path: str, answer: Mapping[str, object]) -> None:
    """The next write to `path` is answered so, and reaches nobody."""
    inner = world.wire.handle_request

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.rstrip("/") != path:
            return inner(request)
        return httpx.Response(200, headers={"Content-Type": "application/json"}, content=json.dumps(answer))

    world.wire.handle_request = handle  # type: ignore[method-assign]
