"""Marqeta's endpoints over our HTTP client, wire in and wire out; what its statuses mean, and no domain words."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

import orjson

from cardctl.domain.redaction import Secret, redact
from cardctl.errors import (
    CardctlError,
    ProviderHasNot,
    ProviderRefused,
    ProviderUnavailable,
    ReplyLost,
    SecretRefused,
)
from cardctl.providers.http import Http, Reply
from cardctl.providers.marqeta.wire import (
    BALANCES,
    CARD_PRODUCTS,
    CARD_TRANSITIONS,
    CARDS,
    CONTROLS,
    TRANSACTIONS,
    USERS,
    WEBHOOKS,
    MarqetaBalance,
    MarqetaCard,
    MarqetaControl,
    MarqetaTransaction,
    MarqetaTransition,
    MarqetaUser,
    exact_number,
    harmless,
    one_of,
)

PAGE = 100
PRODUCTS_PAGE = 10
"""More than 10 card products, or 100 of anything else, are refused (413)."""
OLDEST_FIRST = {"sort_by": "createdTime"}
"""Pages are counted by offset: in this order what is made meanwhile comes last, and moves nothing that was not read yet."""
_STATES = "PENDING,CLEARED,COMPLETION,DECLINED,ERROR"
"""Unless told, the list hides CLEARED, DECLINED and ERROR."""


@dataclass(frozen=True, slots=True)
class Part:
    """A page of a list, each row once; `following` is the index at which the next page begins, None after the last."""

    rows: list[dict[str, Any]]
    following: int | None


class MarqetaClient:
    """What cardctl asks of Marqeta. Errors: those of http.Http.send, and ProviderRefused, ProviderHasNot (404), SecretRefused
    (401); of a write also ReplyLost, where an answer does not tell what became of it."""

    def __init__(self, http: Http, base_url: str, application_token: str, admin_access_token: str) -> None:
        self._http = http
        self._base = base_url.rstrip("/")
        told = base64.b64encode(f"{application_token}:{admin_access_token}".encode()).decode("ascii")
        self._credentials = Secret(f"Basic {told}")

    def close(self) -> None:
        self._http.close()

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any],
        *,
        keyed: bool = True,
        urgent: bool = False,
        preparing: bool = False,
    ) -> dict[str, Any]:
        """The answer to one write. `keyed`: its body has a token, or says what shall be, so that repeating it does no harm.

        A 409 means that the token was used before, with another body: something ran under it, and we cannot say what. In a
        request that is only `preparing` another one, that one surely has not run.
        """
        content = orjson.dumps(body, default=exact_number, option=orjson.OPT_SORT_KEYS)
        headers = {**self._headers(), "content-type": "application/json"}
        reply = self._http.send(method, self._base + path, headers=headers, content=content, keyed=keyed, urgent=urgent)
        return _answer(reply, write=True, preparing=preparing)

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        return _answer(self.ask(path, query), write=False)

    def ask(self, path: str, query: Mapping[str, str | int] | None = None) -> Reply:
        """The whole reply to a read, whatever it says."""
        url = f"{self._base}{path}?{urlencode(query)}" if query else self._base + path
        return self._http.send("GET", url, headers=self._headers())

    def ping(self) -> Reply:
        """Marqeta's own health check, which wants the tokens like everything else."""
        reply = self.ask("/ping")
        _answer(reply, write=False)
        return reply

    def user(self, token: str) -> MarqetaUser:
        return cast(MarqetaUser, self.get(one_of(USERS, token)))

    def card(self, token: str) -> MarqetaCard:
        """With its user in it, where that is given when asked for."""
        return cast(MarqetaCard, self.get(one_of(CARDS, token), {"expand": "user"}))

    def revealed(self, token: str) -> MarqetaCard:
        """The card with its number and security code, which no other call gives: what comes is dropped nowhere."""
        reply = self.ask(f"{one_of(CARDS, token)}/showpan", {"show_cvv_number": "true"})
        _answer(reply, write=False)
        return cast(MarqetaCard, reply.data)

    def balance(self, user: str) -> MarqetaBalance:
        return cast(MarqetaBalance, self.get(one_of(BALANCES, user)).get("gpa") or {})

    def users(self) -> Iterator[list[MarqetaUser]]:
        return cast(Iterator[list[MarqetaUser]], self._pages(USERS, OLDEST_FIRST))

    def children(self, user: str) -> Iterator[list[MarqetaUser]]:
        return cast(Iterator[list[MarqetaUser]], self._pages(f"{one_of(USERS, user)}/children", OLDEST_FIRST))

    def cards_of(self, user: str) -> Iterator[list[MarqetaCard]]:
        return cast(Iterator[list[MarqetaCard]], self._pages(one_of(f"{CARDS}/user", user), OLDEST_FIRST))

    def controls_of(self, user: str) -> list[MarqetaControl]:
        pages = cast(Iterator[list[MarqetaControl]], self._pages(CONTROLS, {**OLDEST_FIRST, "user": user}))
        return [control for page in pages for control in page]

    def products(self) -> Iterator[list[dict[str, Any]]]:
        return self._pages(CARD_PRODUCTS, OLDEST_FIRST, count=PRODUCTS_PAGE)

    def transactions(self, start: str, end: str, *, card: str | None = None) -> Iterator[list[MarqetaTransaction]]:
        """Those of the days `start` to `end` (YYYY-MM-DD). Without both it looks back 30 days only."""
        pages = self._pages(TRANSACTIONS, _asked_of(start, end, "card_token", card))
        return cast(Iterator[list[MarqetaTransaction]], pages)

    def transactions_from(self, index: int, start: str, end: str, *, acting_user: str | None = None) -> Part:
        """One page of the same, from `index` on; of whoever has paid, which every transaction names (SPEC)."""
        return self.part(TRANSACTIONS, _asked_of(start, end, "acting_user_token", acting_user), index)

    def card_transitions(self, card: str) -> Iterator[list[MarqetaTransition]]:
        return cast(Iterator[list[MarqetaTransition]], self._pages(one_of(f"{CARD_TRANSITIONS}/card", card), OLDEST_FIRST))

    def webhooks(self) -> Iterator[list[dict[str, Any]]]:
        """The endpoints that are active."""
        return self._pages(WEBHOOKS, {**OLDEST_FIRST, "active": "true"})

    def resend(self, webhook: str, kind: str, token: str) -> dict[str, Any]:
        """Has a notification sent to an endpoint again, which also answers with it; `kind` is a word of the path. What is sent
        twice does no harm."""
        path = f"{one_of(one_of(WEBHOOKS, webhook), kind)}/{quote(token, safe='')}"
        reply = self._http.send("POST", self._base + path, headers=self._headers(), keyed=True)
        return _answer(reply, write=True)

    def part(self, path: str, query: Mapping[str, str], start: int, *, count: int = PAGE) -> Part:
        """The page of a list that begins at the index `start`."""
        page = self.get(path, {**query, "count": count, "start_index": start})
        items: list[dict[str, Any]] = page.get("data") or []
        rows = list({item.get("token"): item for item in items}.values())
        if not page.get("is_more"):
            return Part(rows, None)
        following = page.get("end_index", start + len(items) - 1) + 1
        if following <= start:
            raise ProviderUnavailable(f"marqeta's list {path} does not go on, though it says that there is more")
        return Part(rows, following)

    def _headers(self) -> dict[str, str]:
        return {"authorization": self._credentials.reveal(), "accept": "application/json"}

    def _pages(self, path: str, query: Mapping[str, str], *, count: int = PAGE) -> Iterator[list[dict[str, Any]]]:
        """Page by page, until Marqeta says that there is no more; what stands on two neighbouring pages comes once."""
        start: int | None = 0
        before: set[str | None] = set()
        while start is not None:
            part = self.part(path, query, start, count=count)
            if fresh := [row for row in part.rows if row.get("token") not in before]:
                yield fresh
            start, before = part.following, {row.get("token") for row in part.rows}


def _asked_of(start: str, end: str, name: str, value: str | None) -> dict[str, str]:
    query = {"state": _STATES, "sort_by": "created_time", "start_date": start, "end_date": end}
    return {**query, name: value} if value else query


def _answer(reply: Reply, *, write: bool, preparing: bool = False) -> dict[str, Any]:
    if not _is_marqetas(reply):
        raise _strange(reply, write=write)
    if reply.status >= 300:
        raise _refusal(reply, conflict=write and reply.status == 409 and not preparing)
    data: dict[str, Any] = harmless(reply.data)
    return data


def _is_marqetas(reply: Reply) -> bool:
    """Marqeta speaks in objects, and in refusals with an `error_message` (`error_code` may be missing; what is newer has `code`
    and `message`); anything else, often a page of HTML, came from something in between."""
    if not isinstance(reply.data, dict):
        return False
    if 200 <= reply.status < 300 or {"code", "message"} <= reply.data.keys():
        return True
    return isinstance(reply.data.get("error_message"), str) or isinstance(reply.data.get("error_code"), str)


def _strange(reply: Reply, *, write: bool) -> CardctlError:
    message = f"an answer of {reply.status} came that is not in Marqeta's words"
    if not write:
        return ProviderUnavailable(message)
    return ReplyLost(f"{message}; the request may have run")  # who answered may have passed the request on


def _refusal(reply: Reply, *, conflict: bool) -> CardctlError:
    """UNCONFIRMED whether a token is looked at before all else, so no refusal tells what became of an attempt before it."""
    said = reply.data
    message = f"marqeta answered {reply.status}: {redact(str(said.get('error_message') or said.get('message') or 'no reason'))}"
    if reply.doubtful:
        return ReplyLost(f"a request to marqeta may have run; to its repetition {message}")
    if conflict:
        return ReplyLost(message)
    if reply.status == 401:
        return SecretRefused(message)
    kind = ProviderHasNot if reply.status == 404 else ProviderRefused
    code = said.get("error_code") or said.get("code")
    return kind(message, vendor_code=None if code is None else str(code), request_id=reply.headers.get("x-request-id"))
