"""Stripe's own SDK, unchanged, sells over the simulator, through faults and many pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import stripe

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from cardctl.simulator.transport import SimulatorTransport
from tests.simulator.test_sdk import OverHttpx


@pytest.fixture
def sdk(path: Path) -> Iterator[stripe.StripeClient]:
    client = httpx.Client(transport=SimulatorTransport(path, sleep=lambda _: None))
    yield stripe.StripeClient("sk_test_stranger", http_client=OverHttpx(client), max_network_retries=2)
    client.close()


def available(sdk: stripe.StripeClient) -> int:
    return sdk.v1.balance.retrieve().available[0].amount


def test_a_shop_from_page_to_refund(sdk: stripe.StripeClient, control: Control) -> None:
    session = sdk.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://shop.example/thanks",
            "customer_email": "ada@example.com",
            "line_items": [
                {
                    "price_data": {"currency": "usd", "unit_amount": 1250, "product_data": {"name": "eSIM"}},
                    "quantity": 2,
                }
            ],
            "metadata": {"offerId": "ESIM-TR-7D-1GB"},
            "payment_intent_data": {"metadata": {"offerId": "ESIM-TR-7D-1GB"}},
        }
    )
    assert (session.amount_total, session.payment_intent, available(sdk)) == (2500, None, 0)
    control.pay(session.id)
    paid = sdk.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    assert isinstance(paid.payment_intent.latest_charge, stripe.Charge)
    assert paid.payment_intent.latest_charge.billing_details.email == "ada@example.com"
    assert available(sdk) == 2500
    control.fault("lost-reply")
    control.fault("500")
    refund = sdk.v1.refunds.create({"payment_intent": paid.payment_intent.id}, {"idempotency_key": "op_1"})
    assert (refund.status, refund.amount, available(sdk)) == ("succeeded", 2500, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.refunds.create({"payment_intent": paid.payment_intent.id})
    assert refused.value.code == "charge_already_refunded"
    assert available(sdk) == 0


def test_a_decline_is_a_card_error(sdk: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as declined:
        sdk.v1.payment_intents.create(
            {"amount": 900, "currency": "usd", "confirm": True, "payment_method": "pm_card_chargeDeclined"}
        )
    assert declined.value.code == "card_declined"
    assert available(sdk) == 0


def test_every_page_of_what_was_sold(sdk: stripe.StripeClient, control: Control) -> None:
    sold = control.sell_all([(Money(900 + number, "USD"), {"order": str(number)}, None) for number in range(25)])
    listed = [one.id for one in sdk.v1.payment_intents.list({"limit": 10}).auto_paging_iter()]
    assert listed == sold[::-1]
    assert available(sdk) == sum(range(900, 925))
