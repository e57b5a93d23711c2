"""Every write of eSIMs and of the wallet, and what it leaves at the far side; what goes wrong with it is suite_faults.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cardctl.domain.cards import Credentials
from cardctl.domain.esims import NewPurchase, PurchaseState, goes_on
from cardctl.domain.operations import Draft
from cardctl.domain.topups import TopUpState
from cardctl.errors import ProviderRefused, ProviderUnavailable, ReplyLost, SecretProblem
from cardctl.providers import registry
from cardctl.simulator.control import Control
from tests.contract.ground import clashes, mark, usd
from tests.contract.suite_faults import FaultsContract
from tests.contract.suite_selling import SellingContract

TOPUP = usd(2_500)


class Paying:
    """A provider that has a card's numbers at hand whenever it sends."""

    def __init__(self, provider: Any, card: Credentials) -> None:
        self._provider = provider
        self._card = card

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def send(self, draft: Draft, key: str) -> Any:
        return self._provider.paying_with(self._card).send(draft, key)


@dataclass(frozen=True)
class Shop:
    """What there is at the far side: how each purchase stands, the movements of the wallet that count, and what is in it."""

    purchases: dict[str, str]
    credits: int
    cents: int


class SoldWritesContract(SellingContract, FaultsContract):
    writes = ("purchase", "purchase_refund")

    def draft(self, provider: Any, write: str, operation: str) -> Draft:
        if write == "purchase_refund":
            self.target = self.buy(provider)
            provider.purchase(self.target)
            refunding: Draft = provider.draft_purchase_refund(self.target, operation)
            return refunding
        self.target = mark().replace("_", "-")
        buying: Draft = provider.draft_purchase(NewPurchase(self.offer, self.target), operation)
        return buying

    def world(self, provider: Any, far_side: Control) -> Shop:
        return shop_of(provider)

    def check_done_once(self, provider: Any, far_side: Control, write: str, before: Shop) -> None:
        far_side.clear_faults()
        now, cost = self.world(provider, far_side), self.cost(provider).minor
        if write == "purchase":
            assert now.purchases == before.purchases | {self.target: "done"}
            assert (now.credits, now.cents) == (before.credits, before.cents - cost)
        else:
            assert now.purchases == before.purchases
            assert (now.credits, now.cents) == (before.credits + 1, before.cents + cost)

    def again(self, provider: Any, write: str, draft: Draft) -> bool:
        """No write is sent twice unasked: whether the first one ran is looked for."""
        return False

    def another(self, provider: Any, write: str) -> None:
        self.buy(provider)

    def test_looking_tells_what_was_not_sent_from_what_was(self, provider: Any, far_side: Control, write: str) -> None:
        """It goes on after its answer, so that its state alone is another by then."""
        operation = mark()
        draft = self.draft(provider, write, operation)
        before = self.world(provider, far_side)
        self.check_looking(provider, far_side, write, draft, operation, before, ran=False)
        sent = provider.send(draft, operation)
        self.check_looking(provider, far_side, write, draft, operation, before, ran=True)
        seen = provider.look_up(draft, operation).remote
        assert clashes(seen, sent) == ["state"]
        assert goes_on(sent.state, seen.state)

    def test_a_purchase_that_is_sent_again_is_made_once(self, provider: Any, far_side: Control) -> None:
        operation = mark()
        draft = self.draft(provider, "purchase", operation)
        assert draft.repeatable
        before = self.world(provider, far_side)
        first = provider.send(draft, operation)
        second = provider.send(draft, operation)
        assert (first.ref, second.ref, second.state) == (self.target, self.target, PurchaseState.DONE)
        self.check_done_once(provider, far_side, "purchase", before)

    @pytest.mark.parametrize("seed", range(4))
    def test_whatever_goes_wrong_each_is_bought_once(self, provider: Any, far_side: Control, seed: int) -> None:
        """As the journal does it: send; where nobody knows, look; where it surely is not there, send again."""
        cost, before = self.cost(provider), self.world(provider, far_side)
        drafts = [provider.draft_purchase(NewPurchase(self.offer, f"whatever-{number}"), mark()) for number in range(40)]
        far_side.fault_random(seed, 0.3)
        for draft in drafts:
            settled(provider, draft)
        far_side.clear_faults()
        now = self.world(provider, far_side)
        assert now.purchases == before.purchases | {f"whatever-{number}": "done" for number in range(40)}
        assert before.cents - now.cents == 40 * cost.minor


def settled(provider: Any, draft: Draft, *, most: int = 200) -> None:
    """Until it is bought; no fault is a no."""
    for _ in range(most):
        with suppress(ProviderUnavailable, ReplyLost, SecretProblem):
            provider.send(draft, "op_any")
            return
        with suppress(ProviderUnavailable, ReplyLost, SecretProblem):
            if provider.look_up(draft, "op_any").happened:
                return
    raise AssertionError("it never came to an end")


def shop_of(provider: Any) -> Shop:
    """By the documented lists."""
    purchases = {entry.ref: str(entry.state) for page in provider.ledger() for entry in page if not entry.credit}
    credits_ = [entry for page in provider.ledger() for entry in page if entry.credit]
    (money,) = provider.float_balances()
    return Shop(purchases, len(credits_), money.minor)


class TopsUpWalletContract(SellingContract, FaultsContract):
    writes = ("topup",)
    declined: ClassVar[str]
    """The endpoint's word for a card that was declined."""

    @pytest.fixture
    def provider(self, tmp_path: Path) -> Iterator[Any]:
        self._path = tmp_path
        plain = registry.build(self.name, self.handed(tmp_path))
        self.card, numbers = self.a_paying_card(usd(10_000))
        yield Paying(plain, numbers)
        plain.close()

    def draft(self, provider: Any, write: str, operation: str) -> Draft:
        drafted: Draft = provider.draft_wallet_topup(TOPUP, operation)
        return drafted

    def world(self, provider: Any, far_side: Control) -> tuple[Shop, int]:
        """The wallet, and the float that the cards spend from."""
        (left,) = far_side.status()["float"]["stripe"]
        return shop_of(provider), left.minor

    def check_done_once(self, provider: Any, far_side: Control, write: str, before: tuple[Shop, int]) -> None:
        far_side.clear_faults()
        (now, left), (was, had) = self.world(provider, far_side), before
        assert now.cents - was.cents == had - left == TOPUP.minor
        assert now.credits == was.credits + 1

    def again(self, provider: Any, write: str, draft: Draft) -> bool:
        """Under its key, with the card at hand."""
        return True

    def marked(self, write: str, remote: Any, operation: str) -> bool:
        return bool(remote.mark == operation)

    def another(self, provider: Any, write: str) -> None:
        self.do(provider, lambda operation: provider.draft_wallet_topup(TOPUP, operation))

    def test_a_card_that_is_declined_pays_nothing(self, provider: Any, far_side: Control) -> None:
        before = self.world(provider, far_side)
        operation = mark()
        draft = provider.draft_wallet_topup(usd(10_001), operation)
        with pytest.raises(ProviderRefused) as caught:
            provider.send(draft, operation)
        assert caught.value.vendor_code == self.declined
        assert self.world(provider, far_side) == before
        seen = provider.look_up(draft, operation)
        assert (seen.happened, seen.remote.state) == (True, TopUpState.FAILED)

    def test_a_top_up_may_wait(self, provider: Any, far_side: Control) -> None:
        far_side.set_esim_pace(0, topups=60)
        before, operation = self.world(provider, far_side), mark()
        draft = provider.draft_wallet_topup(TOPUP, operation)
        assert provider.send(draft, operation).state is TopUpState.PENDING
        assert self.world(provider, far_side)[0] == before[0]
        far_side.advance(timedelta(minutes=1))
        assert provider.look_up(draft, operation).remote.state is TopUpState.SETTLED
        self.check_done_once(provider, far_side, "topup", before)

    def test_without_the_card_nothing_is_sent(self, provider: Any, far_side: Control) -> None:
        before = self.world(provider, far_side)
        operation = mark()
        draft = provider.draft_wallet_topup(TOPUP, operation)
        assert draft.repeatable, "with the card at hand: the endpoint takes each reference once"
        with pytest.raises(ProviderUnavailable):
            registry.build(self.name, self.handed(self._path)).send(draft, operation)
        assert self.world(provider, far_side) == before
