"""Strowallet, both of its products, held to the contract against the simulator's face: it keeps nothing of ours, and no key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from cardctl.domain.transactions import TransactionState
from cardctl.simulator.control import Control
from tests.contract import ground, suite, suite_events, suite_money, suite_seeing, suite_whole, suite_writes
from tests.contract.ground import FUNDS, usd


class Strowallet(ground.Contract):
    name = "strowallet"
    secrets: ClassVar = {"strowallet.public_key": "pub_test_4eC39HqLyjWDarjtT1zdp7dc"}
    keeps_external_id = False
    keeps_marks = False
    changes = frozenset({"phone", "address"})
    needs_funds = True
    settles_apart = False
    decline_fee = usd(50)


class Nfc(Strowallet):
    """Its customers go by their email, and cannot be changed."""

    settings: ClassVar = {"product": "nfc"}
    changes = frozenset()
    nobody = "nobody@example.com"
    most_events = 50


class TestProvider(Strowallet, suite.ProviderContract):
    can = frozenset(
        {
            *("issues_cards", "controls_cards", "funds_cards", "reports_balance"),
            *("reads_cards", "reads_transactions", "reads_whole", "reveals_credentials", "receives_webhooks"),
        }
    )


class TestIssuesCards(Strowallet, suite.IssuesCardsContract): ...


class TestControlsCards(Strowallet, suite.ControlsCardsContract): ...


class TestReadsCards(Strowallet, suite.ReadsCardsContract): ...


class TestFundsCards(Strowallet, suite_money.FundsCardsContract):
    def test_money_that_comes_later_is_not_there_yet(self, provider: Any, far_side: Control) -> None:
        card = self.a_card(provider)
        float_before = self.float_of(far_side)
        far_side.fault("delayed-funding", 2)
        news = [self.fund(provider, card, 25), self.withdraw(provider, card, 10)]
        assert [one.settled for one in news] == [False, False]
        assert (self.spendable(provider, card.ref), self.float_of(far_side)) == (usd(990), float_before - usd(25))
        pending = {one.reference: one.state for page in provider.transactions_of(card.ref) for one in page}
        assert [pending[one.reference] for one in news] == [TransactionState.PENDING] * 2
        far_side.advance(timedelta(minutes=2))
        assert (self.spendable(provider, card.ref), self.float_of(far_side)) == (FUNDS + usd(15), float_before - usd(15))
        settled = {one.reference: one.state for page in provider.transactions_of(card.ref) for one in page}
        assert [settled[one.reference] for one in news] == [TransactionState.SETTLED] * 2


class TestWrites(Strowallet, suite_writes.WritesContract):
    """A card that may have been made can be seen nowhere; money is seen where it came, and nowhere that it never will."""

    writes: ClassVar[Sequence[str]] = (
        "account",
        "account_change",
        "first_card",
        "card",
        "freeze",
        "unfreeze",
        "fund",
        "withdraw",
    )
    tells: ClassVar = {"first_card": (None, None), "card": (None, None), "fund": (True, None), "withdraw": (True, None)}


class TestReadsTransactions(Strowallet, suite_seeing.ReadsTransactionsContract):
    lists_ours = True


class TestReadsWhole(Strowallet, suite_whole.ReadsWholeContract):
    has_lists = False


class TestRevealsCredentials(Strowallet, suite_seeing.RevealsCredentialsContract): ...


class TestReportsBalance(Strowallet, suite_seeing.ReportsBalanceContract): ...


class TestReceivesWebhooks(Strowallet, suite_events.ReceivesWebhooksContract):
    """A secret in the address, which proves the sender alone."""

    covered = False


class TestNfcIssuesCards(Nfc, suite.IssuesCardsContract): ...


class TestNfcControlsCards(Nfc, suite.ControlsCardsContract): ...


class TestNfcReadsCards(Nfc, suite.ReadsCardsContract): ...


class TestNfcFundsCards(Nfc, TestFundsCards): ...


class TestNfcWrites(Nfc, TestWrites):
    writes = tuple(write for write in TestWrites.writes if write != "account_change")


class TestNfcReadsTransactions(Nfc, TestReadsTransactions): ...


class TestNfcReadsWhole(Nfc, TestReadsWhole): ...


class TestNfcRevealsCredentials(Nfc, suite_seeing.RevealsCredentialsContract): ...


class TestNfcReportsBalance(Nfc, suite_seeing.ReportsBalanceContract): ...
