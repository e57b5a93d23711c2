"""One request from its headers to its reply: credentials, endpoint, parameters; the nouns' files do the rest."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from cardctl.simulator.books import FarSide
from cardctl.simulator.faces.marqeta import (
    cards,
    controls,
    disputes,
    funding,
    simulations,
    transactions,
    users,
    wallets,
    webhooks,
)
from cardctl.simulator.faces.marqeta.calls import Call, Endpoint
from cardctl.simulator.faces.marqeta.errors import GATEWAY_PAGE, Problem, malformed, problem_of, server_error
from cardctl.simulator.faces.marqeta.numbers import decode, encode
from cardctl.simulator.faces.marqeta.parameters import Group, read_query
from cardctl.simulator.marqeta.lists import Bookmarks
from cardctl.simulator.marqeta.refusals import Refuses
from cardctl.simulator.wire import Reply, Spoil

ENDPOINTS: tuple[Endpoint, ...] = (
    *users.ENDPOINTS,
    *cards.ENDPOINTS,
    *controls.ENDPOINTS,
    *funding.ENDPOINTS,
    *transactions.ENDPOINTS,
    *simulations.ENDPOINTS,
    *wallets.ENDPOINTS,
    *disputes.ENDPOINTS,
    *webhooks.ENDPOINTS,
)

_BASE = "/v3"
_WITHOUT_BASE = "/simulations/"
"""UNCONFIRMED: whether Simulations 2.0 stand below /v3; both is served."""

_PLACES = ((), (1,), (2,), (3, 2, 1))
"""Where names can stand in a path, counted from its end."""

_READ_BY_POST = ("/ping", "/users/lookup")
_SHOWS_PAN = "/showpan"
_UNAUTHORIZED = "Unauthorized: enter valid credentials to continue"
_TURNED_AWAY = {401: _UNAUTHORIZED, 429: "Too many requests"}


class MarqetaFace:
    """sandbox-api.marqeta.com over the far side's books, for any pair of application token and admin access token."""

    def __init__(self, far_side: FarSide) -> None:
        self._far_side = far_side
        self._marks = Bookmarks()

    def handle(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, *, spoil: Spoil = Spoil.NOTHING
    ) -> Reply:
        """Serves one request; every answer, refusals too, is a Reply. Nothing is remembered of a refusal or of a 500."""
        try:
            _check_credentials(headers.get("authorization", ""))
            endpoint, names = _endpoint(method, _below(path))
            asked, sent = read_query(endpoint.query, query), _read_body(endpoint.body, body)
            status, answer = endpoint.status, self._answer(method, path, endpoint, names, asked, sent, spoil)
        except Refuses as refusal:
            problem = problem_of(refusal)
            status, answer = problem.status, problem.body()
        except Problem as problem:
            status, answer = problem.status, problem.body()
        return _reply(status, answer)

    def writes(self, method: str, path: str) -> bool:
        return method != "GET" and _below(path) not in _READ_BY_POST

    def turn_away(self, status: int) -> Reply:
        """A front end's 401 or 429 in Marqeta's words; its 5xx is a page of a gateway that knows no JSON."""
        if status < 500:
            return _reply(status, Problem(status, _TURNED_AWAY.get(status, "Request refused")).body())
        return Reply(status, {"Content-Type": "text/html"}, GATEWAY_PAGE)

    def _answer(
        self,
        method: str,
        path: str,
        endpoint: Endpoint,
        names: tuple[str, ...],
        query: Mapping[str, Any],
        body: Mapping[str, Any],
        spoil: Spoil,
    ) -> bytes:
        ref, *others = names or ("",)
        if not self.writes(method, path) and not path.endswith(_SHOWS_PAN):
            with self._far_side.reading("marqeta") as desk:
                return encode(endpoint.answer(Call(desk, ref, query, body, self._marks, tuple(others))))
        if spoil is Spoil.EFFECT:
            raise server_error()
        with self._far_side.transaction("marqeta") as desk:
            call = Call(desk, ref, query, body, self._marks, tuple(others))
            answer = encode(endpoint.answer(call))
        if endpoint.after is not None:
            endpoint.after(call)
        if spoil is Spoil.ANSWER:
            raise server_error()
        return answer


def _endpoint(method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
    """Literal paths win over those with a name in them, which stands last or before a word, and these over three names."""
    parts = path.split("/")
    allowed = False
    for places in _PLACES:
        named = [len(parts) - place for place in places if place < len(parts)]
        names = tuple(unquote(parts[place]) for place in named)
        pattern = "/".join("{}" if place in named else part for place, part in enumerate(parts))
        found = _ROUTES.get(pattern, {})
        if method in found and all(names):
            return found[method], names
        allowed = allowed or bool(found)
    raise Problem(405, f"Method {method} not allowed") if allowed else Problem(404, "Resource not found")


def _routes() -> dict[str, dict[str, Endpoint]]:
    routes: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        pattern = "/".join("{}" if part.startswith("{") else part for part in endpoint.path.split("/"))
        routes.setdefault(pattern, {})[endpoint.method] = endpoint
    return routes


_ROUTES = _routes()


def _below(path: str) -> str:
    if path.startswith(_WITHOUT_BASE):
        return path
    return path.removeprefix(_BASE) if path.startswith(f"{_BASE}/") else ""


def _check_credentials(authorization: str) -> None:
    scheme, _, given = authorization.partition(" ")
    try:
        user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        user = password = ""
    if scheme.lower() != "basic" or not user or not password:
        raise Problem(401, _UNAUTHORIZED)


def _read_body(table: Group | None, body: bytes) -> dict[str, Any]:
    """An empty body where one is wanted is a 500, as at Marqeta."""
    if table is None:
        return {}
    if not body.strip():
        raise server_error()
    try:
        sent = decode(body)
    except ValueError:
        raise malformed("unexpected character") from None
    return table.read("", sent)


def _reply(status: int, body: bytes) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, body)
