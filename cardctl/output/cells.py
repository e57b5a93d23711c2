"""JSON dicts as cells of a table or of csv: one value to one text. Draws no table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from cardctl.domain.redaction import printable
from cardctl.output.guard import clean

_MONEY = ("minor", "currency", "amount")
_LIMITS = ("per_transaction", "daily", "weekly", "monthly")
_CHAINS = ("paid", "given_back", "spent", "charged", "cost_there")
_AMOUNTS = (
    "balance",
    "amount",
    "impact",
    "allowance",
    "float",
    "at_risk",
    "captured",
    "refunded",
    "cost",
    "price",
    *_CHAINS,
    *_LIMITS,
)
PARTS: dict[str, tuple[str, ...]] = {  # what a field consists of, so that csv has the same columns where it is null
    **dict.fromkeys(_AMOUNTS, _MONEY),
    "limits": _LIMITS,
    "merchant": ("name", "mcc", "category", "city", "country"),
}
_WHOLE = frozenset({"before", "after", "arguments", "body", "raw", "evidence", "local", "remote"})  # another tree in every row

Path = tuple[str, ...]


def text(name: str, value: Any, *, local: bool) -> str:
    """A value as a person reads it. `name` tells a time; `local` shows it in this machine's zone, else UTC marked Z."""
    if isinstance(value, str):
        is_time = name.endswith("_at") or name == "at"
        return _time(value, local) if is_time else _visible(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ([], {}):
        return "-"
    if isinstance(value, dict):
        return f"{value['amount']} {value['currency']}" if is_money(value) else _visible(_json(value))
    return ", ".join(text(name, item, local=local) for item in value) if isinstance(value, list | tuple) else str(value)


def is_money(value: Any) -> bool:
    """True for `{"minor", "currency", "amount"}`."""
    return isinstance(value, dict) and value.keys() == {"minor", "currency", "amount"}


def at(item: dict[str, Any], path: Path) -> Any:
    """What lies at `path`, None where it ends early."""
    value: Any = item.get(path[0])
    for name in path[1:]:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def fields(item: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every field of one object under its dotted name, money kept whole; for a person's two columns."""
    for name, value in item.items():
        if isinstance(value, dict) and value and not is_money(value) and name not in _WHOLE:
            yield from ((f"{name}.{inner}", held) for inner, held in fields(value))
        else:
            yield name, value


def csv_paths(item: dict[str, Any]) -> list[Path]:
    """The columns of csv, as paths; null money, limits and merchants have theirs too."""
    return [path for name, value in item.items() for path in _paths((name,), value)]


def csv_row(item: dict[str, Any], paths: Sequence[Path]) -> list[str]:
    """One row under `paths`; null is empty, a list or an open tree is its JSON."""
    item = clean(item)
    return [_csv(at(item, path)) for path in paths]


def _paths(path: Path, value: Any) -> Iterator[Path]:
    if path[-1] in PARTS and (value is None or isinstance(value, dict)):
        names: Sequence[str] = PARTS[path[-1]]
    elif isinstance(value, dict) and value and path[-1] not in _WHOLE:
        names = list(value)
    else:
        yield path
        return
    if tuple(names) == _MONEY:
        yield from ((*path, name) for name in names)
        return
    for name in names:
        yield from _paths((*path, name), value.get(name) if value else None)


def _csv(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _visible(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _visible(_json(value)) if isinstance(value, dict | list | tuple) else str(value)


def _visible(value: str) -> str:
    return value if value.isprintable() else printable(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _time(value: str, local: bool) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return _visible(value)
    if local:
        return moment.astimezone().isoformat(" ", "seconds")[:19]
    return moment.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"
