"""The verbs of `cardctl card` that make cards: issue, replace."""

from __future__ import annotations

from typing import Annotated

import typer

from cardctl.commands._options import (
    DryRunOption,
    IdempotencyKeyOption,
    Last4Option,
    LiveOption,
    OptionalCardArgument,
    OutputOption,
    ProfileOption,
    ReasonOption,
    TimeoutOption,
    YesOption,
)
from cardctl.commands.card._words import (
    DailyOption,
    MonthlyOption,
    PerTransactionOption,
    WeeklyOption,
)
from cardctl.errors import BadInput
from cardctl.output.console import Output


def issue(
    account: Annotated[str, typer.Option("--account", metavar="ACCOUNT", help="Whose card: id, external id or ref.")],
    currency: Annotated[str, typer.Option("--currency", metavar="CODE", help="ISO 4217.")] = "USD",
    type: Annotated[str, typer.Option("--type", help="virtual or physical.")] = "virtual",  # noqa: A002
    fund: Annotated[str | None, typer.Option("--fund", metavar="AMOUNT", help="What it may spend in all.")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="Your own name for it within the account.")] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Leave it to be activated later.")] = False,
    no_limits: Annotated[bool, typer.Option("--no-limits", help="Without the profile's default limits.")] = False,
    per_transaction: PerTransactionOption = None,
    daily: DailyOption = None,
    weekly: WeeklyOption = None,
    monthly: MonthlyOption = None,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Issue a card to an account.

    Example: cardctl card issue --account emp-0042 --fund 250.00 --daily 100
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds import issuing  # noqa: PLC0415
    from cardctl.services.flows.finding import find_account  # noqa: PLC0415

    if type not in ("virtual", "physical"):
        raise BadInput(f"{type!r} is no type of card", hint="virtual or physical")
    told = {"per_transaction": per_transaction, "daily": daily, "weekly": weekly, "monthly": monthly}
    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        holder = find_account(run.books, account)
        limits = _frame.limits_for(run, currency.upper(), told, defaults=not no_limits)
        allowance = _frame.amount_of(fund, currency.upper()) if fund is not None else None
        wish = issuing.CardWish(holder.id, currency.upper(), type, not inactive, limits, allowance, key)
        if dry_run:
            _frame.show_rehearsal(run, issuing.rehearse_card(run.desk(holder), wish, caller_key=idempotency_key))
            return
        if allowance is not None:
            _frame.consent_to_amount(run, allowance, yes=yes)
        _frame.show_write(run, "card", issuing.issue_card(run.desk(holder), wish, caller_key=idempotency_key), "issued")


def replace(
    card: OptionalCardArgument = None,
    last4: Last4Option = None,
    why: Annotated[str, typer.Option("--why", help="lost, stolen, damaged or expired.")] = "lost",
    reason: ReasonOption = None,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Close a card for good and issue another in its place, with its limits and what was left to spend.

    Example: cardctl card replace card_7f3kq2m9bx5d8c1g4h6j --why stolen --yes
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415
    from cardctl.services.flows.replacing import rehearse_replacement, replace_card  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_card(run.books, card, last4=last4, prefix=False)
        if dry_run:
            _frame.show_rehearsal(run, *rehearse_replacement(run.desk(found), found, why, reason=reason))
            return
        _frame.consent(run, f"{_frame.one_line(found)} would be closed for good and replaced.", found.last4, yes=yes)
        done = replace_card(run.desk(found), found, why, reason=reason, caller_key=idempotency_key)
        _frame.show_write(run, "card", done, f"replaced {found.id} by")
