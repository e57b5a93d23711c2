"""/fundingsources/program, /gpaorders with its unloads, and /balances."""

from __future__ import annotations

from cardctl.simulator.faces.marqeta import objects, queries, tables
from cardctl.simulator.faces.marqeta.calls import Call, Condition, Endpoint, created, listed, minor, retrieve, shown
from cardctl.simulator.marqeta import orders
from cardctl.simulator.marqeta.accounts import CURRENCY, account_of
from cardctl.simulator.marqeta.lists import get
from cardctl.simulator.rows import Record


def _create_source(call: Call) -> Record:
    return shown(call, objects.sources, created(call, "marqeta_funding_sources", orders.open_source, dict(call.body)))


def _source(call: Call) -> Record:
    return shown(call, objects.sources, orders.source(call.desk, call.ref))


def _load(call: Call) -> Record:
    wish = {**call.body, "amount": minor(call.body, "amount", call.body["currency_code"])}
    return shown(call, objects.loads, created(call, "marqeta_orders", orders.load, wish))


def _unload(call: Call) -> Record:
    """UNCONFIRMED, as the description names no 409: that an unload's token works as that of every other POST."""
    wish = {**call.body, "amount": minor(call.body, "amount", CURRENCY)}
    return shown(call, objects.unloads, created(call, "marqeta_unloads", orders.unload, wish))


def _unloads(call: Call) -> Record:
    columns = ("user_token", "original_order_token")
    where: list[Condition] = [(f"{column} = ?", (call.query[column],)) for column in columns if column in call.query]
    if "business_token" in call.query:
        where.append(("0", ()))  # there are no businesses
    return listed(call, "marqeta_unloads", objects.unloads, where)


def _balances(call: Call) -> Record:
    """Of a child that shares an account, its parent's."""
    user = get(call.desk, "marqeta_users", call.ref)
    link = {"rel": "gpa", "method": "GET", "href": f"/v3/balances/{call.ref}/gpa"}
    return {"gpa": objects.gpa(account_of(call.desk, user)), "links": [link]}


ENDPOINTS = (
    Endpoint("POST", "/fundingsources/program", _create_source, body=tables.SOURCE_CREATE, status=201),
    # 201 for a GET is what the description says, and nothing seen says otherwise.
    Endpoint("GET", "/fundingsources/program/{token}", _source, status=201),
    Endpoint("POST", "/gpaorders", _load, body=tables.ORDER_CREATE, status=201),
    Endpoint("POST", "/gpaorders/unloads", _unload, body=tables.UNLOAD_CREATE, status=201),
    Endpoint("GET", "/gpaorders/unloads", _unloads, queries.UNLOAD_LIST),
    Endpoint("GET", "/gpaorders/unloads/{unload_token}", retrieve("marqeta_unloads", objects.unloads)),
    Endpoint("GET", "/gpaorders/{token}", retrieve("marqeta_orders", objects.loads)),
    Endpoint("GET", "/balances/{token}", _balances),
)
