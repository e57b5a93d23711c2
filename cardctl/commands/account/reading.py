"""The verbs of `cardctl account` that read: list, show, sync."""

from __future__ import annotations

from typing import Annotated

import typer

from cardctl.commands._options import (
    AccountArgument,
    LimitOption,
    OptionalAccountArgument,
    OutputOption,
    ProfileOption,
    ProviderOption,
    SinceOption,
    TimeoutOption,
    UntilOption,
    moment,
)
from cardctl.domain.accounts import AccountState
from cardctl.output.console import Output

FreshOption = Annotated[bool, typer.Option("--fresh", help="Ask the provider, and update the books.")]
StateOption = Annotated[AccountState | None, typer.Option("--state", help="Only accounts in this state.")]


def list_(
    state: StateOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the accounts of our books, newest first.

    Example: cardctl account list --state suspended -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import limited, one_more  # noqa: PLC0415
    from cardctl.output import shapes, tables  # noqa: PLC0415
    from cardctl.services.flows.finding import list_accounts  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider) as run:
        found = list_accounts(
            run.books,
            provider=provider,
            state=state,
            since=moment(since, now=runtime.now()) if since else None,
            until=moment(until, now=runtime.now()) if until else None,
            limit=one_more(limit),
        )
        accounts, cut = limited(found, limit)
        run.console.rows(map(shapes.account, accounts), tables.ACCOUNTS, limit_cut=cut)


def show(
    account: AccountArgument,
    fresh: FreshOption = False,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show one account, from our books or (--fresh) as its provider has it now.

    Example: cardctl account show emp-0042 --fresh
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import account_named  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.deeds.pulling import sync_account  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, timeout=timeout) as run:
        found = account_named(run, account, provider)
        run.console.show(shapes.account(sync_account(run.desk(found), found) if fresh else found))


def sync(
    account: OptionalAccountArgument = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Take one account, or every account of the programme, from its provider into our books.

    Example: cardctl account sync
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import account_named, one_line  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.deeds.pulling import sync_account, sync_accounts  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, timeout=timeout) as run:
        if account is not None:
            found = account_named(run, account, provider)
            synced = sync_account(run.desk(found), found)
            run.console.done({"account": shapes.account(synced)}, [f"synced: {one_line(synced)}"])
            return
        with run.console.progress("reading accounts") as advance:
            pulled = sync_accounts(run.desk(), advance)
        told = {"read": pulled.read, "new": pulled.new, "changed": pulled.changed}
        run.console.done(told, [f"{pulled.read} accounts read, {pulled.new} new, {pulled.changed} changed"])
