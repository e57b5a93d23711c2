"""`cardctl account …`: whoever holds cards; parse and hand over."""

from __future__ import annotations

from typing import Annotated

import typer

from cardctl.commands._holders import (
    AccountType,
    CityOption,
    CountryOption,
    EmailOption,
    ExternalIdOption,
    Line1Option,
    Line2Option,
    NameOption,
    PhoneOption,
    PostalCodeOption,
    RegionOption,
    TypeOption,
    address_of,
)
from cardctl.commands._options import (
    AccountArgument,
    DryRunOption,
    IdempotencyKeyOption,
    LimitOption,
    LiveOption,
    OptionalAccountArgument,
    OutputOption,
    ProfileOption,
    ProviderOption,
    ReasonOption,
    SinceOption,
    TimeoutOption,
    UntilOption,
    YesOption,
    moment,
)
from cardctl.domain.accounts import AccountChange, AccountState, NewAccount
from cardctl.errors import BadInput
from cardctl.output.console import Output

app = typer.Typer(add_completion=False)


FreshOption = Annotated[bool, typer.Option("--fresh", help="Ask the provider, and update the books.")]
StateOption = Annotated[AccountState | None, typer.Option("--state", help="Only accounts in this state.")]


@app.command()
def create(
    name: NameOption,
    external_id: ExternalIdOption = None,
    email: EmailOption = None,
    phone: PhoneOption = None,
    kind: TypeOption = AccountType.INDIVIDUAL,
    line1: Line1Option = None,
    line2: Line2Option = None,
    city: CityOption = None,
    state: RegionOption = None,
    postal_code: PostalCodeOption = None,
    country: CountryOption = None,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make an account at the provider.

    Example: cardctl account create --name "Ada Lovelace" --external-id emp-0042 --email ada@example.com
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds import issuing  # noqa: PLC0415

    if external_id is not None and not external_id.strip():
        raise BadInput("--external-id is empty")
    address = address_of(line1=line1, line2=line2, city=city, state=state, postal_code=postal_code, country=country)
    wanted = NewAccount(name=name, external_id=external_id, email=email, phone=phone, type=kind.value, address=address)
    with runtime.opened(output=output, profile=profile, provider=provider, live=live, timeout=timeout) as run:
        if dry_run:
            _frame.show_rehearsal(run, issuing.rehearse_account(run.desk(), wanted, caller_key=idempotency_key))
            return
        _frame.show_write(run, "account", issuing.create_account(run.desk(), wanted, caller_key=idempotency_key), "made")


@app.command("list")
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


@app.command()
def show(
    account: AccountArgument,
    fresh: FreshOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show one account, from our books or (--fresh) as its provider has it now.

    Example: cardctl account show emp-0042 --fresh
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.deeds.pulling import sync_account  # noqa: PLC0415
    from cardctl.services.flows.finding import find_account  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, timeout=timeout) as run:
        found = find_account(run.books, account)
        run.console.show(shapes.account(sync_account(run.desk(found), found) if fresh else found))


@app.command()
def update(
    account: AccountArgument,
    email: EmailOption = None,
    phone: PhoneOption = None,
    line1: Line1Option = None,
    line2: Line2Option = None,
    city: CityOption = None,
    state: RegionOption = None,
    postal_code: PostalCodeOption = None,
    country: CountryOption = None,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Change an account's email, phone or address; what is not named stays, an address is replaced whole.

    Example: cardctl account update emp-0042 --email ada@example.org
    """
    address = address_of(line1=line1, line2=line2, city=city, state=state, postal_code=postal_code, country=country)
    change = AccountChange(email=email, phone=phone, address=address)
    if change == AccountChange():
        raise BadInput("nothing is to be changed", hint="--email, --phone, or an address from --line1 to --country")
    _change(account, change, "updated", reason, dry_run, live, profile, timeout, output)


@app.command()
def activate(
    account: AccountArgument,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let an account's cards be used, and let it have new ones.

    Example: cardctl account activate emp-0042 --reason "back from leave"
    """
    _change(account, AccountChange(active=True), "activated", reason, dry_run, live, profile, timeout, output)


@app.command()
def suspend(
    account: AccountArgument,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Stop an account, and with it all of its cards; it can be activated again.

    Example: cardctl account suspend emp-0042 --reason "on leave"
    """
    _change(account, AccountChange(active=False), "suspended", reason, dry_run, live, profile, timeout, output)


@app.command()
def close(
    account: AccountArgument,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Close an account for good, once its cards are closed; asks first. Stripe cannot do this.

    Example: cardctl account close emp-0042 --reason "left the company" --yes
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.domain.operations import Draft  # noqa: PLC0415
    from cardctl.services.deeds import controls  # noqa: PLC0415
    from cardctl.services.flows.finding import find_account  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_account(run.books, account, prefix=False)
        desk = run.desk(found)
        planned = controls.rehearse_close_account(desk, found)  # what cannot be done is said before anybody is asked
        if dry_run:
            _frame.show_rehearsal(run, planned)
            return
        if isinstance(planned, Draft):
            _frame.consent(run, f"{_frame.one_line(found)} would be closed for good.", found.id[-4:], yes=yes)
        _frame.show_write(run, "account", controls.close_account(desk, found, reason=reason), "closed")


@app.command()
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
    from cardctl.commands._frame import one_line  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.deeds.pulling import sync_account, sync_accounts  # noqa: PLC0415
    from cardctl.services.flows.finding import find_account  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, timeout=timeout) as run:
        if account is not None:
            found = find_account(run.books, account)
            synced = sync_account(run.desk(found), found)
            run.console.done({"account": shapes.account(synced)}, [f"synced: {one_line(synced)}"])
            return
        with run.console.progress("reading accounts") as advance:
            pulled = sync_accounts(run.desk(), advance)
        told = {"read": pulled.read, "new": pulled.new, "changed": pulled.changed}
        run.console.done(told, [f"{pulled.read} accounts read, {pulled.new} new, {pulled.changed} changed"])


def _change(
    name: str,
    change: AccountChange,
    verb: str,
    reason: str | None,
    dry_run: bool,
    live: bool,
    profile: str | None,
    timeout: float | None,
    output: Output,
) -> None:
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds import controls  # noqa: PLC0415
    from cardctl.services.flows.finding import find_account  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_account(run.books, name)
        if dry_run:
            _frame.show_rehearsal(run, controls.rehearse_account_change(run.desk(found), found, change))
            return
        _frame.show_write(run, "account", controls.change_account(run.desk(found), found, change, reason=reason), verb)
