"""Draws tables: by rich on a terminal, by tabulate in a pipe, and line by line where there are too many rows to measure."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from cardctl.output.cells import at, is_money, text
from cardctl.output.guard import clean

MEASURED = 1000
"""Up to so many rows a table is measured as a whole; beyond, the first thousand set the widths and the rest streams."""

_STYLES = {"active": "green", "done": "green", "verified": "green", "approved": "green", "frozen": "cyan", "closed": "dim"}
_STYLES |= dict.fromkeys(("failed", "refused", "declined", "rejected", "in_doubt"), "red")
_GAP = "  "
_NARROW = 8  # what a column that may fold needs at least


class Grid:
    """One table. `columns` are dotted names; `terminal` draws for eyes, else for a pipe, where nothing is cut or coloured."""

    def __init__(self, columns: Sequence[str], *, terminal: bool, color: bool, width: int, local: bool) -> None:
        self._paths = [tuple(name.split(".")) for name in columns]
        self._heads = [name.replace(".", " ").replace("_", " ") for name in columns]
        self._terminal, self._color, self._width, self._local = terminal, color, width, local

    def lines(self, items: Iterable[dict[str, Any]]) -> Iterator[str]:
        """The table as text with newlines, in pieces; nothing is asked of `items` beyond what was drawn."""
        rest = iter(items)
        first = [clean(item) for item in islice(rest, MEASURED + 1)]
        right = [any(_counts(at(item, path)) for item in first) for path in self._paths]
        rows = [self._cells(item) for item in first]
        if len(rows) > MEASURED:
            yield from self._streamed(chain(rows, (self._cells(clean(item)) for item in rest)), rows, right)
        elif self._terminal:
            yield self._rich(rows, right)
        else:
            yield self._plain(rows, right)

    def _cells(self, item: dict[str, Any]) -> list[str]:
        return [text(path[-1], at(item, path), local=self._local) for path in self._paths]

    def _plain(self, rows: list[list[str]], right: list[bool]) -> str:
        from tabulate import tabulate  # noqa: PLC0415 - a terminal and JSON need none of it

        align = ["right" if is_right else "left" for is_right in right]
        table = tabulate(
            rows,
            self._heads,
            tablefmt="plain",
            disable_numparse=True,
            colalign=align if rows else None,
            preserve_whitespace=True,
        )
        return "\n".join(line.rstrip() for line in table.split("\n")) + "\n"

    def _rich(self, rows: list[list[str]], right: list[bool]) -> str:
        from rich.console import Console  # noqa: PLC0415 - 40 ms that only a table on a terminal needs
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, pad_edge=False, header_style="bold")
        whole = self._whole_ids(rows)
        for index, head in enumerate(self._heads):
            table.add_column(Text(head), justify="right" if right[index] else "left", overflow="fold", no_wrap=index in whole)
        for row in rows:
            table.add_row(*(Text(cell, style=self._style(index, cell)) for index, cell in enumerate(row)))
        sheet = io.StringIO()
        console = Console(
            file=sheet,
            width=self._width,
            force_terminal=self._color,
            no_color=not self._color,
            color_system="standard" if self._color else None,
            legacy_windows=False,
        )
        console.print(table)
        return "".join(line.rstrip(" ") + "\n" for line in sheet.getvalue().split("\n")[:-1])

    def _whole_ids(self, rows: list[list[str]]) -> set[int]:
        """Columns of ids, which stay in one piece for copying, where the terminal is wide enough for them."""
        ids = {index for index, path in enumerate(self._paths) if path[-1] == "id" or path[-1].endswith("_id")}
        needed = sum(max((len(row[index]) for row in rows), default=0) for index in ids)
        needed += _NARROW * (len(self._paths) - len(ids)) + len(_GAP) * len(self._paths)
        return ids if needed <= self._width else set()

    def _style(self, index: int, cell: str) -> str:
        return _STYLES.get(cell, "") if self._paths[index][-1] in {"state", "kyc"} else ""

    def _streamed(self, rows: Iterable[list[str]], sample: list[list[str]], right: list[bool]) -> Iterator[str]:
        widths = [max(_cell_width(row[index]) for row in [self._heads, *sample]) for index in range(len(self._heads))]
        for row in chain([self._heads], rows):
            padded = (_pad(cell, widths[index], right[index]) for index, cell in enumerate(row))
            yield _GAP.join(padded).rstrip() + "\n"


def _counts(value: Any) -> bool:
    return is_money(value) or (isinstance(value, int) and not isinstance(value, bool))


def _cell_width(cell: str) -> int:
    if cell.isascii():
        return len(cell)
    from rich.cells import cell_len  # noqa: PLC0415 - for names beyond ASCII alone

    return cell_len(cell)


def _pad(cell: str, width: int, right: bool) -> str:
    gap = " " * (width - _cell_width(cell))
    return gap + cell if right else cell + gap
