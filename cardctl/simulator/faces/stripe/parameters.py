"""Reads Stripe's form encoding against a table of parameters; the tables themselves are in `tables.py`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from cardctl.domain.money import MAX_MINOR, exponent
from cardctl.errors import BadInput
from cardctl.simulator.faces.stripe.errors import Problem

_PART = re.compile(r"\[([^\[\]]*)\]")
_WHOLE = re.compile(r"-?[0-9]{1,30}\Z", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9_.*-]{1,100}\Z", re.ASCII)
_LONGEST = 5000


class Kind(Protocol):
    """The type of a parameter: reads what was sent under the name `name`, or raises the Problem that Stripe answers."""

    def read(self, name: str, sent: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Text:
    """Text of up to 5000 characters; the empty text unsets it where that is allowed (None then)."""

    unsets: bool = False

    def read(self, name: str, sent: Any) -> str | None:
        if not isinstance(sent, str):
            raise _wrong(name, "Invalid string: {}", sent)
        if not sent and self.unsets:
            return None
        if not sent:
            message = f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; "
            raise Problem(400, f"{message}however '{name}' cannot be unset.", code="parameter_invalid_empty").about(name)
        if len(sent) > _LONGEST:
            raise Problem(400, f"Invalid string: must be at most {_LONGEST} characters").about(name)
        return sent


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer between its bounds."""

    least: int = -MAX_MINOR
    most: int = MAX_MINOR

    def read(self, name: str, sent: Any) -> int:
        if not isinstance(sent, str) or not _WHOLE.match(sent):
            raise _wrong(name, "Invalid integer: {}", sent, code="parameter_invalid_integer")
        value = int(sent)
        if not self.least <= value <= self.most:
            side, bound = ("greater", self.least) if value < self.least else ("less", self.most)
            message = f"This value must be {side} than or equal to {bound}."
            raise Problem(400, message, code="parameter_invalid_integer").about(name)
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """`true` or `false`."""

    def read(self, name: str, sent: Any) -> bool:
        if sent not in ("true", "false"):
            raise _wrong(name, "Invalid boolean: {}", sent)
        return bool(sent == "true")


@dataclass(frozen=True, slots=True)
class Currency:
    """A three-letter ISO code, kept in lower case."""

    def read(self, name: str, sent: Any) -> str:
        text = Text().read(name, sent) or ""
        try:
            exponent(text.upper())
        except BadInput:
            raise _wrong(name, "Invalid currency: {}", sent) from None
        return text.lower()


@dataclass(frozen=True, slots=True)
class OneOf:
    """A word of a closed list."""

    words: frozenset[str]

    def read(self, name: str, sent: Any) -> str:
        if sent not in self.words:
            shown = sorted(self.words)
            listed = " or ".join((", ".join(shown[:-1]), shown[-1])) if 1 < len(shown) < 20 else "a known value"
            raise Problem(400, f"Invalid {name}: must be one of {listed}").about(name)
        return str(sent)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a list too long, and too often longer, to keep here."""

    def read(self, name: str, sent: Any) -> str:
        if not isinstance(sent, str) or not _WORD.match(sent):
            raise _wrong(name, "Invalid value: {}", sent)
        return sent


@dataclass(frozen=True, slots=True)
class OrNothing:
    """What `kind` takes, or the empty text, which unsets it."""

    kind: Kind

    def read(self, name: str, sent: Any) -> Any:
        return None if sent == "" else self.kind.read(name, sent)


@dataclass(frozen=True, slots=True)
class Each:
    """A list, sent as `name[]` or `name[0]`; the empty text is the empty list."""

    item: Kind

    def read(self, name: str, sent: Any) -> list[Any]:
        if sent == "":
            return []
        if not isinstance(sent, dict) or not all(place.isdigit() for place in sent):
            raise _wrong(name, "Invalid array", sent)
        return [self.item.read(f"{name}[{place}]", sent[place]) for place in sorted(sent, key=int)]


@dataclass(frozen=True, slots=True)
class Group:
    """An object with known parameters, of which some are required."""

    known: Mapping[str, Kind]
    required: tuple[str, ...] = ()

    def read(self, name: str, sent: Any) -> dict[str, Any]:
        if not isinstance(sent, dict):
            raise _wrong(name, "Invalid object", sent)
        for inner in sent:
            if inner not in self.known:
                full = _inside(name, inner)
                raise Problem(400, f"Received unknown parameter: {full}", code="parameter_unknown").about(full)
        for inner in self.required:
            if inner not in sent:
                full = _inside(name, inner)
                raise Problem(400, f"Missing required param: {full}.", code="parameter_missing").about(full)
        return {inner: self.known[inner].read(_inside(name, inner), value) for inner, value in sent.items()}


@dataclass(frozen=True, slots=True)
class Moment:
    """A Unix time, or bounds of it."""

    def read(self, name: str, sent: Any) -> Any:
        if isinstance(sent, dict):
            return Group(dict.fromkeys(("gt", "gte", "lt", "lte"), Whole())).read(name, sent)
        return Whole().read(name, sent)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Up to 50 keys of up to 40 characters, values of up to 500 (docs.stripe.com/api/metadata); `""` alone clears it: None."""

    def read(self, name: str, sent: Any) -> dict[str, str] | None:
        if sent == "":
            return None
        if not isinstance(sent, dict) or not all(isinstance(value, str) for value in sent.values()):
            raise _wrong(name, "Invalid object", sent)
        for key, value in sent.items():
            if len(key) > 40:
                raise Problem(400, f"Metadata keys can have up to 40 characters, not {len(key)}").about(name)
            if len(value) > 500:
                raise Problem(400, f"Metadata values can have up to 500 characters, not {len(value)}").about(_inside(name, key))
        return sent


def merged(before: Mapping[str, str], sent: Mapping[str, str] | None) -> dict[str, str]:
    """Metadata after an update: keys are merged, an empty value deletes its key, None all of them."""
    if sent is None:
        return {}
    together = {key: value for key, value in {**before, **sent}.items() if value}
    if len(together) > 50:
        raise Problem(400, f"You can have up to 50 metadata keys, not {len(together)}").about("metadata")
    return together


def decode(encoded: bytes | str) -> dict[str, Any]:
    """`a[b][0]=x` as nested dicts of text; lists are dicts by place until a table says that they are lists."""
    try:
        text = encoded.decode("ascii") if isinstance(encoded, bytes) else encoded
        pairs: Iterable[tuple[str, str]] = parse_qsl(text, keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise Problem(400, "Invalid request: the parameters are not form-encoded UTF-8") from None
    root: dict[str, Any] = {}
    for key, value in pairs:
        _put(root, key, value)
    return root


def _put(root: dict[str, Any], key: str, value: str) -> None:
    first, bracket, rest = key.partition("[")
    parts = [first, *_PART.findall(bracket + rest)]
    node = root
    for part in parts[:-1]:
        node = node.setdefault(part or str(len(node)), {})
        if not isinstance(node, dict):
            raise Problem(400, f"Invalid object: {first}").about(first)
    node[parts[-1] or str(len(node))] = value


def _inside(name: str, inner: str) -> str:
    return f"{name}[{inner}]" if name else inner


def _wrong(name: str, message: str, sent: Any, code: str | None = None) -> Problem:
    shown = sent if isinstance(sent, str) else "an object"
    return Problem(400, message.format(shown), code=code).about(name)
