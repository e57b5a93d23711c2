"""/v1/refunds: what customers get back."""

from __future__ import annotations

from cardctl.simulator.faces.stripe import sale_tables, tables
from cardctl.simulator.faces.stripe.calls import (
    Call,
    Endpoint,
    filters,
    listed,
    retrieve,
    shown,
    update_metadata,
    with_metadata,
)
from cardctl.simulator.rows import Record
from cardctl.simulator.sales import refunds
from cardctl.simulator.sales.tables import REFUNDS

_PATH = "/v1/refunds"


def _create(call: Call) -> Record:
    return shown(call, REFUNDS, refunds.refund(call.desk, with_metadata(call.wish, {})))


def _list(call: Call) -> Record:
    return listed(call, REFUNDS, filters(call))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", _PATH, sale_tables.REFUND_CREATE, _create),
    Endpoint("GET", _PATH, sale_tables.REFUND_LIST, _list),
    Endpoint("GET", f"{_PATH}/{{refund}}", tables.ONLY_EXPAND, retrieve(REFUNDS)),
    Endpoint("POST", f"{_PATH}/{{refund}}", tables.ONLY_METADATA, update_metadata(REFUNDS)),
)
