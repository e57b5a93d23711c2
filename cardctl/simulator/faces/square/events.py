"""/v2/events: what was told while search was switched on, for 28 days; switching it on and off.

UNCONFIRMED: the shapes, since the official description at hand lacks these endpoints; they are those of the official SDK.
"""

from __future__ import annotations

from typing import Any

import orjson

from cardctl.simulator.faces.square.calls import Call, Endpoint
from cardctl.simulator.faces.square.notices import SEARCHABLE
from cardctl.simulator.faces.square.parameters import Fields, each, moment, one_of, text, whole
from cardctl.simulator.faces.square.subscriptions import event_types
from cardctl.simulator.rows import Record
from cardctl.simulator.square.subscriptions import VERSION
from cardctl.simulator.square.words import FACE, Refused

KEPT = 28 * 86400
MOST = 100

_PATH = "/v2/events"
_FILTER = Fields(
    {
        **dict.fromkeys(("event_types", "merchant_ids", "location_ids"), each(text())),
        "created_at": Fields({"start_at": moment, "end_at": moment}),
    }
)
_SEARCH = Fields(
    {
        "cursor": text(),
        "limit": whole,
        "query": Fields({"filter": _FILTER, "sort": Fields({"field": one_of(("DEFAULT",)), "order": one_of(("ASC", "DESC"))})}),
    }
)


def _enable(call: Call) -> Record:
    call.desk.db.execute("INSERT OR REPLACE INTO meta VALUES (?, '1')", (SEARCHABLE + call.merchant,))
    return {}


def _disable(call: Call) -> Record:
    call.desk.db.execute("DELETE FROM meta WHERE key = ?", (SEARCHABLE + call.merchant,))
    return {}


def _search(call: Call) -> Record:
    """Newest first unless asked otherwise (UNCONFIRMED)."""
    asked = call.body.get("query", {})
    descending = asked.get("sort", {}).get("order", "DESC") == "DESC"
    where, values = _conditions(call, asked.get("filter", {}))
    if cursor := call.body.get("cursor"):
        where.append(f"seq {'<' if descending else '>'} ?")
        values.append(_place(cursor))
    limit = min(max(call.body.get("limit", MOST), 1), MOST)
    order = "DESC" if descending else "ASC"
    query = f"SELECT seq, body FROM events WHERE {' AND '.join(where)} ORDER BY seq {order} LIMIT ?"  # noqa: S608  (our own words)
    rows = call.desk.db.execute(query, [*values, limit + 1]).fetchall()
    shown = [orjson.loads(body) for _, body in rows[:limit]]
    told = [{"event_id": event["event_id"], "api_version": VERSION} for event in shown]
    page = {"events": shown, "metadata": told} if shown else {}
    return {**page, **({"cursor": f"{rows[limit - 1][0]:x}"} if len(rows) > limit else {})}


def _conditions(call: Call, filters: Record) -> tuple[list[str], list[Any]]:
    where = ["face = ?", "key = ?", "created > ?", "CAST(body AS TEXT) ->> '$.merchant_id' = ?"]
    values: list[Any] = [FACE, "searchable", call.desk.now - KEPT, call.merchant]
    created = filters.get("created_at", {})
    for name, text_ in (("event_types", "type"), ("location_ids", "CAST(body AS TEXT) ->> '$.location_id'")):
        if wanted := filters.get(name):
            where.append(f"{text_} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    if filters.get("merchant_ids") and call.merchant not in filters["merchant_ids"]:
        where.append("0")
    for bound, sign in (("start_at", ">="), ("end_at", "<=")):
        if bound in created:
            where.append(f"created {sign} ?")
            values.append(created[bound] // 1000)
    return where, values


def _place(cursor: str) -> int:
    try:
        return int(cursor[:16], 16)
    except ValueError:
        raise Refused("INVALID_CURSOR", "The pagination cursor is invalid.", "cursor") from None


ENDPOINTS = (
    Endpoint("POST", _PATH, _search, body=_SEARCH, reads=True),
    Endpoint("PUT", f"{_PATH}/enable", _enable),
    Endpoint("PUT", f"{_PATH}/disable", _disable),
    Endpoint("GET", f"{_PATH}/types", event_types, {"api_version": text(10)}),
)
