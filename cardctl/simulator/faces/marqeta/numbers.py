"""JSON with exact numbers, and amounts between the wire's decimal major units and the books' integers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from cardctl.domain.money import Money


def decode(body: bytes) -> Any:
    """JSON with every fraction as a Decimal; ValueError for anything else: NaN, half a surrogate pair, a bottomless nest."""
    try:
        value = json.loads(body.decode(), parse_float=Decimal, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    encode(value)
    return value


def encode(value: Any) -> bytes:
    """Compact JSON; a Decimal is written digit by digit, as a number."""
    return _text(value).encode()


def minor(amount: Decimal, currency: str) -> int:
    """Minor units; BadInput where there is no such currency, or the amount does not fit it."""
    return Money.of_decimal(amount, currency).minor


def major(amount: int, currency: str) -> Decimal:
    """The decimal amount with all of the currency's digits, such as 25.00."""
    return Decimal(Money(amount, currency).amount)


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{_text(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
