"""A long list as windows of creation time: what a page of one gives, and leaves to be read; nothing is asked for here.

Square's lists go newest first, each page naming the next by a cursor: alone that is one page for each round trip. Windows of
creation time share no row, so that they can be read at once, and what is made meanwhile moves nothing in them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cardctl.errors import ProviderUnavailable
from cardctl.providers.square.client import Part
from cardctl.providers.square.translate import moment, moment_to_wire

BEGINNING = "2009-01-01T00:00:00.000Z"
"""Square is no older. Without a `begin_time` only the last year is listed (SPEC)."""
_WORTH = 600
"""Rows; a window that has fewer left is not shared: each costs half a page where it ends."""
_OPENING = 8
_MOST_EMPTY = 50
_TICK = timedelta(milliseconds=1)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Rows made from `begin` on and before `end` (RFC 3339; None: until now), on from `cursor`.

    `rows` of it were read so far, the newest of these made at `newest`; `seen` are those that may come again, since they were
    made in the millisecond in which the last page ended. `empty` pages came one after the other.
    """

    begin: str
    end: str | None = None
    cursor: str | None = None
    newest: str | None = None
    rows: int = 0
    seen: tuple[str, ...] = ()
    empty: int = 0

    @property
    def filters(self) -> dict[str, str]:
        """As Square's parameters; UNCONFIRMED whether `end_time` belongs to the span, which is why rows are looked at again."""
        return {"begin_time": self.begin, "sort_order": "DESC"} | ({"end_time": self.end} if self.end else {})


def turned(window: Window, part: Part, *, share: bool) -> tuple[list[Row], list[Window]]:
    """What a page of a window gives, and what is left to be read: nothing, a window, or with `share` two or more.

    A row that stands in no such window, or that was given before, is none of its own. ProviderUnavailable where the list would
    never end.
    """
    fresh = {row["id"]: row for row in part.rows if row["id"] not in window.seen and _holds(window, row)}
    rows = list(fresh.values())
    if part.cursor is None:
        return rows, []
    if not rows:  # fewer than were asked for are allowed, for ever none are not
        if window.empty >= _MOST_EMPTY:
            raise ProviderUnavailable("square's list does not go on, though it says that there is more")
        return rows, [replace(window, cursor=part.cursor, empty=window.empty + 1)]
    rest = _rest(window, part.cursor, rows)
    begin, newest, oldest = moment(rest.begin), moment(rest.newest or ""), moment(rows[-1]["created_at"])
    if not share or oldest - begin <= 2 * _TICK:
        return rows, [rest]
    return rows, _opened(rest, begin, newest, oldest) if window.end is None else _halves(rest, begin, newest, oldest)


def _holds(window: Window, row: Row) -> bool:
    made = moment(row["created_at"])
    return made >= moment(window.begin) and (window.end is None or made < moment(window.end))


def _rest(window: Window, cursor: str, rows: list[Row]) -> Window:
    first, last = (_whole_ms(moment(row["created_at"])) for row in (rows[0], rows[-1]))
    seen = tuple(row["id"] for row in rows if _whole_ms(moment(row["created_at"])) == last)
    if first == last:  # as the page before may have ended
        seen = (*window.seen, *seen)
    newest = window.newest or rows[0]["created_at"]
    return replace(window, cursor=cursor, newest=newest, rows=window.rows + len(rows), seen=seen, empty=0)


def _opened(rest: Window, begin: datetime, newest: datetime, oldest: datetime) -> list[Window]:
    """The time before the first page, in windows that grow with age: where nothing is known yet, the newest is the densest."""
    windows: list[Window] = []
    end, span = _whole_ms(oldest) + _TICK, max(newest - oldest, _TICK) * 2
    while end > begin:
        start = end - span if end - begin > span and len(windows) < _OPENING else begin
        windows.append(_window(start, end, () if windows else rest.seen))
        end, span = _whole_ms(start), span * 2
    return windows


def _halves(rest: Window, begin: datetime, newest: datetime, oldest: datetime) -> list[Window]:
    """The newer and the older half of what is left of a window that is likely to have many rows left; else it as it is.

    How many it has is told by those that were read of it; where that is wrong, it costs a request or two.
    """
    past, ahead = max(newest - oldest, _TICK), oldest - begin
    if rest.rows * (ahead // _TICK) < _WORTH * (past // _TICK):
        return [rest]
    middle = _whole_ms(begin + ahead // 2)
    return [_window(middle, _whole_ms(oldest) + _TICK, rest.seen), _window(begin, middle)]


def _window(begin: datetime, end: datetime, seen: tuple[str, ...] = ()) -> Window:
    return Window(moment_to_wire(begin), moment_to_wire(end), seen=seen)


def _whole_ms(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
