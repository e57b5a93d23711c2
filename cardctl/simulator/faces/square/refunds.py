"""/v2/refunds: give back, find and list."""

from __future__ import annotations

from cardctl.simulator.faces.square import objects
from cardctl.simulator.faces.square.calls import WINDOW, Call, Endpoint, listed, windowed
from cardctl.simulator.faces.square.parameters import KEY, MONEY, Fields, flag, text
from cardctl.simulator.rows import Record
from cardctl.simulator.square import refunds
from cardctl.simulator.square.lists import Condition
from cardctl.simulator.square.tables import PAYMENTS, REFUNDS

_PATH = "/v2/refunds"
_CREATE = Fields(
    {
        "idempotency_key": KEY,
        **dict.fromkeys(("amount_money", "app_fee_money"), MONEY),
        **dict.fromkeys(("payment_id", "destination_id", "customer_id", "team_member_id"), text(192)),
        "unlinked": flag,
        "location_id": text(50),
        "reason": text(192),
        "payment_version_token": text(),
    },
    required=("idempotency_key", "amount_money"),
)


def _refund(call: Call) -> Record:
    return {"refund": objects.refund(refunds.refund(call.desk, call.merchant, call.body))}


def _retrieve(call: Call) -> Record:
    return {"refund": objects.refund(refunds.refund_of(call.desk, call.merchant, call.ref))}


def _list(call: Call) -> Record:
    conditions: list[Condition] = [
        (f"{name} = ?", [call.query[name]]) for name in ("location_id", "status") if name in call.query
    ]
    if "source_type" in call.query:
        among = f"payment_id IN (SELECT ref FROM {PAYMENTS} WHERE source_type = ?)"  # noqa: S608  (our own words)
        conditions.append((among, [call.query["source_type"]]))
    found = windowed(call, REFUNDS, conditions)
    return listed("refunds", found, objects.refunds(call.desk, found.rows))


ENDPOINTS = (
    Endpoint("POST", _PATH, _refund, body=_CREATE, keyed=True),
    Endpoint("GET", _PATH, _list, {**WINDOW, "location_id": text(50), "status": text(50), "source_type": text(50)}),
    Endpoint("GET", f"{_PATH}/{{refund_id}}", _retrieve),
)
