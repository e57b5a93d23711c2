"""Reads bodies and queries against a table of parameters; the tables themselves are in `tables.py`.

UNCONFIRMED: that Marqeta refuses a field that it does not know. The face does, so that no misspelt one goes unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import parse_qsl

from cardctl.domain.money import MAX_MINOR
from cardctl.simulator.faces.marqeta.errors import Problem, invalid, malformed

_WHOLE = re.compile(r"-?[0-9]{1,18}\Z", re.ASCII)


class Kind(Protocol):
    """The type of a field: reads what was sent under the name `name`, or raises the Problem that Marqeta answers."""

    def read(self, name: str, sent: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Text:
    """Text between two lengths."""

    most: int = 5000
    least: int = 0

    def read(self, name: str, sent: Any) -> str:
        if not isinstance(sent, str):
            raise malformed(f"{name} is no String")
        if not self.least <= len(sent) <= self.most:
            raise invalid(f"{name} has {self.least} to {self.most} characters")
        return sent


@dataclass(frozen=True, slots=True)
class OneOf:
    """A word of an enum; case matters."""

    words: frozenset[str]

    def read(self, name: str, sent: Any) -> str:
        if not isinstance(sent, str) or sent not in self.words:
            listed = ", ".join(sorted(self.words))
            raise malformed(f"{name}: {str(sent)!r} is not one of the declared Enum instance names: [{listed}]")
        return sent


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    def read(self, name: str, sent: Any) -> bool:
        if not isinstance(sent, bool):
            raise malformed(f"{name} is no boolean")
        return sent


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer between its bounds."""

    least: int = -MAX_MINOR
    most: int = MAX_MINOR

    def read(self, name: str, sent: Any) -> int:
        if not isinstance(sent, int) or isinstance(sent, bool):
            raise malformed(f"{name} is no Integer")
        if not self.least <= sent <= self.most:
            raise invalid(name)
        return sent


@dataclass(frozen=True, slots=True)
class Amount:
    """Decimal major units, as a JSON number; text is refused. Which decimals fit is the currency's matter."""

    def read(self, name: str, sent: Any) -> Decimal:
        if isinstance(sent, bool) or not isinstance(sent, int | Decimal):
            raise malformed(f"{name} is no BigDecimal")
        return Decimal(sent)


@dataclass(frozen=True, slots=True)
class Each:
    """A list."""

    item: Kind

    def read(self, name: str, sent: Any) -> list[Any]:
        if not isinstance(sent, list):
            raise malformed(f"{name} is no List")
        return [self.item.read(f"{name}[{place}]", one) for place, one in enumerate(sent)]


@dataclass(frozen=True, slots=True)
class Group:
    """An object with known fields, of which some are required; a null is as good as nothing, or as `{}` for the `emptied`."""

    known: Mapping[str, Kind] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()

    def read(self, name: str, sent: Any) -> dict[str, Any]:
        if not isinstance(sent, dict):
            raise malformed(f"{name or 'the body'} is no Object")
        given = {inner: value for inner, value in sent.items() if value is not None}
        given |= {inner: {} for inner in self.emptied if inner in sent and sent[inner] is None}
        unknown = [inner for inner in given if inner not in self.known]
        if unknown:
            raise malformed(f"Unrecognized field {_inside(name, unknown[0])}")
        missing = [_inside(name, inner) for inner in self.required if given.get(inner, "") == ""]
        if missing:
            raise invalid(", ".join(missing))
        return {inner: self.known[inner].read(_inside(name, inner), value) for inner, value in given.items()}


@dataclass(frozen=True, slots=True)
class Metadata:
    """Names and texts of the client's own."""

    def read(self, name: str, sent: Any) -> dict[str, str]:
        if not isinstance(sent, dict) or not all(isinstance(value, str) for value in sent.values()):
            raise malformed(f"{name} is no Map of String")
        return sent


def read_query(group: Group, query: str) -> dict[str, Any]:
    """The query's parameters; a repeated one counts last, a blank one is as good as none."""
    try:
        given = dict(parse_qsl(query, errors="strict"))
    except ValueError:
        raise Problem(400, "Invalid query string") from None
    return group.read("", {name: _typed(group.known.get(name), value) for name, value in given.items()})


def _typed(kind: Kind | None, text: str) -> Any:
    if isinstance(kind, Whole) and _WHOLE.match(text):
        return int(text)
    if isinstance(kind, Flag) and text in ("true", "false"):
        return text == "true"
    return text


def _inside(name: str, inner: str) -> str:
    return f"{name}.{inner}" if name else inner
