"""What every provider must do with limits and money; a provider fills in how its own kinds of limit are planted and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cardctl.domain.cards import Limits, RemoteCard
from cardctl.domain.money import MAX_MINOR, Money
from cardctl.domain.states import Move
from cardctl.errors import (
    BadAmount,
    BadInput,
    CardUnlimited,
    InsufficientBalance,
    StateForbids,
)
from tests.contract.ground import Contract, FarSide, mark, usd


class LimitsCardsContract(Contract):
    def plant(self, provider: Any, ref: str) -> None:
        """Limits the card in every way that the provider has and cardctl has no word for."""
        raise NotImplementedError

    def planted(self, provider: Any, ref: str) -> Any:
        """What is left of that."""
        raise NotImplementedError

    def change(self, provider: Any, card: RemoteCard, changes: Mapping[str, Money | None]) -> RemoteCard:
        changed: RemoteCard = self.do(provider, lambda operation: provider.draft_limits(card.ref, changes, operation))
        return changed

    def test_limits_change_one_by_one(self, provider: Any) -> None:
        card = self.a_card(provider, limits=Limits(usd(1), usd(2), usd(3), usd(4)), allowance=usd(500))
        changed = self.change(provider, card, {"daily": usd(20), "weekly": None})
        assert changed.limits == Limits(usd(1), usd(20), None, usd(4))
        assert changed.allowance == usd(500)
        assert provider.card(card.ref) == changed

    def test_the_last_limit_can_be_taken_off(self, provider: Any) -> None:
        card = self.a_card(provider, limits=Limits(daily=usd(2)))
        assert self.change(provider, card, {"daily": None}).limits == Limits()

    def test_what_cardctl_has_no_word_for_stays_as_it_was(self, provider: Any) -> None:
        card = self.a_card(provider, allowance=usd(500))
        self.plant(provider, card.ref)
        planted = self.planted(provider, card.ref)
        assert planted
        self.change(provider, card, {"daily": usd(20)})
        self.change(provider, card, {"daily": None})
        self.do(provider, lambda operation: provider.draft_fund(card.ref, usd(1), operation, account_ref=str(card.account_ref)))
        self.do(provider, lambda operation: provider.draft_withdraw(card.ref, usd(1), operation, account_ref=str(card.account_ref)))
        assert self.planted(provider, card.ref) == planted

    def test_limits_in_another_currency_and_on_a_closed_card(self, provider: Any) -> None:
        card = self.a_card(provider)
        with pytest.raises(BadInput):
            provider.draft_limits(card.ref, {"daily": Money(100, "EUR")}, mark())
        self.move(provider, card, Move.CLOSE)
        with pytest.raises(StateForbids):
            provider.draft_limits(card.ref, {"daily": usd(100)}, mark())


class FundsCardsContract(Contract):
    def fund(self, provider: Any, card: RemoteCard, minor: int, **options: bool) -> RemoteCard:
        funded: RemoteCard = self.do(provider, lambda op: provider.draft_fund(card.ref, usd(minor), op, account_ref=str(card.account_ref), **options))
        return funded

    def withdraw(self, provider: Any, card: RemoteCard, minor: int) -> RemoteCard:
        left: RemoteCard = self.do(provider, lambda operation: provider.draft_withdraw(card.ref, usd(minor), operation, account_ref=str(card.account_ref)))
        return left

    def test_money_goes_on_and_off_to_the_cent(self, provider: Any) -> None:
        card = self.a_card(provider, allowance=usd(100_000_000))
        assert self.fund(provider, card, 1).allowance == usd(100_000_001)
        assert self.fund(provider, card, 2_599).allowance == usd(100_002_600)
        assert self.withdraw(provider, card, 100_002_599).allowance == usd(1)
        assert self.withdraw(provider, card, 1).allowance == usd(0)
        assert self.fund(provider, card, 7).allowance == usd(7)
        assert provider.card(card.ref).allowance == usd(7)

    def test_an_unlimited_card_has_nothing_to_raise_or_lower(self, provider: Any) -> None:
        card = self.a_card(provider)
        with pytest.raises(CardUnlimited):
            provider.draft_fund(card.ref, usd(1), mark(), account_ref=str(card.account_ref))
        with pytest.raises(CardUnlimited):
            provider.draft_withdraw(card.ref, usd(1), mark(), account_ref=str(card.account_ref))
        assert provider.card(card.ref).allowance is None

    def test_an_allowance_can_be_begun_over_what_was_spent(self, provider: Any, far_side: FarSide) -> None:
        card = self.a_card(provider)
        far_side.swipe(card.ref, usd(300))
        far_side.swipe(card.ref, usd(40), hold=True)
        self.fund(provider, card, 1_000, set_allowance=True)
        with pytest.raises(InsufficientBalance):
            provider.draft_withdraw(card.ref, usd(1_001), mark(), account_ref=str(card.account_ref))
        self.withdraw(provider, card, 1_000)
        assert not far_side.swipe(card.ref, usd(1)).approved

    def test_only_what_is_unspent_can_be_withdrawn(self, provider: Any, far_side: FarSide) -> None:
        card = self.a_card(provider, allowance=usd(1_000))
        far_side.swipe(card.ref, usd(300))
        far_side.swipe(card.ref, usd(50), hold=True)
        with pytest.raises(InsufficientBalance):
            provider.draft_withdraw(card.ref, usd(651), mark(), account_ref=str(card.account_ref))
        assert provider.card(card.ref).allowance == usd(1_000)
        assert self.withdraw(provider, card, 650).allowance == usd(350)
        assert not far_side.swipe(card.ref, usd(1)).approved
        self.fund(provider, card, 1)
        assert far_side.swipe(card.ref, usd(1)).approved

    def test_a_replacement_brings_its_own_allowance(self, provider: Any, far_side: FarSide) -> None:
        old = self.a_card(provider, allowance=usd(1_000))
        far_side.swipe(old.ref, usd(300))
        self.move(provider, old, Move.CLOSE, "lost")
        new = self.a_card(
            provider, account_ref=old.account_ref, allowance=usd(700), replaces_ref=old.ref, replaces_reason="lost"
        )
        assert new.allowance == usd(700)
        assert self.fund(provider, new, 5).allowance == usd(705)
        assert far_side.swipe(new.ref, usd(200)).approved
        with pytest.raises(InsufficientBalance):
            provider.draft_withdraw(new.ref, usd(506), mark(), account_ref=str(new.account_ref))
        assert self.withdraw(provider, new, 505).allowance == usd(200)
        assert not far_side.swipe(new.ref, usd(1)).approved
        assert provider.card(old.ref).allowance == usd(1_000)

    @pytest.mark.parametrize("amount", [usd(0), usd(-1)])
    def test_an_amount_is_more_than_nothing(self, provider: Any, amount: Money) -> None:
        card = self.a_card(provider, allowance=usd(1_000))
        for draft in (provider.draft_fund, provider.draft_withdraw):
            with pytest.raises(BadAmount):
                draft(card.ref, amount, mark(), account_ref=str(card.account_ref))

    def test_money_in_another_currency_too_much_of_it_and_on_a_closed_card(self, provider: Any) -> None:
        card = self.a_card(provider, allowance=usd(1_000))
        with pytest.raises(BadInput):
            provider.draft_fund(card.ref, Money(1, "EUR"), mark(), account_ref=str(card.account_ref))
        with pytest.raises(BadAmount):
            provider.draft_fund(card.ref, usd(MAX_MINOR), mark(), account_ref=str(card.account_ref))
        self.move(provider, card, Move.CLOSE)
        for draft in (provider.draft_fund, provider.draft_withdraw):
            with pytest.raises(StateForbids):
                draft(card.ref, usd(1), mark(), account_ref=str(card.account_ref))
        assert provider.card(card.ref).allowance == usd(1_000)
