"""One request from its headers to its reply: token, version, endpoint, key, parameters; the nouns' files do the rest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import unquote

import orjson

from cardctl.simulator.answers import Answer, save, saved
from cardctl.simulator.books import FarSide
from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.square import (
    cards,
    customers,
    disputes,
    events,
    locations,
    oauth,
    payments,
    refunds,
    subscriptions,
)
from cardctl.simulator.faces.square.calls import Call, Endpoint
from cardctl.simulator.faces.square.errors import refused, reply, server_error, turned_away
from cardctl.simulator.faces.square.parameters import read_body, read_query
from cardctl.simulator.square import captures
from cardctl.simulator.square.sellers import merchant_of
from cardctl.simulator.square.words import FACE, Refused
from cardctl.simulator.wire import Reply, Spoil

ENDPOINTS: tuple[Endpoint, ...] = (
    *customers.ENDPOINTS,
    *cards.ENDPOINTS,
    *payments.ENDPOINTS,
    *refunds.ENDPOINTS,
    *locations.ENDPOINTS,
    *disputes.ENDPOINTS,
    *subscriptions.ENDPOINTS,
    *events.ENDPOINTS,
    *oauth.ENDPOINTS,
)

_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
_DECLINED = 402
_TOKENLESS = "/oauth2/"
"""Where the application proves itself, and not the seller."""


class SquareFace:
    """connect.squareup.com and its sandbox over the far side's books, for any access token: each is a seller of its own."""

    def __init__(self, far_side: FarSide) -> None:
        self._far_side = far_side

    def handle(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, *, spoil: Spoil = Spoil.NOTHING
    ) -> Reply:
        """Serves one request. Under a key only what was done is remembered: neither a 500 nor a decline is. UNCONFIRMED of a
        decline; CONFIRMED that the first *successful* answer comes again, and this is the harder world for a client: a second
        payment may come under the same key, with the same note."""
        try:
            endpoint, ref = _endpoint(method, path)
            _check_version(headers.get("square-version", ""))
            token = "" if path.startswith(_TOKENLESS) else _token(headers.get("authorization", ""))
            if spoil is Spoil.EFFECT:
                return server_error()
            self._settle()
            call = _Asked(endpoint, ref, token, query, body)
            answer = self._read(call) if endpoint.reads or method == "GET" else self._written(call)
        except Refused as refusal:
            return refused(refusal)
        return server_error() if spoil is Spoil.ANSWER else answer

    def writes(self, method: str, path: str) -> bool:
        """Searches are read by POST."""
        return method != "GET" and path not in _READ_BY_POST

    def turn_away(self, status: int) -> Reply:
        """A front end's no, in Square's words. UNCONFIRMED: that its 5xx are JSON."""
        return turned_away(status)

    def _read(self, asked: _Asked) -> Reply:
        with self._far_side.reading(FACE) as desk:
            return reply(200, asked.endpoint.answer(asked.call(desk)))

    def _written(self, asked: _Asked) -> Reply:
        with self._far_side.transaction(FACE) as desk:
            call = asked.call(desk)
            key = _key(call, asked.endpoint)
            before = saved(desk, key) if key else None
            if before is not None:
                return _again(before, call)
            answer = asked.endpoint.answer(call)
            made = reply(_DECLINED if "errors" in answer else 200, answer)
            if key and made.status == 200:
                save(desk, Answer(key, _fingerprint(call.body), asked.endpoint.path, "", made.status, made.body))
        return made if asked.endpoint.after is None else reply(200, asked.endpoint.after(call, answer))

    def _settle(self) -> None:
        """What is due was done before anybody asked."""
        with self._far_side.reading(FACE) as desk:
            waiting = captures.any_due(desk)
        if waiting:
            with self._far_side.transaction(FACE) as desk:
                captures.settle(desk)


class _Asked:
    """One request whose endpoint is known."""

    def __init__(self, endpoint: Endpoint, ref: str, token: str, query: str, body: bytes) -> None:
        self.endpoint, self._ref, self._token, self._query, self._body = endpoint, ref, token, query, body

    def call(self, desk: Desk) -> Call:
        merchant = merchant_of(desk, self._token) if self._token else ""
        query, body = read_query(self.endpoint.query, self._query), read_body(self.endpoint.body, self._body)
        return Call(desk, merchant, self._ref, query, body)


def _key(call: Call, endpoint: Endpoint) -> str | None:
    """UNCONFIRMED: that a key is one seller's and one endpoint's."""
    key = call.body.get("idempotency_key") if endpoint.keyed else None
    return f"{call.merchant} {endpoint.method} {endpoint.path} {call.ref} {key}" if key else None


def _again(before: Answer, call: Call) -> Reply:
    """CONFIRMED: the first successful answer again, and the sentence for another body. UNCONFIRMED: how long keys live (here a
    day)."""
    if before.fingerprint != _fingerprint(call.body):
        detail = "The idempotency key can only be retried with the same request data."
        raise Refused("IDEMPOTENCY_KEY_REUSED", detail, "idempotency_key")
    return Reply(before.status, {"Content-Type": "application/json"}, before.body)


def _fingerprint(body: Mapping[str, object]) -> str:
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _token(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused("UNAUTHORIZED", "This request could not be authorized.")
    return token.strip()


def _check_version(version: str) -> None:
    """Without one the application's own holds (UNCONFIRMED); here there is one shape for all."""
    if version and not _VERSION.match(version):
        raise Refused("INVALID_SQUARE_VERSION_FORMAT", "The Square-Version is not YYYY-MM-DD.")


def _endpoint(method: str, path: str) -> tuple[Endpoint, str]:
    """Literal paths win over those with a name in them, which stands last or before the last word."""
    parts = path.split("/")
    others = False
    for place in (None, -1, -2):
        ref = unquote(parts[place]) if place is not None and len(parts) > 3 else ""
        pattern = "/".join("{}" if ref and index == len(parts) + (place or 0) else part for index, part in enumerate(parts))
        found = _ROUTES.get(pattern, {})
        if method in found and bool(ref) == ("{}" in pattern):
            return found[method], ref
        others = others or bool(found)
    if others:
        raise Refused("METHOD_NOT_ALLOWED", f"{method} is not allowed here.")
    raise Refused("NOT_FOUND", f"There is no resource at {path}.")


def _routes() -> dict[str, dict[str, Endpoint]]:
    routes: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        pattern = "/".join("{}" if part.startswith("{") else part for part in endpoint.path.split("/"))
        routes.setdefault(pattern, {})[endpoint.method] = endpoint
    return routes


_ROUTES = _routes()
_READ_BY_POST = {endpoint.path for endpoint in ENDPOINTS if endpoint.reads}
