"""How values stand in a column: text, times, money, JSON; and back. No tables and no queries here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from cardctl.domain.money import Money
from cardctl.domain.redaction import redact

Raw = dict[str, Any] | str
"""A provider's JSON: its value, or its text where that is at hand (no card numbers in either)."""

_DECIMAL = "$decimal"


class Text(TypeDecorator[str]):
    """Text that sorts by its bytes on both databases, and that both can hold whatever a wire or a shell gave us."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(collation="C") if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


def storable(text: str) -> str:
    """Plain text without what a database refuses: lone surrogates become `?`, NUL the replacement character."""
    text = str(text)  # an enum's member becomes its value: psycopg would write its name
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def free(text: str | None) -> str | None:
    """Free text as it may be stored in clear: without card numbers and secrets."""
    return None if text is None else redact(storable(text))


def moment_to_text(moment: datetime) -> str:
    """Fixed-width RFC 3339 UTC with microseconds, which sorts as time; `moment` must be aware."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:26] + "Z"


def moment_or_none(moment: datetime | None) -> str | None:
    """The same, where there may be none."""
    return None if moment is None else moment_to_text(moment)


def moment_from_text(text: str | None) -> datetime | None:
    """The aware time that a nullable column holds."""
    return None if text is None else datetime.fromisoformat(text)


def money_to_row(name: str, money: Money | None) -> dict[str, Any]:
    """The two columns of an amount: `<name>_minor` and `<name>_currency`."""
    minor, currency = money_to_pair(money)
    return {f"{name}_minor": minor, f"{name}_currency": currency}


def money_to_pair(money: Money | None) -> tuple[int | None, str | None]:
    """The values of the two columns of an amount, in the tables' order."""
    return (None, None) if money is None else (money.minor, money.currency)


def money_from_row(minor: int | None, currency: str | None) -> Money | None:
    """The amount of two nullable columns."""
    return None if minor is None or currency is None else Money(minor, currency)


def canonical(value: Any) -> str:
    """JSON as one text per value: sorted, without spaces, ASCII; what JSON has no word for (times) becomes text."""
    return _CANONICAL.encode(value)


def exact_json(value: Any) -> str:
    """Canonical JSON of a provider's object, whose decimals come back as decimals from `exact_value`."""
    return _EXACT.encode(value)


def raw_text(raw: Raw) -> str:
    """A provider's JSON as it is sealed; `exact_value` reads it."""
    return raw if isinstance(raw, str) else exact_json(raw)


def exact_value(text: str) -> Any:
    """What `exact_json` was given."""
    return json.loads(text, parse_float=Decimal, object_hook=_decimal_from_json)


def _decimal_to_json(value: object) -> dict[str, str]:
    if isinstance(value, Decimal):
        return {_DECIMAL: str(value)}
    raise TypeError(f"{type(value).__name__} is no JSON")


def _decimal_from_json(value: dict[str, Any]) -> Any:
    return Decimal(value[_DECIMAL]) if len(value) == 1 and _DECIMAL in value else value


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)
_EXACT = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_decimal_to_json)
