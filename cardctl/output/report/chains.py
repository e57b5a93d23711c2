"""The report of `esim reconcile`: orders joined into chains, as JSON and as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from pathlib import Path
from typing import Any

from cardctl.domain.breaks import Finding
from cardctl.domain.chains import Chain
from cardctl.domain.order_figures import OrderFigures, Purse
from cardctl.output import chain_shapes
from cardctl.output.envelope import encode
from cardctl.output.files import whole_file
from cardctl.output.report.page import template
from cardctl.output.shapes import instant

SHOWN = 500
"""So many orders are on the page: those with findings first, then the newest; all are in the JSON file."""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What is to be written. `chains` gives them anew each time it is called."""

    profile: str
    environment: str
    at: datetime
    wallet: Sequence[Purse]
    figures: OrderFigures
    loose: tuple[Finding, ...]
    chains: Callable[[], Iterable[Chain]]


def write_chains(report: ChainReport, directory: Path) -> list[Path]:
    """`esim-<time>.html` and `.json` in `directory`, 0600 and whole or not there at all; their paths. BadFile, DiskFull."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    stem = f"esim-{report.at:%Y%m%dT%H%M%S}Z"
    paths = [directory / f"{stem}.{kind}" for kind in ("html", "json")]
    with ExitStack() as stack:
        page, plain = (stack.enter_context(whole_file(path, force=True)) for path in paths)
        plain.writelines(_json(report))
        stream = template("chains.html").stream(view=_view(report))
        stream.enable_buffering(64)
        page.writelines(stream)
    return paths


def _json(report: ChainReport) -> Iterator[str]:
    head = {
        "profile": report.profile,
        "environment": report.environment,
        "at": instant(report.at),
        "wallet": chain_shapes.wallet(report.wallet),
        "figures": chain_shapes.figures(report.figures),
        "loose": [chain_shapes.finding(each) for each in report.loose],
    }
    yield encode(head).decode()[:-1] + ',"orders":['
    for number, chain in enumerate(report.chains()):
        yield ("," if number else "") + encode(chain_shapes.chain(chain)).decode()
    yield "]}\n"


def _view(report: ChainReport) -> dict[str, Any]:
    counted = [0]

    def passing() -> Iterator[tuple[bool, int, Chain]]:
        for chain in report.chains():
            counted[0] += 1
            yield chain.broken, -counted[0], chain

    shown = [chain for _, _, chain in nlargest(SHOWN, passing(), key=lambda each: each[:2])]
    return {
        "profile": report.profile,
        "environment": report.environment,
        "at": f"{report.at:%Y-%m-%d %H:%M:%S}",
        "wallet": chain_shapes.wallet_lines(report.wallet),
        "figures": chain_shapes.figure_lines(report.figures),
        "states": sorted(report.figures.states.items()),
        "loose": chain_shapes.finding_lines(report.loose),
        "chains": [(chain, chain_shapes.finding_lines(chain.findings)) for chain in shown],
        "count": counted[0],
        "broken": sum(chain.broken for chain in shown),
    }
