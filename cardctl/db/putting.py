"""One row as it is now, new or not: what repositories have in common that write rows one by one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, and_, insert, update


def put_row(connection: Connection, table: Table, key: dict[str, Any], row: dict[str, Any]) -> None:
    """The row of a primary key, `row` being its other columns."""
    which = and_(*(table.c[name] == value for name, value in key.items()))
    if not connection.execute(update(table).where(which).values(row)).rowcount:
        connection.execute(insert(table).values(key | row))
