"""Every request that the Stripe adapter makes about customers' payments, held against the official descriptions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from cardctl.domain.money import Money
from cardctl.domain.sales import NewCheckout, OrderData
from cardctl.errors import ProviderRefused
from cardctl.providers.paging import SOLD
from cardctl.simulator.control import Control
from tests.conformance.openapi import check_request, load
from tests.conformance.test_stripe_requests import SPECS, Recorder, provider, recorder

CHECKOUTS = "/v1/checkout/sessions"

__all__ = ["provider", "recorder"]

ORDER = OrderData("ESIM-TR-7D-1GB", "ada@example.com", "Ada Lovelace", "shop-1")
SINCE_2023 = ("created", "status")
"""What a list of checkouts is asked by that the older description does not have yet."""
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def control(recorder: Recorder, tmp_path: Path) -> Iterator[Control]:
    """The far side that the recorder passes requests to."""
    one = Control(tmp_path / "simulator.db")
    yield one
    one.close()


def walk(provider: Any, control: Control) -> None:
    """A page, its payment, and its money back in two parts; then everything that can be read of them."""
    wanted = NewCheckout(ORDER, Money(1250, "USD"), "eSIM Turkey", "https://shop.example/thanks", "https://shop.example")
    draft = provider.draft_checkout(wanted, "op_page")
    page = provider.send(draft, "op_page")
    assert provider.look_up(draft, "op_page").remote.ref == page.ref
    control.pay(page.ref)
    paid = provider.checkout(page.ref)
    assert provider.sale(paid.sale_ref).data == ORDER
    control.sell(Money(900, "USD"), {"nothing": "of ours"})
    for number, duplicate in enumerate((True, False)):
        refund = provider.draft_sale_refund(
            paid.sale_ref, Money(500 + 250 * number, "USD"), f"op_{number}", duplicate=duplicate
        )
        made = provider.send(refund, f"op_{number}")
        assert provider.sale_refund(made.ref).mark == f"op_{number}"
        assert provider.look_up(refund, f"op_{number}").remote.ref == made.ref
    with pytest.raises(ProviderRefused):
        provider.send(refund, "op_more")
    assert len(provider.sale_refunds(paid.sale_ref)) == 2
    for source in SOLD:
        for spot in provider.openings(source, known=[], since=SINCE):
            provider.turn(spot, share=False)
    list(provider.events(since=SINCE))


@pytest.mark.parametrize("spec", SPECS)
def test_what_is_sent_is_described(provider: Any, recorder: Recorder, control: Control, spec: str) -> None:
    description = load(spec)
    walk(provider, control)
    asked = {path.split("/")[2] for _, path, _ in recorder.seen}
    assert {"payment_intents", "checkout", "refunds", "events"} <= asked
    for method, path, form in recorder.seen:
        older = path == CHECKOUTS and method == "GET" and spec == SPECS[1]
        pairs = [pair for pair in parse_qsl(form.decode()) if not (older and pair[0].startswith(SINCE_2023))]
        check_request(description, method, path, pairs)
