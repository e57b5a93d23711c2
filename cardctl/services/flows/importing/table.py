"""A table that another system exported: CSV of whatever kind, row by row under our own column names, bad rows kept apart."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain
from typing import BinaryIO, Protocol

from cardctl.domain.redaction import redact
from cardctl.errors import BadFile, BadInput

LISTED = 1_000
"""So many bad rows are told one by one."""
_LONGEST = 16 * 1024 * 1024
"""Characters of one cell."""
_SEPARATORS = (",", ";", "\t", "|")


class _Reader(Protocol):
    """What csv.reader makes; its own type has no name."""

    @property
    def line_num(self) -> int: ...
    def __next__(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that is not taken: where it begins, in which of our columns (None: the row as a whole), and why."""

    line: int
    column: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row under our own names, its cells stripped; `rest` are the cells that nobody asked for."""

    line: int
    cells: Mapping[str, str]
    rest: Sequence[str]


@dataclass(slots=True)
class Faults:
    """How many rows were bad, and the first of them."""

    count: int = 0
    first: list[Bad] = field(default_factory=list)

    def add(self, bad: Bad) -> None:
        self.count += 1
        if len(self.first) < LISTED:
            self.first.append(bad)


class BadCell(Exception):
    """What is wrong with a cell; never with what is in it."""

    def __init__(self, column: str | None, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message


def rows_in(
    stream: BinaryIO, name: str, known: Sequence[str], needed: Sequence[str], names: Mapping[str, str]
) -> Iterator[Row | Bad]:
    """The rows of a table whose first line names its columns; `names` maps a name there to one of ours.

    UTF-8 with or without its mark, cells apart by a comma, semicolon, tab or bar, lines ended as here or on Windows. BadFile
    where a column is missing that is needed, or one that `names` has.
    """
    text = (line.decode("utf-8", "surrogateescape") for line in stream)
    first = next(text, "").removeprefix("\ufeff")
    csv.field_size_limit(_LONGEST)
    reader = csv.reader(chain([first], text), delimiter=max(_SEPARATORS, key=first.count), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
    except csv.Error as error:
        raise BadFile(f"{name}: its first line names no columns: {_why(error)}") from None
    places = _places(header, name, known, needed, names)
    rest = [index for index in range(len(header)) if index not in places.values()]
    return _rows(reader, len(header), places, rest)


def mapping(texts: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """What `--map theirs=ours` says, by their names."""
    names: dict[str, str] = {}
    for text in texts:
        theirs, equals, ours = (part.strip() for part in text.partition("="))
        if not (equals and theirs and ours):
            raise BadInput(f"{text!r} is no mapping of columns", hint="--map theirs=ours, such as --map identifier=card_id")
        if ours not in known:
            near = get_close_matches(ours, known, n=1)
            raise BadInput(
                f"there is no column {ours!r}" + (f"; did you mean {near[0]}?" if near else ""),
                hint=f"the columns are {', '.join(known)}",
            )
        names[theirs.lower()] = ours
    return names


def check_harmless(row: Row) -> None:
    """BadCell where any cell, wanted or not, has a card number or a secret in it."""
    for column, cell in row.cells.items():
        if redact(cell) != cell:
            raise BadCell(column, "it has what looks like a card number or a secret in it")
    if any(redact(cell) != cell for cell in row.rest):
        raise BadCell(None, "a column that is not imported has what looks like a card number or a secret in it")


def _places(
    header: Sequence[str], name: str, known: Sequence[str], needed: Sequence[str], names: Mapping[str, str]
) -> dict[str, int]:
    """Where each of our columns stands."""
    told = [names.get(cell.lower(), cell.lower()) for cell in header]
    faults = [f"{theirs!r} is not there" for theirs in names if theirs not in (cell.lower() for cell in header)]
    faults += [f"{column!r} is missing" for column in needed if column not in told]
    faults += [f"{column!r} is there more than once" for column in known if told.count(column) > 1]
    if faults:
        hint = f"its first line names {', '.join(header[:20]) or 'nothing'}; --map theirs=ours gives a column our name"
        raise BadFile(f"{name}: of the columns, {'; '.join(faults)}", hint=hint)
    return {column: told.index(column) for column in known if column in told}


def _rows(reader: _Reader, width: int, places: Mapping[str, int], rest: Sequence[int]) -> Iterator[Row | Bad]:
    before = reader.line_num
    while True:
        line = before + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Bad(line, None, f"it is no CSV: {_why(error)}")
            cells = []
        before = reader.line_num
        if any(cell and not cell.isspace() for cell in cells):
            yield _row(line, cells, width, places, rest)


def _row(line: int, cells: Sequence[str], width: int, places: Mapping[str, int], rest: Sequence[int]) -> Row | Bad:
    if len(cells) != width:
        return Bad(line, None, f"it has {len(cells)} cells, the first line has {width}")
    for column, index in places.items():
        if not _is_text(cells[index]):
            return Bad(line, column, "it is not UTF-8")
    return Row(line, {column: cells[index].strip() for column, index in places.items()}, [cells[index] for index in rest])


def _why(error: csv.Error) -> str:
    """Without its advice for programmers."""
    return str(error).partition(" - ")[0]


def _is_text(cell: str) -> bool:
    """Whether it was UTF-8: bytes that are not came as surrogates."""
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True
