"""Stripe Issuing, held to the contract against the simulator's face."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.redaction import Secret
from cardctl.providers import registry
from cardctl.providers.base import CAPABILITIES, Handed
from cardctl.simulator.control import Control
from cardctl.simulator.transport import SimulatorTransport
from tests.contract import ground, suite, suite_money, suite_writes


class Stripe(ground.Contract):
    """Where it is built, and what stands behind it."""

    @pytest.fixture
    def provider(self, tmp_path: Path) -> Iterator[Any]:
        handed = Handed(
            environment="simulator",
            programme="stripe/simulator",
            settings={},
            secret=lambda _name: Secret("sk_test_4eC39HqLyjWDarjtT1zdp7dc"),
            transport=SimulatorTransport(tmp_path / "simulator.db", sleep=lambda _seconds: None),
            timeout=60.0,
            sleep=lambda _seconds: None,
            random=lambda: 0.0,
        )
        provider = registry.build("stripe", handed)
        yield provider
        provider.close()

    @pytest.fixture
    def far_side(self, tmp_path: Path) -> Iterator[Control]:
        control = Control(tmp_path / "simulator.db")
        yield control
        control.close()


class TestProvider(Stripe, suite.ProviderContract):
    can = frozenset(CAPABILITIES) - {"closes_accounts", "relays_wallets"}


class TestIssuesCards(Stripe, suite.IssuesCardsContract): ...


class TestControlsCards(Stripe, suite.ControlsCardsContract): ...


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

    def planted(self, provider: Any, ref: str) -> Any:
        controls = provider.card(ref).raw["spending_controls"]
        limits = [limit for limit in controls.pop("spending_limits") if limit["categories"] or limit["interval"] == "yearly"]
        return controls, limits


class TestFundsCards(Stripe, suite_money.FundsCardsContract): ...


class TestWrites(Stripe, suite_writes.WritesContract): ...


class TestListsCards(Stripe, suite.ListsCardsContract): ...


class TestListsTransactions(Stripe, suite.ListsTransactionsContract): ...


class TestRevealsCredentials(Stripe, suite.RevealsCredentialsContract): ...


class TestReportsBalance(Stripe, suite.ReportsBalanceContract): ...


class TestProvisionsWallets(Stripe, suite.ProvisionsWalletsContract): ...
