"""Runs that were: found by name, and listed. Asks no provider, writes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from cardctl.db.breaks import BreakFilter
from cardctl.db.unit import Books
from cardctl.domain.breaks import Break, ReconcileRun
from cardctl.errors import AmbiguousName, NotFound

__all__ = ["BreakFilter", "find_run", "list_breaks", "list_runs"]


def find_run(books: Books, name: str) -> ReconcileRun:
    """The run with that id, or a prefix of it (8 or more). NotFound, AmbiguousName."""
    with books.read() as unit:
        found = unit.runs.find(name)
    if not found:
        raise NotFound("run", name)
    if len(found) > 1:
        raise AmbiguousName(f"{name!r} is the beginning of several runs: {', '.join(one.id for one in found)}")
    return found[0]


def list_runs(books: Books, limit: int | None) -> Iterator[ReconcileRun]:
    """The runs, newest first, streamed; the books are read for as long as the iterator is used."""
    with books.read() as unit:
        yield from unit.runs.rows(limit)


def list_breaks(books: Books, wanted: BreakFilter) -> Iterator[Break]:
    """Breaks, the gravest first, streamed."""
    with books.read() as unit:
        yield from unit.breaks.rows(wanted)
