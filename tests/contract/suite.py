"""What every provider must do, one class per capability, written once (money: suite_money.py; faults: suite_writes.py).

A provider's own test file overrides the fixture `provider` (one that works against a far side of its own) and `far_side` (what
stands behind that far side's counter), says in `can` what it can do, and inherits. Nothing here knows a provider's words.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from cardctl.domain.accounts import AccountChange, AccountState, NewAccount
from cardctl.domain.cards import Limits, NewCard, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.redaction import luhn
from cardctl.domain.states import CardState, Move
from cardctl.domain.transactions import RemoteTransaction, TransactionKind, TransactionState
from cardctl.errors import (
    BadInput,
    ProviderHasNot,
    ProviderRefused,
)
from cardctl.providers.base import CAPABILITIES, capabilities
from tests.contract.ground import ADDRESS, PAGE_AND_MORE, Contract, FarSide, mark, usd


class ProviderContract(Contract):
    """What everyone is held to."""

    can: ClassVar[frozenset[str]]

    def test_declared_and_implemented_capabilities_are_equal(self, provider: Any) -> None:
        assert set(capabilities(provider)) == self.can
        assert set(capabilities(type(provider))) == self.can

    def test_every_method_takes_what_the_protocol_says(self, provider: Any) -> None:
        for name in capabilities(provider):
            for method, promised in vars(CAPABILITIES[name]).items():
                if not method.startswith("_") and callable(promised):
                    kept = inspect.signature(getattr(type(provider), method))
                    assert str(kept) == str(inspect.signature(promised)), method

    def test_a_ping_tells_of_the_other_side(self, provider: Any) -> None:
        ping = provider.ping()
        assert ping.latency_ms >= 0
        assert ping.mode in ("test", None)
        assert ping.clock is None or ping.clock.tzinfo is not None


class IssuesCardsContract(Contract):
    def test_an_account_comes_out_as_it_was_wanted(self, provider: Any) -> None:
        operation = mark()
        wanted = NewAccount("Jenny Rosen", external_id="acct_user1", email="jenny@example.com", address=ADDRESS)
        made = provider.send(provider.draft_account(wanted, operation), operation)
        assert (made.name, made.external_id, made.email, made.mark) == (
            "Jenny Rosen",
            "acct_user1",
            "jenny@example.com",
            operation,
        )
        assert made.state is AccountState.ACTIVE
        assert provider.account(made.ref) == made

    def test_an_account_changes_only_where_it_is_told_to(self, provider: Any) -> None:
        made = self.an_account(provider, email="jenny@example.com", external_id="acct_user1")
        change = AccountChange(email="rosen@example.com", active=False)
        changed = self.do(provider, lambda operation: provider.draft_account_change(made.ref, change, operation))
        assert (changed.email, changed.external_id, changed.name) == ("rosen@example.com", "acct_user1", made.name)
        assert changed.state is AccountState.SUSPENDED
        again = AccountChange(active=True)
        restored = self.do(provider, lambda operation: provider.draft_account_change(made.ref, again, operation))
        assert (restored.state, restored.email) == (AccountState.ACTIVE, "rosen@example.com")

    def test_no_change_is_no_request(self, provider: Any) -> None:
        with pytest.raises(BadInput):
            provider.draft_account_change(self.an_account(provider).ref, AccountChange(), mark())

    def test_a_card_comes_out_as_it_was_wanted(self, provider: Any) -> None:
        account = self.an_account(provider)
        limits = Limits(usd(50_000), usd(100_000), None, usd(500_000))
        operation = mark()
        wanted = NewCard(account.ref, "USD", limits=limits, allowance=usd(100_000_000))
        made = provider.send(provider.draft_card(wanted, operation), operation)
        assert (made.account_ref, made.holder, made.currency, made.type) == (account.ref, "Jenny Rosen", "USD", "virtual")
        assert (made.limits, made.allowance, made.mark) == (limits, usd(100_000_000), operation)
        assert (made.state, made.ever_active) == (CardState.ACTIVE, True)
        assert len(made.last4) == 4
        assert provider.card(made.ref) == made

    def test_a_card_may_begin_inactive_and_unlimited(self, provider: Any) -> None:
        made = self.a_card(provider, active=False)
        assert (made.state, made.ever_active) == (CardState.INACTIVE, None)
        assert (made.limits, made.allowance) == (Limits(), None)

    def test_an_amount_in_another_currency_is_refused(self, provider: Any) -> None:
        account = self.an_account(provider)
        with pytest.raises(BadInput):
            provider.draft_card(NewCard(account.ref, "USD", allowance=Money(100, "EUR")), mark())
        with pytest.raises(BadInput):
            provider.draft_card(NewCard(account.ref, "USD", limits=Limits(daily=Money(100, "EUR"))), mark())

    def test_an_unknown_account_gets_no_card(self, provider: Any) -> None:
        with pytest.raises(ProviderRefused):
            self.a_card(provider, account_ref="nobody")


class ControlsCardsContract(Contract):
    def test_a_card_goes_through_its_life(self, provider: Any) -> None:
        card = self.a_card(provider, active=False)
        for move, state in [
            (Move.ACTIVATE, CardState.ACTIVE),
            (Move.FREEZE, CardState.INACTIVE),
            (Move.UNFREEZE, CardState.ACTIVE),
            (Move.CLOSE, CardState.CLOSED),
        ]:
            moved = self.move(provider, card, move)
            assert (moved.ref, moved.state) == (card.ref, state)
            assert provider.card(card.ref) == moved

    def test_a_frozen_card_shows_that_it_was_active(self, provider: Any) -> None:
        never = self.a_card(provider, active=False)
        frozen = self.move(provider, self.a_card(provider), Move.FREEZE)
        assert (provider.card(never.ref).ever_active, provider.card(frozen.ref).ever_active) == (None, True)

    def test_a_closed_card_stays_closed(self, provider: Any) -> None:
        card = self.move(provider, self.a_card(provider), Move.CLOSE, "lost")
        with pytest.raises(ProviderRefused):
            self.move(provider, card, Move.UNFREEZE)
        assert provider.card(card.ref).state is CardState.CLOSED

    def test_a_card_that_does_not_exist(self, provider: Any) -> None:
        with pytest.raises(ProviderHasNot):
            provider.send(provider.draft_move("nothing", Move.FREEZE, mark(), None), mark())


class ListsCardsContract(Contract):
    def test_lists_are_complete_and_without_doubles(self, provider: Any) -> None:
        account, other = self.an_account(provider), self.an_account(provider)
        stray = self.a_card(provider, account_ref=other.ref)
        made = [self.a_card(provider, account_ref=account.ref) for _ in range(PAGE_AND_MORE)]
        pages = list(provider.cards())
        assert len(pages) > 1
        assert sorted(card.ref for page in pages for card in page) == sorted(card.ref for card in [stray, *made])
        of_account = [card for page in provider.cards(account_ref=account.ref) for card in page]
        assert _by_ref(of_account) == _by_ref([provider.card(card.ref) for card in made])

    def test_accounts_are_listed_the_same_way(self, provider: Any) -> None:
        made = [self.an_account(provider) for _ in range(PAGE_AND_MORE)]
        pages = list(provider.accounts())
        assert len(pages) > 1
        assert sorted(account.ref for page in pages for account in page) == sorted(account.ref for account in made)

    def test_nothing_is_an_empty_list(self, provider: Any) -> None:
        assert list(provider.cards()) == list(provider.accounts()) == []

    def test_one_that_is_not_there(self, provider: Any) -> None:
        with pytest.raises(ProviderHasNot):
            provider.card("nothing")
        with pytest.raises(ProviderHasNot):
            provider.account("nobody")


def _by_ref(cards: list[RemoteCard]) -> list[RemoteCard]:
    """In one order, and without the raw JSON, which is a text where it came in a long list."""
    return sorted((replace(card, raw={}) for card in cards), key=lambda card: card.ref)


class ListsTransactionsContract(Contract):
    def all(self, provider: Any, **filters: Any) -> list[RemoteTransaction]:
        card_ref = filters.pop("card_ref", None)
        pages = provider.transactions_of(card_ref, **filters) if card_ref else provider.transactions(**filters)
        return [one for page in pages for one in page]

    def test_a_purchase_is_a_hold_and_then_a_settlement(self, provider: Any, far_side: FarSide) -> None:
        card = self.a_card(provider, allowance=usd(1_000))
        far_side.swipe(card.ref, usd(300))
        authorization, settlement = self.all(provider, card_ref=card.ref)
        assert (authorization.kind, authorization.state) == (TransactionKind.AUTHORIZATION, TransactionState.SETTLED)
        assert (authorization.amount, authorization.impact) == (usd(300), usd(0))
        assert (settlement.kind, settlement.state) == (TransactionKind.SETTLEMENT, TransactionState.SETTLED)
        assert (settlement.amount, settlement.impact) == (usd(300), usd(-300))
        assert settlement.parent_ref == authorization.ref
        assert {one.card_ref for one in (authorization, settlement)} == {card.ref}
        assert settlement.merchant.name

    def test_a_hold_takes_from_what_can_be_spent_and_a_decline_does_not(self, provider: Any, far_side: FarSide) -> None:
        card = self.a_card(provider, allowance=usd(1_000))
        far_side.swipe(card.ref, usd(300), hold=True)
        far_side.swipe(card.ref, usd(701))
        declined, held = self.all(provider, card_ref=card.ref)
        assert (held.state, held.amount, held.impact) == (TransactionState.APPROVED, usd(300), usd(-300))
        assert (declined.kind, declined.state) == (TransactionKind.DECLINE, TransactionState.DECLINED)
        assert (declined.amount, declined.impact) == (usd(701), usd(0))

    def test_the_list_is_complete_and_without_doubles(self, provider: Any, far_side: FarSide) -> None:
        card, other = self.a_card(provider), self.a_card(provider)
        far_side.swipe(other.ref, usd(5))
        for _ in range(PAGE_AND_MORE):
            far_side.swipe(card.ref, usd(1))
        pages = list(provider.transactions_of(card.ref))
        refs = [one.ref for page in pages for one in page]
        assert len(pages) > 2
        assert len(refs) == len(set(refs)) == 2 * PAGE_AND_MORE
        assert sum(one.impact.minor for page in pages for one in page) == -PAGE_AND_MORE
        assert len(self.all(provider)) == 2 * PAGE_AND_MORE + 2

    def test_since_leaves_out_what_is_older(self, provider: Any, far_side: FarSide) -> None:
        card = self.a_card(provider)
        far_side.swipe(card.ref, usd(5))
        when = self.all(provider)[0].occurred_at
        assert len(self.all(provider, since=when)) == 2
        assert self.all(provider, since=when + timedelta(days=1)) == []
        assert len(self.all(provider, since=datetime(2020, 1, 1, tzinfo=UTC))) == 2


class RevealsCredentialsContract(Contract):
    def test_numbers_come_only_when_asked_for(self, provider: Any) -> None:
        card = self.a_card(provider, allowance=usd(1_000))
        shown = provider.reveal(card.ref)
        assert luhn(shown.number)
        assert shown.number.endswith(card.last4)
        assert (shown.exp_month, shown.exp_year) == (card.exp_month, card.exp_year)
        assert shown.cvc.isdigit()
        assert shown.number not in repr(shown)
        listed = [one for page in provider.cards() for one in page]
        assert shown.number not in str([card.raw, provider.card(card.ref).raw, *(one.raw for one in listed)])

    def test_a_card_that_does_not_exist_has_none(self, provider: Any) -> None:
        with pytest.raises(ProviderHasNot):
            provider.reveal("nothing")


class ReportsBalanceContract(Contract):
    def test_the_float_shrinks_with_what_is_spent(self, provider: Any, far_side: FarSide) -> None:
        (before,) = provider.float_balances()
        assert before > usd(0)
        card = self.a_card(provider, allowance=usd(1_000))
        assert provider.float_balances() == (before,)
        far_side.swipe(card.ref, usd(300))
        assert provider.float_balances() == (before - usd(300),)


class ProvisionsWalletsContract(Contract):
    def test_every_wallet_is_eligible_or_says_why_not(self, provider: Any) -> None:
        wallets = provider.wallet_eligibility(self.a_card(provider).ref)
        assert wallets
        assert all(wallet.eligible or wallet.reason for wallet in wallets)
