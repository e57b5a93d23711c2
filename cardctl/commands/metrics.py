"""`cardctl metrics …`: targets beside what was measured, and the page for Prometheus; parse and hand over."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._jobs import DeadlineOption, WaitOption
from cardctl.commands._options import ForceOption, OutputOption, ProfileOption, ProviderOption, moment
from cardctl.errors import BadInput, ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.runtime.jobs import Job
    from cardctl.services.flows.measuring import Figures

app = typer.Typer(add_completion=False)

_WINDOW = "30d"
_DAYS = 7


class Readers(StrEnum):
    """The modes that a page may have."""

    OWNER = "600"
    GROUP = "640"
    ALL = "644"


SinceOption = Annotated[
    str, typer.Option("--since", metavar="WHEN", help="Measure what began from then on: 2026-01-01, an RFC 3339 time, 24h, 7d.")
]
DaysOption = Annotated[
    int | None,
    typer.Option("--days", metavar="N", min=1, max=400, help="The last N days too; in csv and ndjson, these instead."),
]
PageArgument = Annotated[
    str | None, typer.Argument(metavar="FILE", help="Where to, ending in .prom for the collector; or - for standard output.")
]
ModeOption = Annotated[
    Readers, typer.Option("--mode", help="Who may read the files: node_exporter, as another user, needs 640 or 644.")
]
DashboardOption = Annotated[
    Path | None, typer.Option("--dashboard", metavar="FILE", help="Write the example dashboard for Grafana (JSON).")
]
RulesOption = Annotated[
    Path | None, typer.Option("--rules", metavar="FILE", help="Write the example alert rules for Prometheus (YAML).")
]


@app.command()
def show(
    since: SinceOption = _WINDOW,
    days: DaysOption = None,
    provider: ProviderOption = None,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode | None:
    """Show each target beside what was measured, and the last days. Exit 3 where a target is missed; no data is no miss.

    Example: cardctl metrics show --since 7d --days 14
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.measuring import measure  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider) as run:
        start = moment(since, now=runtime.now())
        found = measure(run.books, runtime.now, since=start, days=days or _DAYS, provider=provider)
        _show(run, found, days_alone=days is not None)
    return ExitCode.FINDINGS if found.missed else None


@app.command()
def write(
    file: PageArgument = None,
    since: SinceOption = _WINDOW,
    mode: ModeOption = Readers.OWNER,
    dashboard: DashboardOption = None,
    rules: RulesOption = None,
    force: ForceOption = False,
    deadline: DeadlineOption = None,
    random_wait: WaitOption = None,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Keep the daily figures, and write a page for Prometheus' textfile collector; the last page is replaced whole.

    Example: cardctl metrics write cardctl.prom --mode 644
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._jobs import job  # noqa: PLC0415

    _check(file, dashboard, rules, output)
    with runtime.opened(output=output, profile=profile) as run:
        with job(run, "metrics", deadline=deadline, random_wait=random_wait) as late:
            text = _measured(run, since, late) if file is not None else None
            code = late.verdict(ExitCode.DONE)
        places = {"file": None if text is None else file, "dashboard": dashboard, "rules": rules}
        _write(run, text, places, mode, force=force)
        return code


def _measured(run: Run, since: str, late: Job) -> str | None:
    """The page; None where it became late before it was measured."""
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.measuring import keep_and_measure  # noqa: PLC0415

    with run.console.progress("measuring"):
        found = keep_and_measure(run.books, runtime.now, since=moment(since, now=runtime.now()), late=late)
    return None if found is None else _page(run, found)


def _check(file: str | None, dashboard: Path | None, rules: Path | None, output: Output) -> None:
    places = [str(place) for place in (file, dashboard, rules) if place is not None]
    if not places:
        raise BadInput("say where to: FILE, or - for standard output, or --dashboard FILE, or --rules FILE")
    if len(set(places)) < len(places) or "-" in places[1 if file is not None else 0 :]:
        raise BadInput("each of them goes to a file of its own")
    if file == "-" and output is not Output.TABLE:
        raise BadInput("the page itself goes to standard output, as Prometheus reads it")


def _show(run: Run, found: Figures, *, days_alone: bool) -> None:
    from cardctl.output import chain_shapes, figures  # noqa: PLC0415
    from cardctl.output.shapes import instant  # noqa: PLC0415

    if not found.days:
        run.console.warn("NO_DAYS", "no daily figures yet: `cardctl metrics write` keeps them, and so does `cardctl reconcile`")
    measures, days = map(figures.measure, found.measures), map(figures.day, found.days)
    if run.console.output is Output.JSON:
        data: dict[str, Any] = {
            "window": {"since": instant(found.since), "until": instant(found.until)},
            "measures": list(measures),
            "days": list(days),
            "orders": chain_shapes.figures(found.orders) if found.orders.states else None,
            "providers": [figures.answers(each) for each in found.answers],
            "standing": figures.standing(found.standing),
        }
        run.console.show(data)
    elif run.console.output is Output.TABLE:
        run.console.rows(map(figures.measure_cells, found.measures), figures.MEASURES)
        if found.orders.states:
            run.console.rows([chain_shapes.figures(found.orders)], chain_shapes.FIGURE_COLUMNS)
        if found.days:
            run.console.rows(days, figures.DAYS)
    else:
        run.console.rows(days if days_alone else measures, figures.DAYS if days_alone else figures.MEASURES)


def _page(run: Run, found: Figures) -> str:
    from cardctl.output.prometheus import page  # noqa: PLC0415

    return page(
        found.measures,
        found.answers,
        found.standing,
        found.days,
        orders=found.orders,
        since=found.since,
        now=found.until,
        profile=run.settings.profile.name,
        environment=run.settings.profile.environment,
    )


def _write(run: Run, text: str | None, places: dict[str, str | Path | None], mode: Readers, *, force: bool) -> None:
    from cardctl.output import prometheus  # noqa: PLC0415

    file, readers = places["file"], int(mode.value, 8)
    for name, shipped in (("dashboard", prometheus.DASHBOARD), ("rules", prometheus.RULES)):
        if (place := places[name]) is not None:
            prometheus.write_shipped(shipped, Path(place), readers, force=force)
    if file == "-":
        prometheus.print_page(text or "")
        return
    if file is not None:
        prometheus.write_page(text or "", Path(file), readers, force=force)
    told = {name: str(place) for name, place in places.items() if place is not None}
    samples = sum(not line.startswith("#") for line in (text or "").splitlines())
    run.console.done(told | {"samples": samples, "mode": mode.value}, [f"{name}: {place}" for name, place in told.items()])
