"""How a report says a value to a person: money with its currency, times in UTC, words without underscores. Marks nothing up."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from cardctl.domain.money import Money
from cardctl.domain.redaction import printable
from cardctl.errors import BadInput
from cardctl.output.cells import is_money, text

NONE = "–"
_LONGEST = 400
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[0-9.]*(?:Z|[+-]\d\d:\d\d)\Z", re.ASCII)
_LETTERS = {"kyc": "KYC"}


def shown(value: str) -> str:
    """Text from anywhere, harmless: control and direction characters are visible, and what has no end is cut."""
    if len(value) > _LONGEST:
        value = f"{value[:_LONGEST]}… ({len(value):,} characters)"
    return value if value.isprintable() else printable(value.encode("utf-8", "backslashreplace").decode())


def words(name: str) -> str:
    """`card_missing_here` as `card missing here`."""
    return " ".join(_LETTERS.get(word, word) for word in shown(name).split("_"))


def title(name: str) -> str:
    """The same as the beginning of a line."""
    said = words(name)
    return said[:1].upper() + said[1:]


def money(value: Money) -> str:
    """`1,234.50 USD`."""
    return f"{amount(value)} {shown(value.currency)}"


def amount(value: Money) -> str:
    """`1,234.50`, for a place that names the currency itself."""
    try:
        whole, point, cents = value.amount.partition(".")
    except BadInput:  # a currency that no table knows
        return f"{value.minor:,} minor units"
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(whole.removeprefix('-')):,}{point}{cents}"


def count(value: Any) -> str:
    """A number of things, grouped; NONE where there is no number."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else NONE


def instant(value: datetime | None) -> str:
    """`2026-11-21 00:57:43`, in UTC, to the second; NONE for none."""
    return NONE if value is None else value.astimezone(UTC).isoformat(" ", "seconds")[:19]


def said(name: str, value: Any) -> str:
    """Any JSON value under its name, in one line; a time says that it is UTC."""
    if value is None or value in ("", [], {}):
        return NONE
    if isinstance(value, str):
        return _time(value) if _TIME.match(value) else shown(value)
    if is_money(value) and isinstance(value["minor"], int):
        return money(Money(value["minor"], str(value["currency"])))
    if isinstance(value, list | tuple):
        return shown(", ".join(said(name, item) for item in value))
    return shown(text(name, value, local=False))


def lasted(value: timedelta) -> str:
    """`2 days 3 h`, `4 h 12 min`, `3 min 20 s`, `5 s`: the two largest parts."""
    seconds = max(0, value.days * 86_400 + value.seconds)
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days} day{'s' if days > 1 else ''}" + (f" {hours} h" if hours else "")
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def several(number: int, noun: str) -> str:
    """`1 break`, `2,000 breaks`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _time(value: str) -> str:
    """The fraction of a second stays, where there is one: two sides may differ by no more."""
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return shown(value)
    return moment.isoformat(" ").removesuffix("+00:00") + " UTC"
