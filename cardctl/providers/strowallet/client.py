"""Strowallet's endpoints: each request with the key put in, each answer judged, and what nobody may keep taken out of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode

from cardctl.errors import CardctlError, ProviderHasNot, ProviderRefused, ProviderUnavailable, ReplyLost
from cardctl.providers.http import Http, Reply
from cardctl.providers.strowallet import wire
from cardctl.providers.strowallet.judging import SLASH_HINT, refusal, succeeded, wants_a_form

TAKE = 50
"""Rows of a page of history, the most that it gives."""
_JSON = {"accept": "application/json", "content-type": "application/json"}
_FORM = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
_PROOF = {  # the members that prove a yes where an answer says neither yes nor no
    wire.WALLET: ("balance", "data"),
    wire.FUND_CARD: ("apiresponse",),
    wire.WITHDRAW: ("apiresponse", "data"),
    wire.WITHDRAW_STATUS: ("data", "status"),
    wire.NFC_CUSTOMER: ("data", "response", "status"),
    wire.NFC_MONEY: ("apiresponse", "data", "response"),
    wire.HISTORY: ("response", "data", "transactions"),
    wire.STATUS: ("message",),  # what it really did is read back
    wire.NFC_STATUS: ("message",),
}
_ANY_PROOF = ("response", "data")


class PageMissing(ProviderUnavailable):
    """An address that Strowallet does not have (it answers those with a page for people), or whose answer is not understood."""


class StrowalletClient:
    """What cardctl asks of Strowallet. Errors: those of http.Http.send and of judging.refusal; a redirect is an error, since
    whoever follows it turns a write into a read.

    `base` is the address without a slash at its end; `slash` says whether paths have one; `sandbox` sends `mode=sandbox` where
    it is taken. Answers are given without what wire.harmless drops.
    """

    def __init__(self, http: Http, base: str, key: str, *, nfc: bool, slash: bool, sandbox: bool) -> None:
        self._http = http
        self._base = base
        self._key = key
        self._slash = slash
        self._sandbox = sandbox
        self.nfc = nfc

    def close(self) -> None:
        self._http.close()

    def path(self, endpoint: str) -> str:
        """The path that a draft names."""
        return wire.path_of(endpoint, slash=self._slash)

    def write(
        self, method: str, path: str, body: Mapping[str, Any], *, repeatable: bool = False, urgent: bool = False
    ) -> dict[str, Any]:
        """Sends one write. `repeatable`: it may be sent again without harm; no other is, unless it surely did not run."""
        return self._judged(path, self._sent(method, path, body, keyed=repeatable, urgent=urgent), writing=True)

    def customer(self, *, ref: str | None = None, email: str | None = None) -> dict[str, Any]:
        """A customer by id or by email (an NFC customer: by email alone). ProviderHasNot where it is not there."""
        if self.nfc:
            found = self._read("GET", wire.NFC_CUSTOMER, {"email": email or ref})
        else:
            found = self._read("GET", wire.CUSTOMER, {"customerId": ref} if ref else {"customerEmail": email})
        if any(name in found and not found[name] for name in _ANY_PROOF):  # a yes about nobody
            raise ProviderHasNot(f"strowallet has no customer {ref or email}")
        return found

    def card(self, ref: str, *, urgent: bool = False) -> dict[str, Any]:
        """A card's detail, without its numbers."""
        detail: dict[str, Any] = wire.harmless(self._detail(ref, urgent=urgent))
        return detail

    def revealed(self, ref: str) -> dict[str, Any]:
        """The detail with `card_number` and `cvv`, for one look."""
        return self._detail(ref)

    def recent(self, ref: str) -> list[dict[str, Any]]:
        """The newest rows of a card's history."""
        if self.nfc:
            return wire.rows_in(self._read("GET", wire.NFC_RECENT, {"card_id": ref}))
        return wire.rows_in(self._read("POST", wire.RECENT, {"card_id": ref}))

    def history(self, ref: str, page: int) -> list[dict[str, Any]]:
        """A page of the whole history, from 1. PageMissing or ProviderRefused where it is not served; the shape
        of its answer is UNCONFIRMED."""
        return wire.rows_in(self._read("GET", wire.HISTORY, {"card_id": ref, "page": str(page), "take": str(TAKE)}))

    def withdrawal(self, reference: str) -> dict[str, Any]:
        """How a withdrawal goes on, by the reference that its answer gave."""
        return self._read("GET", wire.WITHDRAW_STATUS, {"reference": reference})

    def wallet(self) -> tuple[dict[str, Any], Reply]:
        """The float's balance, and the whole reply for its latency and clock."""
        path = self.path(wire.WALLET)
        reply = self._sent("GET", path, {}, keyed=None)
        return self._judged(path, reply, writing=False), reply

    def _detail(self, ref: str, *, urgent: bool = False) -> dict[str, Any]:
        method, endpoint = ("GET", wire.NFC_CARD_DETAIL) if self.nfc else ("POST", wire.CARD_DETAIL)
        path = self.path(endpoint)
        reply = self._sent(method, path, self._moded(endpoint, {"card_id": ref}), keyed=None, urgent=urgent)
        return self._judged(path, reply, writing=False, whole=True)

    def _read(self, method: str, endpoint: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        path = self.path(endpoint)
        return self._judged(path, self._sent(method, path, self._moded(endpoint, parameters), keyed=None), writing=False)

    def _moded(self, endpoint: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {**parameters, **({"mode": "sandbox"} if self._sandbox and endpoint in wire.MODED else {})}

    def _sent(
        self, method: str, path: str, parameters: Mapping[str, Any], *, keyed: bool | None, urgent: bool = False
    ) -> Reply:
        """The key goes with the parameters: in the query of a GET, in the body of all others."""
        whole = {"public_key": self._key, **parameters}
        url = self._base + path
        if method == "GET":
            return self._http.send(method, f"{url}?{urlencode(whole)}", headers=_JSON, keyed=keyed, urgent=urgent)
        reply = self._http.send(method, url, headers=_JSON, content=json.dumps(whole), keyed=keyed, urgent=urgent)
        if method == "POST" and wants_a_form(reply.status, reply.data) and not reply.doubtful:
            return self._http.send(method, url, headers=_FORM, content=urlencode(whole), keyed=keyed, urgent=urgent)
        return reply

    def _judged(self, path: str, reply: Reply, *, writing: bool, whole: bool = False) -> dict[str, Any]:
        proof: Collection[str] = _PROOF.get(wire.endpoint_of(path), _ANY_PROOF)
        told = succeeded(reply.status, reply.data, proof)
        if told:
            data: dict[str, Any] = reply.data if whole else wire.harmless(reply.data)
            return data
        raise self._error(reply, told, writing=writing)

    def _error(self, reply: Reply, told: bool | None, *, writing: bool) -> CardctlError:
        # the answer                        to a read             to a write
        # a redirect                        ProviderUnavailable   ProviderRefused
        # a no in its own words             its kind              its kind; ReplyLost where an earlier attempt may have run
        # a page, or neither yes nor no     ProviderUnavailable   ReplyLost
        if 300 <= reply.status < 400:
            kind = ProviderRefused if writing else ProviderUnavailable
            error: CardctlError = kind(f"strowallet redirects this request ({reply.status})", hint=SLASH_HINT)
        elif told is False and isinstance(reply.data, dict) and reply.data:
            error = refusal(reply.status, reply.data, self._key)
        else:
            return _strange(reply.status, writing=writing)
        return (
            ReplyLost(f"a request to strowallet may have run; to its repetition {error.message}") if reply.doubtful else error
        )


def _strange(status: int, *, writing: bool) -> CardctlError:
    message = f"an answer of {status} came that is not in Strowallet's words"
    if writing:
        return ReplyLost(f"{message}; the request may have run")
    missing = status in (404, 405) or 200 <= status < 300
    return PageMissing(message) if missing else ProviderUnavailable(message)
