"""The thread that applies: woken by what is new, at its start by what was left, and not stopped by what fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from cardctl.receiver.applying import Applier


def until(condition: object, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.01)
    return bool(condition())  # type: ignore[operator]


def test_it_begins_with_what_was_left_and_goes_on_when_woken() -> None:
    rounds: list[bool] = []

    def apply(whole: bool) -> Iterator[None]:
        rounds.append(whole)
        yield

    applier = Applier(apply, print)
    applier.start()
    assert until(lambda: rounds == [True])
    applier.wake()
    assert until(lambda: rounds == [True, False])
    assert applier.stop(5)


def test_what_failed_is_tried_again_after_a_while() -> None:
    rounds: list[bool] = []

    def apply(whole: bool) -> Iterator[None]:
        rounds.append(whole)
        yield from ()

    applier = Applier(apply, print, interval=0.05)
    applier.start()
    assert until(lambda: rounds.count(True) >= 3)
    assert applier.stop(5)


def test_an_error_is_told_and_stops_nothing() -> None:
    told: list[str] = []

    def apply(whole: bool) -> Iterator[None]:
        raise RuntimeError("no key sk_test_abcdefgh")

    applier = Applier(apply, told.append)
    applier.start()
    assert until(lambda: len(told) == 1)
    applier.wake()
    assert until(lambda: len(told) == 2)
    assert "RuntimeError" in told[0]
    assert "sk_test_abcdefgh" not in told[0]
    assert applier.stop(5)


def test_it_stops_between_two_portions() -> None:
    begun, portions = threading.Event(), []

    def apply(whole: bool) -> Iterator[None]:
        for number in range(1000):
            portions.append(number)
            begun.set()
            time.sleep(0.02)
            yield

    applier = Applier(apply, print)
    applier.start()
    assert begun.wait(5)
    assert applier.stop(5)
    assert len(portions) < 50
