"""Calls side by side: how many at once, how far ahead, what an error or an interrupt leaves behind."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import closing

import pytest

from cardctl.sidebyside import side_by_side


def taken_into(given: list[tuple[int, object]], results: Generator[tuple[int, object], None, None]) -> None:
    """All results, one by one, so that an interrupt leaves those that came before it."""
    with closing(results):
        for pair in results:
            given.append(pair)


def test_every_item_comes_back_once_with_its_result() -> None:
    assert sorted(side_by_side(lambda n: n * n, range(100), workers=7)) == [(n, n * n) for n in range(100)]
    assert list(side_by_side(lambda n: n, [], workers=3)) == []


def test_an_error_belongs_to_its_item_alone() -> None:
    def half(n: int) -> int:
        if n % 2:
            raise ValueError(n)
        return n

    results = dict(side_by_side(half, range(20), workers=4))
    assert [n for n, result in results.items() if isinstance(result, ValueError)] == [n for n in results if n % 2]
    assert {n: result for n, result in results.items() if not n % 2} == {n: n for n in range(0, 20, 2)}


def test_so_many_run_at_once_and_no_more() -> None:
    """Each waits for two others, so that fewer than three workers would never end; and nobody is the fourth."""
    together, running, most = threading.Barrier(3, timeout=20), [0], [0]
    lock = threading.Lock()

    def meet(_: int) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        together.wait()
        with lock:
            running[0] -= 1

    assert [result for _, result in side_by_side(meet, range(30), workers=3)] == [None] * 30
    assert most == [3]


def test_an_endless_source_is_taken_only_so_far_ahead() -> None:
    taken = itertools.count()
    latest = [0]

    def endless() -> Iterator[int]:
        for n in taken:
            latest[0] = n
            yield n

    with closing(side_by_side(lambda n: n, endless(), workers=4)) as results:
        for given, _ in enumerate(results, 1):
            assert latest[0] < given + 8
            if given == 1000:
                break


def test_who_stops_early_waits_for_what_has_begun() -> None:
    begun, ended = [], []

    def work(n: int) -> None:
        begun.append(n)
        ended.append(n)

    before = set(threading.enumerate())
    with closing(side_by_side(work, itertools.count(), workers=4)) as results:
        next(results)
    assert sorted(begun) == sorted(ended)
    assert set(threading.enumerate()) <= before


def test_an_interrupt_lets_those_in_flight_end_and_begins_no_more() -> None:
    """A real Ctrl-C, while three calls wait for it to have been sent."""
    sent, begun, ended = threading.Event(), [], []

    def work(n: int) -> int:
        begun.append(n)
        if len(begun) == 3:
            os.kill(os.getpid(), signal.SIGINT)
            sent.set()
        sent.wait(20)
        ended.append(n)
        return n

    given: list[tuple[int, object]] = []
    with pytest.raises(KeyboardInterrupt), closing(side_by_side(work, range(1000), workers=3)) as pairs:
        taken_into(given, pairs)  # it may be here, and not in the generator, that the interrupt comes
    assert sorted(begun) == sorted(ended)
    assert {n for n, _ in given} <= set(begun)
    assert len(begun) < 1000


def test_what_was_in_flight_is_given_before_the_interrupt_goes_on() -> None:
    both = threading.Barrier(2, timeout=20)

    def work(n: int) -> str:
        both.wait()
        if n == 0:
            raise KeyboardInterrupt
        return "ended"

    given: list[tuple[int, object]] = []
    with pytest.raises(KeyboardInterrupt):
        taken_into(given, side_by_side(work, range(2), workers=2))
    assert given == [(1, "ended")]


def test_an_interrupt_that_reached_a_worker_is_everybodys() -> None:
    def work(n: int) -> int:
        if n == 5:
            raise KeyboardInterrupt
        return n

    with pytest.raises(KeyboardInterrupt):
        list(side_by_side(work, range(100_000), workers=2))


def test_an_error_of_the_source_goes_on_after_those_in_flight_have_ended() -> None:
    ended: list[int] = []

    def source() -> Iterator[int]:
        yield from range(3)
        raise OSError("torn")

    with pytest.raises(OSError, match="torn"):
        list(side_by_side(ended.append, source(), workers=2))
    assert set(ended) <= {0, 1, 2}
