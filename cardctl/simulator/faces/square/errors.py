"""Square's error bodies and the status of each; who raises them decides when.

UNCONFIRMED: the statuses. The official description has none; these are what clients of Square write that they see.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from cardctl.simulator.rows import Record
from cardctl.simulator.square.words import AUTHENTICATION, METHOD, Refused
from cardctl.simulator.wire import Reply

_STATUS = {
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "FORBIDDEN": 403,
    "INSUFFICIENT_SCOPES": 403,
    "RATE_LIMITED": 429,
    "INTERNAL_SERVER_ERROR": 500,
    "BAD_GATEWAY": 502,
    "SERVICE_UNAVAILABLE": 503,
    "GATEWAY_TIMEOUT": 504,
}
_OF_CATEGORY = {AUTHENTICATION: 401, METHOD: 402}
_TURNED_AWAY = {
    401: ("UNAUTHORIZED", "This request could not be authorized."),
    429: ("RATE_LIMITED", "Rate limited."),
    502: ("BAD_GATEWAY", "Bad gateway."),
    503: ("SERVICE_UNAVAILABLE", "Service unavailable."),
    504: ("GATEWAY_TIMEOUT", "Gateway timeout."),
}


def reply(status: int, body: Record) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, orjson.dumps(body))


def status_of(refusal: Refused) -> int:
    return _STATUS.get(refusal.code) or _OF_CATEGORY.get(refusal.category, 400)


def body_of(refusals: Sequence[Refused]) -> Record:
    """`{errors: [{category, code, detail, field}]}`; a field only where one is to blame."""
    errors = []
    for each in refusals:
        blamed = {"field": each.field} if each.field else {}
        errors.append({"category": each.category, "code": each.code, "detail": each.detail, **blamed})
    return {"errors": errors}


def refused(*refusals: Refused) -> Reply:
    """The first of them gives the status."""
    return reply(status_of(refusals[0]), body_of(refusals))


def turned_away(status: int) -> Reply:
    """A front end's no, in Square's words."""
    code, detail = _TURNED_AWAY.get(status, ("INTERNAL_SERVER_ERROR", "Internal server error."))
    return reply(status, body_of([Refused(code, detail)]))


def server_error() -> Reply:
    return turned_away(500)
