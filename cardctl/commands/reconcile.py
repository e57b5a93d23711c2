"""`cardctl reconcile`: compare, tell, report, and mend where that is asked for; parse and hand over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._jobs import DeadlineOption, WaitOption
from cardctl.commands._options import (
    DryRunOption,
    LiveOption,
    OutputOption,
    ProfileOption,
    ProviderOption,
    SinceOption,
    TimeoutOption,
    YesOption,
    moment,
)
from cardctl.errors import BadInput, ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.domain.breaks import Break
    from cardctl.runtime import Run
    from cardctl.runtime.jobs import Job
    from cardctl.services.flows.reconciling.running import Outcome
    from cardctl.services.flows.reconciling.starting import Part

app = typer.Typer(add_completion=False)

ReportOption = Annotated[bool, typer.Option("--report", help="Write the report: a page and a JSON file.")]
FormatOption = Annotated[
    list[str] | None, typer.Option("--report-format", metavar="FORMAT", help="Also as markdown or csv; may be repeated.")
]
DirOption = Annotated[
    Path | None, typer.Option("--report-dir", metavar="DIR", help="Where the report goes; else the profile's `reports`.")
]
FixOption = Annotated[bool, typer.Option("--fix", help="Take the provider's word into the books; propose what moves money.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Report even where what was read is implausible.")]
_SHOWN = 40


@app.command()
def reconcile(
    report: ReportOption = False,
    report_format: FormatOption = None,
    report_dir: DirOption = None,
    fix: FixOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    since: SinceOption = None,
    force: ForceOption = False,
    live: LiveOption = False,
    deadline: DeadlineOption = None,
    random_wait: WaitOption = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Compare everything that the providers have with our books; name each difference. Exit 0 clean, 3 breaks, 10 partly read.

    Changes nothing unless --fix is given, and moves no money then either. What is only worth knowing makes no run unclean.

    Example: cardctl reconcile --report
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._jobs import job  # noqa: PLC0415
    from cardctl.runtime import reconciling  # noqa: PLC0415

    wanted = _formats(report_format, asked=report or report_dir is not None)
    with (
        runtime.opened(output=output, profile=profile, provider=provider, live=live, timeout=timeout) as run,
        job(run, "reconcile", deadline=deadline, random_wait=random_wait) as late,
    ):
        parts = reconciling.parts(run, provider)
        start = moment(since, now=runtime.now()) if since else None
        outcome = _ran(run, parts, late, start, force=force)
        mended = _mend(run, parts, outcome, late, yes=yes, dry_run=dry_run) if fix else None
        if mended is not None and not dry_run:
            outcome = mended[0]
        paths = _written(run, outcome, wanted, report_dir) if wanted else []
        code = late.verdict(_code(outcome, mended))
        _show(run, outcome, paths, mended[1] if mended else None)
        return code


def _formats(also: list[str] | None, *, asked: bool) -> list[str]:
    """What is to be written, none where nothing is; BadInput before anything is read."""
    if not also:
        return ["html"] if asked else []
    from cardctl.output.report import FORMATS  # noqa: PLC0415

    if unknown := [name for name in also if name not in FORMATS]:
        raise BadInput(f"{unknown[0]!r} is no format of a report", hint=f"one of {', '.join(FORMATS)}")
    return ["html", *also]


def _ran(run: Run, parts: Sequence[Part], late: Job, since: Any, *, force: bool) -> Outcome:
    from cardctl.runtime import reconciling  # noqa: PLC0415
    from cardctl.services.deeds.dailies import keep_days  # noqa: PLC0415
    from cardctl.services.flows.reconciling.running import reconcile as compare  # noqa: PLC0415
    from cardctl.services.flows.reconciling.starting import Wish  # noqa: PLC0415

    wish = Wish(since, force, run.settings.profile.alerts.float_low)
    with run.console.progress("reconciling") as advance:
        outcome = compare(parts, wish, reconciling.means(run, late, advance))
    keep_days(run.books, parts[0].desk.clock)
    for error in outcome.unread:
        run.console.warn("NOT_READ", error.message)
    return outcome


def _mend(
    run: Run, parts: Sequence[Part], outcome: Outcome, late: Job, *, yes: bool, dry_run: bool
) -> tuple[Outcome, dict[str, Any]]:
    from cardctl.commands._frame import consent  # noqa: PLC0415
    from cardctl.runtime import mending  # noqa: PLC0415

    waiting = mending.waiting(run, [part.desk.programme for part in parts])
    many = sum(map(len, waiting.values()))
    if dry_run or not many:
        return outcome, {"planned": mending.planned(waiting)}
    consent(run, f"{many} breaks would be mended or proposed.", str(many), yes=yes)
    with run.console.progress("mending", many):
        told = mending.mend(run, parts, waiting, outcome.run.id, late)
    return mending.after(run, outcome, told), told


def _written(run: Run, outcome: Outcome, formats: Sequence[str], directory: Path | None) -> list[Path]:
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output.report import Report, write_report  # noqa: PLC0415
    from cardctl.services.flows.reconciling.moving import each_break  # noqa: PLC0415

    def breaks() -> Iterator[Break]:
        return each_break(run.books, outcome.run.id, moves=True)

    profile = run.settings.profile
    report = Report(outcome.run, breaks, runtime.now(), profile.name, profile.environment)
    return write_report(report, directory or run.settings.reports_dir, formats)


def _code(outcome: Outcome, mended: tuple[Outcome, dict[str, Any]] | None) -> ExitCode:
    if outcome.unread or outcome.late or (mended and mended[1].get("failed")):
        return ExitCode.PARTLY
    left = mended is not None and bool(mended[1].get("proposed"))
    return ExitCode.FINDINGS if outcome.waiting or left else ExitCode.DONE


def _show(run: Run, outcome: Outcome, paths: Sequence[Path], mended: dict[str, Any] | None) -> None:
    from cardctl.output.break_shapes import BREAK_COLUMNS, break_shape, run_shape  # noqa: PLC0415
    from cardctl.services.flows.reconciling.moving import each_break  # noqa: PLC0415

    if run.console.output in (Output.CSV, Output.NDJSON):
        shapes = (break_shape(each) for each in each_break(run.books, outcome.run.id))
        run.console.rows(shapes, BREAK_COLUMNS)
        return
    found = list(each_break(run.books, outcome.run.id))
    data = {
        "run": run_shape(outcome.run),
        "breaks": [break_shape(each) for each in found] if run.console.output is Output.JSON else [],
        "not_checked": outcome.run.not_checked,
        "report": [str(path) for path in paths],
    }
    run.console.done(data | ({"fix": mended} if mended else {}), _lines(outcome, found, paths, mended))


def _lines(outcome: Outcome, found: Sequence[Break], paths: Sequence[Path], mended: dict[str, Any] | None) -> list[str]:
    lines = [line for each in found[:_SHOWN] for line in _break_lines(each)]
    if len(found) > _SHOWN:
        lines.append(f"… and {len(found) - _SHOWN} more: cardctl break list")
    for name, figures in outcome.run.figures.get("programmes", {}).items():
        sides = {noun.replace("_", " "): figures[noun] for noun in _NOUNS if noun in figures}
        counted = (f"{side['here']} {noun} here, {side['there']} there" for noun, side in sides.items())
        lines.append(f"{name}: {'; '.join(counted)}; {figures['requests']} requests")
    lines += [f"not checked: {each}" for each in outcome.run.not_checked]
    lines += _mended_lines(mended) if mended else []
    lines += [f"report: {path}" for path in paths]
    gone = f", {outcome.remembered.gone} gone since the last run" if outcome.remembered.gone else ""
    return [
        *lines,
        f"{outcome.run.id}: {_verdict(outcome, mended)}; {outcome.run.found} found, {outcome.remembered.new} of them new{gone}",
    ]


def _verdict(outcome: Outcome, mended: dict[str, Any] | None) -> str:
    if outcome.waiting:
        return "1 break wants somebody" if outcome.waiting == 1 else f"{outcome.waiting} breaks want somebody"
    if outcome.unread or outcome.late:
        return "not everything was read"
    return "the rest is proposed to a person" if mended and mended.get("proposed") else "clean"


_NOUNS = ("accounts", "cards", "transactions", "saved_cards", "payments", "refunds", "orders", "purchases")


def _break_lines(one: Break) -> list[str]:
    risk = f", {one.at_risk} at risk" if one.at_risk else ""
    sides = [
        f"    {name}: here {_said(one.local, name)}, there {_said(one.remote, name)}" for name in {**one.local, **one.remote}
    ]
    about = f"{one.card_id} ({one.subject})" if one.card_id not in (None, one.subject) else one.subject
    return [f"{one.severity} {one.type} {about}{risk} [{one.state}] {one.fingerprint}", *sides]


def _said(side: dict[str, Any], name: str) -> str:
    """`-` where a side does not tell, `none` where it tells that there is none."""
    return "-" if name not in side else "none" if side[name] is None else str(side[name])


def _mended_lines(mended: dict[str, Any]) -> list[str]:
    if "planned" in mended:
        return [f"would {each['words']}: {each['fingerprint']}" for each in mended["planned"]]
    told = [f"{len(mended['fixed'])} mended, {len(mended['proposed'])} proposed to a person"]
    return [*(f"{each['fingerprint']} could not be mended: {each['error']}" for each in mended["failed"]), *told]
