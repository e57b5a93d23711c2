"""Zendit, held to the contract of who sells eSIMs, against the simulator's face; and the endpoint that tops its wallet up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from cardctl.domain.redaction import Secret
from cardctl.errors import SecretMissing
from cardctl.providers.base import Handed
from cardctl.providers.guarding import Call
from cardctl.providers.zendit import wire
from tests.contract import suite, suite_selling, suite_selling_seeing, suite_selling_writes


class Zendit(suite_selling.SellingContract):
    name = "zendit"
    secrets: ClassVar = {"zendit.api_key": "sand_simulator"}
    offer = "ESIM-TR-7D-1GB"
    country = "TR"
    region = "Global"
    fails = "ESIM-FAIL"
    slow = "ESIM-SLOW"
    slow_for = timedelta(hours=1)
    codeless = "ESIM-NOCODE"
    disabled = "ESIM-DISABLED"
    costly = ("ESIM-FEE", "ESIM-MILLS")

    def handed(self, path: Path, on_call: Callable[[Call], None] | None = None) -> Handed:
        return replace(super().handed(path, on_call), secret=self._secret)

    def _secret(self, name: str) -> Secret:
        if name not in self.secrets:
            raise SecretMissing(f"{name} is nowhere")
        return Secret(self.secrets[name])


class TestProvider(Zendit, suite.ProviderContract):
    can = frozenset(
        {
            *("sells_esims", "refunds_purchases", "keeps_wallet", "tops_up_wallet", "reports_balance"),
            *("reads_whole", "receives_webhooks"),
        }
    )


class TestSellsEsims(Zendit, suite_selling.SellsEsimsContract): ...


class TestRefundsPurchases(Zendit, suite_selling.RefundsPurchasesContract): ...


class TestKeepsWallet(Zendit, suite_selling.KeepsWalletContract):
    def page_of(self, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
        monkeypatch.setattr(wire, "PAGE", rows)


class TestWrites(Zendit, suite_selling_writes.SoldWritesContract): ...


class TestTopsUpWallet(Zendit, suite_selling_writes.TopsUpWalletContract):
    declined = "card_declined"


class TestReadsWhole(Zendit, suite_selling_seeing.ReadsBoughtWholeContract):
    @pytest.fixture(autouse=True)
    def _short_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wire, "PAGE", 25)


class TestReceivesWebhooks(Zendit, suite_selling_seeing.ReceivesSoldWebhooksContract): ...
