"""The verbs of `cardctl card` about money: fund, withdraw, limits."""

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
    TimeoutOption,
    YesOption,
)
from cardctl.commands.card import _bulk
from cardctl.commands.card._words import (
    WAIT,
    AmountOption,
    CurrencyOption,
    DailyOption,
    MonthlyOption,
    PerTransactionOption,
    WaitOption,
    WeeklyOption,
)
from cardctl.domain.bulk import Verb
from cardctl.errors import ExitCode
from cardctl.output.console import Output


def fund(
    card: OptionalCardArgument = None,
    amount: AmountOption = "",
    currency: CurrencyOption = None,
    last4: Last4Option = None,
    file: _bulk.FromOption = None,
    set_allowance: Annotated[bool, typer.Option("--set-allowance", help="Give an unlimited card an allowance.")] = False,
    wait: WaitOption = WAIT,
    workers: _bulk.WorkersOption = _bulk.WORKERS,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode | None:
    """Raise what a card can spend: on Stripe its allowance, on Marqeta its holder's balance, on Strowallet its own.

    Example: cardctl card fund card_7f3kq2m9 --amount 25.00 --currency USD
    """
    if file is not None:
        _bulk.refuse_beside(card=card, last4=last4, amount=amount, currency=currency)
        how = _bulk.How(file, workers, dry_run, yes, live, profile, timeout, output)
        return _bulk.do_list(Verb.FUND, how, label=idempotency_key, set_allowance=set_allowance)
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.awaiting import await_money  # noqa: PLC0415
    from cardctl.services.deeds import funding  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_card(run.books, card, last4=last4)
        money, desk = _frame.amount_of(amount, found.currency if currency is None else currency), run.desk(found)
        if dry_run:
            _frame.show_rehearsal(
                run, funding.rehearse_fund(desk, found, money, set_allowance=set_allowance, caller_key=idempotency_key)
            )
            return None
        _frame.consent_to_amount(run, money, yes=yes)
        done = funding.fund_card(desk, found, money, set_allowance=set_allowance, caller_key=idempotency_key)
        _frame.show_write(run, "card", await_money(desk, done, wait=wait), f"funded {money}")
    return None


def withdraw(
    card: OptionalCardArgument = None,
    amount: AmountOption = "",
    currency: CurrencyOption = None,
    last4: Last4Option = None,
    wait: WaitOption = WAIT,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Lower what a card can spend, by no more than is unspent. Allowed while the card is frozen.

    Example: cardctl card withdraw card_7f3kq2m9 --amount 25.00 --currency USD
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.awaiting import await_money  # noqa: PLC0415
    from cardctl.services.deeds import funding  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_card(run.books, card, last4=last4)
        money, desk = _frame.amount_of(amount, found.currency if currency is None else currency), run.desk(found)
        if dry_run:
            _frame.show_rehearsal(run, *funding.rehearse_withdraw(desk, found, money, caller_key=idempotency_key))
            return
        _frame.consent_to_amount(run, money, yes=yes)
        done = funding.withdraw(desk, found, money, caller_key=idempotency_key)
        _frame.show_write(run, "card", await_money(desk, done, wait=wait), f"withdrew {money}")


def limits(
    card: OptionalCardArgument = None,
    last4: Last4Option = None,
    file: _bulk.FromOption = None,
    per_transaction: PerTransactionOption = None,
    daily: DailyOption = None,
    weekly: WeeklyOption = None,
    monthly: MonthlyOption = None,
    workers: _bulk.WorkersOption = _bulk.WORKERS,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode | None:
    """Change the limits that are named, and leave the others as they are.

    Example: cardctl card limits card_7f3kq2m9 --daily 100 --monthly none
    """
    told = {"per_transaction": per_transaction, "daily": daily, "weekly": weekly, "monthly": monthly}
    if file is not None:
        _bulk.refuse_beside(card=card, last4=last4, **told)
        return _bulk.do_list(Verb.LIMITS, _bulk.How(file, workers, dry_run, yes, live, profile, timeout, output))
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds import funding  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_card(run.books, card, last4=last4)
        changes = _frame.limit_changes(told, found.currency)
        if dry_run:
            _frame.show_rehearsal(run, *funding.rehearse_limits(run.desk(found), found, changes))
            return None
        _frame.show_write(run, "card", funding.set_limits(run.desk(found), found, changes), "limited")
    return None
