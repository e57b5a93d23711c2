"""A job's time: the moment it waits first, its deadline, being told to stop, and the two lines of the log that frame it."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from cardctl.domain.schedule import spoken
from cardctl.entropy import random_bytes
from cardctl.errors import CardctlError, ExitCode
from cardctl.stopping import asked_to_stop

if TYPE_CHECKING:
    from cardctl.runtime.run import Run

_CATEGORIES = {
    "reconcile": "balance_reconcile",
    "replay": "webhook_ingest",
    "resume": "card_lifecycle",
    "preauth": "card_lifecycle",
    "esim": "card_lifecycle",
    "esim-reconcile": "balance_reconcile",
    "alert": "security",
    "metrics": "balance_reconcile",
}
_WELL = frozenset({ExitCode.DONE, ExitCode.FINDINGS})
_NAP = 0.5
"""Seconds between two looks at whether to stop, while waiting. `Event.wait` would hang where the signal comes as it begins."""


class Job:
    """One run of a job. Called, it tells whether it is late: the deadline has passed, or SIGTERM came; it stays so.

    Ask between two pieces of work, and only where there is another one: who was told yes has left something undone.
    """

    def __init__(self, run: Run, name: str, *, seconds: int | None, asked: threading.Event, clock: Callable[[], float]) -> None:
        self._run, self._name, self._seconds, self._asked, self._clock = run, name, seconds, asked, clock
        self._start = clock()
        self._cut = False
        self.code = ExitCode.DONE
        """How it ends; what `verdict` came to."""

    def __call__(self) -> bool:
        if self._asked.is_set() or (self._seconds is not None and self.elapsed >= self._seconds):
            self._cut = True
        return self._cut

    @property
    def elapsed(self) -> float:
        """Seconds since it began to work."""
        return self._clock() - self._start

    @property
    def cut(self) -> bool:
        """Whether somebody was told that it is late, and left work undone."""
        return self._cut

    def verdict(self, code: ExitCode) -> ExitCode:
        """The exit code, before the result is shown: PARTLY, with a warning in the result, where work was left undone."""
        if self._cut:
            why = "it was told to stop" if self._asked.is_set() else f"the deadline of {spoken(self._seconds or 0)} has passed"
            self._run.console.warn("DEADLINE", f"{why}: what is done stays done, the next `{self._name}` goes on")
            code = ExitCode.PARTLY
        self.code = code
        return code


@contextmanager
def work(
    run: Run,
    name: str,
    *,
    seconds: int | None = None,
    wait: int | None = None,
    clock: Callable[[], float] | None = None,
    sleep: Callable[[float], None] | None = None,
) -> Iterator[Job]:
    """One run of the job `name`: waits a random part of `wait` seconds, keeps a second one out (Busy), lasts `seconds`.

    The deadline begins once the wait is over. SIGTERM makes it late; Ctrl-C interrupts it, as it does every command.
    """
    clock, sleep = clock or time.monotonic, sleep or time.sleep
    main = threading.current_thread() is threading.main_thread()
    with asked_to_stop([signal.SIGTERM]) if main else nullcontext(threading.Event()) as asked:
        waited = _wait(wait, asked, clock, sleep)
        job = Job(run, name, seconds=seconds, asked=asked, clock=clock)
        category = _CATEGORIES.get(name, "security")
        run.log.write(category, "job_started", {"job": name, "deadline_seconds": seconds, "waited_seconds": round(waited, 3)})
        code: int = ExitCode.BUG
        try:
            with run.lock(name):
                yield job
            code = ExitCode.PARTLY if job.cut else job.code
        except BaseException as error:
            code = _code_of(error)
            raise
        finally:
            told = {"job": name, "seconds": round(job.elapsed, 3), "exit": int(code), "late": job.cut}
            run.log.write(category, "job_ended", told, level=logging.INFO if code in _WELL else logging.WARNING)


def random_part(seconds: int, draw: Callable[[int], bytes] = random_bytes) -> float:
    """A random moment of at most so many seconds."""
    return seconds * int.from_bytes(draw(4)) / 0xFFFFFFFF


def _wait(seconds: int | None, asked: threading.Event, clock: Callable[[], float], sleep: Callable[[float], None]) -> float:
    """Sleep a random part of so many seconds, or until told to stop; how long that was."""
    start, end = clock(), random_part(seconds or 0)
    while (left := end - (clock() - start)) > 0 and not asked.is_set():
        sleep(min(left, _NAP))
    return clock() - start


def _code_of(error: BaseException) -> int:
    if isinstance(error, CardctlError):
        return error.exit_code
    return ExitCode.INTERRUPTED if isinstance(error, KeyboardInterrupt) else ExitCode.BUG
