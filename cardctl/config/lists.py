"""cards.csv and the lists of other verbs: their form is read here; whether a row can be done is for services to say."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from cardctl.config.document import nearest
from cardctl.domain.bulk import COLUMNS, NEEDED, Listed, ListedRow, Verb
from cardctl.errors import BadFile


def read_list(file: Path, verb: Verb) -> Listed:
    """The list in `file`; errors as `parsed_list`."""
    try:
        return parsed_list(file.read_bytes(), verb, str(file))
    except OSError as error:
        raise BadFile(f"{file}: {error.strerror}") from None


def parsed_list(data: bytes, verb: Verb, name: str) -> Listed:
    """CSV of UTF-8 with a header, empty lines left out. BadFile (2) where it is none, or its header is not the verb's.

    A row of the wrong length is kept with its fault, so that all bad rows can be told together.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(f"{name}: byte {error.start} is not UTF-8") from None
    rows = _records(text, name)
    columns = tuple(next(rows, (0, []))[1])
    _check_header(columns, verb, name)
    listed = tuple(_row(line, cells, columns) for line, cells in rows)
    return Listed(name, verb, columns, listed, hashlib.sha256(data).hexdigest())


def _records(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not empty, its cells stripped, with the line that it begins on (a quoted cell may have several)."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    before = 0
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if any(cells):
                yield before + 1, cells
            before = reader.line_num
    except csv.Error as error:
        raise BadFile(f"{name}: line {reader.line_num}: {error}") from None


def _row(line: int, cells: list[str], columns: tuple[str, ...]) -> ListedRow:
    fault = None if len(cells) == len(columns) else f"it has {len(cells)} cells, the header has {len(columns)}"
    return ListedRow(line, dict(zip(columns, cells, strict=False)), fault)


def _check_header(columns: tuple[str, ...], verb: Verb, name: str) -> None:
    known = COLUMNS[verb]
    faults = [f"unknown column {column!r}{nearest(column, known)}" for column in columns if column not in known]
    faults += [f"the column {column!r} is there more than once" for column in known if columns.count(column) > 1]
    faults += [f"the column {column!r} is missing" for column in NEEDED[verb] if column not in columns]
    if faults:
        hint = f"the first line names the columns; `card {verb}` knows {', '.join(known)}"
        raise BadFile(f"{name}: " + "; ".join(faults), hint=hint)
