"""Stripe Issuing, held to the contract against the simulator's face."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from cardctl.errors import ProviderRefused
from cardctl.providers.base import CAPABILITIES
from cardctl.simulator.control import Control
from tests.contract import (
    ground,
    suite,
    suite_allowances,
    suite_events,
    suite_money,
    suite_sales,
    suite_seeing,
    suite_whole,
    suite_writes,
)

SELLING = {"sells_esims", "refunds_purchases", "keeps_wallet", "tops_up_wallet"}
"""What only those can who sell eSIMs."""


class Stripe(ground.Contract):
    """Cards spend from the float, as far as their allowance goes."""

    name = "stripe"
    secrets: ClassVar = {"stripe.api_key": "sk_test_4eC39HqLyjWDarjtT1zdp7dc"}
    prefunded = False


class TestProvider(Stripe, suite.ProviderContract):
    can = frozenset(CAPABILITIES) - ground.SAVING - SELLING - {"closes_accounts", "relays_wallets", "resends_events"}


class TestIssuesCards(Stripe, suite.IssuesCardsContract): ...


class TestControlsCards(Stripe, suite.ControlsCardsContract): ...


class TestClosesCards(Stripe, suite.ClosesCardsContract): ...


class TestReadsCards(Stripe, suite.ReadsCardsContract): ...


class TestLimitsCards(Stripe, suite_money.LimitsCardsContract):
    def plant(self, provider: Any, ref: str) -> None:
        limits = [
            {"amount": 500, "interval": "all_time"},
            {"amount": 70, "interval": "yearly"},
            {"amount": 8, "interval": "daily", "categories": ["bakeries", "taxicabs_limousines"]},
            {"amount": 9, "interval": "all_time", "categories": ["florists"]},
        ]
        controls = {"spending_limits": limits, "blocked_categories": ["betting_casino_gambling"]}
        provider._client.post(f"/v1/issuing/cards/{ref}", {"spending_controls": controls}, ground.mark())

    def plant_daily(self, provider: Any, ref: str, minors: list[int]) -> None:
        """Beside the allowance."""
        limits = [{"amount": minor, "interval": "daily"} for minor in minors]
        allowance = {"amount": ground.FUNDS.minor, "interval": "all_time"}
        controls = {"spending_limits": [allowance, *limits]}
        provider._client.post(f"/v1/issuing/cards/{ref}", {"spending_controls": controls}, ground.mark())

    def planted(self, provider: Any, ref: str) -> Any:
        controls = provider.card(ref).raw["spending_controls"]
        limits = [limit for limit in controls.pop("spending_limits") if limit["categories"] or limit["interval"] == "yearly"]
        return controls, limits


class TestFundsCards(Stripe, suite_money.FundsCardsContract): ...


class TestAllowances(Stripe, suite_allowances.AllowancesContract): ...


class TestWrites(Stripe, suite_writes.WritesContract):
    writes = (
        *("account", "account_change", "first_card", "card", "activate", "freeze", "unfreeze", "close"),
        *("limits", "limits_again", "limits_off", "fund", "withdraw"),
    )
    saves_failures = True
    overwritten = frozenset({"account_change", "limits", "limits_again", "limits_off", "fund", "withdraw"})


class TestListsCards(Stripe, suite_seeing.ListsCardsContract): ...


class TestReadsTransactions(Stripe, suite_seeing.ReadsTransactionsContract): ...


class TestListsTransactions(Stripe, suite_seeing.ListsTransactionsContract): ...


class TestReadsWhole(Stripe, suite_whole.ReadsWholeContract): ...


class TestRevealsCredentials(Stripe, suite_seeing.RevealsCredentialsContract): ...


class TestReportsBalance(Stripe, suite_seeing.ReportsBalanceContract): ...


class TestProvisionsWallets(Stripe, suite_seeing.ProvisionsWalletsContract): ...


class TestSimulatesPurchases(Stripe, suite_seeing.SimulatesPurchasesContract): ...


class TestReceivesWebhooks(Stripe, suite_events.ReceivesWebhooksContract):
    ages = True


class TestListsEvents(Stripe, suite_events.ListsEventsContract): ...


class TestTakesPayments(Stripe, suite_sales.TakesPaymentsContract): ...


class TestReadsSales(Stripe, suite_sales.ReadsSalesContract):
    def test_a_disputed_payment_is_told_and_not_given_back(self, provider: Any, far_side: Control) -> None:
        ref = far_side.sell(ground.usd(2_500), self.said)
        far_side.edit(provider.sale(ref).raw["latest_charge"]["id"], {"disputed": True})
        assert provider.sale(ref).disputed
        with pytest.raises(ProviderRefused) as caught:
            self.give_back(provider, ref, 2_500)
        assert caught.value.vendor_code == "charge_disputed"
        assert provider.sale(ref).refunded == ground.usd(0)


class TestSoldWrites(Stripe, suite_sales.SoldWritesContract):
    saves_failures = True


class TestReadsSoldWhole(Stripe, suite_sales.ReadsSoldWholeContract): ...


class TestToldOfSales(Stripe, suite_sales.ToldOfSalesContract): ...
