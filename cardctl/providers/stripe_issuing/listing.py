"""A long list read by several at a time, by windows of creation time; which list, and what its rows are, is not known here.

Stripe's lists go newest first, page after page, each naming the one before: alone that is one page for each round trip. Two
windows of creation time share no row, so that they can be read at once, and what is made meanwhile moves nothing in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import Any

from cardctl.errors import ProviderUnavailable

PAGE = 100
WORKERS = 34
"""Windows read at once: 100 pages a second at 300 ms each, and a few more. Each costs half a page where it ends."""
_WORTH = 300
"""Rows; a window that has no more than so many left is not shared."""
_OPENING = 10
_AHEAD = 100
"""Pages that may wait to be taken: 20 MB of them."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One page: rows made from `start` on and before `end` (Unix seconds; None: no bound), after the row `after`."""

    start: int | None = None
    end: int | None = None
    after: str | None = None

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


def side_by_side(fetch: Callable[[Asked], Page], *, workers: int = WORKERS) -> Iterator[list[Row]]:
    """Every row that was there when it began, each once, a page at a time, in no order; a short list is one request.

    Who has nothing left to read takes half of what the longest window has left. An error of `fetch` ends the list, once what
    was under way has ended.
    """
    first = fetch(Asked())
    if first.rows:
        yield first.rows
    if not first.more:
        return
    read: SimpleQueue[list[Row] | BaseException | None] = SimpleQueue()
    room, given_up = Semaphore(_AHEAD), Event()
    reader = Thread(target=_read, args=(fetch, workers, first.rows, read, room, given_up), daemon=True)
    reader.start()
    try:
        while (rows := read.get()) is not None:
            if isinstance(rows, BaseException):
                raise rows
            room.release()
            yield rows
    finally:
        given_up.set()
        room.release()
        reader.join()


def _read(
    fetch: Callable[[Asked], Page],
    workers: int,
    first: list[Row],
    read: SimpleQueue[list[Row] | BaseException | None],
    room: Semaphore,
    given_up: Event,
) -> None:
    """Keeps the readers at work, whatever time is taken over what they have read; at most `_AHEAD` pages ahead of it."""
    waiting, flying = _opening(first), dict[Future[Page], _Window]()
    pool = ThreadPoolExecutor(workers)
    try:
        while (waiting or flying) and not given_up.is_set():
            while len(flying) < workers and (window := waiting.pop(0) if waiting else _shared(flying.values())):
                flying[pool.submit(fetch, window.asked)] = window
            for done in wait(flying, return_when=FIRST_COMPLETED).done:
                window, page = flying.pop(done), done.result()
                rows = [row for row in page.rows if row["created"] >= window.start]  # the rest is somebody else's by now
                if page.more and len(rows) == len(page.rows):
                    window.passed(rows)
                    waiting.insert(0, window)
                if rows:
                    room.acquire()
                    if given_up.is_set():
                        return
                    read.put(rows)
    except BaseException as error:  # it belongs to whoever asked for the list
        pool.shutdown(cancel_futures=True)
        read.put(error)
    finally:
        pool.shutdown(cancel_futures=True)
        read.put(None)


@dataclass(slots=True)
class _Window:
    """Where a reader is: it has read down to `end`, and goes on to `start`. `density`: rows a second, None before the first."""

    start: int
    end: int
    after: str | None = None
    density: float | None = None

    @property
    def asked(self) -> Asked:
        return Asked(self.start, self.end, self.after)

    @property
    def left(self) -> float:
        """Rows, as far as can be told."""
        return (self.density or 0.0) * (self.end - self.start)

    def passed(self, rows: list[Row]) -> None:
        """ProviderUnavailable where the page does not lead on: asked for the next one for ever, it would never end."""
        if not rows or rows[-1]["id"] == self.after or rows[-1]["created"] >= self.end:
            raise ProviderUnavailable("stripe's list does not go on, though it says that there is more")
        newest, oldest = rows[0]["created"], rows[-1]["created"]
        here = len(rows) / max(newest - oldest, 1)
        self.density = here if self.density is None else (self.density + here) / 2
        self.end, self.after = oldest + 1, rows[-1]["id"]  # the second in which the page ended may have more rows


def _opening(rows: list[Row]) -> list[_Window]:
    """The time before the first page, in windows that grow with age: where nothing is known yet, the newest is the densest."""
    newest, oldest = rows[0]["created"], rows[-1]["created"]
    windows = [_Window(oldest, oldest + 1, rows[-1]["id"])]
    end, span = oldest, max(newest - oldest, 1) * 2
    for _ in range(_OPENING):
        windows.append(_Window(max(end - span, 0), end))
        end, span = max(end - span, 0), span * 2
    return [*windows, _Window(0, end)]


def _shared(windows: Iterable[_Window]) -> _Window | None:
    """The older half of what the longest window has left after the page that it is at; None where it is not worth it."""
    longest = max(windows, key=lambda window: window.left, default=None)
    if longest is None or longest.density is None or longest.left < _WORTH:
        return None
    middle = (longest.start + longest.end - round(PAGE / longest.density)) // 2
    if middle <= longest.start:
        return None
    older = _Window(longest.start, middle, density=longest.density)
    longest.start = middle
    return older
