"""What a query and a body may hold: names and kinds, read into plain values; every complaint is a Refused that names its field.

UNCONFIRMED: that unknown names are refused. It is the harder world: a filter that is misspelt would else be no filter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson

from cardctl.simulator.zendit.words import INVALID, Refused, invalid

Kind = Callable[[str, str], Any]
"""(name on the wire, text) to what is meant by it; raises Refused."""

MOST = 1024
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z\Z", re.ASCII)
_PREFIXES = {"gte": ">=", "lte": "<=", "gt": ">", "lt": "<"}


def whole(least: int, most: int) -> Kind:
    def read(name: str, value: str) -> int:
        if not (value.isascii() and value.isdigit() and least <= int(value[:12]) <= most):
            raise invalid(name, f"must be a number from {least} to {most}")
        return int(value)

    return read


def text(name: str, value: str) -> str:
    if not value:
        raise invalid(name, "must not be empty")
    return value


def one_of(words: Collection[str]) -> Kind:
    def read(name: str, value: str) -> str:
        if value not in words:
            raise invalid(name, f"must be one of {', '.join(words)}")
        return value

    return read


def matching(pattern: str, told: str) -> Kind:
    known = re.compile(rf"{pattern}\Z", re.ASCII)

    def read(name: str, value: str) -> str:
        if not known.match(value):
            raise invalid(name, told)
        return value

    return read


def moment(name: str, value: str) -> int:
    """RFC 3339 in UTC, as Unix seconds; a fraction is cut."""
    try:
        if not _MOMENT.match(value):
            raise ValueError
        return int(datetime.fromisoformat(value).timestamp())
    except ValueError:
        raise invalid(name, "must be an RFC 3339 time in UTC") from None


def since(name: str, value: str) -> tuple[str, int]:
    """A comparison and a time: CONFIRMED, the prefix is glued to it, and none means that very instant."""
    prefix = next((each for each in _PREFIXES if value.startswith(each)), "")
    return _PREFIXES.get(prefix, "="), moment(name, value.removeprefix(prefix))


PAGE: Mapping[str, Kind] = {"_limit": whole(1, MOST), "_offset": whole(0, 2**31)}
"""CONFIRMED: both are required of every list."""


def read_query(kinds: Mapping[str, Kind], query: str) -> dict[str, Any]:
    """The query by name. CONFIRMED for createdAt, that one value is documented; here of every name one is taken."""
    asked: dict[str, Any] = {}
    problems = {name: "is required" for name in PAGE if name in kinds}
    for name, value in parse_qsl(query, keep_blank_values=True):
        problems.pop(name, None)
        if name not in kinds:
            raise invalid(name, "is not known")
        if name in asked:
            raise invalid(name, "is given twice")
        asked[name] = kinds[name](name, value)
    if problems:
        raise Refused(INVALID, "Required parameters are missing.", problems)
    return asked


def read_body(kinds: Mapping[str, Kind], required: Collection[str], body: bytes) -> dict[str, Any]:
    """A flat object of texts."""
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        sent = None
    if not isinstance(sent, dict):
        raise Refused(INVALID, "The body is no JSON object.")
    problems = {name: "is required" for name in required if sent.get(name) in (None, "")}
    problems |= dict.fromkeys(sent.keys() - kinds.keys(), "is not known")
    problems |= {name: "must be a text" for name, value in sent.items() if value is not None and not isinstance(value, str)}
    if problems:
        raise Refused(INVALID, "The request is not valid.", problems)
    return {name: kinds[name](name, value) for name, value in sent.items() if value is not None}
