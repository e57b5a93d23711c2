"""`cardctl import …`: the cards and the webhook history of a system that was before; parse and hand over."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from cardctl.commands._options import OutputOption, ProfileOption, TimeoutOption
from cardctl.errors import BadFile, ExitCode, NotFound
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.services.flows.importing.cards import ImportedCards
    from cardctl.services.flows.importing.events import ImportedEvents
    from cardctl.services.flows.importing.table import Bad, Faults, Row

app = typer.Typer(add_completion=False)

_PROVIDER = "strowallet"
_SHOWN = 20
TableArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="CSV whose first line names its columns; - is standard input.")
]
MapOption = Annotated[
    list[str] | None, typer.Option("--map", metavar="THEIRS=OURS", help="What one of its columns is to us; as often as needed.")
]
WhoseOption = Annotated[str, typer.Option("--provider", metavar="NAME", help="Whose cards these are.")]
RehearseOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be taken in, and which rows are bad.")]
CurrencyOption = Annotated[str, typer.Option("--currency", metavar="CODE", help="Of the rows that name none.")]
NoReadOption = Annotated[bool, typer.Option("--no-read", help="Leave the provider alone: believe the file until a sync.")]


@app.command()
def cards(
    file: TableArgument,
    map: MapOption = None,  # noqa: A002 - the option's own word
    currency: CurrencyOption = "USD",
    no_read: NoReadOption = False,
    dry_run: RehearseOption = False,
    profile: ProfileOption = None,
    provider: WhoseOption = _PROVIDER,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Take in cards: card_id, user_id, balance, status, currency, expiry (MM/YY) and last4, whose holder is found by user_id.

    What is new is then read from the provider, who is right; a card that is here already stays as it is. A row with a full card
    number is refused. Exit 10 where some rows are bad, 2 where all are.

    Example: cardctl import cards strowallet_virtual_card.csv --map identifier=card_id --dry-run
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.importing.cards import import_cards  # noqa: PLC0415
    from cardctl.services.flows.importing.cells import COLUMNS, NEEDED  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, timeout=timeout) as run:
        with _rows(file, COLUMNS, NEEDED, map) as rows, run.console.progress("importing cards") as advance:
            desk, read = run.desk(), not no_read
            told = import_cards(desk, rows, currency=currency, read=read, dry_run=dry_run, progress=advance)
        _check(file, told.rows, told.bad)
        _warn(run, told)
        run.console.done(_cards_told(told, dry_run=dry_run), _cards_lines(told, dry_run=dry_run))
    return ExitCode.PARTLY if told.bad.count else ExitCode.DONE


@app.command()
def events(
    file: TableArgument,
    map: MapOption = None,  # noqa: A002 - the option's own word
    dry_run: RehearseOption = False,
    profile: ProfileOption = None,
    provider: WhoseOption = _PROVIDER,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Take in the history of webhooks: event_id, card_id, event_type, payload, signature_valid and inserted_at.

    Each is kept once, as history: whatever the file says, nothing proves it, and it is never applied. Times without a zone are
    UTC; a row without event_id is known by its payload. Exit 10 where some rows are bad, 2 where all are.

    Example: cardctl import events strowallet_webhook_events.csv --map created_at=inserted_at
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.importing.events import COLUMNS, NEEDED, import_events  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider) as run:
        reception = run.reception(run.settings.provider_name)
        with _rows(file, COLUMNS, NEEDED, map) as rows, run.console.progress("importing events") as advance:
            told = import_events(run.books, reception, rows, dry_run=dry_run, progress=advance)
        _check(file, told.rows, told.bad)
        run.console.done(_events_told(told, dry_run=dry_run), _events_lines(told, dry_run=dry_run))
    return ExitCode.PARTLY if told.bad.count else ExitCode.DONE


@contextmanager
def _rows(file: str, known: Sequence[str], needed: Sequence[str], names: Sequence[str] | None) -> Iterator[Iterator[Row | Bad]]:
    """The rows of a file, for as long as it is open; NotFound (5) where there is none."""
    from cardctl.services.flows.importing.table import mapping, rows_in  # noqa: PLC0415

    mapped = mapping(names or (), known)
    with _opened(file) as stream:
        yield rows_in(stream, "stdin" if file == "-" else file, known, needed, mapped)


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    if file == "-":
        binary: BinaryIO | None = getattr(sys.stdin, "buffer", None)
        return nullcontext(binary or BytesIO(sys.stdin.read().encode("utf-8", "surrogateescape")))
    try:
        return Path(file).open("rb")
    except FileNotFoundError:
        raise NotFound("file", file) from None
    except OSError as error:
        raise BadFile(f"{file}: {error.strerror}") from None


def _check(file: str, rows: int, bad: Faults) -> None:
    """BadFile (2) where nothing was good."""
    if not rows or bad.count < rows:
        return
    where = f": {_bad_lines(bad)[0]}" if bad.first else ""
    raise BadFile(f"{file}: none of its {rows} rows can be taken{where}")


def _warn(run: Run, told: ImportedCards) -> None:
    there = told.reading
    if there.missing_count:
        run.console.warn("MISSING_THERE", f"{there.missing_count} are not at the provider, and stay as the file has them")
    if there.why is not None:
        run.console.warn("NOT_READ", f"{there.unread} cards could not be read: {there.why}; `import cards` again goes on")
    if there.others:
        run.console.warn("OTHER_HOLDER", f"{len(there.others)} cards belong to another account there than the file says")


def _cards_told(told: ImportedCards, *, dry_run: bool) -> dict[str, Any]:
    from cardctl.output.shapes import money  # noqa: PLC0415

    first = [
        {"line": one.line, "card_id": one.ref, "user_id": one.user, "state": one.state.value, "balance": money(one.balance)}
        for one in told.first
    ]
    counts = {"rows": told.rows, "new": told.new, "known": told.known, "accounts": told.accounts}
    there = {"read": told.reading.read, "unread": told.reading.unread, "missing_there": told.reading.missing}
    return {"dry_run": dry_run, **counts, **_bad_told(told.bad), **({"first": first} if dry_run else there)}


def _events_told(told: ImportedEvents, *, dry_run: bool) -> dict[str, Any]:
    counts = {"rows": told.rows, "new": told.new, "known": told.known, "dropped": told.dropped}
    return {"dry_run": dry_run, **counts, **_bad_told(told.bad)}


def _bad_told(bad: Faults) -> dict[str, Any]:
    return {
        "bad_rows": bad.count,
        "bad": [{"line": one.line, "column": one.column, "message": one.message} for one in bad.first],
    }


def _cards_lines(told: ImportedCards, *, dry_run: bool) -> list[str]:
    would = "would be " if dry_run else ""
    head = f"{told.rows} rows: {told.new} cards {would}new with {told.accounts} new accounts, {told.known} already here"
    first = [f"line {one.line}: {one.ref} of {one.user}, {one.state}, {one.balance}" for one in told.first if dry_run]
    there = [] if dry_run else [f"{told.reading.read} read from the provider, {told.reading.missing_count} missing there"]
    return [f"{head}, {told.bad.count} bad", *there, *first, *_bad_lines(told.bad)]


def _events_lines(told: ImportedEvents, *, dry_run: bool) -> list[str]:
    would = "would be " if dry_run else ""
    head = f"{told.rows} rows: {told.new} events {would}kept as history, {told.known} already here, {told.bad.count} bad"
    return [head, *_bad_lines(told.bad)]


def _bad_lines(bad: Faults) -> list[str]:
    lines = [f"line {one.line}{f', {one.column}' if one.column else ''}: {one.message}" for one in bad.first[:_SHOWN]]
    return [*lines, *([f"… and {bad.count - len(lines)} more"] if bad.count > len(lines) else [])]
