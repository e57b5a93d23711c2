"""/esim: offers, purchases, their QR codes and refunds, and what is left on an eSIM."""

from __future__ import annotations

import base64
import io

import segno

from cardctl.simulator.faces.zendit import objects
from cardctl.simulator.faces.zendit.calls import Call, Endpoint, filtered, page
from cardctl.simulator.faces.zendit.parameters import PAGE, matching, one_of, since, text
from cardctl.simulator.rows import Record
from cardctl.simulator.wire import Reply
from cardctl.simulator.zendit import purchases, refunds
from cardctl.simulator.zendit.tables import OFFERS, PURCHASES
from cardctl.simulator.zendit.wallet import instant
from cardctl.simulator.zendit.words import REGIONS, STATUSES, missing

_OFFERS, _PURCHASES = "/v1/esim/offers", "/v1/esim/purchases"
_NEWEST = "created DESC, seq DESC"
"""UNCONFIRMED: the order of a list. This one is hard on clients: what is new pushes the rest across their pages."""

_MASK, _SCALE = 3, 5
"""Any mask can be read; to look for the best of eight is most of the work of drawing."""

_COUNTRY = matching("[A-Z]{2}", "must be ISO 3166-1 alpha-2")
_NEW = {
    "offerId": text,
    "transactionId": matching(r"[A-Za-z0-9_-]{1,100}", "must be alphanumeric, with hyphens and underscores"),
    "iccid": matching(r"[0-9]{18,20}", "must be the number of an eSIM"),
}


def _list_offers(call: Call) -> Record:
    conditions = filtered(call, "brand", "country")
    for name, column in (("regions", "regions"), ("subType", "subTypes")):
        if name in call.query:
            conditions.append((f"EXISTS (SELECT 1 FROM json_each({column}) AS one WHERE one.value = ?)", [call.query[name]]))  # noqa: S608  (our own names)
    return page(call, OFFERS, conditions, "ref", objects.offer)


def _offer(call: Call) -> Record:
    """UNCONFIRMED: that one which is not enabled is shown, as it is in the list."""
    return objects.offer(purchases.offer(call.desk, call.refs[0]))


def _buy(call: Call) -> Record:
    row = purchases.buy(call.desk, call.body)
    return {"status": row["status"], "transactionId": row["ref"]}


def _list(call: Call) -> Record:
    return page(call, PURCHASES, filtered(call, "status"), _NEWEST, lambda row: objects.purchase(call.desk, row))


def _purchase(call: Call) -> Record:
    return objects.purchase(call.desk, purchases.purchase(call.desk, call.refs[0]))


def _qr_code(call: Call) -> Record | Reply:
    """CONFIRMED: a PNG, unless JSON is what is accepted; 404 until there is one."""
    said = purchases.activation(purchases.purchase(call.desk, call.refs[0]))
    if said is None:
        raise missing("QR code of transaction", call.refs[0])
    drawn = io.BytesIO()
    segno.make(said, micro=False, mask=_MASK).save(drawn, kind="png", scale=_SCALE)
    accept = call.headers.get("accept", "")
    if "application/json" in accept and "image/png" not in accept:
        return {"imageBase64": base64.b64encode(drawn.getvalue()).decode()}
    return Reply(200, {"Content-Type": "image/png"}, drawn.getvalue())


def _ask_refund(call: Call) -> Record:
    return {"status": refunds.ask(call.desk, purchases.purchase(call.desk, call.refs[0]))["status"]}


def _refund(call: Call) -> Record:
    return objects.entry(refunds.refund(call.desk, call.refs[0]))


def _plans(call: Call) -> Record:
    """UNCONFIRMED: when a plan begins. Here the first does when the eSIM is installed (staff say so), and each when the one
    before it ends; until then all are QUEUED."""
    rows = purchases.of_iccid(call.desk, call.refs[0])
    if not rows:
        raise missing("eSIM", call.refs[0])
    installed = next((row["installedAt"] for row in rows if row["installedAt"]), None)
    shown, starts = [], installed
    for row in rows:
        started = starts if starts is not None and starts <= call.desk.now else None
        shown.append(objects.plan(row, started is not None, started))
        starts = None if starts is None else starts + row["offer"]["durationDays"] * 86400
    first = {"firstInstalledAt": instant(installed)} if installed else {}
    return {"total": len(shown), **first, "list": shown}


ENDPOINTS = (
    Endpoint(
        "GET",
        _OFFERS,
        _list_offers,
        {**PAGE, "brand": text, "country": _COUNTRY, "regions": one_of(REGIONS), "subType": text},
    ),
    Endpoint("GET", f"{_OFFERS}/{{}}", _offer),
    Endpoint("POST", _PURCHASES, _buy, body=_NEW, required=("offerId", "transactionId")),
    Endpoint("GET", _PURCHASES, _list, {**PAGE, "createdAt": since, "status": one_of(STATUSES)}),
    Endpoint("GET", f"{_PURCHASES}/{{}}", _purchase),
    Endpoint("GET", f"{_PURCHASES}/{{}}/qrcode", _qr_code),
    Endpoint("POST", f"{_PURCHASES}/{{}}/refund", _ask_refund),
    Endpoint("GET", f"{_PURCHASES}/{{}}/refund", _refund),
    Endpoint("GET", "/v1/esim/{}/plans", _plans),
)
