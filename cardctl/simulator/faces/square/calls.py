"""What every endpoint shares: the call that it serves, one effect under one key, pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.square.parameters import Fields, Kind, moment, one_of, text, whole
from cardctl.simulator.outbox import Notice, Registered
from cardctl.simulator.rows import Record
from cardctl.simulator.square.lists import Condition, Listed, Order, page

Show = Callable[[Desk, Sequence[Record]], list[Record]]
"""Rows as the wire shows them."""

_ORDERS = ("ASC", "DESC")
SORT: Mapping[str, Kind] = {"sort_order": one_of(_ORDERS), "cursor": text()}
WINDOW: Mapping[str, Kind] = {
    **SORT,
    **dict.fromkeys(("begin_time", "end_time", "updated_at_begin_time", "updated_at_end_time"), moment),
    "limit": whole,
    "sort_field": one_of(("CREATED_AT", "UPDATED_AT")),
}
"""What lists of payments and refunds take."""

MOST = 100
_YEAR = 365 * 86400 * 1000
_BOUNDS = {
    "begin_time": ("made", ">="),
    "end_time": ("made", "<="),
    "updated_at_begin_time": ("updated", ">="),
    "updated_at_end_time": ("updated", "<="),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the seller `merchant` that passed its tables; `ref` is the object named in its path. `parcels` are what is
    to be sent to whom, once the visit is over."""

    desk: Desk
    merchant: str
    ref: str
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    parcels: list[tuple[Notice, Registered]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`path` has at most one `{…}`. `answer` makes the JSON of a 200, or of another status by its `errors`. `keyed`: the body's
    idempotency key makes it one effect. `reads`: it changes nothing, whatever its method. `after` is done when the books are
    closed, and may change the answer."""

    method: str
    path: str
    answer: Callable[[Call], Record]
    query: Mapping[str, Kind] = field(default_factory=dict)
    body: Fields | None = None
    keyed: bool = False
    reads: bool = False
    after: Callable[[Call, Record], Record] | None = None


def listed(name: str, found: Listed, rows: list[Record]) -> Record:
    """A page; the rows come first, and an empty page is an empty object (UNCONFIRMED, and seen by clients' authors)."""
    return {**({name: rows} if rows else {}), **({"cursor": found.cursor} if found.cursor else {})}


def windowed(call: Call, table: str, conditions: Sequence[Condition]) -> Listed:
    """A page of payments or refunds, newest first unless it is asked otherwise. CONFIRMED: up to now, from a year ago; at most
    100, and a limit above is ignored."""
    query = call.query
    updated = query.get("sort_field") == "UPDATED_AT"
    bounds = [(f"{column} {sign} ?", [query[name]]) for name, (column, sign) in _BOUNDS.items() if name in query]
    moving = [] if _spans_updates(query) or "begin_time" in query else [("made >= ?", [call.desk.now * 1000 - _YEAR])]
    limit = query.get("limit", MOST)
    order = Order("updated" if updated else "made", query.get("sort_order", "DESC") == "DESC")
    asked = [*conditions, *bounds]
    most = limit if 1 <= limit <= MOST else MOST
    return page(call.desk, table, call.merchant, asked, order, most, query.get("cursor"), moving=moving)


def _spans_updates(query: Mapping[str, Any]) -> bool:
    return "updated_at_begin_time" in query or "updated_at_end_time" in query
