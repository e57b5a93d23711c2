"""All that a report for people says, in its order and harmless, for the page and Markdown alike. Marks nothing up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cardctl.domain.breaks import Break, ReconcileRun
from cardctl.output.guard import clean, line
from cardctl.output.report import charts, figures, wording
from cardctl.output.report.entries import Entry, entry
from cardctl.output.report.material import Report
from cardctl.output.report.tally import Tally
from cardctl.output.report.verdict import Verdict, verdict
from cardctl.output.report.wording import NONE, count, shown, title, words

_LISTED = 500
"""Of what was not checked no more lines are shown."""


@dataclass(frozen=True, slots=True)
class View:
    """`facts` are the few numbers at the top, `about` what identifies the run. `left_out` breaks are counted, not shown."""

    run_id: str
    profile: str
    environment: str
    made_at: str
    when: str
    verdict: Verdict
    facts: list[tuple[str, str]]
    totals: list[figures.Totals]
    compared: list[figures.Compared]
    compared_saved: list[figures.ComparedSaved]
    ordered: list[figures.Ordered]
    charts: list[charts.Chart]
    not_checked: list[str]
    watermark: list[tuple[str, str, list[tuple[str, str]]]]
    waiting: list[Entry]
    others: list[Entry]
    shown: int
    total: int
    about: list[tuple[str, str]]

    @property
    def left_out(self) -> int:
        return self.total - self.shown


def view(report: Report, tally: Tally, gravest: Sequence[Break]) -> View:
    """What `report` says, once its breaks are counted; `gravest` are those that are shown, in their order."""
    run = _guarded(report.run)
    entries = [entry(found, run.started_at) for found in gravest]
    return View(
        run_id=shown(run.id),
        profile=shown(line(report.profile)),
        environment=shown(report.environment),
        made_at=wording.instant(report.made_at),
        when=_when(run),
        verdict=verdict(run, tally),
        facts=_facts(run, tally),
        totals=figures.totals(run),
        compared=figures.compared(run),
        compared_saved=figures.compared_saved(run),
        ordered=figures.ordered(run),
        charts=[charts.by_type(tally), charts.by_age(tally)] if tally.total else [],
        not_checked=_not_checked(run),
        watermark=figures.watermark(run),
        waiting=[each for each in entries if each.waits],
        others=[each for each in entries if not each.waits],
        shown=len(entries),
        total=tally.total,
        about=_about(run, tally),
    )


def _guarded(run: ReconcileRun) -> ReconcileRun:
    """The run with its free text redacted."""
    parts = clean({"figures": run.figures, "watermark": run.watermark, "not_checked": run.not_checked, "actor": run.actor})
    return replace(run, **parts)


def _when(run: ReconcileRun) -> str:
    if run.finished_at is None:
        return f"begun {wording.instant(run.started_at)}, not finished"
    return f"{wording.instant(run.started_at)} to {wording.instant(run.finished_at)}"


def _facts(run: ReconcileRun, tally: Tally) -> list[tuple[str, str]]:
    issued, saved = figures.has_issuers(run), figures.has_sellers(run)
    nouns = [*(("cards", "transactions") if issued else ()), *(("saved_cards", "payments") if saved else ())]
    sides = {noun: figures.sums(run, noun) for noun in nouns}
    return [
        ("Breaks that wait", f"{tally.waiting.total():,}"),
        ("Breaks in all", f"{tally.total:,}"),
        *(_both(title(noun), *numbers) for noun, numbers in sides.items()),
        *([("Frozen cards", count(figures.frozen(run)))] if issued else []),
    ]


def _both(name: str, here: int | None, there: int | None) -> tuple[str, str]:
    return (name, count(here)) if here == there else (f"{name}, ours / theirs", f"{count(here)} / {count(there)}")


def _not_checked(run: ReconcileRun) -> list[str]:
    lines = [shown(str(each)) for each in run.not_checked[:_LISTED]]
    more = len(run.not_checked) - _LISTED
    return [*lines, f"{more:,} more are in the JSON file"] if more > 0 else lines


def _about(run: ReconcileRun, tally: Tally) -> list[tuple[str, str]]:
    took = NONE if run.finished_at is None else wording.lasted(run.finished_at - run.started_at)
    states = ", ".join(f"{number:,} {words(state.value)}" for state, number in sorted(tally.by_state.items()))
    return [
        ("Run", shown(run.id)),
        ("State", run.state.value),
        ("Begun", wording.instant(run.started_at)),
        ("Finished", wording.instant(run.finished_at)),
        ("Took", took),
        ("Parts", figures.seconds(run)),
        ("By", shown(run.actor)),
        ("Correlation", shown(run.correlation_id)),
        ("Programmes", ", ".join(shown(str(each)) for each in run.programmes) or NONE),
        ("Breaks found", f"{run.found:,}"),
        ("Breaks fixed", f"{run.fixed:,}"),
        ("Breaks by state", states or NONE),
        ("Digest of the run", shown(run.digest) or NONE),
    ]
