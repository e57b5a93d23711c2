"""What a value in config.toml may look like, and the base of its tables, which take no unknown key."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cardctl.domain.money import Money
from cardctl.errors import BadInput

_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]+)?\Z", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}\Z", re.ASCII)
_URL = re.compile(r"(?:https://|http://(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/]|\Z))[^\s@]*\Z")


def _amount(value: Any) -> Any:
    if value == "none":
        return None
    if isinstance(value, str) and _AMOUNT.match(value):
        return value
    raise ValueError('an amount in quotes is wanted, such as "500.00", or "none"')


def _money(value: Any) -> Any:
    if value == "none":
        return None
    try:
        amount, currency = value.split()
        return Money.parse(amount, currency)
    except (AttributeError, ValueError, BadInput):
        raise ValueError('an amount and its currency in quotes are wanted, such as "1000.00 USD", or "none"') from None


def _number(value: Any) -> Any:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    raise ValueError("a number is wanted")


def _url(value: Any) -> Any:
    if isinstance(value, str) and _URL.match(value):
        return value.rstrip("/")
    raise ValueError("an https:// URL without a password is wanted (http:// on this machine only)")


def _command(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(each, str) for each in value) and any("{name}" in each for each in value[1:]):
        return tuple(value)
    raise ValueError('a list of arguments with {name} is wanted, such as ["pass", "show", "cardctl/{name}"]')


def _list(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(each, str) and each for each in value):
        return tuple(value)
    raise ValueError('a list of words in quotes is wanted, such as ["US", "CA"]')


def _currencies(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(each, str) and _CURRENCY.match(each) for each in value):
        return tuple(value)
    raise ValueError('a list of currency codes in quotes is wanted, such as ["EUR", "GBP"]')


Amount = Annotated[str | None, BeforeValidator(_amount)]
Cash = Annotated[Money | None, BeforeValidator(_money)]
Arguments = Annotated[tuple[str, ...] | None, BeforeValidator(_command)]
Percent = Annotated[Decimal, BeforeValidator(_number), Field(ge=0)]
Url = Annotated[str | None, BeforeValidator(_url)]
Word = Annotated[str, Field(min_length=1)]
Currencies = Annotated[tuple[str, ...], BeforeValidator(_currencies)]
Words = Annotated[tuple[str, ...], BeforeValidator(_list)]


class Section(BaseModel):
    """A table of config.toml: every key is known, and every value of its own kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
