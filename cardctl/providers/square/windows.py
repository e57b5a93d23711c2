"""A long list as windows of creation time: what a page of one leaves to be read; pure functions, nothing is asked for here.

Square's lists go newest first, each page naming the next by a cursor: alone that is one page for each round trip. Windows of
creation time can be read at once; where two of them meet, a row may come twice, since it is UNCONFIRMED whether the end of a
window belongs to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

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


@dataclass(frozen=True, slots=True)
class Window:
    """Rows made from `begin` to `end` (RFC 3339; end None: until now), on from `cursor`. `rows` of it were read so far, the
    newest of them made at `newest`; `empty` pages came one after the other."""

    begin: str
    end: str | None = None
    cursor: str | None = None
    newest: str | None = None
    rows: int = 0
    empty: int = 0

    @property
    def filters(self) -> dict[str, str]:
        """As Square's parameters."""
        return {"begin_time": self.begin, "sort_order": "DESC"} | ({"end_time": self.end} if self.end else {})


def left(window: Window, part: Part, *, share: bool) -> list[Window]:
    """What is left to be read after a page: nothing, a window, or with `share` two or more. ProviderUnavailable where it would
    never end."""
    if part.cursor is None:
        return []
    if not part.rows:  # fewer rows than asked for are allowed, none is strange
        if window.empty >= _MOST_EMPTY:
            raise ProviderUnavailable("square's list does not go on, though it says that there is more")
        return [replace(window, cursor=part.cursor, empty=window.empty + 1)]
    newest = window.newest or part.rows[0]["created_at"]
    rest = replace(window, cursor=part.cursor, newest=newest, rows=window.rows + len(part.rows), empty=0)
    if not share:
        return [rest]
    begin, newest_at, oldest = moment(window.begin), moment(newest), moment(part.rows[-1]["created_at"])
    if newest_at <= begin or oldest <= begin:
        return [rest]
    return _opened(begin, newest_at, oldest) if window.end is None else _halves(rest, begin, newest_at, oldest)


def _opened(begin: datetime, newest: datetime, oldest: datetime) -> list[Window]:
    """The time before the first page, in windows that grow with age: where nothing is known yet, the newest is the densest."""
    windows, end, span = [], oldest, max(newest - oldest, _TICK) * 2
    for _ in range(_OPENING):
        start = end - span if end - begin > span else begin
        windows.append(_window(start, end))
        if start == begin:
            return windows
        end, span = start, span * 2
    return [*windows, _window(begin, end)]


def _halves(rest: Window, begin: datetime, newest: datetime, oldest: datetime) -> list[Window]:
    """The newer and the older half of what is left of a window that is likely to have many rows left; else it as it is.

    How many it has is told by those that were read of it; where that is wrong, it costs a request or two.
    """
    past, ahead = max(newest - oldest, _TICK), oldest - begin
    if rest.rows * (ahead // _TICK) < _WORTH * (past // _TICK) or ahead <= 2 * _TICK:
        return [rest]
    middle = begin + ahead // 2
    return [_window(middle, oldest), _window(begin, middle)]


def _window(begin: datetime, end: datetime) -> Window:
    """Of whole milliseconds, both ends in it."""
    return Window(moment_to_wire(begin), moment_to_wire(end + _TICK))
