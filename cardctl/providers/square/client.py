"""Square's endpoints over our HTTP client, wire in and wire out; what an answer means is judging.py, and no domain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import unquote, urlencode

import orjson

from cardctl.domain.redaction import Secret
from cardctl.errors import ProviderUnavailable, ReplyLost, SecretProblem
from cardctl.providers.http import Http, Reply
from cardctl.providers.square import judging
from cardctl.providers.square.oauth import Tokens
from cardctl.providers.square.wire import (
    CANCEL_BY_KEY,
    CARDS,
    CUSTOMER_SEARCH,
    CUSTOMERS,
    EVENTS,
    LOCATIONS,
    PAYMENTS,
    REFUNDS,
    VERSION,
    SquareCard,
    SquareCustomer,
    SquarePayment,
    SquareRefund,
    one_of,
)

PAGE = 100
"""The most that a page of payments, refunds, customers or events has; cards come 25 at a time, and take no limit (SPEC)."""
_SECRET = frozenset({"customer_id", "exact"})
"""Members of what a read asks for whose value no message may have in it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A page of a list; `cursor` asks for the next one, None after the last."""

    rows: list[dict[str, Any]]
    cursor: str | None


class SquareClient:
    """What cardctl asks of Square. Errors: those of http.Http.send and of judging.answered."""

    def __init__(self, http: Http, base_url: str, tokens: Tokens) -> None:
        self._http = http
        self._base = base_url
        self._tokens = tokens

    def close(self) -> None:
        self._http.close()

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        key: str | None = None,
        urgent: bool = False,
        secret: Iterable[str] = (),
    ) -> dict[str, Any]:
        """The answer to one write. `key` goes into the body, where Square wants it; `body` None sends none at all (/cancel and
        /disable take none). Every write of ours has a key, or says what shall be, so that repeating it does no harm. `secret`
        are the names in it that no message may have."""
        told = None if body is None else dict(body) if key is None else {**body, "idempotency_key": key}
        content = None if told is None else orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
        reply = self._send(method, path, content, keyed=True, urgent=urgent)
        return judging.answered(reply, write=True, secret=secret)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        reply = self.ask(path, query)
        return judging.answered(reply, write=False, secret=_secrets(path, query))

    def ask(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        """The whole reply to a read, whatever it says."""
        return self._send("GET", f"{path}?{urlencode(query)}" if query else path, None, keyed=None)

    def ping(self, location: str | None) -> Reply:
        """The seller's location, or all of them."""
        reply = self.ask(one_of(LOCATIONS, location) if location else LOCATIONS)
        judging.answered(reply, write=False)
        return reply

    def customer(self, ref: str) -> SquareCustomer:
        return cast(SquareCustomer, self.get(one_of(CUSTOMERS, ref))["customer"])

    def customers_called(self, reference: str) -> Iterator[SquareCustomer]:
        """Those whose reference is exactly this, but for its letters' case, oldest first. New ones are found within a minute
        (SPEC). Not in our description: the shape is the SDK's (46.0.0)."""
        exact = {"filter": {"reference_id": {"exact": reference}}, "sort": {"field": "CREATED_AT", "order": "ASC"}}
        for page in self._searched(CUSTOMER_SEARCH, "customers", {"query": exact, "limit": PAGE}):
            yield from cast(list[SquareCustomer], page)

    def card(self, ref: str) -> SquareCard:
        return cast(SquareCard, self.get(one_of(CARDS, ref))["card"])

    def cards_called(self, reference: str) -> list[SquareCard]:
        part = self.part(CARDS, "cards", {"include_disabled": "true", "reference_id": reference})
        return cast(list[SquareCard], part.rows)

    def payment(self, ref: str) -> SquarePayment:
        return cast(SquarePayment, self.get(one_of(PAYMENTS, ref))["payment"])

    def refund(self, ref: str) -> SquareRefund:
        return cast(SquareRefund, self.get(one_of(REFUNDS, ref))["refund"])

    def cancel_by_key(self, key: str) -> None:
        self.write("POST", CANCEL_BY_KEY, {"idempotency_key": key})

    def pages(self, path: str, member: str, query: Mapping[str, str], *, most: int) -> Iterator[Part]:
        """The first `most` pages of a list."""
        cursor: str | None = None
        for _ in range(most):
            part = self.part(path, member, query, cursor)
            yield part
            cursor = part.cursor
            if cursor is None:
                return

    def part(self, path: str, member: str, query: Mapping[str, str], cursor: str | None = None) -> Part:
        """One page of a list. A cursor belongs to the query that it came from."""
        page = self.get(path, {**query, "cursor": cursor} if cursor else query)
        return _part(page, member, cursor)

    def events(self, query: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """The notifications of the last 28 days that search was enabled in (beta; the shape is the SDK's, 46.0.0)."""
        yield from self._searched(EVENTS, "events", {"query": query, "limit": PAGE})

    def _searched(self, path: str, member: str, body: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
        cursor: str | None = None
        while True:
            asked = {**body, "cursor": cursor} if cursor else body
            content = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
            reply = self._send("POST", path, content, keyed=None)  # a search is a read
            part = _part(judging.answered(reply, write=False, secret=_secrets(path, asked)), member, cursor)
            yield part.rows
            if part.cursor is None:
                return
            cursor = part.cursor

    def _send(self, method: str, path: str, content: bytes | None, *, keyed: bool | None, urgent: bool = False) -> Reply:
        """The reply, with a new token where the old one has run out: a 401 has done nothing, whatever came before it."""
        token = self._tokens.current()
        reply = self._once(method, path, content, token, keyed, urgent)
        if not judging.wants_new_token(reply):
            return reply
        try:
            newer = self._tokens.renewed(token)
            if newer is None:
                return reply
            again = self._once(method, path, content, newer, keyed, urgent)
        except (ProviderUnavailable, SecretProblem) as error:
            if keyed is not None and reply.doubtful:
                raise ReplyLost(f"a request to square may have run; then {error.message}") from error
            raise
        return replace(again, doubtful=again.doubtful or reply.doubtful)

    def _once(self, method: str, path: str, content: bytes | None, token: Secret, keyed: bool | None, urgent: bool) -> Reply:
        headers = {"authorization": f"Bearer {token.reveal()}", "square-version": VERSION, "accept": "application/json"}
        if content is not None:
            headers["content-type"] = "application/json"
        return self._http.send(method, self._base + path, headers=headers, content=content, keyed=keyed, urgent=urgent)


def _part(page: Mapping[str, Any], member: str, asked: str | None) -> Part:
    """An absent or empty cursor ends a list, and an empty list may be left out (SPEC)."""
    rows, cursor = page.get(member) or [], page.get("cursor") or None
    if cursor is not None and cursor == asked:
        raise ProviderUnavailable(f"square's list of {member} does not go on, though it says that there is more")
    return Part(rows, cursor)


def _secrets(path: str, told: Any) -> list[str]:
    """The names in a read that no message may have in it; a draft says its own."""
    parts = path.partition("?")[0].split("/")
    found = [unquote(part) for part in parts[3:4] if parts[2] in ("customers", "cards")]
    waiting = [told]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            found += [item for name, item in value.items() if name in _SECRET and isinstance(item, str)]
            waiting.extend(value.values())
    return found
