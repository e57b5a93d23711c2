"""/v1/issuing/disputes."""

from __future__ import annotations

from cardctl.simulator import disputes
from cardctl.simulator.faces.stripe import tables
from cardctl.simulator.faces.stripe.calls import Call, Endpoint, filters, listed, retrieve, shown, with_metadata
from cardctl.simulator.faces.stripe.errors import Problem
from cardctl.simulator.rows import Record, find

_PATH = "/v1/issuing/disputes"


def _create(call: Call) -> Record:
    wish = _columns(call.wish, {"evidence": {}, "metadata": {}})
    if "transaction" not in wish:
        raise Problem(400, "Missing required param: transaction.", code="parameter_missing").about("transaction")
    return shown(call, "disputes", disputes.open_dispute(call.desk, wish["transaction"], wish))


def _update(call: Call) -> Record:
    before = find(call.desk, "disputes", call.ref)
    return shown(call, "disputes", disputes.change_dispute(call.desk, call.ref, _columns(call.wish, before)))


def _submit(call: Call) -> Record:
    before = find(call.desk, "disputes", call.ref)
    return shown(call, "disputes", disputes.submit(call.desk, call.ref, _columns(call.wish, before)))


def _list(call: Call) -> Record:
    return listed(call, "disputes", filters(call))


def _columns(wish: Record, before: Record) -> Record:
    """What was sent as columns: evidence is merged name by name, and a reason's own evidence field by field."""
    columns = with_metadata(wish, before["metadata"])
    if "evidence" in wish:
        kept = dict(before["evidence"])
        for name, sent in wish["evidence"].items():
            kept[name] = {**(kept.get(name) or {}), **sent} if isinstance(sent, dict) else sent
        columns["evidence"] = kept
    return columns


ENDPOINTS = (
    Endpoint("POST", _PATH, tables.DISPUTE_CREATE, _create),
    Endpoint("GET", _PATH, tables.DISPUTE_LIST, _list),
    Endpoint("GET", f"{_PATH}/{{dispute}}", tables.ONLY_EXPAND, retrieve("disputes")),
    Endpoint("POST", f"{_PATH}/{{dispute}}", tables.DISPUTE_UPDATE, _update),
    Endpoint("POST", f"{_PATH}/{{dispute}}/submit", tables.ONLY_METADATA, _submit),
)
