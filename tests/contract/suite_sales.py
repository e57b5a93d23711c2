"""What every provider must do that takes customers' payments: a page is made once, money goes back once, and every word of a
payment agrees with every other."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.payments import UNREFUNDED, RefundState
from cardctl.domain.sales import CheckoutState, NewCheckout, OrderData, RemoteCheckout, RemoteSaleRefund, SaleState
from cardctl.domain.things import Kind, Named
from cardctl.errors import BadAmount, ProviderHasNot, ProviderRefused, ReplyLost, Unsupported
from cardctl.providers import registry
from cardctl.providers.paging import ISSUED, SAVED, SOLD, Source
from cardctl.simulator.control import Control
from tests.contract.ground import PAGE_AND_MORE, Contract, clashes, mark, usd
from tests.contract.suite_events import Notified
from tests.contract.suite_faults import FaultsContract
from tests.contract.suite_whole import Others, ReadsWholeContract
from tests.contract.turning import bare, openings, read
from tests.simulator.shop import page, purse
from tests.simulator.stranger import Stranger

PRICE = 2_500
URL = "https://shop.example/thanks"
DATA = OrderData("ESIM-TR-7D-1GB", "ada@example.com", "Ada L.", "txn-1")


class SalesContract(Contract):
    """Ground: a customer who pays, and a stranger at the same far side who sees what there is."""

    said: ClassVar[Mapping[str, str]] = {
        "offerId": "ESIM-TR-7D-1GB",
        "recipientEmail": "ada@example.com",
        "fullName": "Ada L.",
        "transactionId": "txn-1",
    }
    """DATA as the seller's own shop writes it into a payment."""

    @pytest.fixture
    def shop(self, tmp_path: Path) -> Iterator[Stranger]:
        with Stranger(tmp_path / "simulator.db") as shop:
            yield shop

    def wanted(self, minor: int = PRICE, data: OrderData = DATA) -> NewCheckout:
        return NewCheckout(data, usd(minor), "eSIM Turkey 1 GB", URL)

    def a_checkout(self, provider: Any, minor: int = PRICE) -> RemoteCheckout:
        made: RemoteCheckout = self.do(provider, lambda operation: provider.draft_checkout(self.wanted(minor), operation))
        return made

    def give_back(self, provider: Any, ref: str, minor: int, *, duplicate: bool = False) -> RemoteSaleRefund:
        made: RemoteSaleRefund = self.do(
            provider, lambda operation: provider.draft_sale_refund(ref, usd(minor), operation, duplicate=duplicate)
        )
        return made


class TakesPaymentsContract(SalesContract):
    def test_a_checkout_comes_out_as_it_was_wanted_and_costs_nobody_anything(self, provider: Any, shop: Stranger) -> None:
        operation = mark()
        made = provider.send(provider.draft_checkout(self.wanted(), operation), operation)
        assert (made.state, made.paid, made.amount, made.sale_ref) == (CheckoutState.OPEN, False, usd(PRICE), None)
        assert (made.data, made.mark) == (DATA, operation)
        assert made.url
        assert made.expires_at > made.created_at
        assert clashes(provider.checkout(made.ref), made) == []
        assert purse(shop) == 0

    def test_who_pays_it_pays_for_the_order(self, provider: Any, far_side: Control, shop: Stranger) -> None:
        made = self.a_checkout(provider)
        far_side.pay(made.ref)
        paid = provider.checkout(made.ref)
        assert (paid.state, paid.paid, paid.data) == (CheckoutState.COMPLETE, True, DATA)
        sale = provider.sale(paid.sale_ref)
        assert (sale.ref, sale.state, sale.amount, sale.data) == (paid.sale_ref, SaleState.PAID, usd(PRICE), DATA)
        assert (sale.refunded, sale.disputed) == (usd(0), False)
        assert purse(shop) == PRICE

    def test_who_is_declined_has_not_paid(self, provider: Any, far_side: Control, shop: Stranger) -> None:
        made = self.a_checkout(provider)
        far_side.pay(made.ref, declined=True)
        assert not provider.checkout(made.ref).paid
        assert purse(shop) == 0

    def test_a_page_that_nobody_paid_ends(self, provider: Any, far_side: Control) -> None:
        made = self.a_checkout(provider)
        far_side.advance(timedelta(days=2))
        ended = provider.checkout(made.ref)
        assert (ended.state, ended.paid) == (CheckoutState.EXPIRED, False)

    def test_money_goes_back_in_parts_and_no_further(self, provider: Any, far_side: Control, shop: Stranger) -> None:
        ref = far_side.sell(usd(PRICE), self.said)
        first, rest = self.give_back(provider, ref, 900), self.give_back(provider, ref, PRICE - 900, duplicate=True)
        for made, minor in ((first, 900), (rest, PRICE - 900)):
            assert (made.sale_ref, made.state, made.amount) == (ref, RefundState.COMPLETED, usd(minor))
        assert first.reason != rest.reason
        assert purse(shop) == 0
        with pytest.raises(ProviderRefused):
            self.give_back(provider, ref, 1)
        assert (provider.sale(ref).refunded, provider.sale(ref).state) == (usd(PRICE), SaleState.PAID)
        assert purse(shop) == 0

    def test_more_than_was_paid_does_not_go_back(self, provider: Any, far_side: Control, shop: Stranger) -> None:
        ref = far_side.sell(usd(PRICE), self.said)
        with pytest.raises(ProviderRefused):
            self.give_back(provider, ref, PRICE + 1)
        assert (purse(shop), provider.sale_refunds(ref)) == (PRICE, [])

    def test_nothing_is_no_amount(self, provider: Any) -> None:
        with pytest.raises(BadAmount):
            provider.draft_checkout(self.wanted(0), mark())
        with pytest.raises(BadAmount):
            provider.draft_sale_refund("pi_1", usd(0), mark())

    def test_what_nobody_paid_is_not_given_back(self, provider: Any, shop: Stranger) -> None:
        with pytest.raises(ProviderRefused):
            self.give_back(provider, "pi_nothing", 100)
        assert purse(shop) == 0

    def test_money_of_other_kinds(self, provider: Any) -> None:
        for money in (Money(500, "JPY"), Money(500, "EUR"), Money(50, "ISK")):
            made = self.do(provider, partial(provider.draft_checkout, replace(self.wanted(), price=money)))
            assert made.amount == money


class ReadsSalesContract(SalesContract):
    def test_a_payment_of_other_business_says_nothing_of_an_order(self, provider: Any, far_side: Control) -> None:
        sale = provider.sale(far_side.sell(usd(PRICE), {"invoice": "7"}, "payer@example.com"))
        assert (sale.state, sale.amount, sale.data, sale.email) == (SaleState.PAID, usd(PRICE), None, "payer@example.com")

    def test_a_payment_whose_checkout_alone_says_what_for(self, provider: Any, far_side: Control, shop: Stranger) -> None:
        made = page(shop, PRICE, **{f"metadata[{name}]": value for name, value in self.said.items()})
        ref = far_side.pay(made["id"]).payment_ref
        assert provider.sale(ref).data == DATA
        done = read(provider, openings(provider, Source.SALES), random.Random(1))
        assert [item.data for item in done.items if item.ref == ref and item.data] == [DATA]

    def test_refunds_are_read_alone_and_together(self, provider: Any, far_side: Control) -> None:
        ref, other = far_side.sell(usd(PRICE), self.said), far_side.sell(usd(PRICE), self.said)
        made = [self.give_back(provider, ref, minor) for minor in (100, 200)]
        self.give_back(provider, other, 300)
        assert {one.ref: bare(one) for one in provider.sale_refunds(ref)} == {one.ref: bare(one) for one in made}
        assert all(clashes(provider.sale_refund(one.ref), one) == [] for one in made)
        assert provider.sale(ref).refunded == usd(300)

    def test_a_refund_that_fails_later_is_told_and_not_counted(self, provider: Any, far_side: Control, shop: Stranger) -> None:
        ref = far_side.sell(usd(PRICE), self.said)
        made = self.give_back(provider, ref, PRICE)
        far_side.edit(made.ref, {"status": "failed"})
        failed = provider.sale_refund(made.ref)
        assert failed.state in UNREFUNDED
        assert (provider.sale(ref).refunded, purse(shop)) == (usd(0), PRICE)

    def test_what_is_not_there(self, provider: Any) -> None:
        for asked in (provider.sale, provider.checkout, provider.sale_refund):
            with pytest.raises(ProviderHasNot):
                asked("nothing")

    def test_no_word_has_a_customers_secret(self, provider: Any, far_side: Control) -> None:
        made = self.a_checkout(provider)
        ref = far_side.pay(made.ref).payment_ref
        words = [made, provider.checkout(made.ref), provider.sale(ref), self.give_back(provider, ref, 1)]
        assert "client_secret" not in str([word.raw for word in words])


@dataclass(frozen=True)
class Takings:
    """All that there is, seen by a stranger."""

    checkouts: int
    refunds: int
    purse: int
    given: int
    """Of the one payment that a test gives back."""


class SoldWritesContract(SalesContract, FaultsContract):
    writes = ("checkout", "sale_refund", "sale_refund_in_part")
    target: str = ""

    @pytest.fixture(autouse=True)
    def _behind(self, shop: Stranger, far_side: Control) -> None:
        self._shop, self._far_side = shop, far_side

    def draft(self, provider: Any, write: str, operation: str) -> Draft:
        self.target = self._far_side.sell(usd(PRICE), self.said)
        return self.a_draft(provider, write, operation)

    def a_draft(self, provider: Any, write: str, operation: str) -> Draft:
        drafted: Draft = (
            provider.draft_checkout(self.wanted(), operation)
            if write == "checkout"
            else provider.draft_sale_refund(self.target, usd(self.moved(write)), operation)
        )
        return drafted

    def moved(self, write: str) -> int:
        return {"sale_refund": PRICE, "sale_refund_in_part": 700}.get(write, 0)

    def world(self, provider: Any, far_side: Control) -> Takings:
        given = self._shop.seen("/v1/refunds", payment_intent=self.target, limit=100)["data"]
        counts = far_side.status()["providers"][self.name]
        return Takings(counts["checkout_sessions"], counts["refunds"], purse(self._shop), sum(one["amount"] for one in given))

    def check_done_once(self, provider: Any, far_side: Control, write: str, before: Takings) -> None:
        minor, checkout = self.moved(write), write == "checkout"
        assert self.world(provider, far_side) == Takings(
            before.checkouts + checkout, before.refunds + (not checkout), before.purse - minor, before.given + minor
        )
        assert provider.sale(self.target).refunded == usd(before.given + minor)

    def again(self, provider: Any, write: str, draft: Draft) -> bool:
        assert provider.key_life is not None
        return True

    def another(self, provider: Any, write: str) -> None:
        """The same kind of thing, once more; of a whole payment there is nothing left."""
        if write != "sale_refund":
            self.do(provider, lambda operation: self.a_draft(provider, write, operation))

    def test_the_same_key_for_another_amount_gives_nothing_back(self, provider: Any, far_side: Control) -> None:
        operation = mark()
        provider.send(self.draft(provider, "sale_refund_in_part", operation), operation)
        before = self.world(provider, far_side)
        with pytest.raises((ProviderRefused, ReplyLost)):
            provider.send(provider.draft_sale_refund(self.target, usd(701), operation), operation)
        assert self.world(provider, far_side) == before

    def test_looking_is_conclusive_among_many(self, provider: Any, far_side: Control) -> None:
        """More checkouts than a page holds, and ours the oldest."""
        operation = mark()
        draft = self.draft(provider, "checkout", operation)
        made = provider.send(draft, operation)
        for _ in range(PAGE_AND_MORE):
            page(self._shop)
        sighting = provider.look_up(draft, operation)
        assert (sighting.happened, sighting.remote.ref) == (True, made.ref)
        assert provider.look_up(draft, mark()).happened is False


class ReadsSoldWholeContract(SalesContract, ReadsWholeContract):
    sources = SOLD
    many = Source.SALES

    @pytest.fixture
    def names(self, provider: Any, far_side: Control) -> dict[Source, list[str]]:
        """More payments than a page holds, some of them out of checkouts, and refunds, spread over two days."""
        paid, given = list[str](), list[str]()
        for number in range(PAGE_AND_MORE):
            if number % 20:
                paid.append(far_side.sell(usd(PRICE + number), self.said if number % 3 else {"invoice": str(number)}))
            else:
                paid.append(far_side.pay(self.a_checkout(provider).ref).payment_ref)
            if number % 10 == 0:
                given.append(self.give_back(provider, paid[-1], 100).ref)
            far_side.advance(timedelta(minutes=0 if number % 4 else 100))
        return {Source.SALES: paid, Source.SALE_REFUNDS: given}

    def listed(self, provider: Any, source: Source, names: list[str], since: Any = None) -> dict[str, Any]:
        """As each is read by its name; `since` leaves out what was made before, by whole seconds."""
        one = {Source.SALES: provider.sale, Source.SALE_REFUNDS: provider.sale_refund}[source]
        found = {name: bare(one(name)) for name in [*names, *self.newer(source)]}
        start = since and since.replace(microsecond=0)
        return {name: item for name, item in found.items() if start is None or item.created_at >= start}

    def newer(self, source: Source) -> list[str]:
        """Names of what was made meanwhile."""
        made: dict[Source, list[str]] = self.__dict__.setdefault("_newer", {})
        return made.setdefault(source, [])

    def live(self, provider: Any, far_side: Control, names: dict[Source, list[str]], dice: random.Random) -> None:
        if dice.random() < 0.5:
            self.newer(Source.SALES).append(far_side.sell(usd(PRICE), self.said))
            if dice.random() < 0.3:
                self.newer(Source.SALE_REFUNDS).append(self.give_back(provider, self.newer(Source.SALES)[-1], 10).ref)

    def test_it_says_what_it_lists_and_asks_nothing_first(self, others: Others) -> None:
        assert [others.turner.lists(source) for source in (*SOLD, *ISSUED)] == [True] * 5
        for source in SOLD:
            assert openings(others.turner, source)
        for source in SAVED:
            assert not others.turner.lists(source)
            with pytest.raises(Unsupported):
                openings(others.turner, source, ["somebody"])
        assert others.calls == 0


class ToldOfSalesContract(SalesContract, Notified):
    def sold(self, provider: Any, far_side: Control) -> tuple[str, str, str]:
        """A checkout that was paid, its payment, and a refund of it; and other business."""
        far_side.sell(usd(PRICE), {"invoice": "7"})
        made = self.a_checkout(provider)
        ref = far_side.pay(made.ref).payment_ref
        return made.ref, ref, self.give_back(provider, ref, 700).ref

    def test_what_is_told_is_what_is_read_or_leads_there(self, provider: Any, far_side: Control) -> None:
        checkout, sale, refund = self.sold(provider, far_side)
        told = [one.sold for one in self.told(far_side)]
        (of_sale,) = [one for each in told for one in each.sales]
        (of_checkout,) = [one for each in told for one in each.checkouts]
        assert (of_sale.ref, clashes(of_sale, replace(provider.sale(sale), refunded=None))) == (sale, [])
        assert (of_checkout.ref, clashes(of_checkout, provider.checkout(checkout))) == (checkout, [])
        looks = {name for each in told for name in each.look}
        assert looks == {Named(Kind.SALE, sale), Named(Kind.SALE_REFUND, refund)}

    def test_what_becomes_of_a_refund_leads_to_a_reading(self, provider: Any, far_side: Control) -> None:
        _, sale, refund = self.sold(provider, far_side)
        before = {notice.event_id for notice in self.notices(far_side)}
        far_side.edit(refund, {"status": "failed"}, tell=True)
        news = [notice for notice in self.notices(far_side) if notice.event_id not in before]
        assert Named(Kind.SALE_REFUND, refund) in {name for one in news for name in provider.webhooks.told(one).sold.look}
        assert provider.sale(sale).refunded == usd(0)

    def test_what_was_missed_is_listed(self, provider: Any, far_side: Control) -> None:
        self.sold(provider, far_side)
        webhooks = registry.webhooks(self.name)
        listed = [notice for found in provider.events() for body in found for notice in webhooks.notices(body)]
        wanted = {notice.event_id for notice in self.notices(far_side) if not webhooks.told(notice).informs}
        assert wanted <= {notice.event_id for notice in listed}
        times = [notice.occurred_at for notice in listed if notice.occurred_at is not None]
        assert len(times) == len(listed)
        assert times == sorted(times, reverse=True)
