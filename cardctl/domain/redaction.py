"""The last guard over free text: what looks like a card number or a secret is replaced before it is shown, logged or stored."""

from __future__ import annotations

import re
from typing import Any, NoReturn

_NUMBERS = re.compile(r"(?<![0-9A-Za-z_])[0-9](?:[ -]?[0-9]){12,}(?![0-9A-Za-z_])", re.ASCII)
_SECRET = re.compile(
    r"\b(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{6,}|\bwhsec_[0-9A-Za-z+/=]{6,}"  # Stripe
    r"|\b(?:ccof|cnon|verf):[\w-]{3,}"  # what Square calls a buyer's card, and the tokens that become one
    r"|(?i:\b(?:bearer|basic) [0-9a-z._~+/=-]{12,})"  # an Authorization header
    r"|(?i:\bcv[cv]2?\b[\"']?\s*[:=]\s*[\"']?[0-9]{3,4}\b)"  # a security code with its name
    r"|(?<=://)[^/\s:@]*:[^/\s]+(?=@)",  # a password in a URL, which may hold an @ itself
)
_DIGITS = re.compile(r"[0-9](?:[ -]?[0-9]){12}", re.ASCII)
"""What every run that `_NUMBERS` finds has in it."""
_SUSPICIOUS = re.compile(
    r"_live_|_test_|whsec_|[Bb][Ee][Aa][Rr][Ee][Rr] |[Bb][Aa][Ss][Ii][Cc] |[Cc][Vv][CcVv]|://|ccof:|cnon:|verf:"
)
"""What every text that `_SECRET` finds has in it."""
_SHAPE = bytes(48 if 48 <= byte <= 57 else 120 for byte in range(256))  # every digit 0, all else x
_HINTS = (b"_live_", b"_test_", b"whsec_", b"bearer ", b"basic ", b"cvc", b"cvv", b"://", b"ccof:", b"cnon:", b"verf:")
"""The same in small letters."""
_GROUP = re.compile(r"[0-9]+|[ -]", re.ASCII)
_SHORTEST, _LONGEST = 13, 19
_CONTROL = re.compile(  # control and direction characters, and those that take no room
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
_NAMES = frozenset({"number", "cvc", "cvv", "cvv2", "pan", "pin", "card_number", "encrypted_number"})
_NAMED = tuple(f'"{name}"'.encode() for name in sorted(_NAMES))


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
    if _DIGITS.search(text):  # most texts are neither, and the two questions that find that out are cheap
        text = _NUMBERS.sub(_mask, text)
    return _SECRET.sub("***", text) if _SUSPICIOUS.search(text) else text


def redact_json(value: Any) -> Any:
    """The same over a JSON tree; members named like card data are dropped whole, and an `iccid` is no card number."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: item if key == "iccid" else redact_json(item) for key, item in value.items() if key not in _NAMES}
    if isinstance(value, list | tuple):
        return [redact_json(item) for item in value]
    return value


def nothing_to_redact(json_text: bytes) -> bool:
    """Whether `redact_json` would surely leave what this JSON says as it is: one look at the text, not one at each member."""
    run = b"0" * _SHORTEST in json_text.translate(_SHAPE, b" -")  # so many digits, once spaces and dashes are gone
    small = json_text.lower()
    return not (run or any(hint in small for hint in _HINTS) or any(name in json_text for name in _NAMED))


def redact_body(body: bytes) -> bytes:
    """A raw body without card numbers, security codes and secrets; the very same bytes where it has none.

    A member that is only named like card data, and has none, stays: the body may have to prove itself again.
    """
    if nothing_to_redact(body) and b"\\u00" not in body:  # a digit may be escaped
        return body
    import json  # noqa: PLC0415 - nearly every body ends above

    import orjson  # noqa: PLC0415

    masked = list[str]()

    def number(text: str) -> Any:
        if redact(text) == text:
            return orjson.Fragment(text)  # as it stands
        masked.append(redact(text))
        return masked[-1]

    try:
        told = json.loads(body, parse_int=number, parse_float=number)
        safe = _without_numbers(told, orjson.Fragment)
        return body if safe == told and not masked else bytes(orjson.dumps(safe))
    except (ValueError, TypeError, RecursionError):  # no JSON, or none that can be written
        return redact(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _without_numbers(value: Any, number: type) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if not (name in _NAMES and _is_digits(item, number))}
        return {redact(name): item if name == "iccid" else _without_numbers(item, number) for name, item in kept.items()}
    if isinstance(value, list):
        return [_without_numbers(item, number) for item in value]
    return value


def _is_digits(value: Any, number: type) -> bool:
    return isinstance(value, number) or (isinstance(value, str) and len(value) > 2 and value.strip("0123456789 -*") == "")


def printable(text: str) -> str:
    """Text that cannot move a terminal's cursor: control and direction characters become visible escapes."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def _mask(match: re.Match[str]) -> str:
    """The run with every card number in it masked: whole groups that have 13 to 19 digits together and pass Luhn.

    A security code, a date or an amount may stand beside a number, so that the run as a whole passes nothing.
    """
    parts = _GROUP.findall(match[0])
    shown, at = [], 0
    while at < len(parts):
        end = _card_number(parts, at)
        shown.append(parts[at] if end is None else f"**** **** **** {''.join(parts[at:end])[-4:]}")
        at = at + 1 if end is None else end
    return "".join(shown)


def _card_number(parts: list[str], start: int) -> int | None:
    """Where the longest card number ends that begins with the group `parts[start]`; groups and separators take turns."""
    digits, found = "", None
    for end in range(start, len(parts), 2):
        digits += parts[end]
        if len(digits) > _LONGEST or not digits.isdigit():
            break
        if len(digits) >= _SHORTEST and luhn(digits):
            found = end + 1
    return found
