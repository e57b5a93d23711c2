"""Every request that the Marqeta adapter can make, held against the official description of Marqeta's Core API."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from cardctl.domain.accounts import AccountChange, Address, NewAccount
from cardctl.domain.cards import NewCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.states import Move
from cardctl.providers.base import Handed
from cardctl.providers.marqeta.provider import MarqetaProvider, build
from tests.conformance.openapi import Nonconforming, _validate, check_request, check_response, load, operation
from tests.providers.conftest import Hand, hand
from tests.providers.marqeta import objects
from tests.providers.marqeta.far import Far

__all__ = ["hand"]

SPEC = "marqeta-core-3.0.39"
ADDRESS = Address("1 Main St", "Oakland", "94612", "US", "CA", "Apt 3")
MARK = "op_0123456789abcdefghij"
APPLE = {
    "device_type": "MOBILE_PHONE",
    "provisioning_app_version": "2.13.7",
    "certificates": ["leaf", "sub"],
    "nonce": "n",
    "nonce_signature": "s",
}
GOOGLE = {"device_type": "WATCH", "provisioning_app_version": "2.13.3", "device_id": "d", "wallet_account_id": "w"}


def usd(minor: int) -> Money:
    return Money(minor, "USD")


class Tour:
    """A walk through everything that the provider can do, each stop by its name; each request is answered as described."""

    def __init__(self, hand: Callable[..., Handed]) -> None:
        self._hand = hand
        self.fars: list[Far] = []

    def at(self, answers: dict[str, Any] | None = None, **settings: Any) -> MarqetaProvider:
        self.fars.append(Far(answers))
        return build(self._hand(self.fars[-1], settings=settings, document=lambda _name: "111234444"))

    def send(self, provider: MarqetaProvider, draft: Draft) -> None:
        """Sends it, and looks for it."""
        provider.send(draft, MARK)
        provider.look_up(draft, MARK)

    def accounts(self) -> None:
        provider = self.at()
        full = NewAccount(
            "Ada Lovelace",
            external_id="emp-7",
            email="a@b.co",
            phone="+15105551212",
            address=ADDRESS,
            birth_date="1991-01-01",
            id_type="SSN",
            documents=("id_number",),
        )
        for wanted in (full, NewAccount("Plato"), NewAccount("Acme Ltd", type="company")):
            self.send(provider, provider.draft_account(wanted, MARK))

    def account_changes(self) -> None:
        provider = self.at()
        change = AccountChange(email="a@b.co", phone="+15105551212", address=ADDRESS)
        self.send(provider, provider.draft_account_change("user_1", change, MARK))
        both = AccountChange(address=Address("2 Side St", "Reno", "89501", "US"), active=False)
        self.send(provider, provider.draft_account_change("user_1", both, MARK))
        self.send(provider, provider.draft_account_change("user_1", AccountChange(active=True), MARK))
        self.send(provider, provider.draft_account_close("user_1", MARK))

    def cards(self) -> None:
        provider = self.at()
        self.send(provider, provider.draft_card(NewCard("user_1", "USD"), MARK))
        for reason in ("lost", "damaged"):
            wanted = NewCard("user_1", "USD", replaces_ref="card_1", replaces_reason=reason)
            self.send(provider, provider.draft_card(wanted, MARK))

    def a_card_from_nothing(self) -> None:
        provider = self.at({"GET /cardproducts": objects.listed()}, user_per_card=True)
        self.send(provider, provider.draft_card(NewCard("user_1", "USD"), MARK))

    def moves(self) -> None:
        provider = self.at()
        for reason in (None, "lost", "x" * 300):
            for move in (Move.ACTIVATE, Move.FREEZE, Move.UNFREEZE):
                self.send(provider, provider.draft_move("card_1", move, MARK, reason))
            self.send(provider, provider.draft_close("card_1", MARK, reason))

    def limits(self) -> None:
        provider = self.at()
        for name in ("per_transaction", "daily", "weekly", "monthly"):
            self.send(provider, provider.draft_limits("card_1", {name: usd(2050)}, MARK))

    def limits_that_are_there(self) -> None:
        tight = objects.control("DAY", 10)
        controls = objects.listed(tight, objects.control("DAY", 90, token="loose"))
        provider = self.at({"GET /velocitycontrols": controls, "PUT /velocitycontrols/loose": tight})
        for wanted in (usd(2050), None):
            self.send(provider, provider.draft_limits("card_1", {"daily": wanted}, MARK))

    def money(self) -> None:
        provider = self.at()
        self.send(provider, provider.draft_fund("card_1", usd(2**53 - 1), MARK, account_ref="user_1"))
        self.send(provider, provider.draft_withdraw("card_1", usd(2500), MARK, account_ref="user_1", load="op_0"))

    def reading(self) -> None:
        provider = self.at()
        provider.card("card_1")
        provider.account("user_1")
        list(provider.cards())
        list(provider.cards(account_ref="user_1"))
        list(provider.accounts())
        list(provider.transactions())
        list(provider.transactions_of("card_1", since=datetime(2026, 1, 1, tzinfo=UTC)))

    def the_rest(self) -> None:
        provider = self.at()
        provider.ping()
        provider.reveal("card_1")
        provider.relay_wallet("card_1", "apple", APPLE)
        provider.relay_wallet("card_1", "google", GOOGLE)
        provider.test_purchase("card_1", usd(2510), "A merchant with a name that is longer than fifty letters")

    @property
    def requests(self) -> list[httpx.Request]:
        return [request for far in self.fars for request in far.requests]


STOPS: list[Callable[[Tour], None]] = [
    stop for name, stop in vars(Tour).items() if name[0] != "_" and name not in ("at", "send", "requests")
]


def check(spec: dict[str, Any], request: httpx.Request, content: bytes | None = None) -> None:
    """Nonconforming unless the description has the operation and everything that the request says, and nothing is missing."""
    method, path = request.method, request.url.path.removeprefix("/v3")
    if method == "GET":
        assert not request.content
        check_request(spec, method, path, request.url.query)
        return
    described = operation(spec, method, path)
    if request.url.query:
        raise Nonconforming(f"{method} {path}: no write of ours has a query")
    assert request.headers["content-type"] == "application/json"
    body = json.loads(request.content if content is None else content)
    _validate(spec, described["requestBody"]["content"]["application/json"]["schema"], body, f"{method} {path}", closed=True)


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
    asked = {(request.method, request.url.path.split("/")[2]) for request in tour.requests}
    writes = {"users", "usertransitions", "cards", "cardproducts", "cardtransitions", "velocitycontrols", "gpaorders"}
    assert {name for method, name in asked if method == "POST"} == writes | {"digitalwalletprovisionrequests", "simulate"}
    assert {name for method, name in asked if method == "PUT"} == {"users", "velocitycontrols"}
    assert {name for method, name in asked if method == "GET"} == writes | {"balances", "transactions", "ping"}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b'"channel":"API"', b'"channel":"CLI"'),
        (b'"channel":"API"', b'"channel":"API","colour":"red"'),
        (b'"channel":"API",', b""),
        (b'"sync_state_with_dwts":true', b'"sync_state_with_dwts":"true"'),
        (b'"reason_code":"01"', b'"reason_code":1'),
        (b'"token":"op_', b'"token":"0123456789012345678901234567890123456789'),
    ],
)
def test_the_check_would_find_a_wrong_body(hand: Hand, right: bytes, wrong: bytes) -> None:
    tour = Tour(hand)
    provider = tour.at()
    provider.send(provider.draft_move("card_1", Move.FREEZE, MARK, None), MARK)
    request = tour.requests[0]
    assert right in request.content
    check(load(SPEC), request)
    with pytest.raises(Nonconforming):
        check(load(SPEC), request, request.content.replace(right, wrong))


@pytest.mark.parametrize("query", ["colour=red", "count=many", "sort_by=colour"])
def test_the_check_would_find_a_wrong_query(query: str) -> None:
    with pytest.raises(Nonconforming):
        check(load(SPEC), httpx.Request("GET", f"https://far.example/v3/transactions?{query}"))


@pytest.mark.parametrize(
    ("method", "path", "status", "answer"),
    [
        ("POST", "/users", 201, objects.user()),
        ("GET", "/users/user_1", 200, objects.user()),
        ("POST", "/usertransitions", 201, objects.user_transition()),
        ("GET", "/balances/user_1", 200, objects.balance(objects.purse(75), objects.purse(20, "EUR"))),
        ("POST", "/cards", 201, objects.card(user=objects.user())),
        ("GET", "/cards/user/user_1", 200, objects.listed(objects.card())),
        ("POST", "/cardtransitions", 201, objects.card_transition()),
        ("GET", "/velocitycontrols", 200, objects.listed(objects.control("DAY", 10))),
        ("POST", "/gpaorders", 201, objects.order()),
        ("POST", "/gpaorders/unloads", 201, objects.unload()),
        ("GET", "/transactions", 200, objects.listed(objects.transaction())),
        ("GET", "/transactions", 200, objects.listed()),
    ],
)
def test_the_answers_that_the_adapter_is_tried_with_are_described(
    method: str, path: str, status: int, answer: dict[str, Any]
) -> None:
    check_response(load(SPEC), method, path, status, answer)
