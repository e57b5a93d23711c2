"""Every request that the Square adapter can make, held against the official description of Square's API."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.payments import NewPayment
from cardctl.domain.saved_cards import NewCustomer, NewSavedCard
from cardctl.providers.base import Handed
from cardctl.providers.paging import SAVED
from cardctl.providers.square.declines import DECLINES, REFUSALS
from cardctl.providers.square.provider import SquareProvider, build
from cardctl.providers.square.translate import PAYMENT_STATES, REFUND_STATES
from tests.conformance.openapi import Nonconforming, _validate, check_request, check_response, load, operation
from tests.providers.conftest import Hand, hand
from tests.providers.square import objects
from tests.providers.square.far import Far
from tests.providers.square.objects import CARD, CUSTOMER, LOCATION, MARK, PAYMENT, REFUND

__all__ = ["hand"]

SPEC = "square-2025-08-20"
UNDESCRIBED = {"/v2/customers/search", "/v2/events"}
"""Not in the subset of the description; the SDK's shapes stand for them."""


def usd(minor: int) -> Money:
    return Money(minor, "USD")


class Tour:
    """A walk through everything that the provider can do, each stop by its name; each request is answered as described."""

    def __init__(self, hand: Callable[..., Handed]) -> None:
        self._hand = hand
        self.fars: list[Far] = []

    def at(self, answers: dict[str, Any] | None = None, **settings: Any) -> SquareProvider:
        self.fars.append(Far(answers))
        return build(self._hand(self.fars[-1], settings=settings))

    def send(self, provider: SquareProvider, draft: Draft) -> None:
        """Sends it, and looks for it."""
        provider.send(draft, MARK)
        provider.look_up(draft, MARK)

    def customers(self) -> None:
        provider = self.at()
        for wanted in (
            NewCustomer("buyer@example.com", email="buyer@example.com", name="Ada Lovelace"),
            NewCustomer("emp-7"),
            NewCustomer("x" * 300, name="é" * 400),
        ):
            self.send(provider, provider.draft_customer(wanted, MARK))

    def cards(self) -> None:
        provider = self.at()
        full = NewSavedCard(CUSTOMER, "cnon:card-nonce-ok", holder="Ada Lovelace", verification="verf:1", postal_code="94103")
        for wanted in (full, NewSavedCard(CUSTOMER, "cnon:card-nonce-ok")):
            self.send(provider, provider.draft_saved_card(wanted, MARK))
        self.send(provider, provider.draft_disable(CARD, MARK))

    def payments(self) -> None:
        provider = self.at(location=LOCATION)
        for more in (
            {},
            {"invoice": "I" * 40, "tip": usd(100), "verification": "verf:1"},
            {"hold": True},
            {"hold": True, "hold_for": timedelta(hours=4, seconds=1), "then_capture": True},
        ):
            self.send(provider, provider.draft_payment(NewPayment(CUSTOMER, CARD, usd(5000), **more), MARK))

    def captures(self) -> None:
        provider = self.at()
        for amount, tip in ((None, None), (usd(4210), None), (None, usd(300)), (usd(9000), usd(1))):
            self.send(provider, provider.draft_capture(PAYMENT, MARK, amount=amount, tip=tip))

    def cancels(self) -> None:
        provider = self.at()
        self.send(provider, provider.draft_cancel(PAYMENT, MARK))
        provider.cancel_by_key(MARK)

    def refunds(self) -> None:
        provider = self.at(location=LOCATION)
        for reason in (None, "x" * 500):
            self.send(provider, provider.draft_refund(PAYMENT, usd(1000), MARK, reason=reason))

    def reading(self) -> None:
        provider = self.at()
        provider.ping()
        self.at(location=LOCATION).ping()
        provider.customer(CUSTOMER)
        provider.find_customer("buyer@example.com")
        provider.saved_card(CARD)
        provider.payment(PAYMENT)
        provider.refund(REFUND)
        list(provider.events(since=datetime(2026, 1, 1, tzinfo=UTC), until=datetime(2026, 2, 1, tzinfo=UTC)))

    def whole(self) -> None:
        following = {
            "GET /v2/cards": [{"cards": [objects.card()], "cursor": "c1"}, {}],
            "GET /v2/payments": [{"payments": [objects.payment()], "cursor": "p1"}, {}],
            "GET /v2/refunds": [{"refunds": [objects.refund()], "cursor": "r1"}, {}],
        }
        for share in (False, True):
            provider = self.at({name: list(answers) for name, answers in following.items()}, location=LOCATION)
            for source in SAVED:
                spots = list(provider.openings(source, known=(), since=datetime(2026, 1, 1, tzinfo=UTC)))
                while spots:
                    spots += provider.turn(spots.pop(0), share=share).then

    @property
    def requests(self) -> list[httpx.Request]:
        return [request for far in self.fars for request in far.requests]


STOPS: list[Callable[[Tour], None]] = [
    stop for name, stop in vars(Tour).items() if name[0] != "_" and name not in ("at", "send", "requests")
]


def check(spec: dict[str, Any], request: httpx.Request, content: bytes | None = None) -> None:
    """Nonconforming unless the description has the operation and everything that the request says, and nothing is missing."""
    method, path, content = request.method, request.url.path, request.content if content is None else content
    assert request.headers["square-version"] == "2025-08-20"
    assert request.headers["authorization"].startswith("Bearer ")
    if path in UNDESCRIBED:
        return
    if method == "GET":
        assert not content
        check_request(spec, method, path, request.url.query)
        return
    described = operation(spec, method, path).get("requestBody")
    if request.url.query:
        raise Nonconforming(f"{method} {path}: no write of ours has a query")
    if described is None:
        assert not content
        assert "content-type" not in request.headers
        return
    assert request.headers["content-type"] == "application/json"
    body = json.loads(content)
    _validate(spec, described["content"]["application/json"]["schema"], body, f"{method} {path}", closed=True)
    assert 0 < len(body.get("idempotency_key", "x")) <= 45


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.__name__)
def test_what_is_sent_is_described(hand: Hand, stop: Callable[[Tour], None]) -> None:
    spec = load(SPEC)
    tour = Tour(hand)
    stop(tour)
    assert tour.requests
    for request in tour.requests:
        check(spec, request)


def test_nothing_that_the_adapter_can_ask_is_left_out(hand: Hand) -> None:
    tour = Tour(hand)
    for stop in STOPS:
        stop(tour)
    names = {CUSTOMER, CARD, PAYMENT, REFUND, LOCATION}
    asked = {
        f"{one.method} {'/'.join('…' if part in names else part for part in one.url.path.split('/'))}" for one in tour.requests
    }
    assert asked == {
        "GET /v2/locations",
        "GET /v2/locations/…",
        "POST /v2/customers",
        "GET /v2/customers/…",
        "POST /v2/customers/search",
        "POST /v2/cards",
        "GET /v2/cards",
        "GET /v2/cards/…",
        "POST /v2/cards/…/disable",
        "POST /v2/payments",
        "GET /v2/payments",
        "GET /v2/payments/…",
        "PUT /v2/payments/…",
        "POST /v2/payments/…/complete",
        "POST /v2/payments/…/cancel",
        "POST /v2/payments/cancel",
        "POST /v2/refunds",
        "GET /v2/refunds",
        "GET /v2/refunds/…",
        "POST /v2/events",
    }


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b'"amount":5000', b'"amount":"5000"'),
        (b'"amount":5000', b'"amount":50.5'),
        (b'"autocomplete":true', b'"autocomplete":"yes"'),
        (b'"autocomplete":true', b'"autocomplete":true,"colour":"red"'),
        (b'"currency":"USD"', b'"currency":"usd"'),
        (b'"idempotency_key":"op_', b'"idempotency_key":"0123456789012345678901234567890123456789'),
        (b'"note":"cardctl', b'"note":7,"x":"cardctl'),
    ],
)
def test_the_check_would_find_a_wrong_body(hand: Hand, right: bytes, wrong: bytes) -> None:
    tour = Tour(hand)
    provider = tour.at()
    provider.send(provider.draft_payment(NewPayment(CUSTOMER, CARD, usd(5000)), MARK), MARK)
    request = tour.requests[0]
    assert right in request.content
    check(load(SPEC), request)
    with pytest.raises(Nonconforming):
        check(load(SPEC), request, request.content.replace(right, wrong))


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("POST", "/v2/customers", {"customer": objects.customer()}),
        ("POST", "/v2/cards", {"card": objects.card()}),
        ("GET", "/v2/cards", {"cards": [objects.card()], "cursor": "c"}),
        ("POST", "/v2/payments", {"payment": objects.payment()}),
        ("GET", f"/v2/payments/{PAYMENT}", {"payment": objects.hold()}),
        ("POST", "/v2/refunds", {"refund": objects.refund()}),
    ],
)
def test_the_answers_that_the_adapter_is_tried_with_are_described(method: str, path: str, answer: dict[str, Any]) -> None:
    check_response(load(SPEC), method, path, 200, answer)


def test_every_word_for_a_decline_is_explained() -> None:
    """All of Square's words for a card or a refund that is refused, but the one that says that it may be tried again."""
    codes = load(SPEC)["components"]["schemas"]["ErrorCode"]["x-enum-elements"]
    of = {
        kind: {one["name"] for one in codes if one["error-category"] == kind}
        for kind in ("PAYMENT_METHOD_ERROR", "REFUND_ERROR")
    }
    assert of["PAYMENT_METHOD_ERROR"] - DECLINES.keys() == {"TEMPORARY_ERROR"}
    assert of["REFUND_ERROR"] - REFUSALS.keys() == set()
    assert {*DECLINES, *REFUSALS} - {one["name"] for one in codes} == {"VERSION_MISMATCH"}


def test_every_state_is_known() -> None:
    schemas = load(SPEC)["components"]["schemas"]
    described = schemas["Payment"]["properties"]["status"]["description"]
    assert all(word in described for word in PAYMENT_STATES)
    assert all(f"`{word}`" in schemas["PaymentRefund"]["properties"]["status"]["description"] for word in REFUND_STATES)
