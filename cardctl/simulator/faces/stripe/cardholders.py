"""/v1/issuing/cardholders."""

from __future__ import annotations

from cardctl.simulator.faces.stripe import tables
from cardctl.simulator.faces.stripe.calls import Call, Endpoint, filters, listed, retrieve, shown, with_metadata
from cardctl.simulator.issuing import change_holder, open_holder
from cardctl.simulator.rows import Record, find

_PATH = "/v1/issuing/cardholders"


def _create(call: Call) -> Record:
    return shown(call, "holders", open_holder(call.desk, _columns(call.wish, {"metadata": {}})))


def _update(call: Call) -> Record:
    before = find(call.desk, "holders", call.ref)
    return shown(call, "holders", change_holder(call.desk, call.ref, _columns(call.wish, before)))


def _list(call: Call) -> Record:
    return listed(call, "holders", filters(call))


def _columns(wish: Record, before: Record) -> Record:
    """What was sent as columns: objects are merged into what was there, lists replace it (UNCONFIRMED for spending limits)."""
    columns = with_metadata(wish, before["metadata"])
    for name in ("individual", "spending_controls"):
        if name in wish:
            columns[name] = {**(before.get(name) or {}), **wish[name]}
    if "company" in wish:  # the number itself is never given out, so it is not kept
        columns["company"] = {"tax_id_provided": "tax_id" in wish["company"]}
    return columns


ENDPOINTS = (
    Endpoint("POST", _PATH, tables.HOLDER_CREATE, _create),
    Endpoint("GET", _PATH, tables.HOLDER_LIST, _list),
    Endpoint("GET", f"{_PATH}/{{cardholder}}", tables.ONLY_EXPAND, retrieve("holders")),
    Endpoint("POST", f"{_PATH}/{{cardholder}}", tables.HOLDER_UPDATE, _update),
)
