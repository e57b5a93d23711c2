"""One request from its headers to its reply: key, endpoint, parameters; the nouns' files do the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cardctl.simulator.books import FarSide
from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.zendit import esims, wallet
from cardctl.simulator.faces.zendit.calls import Call, Endpoint
from cardctl.simulator.faces.zendit.errors import refused, server_error, turned_away
from cardctl.simulator.faces.zendit.parameters import read_body, read_query
from cardctl.simulator.wire import Reply, Spoil
from cardctl.simulator.zendit import settling
from cardctl.simulator.zendit.words import FACE, Refused

ENDPOINTS: tuple[Endpoint, ...] = (*esims.ENDPOINTS, *wallet.ENDPOINTS)

_ROUTES = [(re.compile(f"{endpoint.path.replace('{}', '([^/]+)')}\\Z"), endpoint) for endpoint in ENDPOINTS]
_TEST_KEY = "sand_"


class ZenditFace:
    """test-api.zendit.io over the far side's books, for any key of the test mode: all of them are one account's."""

    def __init__(self, far_side: FarSide) -> None:
        self._far_side = far_side

    def handle(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, *, spoil: Spoil = Spoil.NOTHING
    ) -> Reply:
        """Serves one request. There are no keys: what was done and not answered is found again by its transactionId."""
        try:
            _check_key(headers.get("authorization", ""))
            endpoint, refs = _endpoint(method, path)
            if spoil is Spoil.EFFECT:
                return server_error()
            self._settle()
            visit = self._far_side.reading(FACE) if method == "GET" else self._far_side.transaction(FACE)
            with visit as desk:
                answer = endpoint.served(_call(desk, endpoint, refs, query, headers, body))
        except Refused as refusal:
            return refused(refusal)
        return server_error() if spoil is Spoil.ANSWER else answer

    def writes(self, method: str, path: str) -> bool:
        """Whatever is no GET."""
        del path
        return method != "GET"

    def turn_away(self, status: int) -> Reply:
        """A front end's no, in Zendit's words."""
        return turned_away(status)

    def _settle(self) -> None:
        """What is due was done before anybody asked."""
        with self._far_side.reading(FACE) as desk:
            waiting = settling.any_due(desk)
        if waiting:
            with self._far_side.transaction(FACE) as desk:
                settling.settle(desk)


def _call(desk: Desk, endpoint: Endpoint, refs: tuple[str, ...], query: str, headers: Mapping[str, str], body: bytes) -> Call:
    sent = read_body(endpoint.body, endpoint.required, body) if endpoint.body is not None else {}
    return Call(desk, refs, read_query(endpoint.query, query), sent, headers)


def _check_key(authorization: str) -> None:
    """CONFIRMED: keys of the test mode begin with `sand_`."""
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or not key.strip().startswith(_TEST_KEY):
        raise Refused("NOT_AUTHORIZED", "The API key is missing or not known.")


def _endpoint(method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
    """UNCONFIRMED: what another method is answered with."""
    others = False
    for pattern, endpoint in _ROUTES:
        found = pattern.match(path)
        if found and endpoint.method == method:
            return endpoint, found.groups()
        others = others or found is not None
    if others:
        raise Refused("METHOD_NOT_ALLOWED", f"{method} is not allowed here.")
    raise Refused("NOT_FOUND", f"There is nothing at {path}.")
