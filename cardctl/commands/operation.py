"""`cardctl operation …`: the journal of writes, and settling what it left in doubt; parse and hand over."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._jobs import DeadlineOption, WaitOption, job
from cardctl.commands._options import (
    AccountOption,
    CardOption,
    DryRunOption,
    LimitOption,
    LiveOption,
    OperationArgument,
    OperationsArgument,
    OutputOption,
    ProfileOption,
    ProviderOption,
    SinceOption,
    TimeoutOption,
    UntilOption,
    moment,
)
from cardctl.domain.operations import OperationState
from cardctl.errors import BadInput, ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.domain.operations import Operation
    from cardctl.runtime import Run
    from cardctl.runtime.jobs import Job
    from cardctl.services.desk import Desk

app = typer.Typer(add_completion=False)


class Outcome(StrEnum):
    """What --as takes."""

    DONE = "done"
    REFUSED = "refused"


StateOption = Annotated[OperationState | None, typer.Option("--state", help="Only operations in this state.")]
KindOption = Annotated[str | None, typer.Option("--kind", metavar="NOUN.VERB", help="Only this kind, such as card.fund.")]
TargetOption = Annotated[
    str | None, typer.Option("--target", metavar="ID", help="Only on the card, account, saved card or payment with this id.")
]
OutcomeOption = Annotated[Outcome | None, typer.Option("--as", help="What became of it at the provider, as you know.")]
CancelOption = Annotated[
    bool, typer.Option("--cancel", help="Have the provider cancel it by its key (a charge or hold with a saved card).")
]
RefOption = Annotated[
    str | None, typer.Option("--ref", metavar="REF", help="With --as done: how the provider calls what it made.")
]
WhyOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="How you know; kept in the audit.")]


@app.command("list")
def list_(
    state: StateOption = None,
    kind: KindOption = None,
    target: TargetOption = None,
    card: CardOption = None,
    account: AccountOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List writes to providers, newest first; --account means those on an account and on its cards.

    Example: cardctl operation list --state in_doubt
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import limited, one_more  # noqa: PLC0415
    from cardctl.output import shapes, tables  # noqa: PLC0415
    from cardctl.services.flows.finding import find_account, find_card, list_operations  # noqa: PLC0415

    if target is not None and card is not None:
        raise BadInput("--target and --card both name one thing: give one of them")
    with runtime.opened(output=output, profile=profile, provider=provider) as run:
        found = list_operations(
            run.books,
            target=find_card(run.books, card).id if card else target,
            account_id=find_account(run.books, account).id if account else None,
            provider=provider,
            state=state,
            kind=kind,
            since=moment(since, now=runtime.now()) if since else None,
            until=moment(until, now=runtime.now()) if until else None,
            limit=one_more(limit),
        )
        operations, cut = limited(found, limit)
        run.console.rows(map(shapes.operation, operations), tables.OPERATIONS, limit_cut=cut)


@app.command()
def show(operation: OperationArgument, profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Show one write: who wanted it and why, the request as it was sent, and what became of it.

    Example: cardctl operation show op_7f3kq2m9
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.domain.redaction import redact_json  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.flows.finding import find_operation  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        found = find_operation(run.books, operation)
        requests = redact_json(shapes.requests(found.draft)) if found.draft else []
        told = {
            "reason": found.reason,
            "actor": found.actor,
            "correlation_id": found.correlation_id,
            "sent_at": shapes.instant(found.sent_at),
            "request": requests[-1] if requests else None,
            "prelude": requests[:-1],
        }
        run.console.show({**shapes.operation(found), **told})


@app.command()
def resume(
    operations: OperationsArgument = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    deadline: DeadlineOption = None,
    random_wait: WaitOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Settle what is unfinished: look at the provider, and send again only where that is safe. Exit 9 where doubt is left.

    Example: cardctl operation resume
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.flows.finding import find_operation  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, live=live, timeout=timeout) as run:
        named = [find_operation(run.books, name) for name in operations or []]
        if dry_run:
            waiting = [shapes.operation(found) for _, some in _work(run, named, provider) for found in some]
            run.console.done({"would_settle": waiting}, [*map(_line, waiting), f"would settle {len(waiting)}"])
            return ExitCode.DONE
        with job(run, "resume", deadline=deadline, random_wait=random_wait) as late:
            return _settled(run, _work(run, named, provider), late)


def _settled(run: Run, work: list[tuple[Desk, list[Operation]]], late: Job) -> ExitCode:
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.resuming import resume as settle_all  # noqa: PLC0415

    with run.console.progress("settling operations"):
        ended = [settle_all(desk, [found.id for found in some], late=late) for desk, some in work]
    settled = [shapes.operation(each) for part in ended for each in part.settled]
    left = [shapes.operation(each) for part in ended for each in part.left]
    data = {"settled": settled, "left": left, "not_reached": sum(part.not_reached for part in ended)}
    code = late.verdict(ExitCode.IN_DOUBT if left else ExitCode.DONE)
    more = f", {data['not_reached']} not reached" if data["not_reached"] else ""
    summary = f"{len(settled)} settled, {len(left)} left in doubt{more}"
    run.console.done(data, [*map(_line, [*settled, *left]), summary])
    return code


def _work(run: Run, named: list[Operation], provider: str | None) -> list[tuple[Desk, list[Operation]]]:
    """What is to be settled, and the desk for it: what was named, or all of one provider, or of the profile's programmes."""
    from cardctl import config  # noqa: PLC0415
    from cardctl.services.settling import unsettled, waiting_elsewhere  # noqa: PLC0415

    if named:
        return [(run.desk(found), [found]) for found in named]
    desks = [run.desk()]
    if provider is None:
        ours = [run.settings.programme(name) for name in config.PROVIDERS]
        desks += [run.desk(found) for found in waiting_elsewhere(desks[0], ours)]
    return [(desk, unsettled(desk)) for desk in desks]


@app.command()
def resolve(
    operation: OperationArgument,
    reason: WhyOption,
    outcome: OutcomeOption = None,
    cancel: CancelOption = False,
    ref: RefOption = None,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """End a write in doubt: by your word (--as; nothing is sent, so sync its card afterwards), or by cancelling it (--cancel).

    Example: cardctl operation resolve op_7f3kq2m9bx5d8c1g4h6j --as done --reason "seen in the provider's dashboard"
    Example: cardctl operation resolve op_7f3kq2m9bx5d8c1g4h6j --cancel --reason "the buyer has paid in cash"
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.flows.finding import find_operation  # noqa: PLC0415

    _check_word(outcome, cancel=cancel, ref=ref, reason=reason)
    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_operation(run.books, operation, prefix=False)
        if outcome is None:
            _cancel(run, found, reason)
            return
        told = shapes.operation(_by_word(run, found, outcome, ref, reason))
        follow = "the books have it" if ref else "the books follow at the next sync of what it is about"
        run.console.done({"operation": told}, [_line(told), follow])


def _check_word(outcome: Outcome | None, *, cancel: bool, ref: str | None, reason: str) -> None:
    if cancel == (outcome is not None):
        raise BadInput("give either --as, with what became of it, or --cancel")
    if not reason.strip() or (ref and outcome is not Outcome.DONE):
        raise BadInput("--reason is empty, or --ref was given for what was not made", hint="say how you know; it is kept")


def _by_word(run: Run, found: Operation, outcome: Outcome, ref: str | None, reason: str) -> Operation:
    from cardctl.services.adopting import adopt  # noqa: PLC0415
    from cardctl.services.settling import resolve as settle_by_word  # noqa: PLC0415

    if ref is not None:
        return adopt(run.desk(found), found.id, ref, reason=reason)
    return settle_by_word(run.desk(), found.id, state=OperationState(outcome.value), reason=reason)


def _cancel(run: Run, found: Operation, reason: str) -> None:
    from cardctl.domain.payments import UNPAID  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.calling_off import cancel  # noqa: PLC0415

    with run.console.progress("cancelling by its key"):
        done = cancel(run.desk(found), found.id, reason=reason)
    told, payment = shapes.operation(done.operation), done.payment
    if payment is not None and payment.state not in UNPAID:
        hint = f"cardctl saved-card {'cancel' if payment.held else 'refund'} {payment.id}"
        run.console.warn("NOT_CANCELLED", f"{payment.id} is {payment.state}, and was not cancelled: `{hint}` undoes it")
        line = f"{payment.id} of {payment.amount} is {payment.state}"
    else:
        line = "nothing was taken"
    run.console.done({"operation": told, "payment": payment and shapes.payment(payment)}, [_line(told), line])


def _line(operation: dict[str, Any]) -> str:
    error = f" ({operation['error']})" if operation["error"] else ""
    return f"{operation['id']} {operation['kind']} {operation['target']}: {operation['state']}{error}"
