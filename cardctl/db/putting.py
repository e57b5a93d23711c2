"""One row as it is now, new or not: what repositories have in common that write rows one by one."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, Update, bindparam, insert, update


def put_row(
    connection: Connection, table: Table, key: dict[str, Any], row: dict[str, Any], *, fixed: Collection[str] = ()
) -> None:
    """The row of a primary key, `row` being its other columns. What is `fixed` never changes: SQLite would write every index of
    a column anew that is named in a change."""
    changing, adding = _statements(table, tuple(key))
    which = {f"which_{name}": value for name, value in key.items()}
    changes = {name: value for name, value in row.items() if name not in fixed}
    if not connection.execute(changing, which | changes).rowcount:
        connection.execute(adding, key | row)


@cache
def _statements(table: Table, key: tuple[str, ...]) -> tuple[Update, Insert]:
    """Made once: for a wide table making them costs more than running them."""
    return update(table).where(*(table.c[name] == bindparam(f"which_{name}") for name in key)), insert(table)
