"""/v1/charges: what became of attempts to pay; they are made by payment intents alone."""

from __future__ import annotations

from cardctl.simulator.faces.stripe import sale_tables, tables
from cardctl.simulator.faces.stripe.calls import Call, Endpoint, filters, listed, retrieve
from cardctl.simulator.rows import Record
from cardctl.simulator.sales.tables import CHARGES

_PATH = "/v1/charges"


def _list(call: Call) -> Record:
    return listed(call, CHARGES, filters(call))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", _PATH, sale_tables.CHARGE_LIST, _list),
    Endpoint("GET", f"{_PATH}/{{charge}}", tables.ONLY_EXPAND, retrieve(CHARGES)),
)
