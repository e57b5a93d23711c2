"""Stripe's endpoints, one method each, wire in and wire out, through the official SDK over our HTTP client; no domain words."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import httpx
import stripe

from cardctl.errors import ProviderUnavailable, SecretWrongMode
from cardctl.providers.http import Http, Reply
from cardctl.providers.stripe_issuing.event_lists import EVENT_TYPES, SALE_EVENT_TYPES, body_of, newest_first
from cardctl.providers.stripe_issuing.judging import is_stripes, judged, strange
from cardctl.providers.stripe_issuing.listing import side_by_side
from cardctl.providers.stripe_issuing.windows import PAGE, Page, Window
from cardctl.providers.stripe_issuing.wire import (
    AUTHORIZATIONS,
    CARDHOLDERS,
    CARDS,
    CHECKOUTS,
    REFUNDS,
    SALES,
    TRANSACTIONS,
    StripeAuthorization,
    StripeCard,
    StripeCardholder,
    StripeCheckout,
    StripeRefund,
    StripeSale,
    StripeTransaction,
    one_of,
)

stripe.enable_telemetry = False
logging.getLogger("stripe").setLevel(logging.WARNING)  # at DEBUG it logs bodies

API_VERSION = "2026-10-28.endive"
TEST_AUTHORIZATIONS = "/v1/test_helpers/issuing/authorizations"
BALANCE = "/v1/balance"
EVENTS = "/v1/events"

_KEY = re.compile(r"(?:sk|rk)_(live|test)_[!-~]+\Z")


def mode_of(key: str, environment: str) -> str:
    """ "live" or "test"; SecretWrongMode, before anything is sent, where the key is not of the environment's mode."""
    # environment   wanted     a key of the other mode
    # live          sk_live_   would write to the test programme as if it were real
    # sandbox       sk_test_   would move real money
    # simulator     sk_test_   would lay a real key open to a far side that is none
    wanted = "live" if environment == "live" else "test"
    found = _KEY.match(key)
    if found is None:
        raise SecretWrongMode("stripe.api_key is not a Stripe secret key", hint=f"it begins with sk_{wanted}_ or rk_{wanted}_")
    if found[1] != wanted:
        hint = f"{environment} needs one that begins with sk_{wanted}_ or rk_{wanted}_"
        raise SecretWrongMode(f"stripe.api_key is a {found[1]} key, and this is {environment}", hint=hint)
    return wanted


class StripeIssuingClient:
    """What cardctl asks of Stripe. Errors: those of http.Http.send and of the table above."""

    def __init__(self, http: Http, api_key: str, account: str | None = None, base_url: str | None = None) -> None:
        self._tap = _Tap(http)
        self._sdk = stripe.StripeClient(
            api_key,
            stripe_account=account,
            stripe_version=API_VERSION,
            base_addresses={"api": base_url} if base_url else {},
            max_network_retries=0,
            http_client=self._tap,
        )

    def close(self) -> None:
        self._tap.close()

    def post(self, path: str, body: dict[str, Any], key: str, *, urgent: bool = False) -> dict[str, Any]:
        """Sends one write under its idempotency key; an urgent one waits for no breaker and no budget."""
        with self._tap.hurrying(urgent):
            return self._object("post", path, body, {"idempotency_key": key})

    def get(self, path: str) -> dict[str, Any]:
        return self._object("get", path)

    def card(self, ref: str) -> StripeCard:
        return cast(StripeCard, self.get(one_of(CARDS, ref)))

    def revealed(self, ref: str) -> StripeCard:
        """The card with `number` and `cvc`, which no other call gives."""
        return cast(StripeCard, self._object("get", one_of(CARDS, ref), {"expand": ["number", "cvc"]}))

    def cardholder(self, ref: str) -> StripeCardholder:
        return cast(StripeCardholder, self.get(one_of(CARDHOLDERS, ref)))

    def authorise(self, card: str, amount: int, currency: str, merchant: str) -> StripeAuthorization:
        """A test purchase; a repetition would be another one, so no key is given but the SDK's own."""
        body = {"card": card, "amount": amount, "currency": currency, "merchant_data": {"name": merchant}}
        return cast(StripeAuthorization, self._object("post", TEST_AUTHORIZATIONS, body))

    def capture(self, authorization: str) -> StripeAuthorization:
        return cast(StripeAuthorization, self._object("post", f"{one_of(TEST_AUTHORIZATIONS, authorization)}/capture"))

    def balance(self) -> Reply:
        """The whole reply, for its latency and clock; `data` is a StripeBalance."""
        return self._request("get", BALANCE)

    def cards(self, *, cardholder: str | None = None) -> Iterator[list[StripeCard]]:
        """All of them in no order, several pages at a time; one holder's newest first."""
        pages = self._pages(CARDS, {"cardholder": cardholder}) if cardholder else self._all(CARDS)
        return cast(Iterator[list[StripeCard]], pages)

    def cardholders(self, *, since: int | None = None) -> Iterator[list[StripeCardholder]]:
        """All of them in no order, several pages at a time; those made since then newest first."""
        pages = self._all(CARDHOLDERS) if since is None else self._pages(CARDHOLDERS, _since(since))
        return cast(Iterator[list[StripeCardholder]], pages)

    def newest_cardholder(self) -> StripeCardholder | None:
        data = self._object("get", CARDHOLDERS, {"limit": 1}).get("data") or [None]
        return cast(StripeCardholder | None, data[0])

    def authorizations(self, *, card: str | None = None, since: int | None = None) -> Iterator[list[StripeAuthorization]]:
        pages = self._pages(AUTHORIZATIONS, {"card": card, **_since(since)})
        return cast(Iterator[list[StripeAuthorization]], pages)

    def transactions(self, *, card: str | None = None, since: int | None = None) -> Iterator[list[StripeTransaction]]:
        pages = self._pages(TRANSACTIONS, {"card": card, **_since(since)})
        return cast(Iterator[list[StripeTransaction]], pages)

    def sale(self, ref: str) -> StripeSale:
        """With its charge, which has what was refunded of it."""
        return cast(StripeSale, self._object("get", one_of(SALES, ref), {"expand": ["latest_charge"]}))

    def checkout(self, ref: str) -> StripeCheckout:
        return cast(StripeCheckout, self.get(one_of(CHECKOUTS, ref)))

    def checkouts(self) -> Iterator[list[StripeCheckout]]:
        """Newest first."""
        return cast(Iterator[list[StripeCheckout]], self._pages(CHECKOUTS, {}))

    def checkouts_of(self, sale: str) -> list[StripeCheckout]:
        """Those that a payment was made in: one, or none."""
        return cast(list[StripeCheckout], self._object("get", CHECKOUTS, {"payment_intent": sale}).get("data") or [])

    def sale_refund(self, ref: str) -> StripeRefund:
        return cast(StripeRefund, self.get(one_of(REFUNDS, ref)))

    def sale_refunds(self, sale: str) -> Iterator[list[StripeRefund]]:
        return cast(Iterator[list[StripeRefund]], self._pages(REFUNDS, {"payment_intent": sale}))

    def events(self, *, since: int | None = None, until: int | None = None) -> Iterator[list[bytes]]:
        """Of both lists of types, newest first, each a JSON text; made from `since` on and before `until`."""
        bounds = {name: value for name, value in (("gte", since), ("lt", until)) if value is not None}
        made = {"created": bounds} if bounds else {}
        lists = (self._pages(EVENTS, {"types": list(types), **made}) for types in (EVENT_TYPES, SALE_EVENT_TYPES))
        for page in newest_first(*lists):
            yield [body_of(event) for event in page]

    def page(self, path: str, window: Window, **more: Any) -> Page:
        """A page of one window of a list; `more` are parameters that it takes beside."""
        page = self._object("get", path, {**window.filters, **more, "limit": PAGE})
        return Page(page.get("data") or [], bool(page.get("has_more")))

    def _all(self, path: str) -> Iterator[list[dict[str, Any]]]:
        return side_by_side(lambda window: self.page(path, window))

    def _pages(self, path: str, filters: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """Newest first, until Stripe says that there is no more."""
        cursor: str | None = None
        while True:
            page = self._object("get", path, {**filters, "limit": PAGE, "starting_after": cursor})
            items: list[dict[str, Any]] = page.get("data") or []
            if items:
                yield items
            if not page.get("has_more"):
                return
            if not items or items[-1].get("id") in (None, cursor):
                raise ProviderUnavailable(f"stripe's list {path} does not go on, though it says that there is more")
            cursor = items[-1]["id"]

    def _object(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, options: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        data: dict[str, Any] = self._request(method, path, params, options).data
        return data

    def _request(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, options: Mapping[str, str] | None = None
    ) -> Reply:
        try:
            answer = self._sdk.raw_request(method, path, **(params or {}), **(options or {}))
        except stripe.StripeError as error:
            raise judged(error, cast(_Tapped, error.headers).reply) from None  # the SDK's error holds the whole body
        return cast(_Tapped, answer.headers).reply


class _Tapped(httpx.Headers):
    """The headers that go through the SDK, with our reply behind them: so it needs no state per thread to come out again."""

    reply: Reply

    def __bool__(self) -> bool:
        return True  # the SDK replaces headers that are false


class _Tap(stripe.HTTPClient):
    """Our client under the SDK, which builds, signs and judges requests.

    The SDK is given `{}` for a success: it would parse the body again, with floats, and log it, numbers of cards included.
    """

    name = "httpx"

    def __init__(self, http: Http) -> None:
        super().__init__()
        self._http = http
        self._hurry = threading.local()

    @contextmanager
    def hurrying(self, urgent: bool) -> Iterator[None]:
        """Requests of this thread inside the block are urgent: the SDK has no way to hand this on."""
        self._hurry.now = urgent
        try:
            yield
        finally:
            self._hurry.now = False

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, *, _usage: Any = None
    ) -> tuple[str, int, Mapping[str, str]]:
        keyed = None if method == "get" else True
        urgent = getattr(self._hurry, "now", False)
        reply = self._http.send(method, url, headers=headers or {}, content=post_data, keyed=keyed, urgent=urgent)
        if not is_stripes(reply):
            raise strange(method, reply)
        tapped = _Tapped(reply.headers)
        tapped.reply = reply
        text = "{}" if 200 <= reply.status < 300 else reply.body.decode("utf-8", "replace")
        return text, reply.status, tapped

    def close(self) -> None:
        self._http.close()


def _since(since: int | None) -> dict[str, Any]:
    return {} if since is None else {"created": {"gte": since}}
