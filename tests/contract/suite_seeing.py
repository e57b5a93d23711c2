"""What every provider must do where nothing of ours is written: lists, money events, numbers, the float, wallets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from cardctl.domain.cards import RemoteCard
from cardctl.domain.redaction import luhn
from cardctl.domain.transactions import OURS, RemoteTransaction, TransactionKind, TransactionState
from cardctl.errors import BadInput, ProviderHasNot, ProviderRefused
from cardctl.providers.base import ListsCards
from cardctl.simulator.control import Control
from tests.contract.ground import FUNDS, PAGE_AND_MORE, Contract, mark, usd

_K, _S = TransactionKind, TransactionState


class ListsCardsContract(Contract):
    def test_lists_are_complete_and_without_doubles(self, provider: Any) -> None:
        account, other = self.an_account(provider), self.an_account(provider)
        stray = self.a_card(provider, account_ref=other.ref)
        made = [self.a_card(provider, account_ref=account.ref, active=False, funds=None) for _ in range(PAGE_AND_MORE)]
        pages = list(provider.cards())
        assert len(pages) > 1
        assert sorted(card.ref for page in pages for card in page) == sorted(card.ref for card in [stray, *made])
        of_account = [card for page in provider.cards(account_ref=account.ref) for card in page]
        assert _by_ref(of_account) == _by_ref(made)

    def test_accounts_are_listed_the_same_way(self, provider: Any) -> None:
        card = self.a_card(provider)
        made = [self.an_account(provider).ref for _ in range(PAGE_AND_MORE)]
        pages = list(provider.accounts())
        assert len(pages) > 1
        assert sorted(account.ref for page in pages for account in page) == sorted([str(card.account_ref), *made])

    def test_nothing_is_an_empty_list(self, provider: Any) -> None:
        assert list(provider.cards()) == list(provider.accounts()) == []


def _by_ref(cards: list[RemoteCard]) -> list[RemoteCard]:
    """In one order, and without the raw JSON, which is a text where it came in a long list."""
    return sorted((replace(card, raw={}) for card in cards), key=lambda card: card.ref)


class ReadsTransactionsContract(Contract):
    def purchases(self, provider: Any, card_ref: str, **filters: Any) -> list[RemoteTransaction]:
        """A card's events without those of our own making."""
        events = [one for page in provider.transactions_of(card_ref, **filters) for one in page]
        assert {event.card_ref for event in events} <= {card_ref}
        return [event for event in events if event.kind not in OURS]

    def test_a_purchase_takes_what_it_cost(self, provider: Any, far_side: Control) -> None:
        card = self.a_card(provider)
        far_side.swipe(card.ref, usd(300))
        events = {event.kind: event for event in self.purchases(provider, card.ref)}
        assert events.keys() == {_K.SETTLEMENT} | ({_K.AUTHORIZATION} if self.settles_apart else set())
        settlement = events[_K.SETTLEMENT]
        assert (settlement.state, settlement.amount, settlement.impact) == (_S.SETTLED, usd(300), usd(-300))
        assert settlement.merchant.name == "Rocket Rides"
        if self.settles_apart:
            authorization = events[_K.AUTHORIZATION]
            assert (authorization.state, authorization.amount, authorization.impact) == (_S.SETTLED, usd(300), usd(0))
            assert settlement.parent_ref == authorization.ref
            assert list(events) == [_K.AUTHORIZATION, _K.SETTLEMENT]
        assert self.spendable(provider, card.ref) == FUNDS - usd(300)

    def test_a_hold_takes_from_what_can_be_spent_and_a_decline_does_not(self, provider: Any, far_side: Control) -> None:
        card = self.a_card(provider)
        far_side.swipe(card.ref, usd(300), hold=True)
        assert self.spendable(provider, card.ref) == usd(700)
        assert not far_side.swipe(card.ref, usd(701)).approved
        events = {event.kind: event for event in self.purchases(provider, card.ref)}
        held, declined = events[_K.AUTHORIZATION], events[_K.DECLINE]
        assert (held.state, held.amount, held.impact) == (_S.APPROVED, usd(300), usd(-300))
        assert (declined.state, declined.amount, declined.impact) == (_S.DECLINED, usd(701), usd(0))
        fees = [event.impact for event in events.values() if event.kind is _K.FEE]
        assert sum(fees, usd(0)) == -self.decline_fee
        assert self.spendable(provider, card.ref) == usd(700) - self.decline_fee

    def test_the_list_is_complete_and_without_doubles(self, provider: Any, far_side: Control) -> None:
        card, other = self.a_card(provider), self.a_card(provider)
        far_side.swipe(other.ref, usd(5))
        for _ in range(PAGE_AND_MORE):
            far_side.swipe(card.ref, usd(1))
        pages = list(provider.transactions_of(card.ref))
        events = [one for page in pages for one in page if one.kind not in OURS]
        told = (2 if self.settles_apart else 1) * PAGE_AND_MORE
        assert len(events) == len({event.ref for event in events}) == min(told, self.most_events or told)
        if self.most_events is None:
            assert len(pages) > 2
            assert sum((event.impact for event in events), usd(0)) == usd(-PAGE_AND_MORE)
            assert self.spendable(provider, card.ref) == FUNDS - usd(PAGE_AND_MORE)

    def test_since_leaves_out_what_is_older(self, provider: Any, far_side: Control) -> None:
        card = self.a_card(provider)
        far_side.swipe(card.ref, usd(5))
        events = self.purchases(provider, card.ref)
        when = events[0].occurred_at
        assert self.purchases(provider, card.ref, since=when) == events
        assert self.purchases(provider, card.ref, since=when + timedelta(days=1)) == []
        assert self.purchases(provider, card.ref, since=datetime(2020, 1, 1, tzinfo=UTC)) == events

    def test_a_movement_of_ours_has_the_name_that_its_order_was_given(self, provider: Any) -> None:
        card, known = self.a_card(provider), set()
        known = {one.ref for page in provider.transactions_of(card.ref) for one in page}
        news = [self.fund(provider, card, 25), self.withdraw(provider, card, 10)]
        events = [one for page in provider.transactions_of(card.ref) for one in page if one.ref not in known]
        found = {event.reference: (event.kind, event.impact) for event in events}
        told = [(_K.FUNDING, usd(25)), (_K.WITHDRAWAL, usd(-10))]
        expected = {one.reference: what for one, what in zip(news, told, strict=True)} if self.lists_ours else {}
        assert found == expected

    lists_ours: ClassVar[bool] = False
    """Fundings and withdrawals stand among a card's events."""


class ListsTransactionsContract(Contract):
    def test_every_event_of_every_card_comes_once(self, provider: Any, far_side: Control) -> None:
        cards = [self.a_card(provider), self.a_card(provider)]
        for card in cards:
            far_side.swipe(card.ref, usd(5))
            far_side.swipe(card.ref, usd(7), hold=True)
        single = [one for card in cards for page in provider.transactions_of(card.ref) for one in page]
        together = [one for page in provider.transactions() for one in page]
        assert len(together) == 6
        assert sorted(together, key=lambda one: one.ref) == sorted(single, key=lambda one: one.ref)

    def test_since_leaves_out_what_is_older(self, provider: Any, far_side: Control) -> None:
        far_side.swipe(self.a_card(provider).ref, usd(5))
        events = [one for page in provider.transactions() for one in page]
        when = events[0].occurred_at
        assert [one for page in provider.transactions(since=when) for one in page] == events
        assert list(provider.transactions(since=when + timedelta(days=1))) == []


class RevealsCredentialsContract(Contract):
    def test_numbers_come_only_when_asked_for(self, provider: Any) -> None:
        card = self.a_card(provider)
        shown = provider.reveal(card.ref)
        assert luhn(shown.number)
        assert shown.number.endswith(card.last4)
        assert (shown.exp_month, shown.exp_year) == (card.exp_month, card.exp_year)
        assert shown.cvc.isdigit()
        assert shown.number not in repr(shown)
        listed = [one for page in provider.cards() for one in page] if isinstance(provider, ListsCards) else []
        assert shown.number not in str([card.raw, provider.card(card.ref).raw, *(one.raw for one in listed)])

    def test_a_card_that_does_not_exist_has_none(self, provider: Any) -> None:
        with pytest.raises(ProviderHasNot):
            provider.reveal("nothing")


class ReportsBalanceContract(Contract):
    def test_the_float_shrinks_with_what_is_taken_from_it(self, provider: Any, far_side: Control) -> None:
        """By the funding or by the spending, never by both."""
        (before,) = provider.float_balances()
        assert before > usd(0)
        card = self.a_card(provider)
        funded = FUNDS if self.prefunded else usd(0)
        assert provider.float_balances() == (before - funded,)
        far_side.swipe(card.ref, usd(300))
        assert provider.float_balances() == (before - (FUNDS if self.prefunded else usd(300)),)
        assert provider.float_balances() == (self.float_of(far_side),)


class ProvisionsWalletsContract(Contract):
    def test_every_wallet_is_eligible_or_says_why_not(self, provider: Any) -> None:
        wallets = provider.wallet_eligibility(self.a_card(provider).ref)
        assert wallets
        assert all(wallet.eligible or wallet.reason for wallet in wallets)


class RelaysWalletsContract(Contract):
    asked: ClassVar[Mapping[str, Mapping[str, Any]]]
    """What each phone's wallet asks of the issuer."""

    @pytest.mark.parametrize("wallet", ["apple", "google"])
    def test_what_a_wallet_asks_is_answered(self, provider: Any, wallet: str) -> None:
        card = self.a_card(provider)
        answer = provider.relay_wallet(card.ref, wallet, self.asked[wallet])
        assert answer
        assert provider.reveal(card.ref).number not in str(answer)

    def test_what_cannot_be_relayed(self, provider: Any) -> None:
        card = self.a_card(provider)
        with pytest.raises(BadInput):
            provider.relay_wallet(card.ref, "leather", {})
        with pytest.raises(ProviderRefused):
            provider.relay_wallet(card.ref, "apple", {})
        with pytest.raises(ProviderRefused):
            provider.relay_wallet("nothing", "apple", self.asked["apple"])


class SimulatesPurchasesContract(Contract):
    def test_a_purchase_is_made_and_its_events_are_named(self, provider: Any) -> None:
        card = self.a_card(provider)
        bought = provider.test_purchase(card.ref, usd(300), "Rocket Rides")
        assert bought.approved
        assert {bought.authorization, bought.settlement} == self.events(provider, card.ref).keys()
        assert self.spendable(provider, card.ref) == usd(700)

    def test_a_hold_is_not_captured(self, provider: Any) -> None:
        card = self.a_card(provider)
        held = provider.test_purchase(card.ref, usd(300), "Rocket Rides", hold=True)
        assert (held.approved, held.settlement) == (True, None)
        assert self.events(provider, card.ref) == {held.authorization: _S.APPROVED}
        assert self.spendable(provider, card.ref) == usd(700)

    def test_a_decline_is_told_with_its_reason(self, provider: Any) -> None:
        card = self.a_card(provider)
        declined = provider.test_purchase(card.ref, usd(1_001), "Rocket Rides")
        assert (declined.approved, declined.settlement) == (False, None)
        assert declined.reason
        assert self.events(provider, card.ref) == {declined.authorization: _S.DECLINED}
        assert self.spendable(provider, card.ref) == FUNDS

    def test_a_card_that_does_not_exist(self, provider: Any) -> None:
        with pytest.raises(ProviderRefused):
            provider.test_purchase(mark(), usd(1), "Rocket Rides")

    def events(self, provider: Any, ref: str) -> dict[str, TransactionState]:
        return {one.ref: one.state for page in provider.transactions_of(ref) for one in page}
