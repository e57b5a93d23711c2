"""One request from its headers to its reply: key, endpoint, parameters, idempotency; the nouns' files do the rest."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from cardctl.simulator.answers import Answer, save, saved
from cardctl.simulator.books import FarSide
from cardctl.simulator.faces.stripe import (
    authorizations,
    balance,
    cardholders,
    cards,
    charges,
    checkouts,
    disputes,
    endpoints,
    events,
    payment_intents,
    sale_refunds,
    transactions,
)
from cardctl.simulator.faces.stripe.calls import Call, Endpoint
from cardctl.simulator.faces.stripe.errors import Problem, expired_key, no_such, rate_limited, server_error, unrecognized
from cardctl.simulator.faces.stripe.objects import API_VERSION
from cardctl.simulator.faces.stripe.parameters import decode
from cardctl.simulator.issuing import BankRefuses
from cardctl.simulator.rows import NoSuch, Record
from cardctl.simulator.sales import lapsing
from cardctl.simulator.wire import Reply, Spoil

ENDPOINTS: tuple[Endpoint, ...] = (
    *cardholders.ENDPOINTS,
    *cards.ENDPOINTS,
    *authorizations.ENDPOINTS,
    *transactions.ENDPOINTS,
    *balance.ENDPOINTS,
    *disputes.ENDPOINTS,
    *events.ENDPOINTS,
    *endpoints.ENDPOINTS,
    *payment_intents.ENDPOINTS,
    *charges.ENDPOINTS,
    *checkouts.ENDPOINTS,
    *sale_refunds.ENDPOINTS,
)

_FORM = "application/x-www-form-urlencoded"
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class _Request:
    id: str
    method: str
    path: str
    key: str | None
    version: str


class StripeFace:
    """api.stripe.com over the far side's books, in test mode."""

    def __init__(self, far_side: FarSide) -> None:
        self._far_side = far_side

    def handle(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, *, spoil: Spoil = Spoil.NOTHING
    ) -> Reply:
        """Serves one request; every answer, refusals too, is a Reply with a Request-Id."""
        key = headers.get("idempotency-key") if method == "POST" else None
        request = _Request(_new_id(), method, path, key, headers.get("stripe-version", API_VERSION))
        try:
            _check_key(headers.get("authorization", ""))
            endpoint, ref = _endpoint(method, path)
            sent = decode(query) | decode(_form(headers, body))
            params = endpoint.takes.read("", sent)
            self._settle()
            if method == "GET":
                with self._far_side.reading("stripe") as desk:
                    status, answer = 200, _run(endpoint, Call(desk, path, ref, params))
            else:
                return self._write(request, endpoint, ref, sent, params, spoil)
        except Problem as problem:
            status, answer = problem.status, problem.body(request.id, self._far_side.now())
        return _reply(request, status, answer)

    def writes(self, method: str, path: str) -> bool:
        return method != "GET"

    def turn_away(self, status: int) -> Reply:
        """A front end's 401, 429 or 5xx, before anything else looked at the request."""
        request = _Request(_new_id(), "", "", None, API_VERSION)
        problem = {401: expired_key, 429: rate_limited}.get(status, server_error)()
        return _reply(request, status, problem.body(request.id, self._far_side.now()))

    def _settle(self) -> None:
        """What is due was done before anybody asked."""
        with self._far_side.reading("stripe") as desk:
            waiting = lapsing.any_due(desk)
        if waiting:
            with self._far_side.transaction("stripe") as desk:
                lapsing.settle(desk)

    def _write(
        self, request: _Request, endpoint: Endpoint, ref: str, sent: Record, params: Mapping[str, Any], spoil: Spoil
    ) -> Reply:
        """The effect and its answer under the key, in one transaction; who comes second with the key gets the first answer."""
        fingerprint = hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()
        with self._far_side.transaction("stripe") as desk:
            if request.key is not None:
                _check_length(request.key)
                known = saved(desk, request.key)
                if known is not None:
                    return _replay(request, known, fingerprint)
            desk.db.asked_by = request.id, request.key
            status, answer = _execute(request, endpoint, Call(desk, request.path, ref, params), spoil)
            if request.key is not None:
                save(desk, Answer(request.key, fingerprint, request.path, request.id, status, answer))
        return _reply(request, status, answer)


def _execute(request: _Request, endpoint: Endpoint, call: Call, spoil: Spoil) -> tuple[int, bytes]:
    failure = server_error().body(request.id, call.desk.now)
    if spoil is Spoil.EFFECT:
        return 500, failure
    call.desk.db.execute("SAVEPOINT effect")
    try:
        status, answer = 200, _run(endpoint, call)
    except Problem as problem:  # a refusal is an answer like any other, and is saved; most have no effect
        if not problem.keeps_effect:
            call.desk.db.execute("ROLLBACK TO effect")
        status, answer = problem.status, problem.body(request.id, call.desk.now)
    call.desk.db.execute("RELEASE effect")
    return (500, failure) if spoil is Spoil.ANSWER else (status, answer)


def _run(endpoint: Endpoint, call: Call) -> bytes:
    try:
        return orjson.dumps(endpoint.answer(call))
    except NoSuch as none:
        named = next((name for name, value in call.params.items() if value == none.ref), None)
        raise no_such(none.table, none.ref, None if none.ref == call.ref else named or "card") from none
    except BankRefuses as refusal:
        raise Problem(400, refusal.message, code=refusal.code).about(refusal.field) from refusal


def _replay(request: _Request, known: Answer, fingerprint: str) -> Reply:
    advice = f"Try using a key other than '{known.key}' if you meant to execute a different request."
    if known.path != request.path:
        which = f"for the same endpoint they were first used for ('{request.path}' vs '{known.path}')"
        raise Problem(400, f"Keys for idempotent requests can only be used {which}. {advice}", kind="idempotency_error")
    if known.fingerprint != fingerprint:
        which = "with the same parameters they were first used with"
        raise Problem(400, f"Keys for idempotent requests can only be used {which}. {advice}", kind="idempotency_error")
    reply = _reply(request, known.status, known.body)
    return Reply(
        reply.status, {**reply.headers, "Idempotent-Replayed": "true", "Original-Request": known.request_id}, reply.body
    )


def _reply(request: _Request, status: int, body: bytes) -> Reply:
    headers = {"Content-Type": "application/json", "Request-Id": request.id, "Stripe-Version": request.version}
    if request.key is not None:
        headers |= {"Idempotency-Key": request.key, "Original-Request": request.id}
    return Reply(status, headers, body)


def _endpoint(method: str, path: str) -> tuple[Endpoint, str]:
    literal = _ROUTES.get((method, path))
    if literal is not None:
        return literal, ""
    parts = path.split("/")
    for place in (len(parts) - 1, len(parts) - 2):  # the object's name stands last, or before a verb
        found = _ROUTES.get((method, "/".join([*parts[:place], "{}", *parts[place + 1 :]])))
        if found is not None and parts[place]:
            return found, parts[place]
    raise unrecognized(method, path)


def _pattern(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


_ROUTES = {(endpoint.method, _pattern(endpoint.path)): endpoint for endpoint in ENDPOINTS}


def _check_key(authorization: str) -> None:
    scheme, _, given = authorization.partition(" ")
    if scheme == "Basic":
        try:
            given = base64.b64decode(given).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            given = ""
    if not given:
        raise Problem(401, "You did not provide an API key. You need to provide your API key in the Authorization header.")
    if not given.startswith(("sk_test_", "rk_test_")):
        raise Problem(401, f"Invalid API Key provided: ****{given[-4:] if len(given) > 16 else ''}")


def _check_length(key: str) -> None:
    if not 1 <= len(key) <= 255:
        raise Problem(400, f"Idempotency keys have 1 to 255 characters; yours has {len(key)}.", kind="idempotency_error")


def _form(headers: Mapping[str, str], body: bytes) -> bytes:
    if body and not headers.get("content-type", _FORM).startswith(_FORM):
        raise Problem(400, f"Invalid request (check that your POST content type is {_FORM}).")
    return body


def _new_id() -> str:
    return "req_" + "".join(secrets.choice(_LETTERS) for _ in range(14))
