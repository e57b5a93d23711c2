"""A purchase in a provider's own test mode: a merchant's deed, not ours, so it is no operation and changes no books."""

from __future__ import annotations

from cardctl.domain.cards import Card
from cardctl.domain.money import Money
from cardctl.errors import DevelopmentOnly
from cardctl.providers.base import Purchase, SimulatesPurchases, require
from cardctl.services.desk import Desk


def purchase(desk: Desk, card: Card, amount: Money, merchant: str, *, hold: bool = False) -> Purchase:
    """Authorised and, unless `hold`, captured; a decline is a result. DevelopmentOnly in live; Unsupported."""
    check_development(desk.provider.environment)
    provider = require(desk.provider, SimulatesPurchases)
    desk.log("card_lifecycle", "card.test_purchase", {"object": card.id, "amount": str(amount), "hold": hold})
    return provider.test_purchase(card.ref, amount, merchant, hold=hold)


def check_development(environment: str) -> None:
    """DevelopmentOnly (6) where purchases are real."""
    if environment == "live":
        raise DevelopmentOnly("a purchase is simulated in the simulator or a sandbox, never in live")
