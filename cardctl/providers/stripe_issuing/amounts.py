"""Amounts of payments as Stripe counts them: nearly always the minor units of ISO 4217; issued cards have no need of this."""

from __future__ import annotations

from decimal import Decimal

from cardctl.domain.money import Money, exponent
from cardctl.errors import BadAmount, BadInput

_DECIMALS = {"ISK": 2, "MGA": 0}
"""Decimals, where Stripe has others than ISO 4217 (docs.stripe.com/currencies): 100 is one króna still, and it takes none in
parts (support.stripe.com/questions/deprecation-of-fractional-isk-charges-and-refunds)."""
_UNTOLD = frozenset({"UGX"})
"""Its documentation has this one twice, as a currency without decimals and as one with two."""


def money_from_wire(amount: object, currency: str) -> Money:
    """BadInput where it is no whole number, is of no currency that both sides know, or has more decimals than ours has."""
    code = currency.upper()
    if type(amount) is not int:
        raise BadInput("no amount")
    return Money.of_decimal(Decimal(amount).scaleb(-_decimals(code)), code)


def money_to_wire(money: Money) -> int:
    """BadAmount for nothing or less, and for what Stripe cannot count: it wants the last of three decimals to be 0."""
    if money.minor <= 0:
        raise BadAmount(f"{money} cannot be paid: an amount is more than nothing")
    counted = Decimal(money.amount).scaleb(_decimals(money.currency))
    whole = int(counted)
    if whole != counted or (exponent(money.currency) == 3 and whole % 10):
        raise BadAmount(f"stripe cannot count {money}: it has more decimals than stripe takes")
    return whole


def _decimals(currency: str) -> int:
    if currency in _UNTOLD:
        raise BadInput(f"cardctl takes no payments in {currency}: it is not certain how stripe counts it")
    return _DECIMALS.get(currency, exponent(currency))
