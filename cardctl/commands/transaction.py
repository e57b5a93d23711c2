"""`cardctl transaction …`: money events on cards; parse and hand over."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import (
    AccountOption,
    CardOption,
    FileArgument,
    ForceOption,
    LimitOption,
    OutputOption,
    ProfileOption,
    ProviderOption,
    SinceOption,
    TimeoutOption,
    UntilOption,
    moment,
)
from cardctl.domain.transactions import TransactionKind, TransactionState
from cardctl.errors import BadInput
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.runtime import Run

app = typer.Typer(add_completion=False)


class Format(StrEnum):
    """What --format takes."""

    CSV = "csv"
    NDJSON = "ndjson"
    JSON = "json"


KindOption = Annotated[TransactionKind | None, typer.Option("--kind", help="Only events of this kind.")]
StateOption = Annotated[TransactionState | None, typer.Option("--state", help="Only events in this state.")]
FormatOption = Annotated[
    Format | None, typer.Option("--format", help="How the events are written; default: as the file's name ends, else csv.")
]


@app.command("list")
def list_(
    card: CardOption = None,
    account: AccountOption = None,
    kind: KindOption = None,
    state: StateOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the money events of our books, newest first.

    Example: cardctl transaction list --card card_7f3kq2m9 --kind settlement --since 7d
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import limited, one_more  # noqa: PLC0415
    from cardctl.output import tables  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider) as run:
        found = _found(run, card, account, provider, kind, state, since, until, one_more(limit))
        events, cut = limited(found, limit)
        run.console.rows(events, tables.TRANSACTIONS, limit_cut=cut)


@app.command()
def show(
    transaction: Annotated[
        str, typer.Argument(metavar="TRANSACTION", help="Our id, 8 or more of its first characters, or the provider's ref.")
    ],
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show one money event.

    Example: cardctl transaction show txn_7f3kq2m9
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.flows.finding import find_transaction  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        run.console.show(shapes.transaction(find_transaction(run.books, transaction)))


@app.command()
def pull(
    card: CardOption = None,
    since: SinceOption = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Take the money events of one card, or of the whole programme, into our books: what is new, and what may still change.

    Example: cardctl transaction pull --card card_7f3kq2m9
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.deeds.pulling import pull_transactions  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, timeout=timeout) as run:
        found = find_card(run.books, card) if card else None
        start = moment(since, now=runtime.now()) if since else None
        with run.console.progress("reading transactions") as advance:
            pulled = pull_transactions(run.desk(found), card=found, since=start, progress=advance)
        if pulled.strangers:
            told = f"{pulled.strangers} events belong to cards that these books do not know: `cardctl card sync` brings them in"
            run.console.warn("UNKNOWN_CARDS", told)
        counts = {"read": pulled.read, "changed": pulled.changed, "strangers": pulled.strangers}
        run.console.done(
            counts, [f"{pulled.read} events read, {pulled.changed} new or changed, {pulled.strangers} of unknown cards"]
        )


@app.command()
def export(
    file: FileArgument,
    format: FormatOption = None,  # noqa: A002 - the option's own word
    force: ForceOption = False,
    card: CardOption = None,
    account: AccountOption = None,
    kind: KindOption = None,
    state: StateOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Write money events to a file, or to - (standard output), as `transaction list -o FORMAT` prints them.

    Example: cardctl transaction export july.csv --since 2026-07-01 --until 2026-08-01
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output import tables  # noqa: PLC0415
    from cardctl.output.files import write_rows  # noqa: PLC0415

    wanted, to_stdout = Output(format or _format_of(file)), file == "-"
    if to_stdout and output not in (Output.TABLE, wanted):
        raise BadInput("the events themselves go to standard output: --format says how, not --output")
    with runtime.opened(output=wanted if to_stdout else output, profile=profile, provider=provider) as run:
        events = _found(run, card, account, provider, kind, state, since, until, None)
        if to_stdout:
            run.console.rows(events, tables.TRANSACTIONS)
            return
        with run.console.progress("exporting") as advance:
            count = write_rows(Path(file), wanted, events, tables.TRANSACTIONS, force=force, progress=advance)
        told = {"file": file, "format": wanted.value, "transactions": count}
        run.console.done(told, [f"{count} events written to {file}"])


def _format_of(file: str) -> Format:
    """By the file's own ending, else csv."""
    ending = Path(file).suffix.removeprefix(".").lower()
    return Format(ending) if ending in list(Format) else Format.CSV


def _found(
    run: Run,
    card: str | None,
    account: str | None,
    provider: str | None,
    kind: TransactionKind | None,
    state: TransactionState | None,
    since: str | None,
    until: str | None,
    limit: int | None,
) -> Iterator[dict[str, Any]]:
    """The events that the filters leave, in their JSON shape, streamed."""
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.flows.finding import find_account, find_card, list_transactions  # noqa: PLC0415

    now = runtime.now()
    found = list_transactions(
        run.books,
        card_id=find_card(run.books, card).id if card else None,
        account_id=find_account(run.books, account).id if account else None,
        provider=provider,
        kind=kind,
        state=state,
        since=moment(since, now=now) if since else None,
        until=moment(until, now=now) if until else None,
        limit=limit,
    )
    return map(shapes.transaction, found)
