"""The verbs of `cardctl card` that make cards: issue, replace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cardctl.commands._options import (
    DryRunOption,
    IdempotencyKeyOption,
    Last4Option,
    LiveOption,
    OptionalCardArgument,
    OutputOption,
    ProfileOption,
    ProviderOption,
    ReasonOption,
    TimeoutOption,
    YesOption,
)
from cardctl.commands.card import _bulk
from cardctl.commands.card._words import (
    WAIT,
    DailyOption,
    MonthlyOption,
    PerTransactionOption,
    WaitOption,
    WeeklyOption,
)
from cardctl.domain.bulk import Verb
from cardctl.errors import BadInput, ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.domain.accounts import Account
    from cardctl.runtime import Run
    from cardctl.services.deeds.issuing import CardWish


def issue(
    account: Annotated[
        str | None, typer.Option("--account", metavar="ACCOUNT", help="Whose card: id, external id or ref.")
    ] = None,
    file: _bulk.FromOption = None,
    currency: Annotated[str | None, typer.Option("--currency", metavar="CODE", help="ISO 4217; default: USD.")] = None,
    type: Annotated[str | None, typer.Option("--type", help="virtual (the default) or physical.")] = None,  # noqa: A002
    fund: Annotated[str | None, typer.Option("--fund", metavar="AMOUNT", help="What it may spend in all.")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="Your own name for it within the account.")] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Leave it to be activated later.")] = False,
    no_limits: Annotated[bool, typer.Option("--no-limits", help="Without the profile's default limits.")] = False,
    per_transaction: PerTransactionOption = None,
    daily: DailyOption = None,
    weekly: WeeklyOption = None,
    monthly: MonthlyOption = None,
    wait: WaitOption = WAIT,
    workers: _bulk.WorkersOption = _bulk.WORKERS,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode | None:
    """Issue a card to an account.

    Example: cardctl card issue --account emp-0042 --fund 250.00 --daily 100
    """
    limits = {"per_transaction": per_transaction, "daily": daily, "weekly": weekly, "monthly": monthly}
    if file is not None:
        _bulk.refuse_beside(account=account, currency=currency, type=type, fund=fund, key=key, **limits)
        how = _bulk.How(file, workers, dry_run, yes, live, profile, timeout, output)
        rest = {"label": idempotency_key, "active": not inactive}
        return _bulk.do_list(Verb.ISSUE, how, provider=provider, limits=not no_limits, **rest)
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services import opening  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        holder = _frame.account_named(run, _named(account), provider)
        wish = _wish(run, holder, currency or "USD", type or "virtual", fund, key, limits, not no_limits, not inactive)
        if dry_run:
            draft, following = opening.rehearse_issue(run.desk(holder), wish, caller_key=idempotency_key)
            _frame.show_rehearsal(run, draft, then=following)
            return None
        if wish.allowance is not None:
            _frame.consent_to_amount(run, wish.allowance, yes=yes)
        done = opening.issue_card(run.desk(holder), wish, caller_key=idempotency_key, wait=wait)
        _frame.show_write(run, "card", done, "issued")
    return None


def _named(account: str | None) -> str:
    if account is None:
        raise typer.BadParameter("it names whose card it is; a file with many is given by --from", param_hint="--account")
    return account


def _wish(
    run: Run,
    holder: Account,
    currency: str,
    kind: str,
    fund: str | None,
    key: str | None,
    limits: dict[str, str | None],
    defaults: bool,
    active: bool,
) -> CardWish:
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds.issuing import CardWish  # noqa: PLC0415

    if kind not in ("virtual", "physical"):
        raise BadInput(f"{kind!r} is no type of card", hint="virtual or physical")
    currency = currency.upper()
    allowance = _frame.amount_of(fund, currency) if fund is not None else None
    wanted = _frame.limits_for(run, currency, limits, defaults=defaults)
    defaulted = tuple(name for name, text in limits.items() if text is None and getattr(wanted, name) is not None)
    return CardWish(holder.id, currency, kind, active, wanted, allowance, key, defaulted=defaulted)


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
