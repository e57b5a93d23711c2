"""Rows of the far side as plain records, and lists of them page by page; no bank rules."""

from __future__ import annotations

import operator
import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from cardctl.simulator.desk import Desk
from cardctl.simulator.schema import FACE_OF, JSON_COLUMNS

Record = dict[str, Any]
"""A row by column name, its JSON columns decoded."""

_LETTERS = string.ascii_letters + string.digits
_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_HOLDS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


class NoSuch(Exception):
    """The bank has no `noun` with this `ref`."""

    def __init__(self, table: str, ref: str) -> None:
        super().__init__(f"no {table} {ref}")
        self.table = table
        self.ref = ref


@dataclass(frozen=True, slots=True)
class Page:
    """One page, newest first; `more`: there are others beyond it, in the direction asked for."""

    rows: list[Record]
    more: bool


def new_ref(prefix: str) -> str:
    """A name as banks make them: `ic_1…`, never guessed twice."""
    return f"{prefix}_1{''.join(_LETTERS[byte % len(_LETTERS)] for byte in secrets.token_bytes(23))}"


def insert(desk: Desk, table: str, record: Mapping[str, Any]) -> Record:
    """Adds a row; `face` and `created` are the visit's."""
    _note(desk, table, record["ref"], new=True)
    values = _encoded(table, {**record, "face": desk.face, "created": desk.now})
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" * len(values))
    desk.db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))  # noqa: S608  (our own names)
    return find(desk, table, record["ref"])


def change(desk: Desk, table: str, ref: str, changes: Mapping[str, Any]) -> Record:
    """Writes some columns of one row; returns it as it is now."""
    write(desk, table, ref, changes)
    return find(desk, table, ref)


def write(desk: Desk, table: str, ref: str, changes: Mapping[str, Any]) -> None:
    """Writes some columns of one row, deleted or not."""
    if changes:
        _note(desk, table, ref)
        values = _encoded(table, changes)
        names = ", ".join(f'"{name}" = ?' for name in values)
        desk.db.execute(f"UPDATE {table} SET {names} WHERE ref = ?", [*values.values(), ref])  # noqa: S608  (our own names)


def find(desk: Desk, table: str, ref: str) -> Record:
    """NoSuch when the bank has none, or no more."""
    found = select(desk, table, "face = ? AND ref = ? AND deleted = 0", (desk.face, ref))
    if not found:
        raise NoSuch(table, ref)
    return found[0]


def find_all(desk: Desk, table: str, column: str, values: Iterable[str]) -> list[Record]:
    """Rows whose `column` is one of `values`, deleted ones too, in the order of their creation."""
    wanted = sorted(set(values))
    marks = ", ".join("?" * len(wanted))
    return select(desk, table, f'"{column}" IN ({marks}) ORDER BY seq', wanted) if wanted else []


def page(
    desk: Desk,
    table: str,
    filters: Mapping[str, Any],
    *,
    limit: int,
    after: str | None = None,
    before: str | None = None,
) -> Page:
    """One page of the rows that equal `filters` (`created` may be a mapping of gt, gte, lt, lte); NoSuch for an unknown cursor.

    Every walk is along an index that ends in (created, seq), so a page costs the same anywhere in the list.
    """
    conditions = ["face = ?", "deleted = 0"]
    values: list[Any] = [desk.face]
    cursor = _place(desk, table, after or before or "") if after or before else None
    for name, wanted in filters.items():
        ranges = wanted if isinstance(wanted, Mapping) else {"": wanted}
        for bound, value in ranges.items():
            if cursor is not None and bound in (("lt", "lte") if after else ("gt", "gte")):
                if _HOLDS[bound](cursor[0], value):
                    continue  # SQLite walks along one bound of a side alone: the cursor, which is further on
                cursor = None  # it lies before the range, so that the range is further on
            conditions.append(f'"{name}" {_COMPARE.get(bound, "=")} ?')
            values.append(value)
    if cursor is not None:
        conditions.append(f"(created, seq) {'<' if after else '>'} (?, ?)")
        values.extend(cursor)
    order = "ASC" if before and not after else "DESC"
    where = f"{' AND '.join(conditions)} ORDER BY created {order}, seq {order} LIMIT ?"
    rows = select(desk, table, where, [*values, limit + 1])
    shown = rows[:limit]
    return Page(shown if order == "DESC" else shown[::-1], len(rows) > limit)


def select(desk: Desk, table: str, where: str, values: Sequence[Any]) -> list[Record]:
    """Rows under a condition that this package wrote; only `values` come from outside."""
    cursor = desk.db.execute(f"SELECT * FROM {table} WHERE {where}", values)  # noqa: S608  (see above)
    names = [column[0] for column in cursor.description]
    decoded = [names.index(name) for name in JSON_COLUMNS[table]]
    records = []
    for row in cursor:
        cells = list(row)
        for index in decoded:
            if cells[index] is not None:
                cells[index] = orjson.loads(cells[index])
        records.append(dict(zip(names, cells, strict=True)))
    return records


def _note(desk: Desk, table: str, ref: str, *, new: bool = False) -> None:
    """The connection keeps what a row was before the visit, so that its bank can tell what became of it."""
    db, key = desk.db, (table, ref)
    if not db.silent and table in FACE_OF and key not in db.touched:
        db.touched[key] = None if new else next(iter(select(desk, table, "ref = ?", (ref,))), None)


def _place(desk: Desk, table: str, ref: str) -> tuple[int, int]:
    row = desk.db.execute(
        f"SELECT created, seq FROM {table} WHERE face = ? AND ref = ?",  # noqa: S608  (our own table names)
        (desk.face, ref),
    ).fetchone()
    if row is None:
        raise NoSuch(table, ref)
    return row[0], row[1]


def _encoded(table: str, record: Mapping[str, Any]) -> Record:
    packed = JSON_COLUMNS[table]
    return {
        name: orjson.dumps(value).decode() if name in packed and value is not None else value for name, value in record.items()
    }
