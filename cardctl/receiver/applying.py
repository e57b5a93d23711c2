"""The thread that applies what was received, portion by portion; what applying is, is the services' matter."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from cardctl.db.event_rows import place_of
from cardctl.db.events import EventFilter
from cardctl.db.unit import Books
from cardctl.domain.events import Event, EventState
from cardctl.domain.redaction import redact
from cardctl.services.applying import apply
from cardctl.services.deeds.inbox import Reception
from cardctl.services.desk import Desk
from cardctl.services.telling import is_due

INTERVAL = 60.0
"""Seconds after which what failed, or could not be read, is tried again, though nothing new came."""
_PORTION = 500
_OVERLAP = timedelta(seconds=10)
"""Of another process's requests, one that came earlier may be committed later by so much."""


class Applier:
    """Goes through `rounds` at its start, whenever it is woken, and every `interval` seconds; a round yields after each
    portion, and takes in what failed before where it is told `whole`. What it raises is told to `warn`, and stops nothing."""

    def __init__(
        self, rounds: Callable[[bool], Iterable[object]], warn: Callable[[str], None], *, interval: float = INTERVAL
    ) -> None:
        self._rounds = rounds
        self._warn = warn
        self._interval = interval
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="applier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something new is in the books."""
        self._woken.set()

    def stop(self, patience: float) -> bool:
        """Whether it ended within `patience` seconds; a portion at work is not cut."""
        self._stopped.set()
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopped.is_set():
            self._woken.clear()
            whole = time.monotonic() >= due
            if whole:
                due = time.monotonic() + self._interval
            self._round(whole)
            self._woken.wait(max(due - time.monotonic(), 0))

    def _round(self, whole: bool) -> None:
        try:
            for _ in self._rounds(whole):
                if self._stopped.is_set():
                    return
        except Exception as error:  # whatever it is, receiving goes on, and the next round tries again
            self._warn(redact(f"applying what was received failed: {type(error).__name__}: {error}"))


class Rounds:
    """Applies the events of one programme. A whole round begins with the oldest that is unfinished; others with what is new."""

    def __init__(self, books: Books, reception: Reception, desk: Callable[[Event], Desk]) -> None:
        self._books = books
        self._reception = reception
        self._desk = desk
        self._since: datetime | None = None

    def __call__(self, whole: bool) -> Iterator[None]:
        states = (EventState.RECEIVED, EventState.FAILED) if whole else (EventState.RECEIVED,)
        since = None if whole or self._since is None else self._since - _OVERLAP
        wanted, after = EventFilter(programme=self._reception.programme, states=states, since=since), None
        while events := self._page(wanted, after):
            desk = self._desk(events[0])
            apply(desk, self._reception.webhooks, [event for event in events if is_due(event, desk.clock())])
            self._since, after = events[-1].received_at, place_of(events[-1])
            yield

    def _page(self, wanted: EventFilter, after: tuple[str, str] | None) -> list[Event]:
        with self._books.read() as unit:
            return unit.events.page(wanted, after, _PORTION)


def in_turn(rounds: Iterable[Rounds], warn: Callable[[str], None]) -> Callable[[bool], Iterator[None]]:
    """A round of each; one that fails (a provider without its key) does not stop the others."""
    every = list(rounds)

    def round_of_all(whole: bool) -> Iterator[None]:
        for one in every:
            try:
                yield from one(whole)
            except Exception as error:
                warn(redact(f"applying what was received failed: {type(error).__name__}: {error}"))

    return round_of_all
