"""The run's verdict in plain words. Counts nothing itself."""

from __future__ import annotations

from dataclasses import dataclass

from cardctl.domain.breaks import ReconcileRun, RunState, Severity
from cardctl.domain.money import Money
from cardctl.output.guard import line
from cardctl.output.report.tally import GRAVEST_FIRST, Tally
from cardctl.output.report.wording import money, several, shown


@dataclass(frozen=True, slots=True)
class Verdict:
    """`tone` is good, bad or unsure; `headline` one sentence, `details` what must be read with it."""

    tone: str
    headline: str
    details: list[str]


def verdict(run: ReconcileRun, tally: Tally) -> Verdict:
    """What the run says, or why it says nothing; a run that did not read everything is never called clean."""
    waiting = tally.waiting.total()
    details = list(_details(run, tally))
    if run.state is RunState.STOPPED:
        return Verdict("bad", "Stopped: nothing was concluded.", details)
    if run.state is RunState.RUNNING:
        return Verdict("unsure", f"Not finished: {_wanting(waiting)} so far.", details)
    if run.state is RunState.PARTIAL:
        return Verdict("bad" if waiting else "unsure", f"Partly read: {_wanting(waiting)} in what was read.", details)
    if waiting:
        return Verdict("bad" if tally.waiting[Severity.CRITICAL] else "unsure", f"{_wanting(waiting)}.", details)
    same = "our books and the providers' say the same" if not tally.total else "no break wants anybody"
    return Verdict("good", f"Clean: {same}.", details)


def _details(run: ReconcileRun, tally: Tally) -> list[str]:
    said = []
    if run.error:
        said.append(shown(line(run.error)))
    if tally.waiting:
        kinds = [f"{tally.waiting[severity]:,} {severity.value}" for severity in GRAVEST_FIRST if tally.waiting[severity]]
        said.append(f"Waiting: {', '.join(kinds)}.")
    if tally.at_risk:
        amounts = [money(Money(tally.at_risk[currency], currency)) for currency in sorted(tally.at_risk)]
        said.append(f"Money at risk, at most: {', '.join(amounts)}. Breaks on the same card may count the same money.")
    if quiet := tally.total - tally.waiting.total():
        said.append(f"{several(quiet, 'more break')} {'is' if quiet == 1 else 'are'} seen to, or only worth knowing.")
    if run.fixed:
        said.append(f"{several(run.fixed, 'break')} {'was' if run.fixed == 1 else 'were'} fixed by this run.")
    if left_out := len(run.not_checked):
        said.append(f"{several(left_out, 'thing')} {'was' if left_out == 1 else 'were'} not checked; see below.")
    return said


def _wanting(number: int) -> str:
    if not number:
        return "no break wants anybody"
    return f"{several(number, 'break')} want{'s' if number == 1 else ''} somebody"
