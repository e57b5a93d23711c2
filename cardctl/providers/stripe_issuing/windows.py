"""A long list as windows of creation time: what a page of one leaves to be read; pure functions, nothing is asked for here.

Stripe's lists go newest first, page after page, each naming the one before: alone that is one page for each round trip. Two
windows of creation time share no row, so that they can be read at once, and what is made meanwhile moves nothing in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cardctl.errors import ProviderUnavailable

PAGE = 100
_WORTH = 600
"""Rows; a window that has fewer left is not shared: each costs half a page where it ends."""
_OPENING = 10
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Rows made from `start` on and before `end` (Unix seconds; None: no bound), after the row `after`.

    `rows` of it were read so far, and the newest of these was made at `newest`.
    """

    start: int | None = None
    end: int | None = None
    after: str | None = None
    newest: int | None = None
    rows: int = 0

    @property
    def filters(self) -> dict[str, Any]:
        """As Stripe's parameters."""
        bounds = {name: value for name, value in (("gte", self.start), ("lt", self.end)) if value is not None}
        return {"starting_after": self.after} | ({"created": bounds} if bounds else {})


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first; `more`: the window goes on."""

    rows: list[Row]
    more: bool


def turned(window: Window, page: Page, *, share: bool) -> tuple[list[Row], list[Window]]:
    """What a page of a window gives, and what is left to be read: nothing, a window, or with `share` two or more.

    A row that stands in no such window, twice on the page, or at the end of the page before, is none of its own.
    ProviderUnavailable where the page does not lead on: asked for the next one for ever, it would never end.
    """
    fresh = {row["id"]: row for row in page.rows if row["id"] != window.after and _holds(window, row)}
    rows = list(fresh.values())
    if not page.more:
        return rows, []
    if not rows or page.rows[-1]["id"] not in fresh:
        raise ProviderUnavailable("stripe's list does not go on, though it says that there is more")
    rest = _rest(window, rows)
    if not share:
        return rows, [rest]
    return rows, _opened(rest) if window.end is None else _halves(rest)


def _holds(window: Window, row: Row) -> bool:
    made: int = row["created"]
    return (window.start is None or made >= window.start) and (window.end is None or made < window.end)


def _rest(window: Window, rows: list[Row]) -> Window:
    """The second in which the page ended may have more rows."""
    newest = rows[0]["created"] if window.newest is None else window.newest
    return Window(window.start, rows[-1]["created"] + 1, rows[-1]["id"], newest, window.rows + len(rows))


def _opened(rest: Window) -> list[Window]:
    """The time before the first page, in windows that grow with age: where nothing is known yet, the newest is the densest."""
    assert rest.end is not None
    assert rest.newest is not None
    start, oldest = rest.start or 0, rest.end - 1
    windows = [Window(oldest, rest.end, rest.after, rest.newest, rest.rows)]
    end, span = oldest, max(rest.newest - oldest, 1) * 2
    for _ in range(_OPENING):
        windows.append(Window(max(end - span, start), end))
        end, span = max(end - span, start), span * 2
    return [window for window in (*windows, Window(start, end)) if (window.start or 0) < (window.end or 0)]


def _halves(rest: Window) -> list[Window]:
    """The newer and the older half of a window that is likely to have many rows left; else the window as it is.

    How many it has is told by those that were read of it; where it was thought to have none before a time, or far fewer, that
    costs a request or two.
    """
    assert rest.end is not None
    assert rest.newest is not None
    start, oldest = rest.start or 0, rest.end - 1
    seconds, middle = max(rest.newest - oldest, 1), (start + oldest) // 2
    if rest.rows * (oldest - start) < _WORTH * seconds or middle <= start:
        return [rest]
    return [Window(middle, rest.end, rest.after, rest.newest, rest.rows), Window(start, middle)]
