"""What the verbs of `cardctl card` do with a list: read it, show the plan, ask, do it, and write what became of each row."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.domain.bulk import Verb
from cardctl.errors import BadInput, ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.domain.bulk import Listed
    from cardctl.runtime import Run
    from cardctl.services.flows.bulk.planning import Plan
    from cardctl.services.flows.bulk.reading import Options
    from cardctl.services.flows.bulk.working import Outcome, Worked

FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="FILE", help="Do it for every row of a CSV file with a header; - is standard input."),
]
WorkersOption = Annotated[
    int, typer.Option("--workers", metavar="N", min=1, max=128, help="With --from: so many rows at a time.")
]
WORKERS = 32
_ASK_OVER = 20
_FIRST = 10
_RESULT = ("card", "state", "error_code", "message")
_VERBS = {
    Verb.ISSUE: "issued",
    Verb.FREEZE: "frozen",
    Verb.CLOSE: "closed for good",
    Verb.LIMITS: "limited",
    Verb.FUND: "funded",
}


@dataclass(frozen=True, slots=True)
class How:
    """The flags that every list takes."""

    file: str
    workers: int
    dry_run: bool
    yes: bool
    live: bool
    profile: str | None
    timeout: float | None
    output: Output


def refuse_beside(**told: object) -> None:
    """BadInput where an option was given that each row says for itself."""
    given = [f"--{name.replace('_', '-')}" if name != "card" else "a card" for name, value in told.items() if value]
    if given:
        raise BadInput(f"{', '.join(given)} and --from exclude each other", hint="the rows of the file say it")


def do_list(verb: Verb, how: How, *, provider: str | None = None, limits: bool = True, **told: Any) -> ExitCode | None:
    """One list from its file to its results. `told` are Options; without `limits` a new card gets none but those named."""
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.bulk.planning import plan  # noqa: PLC0415
    from cardctl.services.flows.bulk.reading import Options, no_defaults  # noqa: PLC0415

    listed = _read(how.file, verb)
    with runtime.opened(output=how.output, profile=how.profile, live=how.live, timeout=how.timeout) as run:
        defaults = run.settings.profile.limits.in_currency if limits else no_defaults
        programme = run.settings.programme(provider) if provider else None
        options: Options = Options(defaults=defaults, programme=programme, **told)
        planned = plan(run.books, listed, run.desk, options)
        if how.dry_run:
            _show_plan(run, planned)
            return None
        planned.guard_live()
        _ask(run, planned, yes=how.yes)
        return _work(run, planned, how)


def _read(file: str, verb: Verb) -> Listed:
    from cardctl.config.lists import parsed_list, read_list  # noqa: PLC0415

    if file != "-":
        return read_list(Path(file), verb)
    binary = getattr(sys.stdin, "buffer", None)
    return parsed_list(binary.read() if binary else sys.stdin.read().encode("utf-8", "surrogateescape"), verb, "stdin")


def _summary(plan: Plan) -> str:
    """`500 cards would be issued (3 of the 503 rows are done or so already), 12500.00 USD in all`."""
    changing, rows = len(plan.changing), len(plan.rows)
    noun = "card" if changing == 1 else "cards"
    so = f" ({rows - changing} of the {rows} rows are done or so already)" if changing < rows else ""
    money = ", ".join(str(total) for total in plan.totals)
    return f"{changing} {noun} would be {_VERBS[plan.listed.verb]}{so}" + (f", {money} in all" if money else "")


def _show_plan(run: Run, plan: Plan) -> None:
    from cardctl.output.shapes import money  # noqa: PLC0415

    first = [{"line": row.listed.line, **row.listed.cells} for row in plan.changing[:_FIRST]]
    lines = [", ".join(f"{name} {cell}" for name, cell in row.items() if cell) for row in first]
    more = [f"… and {len(plan.changing) - len(first)} more"] if len(plan.changing) > len(first) else []
    data = {
        "verb": str(plan.listed.verb),
        "rows": len(plan.rows),
        "would_change": len(plan.changing),
        "totals": [money(total) for total in plan.totals],
        "first": first,
    }
    run.console.done(data, [_summary(plan), *lines, *more])


def _ask(run: Run, plan: Plan, *, yes: bool) -> None:
    from cardctl.commands._frame import consent, is_much  # noqa: PLC0415

    changing = len(plan.changing)
    much = any(is_much(run, total) for total in plan.totals)
    final = plan.listed.verb is Verb.CLOSE and changing
    if changing > _ASK_OVER or much or final:
        consent(run, f"{_summary(plan)}.", str(changing), yes=yes)
    else:
        run.console.notice(_summary(plan))


def _work(run: Run, plan: Plan, how: How) -> ExitCode | None:
    from cardctl.services.flows.bulk.working import carry_out, not_begun  # noqa: PLC0415

    path = _result_path(run, plan.listed, how.file)
    _write(path, not_begun(plan), plan.listed)  # before anything is sent: a place that cannot be written is told now
    with run.console.progress(f"card {plan.listed.verb}", len(plan.waiting)) as advance:
        worked = carry_out(plan, workers=how.workers, progress=advance)
    _write(path, worked, plan.listed)
    return _tell(run, worked, path)


def _result_path(run: Run, listed: Listed, file: str) -> Path:
    if file != "-":
        return Path(file).with_suffix(".result.csv")
    from cardctl.config import private_dir  # noqa: PLC0415

    return private_dir(run.settings.reports_dir) / f"card-{listed.verb}-{listed.digest[:12]}.result.csv"


def _write(path: Path, worked: Worked, listed: Listed) -> None:
    """The input's rows in their order, each with what became of it; in place of an earlier run's file, whole or not at all."""
    from cardctl.output.files import write_rows  # noqa: PLC0415

    columns = [*listed.columns, *(name for name in _RESULT if name not in listed.columns)]
    rows = ({**_result(outcome), **outcome.row.listed.cells} for outcome in worked.outcomes)
    ordered = ({name: row[name] for name in columns} for row in rows)
    write_rows(path, Output.CSV, ordered, columns, force=True, progress=lambda _: None)


def _result(outcome: Outcome) -> dict[str, str]:
    """A row that is done has no error_code; `state` is the card's, as our books have it now."""
    card, error = outcome.card, outcome.error
    code, message = "", "; ".join(warned.text for warned in outcome.warnings)
    if error is not None:
        code, message = error.code, error.message
    elif outcome.state == "not_done":
        code, message = "NOT_DONE", "not begun; the same command does it"
    return dict(zip(_RESULT, (card.id if card else "", str(card.state) if card else "", code, message), strict=True))


def _tell(run: Run, worked: Worked, path: Path) -> ExitCode | None:
    """As `provision --apply`: where nothing is done, the first error; any doubt is 9, any row that is not done 10."""
    counts = worked.counts
    told, where = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items()), f"row by row in {path}"
    if worked.stopped is not None:
        run.console.notice(f"stopped: {told}; {where}")
        raise worked.stopped
    if worked.errors and not counts["done"] and not counts["in_doubt"]:
        first = worked.errors[0]
        first.hint = f"{first.hint}; {where}" if first.hint else where
        raise first
    for warned, count in worked.warnings:
        run.console.warn(warned.code, f"{count} rows: {warned.text}" if count > 1 else warned.text)
    run.console.done({**counts, "result": str(path)}, [told, where])
    if counts["in_doubt"]:
        return ExitCode.IN_DOUBT
    return ExitCode.PARTLY if counts["done"] < len(worked.outcomes) else None
