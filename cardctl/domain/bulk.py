"""Lists of writes: which verbs take one, their columns, their rows as they were written; what a row means is not said here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """What can be done to many cards by a list."""

    ISSUE = "issue"
    FREEZE = "freeze"
    CLOSE = "close"
    LIMITS = "limits"
    FUND = "fund"


LIMITS = ("per_transaction", "daily", "weekly", "monthly")
COLUMNS: dict[Verb, tuple[str, ...]] = {
    Verb.ISSUE: ("account", "key", "currency", "type", "fund", *LIMITS),
    Verb.FREEZE: ("card", "reason"),
    Verb.CLOSE: ("card", "reason"),
    Verb.LIMITS: ("card", *LIMITS),
    Verb.FUND: ("card", "amount", "currency"),
}
NEEDED: dict[Verb, tuple[str, ...]] = {
    Verb.ISSUE: ("account",),
    Verb.FREEZE: ("card",),
    Verb.CLOSE: ("card",),
    Verb.LIMITS: ("card",),
    Verb.FUND: ("card", "amount"),
}


@dataclass(frozen=True, slots=True)
class ListedRow:
    """One row as it stands: the line that it begins on, its cells by column, and what is wrong with its form."""

    line: int
    cells: dict[str, str]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A list as it was read. `name` is how messages call it, `digest` what tells one content from another."""

    name: str
    verb: Verb
    columns: tuple[str, ...]
    rows: tuple[ListedRow, ...]
    digest: str
