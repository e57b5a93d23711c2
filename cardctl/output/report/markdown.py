"""The report as Markdown, for a ticket or a chat: tables by tabulate, every value escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TextIO

from tabulate import tabulate

from cardctl.domain.breaks import Break
from cardctl.output.report.entries import Difference, Entry, Step
from cardctl.output.report.figures import MEASURES, Totals
from cardctl.output.report.material import Report
from cardctl.output.report.tally import Tally
from cardctl.output.report.view import View, view
from cardctl.output.report.wording import NONE

_MARKS = re.compile(
    r"[\\`*\[\]<>|&~#!]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])"  # an underscore within a word marks nothing
    r"|(?<=[A-Za-z]):(?=//)|(?<=\bwww)\.",  # what would become a link by itself
    re.ASCII,
)
_BREAKS = (
    "Severity", "Break", "Programme", "Subject", "Difference (here → there)", "At risk", "First seen", "State", "History",
    "Fingerprint",
)  # fmt: skip

_WIDEST = 300


def write_markdown(file: TextIO, report: Report, tally: Tally, gravest: Sequence[Break]) -> None:
    """The same as the page says, in the same order."""
    told = view(report, tally, gravest)
    for part in _parts(told):
        file.write(part + "\n\n")


def _parts(told: View) -> Iterable[str]:
    yield f"# Reconcile report {_safe(told.run_id)}"
    yield f"**{_safe(told.verdict.headline)}**"
    yield from map(_safe, told.verdict.details)
    yield _safe(f"Profile {told.profile}, {told.environment}; {told.when}; made {told.made_at}. All times are UTC.")
    yield _table(("", ""), told.facts)
    yield "## Totals per currency"
    yield from map(_totals, told.totals)
    yield "## What was compared"
    yield from _compared(told)
    for chart in told.charts:
        yield f"## {_safe(chart.title)}"
        yield _table(("", "Breaks", "By severity"), [(bar.label, f"{bar.count:,}", bar.said) for bar in chart.bars])
    yield "## What was not checked"
    yield "\n".join(f"- {_safe(line)}" for line in told.not_checked) or "Nothing was left out."
    yield "## How far it read"
    yield _table(
        ("Programme", "Source", "Marks"),
        [
            (where, source, "; ".join(f"{name}: {value}" if name else value for name, value in marks))
            for where, source, marks in told.watermark
        ],
    )
    yield from _breaks(told)
    yield "## About this run"
    yield _table(("", ""), told.about)


def _compared(told: View) -> Iterable[str]:
    if told.compared or not (told.compared_saved or told.ordered):
        heads = "Programme", "Accounts", "Cards", "Transactions", "Frozen", "Card states", "Requests"
        yield _table(
            heads, [(c.programme, c.accounts, c.cards, c.transactions, c.frozen, c.states, c.requests) for c in told.compared]
        )
    if told.compared_saved:
        heads = "Seller", "Saved cards", "Payments", "Refunds", "Not ours", "Card states", "Requests"
        rows = [
            (c.programme, c.saved_cards, c.payments, c.refunds, c.others, c.states, c.requests) for c in told.compared_saved
        ]
        yield _table(heads, rows)
    if told.ordered:
        columns = "Programme", "Compared", "Not ours", "Order states", "Money there"
        yield _table(columns, [(o.programme, o.compared, o.others, o.states, o.money) for o in told.ordered])


def _breaks(told: View) -> Iterable[str]:
    for heading, entries in (("Breaks that want somebody", told.waiting), ("Seen to, or only worth knowing", told.others)):
        yield f"## {heading}"
        yield _table(_BREAKS, map(_row, entries)) if entries else "None."
    if told.left_out:
        yield f"{told.left_out:,} more breaks are not shown here; all are in the JSON file."


def _row(each: Entry) -> tuple[str, ...]:
    return (
        each.severity,
        each.type,
        each.programme,
        _cell([each.subject]),
        _cell(map(_difference, each.differences)),
        each.at_risk or NONE,
        each.first_seen,
        each.state,
        _cell(map(_step, each.steps)),
        each.fingerprint,
    )


def _cell(parts: Iterable[str]) -> str:
    """Several things in one cell, cut where they get long: every row of the table is as wide as its widest."""
    text = "; ".join(parts)
    return NONE if not text else text if len(text) <= _WIDEST else f"{text[:_WIDEST]}…"


def _difference(each: Difference) -> str:
    return f"{each.name}: {each.here} → {each.there}"


def _step(each: Step) -> str:
    return f"{each.at} {each.text} ({each.actor}{f': {each.reason}' if each.reason else ''})"


def _totals(each: Totals) -> str:
    rows = [(programme, *amounts) for programme, amounts in each.rows]
    if each.sums:
        rows.append((f"All {each.currency}", *each.sums))
    return _table((f"In {each.currency}", *(name for _, name in MEASURES)), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = [[_safe(cell) for cell in row] for row in rows]
    return tabulate(cells, [_safe(head) for head in heads], tablefmt="github", disable_numparse=True) if cells else "None."


def _safe(text: str) -> str:
    """Text as Markdown that shows just that: no markup, no HTML, no link of its own."""
    return _MARKS.sub(r"\\\g<0>", text)
