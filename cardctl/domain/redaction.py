"""The last guard over free text: what looks like a card number or a secret is replaced before it is shown, logged or stored."""

from __future__ import annotations

import re
from typing import Any, NoReturn

_NUMBER = re.compile(r"(?<![0-9A-Za-z_])[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z_])", re.ASCII)
_SECRET = re.compile(
    r"\b(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{6,}|\bwhsec_[0-9A-Za-z+/=]{6,}"  # Stripe
    r"|\b(?:Bearer|Basic) [0-9A-Za-z._~+/=-]{12,}"  # an Authorization header
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",  # a password in a URL
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
_NAMES = frozenset({"number", "cvc", "cvv", "cvv2", "pan", "pin", "card_number", "encrypted_number"})


class Secret:
    """A secret in memory: it prints as stars, and only `reveal()` gives it out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that must send it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is neither copied nor pickled")


def luhn(digits: str) -> bool:
    """True where the ASCII digits pass the check of ISO/IEC 7812."""
    total = 0
    for index, char in enumerate(reversed(digits)):
        digit = ord(char) - 48
        if index % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


def redact(text: str) -> str:
    """Text with standalone Luhn-valid runs of 13 to 19 digits masked to their last four, and known secret shapes starred."""
    return _SECRET.sub("***", _NUMBER.sub(_mask, text))


def redact_json(value: Any) -> Any:
    """The same over a JSON tree; members named like card data are dropped whole."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: redact_json(item) for key, item in value.items() if key not in _NAMES}
    if isinstance(value, list | tuple):
        return [redact_json(item) for item in value]
    return value


def printable(text: str) -> str:
    """Text that cannot move a terminal's cursor: control and direction characters become visible escapes."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def _mask(match: re.Match[str]) -> str:
    digits = re.sub(r"[ -]", "", match[0])
    return f"**** **** **** {digits[-4:]}" if luhn(digits) else match[0]
