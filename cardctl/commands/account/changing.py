"""The verbs of `cardctl account` that change one: update, activate, suspend, close."""

from __future__ import annotations

from cardctl.commands._holders import (
    CityOption,
    CountryOption,
    EmailOption,
    Line1Option,
    Line2Option,
    PhoneOption,
    PostalCodeOption,
    RegionOption,
    address_of,
)
from cardctl.commands._options import (
    AccountArgument,
    DryRunOption,
    LiveOption,
    OutputOption,
    ProfileOption,
    ProviderOption,
    ReasonOption,
    TimeoutOption,
    YesOption,
)
from cardctl.domain.accounts import AccountChange
from cardctl.errors import BadInput
from cardctl.output.console import Output


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
    provider: ProviderOption = None,
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
    _change(account, change, "updated", reason, dry_run, live, profile, provider, timeout, output)


def activate(
    account: AccountArgument,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let an account's cards be used, and let it have new ones.

    Example: cardctl account activate emp-0042 --reason "back from leave"
    """
    _change(account, AccountChange(active=True), "activated", reason, dry_run, live, profile, provider, timeout, output)


def suspend(
    account: AccountArgument,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Stop an account, and with it all of its cards; it can be activated again.

    Example: cardctl account suspend emp-0042 --reason "on leave"
    """
    _change(account, AccountChange(active=False), "suspended", reason, dry_run, live, profile, provider, timeout, output)


def close(
    account: AccountArgument,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Close an account for good, once its cards are closed; asks first. Stripe and Strowallet cannot do this.

    Example: cardctl account close emp-0042 --reason "left the company" --yes
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.domain.operations import Draft  # noqa: PLC0415
    from cardctl.services.deeds import controls  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, live=live, timeout=timeout) as run:
        found = _frame.account_named(run, account, provider, prefix=False)
        desk = run.desk(found)
        planned = controls.rehearse_close_account(desk, found)  # what cannot be done is said before anybody is asked
        if dry_run:
            _frame.show_rehearsal(run, planned)
            return
        if isinstance(planned, Draft):
            _frame.consent(run, f"{_frame.one_line(found)} would be closed for good.", found.id[-4:], yes=yes)
        _frame.show_write(run, "account", controls.close_account(desk, found, reason=reason), "closed")


def _change(
    name: str,
    change: AccountChange,
    verb: str,
    reason: str | None,
    dry_run: bool,
    live: bool,
    profile: str | None,
    provider: str | None,
    timeout: float | None,
    output: Output,
) -> None:
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds import controls  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, live=live, timeout=timeout) as run:
        found = _frame.account_named(run, name, provider)
        if dry_run:
            _frame.show_rehearsal(run, controls.rehearse_account_change(run.desk(found), found, change))
            return
        _frame.show_write(run, "account", controls.change_account(run.desk(found), found, change, reason=reason), verb)
