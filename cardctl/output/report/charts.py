"""Where the bars of a chart stand: for an SVG without a scale of its own, whose letters stay as large as the text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from cardctl.domain.breaks import Severity
from cardctl.output.report.tally import BUCKETS, GRAVEST_FIRST, Tally
from cardctl.output.report.wording import title

_STEP, _LABEL, _BAR = 40, 14, 20
_FULL = 10_000  # a hundredth of a percent, as an integer


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a bar, in percent of the chart's width."""

    severity: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a chart: its label, how many, and its stretches by severity; `label_y` and `y` in pixels."""

    label: str
    count: int
    said: str
    label_y: int
    y: int
    segments: list[Segment]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars one below the other. `description` says in words what they show."""

    name: str
    title: str
    description: str
    height: int
    bars: list[Bar]


def by_type(tally: Tally) -> Chart:
    """Breaks of every type that there is, the most frequent first."""
    lines = sorted(tally.by_type.items(), key=lambda line: (-line[1].total(), line[0]))
    return _chart("types", "Breaks by type", [(title(kind.value), counted) for kind, counted in lines])


def by_age(tally: Tally) -> Chart:
    """Breaks by how long they have been there, the youngest first; an age that none has is shown empty."""
    return _chart("ages", "Breaks by age", [(title(age), tally.by_age.get(age, Counter())) for age in BUCKETS])


def _chart(name: str, heading: str, lines: list[tuple[str, Counter[Severity]]]) -> Chart:
    largest = max((counted.total() for _, counted in lines), default=0)
    bars = [_bar(index, label, counted, largest) for index, (label, counted) in enumerate(lines)]
    description = "; ".join(f"{bar.label}: {bar.said}" for bar in bars)
    return Chart(name, heading, description, len(bars) * _STEP, bars)


def _bar(index: int, label: str, counted: Counter[Severity], largest: int) -> Bar:
    parts = [f"{counted[severity]:,} {severity.value}" for severity in GRAVEST_FIRST if counted[severity]]
    top = index * _STEP
    return Bar(label, counted.total(), ", ".join(parts) or "none", top + _LABEL, top + _BAR, list(_segments(counted, largest)))


def _segments(counted: Counter[Severity], largest: int) -> Iterable[Segment]:
    """No stretch is too thin to be seen."""
    at = 0
    for severity in GRAVEST_FIRST:
        if counted[severity]:
            width = min(max(counted[severity] * _FULL // largest, _FULL // 100), _FULL - at)
            yield Segment(severity.value, _percent(at), _percent(width))
            at += width


def _percent(share: int) -> str:
    return f"{share // 100}.{share % 100:02d}%"
