"""The call log: every attempt at a provider, told at once and kept in the books. What an attempt is, the HTTP client knows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from cardctl.db import maintenance
from cardctl.db.unit import Books
from cardctl.errors import CardctlError
from cardctl.providers.guarding import Call

KEPT = timedelta(days=30)
AT_ONCE = 200
"""So many are written together, so that a log costs one commit and not one for each request."""


class CallLog:
    """Hears of calls, in any thread. `tell` says them aloud, where that is wanted; `programme` is told a provider's name.

    Providers are never called inside a unit that writes: `hear` may write one of its own.
    """

    def __init__(
        self,
        *,
        log: Callable[[str, str, dict[str, Any]], None],
        tell: Callable[[str], None] | None,
        programme: Callable[[str], str],
        target: Callable[[], str],
        books: Callable[[], Books],
        clock: Callable[[], datetime],
    ) -> None:
        self._log = log
        self._tell = tell
        self._programme = programme
        self._target = target
        self._books = books
        self._clock = clock
        self._guard = threading.Lock()
        self._waiting: list[tuple[datetime, Call]] = []

    def hear(self, call: Call) -> None:
        """One attempt that has ended."""
        told = {
            "provider": call.provider,
            "method": call.method,
            "path": call.path,
            "status": call.status,
            "latency_ms": call.latency_ms,
            "attempt": call.attempt,
            "request_id": call.request_id,
        }
        self._log("provider_call", "attempt", told)
        if self._tell:
            answer = f"{call.status}" if call.status else "no whole answer"
            more = f", attempt {call.attempt}" if call.attempt > 1 else ""
            self._tell(f"{call.provider}: {call.method} {call.path}: {answer} in {call.latency_ms} ms{more}")
        with self._guard:
            self._waiting.append((self._clock(), call))
            full = len(self._waiting) >= AT_ONCE
        if full:
            self.flush()

    def flush(self) -> None:
        """What waits, into the books, where there are any; a log neither makes them nor stops the work that it tells of."""
        with self._guard:
            rows, self._waiting = self._waiting, []
        if not rows:
            return
        with suppress(CardctlError):
            if maintenance.exist(self._target()):
                with self._books().write() as unit:
                    for name in {call.provider for _, call in rows}:
                        its_own = [row for row in rows if row[1].provider == name]
                        unit.calls.add_many(its_own, programme=self._programme(name))
                    unit.calls.trim(self._clock() - KEPT)
