"""A line of progress on stderr for work of over a second; never in a pipe."""

from __future__ import annotations

from threading import Lock, Timer
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, Task, TaskID

PATIENCE = 1.0
"""Seconds of work that need no excuse."""


class Meter:
    """Counts what is done, and begins to show it after PATIENCE seconds. `advance` may be called from any thread."""

    def __init__(self, stderr: TextIO, label: str, total: int | None, *, color: bool) -> None:
        self._stderr, self._label, self._total, self._color = stderr, label, total, color
        self._done = 0
        self._lock = Lock()
        self._over = False
        self._shown: tuple[Progress, TaskID] | None = None
        self._timer = Timer(PATIENCE, self._begin)
        self._timer.daemon = True

    def start(self) -> None:
        """Begin to wait."""
        self._timer.start()

    def stop(self) -> None:
        """Take the line away again."""
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._shown:
                self._shown[0].stop()

    def advance(self, count: int) -> None:
        """`count` more are done."""
        with self._lock:
            self._done += count
            if self._shown:
                progress, task = self._shown
                progress.update(task, completed=self._done)

    def say(self, text: str) -> bool:
        """Print one line above the progress; False where none is shown."""
        with self._lock:
            if not self._shown or self._over:
                return False
            self._shown[0].console.print(text, markup=False, highlight=False, soft_wrap=True)
            return True

    def _begin(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - most work is done before it is needed
        from rich.progress import Progress  # noqa: PLC0415

        console = Console(file=self._stderr, no_color=not self._color, force_terminal=True)
        columns = _columns(counted=bool(self._total))
        progress = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
        with self._lock:
            if self._over:
                return
            self._shown = progress, progress.add_task(self._label, total=self._total, completed=self._done)
            progress.start()


def _columns(*, counted: bool) -> list[ProgressColumn]:
    """What a line shows: the count, how many a second, the time it has taken, and with a total also the time left."""
    from rich import progress  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    class Rate(progress.ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.1f}/s" if task.speed else "")

    columns: list[ProgressColumn] = [progress.SpinnerColumn(), progress.TextColumn("{task.description}", markup=False)]
    columns += [progress.BarColumn()] if counted else []
    columns += [progress.MofNCompleteColumn(), Rate(), progress.TimeElapsedColumn()]
    return [*columns, progress.TextColumn("left"), progress.TimeRemainingColumn()] if counted else columns
