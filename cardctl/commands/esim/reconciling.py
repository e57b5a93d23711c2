"""`cardctl esim reconcile`: every order joined into one chain, and what is out of order in it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cardctl.commands._jobs import DeadlineOption
from cardctl.commands._jobs import WaitOption as RandomWaitOption
from cardctl.commands._options import (
    OutputOption,
    ProfileOption,
    SinceOption,
    TimeoutOption,
    moment,
)
from cardctl.commands.esim._words import SALES, SUPPLY
from cardctl.domain.breaks import Severity
from cardctl.domain.chains import Pick
from cardctl.errors import ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.domain.breaks import Finding
    from cardctl.runtime import Run
    from cardctl.services.flows.reconciling.chains import Joined

OnlyOption = Annotated[Pick, typer.Option("--only", help="Which orders: all, or those of which something failed.")]
BalanceOption = Annotated[bool, typer.Option("--check-balance", help="The wallet alone, and what orders wait for.")]
ReportOption = Annotated[bool, typer.Option("--report", help="Write a page and a JSON file into the reports directory.")]
ReportDirOption = Annotated[Path | None, typer.Option("--report-dir", metavar="DIR", help="Write them there.")]


def reconcile(
    only: OnlyOption = Pick.ALL,
    check_balance: BalanceOption = False,
    report: ReportOption = False,
    report_dir: ReportDirOption = None,
    since: SinceOption = None,
    deadline: DeadlineOption = None,
    random_wait: RandomWaitOption = None,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Join payment, wallet, purchase and delivery of each order.

    Card spend and wallet ledger are among it. What is out of order is named, and nothing changed. Exit 0: clean; 3: something
    is out of order, or orders wait for the wallet's money. `cardctl reconcile` remembers such breaks, and mends them.

    Example: cardctl esim reconcile --report

    Example: cardctl esim reconcile --only failed-purchases -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._jobs import job  # noqa: PLC0415
    from cardctl.runtime import reconciling  # noqa: PLC0415
    from cardctl.services.flows.reconciling import chains  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=SALES, timeout=timeout) as run:
        if check_balance:
            return _show_balance(run)
        start = moment(since, now=runtime.now()) if since else None
        with job(run, "esim-reconcile", deadline=deadline, random_wait=random_wait) as late, ExitStack() as opened:
            place = reconciling.chains_place(run)
            sides = run.desk(provider=SALES), run.desk(provider=SUPPLY)
            with run.console.progress("read") as advance:
                found = opened.enter_context(chains.joined(*sides, place, since=start, late=late, progress=advance))
            paths = _written(run, found, report_dir) if report or report_dir else []
            code = late.verdict(_code(found))
            _show(run, found, only, paths)
        return code


def _show_balance(run: Run) -> ExitCode:
    from cardctl.output import chain_shapes  # noqa: PLC0415
    from cardctl.services.wallets import look  # noqa: PLC0415

    wallet = look(run.desk(provider=SUPPLY))
    run.console.done({"wallet": chain_shapes.wallet(wallet)}, chain_shapes.wallet_lines(wallet))
    return ExitCode.FINDINGS if any(each.need for each in wallet) else ExitCode.DONE


def _written(run: Run, found: Joined, directory: Path | None) -> list[Path]:
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output.report.chains import ChainReport, write_chains  # noqa: PLC0415

    profile = run.settings.profile
    loose = tuple(found.loose)
    report = ChainReport(profile.name, profile.environment, runtime.now(), found.wallet, found.figures, loose, found.chains)
    return write_chains(report, directory or run.settings.reports_dir)


def _code(found: Joined) -> ExitCode:
    wants = any(_wants(each) for each in found.findings) or any(each.need for each in found.wallet)
    return ExitCode.FINDINGS if wants else ExitCode.DONE


def _show(run: Run, found: Joined, only: Pick, paths: list[Path]) -> None:
    from cardctl.output import chain_shapes  # noqa: PLC0415

    if run.console.output in (Output.CSV, Output.NDJSON):
        run.console.rows(map(chain_shapes.chain_row, found.chains(only)), chain_shapes.CHAIN_COLUMNS)
        return
    chosen = list(found.chains(only)) if run.console.output is Output.JSON or only is not Pick.ALL else []
    data = {
        "wallet": chain_shapes.wallet(found.wallet),
        "figures": chain_shapes.figures(found.figures),
        "orders": [chain_shapes.chain(each) for each in chosen],
        "loose": [chain_shapes.finding(each) for each in found.loose],
        "report": [str(path) for path in paths],
    }
    wanted = [each for each in found.findings if _wants(each)]
    lines = chain_shapes.finding_lines(found.findings)
    lines += [f"{each.order.id} {each.order.state}: {each.order.reason or '-'}" for each in chosen]
    lines += [*chain_shapes.figure_lines(found.figures), *chain_shapes.wallet_lines(found.wallet)]
    lines += [f"report: {path}" for path in paths]
    waiting = "orders wait for the wallet's money" if any(each.need for each in found.wallet) else "clean"
    lines.append(f"{f'{len(wanted)} out of order' if wanted else waiting}; {found.requests} requests")
    run.console.done(data, lines)


def _wants(finding: Finding) -> bool:
    return finding.kind.severity is not Severity.INFO
