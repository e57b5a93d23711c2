"""What every list has in common: names that people type, times, limits, streaming. Knows no table of its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Select, Table

from cardctl.db.columns import moment_to_text
from cardctl.errors import NotFound

T = TypeVar("T")

SHORTEST_PREFIX = 8
_PAGE = 1000
_LAST = "\U0010ffff"


def plain_columns(table: Table) -> list[Column[Any]]:
    """The columns of a list: all that are not sealed, in the table's order."""
    return [column for column in table.columns if not column.info.get("sealed")]


def sealed_columns(table: Table) -> list[Column[Any]]:
    """The columns that are encrypted at rest."""
    return [column for column in table.columns if column.info.get("sealed")]


def stream(connection: Connection, query: Select[Any]) -> Iterable[Any]:
    """Rows as they come, a page at a time, so that a million of them need no more memory than a thousand."""
    result = connection.execute(query, execution_options={"yield_per": _PAGE})
    streams = connection.get_execution_options()["streams"]
    streams[:] = [*(each for each in streams if not each.closed), result]
    return result


def narrowed(query: Select[Any], *wanted: tuple[Column[Any], Any]) -> Select[Any]:
    """The query where each column equals what is wanted of it; None wants nothing."""
    return query.where(*(column == value for column, value in wanted if value is not None))


def within(query: Select[Any], column: Column[Any], since: datetime | None, until: datetime | None) -> Select[Any]:
    """From `since` on, and before `until`."""
    if since is not None:
        query = query.where(column >= moment_to_text(since))
    if until is not None:
        query = query.where(column < moment_to_text(until))
    return query


def starts_with(column: Column[Any], prefix: str) -> ColumnElement[bool]:
    """A prefix as a range, which an index answers (and no character of it is a wildcard)."""
    return (column >= prefix) & (column < prefix + _LAST)


def found(thing: T | None, noun: str, name: str) -> T:
    """`thing`, or NotFound where there is none."""
    if thing is None:
        raise NotFound(noun, name)
    return thing


def find_by_name(
    connection: Connection, query: Select[Any], keys: list[Column[Any]], name: str, *, programme: str | None, prefix: bool
) -> list[Any]:
    """Up to three rows that answer to a name: the first of `keys` (the id first) that equals it wins, then the id's prefix."""
    table = keys[0].table
    if programme is not None:
        query = query.where(table.c.programme == programme)
    ways = [key == name for key in keys]
    if prefix and len(name) >= SHORTEST_PREFIX:
        ways.append(starts_with(keys[0], name))
    for way in ways:
        found = connection.execute(query.where(way).order_by(keys[0]).limit(3)).all()
        if found:
            return list(found)
    return []
