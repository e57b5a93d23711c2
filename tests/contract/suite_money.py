"""What every provider must do with limits and money; a provider fills in how its own kinds of limit are planted and read."""

from __future__ import annotations

from typing import Any

import pytest

from cardctl.domain.cards import Limits
from cardctl.domain.money import MAX_MINOR, Money
from cardctl.domain.states import Move
from cardctl.errors import BadAmount, BadInput, InsufficientBalance, ProviderRefused, Refused, StateForbids
from cardctl.simulator.control import Control
from tests.contract.ground import FUNDS, Contract, mark, usd


class LimitsCardsContract(Contract):
    def plant(self, provider: Any, ref: str) -> None:
        """Limits the card in every way that the provider has and cardctl has no word for."""
        raise NotImplementedError

    def planted(self, provider: Any, ref: str) -> Any:
        """What is left of that."""
        raise NotImplementedError

    def plant_daily(self, provider: Any, ref: str, minors: list[int]) -> None:
        """Several limits a day, as somebody else may have set them."""
        raise NotImplementedError

    def test_limits_change_one_by_one(self, provider: Any) -> None:
        card = self.a_card(provider, limits=Limits(usd(1), usd(2), usd(3), usd(4)))
        assert card.limits == Limits(usd(1), usd(2), usd(3), usd(4))
        changed = self.limit(provider, card, {"daily": usd(20), "weekly": None})
        assert changed.limits == provider.card(card.ref).limits == Limits(usd(1), usd(20), None, usd(4))
        assert self.spendable(provider, card.ref) == FUNDS

    def test_the_last_limit_can_be_taken_off(self, provider: Any) -> None:
        card = self.a_card(provider, limits=Limits(daily=usd(2)))
        assert self.limit(provider, card, {"daily": None}).limits == provider.card(card.ref).limits == Limits()

    def test_a_limit_limits(self, provider: Any, far_side: Control) -> None:
        card = self.a_card(provider)
        self.limit(provider, card, {"daily": usd(500), "per_transaction": usd(300)})
        assert not far_side.swipe(card.ref, usd(301)).approved
        assert far_side.swipe(card.ref, usd(300)).approved
        assert not far_side.swipe(card.ref, usd(201)).approved
        assert far_side.swipe(card.ref, usd(200)).approved
        assert self.spendable(provider, card.ref) == FUNDS - usd(500)
        self.limit(provider, card, {"daily": None})
        assert far_side.swipe(card.ref, usd(300)).approved

    @pytest.mark.parametrize(("wanted", "allowed"), [(usd(400), 400), (usd(200), 200), (None, 1_000)])
    def test_one_limit_takes_the_place_of_several(
        self, provider: Any, far_side: Control, wanted: Money | None, allowed: int
    ) -> None:
        """Of which the tightest held until then."""
        card = self.a_card(provider)
        self.plant_daily(provider, card.ref, [500, 300, 700])
        assert provider.card(card.ref).limits == Limits(daily=usd(300))
        assert not far_side.swipe(card.ref, usd(301)).approved
        news = self.limit(provider, card, {"daily": wanted})
        assert news.limits == provider.card(card.ref).limits == Limits(daily=wanted)
        assert not far_side.swipe(card.ref, usd(allowed + 1)).approved
        assert far_side.swipe(card.ref, usd(allowed)).approved

    def test_other_cards_have_it_too_where_limits_are_the_holders(self, provider: Any) -> None:
        card = self.a_card(provider)
        other = self.a_card(provider, account_ref=card.account_ref)
        self.limit(provider, card, {"daily": usd(20)})
        expected = Limits(daily=usd(20)) if provider.limits_shared else Limits()
        assert provider.card(other.ref).limits == expected

    def test_what_cardctl_has_no_word_for_stays_as_it_was(self, provider: Any) -> None:
        card = self.a_card(provider)
        self.plant(provider, card.ref)
        planted = self.planted(provider, card.ref)
        assert planted
        self.limit(provider, card, {"daily": usd(20)})
        self.limit(provider, card, {"daily": None})
        self.fund(provider, card, 1)
        self.withdraw(provider, card, 1)
        assert self.planted(provider, card.ref) == planted

    def test_limits_in_another_currency_and_on_a_closed_card(self, provider: Any) -> None:
        card = self.a_card(provider)
        with pytest.raises(BadInput):
            provider.draft_limits(card.ref, {"daily": Money(100, "EUR")}, mark())
        self.move(provider, card, Move.CLOSE)
        with pytest.raises(StateForbids):
            provider.draft_limits(card.ref, {"daily": usd(100)}, mark())


class FundsCardsContract(Contract):
    def test_money_goes_on_and_off_to_the_cent(self, provider: Any, far_side: Control) -> None:
        card, float_before = self.a_card(provider, funds=usd(1_000_000)), self.float_of(far_side)
        has = 1_000_000
        for minor in (1, 2_599, -1_002_599, -1, 7):
            self.fund(provider, card, minor) if minor > 0 else self.withdraw(provider, card, -minor)
            has += minor
            assert self.spendable(provider, card.ref) == usd(has)
            taken = usd(has - 1_000_000) if self.prefunded else usd(0)
            assert self.float_of(far_side) == float_before - taken
        assert has == 7

    def test_the_answer_tells_no_other_money_than_there_is(self, provider: Any) -> None:
        card = self.a_card(provider)
        for news in (self.fund(provider, card, 25), self.withdraw(provider, card, 5)):
            told = news.balance or getattr(news, "allowance", None)
            assert news.ref == card.ref
            assert told in (None, self.spendable(provider, card.ref), FUNDS + usd(25))
        assert self.spendable(provider, card.ref) == FUNDS + usd(20)

    def test_what_was_spent_cannot_be_withdrawn(self, provider: Any, far_side: Control) -> None:
        card = self.a_card(provider)
        far_side.swipe(card.ref, usd(300))
        far_side.swipe(card.ref, usd(50), hold=True)
        float_before = self.float_of(far_side)
        with pytest.raises(InsufficientBalance):
            self.draft_withdraw(provider, card, 651, mark())
        assert self.spendable(provider, card.ref) == usd(650)
        self.withdraw(provider, card, 650)
        assert self.spendable(provider, card.ref) == usd(0)
        assert not far_side.swipe(card.ref, usd(1)).approved
        self.fund(provider, card, 1)
        assert far_side.swipe(card.ref, usd(1)).approved
        assert self.spendable(provider, card.ref) == usd(0)
        assert self.float_of(far_side) == float_before + (usd(650 - 1) if self.prefunded else usd(-1))

    def test_money_of_several_fundings_comes_off(self, provider: Any, far_side: Control) -> None:
        card, float_before = self.a_card(provider), self.float_of(far_side)
        self.fund(provider, card, 200)
        self.fund(provider, card, 30)
        self.withdraw(provider, card, 1_100)
        assert self.spendable(provider, card.ref) == usd(130)
        assert self.float_of(far_side) == float_before + (usd(870) if self.prefunded else usd(0))

    def test_money_comes_off_a_frozen_card(self, provider: Any) -> None:
        card = self.a_card(provider)
        self.move(provider, card, Move.FREEZE)
        self.withdraw(provider, card, 400)
        assert self.spendable(provider, card.ref) == usd(600)

    def test_one_cards_money_is_not_anothers(self, provider: Any) -> None:
        """Unless they are one holder's, and the provider says that these share."""
        card = self.a_card(provider)
        sister, stranger = self.a_card(provider, account_ref=card.account_ref), self.a_card(provider)
        before = self.spendable(provider, sister.ref)
        self.fund(provider, card, 25)
        assert self.spendable(provider, sister.ref) == before + (usd(25) if sister.shared else usd(0))
        assert self.spendable(provider, stranger.ref) == FUNDS

    @pytest.mark.parametrize("amount", [usd(0), usd(-1)])
    def test_an_amount_is_more_than_nothing(self, provider: Any, amount: Money) -> None:
        card = self.a_card(provider)
        with pytest.raises(BadAmount):
            provider.draft_fund(card.ref, amount, mark(), account_ref=card.account_ref)
        with pytest.raises(BadAmount):
            self.draft_withdraw(provider, card, amount.minor, mark())

    @pytest.mark.parametrize("amount", [Money(1, "EUR"), usd(MAX_MINOR)])
    def test_other_money_and_more_than_there_is_anywhere(self, provider: Any, far_side: Control, amount: Money) -> None:
        """It is refused by us or by them."""
        card, float_before = self.a_card(provider), self.float_of(far_side)
        with pytest.raises((BadInput, Refused, ProviderRefused)):
            self.do(provider, lambda op: provider.draft_fund(card.ref, amount, op, account_ref=card.account_ref))
        assert (self.spendable(provider, card.ref), self.float_of(far_side)) == (FUNDS, float_before)
