"""The composition root: profile → settings, books, secrets, provider, console, opened once per run.

The only place that knows the clock and makes ids (`means`); `run` is what is opened.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cardctl import config, flags
from cardctl.output.console import Console, Output, color_wanted
from cardctl.runtime.means import new_id, now, pause
from cardctl.runtime.run import Run

__all__ = ["TIMEOUT", "Run", "console_for", "new_id", "now", "opened", "pause", "write_traceback"]

TIMEOUT = 30.0


@contextmanager
def opened(
    *,
    output: Output = Output.TABLE,
    profile: str | None = None,
    provider: str | None = None,
    live: bool = False,
    timeout: float | None = None,
) -> Iterator[Run]:
    """The world of one command, by its flags; says on stderr where no profile was chosen and `dev` is used."""
    settings = config.load(profile=profile, provider=provider, database=flags.database(), live=live)
    console = console_for(output)
    if not settings.named:
        console.notice(f"using the built-in profile {settings.profile.name} (the simulator): no other is chosen")
    run = Run(settings, console, timeout or TIMEOUT)
    try:
        yield run
    finally:
        run.close()


def console_for(output: Output) -> Console:
    """The console alone, for what needs no profile or must work where none can be used."""
    terminal = config.terminal()
    return Console(
        output,
        stdout=sys.stdout,
        stderr=sys.stderr,
        stdin=sys.stdin,
        color=color_wanted(sys.stdout, no_color=terminal.no_color, term=terminal.term),
        width=terminal.columns,
        local_time=sys.stdout.isatty(),
    )


def write_traceback(error: BaseException) -> Path | None:
    """A bug's traceback, redacted, into the log; the file, or None where that is impossible."""
    from cardctl.output.log import Log  # noqa: PLC0415

    paths = config.quick_paths()
    if paths is None:
        return None
    text = "".join(traceback.format_exception(error))
    log = Log(paths.log_dir, correlation_id=new_id("run"))
    try:
        return log.traceback(text)
    finally:
        log.close()
