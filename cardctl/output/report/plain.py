"""A report for programs: JSON and CSV, written break by break. Every break is in them."""

from __future__ import annotations

import csv
from typing import Any, TextIO

from cardctl.output.break_shapes import BREAK_FIELDS, run_shape
from cardctl.output.cells import csv_paths, csv_row
from cardctl.output.envelope import SCHEMA_VERSION, encode
from cardctl.output.report.material import Report
from cardctl.output.shapes import Shape, instant

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Json:
    """`{"schema_version": 1, "run": …, "breaks": […], "made_at", "profile", "environment"}`, one break to a line."""

    def __init__(self, file: TextIO, report: Report) -> None:
        self._file = file
        self._tail: dict[str, Any] = {
            "made_at": instant(report.made_at),
            "profile": report.profile,
            "environment": report.environment,
        }
        self._separator = "\n"
        file.write(f'{{"schema_version":{SCHEMA_VERSION},"run":{encode(run_shape(report.run)).decode()},"breaks":[')

    def add(self, shape: Shape) -> None:
        """One break with its moves."""
        self._file.write(self._separator + encode(shape).decode())
        self._separator = ",\n"

    def end(self) -> None:
        """What comes after the last break."""
        self._file.write("]," + encode(self._tail).decode().removeprefix("{") + "\n")


class Csv:
    """One break a row, without its moves; null is empty, `local`, `remote` and `evidence` are JSON.

    It is read by spreadsheets: a text that one would take for a formula begins with an apostrophe.
    """

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._paths = csv_paths(dict.fromkeys(BREAK_FIELDS))
        self._writer.writerow("_".join(path) for path in self._paths)

    def add(self, shape: Shape) -> None:
        """One break; amounts stay numbers."""
        cells = zip(self._paths, csv_row(shape, self._paths), strict=True)
        self._writer.writerow(cell if path[0] == "at_risk" else _no_formula(cell) for path, cell in cells)

    def end(self) -> None:
        """Nothing comes after the last row."""


def _no_formula(cell: str) -> str:
    cell = cell.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair fits in no file
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
