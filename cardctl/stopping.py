"""Being asked to stop: what serves until then waits for this; what works through much looks at it between two pieces."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_STOPS = (signal.SIGINT, signal.SIGTERM)
_SLICE = 0.5


@contextmanager
def asked_to_stop(signals: Sequence[signal.Signals] = _STOPS) -> Iterator[threading.Event]:
    """Set by Ctrl-C and SIGTERM, or by those `signals` alone, which are taken while the block lasts; only in a main thread."""
    asked = threading.Event()
    before = {number: signal.signal(number, lambda *_: asked.set()) for number in signals}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for(asked: threading.Event) -> None:
    """Until it is set. In slices: a signal that the system gives to another thread, or that comes just before the main one
    begins to wait, is handled by the main thread alone, and wakes it from no wait without an end."""
    while not asked.wait(_SLICE):
        pass


def never() -> bool:
    """Whether it is time to stop, for work that has all the time it needs."""
    return False
