"""The last guard over what is shown: card numbers and secrets in free text are masked, ids and hashes are left alone."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from cardctl.domain.redaction import printable, redact

_SHORTEST = 7  # no card number, key, password in a URL or named security code is shorter
_SHORT = 200
_WORDS = frozenset({"id", "ref", "hash", "digest", "fingerprint", "iccid", "at", "last4", "amount", "target", "object"})
_ENDINGS = ("_id", "_ref", "_key", "_hash", "_at")

_SUSPECT = re.compile(
    r"[0-9](?:[ -]?[0-9]){12}|_|://|ccof:|cnon:|verf:|Bearer |Basic |(?i:cv[cv])"
)  # nothing that redact() masks is without one of these


@lru_cache(maxsize=1024)
def is_word(name: str) -> bool:
    """True for a field that holds an id, a key, a hash, a time or an amount, which the guard never touches."""
    return name in _WORDS or name.endswith(_ENDINGS)


def clean(data: dict[str, Any]) -> dict[str, Any]:
    """The same tree with its free text redacted; the very same object where nothing was found."""
    changed: dict[str, Any] = {}
    for name, value in data.items():
        kind = type(value)
        if kind is str:
            new: Any = value if len(value) < _SHORTEST or is_word(name) else _safe(value)
        elif kind is dict:
            new = value if "minor" in value else clean(value)  # money has no text
        elif kind is list or kind is tuple:
            new = _clean_list(name, value)
        else:
            continue
        if new is not value and new != value:
            changed[name] = new
    return {**data, **changed} if changed else data


def line(text: str) -> str:
    """One line for a person: redacted, and unable to move a terminal's cursor."""
    text = redact(text)
    return text if text.isprintable() else printable(text)


def _safe(text: str) -> str:
    return _remembered(text) if len(text) < _SHORT else _redacted(text)


def _redacted(text: str) -> str:
    return redact(text) if _SUSPECT.search(text) else text


_remembered = lru_cache(maxsize=1024)(_redacted)  # a column often says the same thing in every row


def _clean_list(name: str, items: list[Any] | tuple[Any, ...]) -> list[Any] | tuple[Any, ...]:
    cleaned = [clean({name: item})[name] for item in items]
    return items if all(new is old for new, old in zip(cleaned, items, strict=True)) else cleaned
