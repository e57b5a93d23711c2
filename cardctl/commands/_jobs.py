"""What the commands that run by themselves share: a deadline, a random wait, a lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cardctl.domain.spans import span

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.runtime.jobs import Job

DeadlineOption = Annotated[
    str | None,
    typer.Option("--deadline", metavar="SPAN", help="End cleanly after so long: 90s, 20m, 2h. Exit 10 where work is left."),
]
WaitOption = Annotated[
    str | None,
    typer.Option("--random-wait", metavar="SPAN", help="Wait a random moment of at most so long first, as a timer would."),
]


@contextmanager
def job(run: Run, name: str, *, deadline: str | None = None, random_wait: str | None = None) -> Iterator[Job]:
    """One run of the job `name`, alone (Busy, 11). Gives `late`, to be handed to the service as `late=late`.

    `late()` is True once the deadline has passed or SIGTERM came. End with `late.verdict(code)`, before the result is shown: it
    is exit 10 with the warning DEADLINE where `late` stopped something, else `code`.
    """
    from cardctl.runtime import jobs  # noqa: PLC0415

    seconds, wait = (int(span(text).total_seconds()) if text is not None else None for text in (deadline, random_wait))
    with jobs.work(run, name, seconds=seconds, wait=wait) as late:
        yield late
