"""Many rows at once: names in chunks, and rows as tuples straight to the driver. What the rows mean is their repositories'.

For each row SQLAlchemy would ask every column's type how to bind it: as much work as the insert itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from typing import Any, TypeVar

from sqlalchemy import Connection, PrimaryKeyConstraint, Table, UniqueConstraint, select

from cardctl.db.columns import storable

T = TypeVar("T")
Values = tuple[Any, ...]

_CHUNK = 500
"""Names in one statement; SQLite takes 999 variables where it was built long ago."""


def chunks(names: Iterable[T]) -> Iterator[list[T]]:
    """Each name once, in lists that fit into one statement."""
    unique = list(dict.fromkeys(names))
    return (unique[start : start + _CHUNK] for start in range(0, len(unique), _CHUNK))


def rows_of(connection: Connection, table: Table, columns: Sequence[str], ids: Iterable[str]) -> Iterator[Sequence[Any]]:
    """These columns of the rows that are there, in no order; for who asks a thousand times a second."""
    listed, mark = ", ".join(f'"{column}"' for column in columns), _mark(connection)
    for chunk in chunks(ids):
        marks = ", ".join([mark] * len(chunk))
        statement = f"SELECT {listed} FROM {table.name} WHERE id IN ({marks})"  # noqa: S608 - our own names
        yield from connection.exec_driver_sql(statement, tuple(chunk))


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Values]) -> None:
    """New rows, each with its values in the order of `columns`."""
    listed = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join([_mark(connection)] * len(columns))
    statement = f"INSERT INTO {table.name} ({listed}) VALUES ({marks})"  # noqa: S608 - our own names
    _run(connection, statement, [_plain(row) for row in rows])


def save_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Values]) -> str | None:
    """Every value of rows that are in the books, by their id, the first of `columns`. The id of one that is not there.

    SQLite writes an index anew wherever a statement names a column of it, changed or not, which is most of the work. So the
    columns that indexes have are written apart from the others, and only where they differ.
    """
    plain, indexed = [_plain(row) for row in rows], _indexed(table)
    free = [column not in indexed for column in columns]
    kept = [column in indexed and column != columns[0] for column in columns]
    met = _run(
        connection, _update(connection, table, compress(columns, free)), [(*compress(row, free), row[0]) for row in plain]
    )
    names, values = list(compress(columns, kept)), [(row[0], tuple(compress(row, kept))) for row in plain]
    moving = f"{_update(connection, table, names)} AND ({_differs(connection, names)})"
    _run(connection, moving, [(*value, id_, *value) for id_, value in values])
    return None if met == len(plain) else _absent(connection, table, [row[0] for row in plain])


def _indexed(table: Table) -> set[str]:
    """The columns of all indexes, those that constraints make included."""
    keys = [each for each in table.constraints if isinstance(each, PrimaryKeyConstraint | UniqueConstraint)]
    return {column.name for each in (*table.indexes, *keys) for column in each.columns}


def _update(connection: Connection, table: Table, columns: Iterable[str]) -> str:
    mark = _mark(connection)
    changes = ", ".join(f'"{column}" = {mark}' for column in columns)
    return f"UPDATE {table.name} SET {changes} WHERE id = {mark}"  # noqa: S608 - our own names


def _differs(connection: Connection, columns: Iterable[str]) -> str:
    word = "IS NOT" if connection.dialect.name == "sqlite" else "IS DISTINCT FROM"
    return " OR ".join(f'"{column}" {word} {_mark(connection)}' for column in columns)


def _run(connection: Connection, statement: str, rows: list[Values]) -> int:
    """How many rows were met, all together."""
    return connection.exec_driver_sql(statement, rows).rowcount if rows else 0


def _absent(connection: Connection, table: Table, ids: Sequence[str]) -> str:
    there: set[str] = set()
    for chunk in chunks(ids):
        there.update(connection.execute(select(table.c.id).where(table.c.id.in_(chunk))).scalars())
    return next(id_ for id_ in ids if id_ not in there)


def _plain(row: Values) -> Values:
    """Values as both databases take them; a look at all texts together is enough for nearly every row."""
    together = "".join([value for value in row if type(value) is str])
    return row if storable(together) == together else tuple(_storable(value) for value in row)


def _storable(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"
