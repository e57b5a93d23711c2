"""/v1/issuing/transactions, and its test helpers."""

from __future__ import annotations

from cardctl.simulator import spending
from cardctl.simulator.faces.stripe import tables
from cardctl.simulator.faces.stripe.authorizations import same_currency
from cardctl.simulator.faces.stripe.calls import Call, Endpoint, filters, listed, retrieve, shown, update_metadata
from cardctl.simulator.rows import Record, find

_PATH = "/v1/issuing/transactions"
_HELPERS = "/v1/test_helpers/issuing/transactions"


def _force_capture(call: Call) -> Record:
    wish = call.wish
    same_currency(call, find(call.desk, "cards", wish["card"]))
    made = spending.force_capture(call.desk, wish["card"], wish["amount"], wish.get("merchant_data", {}))
    return shown(call, "transactions", made)


def _unlinked_refund(call: Call) -> Record:
    wish = call.wish
    same_currency(call, find(call.desk, "cards", wish["card"]))
    made = spending.unlinked_refund(call.desk, wish["card"], wish["amount"], wish.get("merchant_data", {}))
    return shown(call, "transactions", made)


def _refund(call: Call) -> Record:
    return shown(call, "transactions", spending.refund(call.desk, call.ref, call.params.get("refund_amount")))


def _list(call: Call) -> Record:
    return listed(call, "transactions", filters(call, cardholder="holder"))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", _PATH, tables.TRANSACTION_LIST, _list),
    Endpoint("GET", f"{_PATH}/{{transaction}}", tables.ONLY_EXPAND, retrieve("transactions")),
    Endpoint("POST", f"{_PATH}/{{transaction}}", tables.ONLY_METADATA, update_metadata("transactions")),
    Endpoint("POST", f"{_HELPERS}/create_force_capture", tables.LOOSE_TRANSACTION, _force_capture),
    Endpoint("POST", f"{_HELPERS}/create_unlinked_refund", tables.LOOSE_TRANSACTION, _unlinked_refund),
    Endpoint("POST", f"{_HELPERS}/{{transaction}}/refund", tables.REFUND, _refund),
)
