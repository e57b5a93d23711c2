"""The one thread that makes durable what was verified, many with one commit; how it is kept is the inbox's matter."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cardctl.domain.events import Arrival, Receipt
from cardctl.domain.redaction import redact
from cardctl.errors import BooksUnusable, Busy, SecretProblem
from cardctl.receiver.limits import Limits

MOST_SHARED = 500
"""Requests that share a commit."""
_TICK = 1.0
_AS_A_WHOLE = (BooksUnusable, Busy, SecretProblem)
"""What keeps these books from being written at all; anything else may be one event's fault."""

Kept = list[Receipt] | None
"""What became of the events of a request; None: they are not durable."""


@dataclass(slots=True)
class Waiting:
    """A request that waits for its commit; without an arrival it asks whether one is possible."""

    arrival: Arrival | None
    size: int
    future: asyncio.Future[Kept]
    kept: Kept = None


class Writer:
    """`submit` and `probe` belong to the server's loop, all else to the writing thread.

    While a commit is under way, what comes is gathered for the next one. `keep` makes arrivals durable, and gives a receipt for
    each event. `told` hears of every batch after it was answered; `tick` is called about once a second, and at the end.
    """

    def __init__(
        self,
        keep: Callable[[Sequence[Arrival]], list[Receipt]],
        *,
        told: Callable[[Sequence[Waiting]], None],
        tick: Callable[[], None],
        warn: Callable[[str], None],
        limits: Limits,
    ) -> None:
        self._keep = keep
        self._told = told
        self._tick = tick
        self._warn = warn
        self._limits = limits
        self._queue: queue.SimpleQueue[list[Waiting] | None] = queue.SimpleQueue()
        self._gathered: list[Waiting] = []
        self._busy = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bytes = 0
        self.waiting = 0
        """Requests that wait for a commit."""
        self.failed_at: float | None = None
        """When the last commit failed, by the monotonic clock; None: it did not."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread.start()

    def submit(self, arrival: Arrival, size: int) -> asyncio.Future[Kept] | None:
        """Its future; None where too much is waiting already."""
        if self.waiting >= self._limits.waiting or self._bytes + size > self._limits.waiting_bytes:
            return None
        return self._put(arrival, size)

    def probe(self) -> asyncio.Future[Kept]:
        """An empty list once the books could be written, None where they cannot."""
        return self._put(None, 0)

    def stop(self, patience: float) -> bool:
        """Make durable what is waiting, and end; whether it ended within `patience` seconds."""
        self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join(patience)
        return not self._thread.is_alive()

    def _put(self, arrival: Arrival | None, size: int) -> asyncio.Future[Kept]:
        assert self._loop is not None
        waiting = Waiting(arrival, size, self._loop.create_future())
        self.waiting += 1
        self._bytes += size
        self._gathered.append(waiting)
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._hand_over)  # with all that this turn of the loop brings
        return waiting.future

    def _hand_over(self) -> None:
        batch, self._gathered = self._gathered[:MOST_SHARED], self._gathered[MOST_SHARED:]
        self._queue.put(batch)

    def _run(self) -> None:
        ticked, stopping = time.monotonic(), False
        while not stopping:
            with suppress(queue.Empty):
                batch = self._queue.get(timeout=max(ticked + _TICK - time.monotonic(), 0))
                stopping = batch is None
                self._serve(batch or [])
            if stopping or time.monotonic() - ticked >= _TICK:
                self._guarded(self._tick)
                ticked = time.monotonic()

    def _serve(self, batch: list[Waiting]) -> None:
        if not batch:
            return
        try:
            self._write(batch)
        finally:
            assert self._loop is not None
            with suppress(RuntimeError):  # the loop is gone, and nobody waits
                self._loop.call_soon_threadsafe(self._answer, batch)
        self._guarded(lambda: self._told(batch))

    def _write(self, batch: Sequence[Waiting]) -> None:
        """All in one commit, else each in its own, so that one that cannot be kept does not fail the others."""
        try:
            self._commit(batch)
        except _AS_A_WHOLE as error:
            self._failed(error)
        except Exception as error:
            self._failed(error)
            for one in batch if len(batch) > 1 else ():
                try:
                    self._commit([one])
                except _AS_A_WHOLE as worse:
                    self._failed(worse)
                    return
                except Exception as its_own:
                    self._failed(its_own)

    def _commit(self, batch: Sequence[Waiting]) -> None:
        arrivals = [one.arrival for one in batch if one.arrival is not None]
        receipts = self._keep(arrivals)
        at = 0
        for one in batch:
            count = 0 if one.arrival is None else len(one.arrival.events)
            one.kept = receipts[at : at + count]
            at += count
        self.failed_at = None

    def _failed(self, error: Exception) -> None:
        self.failed_at = time.monotonic()
        self._warn(redact(f"what came could not be kept, and was answered 503: {type(error).__name__}: {error}"))

    def _answer(self, batch: Sequence[Waiting]) -> None:
        for one in batch:
            self.waiting -= 1
            self._bytes -= one.size
            if not one.future.done():
                one.future.set_result(one.kept)
        self._busy = bool(self._gathered)
        if self._busy:
            assert self._loop is not None
            self._loop.call_soon(self._hand_over)

    def _guarded(self, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception as error:  # counting and telling never stop the writing
            self._warn(redact(f"{type(error).__name__}: {error}"))
