"""`cardctl saved-card preauth --policy FILE`: the file read, consent asked, one run of the job, and how its result is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands.saved_card._words import PROVIDER
from cardctl.domain.money import Money
from cardctl.errors import BadInput, ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.domain.lots import Judgement
    from cardctl.runtime import Run
    from cardctl.services.flows.preauthorizing import Kept

PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="Lots of an auction, TOML or CSV: hold, renew, capture, release as it says."),
]
WindowOption = Annotated[
    str | None, typer.Option("--window", metavar="SPAN", help="With --policy: so long before a lot's start it is covered.")
]
ReportOption = Annotated[
    bool, typer.Option("--report", help="With --policy: tell of every lot, not of those alone that want it.")
]


@dataclass(frozen=True, slots=True)
class How:
    """How a policy is to be followed, as the command line says it. `hold_for` and `currency` stand in for the file's."""

    window: str | None
    hold_for: str | None
    currency: str | None
    report: bool
    deadline: str | None
    random_wait: str | None
    dry_run: bool
    yes: bool
    live: bool
    profile: str | None
    timeout: float | None
    output: Output


def refuse_both(**single: Any) -> None:
    """BadInput where a policy was named together with what is said of a single hold."""
    told = ["SAVED_CARD" if name == "card" else f"--{name.replace('_', '-')}" for name, value in single.items() if value]
    if told:
        raise BadInput(f"--policy and {', '.join(told)} exclude each other", hint="the lots of the file say it")


def refuse_alone(**by_policy: Any) -> None:
    """BadInput where something was said of a policy, and none was named."""
    told = [f"--{name.replace('_', '-')}" for name, value in by_policy.items() if value]
    if told:
        raise BadInput(f"{', '.join(told)} needs --policy", hint="it is for the lots of an auction")


def follow(file: Path, how: How) -> ExitCode:
    """One run over the policy. Consent where a run would move more than is moved without asking."""
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._jobs import job  # noqa: PLC0415
    from cardctl.config.policy import Overrides, read_policy  # noqa: PLC0415
    from cardctl.services.flows import preauthorizing  # noqa: PLC0415

    policy = read_policy(file, Overrides(how.window, how.hold_for, how.currency))
    with runtime.opened(output=how.output, profile=how.profile, live=how.live, timeout=how.timeout) as run:
        desk = run.desk(provider=PROVIDER)
        planned = preauthorizing.look(desk, policy)
        if how.dry_run:
            return _show_plan(run, planned, report=how.report)
        _ask(run, planned, yes=how.yes)
        with job(run, "preauth", deadline=how.deadline, random_wait=how.random_wait) as late:
            with run.console.progress("lots", len(policy.lots)) as advance:
                kept = preauthorizing.keep(desk, policy, late=late, progress=advance)
            return _show(run, kept, late.verdict(kept.exit_code), report=how.report)


def _ask(run: Run, planned: Sequence[Judgement], *, yes: bool) -> None:
    from cardctl.commands._frame import consent, is_much  # noqa: PLC0415

    totals = _totals(planned)
    if any(is_much(run, total) for total in totals):
        count = sum(len(lot.steps) for lot in planned)
        told = ", ".join(map(str, totals))
        consent(run, f"{count} steps would hold or take {told}, more than is moved without asking.", str(count), yes=yes)


def _totals(planned: Iterable[Judgement]) -> list[Money]:
    """What the steps would hold and take, by currency; a release moves nothing of anybody's."""
    from cardctl.domain.lots import Action  # noqa: PLC0415

    sums: Counter[str] = Counter()
    for lot in planned:
        for step in lot.steps:
            if step.action is not Action.RELEASE:
                sums[step.amount.currency] += step.amount.minor
    return [Money(minor, currency) for currency, minor in sorted(sums.items())]


def _show_plan(run: Run, planned: Sequence[Judgement], *, report: bool) -> ExitCode:
    from cardctl.output.policy_shapes import lot_shape, step_line, step_shape  # noqa: PLC0415

    steps = [step for lot in planned for step in lot.steps]
    lines = [*_lot_lines(planned, report=report), *(f"would {step_line(step)}" for step in steps)]
    data = {"lots": [lot_shape(lot) for lot in planned], "steps": [step_shape(step) for step in steps]}
    run.console.done(
        data | _counts(planned), [*lines, f"{_summary(planned)}; {len(steps)} steps; leave --dry-run out to do them"]
    )
    return ExitCode.FINDINGS if any(lot.wanting for lot in planned) else ExitCode.DONE


def _show(run: Run, kept: Kept, code: ExitCode, *, report: bool) -> ExitCode:
    from cardctl.output.policy_shapes import lot_shape, step_line, step_shape  # noqa: PLC0415

    if kept.not_reached:
        run.console.warn("NOT_REACHED", f"{kept.not_reached} lots were left, the next run goes on")
    steps = [step_shape(taken.step, taken.payment, taken.error) for taken in kept.taken]
    lines = [*(step_line(taken.step, taken.error) for taken in kept.taken), *_lot_lines(kept.lots, report=report)]
    data = {"lots": [lot_shape(lot) for lot in kept.lots], "steps": steps} | _counts(kept.lots)
    run.console.done(data, [*lines, _summary(kept.lots)])
    return code


def _lot_lines(lots: Iterable[Judgement], *, report: bool) -> list[str]:
    from cardctl.output.policy_shapes import lot_line  # noqa: PLC0415

    return [lot_line(lot) for lot in lots if report or lot.wanting]


def _counts(lots: Sequence[Judgement]) -> dict[str, Any]:
    """How many lots are in each state, and how many want somebody."""
    from cardctl.domain.lots import Cover  # noqa: PLC0415

    found = Counter(lot.cover for lot in lots)
    return {"counts": {str(cover): found[cover] for cover in Cover}, "wanting": sum(lot.wanting for lot in lots)}


def _summary(lots: Sequence[Judgement]) -> str:
    found = Counter(str(lot.cover) for lot in lots)
    return f"{len(lots)} lots: " + ", ".join(f"{many} {cover}" for cover, many in found.items())
