"""A noun for the tests of the frame: `python tests/output/trial.py trial rows …` runs the real command line with it added."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Annotated, Any

import typer

from cardctl import cli, errors
from cardctl.commands._options import LimitOption, OutputOption
from cardctl.errors import CardctlError, ExitCode, NotFound
from cardctl.output import progress
from cardctl.output.console import Console, Output, color_wanted

app = typer.Typer()
CARD = {
    "id": "card_1",
    "holder": "Ada",
    "state": "active",
    "balance": {"minor": 2500, "currency": "USD", "amount": "25.00"},
    "limits": {
        "per_transaction": None,
        "daily": {"minor": 5, "currency": "JPY", "amount": "5"},
        "weekly": None,
        "monthly": None,
    },
    "created_at": "2026-11-21T00:57:43.123456Z",
}
COLUMNS = ("id", "holder", "state", "balance", "limits.daily", "created_at")


def console(output: Output) -> Console:
    """As cardctl.runtime makes it, without a profile."""
    return Console(
        output,
        stdout=sys.stdout,
        stderr=sys.stderr,
        stdin=sys.stdin,
        color=color_wanted(sys.stdout, no_color=bool(os.environ.get("NO_COLOR")), term=os.environ.get("TERM")),
        local_time=True,
    )


def cards(count: int, *, holder: str = "Ada") -> Iterator[dict[str, Any]]:
    """`count` cards, numbered."""
    return ({**CARD, "id": f"card_{number}", "holder": holder} for number in range(1, count + 1))


@app.command()
def rows(
    count: int = 3,
    holder: str = "Ada",
    break_after: int = -1,
    limit: LimitOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """A list; with --break-after it fails on the way.

    Example: cardctl trial rows
    """

    def items() -> Iterator[dict[str, Any]]:
        for number, card in enumerate(cards(min(count, limit or count), holder=holder)):
            if number == break_after:
                raise NotFound("card", "card_lost", hint="look elsewhere")
            yield card

    console(output).rows(items(), COLUMNS, limit_cut=limit is not None and limit < count)


@app.command()
def show(name: str, output: OutputOption = Output.TABLE) -> None:
    """One object."""
    console(output).show({**CARD, "holder": name}, title="A card")


@app.command()
def write(output: OutputOption = Output.TABLE) -> None:
    """A write that warns."""
    out = console(output)
    out.notice("for your eyes")
    out.warn("ALREADY", "nothing to do")
    out.done({"card": CARD, "operation": None}, ["frozen: card_1"])


@app.command()
def reveal(output: OutputOption = Output.TABLE) -> None:
    """A number for one look."""
    console(output).reveal({"number": "4242424242424242", "cvc": "123"})


@app.command()
def fail(name: str, output: OutputOption = Output.TABLE) -> None:
    """Raise the error called so."""
    kind: type[CardctlError] = getattr(errors, name)
    if issubclass(kind, NotFound):
        raise kind("card", "card_x")
    if issubclass(kind, errors.OutcomeUnknown):
        raise kind("it may have run", operation_id="op_1")
    raise kind("it went wrong")


@app.command()
def bug(output: OutputOption = Output.TABLE) -> None:
    """What must not happen."""
    raise ValueError("the secret is sesame")


@app.command()
def findings(output: OutputOption = Output.TABLE) -> ExitCode:
    """Done, and there are findings."""
    console(output).done({"broken": True}, ["found something"])
    return ExitCode.FINDINGS


@app.command()
def wait(output: OutputOption = Output.TABLE) -> None:
    """Say so, then sleep until somebody interrupts."""
    console(output).notice("waiting")
    time.sleep(60)


@app.command()
def ask(output: OutputOption = Output.TABLE) -> ExitCode:
    """Ask for 4242."""
    agreed = console(output).ask("Close card_1? Type 4242 to go on:", "4242")
    return ExitCode.DONE if agreed else ExitCode.REFUSED


@app.command()
def work(until_enter: Annotated[bool, typer.Option()] = False) -> None:
    """Show progress, at once for the test's sake, until Enter is typed."""
    progress.PATIENCE = 0.0
    out = console(Output.TABLE)
    with out.progress("Counting [bold]cards[/bold]", total=10) as advance:
        advance(3)
        if until_enter:
            sys.stdin.readline()
        advance(7)
    out.done({}, ["counted 10"])


def install() -> None:
    """Add the noun to the command line of this process."""
    module = ModuleType("cardctl.commands.trial")
    module.__dict__["app"] = app
    sys.modules["cardctl.commands.trial"] = module
    cli.NOUNS["trial"] = "What the tests try."


if __name__ == "__main__":
    install()
    cli.main()
