"""Settings from a command line, KEY=VALUE each, as config.toml would hold them. Whether they fit together is judged later."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from cardctl.config.profile import validated
from cardctl.errors import BadConfig, BadInput


def assigned(profile: str, texts: Iterable[str], known: Mapping[str, Any]) -> dict[str, Any]:
    """`known` and what the texts set (`limits.daily=200.00`, `stripe.rate_limit=5`), nested as in the file.

    A value is taken as text where its key takes text, else as TOML (a number, true, a list). BadInput for what is no
    KEY=VALUE or a key that is set twice; BadConfig for unknown keys and wrong values.
    """
    values: dict[str, Any] = {key: value for key, value in known.items() if value is not None}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not all(key.split(".")):
            raise BadInput(f"{key!r} sets nothing", hint="write KEY=VALUE, such as limits.daily=200.00")
        _put(values, key.split("."), _read(profile, key.split("."), value))
    return values


def _read(profile: str, path: list[str], text: str) -> Any:
    try:
        _try(profile, path, text)
    except BadConfig as refused:
        try:
            parsed = tomllib.loads(f"value = {text}", parse_float=Decimal)
            _try(profile, path, parsed["value"])
        except (tomllib.TOMLDecodeError, BadConfig):
            raise refused from None
        if len(parsed) > 1:  # a line break, and another setting behind it
            raise
        return parsed["value"]
    return text


def _try(profile: str, path: list[str], value: Any) -> None:
    table: dict[str, Any] = {} if path == ["environment"] else {"environment": "simulator"}
    _put(table, path, value)
    validated(profile, table, {}, "--set")


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    *above, last = path
    table = values
    for key in above:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise BadInput(f"{'.'.join(path)} is set below a value")
    if last in table:
        raise BadInput(f"{'.'.join(path)} is set twice")
    table[last] = value
