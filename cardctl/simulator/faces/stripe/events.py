"""/v1/events: what Stripe told, for thirty days, and telling it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.stripe import tables
from cardctl.simulator.faces.stripe.calls import Call, Endpoint
from cardctl.simulator.faces.stripe.errors import Problem
from cardctl.simulator.rows import NoSuch, Record

KEPT = 30 * 86400
"""Seconds that an event can be asked for (docs.stripe.com/api/events)."""

MOST_TYPES = 20

_PATH = "/v1/events"
_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _list(call: Call) -> Record:
    """Newest first, as every list; by `type` (with `*`) or up to twenty `types`, `created`, `delivery_success`."""
    params = call.params
    after: str | None = params.get("starting_after")
    before: str | None = params.get("ending_before")
    if after and before:
        raise Problem(400, "You cannot parameterize both starting_after and ending_before.").about("starting_after")
    where, values = _filters(call.desk, params)
    cursor = after or before
    if cursor is not None:
        row = _row(call.desk, cursor)
        where.append(f"(created, seq) {'<' if after else '>'} (?, ?)")
        values += [row[1], row[0]]
    order, limit = ("ASC" if before else "DESC"), params.get("limit", 10)
    query = f"SELECT body, delivered FROM events WHERE {' AND '.join(where)} ORDER BY created {order}, seq {order} LIMIT ?"  # noqa: S608  (our own words)
    rows = call.desk.db.execute(query, [*values, limit + 1]).fetchall()
    shown = [_shown(*row) for row in rows[:limit]]
    return {"object": "list", "data": shown[::-1] if before else shown, "has_more": len(rows) > limit, "url": call.path}


def _retrieve(call: Call) -> Record:
    return _shown(*_row(call.desk, call.ref)[2:])


def _retry(call: Call) -> Record:
    """Tells it again at the next delivery (what Stripe's own CLI calls `events resend`; the description has no such path)."""
    _row(call.desk, call.ref)
    call.desk.db.execute("UPDATE events SET delivered = 0 WHERE event_id = ?", (call.ref,))
    return _retrieve(call)


def _filters(desk: Desk, params: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    where, values = ["face = ?", "created > ?"], [desk.face, desk.now - KEPT]
    kinds = _kinds(params)
    if kinds:
        where.append(f"({' OR '.join(['type GLOB ?'] * len(kinds))})")
        values += kinds
    created = params.get("created", {})
    for bound, moment in (created if isinstance(created, Mapping) else {"": created}).items():
        where.append(f"created {_COMPARE.get(bound, '=')} ?")
        values.append(moment)
    if "delivery_success" in params:
        where.append("delivered = ?")
        values.append(int(params["delivery_success"]))
    return where, values


def _kinds(params: Mapping[str, Any]) -> Sequence[str]:
    """As patterns of SQLite; `*` is what both call it, and the rest of its signs cannot be in a name."""
    if "type" in params and "types" in params:
        raise Problem(400, "You may only specify one of these parameters: type, types.").about("types")
    kinds = params.get("types", [params["type"]] if "type" in params else [])
    if len(kinds) > MOST_TYPES:
        raise Problem(400, f"You may list at most {MOST_TYPES} types.").about("types")
    return [kind.replace("[", "[[]").replace("?", "[?]") for kind in kinds]


def _row(desk: Desk, ref: str) -> Any:
    """(seq, created, body, delivered); NoSuch for one that is not there, or no more."""
    where = "face = ? AND event_id = ? AND created > ?"
    query = f"SELECT seq, created, body, delivered FROM events WHERE {where}"  # noqa: S608  (our own words)
    row = desk.db.execute(query, (desk.face, ref, desk.now - KEPT)).fetchone()
    if row is None:
        raise NoSuch("events", ref)
    return row


def _shown(body: bytes, delivered: int) -> Record:
    event: Record = orjson.loads(body)
    return event | {"pending_webhooks": 0} if delivered else event


ENDPOINTS = (
    Endpoint("GET", _PATH, tables.EVENT_LIST, _list),
    Endpoint("GET", f"{_PATH}/{{event}}", tables.ONLY_EXPAND, _retrieve),
    Endpoint("POST", f"{_PATH}/{{event}}/retry", tables.EVENT_RETRY, _retry),
)
