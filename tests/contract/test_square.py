"""Square, held to the contract of saved cards against the simulator's face."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cardctl.errors import Unsupported
from cardctl.simulator.control import Control
from tests.contract import ground_saving, suite, suite_saving, suite_saving_seeing, suite_saving_writes
from tests.contract.ground_saving import Paid, Till
from tests.contract.seller import Seller

TOKEN = "EAAAlwJ0zZ0f1b2t0k3n"


class Square(ground_saving.SavingContract):
    name = "square"
    secrets: ClassVar = {"square.access_token": TOKEN}
    nonce = "cnon:card-nonce-ok"
    bad_nonces: ClassVar = {
        "cnon:card-nonce-declined": "CARD_DECLINED",
        "cnon:card-nonce-rejected-cvv": "VERIFY_CVV_FAILURE",
        "cnon:card-nonce-rejected-postalcode": "VERIFY_AVS_FAILURE",
        "cnon:card-nonce-rejected-expiration": "INVALID_EXPIRATION",
        "cnon:card-nonce-already-used": "SOURCE_USED",
    }
    declining: ClassVar = {
        "cnon:card-nonce-declines-charge": "GENERIC_DECLINE",
        "cnon:card-nonce-insufficient-funds": "INSUFFICIENT_FUNDS",
        "cnon:card-nonce-verification-required": "CARD_DECLINED_VERIFICATION_REQUIRED",
        "cnon:card-nonce-transaction-limit": "TRANSACTION_LIMIT",
    }

    @pytest.fixture
    def far_till(self, tmp_path: Path) -> Iterator[Seller]:
        seller = Seller(tmp_path / "simulator.db", TOKEN)
        yield seller
        seller.close()

    def till(self, far_till: Seller) -> Till:
        """Declined payments, which Square keeps too, have taken nothing."""
        cards = far_till.cards()
        paid = {
            ref: Paid(one.state.lower(), one.amount, one.tip, one.captured, one.refunded)
            for ref, one in far_till.payments().items()
            if one.state != "FAILED"
        }
        enabled = sum(card["enabled"] for card in cards)
        return Till(len(far_till.listed("customers")), len(cards), enabled, paid, len(far_till.listed("refunds")))


class TestProvider(Square, suite.ProviderContract):
    can = frozenset(
        {
            *("saves_cards", "reads_saved_cards", "charges_saved_cards", "reads_payments", "cancels_by_key"),
            *("reads_whole", "receives_webhooks", "lists_events"),
        }
    )


class TestSavesCards(Square, suite_saving.SavesCardsContract): ...


class TestReadsSavedCards(Square, suite_saving.ReadsSavedCardsContract):
    def delete_customer(self, far_till: Seller, ref: str) -> None:
        far_till.delete_customer(ref)


class TestChargesSavedCards(Square, suite_saving.ChargesSavedCardsContract):
    def make_good(self, far_side: Control, ref: str) -> None:
        far_side.edit(ref, {"declines": ""})


class TestReadsPayments(Square, suite_saving.ReadsPaymentsContract): ...


class TestCancelsByKey(Square, suite_saving.CancelsByKeyContract): ...


class TestWrites(Square, suite_saving_writes.SavedWritesContract):
    told_by_refusals = frozenset({"capture", "cancel"})


class TestReadsWhole(Square, suite_saving_seeing.ReadsSavedWholeContract): ...


class TestReceivesWebhooks(Square, suite_saving_seeing.ReceivesSavedWebhooksContract): ...


class TestListsEvents(Square, suite_saving_seeing.ListsSavedEventsContract):
    @pytest.fixture(autouse=True)
    def _kept(self, far_till: Seller) -> None:
        far_till.enable_events()


class TestListsNoEvents(Square):
    def test_it_says_so_where_search_is_not_enabled(self, provider: Any) -> None:
        self.pay(provider, self.a_saved_card(provider))
        with contextlib.suppress(Unsupported):  # UNCONFIRMED how Square answers
            assert [body for page in provider.events() for body in page] == []
