"""What every provider must do that sells eSIMs out of a wallet, one class per capability, written once.

Writes that go wrong are suite_selling_writes.py; whole lists and notifications suite_selling_seeing.py. A provider's own file
inherits, and says which of its offers ends how; nothing here knows a provider's words.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cardctl.domain.cards import Credentials, NewCard
from cardctl.domain.esims import ENDED, LedgerEntry, NewPurchase, Offer, PurchaseState, RemotePurchase
from cardctl.domain.money import Money
from cardctl.domain.redaction import Secret
from cardctl.errors import ProviderHasNot, ProviderRefused
from cardctl.providers import registry
from cardctl.simulator.control import Control
from tests.contract.ground import Contract, mark, usd

_S = PurchaseState
PNG = b"\x89PNG\r\n\x1a\n"


class SellingContract(Contract):
    """Ground: offers by how they end, purchases, the wallet from behind the counter, and a card that can top it up."""

    keeps_marks = False
    offer: ClassVar[str]
    country: ClassVar[str]
    region: ClassVar[str]
    fails: ClassVar[str]
    slow: ClassVar[str]
    slow_for: ClassVar[timedelta]
    codeless: ClassVar[str]
    disabled: ClassVar[str]
    costly: ClassVar[tuple[str, ...]]
    """Offers with fees, or amounts that are no whole cents."""

    @pytest.fixture(autouse=True)
    def _far(self, tmp_path: Path) -> None:
        self._path = tmp_path

    def buy(self, provider: Any, offer: str | None = None, ref: str | None = None) -> str:
        """The name of a new purchase."""
        wanted = NewPurchase(offer or self.offer, ref or mark().replace("_", "-"))
        bought: RemotePurchase = self.do(provider, lambda operation: provider.draft_purchase(wanted, operation))
        assert bought.ref == wanted.ref
        return wanted.ref

    def refund(self, provider: Any, ref: str) -> RemotePurchase:
        asked: RemotePurchase = self.do(provider, lambda operation: provider.draft_purchase_refund(ref, operation))
        return asked

    def wallet(self, provider: Any) -> Money:
        (money,) = provider.float_balances()
        assert isinstance(money, Money)
        return money

    def cost(self, provider: Any, offer: str | None = None) -> Money:
        cost = provider.offer(offer or self.offer).cost
        assert isinstance(cost, Money)
        return cost

    def offers(self, provider: Any, **told: str) -> dict[str, Offer]:
        return {offer.id: offer for page in provider.offers(**told) for offer in page}

    def ledger(self, provider: Any, since: datetime | None = None) -> list[LedgerEntry]:
        return [entry for page in provider.ledger(since=since) for entry in page]

    def a_paying_card(self, allowance: Money, *, active: bool = True) -> tuple[str, Credentials]:
        """A card of an issuer on the same far side: its name, and its numbers."""
        handed = replace(self.handed(self._path), secret=lambda _name: Secret("sk_test_simulator"), settings={})
        issuer: Any = registry.build("stripe", handed)
        account = self.an_account(issuer)
        wanted = NewCard(account.ref, "USD", active=active, allowance=allowance, holder="Jenny Rosen")
        card = self.do(issuer, lambda operation: issuer.draft_card(wanted, operation))
        return card.ref, issuer.reveal(card.ref)


class SellsEsimsContract(SellingContract):
    def test_offers_are_listed_as_they_are_read_disabled_ones_too(self, provider: Any) -> None:
        listed = self.offers(provider)
        for name in (self.offer, self.disabled, *self.costly):
            assert provider.offer(name) == listed[name]
        assert (listed[self.offer].enabled, listed[self.disabled].enabled) == (True, False)
        assert all(offer.cost.minor > 0 and offer.title for offer in listed.values())

    def test_offers_of_a_country_and_of_a_region(self, provider: Any) -> None:
        everywhere = self.offers(provider)
        there = self.offers(provider, country=self.country.lower())
        wide = self.offers(provider, region=self.region)
        assert self.offer in there
        assert there.keys() == {name for name, offer in everywhere.items() if offer.country == self.country}
        assert wide.keys() == {name for name, offer in everywhere.items() if self.region in offer.regions}
        assert wide
        assert self.offers(provider, country="AQ") == {}

    def test_what_is_not_there_is_said_not_to_be(self, provider: Any) -> None:
        for ask in (provider.offer, provider.purchase, provider.qr_code, provider.plans, provider.purchase_refund):
            with pytest.raises(ProviderHasNot):
                ask("nobody")

    def test_a_purchase_comes_to_an_esim(self, provider: Any) -> None:
        before, cost = self.wallet(provider), self.cost(provider)
        ref = self.buy(provider)
        bought = provider.purchase(ref)
        assert (bought.state, bought.offer_id, bought.cost) == (_S.DONE, self.offer, cost)
        assert bought.activation.startswith("LPA:1$")
        assert bought.iccid
        assert provider.qr_code(ref).startswith(PNG)
        assert self.wallet(provider) == before - cost

    def test_what_is_dearer_than_it_looks_costs_what_was_said(self, provider: Any) -> None:
        assert self.costly
        for offer in self.costly:
            before, cost = self.wallet(provider), self.cost(provider, offer)
            ref = self.buy(provider, offer)
            assert provider.purchase(ref).cost == cost
            assert self.wallet(provider) == before - cost
            assert [entry.amount for entry in self.ledger(provider) if entry.ref == ref] == [cost]

    def test_a_purchase_without_a_code_has_a_picture(self, provider: Any) -> None:
        ref = self.buy(provider, self.codeless)
        bought = provider.purchase(ref)
        assert (bought.state, bought.activation) == (_S.DONE, None)
        assert provider.qr_code(ref).startswith(PNG)

    def test_a_purchase_that_fails_costs_nothing(self, provider: Any) -> None:
        before = self.wallet(provider)
        ref = self.buy(provider, self.fails)
        bought = provider.purchase(ref)
        assert (bought.state, bought.activation) == (_S.FAILED, None)
        assert bought.error_code
        assert bought.error
        assert self.wallet(provider) == before
        with pytest.raises(ProviderHasNot):
            provider.qr_code(ref)

    def test_a_wallet_that_is_short_pays_nothing(self, provider: Any, far_side: Control) -> None:
        cost = self.cost(provider)
        far_side.set_wallet(cost - usd(1))
        bought = provider.purchase(self.buy(provider))
        assert (bought.state, bought.error_code) == (_S.FAILED, "INSUFFICIENT_FUNDS")
        assert self.wallet(provider) == cost - usd(1)
        far_side.set_wallet(cost)
        assert provider.purchase(self.buy(provider)).state is _S.DONE
        assert self.wallet(provider) == usd(0)

    def test_what_takes_its_time_is_no_failure(self, provider: Any, far_side: Control) -> None:
        before, cost = self.wallet(provider), self.cost(provider, self.slow)
        ref = self.buy(provider, self.slow)
        waiting = provider.purchase(ref)
        assert waiting.state not in ENDED
        assert waiting.activation is None
        assert self.wallet(provider) == before - cost, "it is held"
        far_side.advance(self.slow_for)
        assert provider.purchase(ref).state is _S.DONE
        assert self.wallet(provider) == before - cost

    def test_every_state_on_the_way_is_known_and_goes_on(self, provider: Any, far_side: Control) -> None:
        far_side.set_esim_pace(10)
        ref, seen = self.buy(provider), []
        for _ in range(12):
            seen.append(provider.purchase(ref).state)
            far_side.advance(timedelta(seconds=5))
        assert list(dict.fromkeys(seen)) == [_S.ACCEPTED, _S.PENDING, _S.AUTHORIZED, _S.IN_PROGRESS, _S.DONE]

    def test_a_name_is_taken_once_and_the_same_again_is_the_same(self, provider: Any) -> None:
        before, cost = self.wallet(provider), self.cost(provider)
        ref = self.buy(provider)
        again = provider.draft_purchase(NewPurchase(self.offer, ref), mark())
        assert provider.send(again, mark()) == provider.purchase(ref)
        assert self.wallet(provider) == before - cost
        other = provider.draft_purchase(NewPurchase(self.fails, ref), mark())
        with pytest.raises(ProviderRefused) as caught:
            provider.send(other, mark())
        assert caught.value.vendor_code == "TRANSACTION_ID_TAKEN"
        assert provider.look_up(other, mark()).happened is False

    def test_what_cannot_be_bought_is_refused_and_leaves_nothing(self, provider: Any) -> None:
        before = self.wallet(provider)
        for offer in (self.disabled, "no-such-offer"):
            wanted = NewPurchase(offer, mark().replace("_", "-"))
            draft = provider.draft_purchase(wanted, mark())
            with pytest.raises(ProviderRefused):
                provider.send(draft, mark())
            assert provider.look_up(draft, mark()).happened is False
        assert (self.wallet(provider), self.ledger(provider)) == (before, [])

    def test_a_plan_and_another_one_on_the_same_esim(self, provider: Any) -> None:
        first = provider.purchase(self.buy(provider))
        ref = mark().replace("_", "-")
        self.do(provider, lambda operation: provider.draft_purchase(NewPurchase(self.offer, ref, first.iccid), operation))
        assert provider.purchase(ref).iccid == first.iccid
        plans = provider.plans(first.iccid)
        assert [(plan.iccid, plan.offer_id) for plan in plans] == [(first.iccid, self.offer)] * 2
        assert all(plan.remaining_gb is not None and plan.remaining_gb <= plan.initial_gb for plan in plans)


class RefundsPurchasesContract(SellingContract):
    def test_the_money_comes_back_once(self, provider: Any) -> None:
        before = self.wallet(provider)
        ref = self.buy(provider)
        cost = self.cost(provider)
        assert self.wallet(provider) == before - cost
        self.refund(provider, ref)
        entry = provider.purchase_refund(ref)
        assert (entry.credit, entry.amount, entry.state, entry.recharge) == (True, cost, _S.DONE, False)
        assert self.wallet(provider) == before
        self.refund(provider, ref)
        assert self.wallet(provider) == before

    def test_nothing_is_given_back_of_what_failed_or_is_not_there(self, provider: Any) -> None:
        before = self.wallet(provider)
        for ref in (self.buy(provider, self.fails), "nobody"):
            with pytest.raises(ProviderRefused):
                self.refund(provider, ref)
            with pytest.raises(ProviderHasNot):
                provider.purchase_refund(ref)
        assert self.wallet(provider) == before


class KeepsWalletContract(SellingContract):
    def test_the_ledger_explains_the_balance(self, provider: Any, far_side: Control) -> None:
        opening = self.wallet(provider)
        bought, failed, slow = (self.buy(provider, offer) for offer in (self.offer, self.fails, self.slow))
        self.refund(provider, bought)
        far_side.recharge_wallet(usd(5_000))
        entries = {entry.ref: entry for entry in self.ledger(provider)}
        assert len(entries) == 5
        assert entries[failed].state is _S.FAILED
        assert entries[slow].state not in ENDED
        assert [entry.amount for entry in entries.values() if entry.recharge] == [usd(5_000)]
        held_or_done = [entry for entry in entries.values() if entry.state is not _S.FAILED]
        assert sum((e.amount if e.credit else -e.amount for e in held_or_done), opening) == self.wallet(provider)

    def test_since_leaves_out_what_is_older(self, provider: Any, far_side: Control) -> None:
        old = self.buy(provider)
        provider.purchase(old)
        far_side.advance(timedelta(hours=1))
        when = far_side.status()["clock"]
        new = self.buy(provider)
        assert [entry.ref for entry in self.ledger(provider, when)] == [new]
        assert {entry.ref for entry in self.ledger(provider)} == {old, new}

    def test_a_long_ledger_is_whole(self, provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        refs = [self.buy(provider) for _ in range(7)]
        self.page_of(monkeypatch, 3)
        assert sorted(entry.ref for entry in self.ledger(provider)) == sorted(refs)
        assert len(list(provider.ledger())) == 3
        assert len(self.offers(provider)) > 3

    def page_of(self, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
        """Asks for pages of so many rows from now on."""
        raise NotImplementedError

    def test_a_report_has_what_ended_in_its_time(self, provider: Any, far_side: Control) -> None:
        done, failed, slow = (self.buy(provider, offer) for offer in (self.offer, self.fails, self.slow))
        now = far_side.status()["clock"]
        far_side.set_esim_pace(1)
        reporting = self.reporting(provider, far_side)
        report = reporting.report(now - timedelta(minutes=5), now + timedelta(minutes=5)).decode()
        assert done in report
        assert failed in report
        assert slow not in report
        assert done not in reporting.report(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC)).decode()

    def reporting(self, provider: Any, far_side: Control) -> Any:
        """Another provider; while it waits, the far side's clock goes on."""

        def pause(seconds: float) -> None:
            far_side.advance(timedelta(seconds=seconds))

        return registry.build(self.name, replace(self.handed(self._path), sleep=pause))
