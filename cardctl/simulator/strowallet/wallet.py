"""The float of this bank's client: what is in it, what a card takes out of it and gives back; no card rules."""

from __future__ import annotations

from cardctl.simulator import purses
from cardctl.simulator.desk import Desk
from cardctl.simulator.strowallet.words import Refused

CURRENCY = "usd"
"""Of every card and of the float that feeds it."""


def holds(desk: Desk, currency: str) -> int:
    """Minor units of the float in `currency` (lower case)."""
    return purses.available(desk).get(currency, 0)


def draw(desk: Desk, amount: int) -> None:
    """Takes `amount` cents for a card; Refused where the float is short."""
    if holds(desk, CURRENCY) < amount:
        raise Refused("Insufficient USD balance")
    purses.pay(desk, CURRENCY, amount)


def give_back(desk: Desk, amount: int) -> None:
    """`amount` cents that a card no longer has."""
    purses.receive(desk, CURRENCY, amount)
