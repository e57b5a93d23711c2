"""What every endpoint shares: the call that it serves, and pages of a table by limit and offset."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.zendit.errors import reply
from cardctl.simulator.faces.zendit.parameters import Kind
from cardctl.simulator.rows import Record, select
from cardctl.simulator.wire import Reply

Condition = tuple[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request that passed its tables: the names in its path, what it asks for, the headers that some endpoints heed."""

    desk: Desk
    refs: tuple[str, ...]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`path` has a `{}` for each name. `answer` gives the JSON of a 200, or a whole reply."""

    method: str
    path: str
    answer: Callable[[Call], Record | Reply]
    query: Mapping[str, Kind] = field(default_factory=dict)
    body: Mapping[str, Kind] | None = None
    required: Collection[str] = ()

    def served(self, call: Call) -> Reply:
        answer = self.answer(call)
        return answer if isinstance(answer, Reply) else reply(200, answer)


def page(call: Call, table: str, conditions: Sequence[Condition], order: str, show: Callable[[Record], Record]) -> Record:
    """{limit, offset, total, list}."""
    limit, offset = call.query["_limit"], call.query["_offset"]
    where = " AND ".join(["deleted = 0", *(condition for condition, _ in conditions)])
    values = [value for _, given in conditions for value in given]
    total = call.desk.db.execute(f"SELECT count(*) FROM {table} WHERE {where}", values).fetchone()[0]  # noqa: S608  (our own words)
    rows = select(call.desk, table, f"{where} ORDER BY {order} LIMIT ? OFFSET ?", [*values, limit, offset])
    return {"limit": limit, "offset": offset, "total": total, "list": [show(row) for row in rows]}


def filtered(call: Call, *columns: str) -> list[Condition]:
    """The query's filters: `createdAt` by its comparison, every other of `columns` by equality."""
    conditions: list[Condition] = [(f'"{name}" = ?', [call.query[name]]) for name in columns if name in call.query]
    if "createdAt" in call.query:
        sign, at = call.query["createdAt"]
        conditions.append((f"created {sign} ?", [at]))
    return conditions
