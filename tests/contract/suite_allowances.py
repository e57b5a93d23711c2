"""What is held of providers whose cards have no money of their own, but an allowance: how much may be spent in all."""

from __future__ import annotations

from typing import Any

import pytest

from cardctl.domain.cards import Limits
from cardctl.domain.money import MAX_MINOR, Money
from cardctl.domain.states import Move
from cardctl.errors import BadAmount, BadInput, CardUnlimited, InsufficientBalance, StateForbids
from cardctl.simulator.control import Control
from tests.contract.ground import Contract, mark, usd


class AllowancesContract(Contract):
    def test_a_card_may_begin_without_one(self, provider: Any) -> None:
        made = self.a_card(provider, funds=None)
        assert (made.limits, made.allowance, made.balance) == (Limits(), None, None)

    def test_an_unlimited_card_has_nothing_to_raise_or_lower(self, provider: Any) -> None:
        card = self.a_card(provider, funds=None)
        for draft in (provider.draft_fund, provider.draft_withdraw):
            with pytest.raises(CardUnlimited):
                draft(card.ref, usd(1), mark(), account_ref=card.account_ref)
        assert provider.card(card.ref).allowance is None

    def test_it_does_not_shrink_with_what_is_spent(self, provider: Any, far_side: Control) -> None:
        card = self.a_card(provider)
        far_side.swipe(card.ref, usd(300))
        assert provider.card(card.ref).allowance == usd(1_000)
        assert self.withdraw(provider, card, 650).allowance == usd(350)
        assert self.fund(provider, card, 1).allowance == usd(351)

    def test_it_can_be_begun_over_what_was_spent(self, provider: Any, far_side: Control) -> None:
        card = self.a_card(provider, funds=None)
        far_side.swipe(card.ref, usd(300))
        far_side.swipe(card.ref, usd(40), hold=True)
        self.fund(provider, card, 1_000, set_allowance=True)
        assert self.spendable(provider, card.ref) == usd(1_000)
        with pytest.raises(InsufficientBalance):
            provider.draft_withdraw(card.ref, usd(1_001), mark(), account_ref=card.account_ref)
        self.withdraw(provider, card, 1_000)
        assert not far_side.swipe(card.ref, usd(1)).approved

    def test_a_replacement_brings_its_own(self, provider: Any, far_side: Control) -> None:
        old = self.a_card(provider)
        far_side.swipe(old.ref, usd(300))
        self.move(provider, old, Move.CLOSE, "lost")
        new = self.a_card(provider, account_ref=old.account_ref, funds=usd(700), replaces_ref=old.ref, replaces_reason="lost")
        assert new.allowance == usd(700)
        assert self.fund(provider, new, 5).allowance == usd(705)
        assert far_side.swipe(new.ref, usd(200)).approved
        with pytest.raises(InsufficientBalance):
            provider.draft_withdraw(new.ref, usd(506), mark(), account_ref=new.account_ref)
        assert self.withdraw(provider, new, 505).allowance == usd(200)
        assert not far_side.swipe(new.ref, usd(1)).approved
        assert provider.card(old.ref).allowance == usd(1_000)

    def test_what_is_wrong_is_said_before_anything_is_sent(self, provider: Any) -> None:
        card = self.a_card(provider)
        with pytest.raises(BadInput):
            provider.draft_fund(card.ref, Money(1, "EUR"), mark(), account_ref=card.account_ref)
        with pytest.raises(BadAmount):
            provider.draft_fund(card.ref, usd(MAX_MINOR), mark(), account_ref=card.account_ref)
        self.move(provider, card, Move.CLOSE)
        for draft in (provider.draft_fund, provider.draft_withdraw):
            with pytest.raises(StateForbids):
                draft(card.ref, usd(1), mark(), account_ref=card.account_ref)
        assert provider.card(card.ref).allowance == usd(1_000)
