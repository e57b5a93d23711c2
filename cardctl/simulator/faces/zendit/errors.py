"""Zendit's error bodies, {errorCode, message, fields}, and the answers of a front end; who raises them decides when."""

from __future__ import annotations

import orjson

from cardctl.simulator.rows import Record
from cardctl.simulator.wire import Reply
from cardctl.simulator.zendit.words import Refused

_TURNED_AWAY = {
    401: Refused("NOT_AUTHORIZED", "The API key is missing or not known."),
    403: Refused("FORBIDDEN", "This IP address is not allowed."),
    429: Refused("TOO_MANY_REQUESTS", "Too many requests."),
    503: Refused("SYSTEM_UNAVAILABLE", "The system is not available. Try again later."),
}
"""UNCONFIRMED: the body of a 429; nobody has published that there is one."""


def reply(status: int, body: Record) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, orjson.dumps(body))


def refused(refusal: Refused) -> Reply:
    """`fields` only where some are to blame."""
    blamed = {"fields": refusal.fields} if refusal.fields else {}
    return reply(refusal.status, {"errorCode": refusal.code, "message": refusal.message, **blamed})


def turned_away(status: int) -> Reply:
    """UNCONFIRMED: the code of a 500."""
    refusal = _TURNED_AWAY.get(status, Refused("SYSTEM_ERROR", "Something went wrong."))
    return reply(status, {"errorCode": refusal.code, "message": refusal.message})


def server_error() -> Reply:
    return turned_away(500)
