"""/velocitycontrols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.marqeta import objects, queries, tables
from cardctl.simulator.faces.marqeta.calls import (
    Call,
    Condition,
    Endpoint,
    created,
    listed,
    minor,
    retrieve,
    same_token,
    shown,
)
from cardctl.simulator.faces.marqeta.errors import invalid
from cardctl.simulator.marqeta import velocity
from cardctl.simulator.marqeta.lists import changed, get
from cardctl.simulator.rows import Record

_OWNERS = {"user": "user_token", "card_product": "card_product_token"}


def _create(call: Call) -> Record:
    wish = _columns(call.body, call.body["currency_code"])
    return shown(call, objects.controls, created(call, velocity.TABLE, velocity.add_control, wish))


def _update(call: Call) -> Record:
    before = get(call.desk, velocity.TABLE, call.ref)
    wish = _columns(same_token(call), call.body.get("currency_code", before["currency_code"]))
    return shown(call, objects.controls, velocity.change_control(call.desk, call.ref, wish))


def _delete(call: Call) -> Record:
    """It stays to be seen, and forbids nothing any more."""
    get(call.desk, velocity.TABLE, call.ref)
    return shown(call, objects.controls, changed(call.desk, velocity.TABLE, call.ref, {"active": False}))


def _list(call: Call) -> Record:
    """`null` finds those of no user, or of no card product."""
    asked = {column: call.query[name] for name, column in _OWNERS.items() if name in call.query}
    if len(asked) > 1:
        raise invalid("user and card_product are mutually exclusive")
    where: list[Condition] = [
        (f"{column} IS NULL", ()) if value == "null" else (f"{column} = ?", (value,)) for column, value in asked.items()
    ]
    return listed(call, velocity.TABLE, objects.controls, where)


def _available(call: Call) -> Record:
    """UNCONFIRMED: that controls of the products of the user's cards are left out, and inactive ones too."""
    get(call.desk, "marqeta_users", call.ref)

    def show(desk: Desk, rows: Sequence[Record]) -> list[Record]:
        return objects.remaining(desk, rows, call.ref)

    where: list[Condition] = [("user_token = ?", (call.ref,)), ("velocity_window != 'TRANSACTION' AND active = 1", ())]
    return listed(call, velocity.TABLE, show, where)


def _columns(body: Mapping[str, Any], currency: str) -> Record:
    """An association names the one owner, so the other is taken away; an empty one makes the control program-level."""
    columns = {name: value for name, value in body.items() if name != "association"}
    if "association" in body:
        columns |= {column: body["association"].get(column) for column in _OWNERS.values()}
    if "amount_limit" in body:
        columns["amount_limit"] = minor(body, "amount_limit", currency)
        if columns["amount_limit"] < 0:
            raise invalid("amount_limit")
    return columns


ENDPOINTS = (
    Endpoint("POST", "/velocitycontrols", _create, body=tables.CONTROL_CREATE, status=201),
    Endpoint("GET", "/velocitycontrols", _list, queries.CONTROL_LIST),
    Endpoint("GET", "/velocitycontrols/user/{user_token}/available", _available, queries.LIST),
    Endpoint("GET", "/velocitycontrols/{token}", retrieve(velocity.TABLE, objects.controls), queries.FIELDS),
    Endpoint("PUT", "/velocitycontrols/{token}", _update, body=tables.CONTROL_UPDATE),
    Endpoint("DELETE", "/velocitycontrols/{token}", _delete),
)
