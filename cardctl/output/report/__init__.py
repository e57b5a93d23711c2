"""The report of a reconcile run: one pass over its breaks, into as many files as are asked for, all of the same breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from heapq import nsmallest
from pathlib import Path
from typing import TextIO

from cardctl.domain.breaks import Break
from cardctl.errors import BadFile, BadInput, DiskFull
from cardctl.output.break_shapes import break_shape
from cardctl.output.files import whole_file
from cardctl.output.report.material import SHOWN, Report
from cardctl.output.report.tally import Tally, gravity
from cardctl.output.shapes import Shape
from cardctl.output.stream import NO_ROOM

__all__ = ["ALWAYS", "FORMATS", "Report", "write_report"]

ALWAYS = ("html", "json")
FORMATS = (*ALWAYS, "markdown", "csv")
_ENDINGS = {"markdown": "md"}


def write_report(report: Report, directory: Path, formats: Sequence[str]) -> list[Path]:
    """`reconcile-<run id>.<ext>` in `directory`, in html, json and what else `formats` names (markdown, csv); their paths.

    Files are 0600 and whole or not there at all; an earlier report of the same run is replaced. Memory holds the gravest
    SHOWN breaks, however many there are. BadInput for a format that is none; BadFile, DiskFull.
    """
    if unknown := [name for name in formats if name not in FORMATS]:
        raise BadInput(f"{unknown[0]!r} is no format of a report", hint=f"one of {', '.join(FORMATS)}")
    wanted = [name for name in FORMATS if name in {*ALWAYS, *formats}]
    _make(directory)
    paths = {name: directory / f"reconcile-{report.run.id}.{_ENDINGS.get(name, name)}" for name in wanted}
    with ExitStack() as stack:
        files = {name: stack.enter_context(whole_file(path, force=True)) for name, path in paths.items()}
        _write(report, files)
    return list(paths.values())


def _write(report: Report, files: dict[str, TextIO]) -> None:
    """JSON and CSV as the breaks pass by; what is for people at the end, when all are counted and the gravest known."""
    from cardctl.output.report import plain  # noqa: PLC0415 - and so below: a format not asked for is not loaded

    tally = Tally(report.run.started_at)
    streams: list[plain.Json | plain.Csv] = [plain.Json(files["json"], report)]
    if "csv" in files:
        streams.append(plain.Csv(files["csv"]))
    gravest = nsmallest(SHOWN, _passing(report.breaks(), tally.add, [stream.add for stream in streams]), key=gravity)
    for stream in streams:
        stream.end()
    if "markdown" in files:
        from cardctl.output.report.markdown import write_markdown  # noqa: PLC0415

        write_markdown(files["markdown"], report, tally, gravest)
    from cardctl.output.report.page import write_page  # noqa: PLC0415

    write_page(files["html"], report, tally, gravest)


def _passing(
    breaks: Iterator[Break], count: Callable[[Break], None], takers: Sequence[Callable[[Shape], None]]
) -> Iterator[Break]:
    for found in breaks:
        count(found)
        shape = break_shape(found, moves=True)
        for take in takers:
            take(shape)
        yield found


def _make(directory: Path) -> None:
    try:
        missing = [each for each in (directory, *directory.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        kind = DiskFull if error.errno in NO_ROOM else BadFile
        raise kind(f"cannot make {directory}: {error.strerror or error}") from None
