"""Every request about customers' payments that the Stripe adapter can make, held against the official descriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.domain.redaction import Secret
from cardctl.domain.sales import NewCheckout, OrderData
from cardctl.providers import registry
from cardctl.providers.base import Handed
from cardctl.providers.paging import Source, Spot
from cardctl.simulator.control import Control
from tests.conformance.openapi import Nonconforming, check_request, load
from tests.conformance.test_stripe_requests import SPECS, Recorder

DATA = OrderData("ESIM-TR-7D-1GB", "ada@example.com", "Ada L.", "txn-1")
WANTED = NewCheckout(DATA, Money(1500, "USD"), "eSIM Turkey 1 GB", "https://shop.example/y", "https://shop.example/n")
SAID = {"offerId": "ESIM-TR-7D-1GB"}


class Tour:
    """A walk through everything that the provider can do with payments, each stop by its name."""

    def __init__(self, provider: Any, far_side: Control) -> None:
        self.provider, self.far_side = provider, far_side
        self.sale = far_side.sell(Money(1500, "USD"), SAID)

    def checkouts(self) -> None:
        for number, wanted in enumerate((WANTED, replace(WANTED, data=OrderData("ESIM"), cancel_url=None))):
            draft = self.provider.draft_checkout(wanted, f"op_{number}")
            self.provider.checkout(self.provider.send(draft, f"op_{number}").ref)
            assert self.provider.look_up(draft, f"op_{number}").happened

    def refunds(self) -> None:
        for duplicate in (True, False):
            draft = self.provider.draft_sale_refund(self.sale, Money(100, "USD"), f"op_{duplicate}", duplicate=duplicate)
            self.provider.sale_refund(self.provider.send(draft, f"op_{duplicate}").ref)
            assert self.provider.look_up(draft, f"op_{duplicate}").happened
        assert len(self.provider.sale_refunds(self.sale)) == 2

    def reading(self) -> None:
        self.provider.sale(self.sale)
        self.provider.sale(self.far_side.sell(Money(1500, "USD"), {"invoice": "7"}))

    def lists(self) -> None:
        """Of payments and refunds, page after page, from some time on."""
        self.far_side.sell_all([(Money(1500, "USD"), SAID, None)] * 101)
        for source in (Source.SALES, Source.SALE_REFUNDS):
            for spot in self.provider.openings(source, known=[], since=datetime(2026, 1, 1, tzinfo=UTC)):
                if "checkout" not in spot.position["list"]:
                    self.whole(spot)

    def whole(self, spot: Spot) -> None:
        left = [spot]
        while left:
            left += self.provider.turn(left.pop(), share=True).then

    def lists_of_checkouts(self) -> None:
        """Stripe has listed these by time and status only since the second of its descriptions was made."""
        for spot in self.provider.openings(Source.SALES, known=[], since=datetime(2026, 1, 1, tzinfo=UTC)):
            if "checkout" in spot.position["list"]:
                self.whole(spot)


STOPS = (Tour.checkouts, Tour.refunds, Tour.reading, Tour.lists)
CASES = [*product(STOPS, SPECS), (Tour.lists_of_checkouts, SPECS[0])]


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "simulator.db")
    yield recorder
    recorder.close()


@pytest.fixture
def tour(recorder: Recorder, tmp_path: Path) -> Iterator[Tour]:
    handed = Handed(
        environment="simulator",
        programme="stripe/simulator",
        settings={},
        secret=lambda _name: Secret("sk_test_4eC39HqLyjWDarjtT1zdp7dc"),
        transport=recorder,
        timeout=60.0,
        sleep=lambda _seconds: None,
        random=lambda: 0.0,
    )
    far_side = Control(tmp_path / "simulator.db")
    yield Tour(registry.build("stripe", handed), far_side)
    far_side.close()


@pytest.mark.parametrize(("stop", "spec"), CASES, ids=lambda one: getattr(one, "__name__", one))
def test_what_is_sent_is_described(tour: Tour, recorder: Recorder, stop: Callable[[Tour], None], spec: str) -> None:
    stop(tour)
    assert recorder.seen
    for method, path, form in recorder.seen:
        check_request(load(spec), method, path, form)


@pytest.mark.parametrize("spec", SPECS)
def test_the_check_would_find_an_error(tour: Tour, recorder: Recorder, spec: str) -> None:
    tour.checkouts()
    method, path, form = recorder.seen[0]
    for right, other in ((b"mode=payment", b"mode=gift"), (b"[unit_amount]=1500", b"[unit_amount]=15.00"), (b"cancel_", b"c_")):
        wrong = form.replace(right, other)
        assert wrong != form
        with pytest.raises(Nonconforming):
            check_request(load(spec), method, path, wrong)
