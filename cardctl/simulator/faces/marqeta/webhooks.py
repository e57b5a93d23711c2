"""/webhooks: subscriptions, their secrets masked; pings, and events that are asked for again."""

from __future__ import annotations

from http.client import HTTPException

from cardctl.errors import BadInput
from cardctl.simulator.delivering import request
from cardctl.simulator.faces.marqeta import notices, objects, queries, tables
from cardctl.simulator.faces.marqeta.calls import Call, Condition, Endpoint, created, listed, retrieve, shown
from cardctl.simulator.faces.marqeta.errors import Problem, invalid
from cardctl.simulator.marqeta import webhooks
from cardctl.simulator.marqeta.lists import get
from cardctl.simulator.marqeta.refusals import Kind, Refuses
from cardctl.simulator.outbox import Notice, Registered
from cardctl.simulator.posting import post
from cardctl.simulator.rows import Record

FACE = "marqeta"
OK = 200
"""The only success of a delivery (CONFIRMED)."""

_TABLE = "marqeta_webhooks"
_FAILED = "422600"
_PATIENCE = 5.0
"""Seconds that Marqeta waits for the answer to a ping (CONFIRMED)."""


def _create(call: Call) -> Record:
    return shown(call, objects.webhooks, created(call, _TABLE, webhooks.subscribe, dict(call.body)))


def _list(call: Call) -> Record:
    where: list[Condition] = [("active = 1", ())] if call.query.get("active") else []
    return listed(call, _TABLE, objects.webhooks, where, "-createdTime")


def _update(call: Call) -> Record:
    return shown(call, objects.webhooks, webhooks.change_webhook(call.desk, call.ref, dict(call.body)))


def _set_headers(call: Call) -> Record:
    return shown(call, objects.webhooks, webhooks.set_headers(call.desk, call.ref, call.body.get("custom_header", {})))


def _ping(call: Call) -> Record:
    """UNCONFIRMED: what is answered: the description's schema is what was sent, its text what the receiver said."""
    ping = notices.ping()
    call.parcels.append((ping, _target(call)))
    return {ping.key: [ping.body]}


def _resend(call: Call) -> Record:
    """The event as it would be told now. UNCONFIRMED: that it is answered bare, as the description's examples of credit events
    are, and not under its key; that it is what is known now, and not a copy of what was sent then."""
    target = _target(call)
    kind, token = call.others
    if kind in webhooks.SILENT:
        raise Refuses(Kind.MISSING, "Event not found")
    if kind not in webhooks.BASES:
        raise invalid(f"event_type ({kind})")
    table = webhooks.BASES[kind]
    notice = notices.again(call.desk, table, get(call.desk, table, token))
    call.parcels.append((notice, target))
    return notice.body


def _target(call: Call) -> Registered:
    ref = get(call.desk, _TABLE, call.ref)["ref"]
    return next(notices.address(endpoint) for endpoint in webhooks.endpoints(call.desk) if endpoint["ref"] == ref)


def _must_arrive(call: Call) -> None:
    if any(_sent(call, *parcel) != OK for parcel in call.parcels):
        raise Problem(422, "Webhook operation failed", code=_FAILED)


def _may_arrive(call: Call) -> None:
    """What became of an event that was sent again is told to nobody."""
    for parcel in call.parcels:
        _sent(call, *parcel)


def _sent(call: Call, notice: Notice, target: Registered) -> int:
    """The status of the receiver's answer; 0 where there is none, or the address is not of this machine."""
    try:
        return post(target.url, request(FACE, [notice], target.secrets, call.desk.now), timeout=_PATIENCE)
    except (BadInput, OSError, HTTPException):
        return 0


ENDPOINTS = (
    Endpoint("POST", "/webhooks", _create, body=tables.WEBHOOK_CREATE, status=201),
    Endpoint("GET", "/webhooks", _list, queries.WEBHOOK_LIST),
    Endpoint("GET", "/webhooks/{token}", retrieve(_TABLE, objects.webhooks)),
    Endpoint("PUT", "/webhooks/{token}", _update, body=tables.WEBHOOK_UPDATE),
    Endpoint("PUT", "/webhooks/customheaders/{token}", _set_headers, body=tables.WEBHOOK_HEADERS),
    Endpoint("POST", "/webhooks/{token}/ping", _ping, after=_must_arrive),
    Endpoint("POST", "/webhooks/{token}/{event_type}/{event_token}", _resend, after=_may_arrive),
)
