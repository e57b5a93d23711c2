"""The tables of Marqeta's side of the far side's file; no behaviour."""

from __future__ import annotations

LISTED: tuple[str, ...] = ()
"""Tables of objects that have a `ref`, a `created` and a place in a list."""

TABLES: tuple[str, ...] = LISTED
"""Every table, to be emptied by a reset."""

JSON_COLUMNS: dict[str, tuple[str, ...]] = {}

STATEMENTS: tuple[str, ...] = ()
