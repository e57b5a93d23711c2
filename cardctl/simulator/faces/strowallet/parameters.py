"""Reads what a client sent, wherever it sent it, against an endpoint's table of parameters; no bank rules."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from cardctl.domain.money import Money
from cardctl.errors import BadInput
from cardctl.simulator.rows import Record

_AMOUNT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?\Z", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}\Z", re.ASCII)
_ALPHA_3 = 3
_SHORTEST_ADDRESS = 8
_LARGEST_IMAGE = 1024 * 1024


class Invalid(Exception):
    """Parameters that are missing or wrong: name to messages."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("invalid parameters")
        self.errors = dict(errors)


class Bad(Exception):
    """One parameter is wrong; the message names it."""


Kind = Callable[[str, str], Any]
"""Reads the text that was sent under a name, or raises Bad."""


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of an endpoint."""

    kind: Kind
    required: bool = True


def decode(query: str, headers: Mapping[str, str], body: bytes) -> Record:
    """Query, form body and JSON body together (all three are CONFIRMED), the body's word last; numbers as they are written.

    Blank text is as good as nothing; a body that cannot be read is no body.
    """
    kind = headers.get("content-type", "")
    sent: Record = dict(parse_qsl(query, keep_blank_values=True))
    try:
        if "json" in kind:
            sent |= _object(body)
        elif kind.startswith("application/x-www-form-urlencoded"):
            sent |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    except (ValueError, RecursionError):
        pass
    sent = {name: value.strip() if isinstance(value, str) else value for name, value in sent.items()}
    return {name: value for name, value in sent.items() if value not in (None, "")}


def read(takes: Mapping[str, Field], sent: Mapping[str, Any]) -> Record:
    """The parameters that the table names; others are ignored. Invalid names all that is wrong at once."""
    found: Record = {}
    errors: dict[str, list[str]] = {}
    for name, field in takes.items():
        try:
            if name in sent:
                found[name] = field.kind(name, _text(name, sent[name]))
            elif field.required:
                raise Bad(f"The {_spoken(name)} field is required.")
        except Bad as bad:
            errors[name] = [str(bad)]
    if errors:
        raise Invalid(errors)
    return found


def text(_: str, sent: str) -> str:
    """Any text."""
    return sent


def amount(name: str, sent: str) -> int:
    """Major units of USD as a decimal, more than nothing; in cents."""
    if not _AMOUNT.match(sent):
        raise Bad(f"The {_spoken(name)} must be a number.")
    try:
        cents = Money.of_decimal(Decimal(sent), "USD").minor
    except BadInput:
        raise Bad(f"The {_spoken(name)} must have at most 2 decimal places.") from None
    if cents < 1:
        raise Bad(f"The {_spoken(name)} must be greater than 0.")
    return cents


def email(name: str, sent: str) -> str:
    """An e-mail address."""
    local, at, domain = sent.rpartition("@")
    if not (local and at and "." in domain) or " " in sent:
        raise Bad(f"The {_spoken(name)} must be a valid email address.")
    return sent


def digits(name: str, sent: str) -> str:
    """A telephone number: international digits without `+`."""
    if not (sent.isascii() and sent.isdigit()):
        raise Bad(f"The {_spoken(name)} must contain only digits.")
    return sent


def american_date(name: str, sent: str) -> str:
    """MM/DD/YYYY; kept as YYYY-MM-DD, which is how it is echoed."""
    return _date(name, sent, "%m/%d/%Y", "MM/DD/YYYY")


def iso_date(name: str, sent: str) -> str:
    """YYYY-MM-DD."""
    return _date(name, sent, "%Y-%m-%d", "YYYY-MM-DD")


def alpha_3(name: str, sent: str) -> str:
    """A country's three letters."""
    if len(sent) != _ALPHA_3 or not (sent.isascii() and sent.isalpha()):
        raise Bad(f"The {_spoken(name)} must be 3 characters.")
    return sent.upper()


def long_address(_: str, sent: str) -> str:
    """A street of about eight characters at least."""
    if len(sent) < _SHORTEST_ADDRESS:
        raise Bad("address1 is too short")
    return sent


def image(name: str, sent: str) -> str:
    """Base64 of up to 1 MB."""
    if len(sent) * 3 // 4 > _LARGEST_IMAGE:
        raise Bad(f"The {_spoken(name)} must not be greater than 1024 kilobytes.")
    return sent


def one_of(*words: str) -> Kind:
    """A word of a closed list."""

    def kind(name: str, sent: str) -> str:
        if sent not in words:
            raise Bad(f"The selected {_spoken(name)} is invalid.")
        return sent

    return kind


def whole(least: int, most: int) -> Kind:
    """A whole number between its bounds."""

    def kind(name: str, sent: str) -> int:
        if not _WHOLE.match(sent) or not least <= int(sent) <= most:
            raise Bad(f"The {_spoken(name)} must be between {least} and {most}.")
        return int(sent)

    return kind


def _object(body: bytes) -> Record:
    sent = json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
    json.dumps(sent, ensure_ascii=False).encode()  # half a surrogate pair fits no database
    return sent if isinstance(sent, dict) else {}


def _text(name: str, sent: Any) -> str:
    if not isinstance(sent, str):
        raise Bad(f"The {_spoken(name)} must be a string.")
    return sent


def _date(name: str, sent: str, pattern: str, shown: str) -> str:
    try:
        return datetime.strptime(sent, pattern).date().isoformat()  # noqa: DTZ007  (a birthday has no zone)
    except ValueError:
        raise Bad(f"The {_spoken(name)} does not match the format {shown}.") from None


def _spoken(name: str) -> str:
    """customerEmail and customer_email as `customer email`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()
