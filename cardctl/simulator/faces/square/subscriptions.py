"""/v2/webhooks: subscriptions, their keys, a test event, and which events there are."""

from __future__ import annotations

from cardctl.simulator.faces.square import objects
from cardctl.simulator.faces.square.calls import SORT, Call, Endpoint, listed
from cardctl.simulator.faces.square.notices import registered_as, sample
from cardctl.simulator.faces.square.parameters import KEY, Fields, each, flag, text, whole
from cardctl.simulator.rows import Record
from cardctl.simulator.square import subscriptions
from cardctl.simulator.square.lists import Condition, Order, letters, page
from cardctl.simulator.square.tables import SUBSCRIPTIONS
from cardctl.simulator.square.words import Refused

_PATH = "/v2/webhooks/subscriptions"
_ONE = f"{_PATH}/{{subscription_id}}"
_SUBSCRIPTION = Fields(
    {"name": text(64), "enabled": flag, "event_types": each(text()), "notification_url": text(), "api_version": text(10)}
)
_RESULT = "subscription_test_result"


def _create(call: Call) -> Record:
    return _shown(subscriptions.subscribe(call.desk, call.merchant, call.body["subscription"]))


def _list(call: Call) -> Record:
    conditions: list[Condition] = [] if call.query.get("include_disabled") else [("enabled = 1", [])]
    order = Order("made", call.query.get("sort_order") == "DESC")
    limit = min(max(call.query.get("limit", 100), 1), 100)
    found = page(call.desk, SUBSCRIPTIONS, call.merchant, conditions, order, limit, call.query.get("cursor"))
    return listed("subscriptions", found, [objects.subscription(row) for row in found.rows])


def _retrieve(call: Call) -> Record:
    return _shown(_row(call))


def _update(call: Call) -> Record:
    return _shown(subscriptions.update(call.desk, _row(call), call.body.get("subscription", {})))


def _delete(call: Call) -> Record:
    subscriptions.delete(call.desk, _row(call))
    return {}


def _rotate(call: Call) -> Record:
    return {"signature_key": subscriptions.rotate(call.desk, _row(call))["signature_key"]}


def _test(call: Call) -> Record:
    """A sample goes to the subscription's address, on this machine alone, once the books are closed."""
    row = _row(call)
    kind = call.body.get("event_type") or row["event_types"][0]
    if kind not in row["event_types"]:
        raise Refused("INVALID_VALUE", f"The subscription does not hear of `{kind}`.", "event_type")
    notice = sample(call.desk, call.merchant, kind)
    call.parcels.append((notice, registered_as(row)))
    at = objects.instant(call.desk.now * 1000)
    return {_RESULT: {"id": letters(22), "payload": notice.body, "created_at": at, "updated_at": at}}


def _sent(call: Call, answer: Record) -> Record:
    """UNCONFIRMED: what is answered where nobody listens; here a status code of 0."""
    import orjson  # noqa: PLC0415

    from cardctl.errors import BadInput  # noqa: PLC0415
    from cardctl.simulator.delivering import request  # noqa: PLC0415
    from cardctl.simulator.posting import post  # noqa: PLC0415

    ((notice, address),) = call.parcels
    try:
        status = post(address.url, request("square", [notice], address.secrets, call.desk.now))
    except (BadInput, OSError):
        status = 0
    result = {**answer[_RESULT], "status_code": status, "payload": orjson.dumps(answer[_RESULT]["payload"]).decode()}
    return {_RESULT: result}


def event_types(_: Call) -> Record:
    """Every kind of event that there is."""
    known = [
        {"event_type": name, "api_version_introduced": "2021-06-16", "release_status": "PUBLIC"} for name in subscriptions.TYPES
    ]
    return {"event_types": list(subscriptions.TYPES), "metadata": known}


def _row(call: Call) -> Record:
    return subscriptions.subscription(call.desk, call.merchant, call.ref)


def _shown(row: Record) -> Record:
    return {"subscription": objects.subscription(row)}


ENDPOINTS = (
    Endpoint("GET", "/v2/webhooks/event-types", event_types, {"api_version": text(10)}),
    Endpoint(
        "POST",
        _PATH,
        _create,
        body=Fields({"idempotency_key": KEY, "subscription": _SUBSCRIPTION}, required=("subscription",)),
        keyed=True,
    ),
    Endpoint("GET", _PATH, _list, {**SORT, "include_disabled": flag, "limit": whole}),
    Endpoint("GET", _ONE, _retrieve),
    Endpoint("PUT", _ONE, _update, body=Fields({"subscription": _SUBSCRIPTION})),
    Endpoint("DELETE", _ONE, _delete),
    Endpoint("POST", f"{_ONE}/signature-key", _rotate, body=Fields({"idempotency_key": KEY})),
    Endpoint("POST", f"{_ONE}/test", _test, body=Fields({"event_type": text()}), after=_sent),
)
