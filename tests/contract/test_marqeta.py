"""Marqeta, held to the contract against the simulator's face: money and limits are the holder's, a funding has a name."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from cardctl.domain.cards import Limits
from cardctl.providers.base import CAPABILITIES
from tests.contract import ground, suite, suite_events, suite_money, suite_seeing, suite_whole, suite_writes
from tests.contract.ground import usd

SELLING = {"takes_payments", "reads_sales", "sells_esims", "refunds_purchases", "keeps_wallet", "tops_up_wallet"}


class Marqeta(ground.Contract):
    name = "marqeta"
    secrets: ClassVar = {"marqeta.application_token": "an-application", "marqeta.admin_access_token": "an-access-token"}
    keeps_moves = True


class OneUserPerCard(Marqeta):
    """Each card has a user of its own, who spends the holder's money."""

    settings: ClassVar = {"user_per_card": True}


class TestProvider(Marqeta, suite.ProviderContract):
    can = frozenset(CAPABILITIES) - ground.SAVING - SELLING - {"reports_balance", "provisions_wallets", "lists_events"}


class TestIssuesCards(Marqeta, suite.IssuesCardsContract): ...


class TestControlsCards(Marqeta, suite.ControlsCardsContract): ...


class TestClosesCards(Marqeta, suite.ClosesCardsContract): ...


class TestClosesAccounts(Marqeta, suite.ClosesAccountsContract): ...


class TestReadsCards(Marqeta, suite.ReadsCardsContract): ...


class TestLimitsCards(Marqeta, suite_money.LimitsCardsContract):
    def plant(self, provider: Any, ref: str) -> None:
        self.add(provider, ref, {"velocity_window": "LIFETIME", "amount_limit": 5_000})
        self.add(provider, ref, {"velocity_window": "DAY", "amount_limit": 8, "merchant_scope": {"mcc": "5462"}})
        self.add(provider, ref, {"velocity_window": "DAY", "amount_limit": 9, "approvals_only": False})

    def plant_daily(self, provider: Any, ref: str, minors: list[int]) -> None:
        for minor in minors:
            self.add(provider, ref, {"velocity_window": "DAY", "amount_limit": Decimal(usd(minor).amount)})

    def add(self, provider: Any, ref: str, control: dict[str, Any]) -> None:
        user = provider.card(ref).raw["user_token"]
        told = {"token": ground.mark(), "currency_code": "USD", "active": True, "association": {"user_token": user}}
        provider._client.write("POST", "/velocitycontrols", {**told, **control})

    def planted(self, provider: Any, ref: str) -> Any:
        controls = provider._client.controls_of(provider.card(ref).raw["user_token"])
        return [one for one in controls if not one.get("name")]

    def test_of_several_limits_the_tightest_holds_until_the_last_request(self, provider: Any) -> None:
        """Whoever is stopped between the requests leaves no card that may spend more than before."""
        card = self.a_card(provider)
        self.plant_daily(provider, card.ref, [500, 300, 700])
        draft = provider.draft_limits(card.ref, {"daily": usd(600)}, ground.mark())
        assert len(draft.prelude) == 2
        for step in draft.prelude:
            provider._client.write(step["method"], step["path"], step["body"])
            assert provider.card(card.ref).limits == Limits(daily=usd(300))


class TestFundsCards(Marqeta, suite_money.FundsCardsContract): ...


class TestWrites(Marqeta, suite_writes.WritesContract):
    writes: ClassVar[Sequence[str]] = (
        *("account", "account_change", "account_close", "first_card", "card", "activate", "freeze", "unfreeze", "close"),
        *("limits", "limits_again", "limits_off", "fund", "withdraw"),
    )
    unkeyed = frozenset({"withdraw"})
    overwritten = frozenset({"account_change", "limits_again"})
    unmarked = frozenset({"account_close"})


class TestListsCards(Marqeta, suite_seeing.ListsCardsContract): ...


class TestReadsTransactions(Marqeta, suite_seeing.ReadsTransactionsContract): ...


class TestListsTransactions(Marqeta, suite_seeing.ListsTransactionsContract): ...


class TestReadsWhole(Marqeta, suite_whole.ReadsWholeContract): ...


class TestRevealsCredentials(Marqeta, suite_seeing.RevealsCredentialsContract): ...


class TestSimulatesPurchases(Marqeta, suite_seeing.SimulatesPurchasesContract): ...


class TestRelaysWallets(Marqeta, suite_seeing.RelaysWalletsContract):
    asked: ClassVar = {
        "apple": {
            "device_type": "MOBILE_PHONE",
            "provisioning_app_version": "1.0",
            "certificates": ["bGVhZg==", "c3ViY2E="],
            "nonce": "bm9uY2U=",
            "nonce_signature": "c2lnbmF0dXJl",
        },
        "google": {
            "device_type": "MOBILE_PHONE",
            "provisioning_app_version": "1.0",
            "device_id": "a-device",
            "wallet_account_id": "a-wallet",
        },
    }


class TestIssuesCardsOfOneUserEach(OneUserPerCard, suite.IssuesCardsContract): ...


class TestClosesCardsOfOneUserEach(OneUserPerCard, suite.ClosesCardsContract): ...


class TestLimitsCardsOfOneUserEach(OneUserPerCard, TestLimitsCards): ...


class TestFundsCardsOfOneUserEach(OneUserPerCard, suite_money.FundsCardsContract): ...


class TestListsCardsOfOneUserEach(OneUserPerCard, suite_seeing.ListsCardsContract): ...


class TestReadsWholeOfOneUserEach(OneUserPerCard, suite_whole.ReadsWholeContract): ...


class TestWritesOfOneUserEach(OneUserPerCard, TestWrites):
    writes = ("first_card", "card", "limits")
    people_per_card = 1


class TestReceivesWebhooks(Marqeta, suite_events.ReceivesWebhooksContract): ...


class TestResendsEvents(Marqeta, suite_events.ResendsEventsContract):
    def register(self, provider: Any) -> None:
        config = {
            "url": "https://example.test/webhooks/marqeta",
            "basic_auth_username": "ops",
            "basic_auth_password": "Pa$$w0rd-of-twenty-letters",
            "secret": "a-secret-of-twenty-letters",
        }
        told = {"token": ground.mark(), "name": "ours", "events": ["*"], "active": True, "config": config}
        provider._client.write("POST", "/webhooks", told)
