"""/v1/issuing/cards."""

from __future__ import annotations

from cardctl.simulator.faces.stripe import tables
from cardctl.simulator.faces.stripe.calls import Call, Endpoint, filters, listed, retrieve, shown, with_metadata
from cardctl.simulator.issuing import change_card, issue_card
from cardctl.simulator.rows import Record, find

_PATH = "/v1/issuing/cards"


def _create(call: Call) -> Record:
    columns = _columns(call.wish, {"metadata": {}})
    columns["holder"] = columns.pop("cardholder")
    controls = columns.pop("lifecycle_controls", None)
    if controls is not None:
        columns["payment_count"] = controls["cancel_after"]["payment_count"]
    return shown(call, "cards", issue_card(call.desk, columns))


def _update(call: Call) -> Record:
    before = find(call.desk, "cards", call.ref)
    return shown(call, "cards", change_card(call.desk, call.ref, _columns(call.wish, before)))


def _list(call: Call) -> Record:
    return listed(call, "cards", filters(call, cardholder="holder"))


def _columns(wish: Record, before: Record) -> Record:
    """What was sent as columns; a PIN is not kept.

    Spending limits replace the whole list, controls that were not sent stay (both UNCONFIRMED).
    """
    columns = with_metadata({name: value for name, value in wish.items() if name != "pin"}, before["metadata"])
    if "spending_controls" in wish:
        columns["spending_controls"] = {**before.get("spending_controls", {}), **wish["spending_controls"]}
    return columns


ENDPOINTS = (
    Endpoint("POST", _PATH, tables.CARD_CREATE, _create),
    Endpoint("GET", _PATH, tables.CARD_LIST, _list),
    Endpoint("GET", f"{_PATH}/{{card}}", tables.ONLY_EXPAND, retrieve("cards")),
    Endpoint("POST", f"{_PATH}/{{card}}", tables.CARD_UPDATE, _update),
)
