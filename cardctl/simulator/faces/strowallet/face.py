"""One request from its headers to its reply: host, slash, endpoint, key, parameters; the nouns' files do the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cardctl.simulator.books import FarSide
from cardctl.simulator.faces.strowallet import cards, money, nfc, people
from cardctl.simulator.faces.strowallet.calls import STROWALLET, ZIIROPAY, Call, Endpoint
from cardctl.simulator.faces.strowallet.errors import nothing_such, throttled, wrong_key
from cardctl.simulator.faces.strowallet.parameters import Invalid, decode, read
from cardctl.simulator.faces.strowallet.replies import in_html, in_json, moved
from cardctl.simulator.rows import NoSuch, Record
from cardctl.simulator.strowallet import funding
from cardctl.simulator.strowallet.counter import FACE
from cardctl.simulator.strowallet.words import NFC, OLD_NFC, VIRTUAL, Refused
from cardctl.simulator.wire import Reply, Spoil

ENDPOINTS: tuple[Endpoint, ...] = (*people.ENDPOINTS, *cards.ENDPOINTS, *money.ENDPOINTS, *nfc.ENDPOINTS)

_ROOT = "/api/"
_LONGEST_QUERY = 8190
"""Characters of a query; CONFIRMED: 414 for a large base64 image in it."""

_VIRTUAL_KEY = re.compile(r"pub_\w+\Z", re.ASCII)
_NFC_KEY = re.compile(r"[0-9a-f]{40}\Z", re.ASCII)
_MADE_UP = re.compile(r"(simulator|pub_test_\w+|sk_test_\w+)\Z", re.ASCII)
"""Keys that belong to nobody open every door here, so that one profile can try both products."""


class StrowalletFace:
    """strowallet.com and ziiropay.com over the far side's books; any other host is taken for strowallet.com."""

    def __init__(self, far_side: FarSide) -> None:
        self._far_side = far_side

    def handle(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, *, spoil: Spoil = Spoil.NOTHING
    ) -> Reply:
        """Serves one request. There is no idempotency: whatever comes twice is done twice."""
        site = ZIIROPAY if headers.get("host", "").partition(":")[0].lower() == ZIIROPAY else STROWALLET
        if len(query) > _LONGEST_QUERY:
            return in_html(414)
        if _has_moved(site, path):
            return moved(_beside(path) + (f"?{query}" if query else ""))
        name, inner = _named(path)
        endpoint = _ROUTES.get((site, method, name))
        if endpoint is None:
            return in_html(405 if name in _NAMES[site] else 404)
        if spoil is Spoil.EFFECT:
            return in_html(500)
        reply = self._answered(site, endpoint, decode(query, headers, body) | inner)
        return in_html(500) if spoil is Spoil.ANSWER else reply

    def writes(self, method: str, path: str) -> bool:
        """By name: details and lists are read by POST, and an NFC card is frozen by GET."""
        return (method, _named(path)[0]) in _WRITES

    def turn_away(self, status: int) -> Reply:
        """A front end's 401 or 429, or the HTML page of an outage."""
        told = {401: wrong_key, 429: throttled}.get(status)
        return in_html(status) if told is None else told()

    def _answered(self, site: str, endpoint: Endpoint, sent: Record) -> Reply:
        """The effect in one transaction: a refusal leaves nothing of it."""
        if endpoint.keyed and not _fits(sent.get("public_key"), site, endpoint):
            return wrong_key()
        self._settle()
        opened = self._far_side.transaction if endpoint.writes else self._far_side.reading
        try:
            params = read(endpoint.takes, sent)
            with opened(FACE) as desk:
                return in_json(200, endpoint.answer(Call(desk, _world(site, endpoint), params)))
        except Invalid as invalid:
            return endpoint.manner.invalid(invalid.errors)
        except Refused as refusal:
            return endpoint.manner.refused(refusal.message)
        except NoSuch as none:
            return endpoint.manner.refused(nothing_such(none))

    def _settle(self) -> None:
        """What is due was done before anybody asked."""
        with self._far_side.reading(FACE) as desk:
            waiting = funding.any_due(desk)
        if waiting:
            with self._far_side.transaction(FACE) as desk:
                funding.settle_due(desk)


def _has_moved(site: str, path: str) -> bool:
    """CONFIRMED: strowallet.com wants a slash at the end, ziiropay.com none under bitvcard; the rate was read without one."""
    if site == ZIIROPAY:
        return path.startswith("/api/bitvcard/") and path.endswith("/")
    return not path.endswith("/") and not path.startswith("/api/exchange-rate/")


def _beside(path: str) -> str:
    """The same path with or without its slash, relative, so that it holds wherever this face is mounted."""
    last = path.rstrip("/").rpartition("/")[2]
    return f"../{last}" if path.endswith("/") else f"{last}/"


def _named(path: str) -> tuple[str, dict[str, Any]]:
    """The endpoint's name, and the parameter in the path, if any."""
    name = path.removeprefix(_ROOT).rstrip("/")
    stem, _, last = name.rpartition("/")
    if not path.startswith(_ROOT):
        return path, {}
    return (f"{stem}/{{currency}}", {"currency": last}) if stem == "wallet/balance" else (name, {})


def _world(site: str, endpoint: Endpoint) -> str:
    if not endpoint.nfc:
        return VIRTUAL
    return NFC if site == ZIIROPAY else OLD_NFC


def _fits(key: Any, site: str, endpoint: Endpoint) -> bool:
    """strowallet.com takes pub_…, ziiropay.com 40 hexadecimal digits; older NFC clients called strowallet.com with either."""
    kinds = [_MADE_UP]
    if site == STROWALLET:
        kinds.append(_VIRTUAL_KEY)
    if site == ZIIROPAY or endpoint.nfc:
        kinds.append(_NFC_KEY)
    return isinstance(key, str) and any(kind.match(key) for kind in kinds)


_ROUTES = {(site, endpoint.method, endpoint.name): endpoint for endpoint in ENDPOINTS for site in endpoint.sites}
_WRITES = {(endpoint.method, endpoint.name) for endpoint in ENDPOINTS if endpoint.writes}
_NAMES = {  # CONFIRMED: cardkyc answers 405 at strowallet.com, so it is known there
    STROWALLET: {endpoint.name for endpoint in ENDPOINTS},
    ZIIROPAY: {endpoint.name for endpoint in ENDPOINTS if ZIIROPAY in endpoint.sites},
}
