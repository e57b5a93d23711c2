"""A shop at the simulated Stripe: pages to pay on, payments made at once, and what is in its balance."""

from __future__ import annotations

from typing import Any

from tests.simulator.stranger import Stranger

CHECKOUTS = "/v1/checkout/sessions"
INTENTS = "/v1/payment_intents"
CHARGES = "/v1/charges"
REFUNDS = "/v1/refunds"

ITEM = "line_items[0][price_data]"


def page(one: Stranger, amount: int = 1250, /, **more: str) -> dict[str, Any]:
    """A checkout over one eSIM."""
    form = {"mode": "payment", "success_url": "https://shop.example/thanks", "line_items[0][quantity]": "1"}
    form |= {f"{ITEM}[currency]": "usd", f"{ITEM}[unit_amount]": str(amount), f"{ITEM}[product_data][name]": "eSIM Turkey 1 GB"}
    return one.done(CHECKOUTS, form | more)


def sale(one: Stranger, amount: int = 900, method: str = "pm_card_visa", **more: str) -> dict[str, Any]:
    """A payment intent that is paid at once."""
    form = {"amount": str(amount), "currency": "usd", "confirm": "true", "payment_method": method}
    return one.done(INTENTS, form | more)


def purse(one: Stranger, currency: str = "usd") -> int:
    """What the shop has been paid and still has."""
    return sum(each["amount"] for each in one.seen("/v1/balance")["available"] if each["currency"] == currency)


def told(one: Stranger) -> list[str]:
    """Event types, oldest first."""
    return [event["type"] for event in one.seen("/v1/events", limit=100)["data"]][::-1]
