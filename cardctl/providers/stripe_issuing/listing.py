"""A long list read by several at a time, in threads of its own; which list, and what its rows are, is not known here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from threading import Event, Semaphore, Thread

from cardctl.providers.stripe_issuing.windows import Page, Row, Window, turned

WORKERS = 34
"""Windows read at once: 100 pages a second at 300 ms each, and a few more. Each costs half a page where it ends."""
_AHEAD = 100
"""Pages that may wait to be taken: 20 MB of them."""


def side_by_side(fetch: Callable[[Window], Page], *, workers: int = WORKERS) -> Iterator[list[Row]]:
    """Every row that was there when it began, each once, a page at a time, in no order; a short list is one request.

    As long as there are fewer windows than readers, they are shared. An error of `fetch` ends the list, once what was under
    way has ended.
    """
    rows, windows = turned(Window(), fetch(Window()), share=True)
    if rows:
        yield rows
    if not windows:
        return
    read: SimpleQueue[list[Row] | BaseException | None] = SimpleQueue()
    room, given_up = Semaphore(_AHEAD), Event()
    reader = Thread(target=_read, args=(fetch, workers, windows, read, room, given_up), daemon=True)
    reader.start()
    try:
        while (taken := read.get()) is not None:
            if isinstance(taken, BaseException):
                raise taken
            room.release()
            yield taken
    finally:
        given_up.set()
        room.release()
        reader.join()


def _read(
    fetch: Callable[[Window], Page],
    workers: int,
    waiting: list[Window],
    read: SimpleQueue[list[Row] | BaseException | None],
    room: Semaphore,
    given_up: Event,
) -> None:
    """Keeps the readers at work, whatever time is taken over what they have read; at most `_AHEAD` pages ahead of it."""
    flying = dict[Future[Page], Window]()
    pool = ThreadPoolExecutor(workers)
    try:
        while (waiting or flying) and not given_up.is_set():
            while len(flying) < workers and waiting:
                window = waiting.pop(0)
                flying[pool.submit(fetch, window)] = window
            for done in wait(flying, return_when=FIRST_COMPLETED).done:
                rows, then = turned(flying.pop(done), done.result(), share=len(waiting) + len(flying) + 1 < workers)
                waiting[:0] = then
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
