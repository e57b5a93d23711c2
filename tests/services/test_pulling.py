"""Intakes: whatever happens to a card at the provider, our books say the same after a pull, to the cent, and only once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from cardctl.domain.accounts import AccountChange, AccountState
from cardctl.domain.cards import Card, Limits
from cardctl.domain.operations import Draft
from cardctl.domain.states import CardState, Move
from cardctl.domain.transactions import RemoteTransaction, TransactionKind, TransactionState
from cardctl.errors import ProviderHasNot, TargetBusy
from cardctl.services.deeds.controls import change_account, move_card
from cardctl.services.deeds.funding import fund_card, set_limits, withdraw
from cardctl.services.deeds.pulling import (
    mark_gone,
    pull_transactions,
    sync_account,
    sync_accounts,
    sync_card,
    sync_cards,
    unspent,
)
from cardctl.services.entries import audit_change
from cardctl.services.intake import Pulled
from tests.services.world import World, usd

K: TypeAlias = TransactionKind
S: TypeAlias = TransactionState


def pulled(world: World, card: Card) -> tuple[str, list[tuple[K, S, int]]]:
    """The balance after a pull, and the card's events as (kind, state, impact), by kind; a second pull changes nothing."""
    pull_transactions(world.desk, card=card)
    balance = world.card(card).balance
    events = world.events(card)
    assert balance == unspent(world.desk, card)
    again = pull_transactions(world.desk, card=card)
    assert (again.new, again.changed) == (0, 0)
    assert (world.card(card).balance, world.events(card)) == (balance, events)
    assert balance is not None
    told = [(event.kind, event.state, event.impact.minor) for event in events if event.kind is not K.FUNDING]
    return balance.amount, sorted(told)


def test_a_purchase_from_hold_to_refund(each_world: World) -> None:
    world = each_world
    card = world.a_card("100")
    assert pulled(world, card) == ("100.00", [])
    hold = world.hold(card, 3000)
    assert pulled(world, card) == ("70.00", [(K.AUTHORIZATION, S.APPROVED, -3000)])
    world.on(hold, "capture", capture_amount=3000)
    assert pulled(world, card) == ("70.00", [(K.AUTHORIZATION, S.SETTLED, 0), (K.SETTLEMENT, S.SETTLED, -3000)])
    (capture,) = world.captures(hold)
    world.refund(capture, 1200)
    assert pulled(world, card)[0] == "82.00"
    world.refund(capture, 1800)
    balance, events = pulled(world, card)
    assert (balance, Counter(kind for kind, _, _ in events)) == (
        "100.00",
        {K.AUTHORIZATION: 1, K.SETTLEMENT: 1, K.REFUND: 2},
    )
    hold_event = next(event for event in world.events(card) if event.kind is K.AUTHORIZATION)
    assert {event.parent_id for event in world.events(card) if event.kind in (K.SETTLEMENT, K.REFUND)} == {hold_event.id}
    assert hold_event.merchant.name == "Rocket Rides"
    assert hold_event.authorization_code


def test_partial_and_many_captures(world: World) -> None:
    card = world.a_card("100")
    hold = world.hold(card, 5000)
    world.on(hold, "capture", capture_amount=1500, close_authorization=False)
    assert pulled(world, card) == ("50.00", [(K.AUTHORIZATION, S.APPROVED, -3500), (K.SETTLEMENT, S.SETTLED, -1500)])
    world.on(hold, "capture", capture_amount=500, close_authorization=False)
    assert pulled(world, card)[0] == "50.00"
    world.on(hold, "capture", capture_amount=1000)
    balance, events = pulled(world, card)
    assert (balance, sum(impact for _, _, impact in events)) == ("70.00", -3000)


@pytest.mark.parametrize(("how", "state"), [("reverse", S.REVERSED), ("expire", S.EXPIRED)])
def test_a_hold_that_is_given_back(world: World, how: str, state: S) -> None:
    card = world.a_card("100")
    hold = world.hold(card, 4000)
    assert pulled(world, card)[0] == "60.00"
    world.on(hold, how)
    assert pulled(world, card) == ("100.00", [(K.AUTHORIZATION, state, 0)])


def test_a_hold_that_is_given_back_in_part_or_grows(world: World) -> None:
    card = world.a_card("100")
    hold = world.hold(card, 4000)
    world.on(hold, "reverse", reverse_amount=1000)
    assert pulled(world, card)[0] == "70.00"
    world.on(hold, "increment", increment_amount=2000)
    assert pulled(world, card)[0] == "50.00"
    world.on(hold, "capture", capture_amount=6000)
    assert pulled(world, card)[0] == "40.00"


def test_a_decline_costs_nothing(world: World) -> None:
    card = world.a_card("10")
    declined = world.control.swipe(card.ref, usd("10.01"))
    assert (declined.approved, declined.reason) == (False, "spending_controls")
    assert pulled(world, card) == ("10.00", [(K.DECLINE, S.DECLINED, 0)])
    assert [event.amount for event in world.events(card) if event.kind is K.DECLINE] == [usd("10.01")]


def test_captures_pass_a_freeze_a_close_and_the_allowance(world: World) -> None:
    card = world.a_card("100")
    hold = world.hold(card, 9000)
    assert pulled(world, card)[0] == "10.00"
    move_card(world.desk, card, Move.FREEZE)
    assert not world.control.swipe(card.ref, usd("1")).approved
    world.on(hold, "capture", capture_amount=9500)
    assert pulled(world, card)[0] == "5.00"
    world.force(card, 800)
    assert pulled(world, card)[0] == "-3.00", "what was taken beyond the allowance is owed"
    move_card(world.desk, card, Move.CLOSE)
    world.force(card, 100)
    assert pulled(world, card)[0] == "-4.00"
    assert world.card(card).state is CardState.CLOSED


def test_money_moved_between_purchases(world: World) -> None:
    card = world.a_card("100")
    world.control.swipe(card.ref, usd("30"))
    assert fund_card(world.desk, card, usd("5")).warnings == ()
    assert pulled(world, card)[0] == "75.00"
    withdraw(world.desk, card, usd("75"))
    assert pulled(world, card)[0] == "0.00"
    kinds = [event.kind for event in world.events(card)]
    assert Counter(kinds) == {K.FUNDING: 2, K.WITHDRAWAL: 1, K.AUTHORIZATION: 1, K.SETTLEMENT: 1}


def test_events_of_cards_that_nobody_knows_are_counted_and_come_with_the_card(world: World) -> None:
    card = world.a_card("100")
    stranger = world.merchant.card()
    world.control.swipe(stranger, usd("7"))
    world.control.swipe(card.ref, usd("8"))
    assert pull_transactions(world.desk) == Pulled(read=4, changed=2, strangers=2)
    assert pull_transactions(world.desk) == Pulled(read=4, strangers=2)
    world.control.advance(timedelta(days=9))
    world.control.swipe(card.ref, usd("1"))
    pull_transactions(world.desk)
    assert sync_cards(world.desk, lambda _count: None).new == 1, "and its history comes with it, nine days old"
    with world.books.read() as unit:
        known = unit.cards.by_ref(world.desk.programme, stranger)
    assert known is not None
    assert [event.impact.minor for event in world.events(known)].count(-700) == 1
    assert pull_transactions(world.desk).strangers == 0


def test_one_cards_pull_does_not_hide_anothers_older_events(world: World) -> None:
    quiet, busy = world.a_card("100"), world.a_card("100")
    world.control.swipe(quiet.ref, usd("40"))
    world.control.advance(timedelta(days=8))
    world.control.swipe(busy.ref, usd("1"))
    sync_card(world.desk, busy)
    assert world.card(quiet).balance == usd("100"), "not read yet"
    pull_transactions(world.desk)
    assert world.card(quiet).balance == usd("60")


def test_a_pull_that_breaks_is_made_up_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    card = world.a_card("100")
    for day in range(3):
        world.control.swipe(card.ref, usd("10"))
        world.control.advance(timedelta(days=1 + day))
    provider = world.desk.provider
    whole = provider.transactions  # type: ignore[attr-defined]

    def broken(**asked: Any) -> Iterator[list[RemoteTransaction]]:
        for page in whole(**asked):
            for event in page:  # newest first, one at a time
                yield [event]
                raise ConnectionAbortedError

    monkeypatch.setattr(provider, "transactions", broken)
    with pytest.raises(ConnectionAbortedError):
        pull_transactions(world.desk)
    assert len(world.events(card)) == 2, "the newest hold, and our own funding"
    monkeypatch.undo()
    pull_transactions(world.desk)
    assert world.card(card).balance == usd("70")


def test_later_pulls_read_only_what_may_have_changed(world: World) -> None:
    card = world.a_card("100")
    old = world.hold(card, 100)
    world.control.advance(timedelta(days=3))
    world.control.swipe(card.ref, usd("1"))
    assert pull_transactions(world.desk).read == 3
    world.control.advance(timedelta(days=3))
    world.control.swipe(card.ref, usd("1"))
    assert pull_transactions(world.desk).read == 5, "the open hold keeps the pull back"
    world.on(old, "expire")
    pull_transactions(world.desk)
    ahead = world.desk_with(clock=lambda: datetime.now(UTC) + timedelta(days=30))
    assert pull_transactions(ahead).read == 2, "the last purchase alone"
    assert pull_transactions(world.desk, since=datetime.now(UTC) + timedelta(days=5)).read == 2
    assert pull_transactions(world.desk).changed == 0


def test_a_pull_from_the_middle_leaves_no_gap(world: World) -> None:
    card = world.a_card("100")
    world.control.swipe(card.ref, usd("10"))
    world.control.advance(timedelta(days=3))
    world.control.swipe(card.ref, usd("20"))
    pull_transactions(world.desk, since=datetime.now(UTC) + timedelta(days=2))
    assert world.card(card).balance == usd("80"), "only since then"
    pull_transactions(world.desk)
    assert world.card(card).balance == usd("70")


def test_foreign_edits_are_taken_over_and_told_in_the_audit(each_world: World) -> None:
    world = each_world
    card = world.a_card("100", limits=Limits(daily=usd("50")))
    edits = {
        "status": "inactive",
        "spending_controls.spending_limits.all_time": 25000,
        "spending_controls.spending_limits.daily": 100,
        "spending_controls.spending_limits.monthly": 900,
        "exp_year": 2031,
    }
    world.control.edit(card.ref, edits)
    assert world.card(card) == card, "nobody told us"
    synced = sync_card(world.desk, card)
    assert world.card(card) == synced
    assert (synced.state, synced.balance, synced.allowance) == (CardState.FROZEN, usd("250"), usd("250"))
    assert synced.limits == Limits(daily=usd("1"), monthly=usd("9"))
    assert synced.exp_year == 2031
    with world.books.read() as unit:
        told = list(unit.audit.rows())[-1]
    assert (told.action, told.object, told.before["state"], told.after["state"]) == ("card.sync", card.id, "active", "frozen")
    assert (told.before["allowance"], told.after["allowance"]) == ("100.00 USD", "250.00 USD")
    assert set(told.after) == {"state", "exp_year", "limits", "allowance", "balance"}
    entries = world.audit()
    assert sync_card(world.desk, card).updated_at == synced.updated_at
    assert world.audit() == entries, "nothing changed, nothing told"


@pytest.mark.parametrize(("word", "state"), [("lost_in_space", CardState.UNKNOWN), ("canceled", CardState.CLOSED)])
def test_any_word_of_the_provider_is_taken(world: World, word: str, state: CardState) -> None:
    card = world.a_card()
    world.control.edit(card.ref, {"status": word})
    assert sync_card(world.desk, card).state is state


def test_except_out_of_a_final_state(world: World) -> None:
    card = world.a_card()
    move_card(world.desk, card, Move.CLOSE)
    world.control.edit(card.ref, {"status": "active", "exp_year": 2033})
    synced = sync_card(world.desk, card)
    assert (synced.state, synced.exp_year) == (CardState.CLOSED, 2033)


def test_an_allowance_that_is_taken_off(world: World) -> None:
    card = world.a_card("100")
    world.control.edit(card.ref, {"spending_controls.spending_limits.all_time": ""})
    synced = sync_card(world.desk, card)
    assert (synced.allowance, synced.balance, unspent(world.desk, card)) == (None, None, None)


def test_a_deleted_card_is_gone(world: World) -> None:
    card = world.a_card("100")
    world.control.edit(card.ref, {"deleted": True})
    with pytest.raises(ProviderHasNot):
        sync_card(world.desk, card)
    assert world.card(card) == card
    gone = mark_gone(world.desk, card)
    assert (gone.state, gone.state_reason) == (CardState.CLOSED, "gone at the provider")
    assert world.audit()[-1] == ("card.gone", card.id)
    with world.books.read() as unit:
        assert unit.accounts.named(card.account_id).balance is None, "what is gone holds no money"


def test_a_whole_programme_into_empty_books(each_world: World) -> None:
    world = each_world
    holders = [world.merchant.holder(name=f"Jenny {letter}") for letter in "ABC"]
    refs = [world.merchant.card(holders[number % 3]) for number in range(5)]
    world.control.swipe(refs[0], usd("5"))
    assert sync_accounts(world.desk, lambda _count: None) == Pulled(read=3, new=3)
    counted: list[int] = []
    assert sync_cards(world.desk, counted.append) == Pulled(read=5, new=5)
    assert sum(counted) == 5
    assert sync_cards(world.desk, lambda _count: None) == Pulled(read=5)
    assert sync_accounts(world.desk, lambda _count: None) == Pulled(read=3)
    assert len(world.events()) == 2
    assert Counter(action for action, _ in world.audit()) == {"account.sync": 3, "card.sync": 5}


def test_a_card_brings_a_holder_that_we_do_not_know(world: World) -> None:
    world.merchant.card()
    assert sync_cards(world.desk, lambda _count: None) == Pulled(read=1, new=1)
    with world.books.read() as unit:
        (account,) = unit.accounts.rows()
    assert account.name == "Ada Lovelace"


def test_an_external_id_comes_back_and_is_given_out_once(world: World) -> None:
    first = world.an_account(external_id="emp-1")
    twin = world.merchant.holder(**{"metadata[cardctl_external_id]": "emp-1"})
    assert sync_accounts(world.desk, lambda _count: None) == Pulled(read=2, new=1)
    with world.books.read() as unit:
        assert unit.accounts.by_external_id(world.desk.programme, "emp-1") == world.account(first)
        other = unit.accounts.by_ref(world.desk.programme, twin)
    assert other is not None
    assert other.external_id is None


def test_an_account_that_the_provider_changed(world: World) -> None:
    account = world.an_account()
    world.control.edit(account.ref or "", {"status": "blocked", "email": "new@example.com"})
    synced = sync_account(world.desk, account)
    assert (synced.state, synced.email, synced.compliance_flags) == ("suspended", "new@example.com", ("blocked",))
    assert world.audit()[-1] == ("account.sync", account.id)
    world.control.edit(account.ref or "", {"deleted": True})
    with pytest.raises(ProviderHasNot):
        sync_account(world.desk, account)


class Late:
    """The provider, but between its answer about a card and our taking it over, `meanwhile` happens, so many times."""

    def __init__(self, provider: Any, meanwhile: Any, times: int) -> None:
        self._provider, self._meanwhile, self._times = provider, meanwhile, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def card(self, ref: str) -> Any:
        read = self._provider.card(ref)
        if self._times:
            self._times -= 1
            self._meanwhile()
        return read

    def account(self, ref: str) -> Any:
        read = self._provider.account(ref)
        if self._times:
            self._times -= 1
            self._meanwhile()
        return read

    def cards(self, **asked: Any) -> Any:
        for page in self._provider.cards(**asked):
            self._meanwhile()
            yield page

    def draft_move(self, *args: Any) -> Draft:
        draft: Draft = self._provider.draft_move(*args)
        return draft


def test_what_was_read_before_a_write_is_not_taken_over_it(world: World) -> None:
    card = world.a_card("100")
    late = world.desk_with(provider=Late(world.desk.provider, lambda: move_card(world.desk, card, Move.FREEZE), 1))
    assert sync_card(late, card).state is CardState.FROZEN, "read again"
    assert world.card(card).state is CardState.FROZEN


def test_a_list_that_is_outdated_is_not_taken_over_a_write(world: World) -> None:
    card = world.a_card("100")
    late = world.desk_with(provider=Late(world.desk.provider, lambda: set_limits(world.desk, card, {"daily": 500}), 0))
    assert sync_cards(late, lambda _count: None) == Pulled(read=1)
    assert world.card(card).limits == Limits(daily=usd("5"))


def test_a_card_that_is_written_to_all_the_time_is_busy(world: World) -> None:
    card = world.a_card("100")
    late = world.desk_with(provider=Late(world.desk.provider, lambda: fund_card(world.desk, card, usd("1")), 99))
    with pytest.raises(TargetBusy):
        sync_card(late, card)
    assert world.card(card).balance == usd("105")


def test_an_old_operation_that_ends_meanwhile_counts_as_a_write(world: World) -> None:
    """A write that was in doubt for hours may be settled by another process at any moment."""
    card = world.a_card("100")

    def settled_meanwhile() -> None:
        with world.books.write() as unit:
            known = unit.cards.named(card.id)
            unit.cards.save(replace(known, state=CardState.FROZEN, updated_at=world.desk.clock()))
            audit_change(world.desk, unit, "card.freeze", card.id, {"state": "active"}, {"state": "frozen"})
        world.control.edit(card.ref, {"status": "inactive"})

    late = world.desk_with(provider=Late(world.desk.provider, settled_meanwhile, 1))
    assert sync_card(late, card).state is CardState.FROZEN


def test_a_suspension_is_not_undone_by_an_account_that_was_read_before_it(world: World) -> None:
    account = world.an_account()
    late = world.desk_with(
        provider=Late(world.desk.provider, lambda: change_account(world.desk, account, AccountChange(active=False)), 1)
    )
    assert sync_account(late, account).state is AccountState.SUSPENDED
    assert world.account(account).state is AccountState.SUSPENDED
