"""What every endpoint shares: the call that it serves, creation by token, lists, `fields`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cardctl.errors import BadInput
from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.marqeta import numbers
from cardctl.simulator.faces.marqeta.errors import Problem, invalid
from cardctl.simulator.faces.marqeta.parameters import Group
from cardctl.simulator.marqeta.lists import Bookmarks, Sort, ever_known, get, page
from cardctl.simulator.marqeta.refusals import Kind, Refuses
from cardctl.simulator.outbox import Notice, Registered
from cardctl.simulator.rows import Record

MOST = 100
"""Objects on a page."""

_SORTS = {"lastModifiedTime": "modified", "createdTime": "created", "id": "created"}

Condition = tuple[str, Sequence[Any]]
Show = Callable[[Desk, Sequence[Record]], list[Record]]
"""Rows as the wire shows them."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that passed its tables; `ref` is the object named in its path, `others` are whatever else it names;
    `parcels` are what is to be sent to whom, once the visit is over."""

    desk: Desk
    ref: str
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    marks: Bookmarks
    others: tuple[str, ...] = ()
    parcels: list[tuple[Notice, Registered]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`path` (below /v3) has at most one `{…}`, or three at its end; `answer` makes the JSON of the `status`; `after` is done
    when the visit is over and its books are closed, and may still refuse."""

    method: str
    path: str
    answer: Callable[[Call], Record]
    query: Group = field(default_factory=Group)
    body: Group | None = None
    status: int = 200
    after: Callable[[Call], None] | None = None


def created(call: Call, table: str, make: Callable[[Desk, Record], Record], wish: Record) -> Record:
    """A new object, or the one that the same body made before under the same token; 409 for another body under it.

    `wish` is what the bank is asked for; the token and the body's fingerprint are added to it.
    """
    token, fingerprint = call.body.get("token"), _fingerprint(call.body)
    before = ever_known(call.desk, table, token) if token else None
    if before is None:
        wish = {name: value for name, value in wish.items() if name != "token"}
        return make(call.desk, {**wish, "ref": token, "fingerprint": fingerprint})
    if before["fingerprint"] != fingerprint or before["deleted"]:
        raise Refuses(Kind.DIFFERENT, "Token already associated with a different payload")
    return before


def shown(call: Call, show: Show, row: Record) -> Record:
    """One object, as the whole answer."""
    return picked(call, show(call.desk, [row])[0])


def picked(call: Call, rendered: Record) -> Record:
    """The fields asked for with `fields`, or all."""
    names = [name.strip() for name in call.query.get("fields", "").split(",") if name.strip()]
    return {name: value for name, value in rendered.items() if name in names} if names else rendered


def retrieve(table: str, show: Show) -> Callable[[Call], Record]:
    """The endpoint that shows one object."""
    return lambda call: shown(call, show, get(call.desk, table, call.ref))


def listed(call: Call, table: str, show: Show, conditions: Sequence[Condition] = (), sort: str = "-lastModifiedTime") -> Record:
    """A page of objects, five unless `count` says otherwise."""
    return paged(call, table, show, conditions, sort_of(call.query.get("sort_by", sort), _SORTS), 5)


def paged(call: Call, table: str, show: Show, conditions: Sequence[Condition], sort: Sort, usual: int) -> Record:
    """The list object; an empty one has no counts."""
    count, start = call.query.get("count", usual), call.query.get("start_index", 0)
    if count > MOST:
        raise Problem(413, f"Request Entity Too Large: count is at most {MOST}")
    if count < 1 or start < 0:
        raise invalid("count, start_index")
    found = page(call.desk, table, conditions, sort, start, count, call.marks)
    data = [picked(call, rendered) for rendered in show(call.desk, found.rows)]
    if not data:
        return {"data": []}
    return {"count": len(data), "start_index": start, "end_index": start + len(data) - 1, "is_more": found.more, "data": data}


def sort_of(asked: str, columns: Mapping[str, str]) -> Sort:
    """`-name` sorts descending. UNCONFIRMED: sorting by other fields than the system's; the face refuses it."""
    name = asked.removeprefix("-")
    if name not in columns:
        raise invalid(f"sort_by ({asked})")
    return Sort(columns[name], asked.startswith("-"))


def same_token(call: Call) -> Record:
    """The body of an update without its token, which is that of the path."""
    if call.body["token"] != call.ref:
        raise invalid("token")
    return {name: value for name, value in call.body.items() if name != "token"}


def minor(body: Mapping[str, Any], name: str, currency: str) -> int:
    """An amount of the body in minor units; 400 for one that the currency cannot hold."""
    try:
        return numbers.minor(body[name], currency)
    except BadInput as bad:
        raise invalid(f"{name}: {bad.message}") from None


def _fingerprint(body: Mapping[str, Any]) -> str:
    """Of a body as it was read, so that 10 and 10.0 are the same amount."""
    text = json.dumps(body, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
