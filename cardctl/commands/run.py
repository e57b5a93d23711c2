"""`cardctl run …`: reconcile runs, what each found, and their evidence; parse and hand over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import ForceOption, LimitOption, OutputOption, ProfileOption
from cardctl.errors import ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.services.flows.reconciling.evidence import Recomputed

app = typer.Typer(add_completion=False)

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Its id, or 8 or more of its first characters.")]
EvidenceArgument = Annotated[Path, typer.Argument(metavar="FILE", help="What `run export` wrote.")]
TargetArgument = Annotated[Path | None, typer.Argument(metavar="FILE", help="Where to; else <run>.evidence.zip here.")]


@app.command("list")
def list_(limit: LimitOption = None, profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """List the reconcile runs, newest first.

    Example: cardctl run list --limit 10
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import limited, one_more  # noqa: PLC0415
    from cardctl.output.break_shapes import RUN_COLUMNS, run_shape  # noqa: PLC0415
    from cardctl.services.flows.reconciling.recalling import list_runs  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        runs, cut = limited(list_runs(run.books, one_more(limit)), limit)
        run.console.rows(map(run_shape, runs), RUN_COLUMNS, limit_cut=cut)


@app.command()
def show(name: RunArgument, profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Show one run: what it read, what it counted, what it left out, and the breaks that it found.

    Example: cardctl run show run_7f3a9k2m -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output.break_shapes import break_shape, run_shape  # noqa: PLC0415
    from cardctl.services.flows.reconciling.moving import each_break  # noqa: PLC0415
    from cardctl.services.flows.reconciling.recalling import find_run  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        found = find_run(run.books, name)
        breaks = list(each_break(run.books, found.id))
        shape = run_shape(found)
        if output is Output.TABLE:
            run.console.show(shape | {"breaks": [f"{each.severity} {each.type} {each.fingerprint}" for each in breaks]})
        else:
            run.console.done({"run": shape, "breaks": [break_shape(each) for each in breaks]}, [])


@app.command()
def export(
    name: RunArgument,
    file: TargetArgument = None,
    force: ForceOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Write a run's evidence into one file: both sides as they were compared. It holds names and amounts; keep it as the books.

    Example: cardctl run export run_7f3a9k2m audit/november.zip
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.runtime.reconciling import places  # noqa: PLC0415
    from cardctl.services.flows.reconciling import evidence  # noqa: PLC0415
    from cardctl.services.flows.reconciling.recalling import find_run  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        found = find_run(run.books, name)
        target = (file or Path(f"{found.id}.evidence.zip")).absolute()
        with run.console.progress("exporting"):
            size = evidence.export(found, places(run).ended(found.id), target, force=force)
        data = {"run": found.id, "file": str(target), "bytes": size, "digest": found.digest, "found": found.found}
        run.console.done(data, [f"{target}: {size} bytes, {found.found} breaks, digest {found.digest}"])


@app.command()
def verify(file: EvidenceArgument, output: OutputOption = Output.TABLE) -> ExitCode:
    """Find the breaks in a run's evidence again, offline and without any credentials. Exit 3 where it comes to anything else.

    Example: cardctl run verify november.zip
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.reconciling import evidence  # noqa: PLC0415

    console = runtime.console_for(output)
    with console.progress("verifying"):
        found = evidence.verify(file)
    console.done(_told(found), _lines(found))
    return ExitCode.DONE if found.same else ExitCode.FINDINGS


def _told(found: Recomputed) -> dict[str, Any]:
    return {
        "run": found.run_id,
        "programmes": list(found.programmes),
        "same": found.same,
        "breaks": list(found.found),
        "digest": found.digest,
        "recorded_digest": found.told,
        "problems": list(found.problems),
    }


def _lines(found: Recomputed) -> list[str]:
    verdict = "the same" if found.same else "NOT the same"
    return [*found.problems, f"{found.run_id}: {len(found.found)} breaks, {verdict} as were recorded; digest {found.digest}"]
