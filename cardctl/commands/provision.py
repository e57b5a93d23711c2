"""`cardctl provision`: parse and hand over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import (
    DryRunOption,
    LiveOption,
    OutputOption,
    ProfileOption,
    ProviderOption,
    TimeoutOption,
    YesOption,
)
from cardctl.errors import BadInput, DevelopmentOnly, ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.domain.accounts import Account
    from cardctl.domain.cards import Card
    from cardctl.domain.programme import Step
    from cardctl.runtime import Run

app = typer.Typer(add_completion=False)

DevOption = Annotated[bool, typer.Option("--dev", help="Three accounts, a million dollars and an active card each.")]
FileOption = Annotated[Path | None, typer.Option("--file", metavar="TOML", help="What accounts and cards there ought to be.")]
ApplyOption = Annotated[bool, typer.Option("--apply", help="Do what the plan says; without it, the plan is only shown.")]
_ASK_OVER = 20


@app.command()
def provision(
    dev: DevOption = False,
    file: FileOption = None,
    apply: ApplyOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode | None:
    """Make accounts and cards: a whole development programme, or what a file declares. Safe to repeat.

    Example: cardctl provision --dev
    """
    from cardctl import runtime  # noqa: PLC0415

    if dev == (file is not None):
        raise BadInput("say what to provision", hint="either --dev, or --file programme.toml")
    with runtime.opened(output=output, profile=profile, provider=provider, live=live, timeout=timeout) as run:
        if file is not None and apply and not dry_run:
            return _apply(run, file, yes=yes)
        if file is not None:
            _plan_file(run, file)
        elif dry_run:
            _plan_dev(run)
        else:
            _provision_dev(run)
    return None


def _provision_dev(run: Run) -> None:
    from cardctl.services.flows.provisioning import provision_dev  # noqa: PLC0415

    _check_dev(run)
    run.console.notice("DEVELOPMENT ONLY: these accounts, cards and dollars exist in the simulator alone")
    with run.lock("provision"):
        made = provision_dev(run.desk())
    pairs = zip(made.accounts, made.cards, strict=True)
    lines = [f"{account.external_id or account.id}  {account.balance}  {card.id}  {card.state}" for account, card in pairs]
    data = _objects(made.accounts, made.cards) | {"created": made.created, "changed": made.changed}
    run.console.done(data, [*lines, f"{made.created} made, {made.changed} changed"])


def _check_dev(run: Run) -> None:
    chosen = run.settings.profile
    if chosen.environment != "simulator":
        raise DevelopmentOnly(f"`provision --dev` makes accounts up: never on {chosen.name} ({chosen.environment})")


def _plan_dev(run: Run) -> None:
    from cardctl.services.flows.provisioning import plan_dev  # noqa: PLC0415

    _check_dev(run)
    _show_plan(run, plan_dev(run.desk()), "leave --dry-run out to do them")


def _plan_file(run: Run, file: Path) -> None:
    from cardctl.config.programme import read_programme  # noqa: PLC0415
    from cardctl.services.flows.declaring import plan  # noqa: PLC0415

    _show_plan(run, plan(run.desk(), read_programme(file)), "--apply does them")


def _show_plan(run: Run, steps: list[Step], advice: str) -> None:
    lines = [_line(step) for step in steps] or ["nothing to do: it is all as declared"]
    ending = [f"{len(steps)} steps; {advice}"] if steps else []
    run.console.done({"plan": [_step(step) for step in steps]}, [*lines, *ending])


def _apply(run: Run, file: Path, *, yes: bool) -> ExitCode | None:
    from cardctl.commands._frame import consent, is_much  # noqa: PLC0415
    from cardctl.config.programme import read_programme  # noqa: PLC0415
    from cardctl.domain.programme import Action  # noqa: PLC0415
    from cardctl.services.flows.declaring import apply, plan  # noqa: PLC0415

    declared, desk = read_programme(file), run.desk()
    steps = plan(desk, declared)
    closing = sum(step.action is Action.CLOSE_CARD for step in steps)
    much = sum(step.amount is not None and is_much(run, step.amount) for step in steps)
    if len(steps) > _ASK_OVER or closing or much:
        told = f"{len(steps)} steps: {closing} close a card for good, {much} move more than is moved without asking."
        consent(run, told, str(len(steps)), yes=yes)
    with run.lock("provision"), run.console.progress("provisioning", len(steps)) as advance:
        applied = apply(desk, declared, advance)
    if applied.failed and not applied.done:
        raise applied.failed[0][1]
    created = sum(step.action in (Action.CREATE_ACCOUNT, Action.ISSUE_CARD) for step in applied.done)
    data = _objects(applied.accounts, applied.cards) | {"created": created, "changed": len(applied.done) - created}
    failed = [_step(step) | {"error_code": error.code, "message": error.message} for step, error in applied.failed]
    lines = [_line(step) for step in applied.done] + [f"FAILED {_line(step)}: {error}" for step, error in applied.failed]
    run.console.done(data | {"failed": failed}, [*lines, f"{len(applied.done)} done, {len(failed)} failed"])
    if any(error.exit_code is ExitCode.IN_DOUBT for _, error in applied.failed):
        return ExitCode.IN_DOUBT
    return ExitCode.PARTLY if applied.failed else None


def _objects(accounts: Sequence[Account], cards: Sequence[Card]) -> dict[str, Any]:
    from cardctl.output import shapes  # noqa: PLC0415

    return {"accounts": [shapes.account(account) for account in accounts], "cards": [shapes.card(card) for card in cards]}


def _step(step: Step) -> dict[str, Any]:
    from cardctl.output.shapes import money  # noqa: PLC0415

    return {"action": str(step.action), "target": step.target, "card": step.card_id, "amount": money(step.amount)}


def _line(step: Step) -> str:
    return f"{step.action}  {step.target}" + (f"  {step.amount}" if step.amount else "")
