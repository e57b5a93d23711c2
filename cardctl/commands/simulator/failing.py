"""`cardctl simulator fault`: what goes wrong between us and the far side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cardctl.commands._options import OutputOption, ProfileOption
from cardctl.errors import BadInput
from cardctl.output.console import Output
from cardctl.simulator.faults import FAULTS

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.simulator.control import Control

KINDS = f"Kinds: {', '.join(FAULTS)}."


def _fault_kinds(incomplete: str) -> list[str]:
    return [kind for kind in FAULTS if kind.startswith(incomplete)]


NextOption = Annotated[
    str | None,
    typer.Option(
        "--next", metavar="KIND", help="What the next requests meet: see below, and --list.", autocompletion=_fault_kinds
    ),
]
TimesOption = Annotated[int, typer.Option("--times", metavar="N", min=1, help="How many requests, of any process, meet it.")]
DelayOption = Annotated[
    float | None,
    typer.Option("--delay", metavar="SECONDS", min=0, max=3600, help="How late a slow reply comes, or how long it trickles."),
]
SeedOption = Annotated[int | None, typer.Option("--seed", metavar="N", help="Random faults, the same for the same seed.")]
RateOption = Annotated[
    float | None, typer.Option("--rate", metavar="SHARE", min=0, max=1, help="Which share of requests meets a random fault.")
]
ClearOption = Annotated[bool, typer.Option("--clear", help="Nothing goes wrong any more.")]
ListOption = Annotated[bool, typer.Option("--list", help="The kinds of faults, and what each does.")]


def fault(
    next_: NextOption = None,
    times: TimesOption = 1,
    delay: DelayOption = None,
    seed: SeedOption = None,
    rate: RateOption = None,
    clear: ClearOption = False,
    list_: ListOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let something go wrong: for the next requests that a kind strikes, or at random by a seed; --clear ends it all.

    Example: cardctl simulator fault --next lost-reply --times 3
    """
    from cardctl import runtime  # noqa: PLC0415

    chosen = [next_ is not None, seed is not None or rate is not None, clear, list_]
    if sum(chosen) != 1 or (seed is None) != (rate is None):
        raise BadInput("say what is to go wrong", hint="--next KIND, --seed N with --rate SHARE, --clear, or --list")
    if next_ is None and (times != 1 or delay is not None):
        raise BadInput("--times and --delay belong to --next")
    with runtime.opened(output=output, profile=profile) as run:
        far_side = run.far_side
        if list_:
            _list_faults(run)
            return
        if next_ is not None:
            far_side.fault(next_, times, delay)
        elif seed is not None and rate is not None:
            far_side.fault_random(seed, rate)
        else:
            far_side.clear_faults()
        _show_faults(run, far_side)


def _list_faults(run: Run) -> None:
    listed = (
        {"kind": fault.name, "does": fault.does, "strikes": sorted(on.value for on in fault.on), "committed": fault.committed}
        for fault in FAULTS.values()
    )
    run.console.rows(listed, ("kind", "does"))


def _show_faults(run: Run, far_side: Control) -> None:
    found = far_side.status()
    waiting, random = found["faults"], found["random_faults"]
    lines = [f"waits for the next {each['remaining']} {_struck(each['kind'])}: {each['kind']}" for each in waiting]
    lines += [f"random: seed {random['seed']}, rate {random['rate']}"] if random else []
    run.console.done({"faults": waiting, "random_faults": random}, lines or ["no fault waits"])


def _struck(kind: str) -> str:
    return " or ".join(sorted(on.value for on in FAULTS[kind].armed_for))
