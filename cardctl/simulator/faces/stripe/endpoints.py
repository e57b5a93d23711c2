"""/v1/webhook_endpoints, and who of them listens to what."""

from __future__ import annotations

import secrets

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.stripe import tables
from cardctl.simulator.faces.stripe.calls import Call, Endpoint, filters, listed, retrieve, shown, with_metadata
from cardctl.simulator.faces.stripe.errors import Problem
from cardctl.simulator.outbox import Registered
from cardctl.simulator.rows import Record, change, find, insert, new_ref, select

_PATH = "/v1/webhook_endpoints"
_TABLE = "webhook_endpoints"


def registered(desk: Desk) -> list[Registered]:
    """Those that are switched on, each with the secret that is its own."""
    rows = select(desk, _TABLE, "status = 'enabled' AND deleted = 0 ORDER BY seq", ())
    return [
        Registered(row["ref"], row["url"], {"stripe.webhook_secret": [row["secret"]]}, tuple(row["enabled_events"]))
        for row in rows
    ]


def new_secret() -> str:
    """As Stripe makes them: `whsec_` and letters and digits."""
    return f"whsec_{secrets.token_hex(16)}"


def _create(call: Call) -> Record:
    """The secret is shown here, and never again."""
    wish = with_metadata(call.wish, {})
    wish.pop("connect", None)
    _check_url(wish["url"])
    made = {"ref": new_ref("we"), "status": "enabled", "secret": new_secret(), "metadata": {}, **wish}
    row = insert(call.desk, _TABLE, made)
    return {**shown(call, _TABLE, row), "secret": row["secret"]}


def _update(call: Call) -> Record:
    before = find(call.desk, _TABLE, call.ref)
    changes = with_metadata(call.wish, before["metadata"])
    if "url" in changes:
        _check_url(changes["url"])
    if "disabled" in changes:
        changes["status"] = "disabled" if changes.pop("disabled") else "enabled"
    return shown(call, _TABLE, change(call.desk, _TABLE, call.ref, changes))


def _delete(call: Call) -> Record:
    find(call.desk, _TABLE, call.ref)
    call.desk.db.execute("UPDATE webhook_endpoints SET deleted = 1 WHERE ref = ?", (call.ref,))
    return {"id": call.ref, "object": "webhook_endpoint", "deleted": True}


def _list(call: Call) -> Record:
    return listed(call, _TABLE, filters(call))


def _check_url(url: str) -> None:
    """UNCONFIRMED: the words."""
    if not url.startswith(("http://", "https://")):
        raise Problem(400, "Invalid URL: An explicit scheme (such as https) must be provided.", code="url_invalid").about("url")


ENDPOINTS = (
    Endpoint("POST", _PATH, tables.ENDPOINT_CREATE, _create),
    Endpoint("GET", _PATH, tables.ENDPOINT_LIST, _list),
    Endpoint("GET", f"{_PATH}/{{webhook_endpoint}}", tables.ONLY_EXPAND, retrieve(_TABLE)),
    Endpoint("POST", f"{_PATH}/{{webhook_endpoint}}", tables.ENDPOINT_UPDATE, _update),
    Endpoint("DELETE", f"{_PATH}/{{webhook_endpoint}}", tables.NOTHING, _delete),
)
