"""`cardctl break …`: differences that reconcile found, and what people make of them; parse and hand over."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import (
    CardOption,
    LimitOption,
    LiveOption,
    OutputOption,
    ProfileOption,
    ProviderOption,
    SinceOption,
    TimeoutOption,
    UntilOption,
    moment,
)
from cardctl.domain.breaks import BreakState, BreakType, Severity
from cardctl.domain.spans import span
from cardctl.errors import ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.domain.breaks import Break
    from cardctl.runtime import Run

app = typer.Typer(add_completion=False)

BreakArgument = Annotated[str, typer.Argument(metavar="BREAK", help="Its fingerprint, or 8 or more of its first characters.")]
BreaksArgument = Annotated[
    list[str], typer.Argument(metavar="BREAK...", help="Fingerprints, or 8 or more of their first characters.")
]
StateOption = Annotated[
    BreakState | None, typer.Option("--state", help="Only breaks in this state; else all but resolved ones.")
]
TypeOption = Annotated[BreakType | None, typer.Option("--type", help="Only breaks of this type.")]
SeverityOption = Annotated[Severity | None, typer.Option("--severity", help="Only breaks that are so grave.")]
RunOption = Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only what this run found.")]
AllOption = Annotated[bool, typer.Option("--all", help="With those that are resolved.")]
WhyOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in its history and in the audit.")]
ForOption = Annotated[str, typer.Option("--for", metavar="SPAN", help="How long: 90m, 8h, 7d.")]
FixOption = Annotated[bool, typer.Option("--fix", help="Mend it first: the provider's word is taken into the books.")]


@app.command("list")
def list_(
    state: StateOption = None,
    type: TypeOption = None,  # noqa: A002 - the option's own word
    severity: SeverityOption = None,
    run_name: RunOption = None,
    card: CardOption = None,
    all_: AllOption = False,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List breaks, the gravest and dearest first; resolved ones only when asked for. --since is when they were seen last.

    Example: cardctl break list --severity critical
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import limited, one_more  # noqa: PLC0415
    from cardctl.output.break_shapes import BREAK_COLUMNS, break_shape  # noqa: PLC0415
    from cardctl.services.flows.reconciling.recalling import list_breaks  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider) as run:
        states = {state} if state else set(BreakState) - (set() if all_ or run_name else {BreakState.RESOLVED})
        words = {"states": frozenset(states), "type": type, "severity": severity, "provider": provider}
        wanted = _filter(run, words, run_name, card, since, until, one_more(limit))
        breaks, cut = limited(list_breaks(run.books, wanted), limit)
        run.console.rows((break_shape(each) for each in breaks), BREAK_COLUMNS, limit_cut=cut)


@app.command()
def show(name: BreakArgument, profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Show one break: both sides, the money at risk, its evidence, what to do, and its history.

    Example: cardctl break show brk_7f3a9k2m
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output.break_shapes import break_shape  # noqa: PLC0415
    from cardctl.services.flows.reconciling.moving import find_break  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        run.console.show(break_shape(find_break(run.books, name), moves=True))


@app.command()
def ack(names: BreaksArgument, reason: WhyOption, profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Say that you have seen it and work on it: it makes no run unclean until it changes.

    Example: cardctl break ack brk_7f3a9k2m --reason "asked the acquirer, case 881"
    """
    _move(names, BreakState.ACKNOWLEDGED, reason, profile, output)


@app.command()
def snooze(
    names: BreaksArgument,
    for_: ForOption,
    reason: WhyOption,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Put it off: the first run after that time opens it again.

    Example: cardctl break snooze brk_7f3a9k2m --for 7d --reason "the merchant settles late"
    """
    from cardctl import runtime  # noqa: PLC0415

    until = runtime.now() + span(for_)
    _move(names, BreakState.SNOOZED, reason, profile, output, until)


@app.command()
def accept(
    names: BreaksArgument, reason: WhyOption, profile: ProfileOption = None, output: OutputOption = Output.TABLE
) -> None:
    """Take it as it is, for good: only where it changes does a run open it again.

    Example: cardctl break accept brk_7f3a9k2m --reason "goodwill refund, agreed with finance"
    """
    _move(names, BreakState.ACCEPTED, reason, profile, output)


@app.command()
def resolve(
    names: BreaksArgument,
    reason: WhyOption,
    fix: FixOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Say that it is settled; with --fix, settle it now (3: only proposed). The next run proves it, or opens it again.

    With --fix a card that was closed here takes its provider's word too, which `reconcile --fix` leaves to a person.

    Example: cardctl break resolve brk_7f3a9k2m --fix --reason "the provider is right"
    """
    from cardctl import runtime  # noqa: PLC0415

    if not fix:
        _move(names, BreakState.RESOLVED, reason, profile, output)
        return ExitCode.DONE
    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run, run.lock("reconcile"):
        return _fixed(run, names, reason)


def _fixed(run: Run, names: list[str], reason: str) -> ExitCode:
    from cardctl.runtime import mending, reconciling  # noqa: PLC0415
    from cardctl.services.flows.reconciling.moving import check_reason, find_break  # noqa: PLC0415

    check_reason(reason)
    found = [find_break(run.books, name) for name in names]
    programmes = {each.programme for each in found}
    told: dict[str, Any] = {"fixed": [], "proposed": [], "failed": []}
    for part in [part for provider in {each.provider for each in found} for part in reconciling.parts(run, provider)]:
        if part.desk.programme in programmes:
            its_own = {part.desk.programme: [each for each in found if each.programme == part.desk.programme]}
            done = mending.mend(run, [part], its_own, None, lambda: False, explicit=True, reason=reason)
            told = {key: [*told[key], *done[key]] for key in told}
    lines = [f"{len(told['fixed'])} mended, {len(told['proposed'])} proposed to a person"]
    lines += [f"{each['fingerprint']} could not be mended: {each['error']}" for each in told["failed"]]
    run.console.done(told, lines)
    if told["failed"]:
        return ExitCode.PARTLY
    return ExitCode.FINDINGS if told["proposed"] else ExitCode.DONE


def _move(
    names: list[str], to: BreakState, reason: str, profile: str | None, output: Output, until: datetime | None = None
) -> None:
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output.break_shapes import break_shape  # noqa: PLC0415
    from cardctl.runtime.reconciling import hand  # noqa: PLC0415
    from cardctl.services.flows.reconciling.moving import find_break, move  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        wanted = list(dict.fromkeys(find_break(run.books, name).fingerprint for name in names))
        moved = move(hand(run), wanted, to, reason, until=until)
        for one, really in moved:
            if not really:
                run.console.warn("ALREADY", f"{one.fingerprint} is {one.state} already")
        run.console.done({"breaks": [break_shape(one) for one, _ in moved]}, [_line(one) for one, _ in moved])


def _line(one: Break) -> str:
    until = f" until {one.snoozed_until:%Y-%m-%d %H:%M} UTC" if one.snoozed_until else ""
    return f"{one.fingerprint} {one.type}: {one.state}{until}, {one.reason}"


def _filter(
    run: Run,
    words: dict[str, Any],
    run_name: str | None,
    card: str | None,
    since: str | None,
    until: str | None,
    limit: int | None,
) -> Any:
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415
    from cardctl.services.flows.reconciling.recalling import BreakFilter, find_run  # noqa: PLC0415

    now = runtime.now()
    return BreakFilter(
        **words,
        card_id=find_card(run.books, card).id if card else None,
        run_id=find_run(run.books, run_name).id if run_name else None,
        since=moment(since, now=now) if since else None,
        until=moment(until, now=now) if until else None,
        limit=limit,
    )
