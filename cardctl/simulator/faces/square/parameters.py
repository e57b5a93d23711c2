"""What a body and a query may hold: fields by name and kind, read into plain values; every complaint is a Refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson

from cardctl.domain.money import exponent
from cardctl.errors import BadInput
from cardctl.simulator.square.words import Refused

Kind = Callable[[str, Any], Any]
"""(name on the wire, value) to what is meant by it; raises Refused."""

_LARGEST = 10**12
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fields:
    """An object: its fields by name, those that must be there, those that may be null, and those that are read and not heeded
    (other names are UNKNOWN_BODY_PARAMETER)."""

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    required: Collection[str] = ()
    nullable: bool = False

    def __call__(self, name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Refused("EXPECTED_OBJECT", "Expected an object.", name or None)
        prefix = f"{name}." if name else ""
        for unknown in value.keys() - self.kinds.keys():
            raise Refused("UNKNOWN_BODY_PARAMETER", f"Field `{unknown}` is not recognized.", prefix + unknown)
        for wanted in self.required:
            if value.get(wanted) is None:
                raise Refused("MISSING_REQUIRED_PARAMETER", f"Missing required parameter: {wanted}.", prefix + wanted)
        given = {each: inner for each, inner in value.items() if inner is not None or self.nullable}
        return {each: inner if inner is None else self.kinds[each](prefix + each, inner) for each, inner in given.items()}


def text(most: int = 4096, least: int = 0) -> Kind:
    def read(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise Refused("EXPECTED_STRING", "Expected a string value.", name)
        if len(value) > most:
            raise Refused("VALUE_TOO_LONG", f"Field must not be greater than {most} in length.", name)
        if len(value) < least:
            raise Refused("VALUE_TOO_SHORT" if value else "VALUE_EMPTY", "Field must not be blank.", name)
        return value

    return read


def one_of(words: Collection[str]) -> Kind:
    def read(name: str, value: Any) -> str:
        if value not in words:
            raise Refused("INVALID_ENUM_VALUE", f"`{value}` is not a valid enum value for `{name}`.", name)
        return str(value)

    return read


def whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused("EXPECTED_INTEGER", "Expected an integer value.", name)
    if abs(value) > _LARGEST:
        raise Refused("VALUE_TOO_HIGH", "The value is too high.", name)
    return value


def flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused("EXPECTED_BOOLEAN", "Expected a boolean value.", name)
    return value


def each(kind: Kind, most: int = 1000) -> Kind:
    def read(name: str, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise Refused("EXPECTED_ARRAY", "Expected an array.", name)
        if len(value) > most:
            raise Refused("ARRAY_LENGTH_TOO_LONG", f"At most {most} elements.", name)
        return [kind(f"{name}[{place}]", inner) for place, inner in enumerate(value)]

    return read


def currency(name: str, value: Any) -> str:
    """A seller is paid in the currency of its country; here in any that there is."""
    code = text(3, 3)(name, value)
    try:
        exponent(code)
    except BadInput:
        raise Refused("INVALID_ENUM_VALUE", f"`{code}` is not a valid enum value for `{name}`.", name) from None
    return str(code)


def moment(name: str, value: Any) -> int:
    """RFC 3339, as milliseconds."""
    try:
        if not _MOMENT.match(str(value)):
            raise ValueError
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise Refused("INVALID_TIME", f"`{value}` is not an RFC 3339 timestamp.", name) from None
    return int(at.timestamp()) * 1000 + at.microsecond // 1000


KEY = text(45, 1)
MONEY = Fields({"amount": whole, "currency": currency}, required=("amount", "currency"))
ADDRESS = Fields(
    {
        **{f"address_line_{line}": text(500) for line in (1, 2, 3)},
        **{name: text(300) for name in ("locality", "sublocality", "sublocality_2", "sublocality_3")},
        **{f"administrative_district_level_{level}": text(200) for level in (1, 2, 3)},
        "postal_code": text(12),
        "country": text(2, 2),
        "first_name": text(300),
        "last_name": text(300),
    }
)


def read_body(table: Fields | None, body: bytes) -> dict[str, Any]:
    """What the endpoint takes; where it takes nothing, whatever was sent is not looked at."""
    if table is None:
        return {}
    try:
        sent = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        raise Refused("EXPECTED_JSON_BODY", "Expected a JSON body.") from None
    if not isinstance(sent, dict):
        raise Refused("EXPECTED_JSON_BODY", "Expected a JSON body.")
    return table("", sent)


def read_query(kinds: Mapping[str, Kind], query: str) -> dict[str, Any]:
    """The query by name; numbers and flags are read from their text, and an empty value is none."""
    asked: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in kinds:
            raise Refused("UNKNOWN_QUERY_PARAMETER", f"Query parameter `{name}` is not recognized.", name)
        if value:
            asked[name] = kinds[name](name, _plain(kinds[name], value))
    return asked


def _plain(kind: Kind, value: str) -> Any:
    if kind is whole and value.isascii() and value.lstrip("-").isdigit():
        return int(value)
    return {"true": True, "false": False}.get(value, value) if kind is flag else value
