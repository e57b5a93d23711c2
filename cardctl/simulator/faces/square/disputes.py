"""/v2/disputes: list, find, accept; evidence is not taken here."""

from __future__ import annotations

from cardctl.simulator.faces.square import objects
from cardctl.simulator.faces.square.calls import Call, Endpoint, listed
from cardctl.simulator.faces.square.parameters import text
from cardctl.simulator.rows import Record
from cardctl.simulator.square import disputes
from cardctl.simulator.square.lists import Condition, Order, page
from cardctl.simulator.square.tables import DISPUTES

MOST = 50
"""UNCONFIRMED: how many a page has."""

_PATH = "/v2/disputes"
_ONE = f"{_PATH}/{{dispute_id}}"


def _list(call: Call) -> Record:
    """UNCONFIRMED: several states, separated by commas."""
    conditions: list[Condition] = [("location_id = ?", [call.query["location_id"]])] if "location_id" in call.query else []
    if "states" in call.query:
        states = call.query["states"].split(",")
        conditions.append((f"state IN ({', '.join('?' * len(states))})", states))
    found = page(call.desk, DISPUTES, call.merchant, conditions, Order(), MOST, call.query.get("cursor"))
    return listed("disputes", found, objects.disputes(call.desk, found.rows))


def _retrieve(call: Call) -> Record:
    return {"dispute": objects.dispute(disputes.dispute(call.desk, call.merchant, call.ref))}


def _accept(call: Call) -> Record:
    row = disputes.dispute(call.desk, call.merchant, call.ref)
    return {"dispute": objects.dispute(disputes.accept(call.desk, row))}


ENDPOINTS = (
    Endpoint("GET", _PATH, _list, {"cursor": text(), "states": text(), "location_id": text(50)}),
    Endpoint("GET", _ONE, _retrieve),
    Endpoint("POST", f"{_ONE}/accept", _accept),
)
