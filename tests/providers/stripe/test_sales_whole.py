"""Payments and refunds read whole: which lists, from when on, and what of a seller's other business is passed over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from cardctl.domain.money import Money
from cardctl.domain.sales import OrderData
from cardctl.errors import ProviderUnavailable
from cardctl.providers.paging import Leaf, Source
from cardctl.providers.stripe_issuing.provider import build
from tests.contract.turning import openings
from tests.providers.conftest import Hand
from tests.providers.scripted import Script, ok
from tests.providers.stripe import objects
from tests.providers.stripe.test_sales import DATA

PAYMENTS, CHECKOUTS, REFUNDS = "/v1/payment_intents", "/v1/checkout/sessions", "/v1/refunds"
SINCE = datetime.fromtimestamp(objects.CREATED, UTC)


def turned(hand: Hand, path: str, *rows: Any, since: datetime | None = None, **parts: Any) -> tuple[Leaf, httpx.Request]:
    """One page of one list, and how it was asked for."""
    script = Script(ok(objects.listed(*rows)))
    provider = build(hand(script, **parts))
    source = Source.SALE_REFUNDS if path == REFUNDS else Source.SALES
    (spot,) = [one for one in openings(provider, source, since=since) if one.position["list"] == path]
    leaf = provider.turn(spot, share=True)
    (request,) = script.requests
    assert request.url.path == path
    return leaf, request


def test_payments_come_with_what_was_refunded(hand: Hand) -> None:
    leaf, request = turned(hand, PAYMENTS, objects.sale(latest_charge=objects.charge(amount_refunded=300)))
    (sale,) = leaf.sales
    assert (sale.ref, sale.data, sale.amount, sale.refunded) == ("pi_1", DATA, Money(1500, "USD"), Money(300, "USD"))
    assert sale.raw == {}
    assert dict(request.url.params) == {"limit": "100", "expand[0]": "data.latest_charge"}
    assert (leaf.then, leaf.requests) == ([], 1)


def test_a_checkout_that_alone_says_what_for_gives_its_payment(hand: Hand) -> None:
    session = objects.checkout(payment_intent=objects.sale(metadata={}))
    leaf, request = turned(hand, CHECKOUTS, session)
    (sale,) = leaf.sales
    assert (sale.ref, sale.data, sale.amount) == ("pi_1", DATA, Money(1500, "USD"))
    wanted = {"limit": "100", "status": "complete", "expand[0]": "data.payment_intent.latest_charge"}
    assert dict(request.url.params) == wanted


@pytest.mark.parametrize(
    "session",
    [
        objects.checkout(payment_intent=objects.sale()),  # it is among the payments, with its order
        objects.checkout(payment_intent="pi_1"),
        objects.checkout(payment_intent=None),
        objects.checkout(metadata={}, payment_intent=objects.sale(metadata={})),
        objects.checkout(metadata=None, currency=None, amount_total=None, mode="setup", payment_intent=None),
    ],
)
def test_other_checkouts_give_none(hand: Hand, session: dict[str, Any]) -> None:
    assert turned(hand, CHECKOUTS, session)[0].sales == ()


def test_other_business_may_be_strange(hand: Hand) -> None:
    strange = [objects.sale(id="pi_0", metadata=None, currency="ugx"), objects.sale(id="pi_2", metadata={"invoice": "7"})]
    leaf, _ = turned(hand, PAYMENTS, objects.sale(), *strange)
    assert [(sale.ref, sale.data) for sale in leaf.sales] == [("pi_1", DATA), ("pi_2", None)]


@pytest.mark.parametrize(
    ("path", "row"),
    [
        (PAYMENTS, objects.sale(currency="ugx")),
        (PAYMENTS, objects.sale(amount_received=None)),
        (CHECKOUTS, objects.checkout(payment_intent=objects.sale(metadata={}, amount_received="15"))),
        (REFUNDS, objects.sale_refund(amount=None)),
    ],
)
def test_an_order_that_is_strange_is_not_passed_over(hand: Hand, path: str, row: dict[str, Any]) -> None:
    with pytest.raises(ProviderUnavailable):
        turned(hand, path, row)


def test_refunds_of_payments_alone(hand: Hand) -> None:
    rows = [
        objects.sale_refund(),
        objects.sale_refund(id="re_2", payment_intent=None),
        objects.sale_refund(id="re_3", metadata={}),
    ]
    leaf, request = turned(hand, REFUNDS, *rows)
    assert [(refund.ref, refund.mark) for refund in leaf.sale_refunds] == [("re_1", "op_1"), ("re_3", None)]
    assert dict(request.url.params) == {"limit": "100"}


def test_since_some_time(hand: Hand) -> None:
    """A page to pay on is made up to a day before its payment."""
    starts = {
        path: int(turned(hand, path, since=SINCE)[1].url.params["created[gte]"]) for path in (PAYMENTS, CHECKOUTS, REFUNDS)
    }
    assert starts == {PAYMENTS: objects.CREATED, REFUNDS: objects.CREATED, CHECKOUTS: objects.CREATED - 86_400}


def test_the_names_of_the_settings(hand: Hand) -> None:
    settings = {"order_names": {"offer": "sku", "recipient": "mail", "full_name": "who", "transaction": "no"}}
    rows = [objects.sale(metadata={"sku": "ESIM"}), objects.sale(id="pi_2")]
    leaf, _ = turned(hand, PAYMENTS, *rows, settings=settings)
    assert [sale.data for sale in leaf.sales] == [OrderData("ESIM"), None]
