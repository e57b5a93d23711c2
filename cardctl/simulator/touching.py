"""A connection to the far side's file that remembers which rows the visit at work wrote; what is told of them is elsewhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NOBODY = (None, None)
"""Who asked, where nobody did: no request, no idempotency key."""


class Listening(sqlite3.Connection):
    """`touched`: (table, ref) → the row before the visit, None where it is new, in the order of the first touch.

    `asked_by` is the request (its id and its idempotency key) that a visit serves. In a `silence` nothing is noted.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.touched: dict[tuple[str, str], dict[str, Any] | None] = {}
        self.asked_by: tuple[str | None, str | None] = NOBODY
        self.silent = False

    def begin_visit(self, *, silent: bool = False) -> None:
        """Nothing was written yet, and nobody has asked."""
        self.touched.clear()
        self.asked_by = NOBODY
        self.silent = silent

    def take(self) -> dict[tuple[str, str], dict[str, Any] | None]:
        """What was touched since the last time that somebody took it."""
        taken, self.touched = self.touched, {}
        return taken


@contextmanager
def silence(db: Listening) -> Iterator[None]:
    """What is written in the block is told to nobody."""
    before, db.silent = db.silent, True
    try:
        yield
    finally:
        db.silent = before
