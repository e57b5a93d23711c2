"""/balance, /transactions and /reports/transactions: the wallet, its ledger, and what of it ended in a span of time."""

from __future__ import annotations

from cardctl.simulator.faces.zendit import objects
from cardctl.simulator.faces.zendit.calls import Call, Endpoint, filtered, page
from cardctl.simulator.faces.zendit.parameters import PAGE, moment, one_of, since
from cardctl.simulator.rows import Record
from cardctl.simulator.wire import Reply
from cardctl.simulator.zendit import reports, wallet
from cardctl.simulator.zendit.tables import LEDGER
from cardctl.simulator.zendit.words import CREDIT, DEBIT, PRODUCTS, STATUSES, missing

_HOST = "test-api.zendit.io"
_LEDGER = "/v1/transactions"
_REPORTS = "/v1/reports/transactions"
_FILTERS = {
    **PAGE,
    "createdAt": since,
    "productType": one_of(PRODUCTS),
    "status": one_of(STATUSES),
    "type": one_of((CREDIT, DEBIT)),
}


def _balance(call: Call) -> Record:
    return {"availableBalance": wallet.balance(call.desk), "currency": wallet.CURRENCY, "currencyDivisor": wallet.DIVISOR}


def _list(call: Call) -> Record:
    return page(call, LEDGER, filtered(call, "productType", "status", "type"), "created DESC, seq DESC", objects.entry)


def _entry(call: Call) -> Record:
    found = wallet.entry_of(call.desk, call.refs[0])
    if found is None:
        raise missing("Transaction", call.refs[0])
    return objects.entry(found)


def _order(call: Call) -> Record:
    return objects.report(reports.order(call.desk, call.body["startGte"], call.body["endLt"]), _base(call))


def _report(call: Call) -> Record:
    return objects.report(reports.report(call.desk, call.refs[0]), _base(call))


def _download(call: Call) -> Reply:
    row = reports.report(call.desk, call.refs[0])
    if row["name"] != call.refs[1]:
        raise missing("Report file", call.refs[1])
    return Reply(200, {"Content-Type": "text/csv"}, row["body"])


def _base(call: Call) -> str:
    """Where this client reached us: on a served port never the name of a real host."""
    host = call.headers.get("host", _HOST)
    return f"https://{_HOST}/v1" if host == _HOST else f"http://{host}/zendit/v1"


ENDPOINTS = (
    Endpoint("GET", "/v1/balance", _balance),
    Endpoint("GET", _LEDGER, _list, _FILTERS),
    Endpoint("GET", f"{_LEDGER}/{{}}", _entry),
    Endpoint("POST", _REPORTS, _order, body={"startGte": moment, "endLt": moment}, required=("startGte", "endLt")),
    Endpoint("GET", f"{_REPORTS}/{{}}", _report),
    Endpoint("GET", f"{_REPORTS}/{{}}/{{}}", _download),
)
