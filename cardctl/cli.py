"""Assembles the command line from lazily imported nouns; the only place where an error becomes an exit code, and that exits.

Nothing heavy stands at the top: `--version` answers before Typer is loaded; help and completion load only the noun asked for.
"""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from traceback import walk_tb
from typing import NoReturn, TextIO

from cardctl import __version__, flags
from cardctl.errors import BadInput, CardctlError, DiskFull, ExitCode
from cardctl.output.console import Console, Output
from cardctl.output.stream import NO_ROOM, PipeClosed, Stream, discard, failure

NOUNS = {  # noun: its help; its module is cardctl.commands.<noun>, its verbs are on `app` there
    "provision": "Make accounts and cards, for development or from a file.",
    "account": "Whoever holds cards.",
    "card": "Issue cards, freeze, fund, limit and close them.",
    "transaction": "Money events on cards.",
    "webhook": "What providers tell us: kept, verified, applied, replayed.",
    "reconcile": "Compare our books with every provider's, name each difference, and mend what can be mended.",
    "run": "Reconcile runs and their evidence.",
    "break": "Differences that reconcile found, and what people made of them.",
    "operation": "Writes to a provider, as they were journalled.",
    "saved-card": "Buyers' own cards, kept as tokens with a seller: saved, charged, held.",
    "esim": "Paid orders that become eSIMs: sold, fulfilled, refunded.",
    "alert": "What is out of bounds, and who was told.",
    "metrics": "Targets beside what was measured; a page for Prometheus.",
    "schedule": "Timers for the jobs that run by themselves.",
    "audit": "The chain of everything that changed.",
    "secret": "Keys and passwords, and where they come from.",
    "profile": "Named sets of settings.",
    "provider": "What each provider can do, answers and holds.",
    "db": "Our own books: upgrade, backup, restore.",
    "import": "Take in cards and webhook history from a system that was before.",
    "simulator": "The built-in bank for development.",
    "doctor": "Check that all that cardctl needs is there and works.",
}
LONE = frozenset({"provision", "reconcile", "doctor"})
"""Nouns that are a command themselves, without verbs."""

_SELDOM = 50_000
"""New objects between two looks for garbage: what importing makes is kept, and looking through it cost a fifth of a list."""

_EPILOG = "Every command takes --help, which has an example. Exit codes and JSON shapes are in the README."
_OUTPUT = re.compile(r"(?:-v*o ?|--output[ =])(table|json|ndjson|csv)(?: |\Z)")


class _Usage(BadInput):
    """The command line cannot be read; `usage` is said before the error, on stderr."""

    error_code = "USAGE"

    def __init__(self, message: str, *, hint: str | None = None, usage: str = "") -> None:
        super().__init__(message, hint=hint)
        self.usage = usage


class _Bug(CardctlError):
    error_code = "BUG"
    exit_code = ExitCode.BUG


class _Interrupted(CardctlError):
    error_code = "INTERRUPTED"
    exit_code = ExitCode.INTERRUPTED
    default_hint = "a write in flight is then in doubt: see `cardctl operation list --state in_doubt`"


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run this process's command line (or `argv`, without the program's name) and exit."""
    gc.set_threshold(_SELDOM)
    nowhere = StringIO()  # for a stream that was closed before we began
    streams = (sys.stdout or nowhere, sys.stderr or nowhere, sys.stdin or nowhere)
    code = run(sys.argv[1:] if argv is None else argv, *streams)
    gc.freeze()  # on its way out Python would look through all of it twice more
    sys.exit(code)


def run(argv: Sequence[str], stdout: TextIO, stderr: TextIO, stdin: TextIO) -> int:
    """Run one command line on these streams and return its exit code; never raises."""
    was_stdin, sys.stdin = sys.stdin, stdin
    try:
        with redirect_stdout(stdout), redirect_stderr(stderr):
            return _guarded(list(argv), stdout, stderr, stdin)
    finally:
        sys.stdin = was_stdin
        try:
            stdout.flush()
        except OSError:
            discard(stdout)


def _guarded(argv: list[str], stdout: TextIO, stderr: TextIO, stdin: TextIO) -> int:
    try:
        code = _invoke(argv, stdout)
        Stream(stdout).flush()
        return code
    except BaseException as error:
        told = _told(error)
    if isinstance(told, int):
        return told
    for output in (_output_in(argv), Output.TABLE):  # where stdout itself is what failed, stderr hears of it
        with suppress(CardctlError, PipeClosed):
            _speak(told, Console(output, stdout=stdout, stderr=stderr, stdin=stdin))
            break
    return told.exit_code


def _invoke(argv: list[str], stdout: TextIO) -> int:
    if argv == ["--version"]:
        Stream(stdout).write(f"cardctl {__version__}\n")
        return ExitCode.DONE
    from cardctl.commands import _nouns  # noqa: PLC0415 - it loads Typer, which --version does without

    flags.forget()
    group = _nouns.root(NOUNS, LONE, epilog=_EPILOG)
    _nouns.complete(group)
    with group.make_context(_nouns.PROGRAM, list(argv)) as context:  # the parser eats its list
        code = group.invoke(context)
    return code if isinstance(code, int) else ExitCode.DONE


def _told(error: BaseException) -> CardctlError | int:
    """What an exception means: an exit code where there is nothing to say, else the error to speak of."""
    if isinstance(error, OSError):
        error = _failed_echo(error) or _no_room(error) or error
    if isinstance(error, CardctlError):
        return error
    if isinstance(error, PipeClosed):
        return ExitCode.DONE
    if isinstance(error, SystemExit):  # the shell's completion was answered
        return error.code if isinstance(error.code, int) else ExitCode.DONE
    if isinstance(error, KeyboardInterrupt | EOFError):
        ended = BadInput("the input ended before it answered")
        return _Interrupted("interrupted") if isinstance(error, KeyboardInterrupt) else ended
    return _told_by_typer(error) if type(error).__module__.startswith("typer.") else _bug(error)


def _told_by_typer(error: BaseException) -> CardctlError | int:
    from typer import Abort, Exit  # noqa: PLC0415 - loaded already: it raised
    from typer._click.exceptions import ClickException, NoArgsIsHelpError, UsageError  # noqa: PLC0415

    if isinstance(error, Exit):
        return error.exit_code
    if isinstance(error, Abort):
        return _Interrupted("interrupted")
    if isinstance(error, NoArgsIsHelpError):
        return _Usage("", usage=error.message)
    if not isinstance(error, ClickException):
        return _bug(error)
    message = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, UsageError) else None
    if context is None:
        return _Usage(message, hint="try --help after the command")  # a missing value at the end: Typer does not say whose
    return _Usage(message, hint=f"try `{context.command_path} --help`", usage=context.get_usage())


def _speak(error: CardctlError, console: Console) -> None:
    usage = error.usage if isinstance(error, _Usage) and console.output in {Output.TABLE, Output.CSV} else ""
    for line in usage.splitlines():
        console.notice(line)
    if error.message:
        console.fail(error)


def _output_in(argv: list[str]) -> Output:
    """The last --output on the command line, read even where Typer could not read the rest."""
    words = argv[: argv.index("--")] if "--" in argv else argv
    found = [_OUTPUT.match(" ".join(words[index : index + 2])) for index in range(len(words))]
    return next((Output(match[1]) for match in reversed(found) if match), Output.TABLE)


def _failed_echo(error: OSError) -> CardctlError | PipeClosed | None:
    """What it means where Typer could not write its own help or completions."""
    frames = list(walk_tb(error.__traceback__))
    return failure(error) if frames[-1][0].f_globals.get("__name__") == "typer._click.utils" else None


def _no_room(error: OSError) -> CardctlError | None:
    return DiskFull(f"no room left to write {error.filename or 'a file'}") if error.errno in NO_ROOM else None


def _bug(error: BaseException) -> CardctlError:
    """One line without values, which might be secrets; the whole, redacted, goes to the log."""
    where = None
    with suppress(Exception):
        from cardctl import runtime  # noqa: PLC0415

        where = runtime.write_traceback(error)
    ours = [frame for frame in walk_tb(error.__traceback__) if frame[0].f_globals.get("__name__", "").startswith("cardctl.")]
    place = f" at {ours[-1][0].f_globals['__name__']}:{ours[-1][1]}" if ours else ""
    return _Bug(f"a bug in cardctl: {type(error).__name__}{place}", hint=f"the traceback is in {where}" if where else None)
