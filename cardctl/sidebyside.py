"""One call over many items, several at a time, in threads of its own; what is called, and why, is not known here."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(call: Callable[[T], R], items: Iterable[T], *, workers: int) -> Generator[tuple[T, R | Exception], None, None]:
    """Each item with what `call` gave or raised for it, in the order in which they end.

    `items` may be endless: at most twice `workers` are taken ahead of what was given. The first KeyboardInterrupt stops the
    taking; the calls that have begun end, and are given, before it goes on. Who stops early closes the generator, which waits
    for them too.
    """
    ended: SimpleQueue[tuple[T, R | BaseException]] = SimpleQueue()

    def work(item: T) -> None:
        try:
            ended.put((item, call(item)))
        except BaseException as error:  # whatever it is, somebody waits for this item
            ended.put((item, error))

    source, ahead = iter(items), 0
    pool = ThreadPoolExecutor(workers)
    try:
        while True:
            for item in islice(source, 2 * workers - ahead):
                pool.submit(work, item)
                ahead += 1
            if not ahead:
                return
            yield _given(ended.get())
            ahead -= 1
    except KeyboardInterrupt:
        pool.shutdown(cancel_futures=True)
        while not ended.empty():
            yield _given(ended.get())
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _given(pair: tuple[T, R | BaseException]) -> tuple[T, R | Exception]:
    item, result = pair
    if isinstance(result, BaseException) and not isinstance(result, Exception):
        raise result  # an interrupt that reached a worker is everybody's
    return item, result
