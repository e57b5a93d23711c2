"""What an answer of Strowallet means: yes, no or neither, in whose words, and as which of our errors; nothing is sent here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from cardctl.domain.redaction import redact
from cardctl.errors import CardctlError, ProviderHasNot, ProviderRefused, SecretRefused

SLASH_HINT = (
    "strowallet.com wants a slash at the end of every path, ziiropay.com none: see the setting strowallet.trailing_slash"
)
_KEY_HINT = "strowallet.com and ziiropay.com have different keys: see strowallet.product, and `cardctl secret check`"

_YES = frozenset({"true", "1", "yes", "ok", "success", "successful", "completed", "complete"})
_NO = frozenset({"false", "0", "no", "error", "failed", "failure", "fail"})
_NO_ERROR = frozenset({"", "ok", "false", "none", "null"})
_MARKERS = frozenset({"success", "status", "statusCode", "public_key"})
_HAS_NOT = re.compile(r"\b(?:card|customer|card ?holder|user|record|resource)\b.*\bnot found\b|^not found\b", re.I | re.S)
_ELSEWHERE = re.compile(r"\b(?:route|endpoint|page|url)\b", re.I)
_KEY_REFUSED = re.compile(r"\binvalid public[ _]?key\b", re.I)
_INSUFFICIENT = re.compile(r"\binsufficient\b.*\bbalance\b", re.I | re.S)
_EMPTY: tuple[Any, ...] = (None, "", [], {})


def succeeded(status: int, data: Any, payload: Collection[str] = ()) -> bool | None:
    """Whether an answer says yes (True), no (False) or cannot be understood (None). `payload` are the members that prove a yes.

    The only judge of it: `success` is not always boolean, some answers have only `status`, and a 200 may carry an `error`. The
    rule is the fact sheet's (section 5), but for words that it does not list, which are no yes.
    """
    if not 200 <= status < 300:
        return False
    if not isinstance(data, dict):
        return None
    success, state = _word(data.get("success")), _word(data.get("status"))
    if success in _NO or data.get("status") is False or _names_error(data.get("error")) or _failed_inside(data):
        return False
    proven = success in _YES or any(data.get(name) not in _EMPTY for name in payload)
    if state in _NO and "status" not in payload:
        return None if proven else False  # both words in one answer: nobody can tell
    return True if proven or (state in _YES and success == "") else None


def complaint(status: int, data: Any) -> str:
    """The provider's reason in one line: `message`, with the fields it names; else `errors`, `error`, or all that is there."""
    if isinstance(data, dict):
        message, errors = _flat(data.get("message")), _flat(data.get("errors"))
        if message and errors and errors not in message:
            return f"{message} ({errors})"
        rest = {name: value for name, value in data.items() if name not in _MARKERS}
        return message or errors or _flat(data.get("error")) or _flat(rest) or f"HTTP {status}"
    return f"HTTP {status}"


def refusal(status: int, data: Any, key: str) -> CardctlError:
    """A no as our error; `key` is cut out of the text, since an address with the key in it may come back in one."""
    said = complaint(status, data)
    text = redact(said.replace(key, "***") if key else said)
    message = f"strowallet said no ({status}): {text}"
    if status == 401 or _KEY_REFUSED.search(said):
        return SecretRefused(message, hint=_KEY_HINT)
    if (status == 404 or _HAS_NOT.search(said)) and not _ELSEWHERE.search(said):
        return ProviderHasNot(message)
    hint = "its float may be too low: see `cardctl provider balance`" if _INSUFFICIENT.search(said) else None
    return ProviderRefused(message, hint=SLASH_HINT if status == 405 else hint)


def wants_a_form(status: int, data: Any) -> bool:
    """A JSON body was turned away unread: one client saw 400 "Validation Error" for it, and was served when it sent a form."""
    return status == 400 and "validation error" in complaint(status, data).lower()


def _word(value: Any) -> str:
    return "" if value is None else str(value).strip().lower()


def _names_error(value: Any) -> bool:
    return value not in _EMPTY and _word(value) not in _NO_ERROR


def _failed_inside(data: Mapping[str, Any]) -> bool:
    """A `statusCode` (or a numeric `status`) of 400 or more, at the top or one level down."""
    inner = [data.get("data"), data.get("response"), data.get("apiresponse")]
    codes = [place.get("statusCode") for place in (data, *inner) if isinstance(place, Mapping)]
    return any(_number(code) >= 400 for code in (*codes, data.get("status")))


def _number(value: Any) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _flat(value: Any) -> str:
    """Every text in it, each after the name of its field."""
    return "; ".join(f"{name}: {text}" if name else text for name, text in _leaves("", value))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(str(key), item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(name, item)
    elif value is not None and not isinstance(value, bool) and str(value).strip():
        yield name, " ".join(str(value).split())
