"""`cardctl simulator pay`: a customer pays what a shop has put up at the simulated Stripe; what is said, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.commands.runner import Cardctl
from tests.simulator.shop import INTENTS, REFUNDS, page, purse, sale, told
from tests.simulator.stranger import Stranger

ORDER = {
    "payment_intent_data[metadata][offerId]": "ESIM-TR-7D-1GB",
    "payment_intent_data[metadata][recipientEmail]": "ada@example.com",
    "payment_intent_data[metadata][transactionId]": "shop-1",
}


@pytest.fixture
def shop(cardctl: Cardctl) -> Iterator[Stranger]:
    cardctl("simulator", "status")
    with Stranger(cardctl.simulator) as one:
        yield one


def pay(cardctl: Cardctl, *argv: str) -> Any:
    ran = cardctl("simulator", "pay", *argv, "-o", "json")
    assert ran.code == 0, ran.stderr + ran.stdout
    return ran.data


def test_a_page_is_declined_and_then_paid(cardctl: Cardctl, shop: Stranger) -> None:
    made = page(shop, **ORDER)["id"]
    no = pay(cardctl, made, "--declined", "--no-deliver")
    assert (no["paid"], no["status"], no["reason"]) == (False, "requires_payment_method", "generic_decline")
    assert purse(shop) == 0
    yes = pay(cardctl, made, "--email", "ada@example.com", "--no-deliver")
    assert yes == {
        "paid": True,
        "status": "succeeded",
        "reason": None,
        "amount": {"minor": 1250, "currency": "USD", "amount": "12.50"},
        "payment_ref": no["payment_ref"],
        "checkout_ref": made,
    }
    assert purse(shop) == 1250
    ran = cardctl("simulator", "pay", made, "-o", "json")
    assert (ran.code, ran.error) == (2, "INVALID_INPUT")
    assert "complete" in ran.json["message"]
    assert purse(shop) == 1250


def test_what_is_read_by_people(cardctl: Cardctl, shop: Stranger) -> None:
    made = page(shop)["id"]
    assert cardctl("simulator", "pay", made, "--declined", "--no-deliver").stdout.startswith(
        "declined (generic_decline): 12.50 USD"
    )
    assert cardctl("simulator", "pay", made, "--later", "--no-deliver").stdout.startswith("processing: 12.50 USD")
    assert cardctl("simulator", "pay", made, "--no-deliver").stdout.startswith("paid: 12.50 USD, pi_")
    assert purse(shop) == 1250


def test_an_intent_is_paid(cardctl: Cardctl, shop: Stranger) -> None:
    made = shop.done(INTENTS, {"amount": "900", "currency": "usd"})["id"]
    assert pay(cardctl, made, "--no-deliver")["checkout_ref"] is None
    assert purse(shop) == 900
    ran = cardctl("simulator", "pay", "cs_none", "-o", "json")
    assert (ran.code, ran.json["success"]) == (5, False)
    ran = cardctl("simulator", "pay", made, "--later", "--declined", "-o", "json")
    assert (ran.code, ran.error) == (2, "INVALID_INPUT")


def test_staff_gives_back_and_fails_it(cardctl: Cardctl, shop: Stranger) -> None:
    sold = sale(shop, 900)["id"]
    ran = cardctl("simulator", "refund", sold, "--amount", "4.00", "--no-deliver", "-o", "json")
    assert ran.code == 0, ran.stdout
    (refund,) = ran.data["transaction_refs"]
    assert purse(shop) == 500
    assert cardctl("simulator", "edit", refund, "status=failed").code == 0
    assert (purse(shop), shop.seen(f"{REFUNDS}/{refund}")["status"]) == (900, "failed")


def test_a_page_expires_by_the_clock(cardctl: Cardctl, shop: Stranger) -> None:
    page(shop)
    assert cardctl("simulator", "advance", "2d").code == 0
    assert told(shop) == ["checkout.session.expired"]


def test_a_customer_s_bank_takes_it_back(cardctl: Cardctl, shop: Stranger) -> None:
    sold = sale(shop, 900)["id"]
    ran = cardctl("simulator", "dispute", sold, "--amount", "6.00", "--reason", "fraudulent", "--no-deliver", "-o", "json")
    assert ran.code == 0, ran.stdout
    assert purse(shop) == 300
    assert cardctl("simulator", "dispute", ran.data["dispute_ref"], "--decide", "won", "--no-deliver").code == 0
    assert purse(shop) == 900
    assert cardctl("simulator", "dispute", ran.data["dispute_ref"], "--decide", "lost").code == 2
    assert purse(shop) == 900


def test_an_order_is_named_by_our_id(cardctl: Cardctl, shop: Stranger) -> None:
    made = page(
        shop, **ORDER, **{name.replace("payment_intent_data[metadata]", "metadata"): value for name, value in ORDER.items()}
    )
    pay(cardctl, made["id"])
    (order,) = cardctl("esim", "list", "-o", "json").data
    ran = cardctl("simulator", "refund", order["id"], "--amount", "2.50", "-o", "json")
    assert (ran.code, ran.data["amount"]["minor"]) == (0, 250)
    assert purse(shop) == 1000
    assert cardctl("simulator", "pay", order["id"]).code == 2
    assert cardctl("simulator", "pay", "order_00000000000000000000", "-o", "json").code == 5
