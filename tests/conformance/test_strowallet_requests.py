"""Every request that the Strowallet adapter can make, held against a table of its endpoints: no official description exists."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from cardctl.domain.accounts import AccountChange, Address, NewAccount
from cardctl.domain.cards import NewCard
from cardctl.domain.money import Money
from cardctl.domain.redaction import Secret
from cardctl.domain.states import Move
from cardctl.providers import registry
from cardctl.providers.base import Handed

KEY = "pub_9Qz0Example"
ADDRESS = Address("1 Test Road", "Ikeja", "100001", "NG", "Lagos", "Flat 2")
DOCUMENTS = {"id_number": "A0000000", "id_image": "https://example.test/id.jpg", "photo": "https://example.test/me.jpg"}

TEXT, AMOUNT = r".+", r"[0-9]+(\.[0-9]{1,2})?"
DIGITS = r"[0-9]{7,15}"
CUSTOMER = {"line1": TEXT, "state": TEXT, "zipCode": TEXT, "city": TEXT, "country": r"[A-Z]{2}", "phoneNumber": DIGITS}
PERSON = {"houseNumber": TEXT, "firstName": TEXT, "lastName": TEXT, "idImage": r"https?://.+|[A-Za-z0-9+/=]+"}


@dataclass(frozen=True)
class Endpoint:
    """What one endpoint takes: members by name, each with the whole form of its value."""

    required: Mapping[str, str] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    mode: bool = False


CARD = {"card_id": TEXT}
BITVCARD = {
    ("POST", "/api/bitvcard/create-user/"): Endpoint(
        {
            **CUSTOMER,
            **PERSON,
            "userPhoto": PERSON["idImage"],
            "idNumber": TEXT,
            "idType": "BVN|NIN|PASSPORT|DRIVERS_LICENSE|DRIVING_LICENSE",
            "customerEmail": r"[^@]+@[^@]+",
            "dateOfBirth": r"(0[1-9]|1[0-2])/[0-3][0-9]/[0-9]{4}",
        }
    ),
    ("GET", "/api/bitvcard/getcardholder/"): Endpoint({}, {"customerId": TEXT, "customerEmail": r"[^@]+@[^@]+"}),
    ("PUT", "/api/bitvcard/updateCardCustomer/"): Endpoint({"customerId": TEXT}, {**CUSTOMER, **PERSON}),
    ("POST", "/api/bitvcard/create-card/"): Endpoint(
        {"name_on_card": TEXT, "card_type": "visa|mastercard", "amount": AMOUNT, "customerEmail": r"[^@]+@[^@]+"},
        {"developer_code": TEXT},
        mode=True,
    ),
    ("POST", "/api/bitvcard/fund-card/"): Endpoint({**CARD, "amount": AMOUNT}, mode=True),
    ("POST", "/api/bitvcard/fetch-card-detail/"): Endpoint(CARD, mode=True),
    ("POST", "/api/bitvcard/card-transactions/"): Endpoint(CARD, mode=True),
    ("GET", "/api/apicard-transactions/"): Endpoint({**CARD, "page": "[1-9][0-9]*", "take": "[1-4]?[0-9]|50"}),
    ("POST", "/api/bitvcard/action/status/"): Endpoint({**CARD, "action": "freeze|unfreeze"}),
    ("POST", "/api/bitvcard/card_withdraw/"): Endpoint({**CARD, "amount": AMOUNT}),
    ("GET", "/api/bitvcard/getcard_withdrawstatus/"): Endpoint({"reference": TEXT}),
    ("GET", "/api/wallet/balance/USD/"): Endpoint(),
}
NFC = {
    ("POST", "/api/bitvcard/cardkyc"): Endpoint(
        {
            "first_name": TEXT,
            "last_name": TEXT,
            "id_type": TEXT,
            "id_number": TEXT,
            "id_front_image": TEXT,
            "email": r"[^@]+@[^@]+",
            "phone_number": DIGITS,
            "date_of_birth": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
            "line1": r".{8,}",
            "city": TEXT,
            "state": TEXT,
            "postal_code": TEXT,
            "country": "[A-Z]{3}",
        },
        {
            "dial_code": r"\+?[0-9]{1,4}",
            "occupation": TEXT,
            "employment_status": TEXT,
            "account_purpose": TEXT,
            "annual_salary": TEXT,
            "expected_monthly_volume": TEXT,
            "place_of_birth": TEXT,
        },
    ),
    ("GET", "/api/bitvcard/cardkycstatus"): Endpoint({"email": r"[^@]+@[^@]+"}),
    ("POST", "/api/bitvcard/create-nfc-card"): Endpoint({"customer_id": TEXT, "name": TEXT, "amount": AMOUNT}),
    ("GET", "/api/bitvcard/fetch-nfccard-detail"): Endpoint(CARD),
    ("GET", "/api/bitvcard/nfc-card-transactions"): Endpoint(CARD),
    ("POST", "/api/bitvcard/fund-withdraw-nfccard"): Endpoint({**CARD, "amount": AMOUNT, "type": "fund|withdraw"}),
    ("GET", "/api/bitvcard/freezeactivate-nfc"): Endpoint({**CARD, "status": "frozen|active"}),
    ("GET", "/api/wallet/balance/USD"): Endpoint(),
}
HOSTS = {"bitvcard": "strowallet.com", "nfc": "ziiropay.com"}
TABLES = {"bitvcard": BITVCARD, "nfc": NFC}


class Nonconforming(AssertionError):
    """A request that the table does not describe."""


def check(product: str, request: httpx.Request, *, sandbox: bool) -> tuple[str, str]:
    """The endpoint that a request went to; Nonconforming unless it is as the table says."""
    place = (request.method, request.url.path)
    endpoint = TABLES[product].get(place)
    if endpoint is None or request.url.host != HOSTS[product] or request.url.scheme != "https":
        raise Nonconforming(f"{request.method} {request.url} is no endpoint of {product}")
    query = dict(parse_qsl(request.url.query.decode(), strict_parsing=True)) if request.url.query else {}
    body = json.loads(request.content) if request.content else {}
    if (query and body) or bool(query) != (request.method == "GET"):
        raise Nonconforming(f"{place}: its parameters are in the wrong place")
    told = {**query, **body}
    if told.pop("public_key", None) != KEY or any(KEY in value for value in request.headers.values()):
        raise Nonconforming(f"{place}: the key is no parameter, or more than that")
    if told.pop("mode", None) != ("sandbox" if sandbox and endpoint.mode else None):
        raise Nonconforming(f"{place}: the mode is wrong")
    forms = {**endpoint.required, **endpoint.optional}
    if not endpoint.required.keys() <= told.keys() <= forms.keys():
        raise Nonconforming(f"{place}: {sorted(told)} is too little or too much")
    for name, value in told.items():
        if not isinstance(value, str) or not re.fullmatch(forms[name], value):
            raise Nonconforming(f"{place}: {name} is {value!r}")
    return place


class Stranger(httpx.BaseTransport):
    """Keeps every request, and says yes to each in the fact sheet's shapes; a card is what it was last told to be."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self._status = "active"
        self._known = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        place = request.url.path.strip("/").rpartition("bitvcard/")[2]
        told = {**dict(request.url.params), **(json.loads(request.content) if request.content else {})}
        word = told.get("action") or told.get("status")
        if word:
            self._status = {"freeze": "frozen", "unfreeze": "active"}.get(word, word)
        if place in ("getcardholder", "cardkycstatus") and not self._known:
            return httpx.Response(404, json={"success": False, "message": "Customer not found"})
        self._known = self._known or place in ("create-user", "cardkyc")
        return httpx.Response(200, json={"success": True, **self._reply(place)})

    def _reply(self, place: str) -> dict[str, Any]:
        customer = {"customerId": "cus-1", "customerEmail": "ada@example.test", "status": "high kyc"}
        nfc_customer = {"customer_id": "n-1", "status": "approved"}
        card = {
            "card_id": "card-1",
            "card_status": self._status,
            "balance": "100.00",
            "card_number": "4242424242424242",
            "cvv": "917",
        }
        moved = {"apiresponse": {"data": {"id": "m-1", "status": "pending", "reference": "ref-1"}}}
        rows: dict[str, Any] = {"response": {"card_transactions": []}}
        replies: dict[str, dict[str, Any]] = {
            "create-user": {"response": customer},
            "getcardholder": {"data": customer},
            "cardkyc": {"data": nfc_customer},
            "cardkycstatus": {"data": nfc_customer},
            "create-card": {"response": {"card_id": "card-1", "card_status": "pending"}},
            "create-nfc-card": {"response": {"card_id": "card-1"}},
            "fetch-card-detail": {"response": {"card_detail": card}},
            "fetch-nfccard-detail": {"response": {"card_detail": card}},
            "fund-card": moved,
            "card_withdraw": moved,
            "fund-withdraw-nfccard": moved,
            "getcard_withdrawstatus": {"data": {"status": "approved"}},
            "card-transactions": rows,
            "nfc-card-transactions": rows,
            "api/apicard-transactions": {"data": {"transactions": []}},
        }
        return replies.get(place, {"balance": "250.75"} if "wallet" in place else {})


def tour(provider: Any, *, nfc: bool) -> None:
    """A walk through everything that the provider can do."""
    ada = NewAccount(
        "Ada Obi",
        email="ada@example.test",
        phone="+2348012345678",
        address=ADDRESS,
        birth_date="1990-01-05",
        id_type="PASSPORT",
        house_number="12B",
        documents=tuple(DOCUMENTS),
    )
    enrolment = provider.draft_account(ada, "op_1")
    account = provider.send(enrolment, "op_1")
    provider.look_up(enrolment, "op_1")
    provider.account(account.ref)
    if not nfc:
        change = provider.draft_account_change(account.ref, AccountChange(phone="+2348012345679", address=ADDRESS), "op_2")
        provider.send(change, "op_2")
        provider.look_up(change, "op_2")
    card = provider.send(
        provider.draft_card(NewCard(account.ref, "USD", allowance=Money(500, "USD"), holder="Ada Obi"), "op_3"), "op_3"
    )
    for draft in (
        provider.draft_fund(card.ref, Money(2599, "USD"), "op_4", account_ref=account.ref),
        provider.draft_withdraw(card.ref, Money(1, "USD"), "op_5", account_ref=account.ref),
        provider.draft_move(card.ref, Move.FREEZE, "op_6", "lost"),
        provider.draft_move(card.ref, Move.UNFREEZE, "op_7", None),
    ):
        provider.send(draft, "op")
        provider.look_up(draft, "op")
    list(provider.transactions_of(card.ref))
    provider.card(card.ref)
    provider.reveal(card.ref)
    provider.float_balances()
    provider.ping()


def walked(product: str, environment: str) -> list[httpx.Request]:
    stranger = Stranger()
    handed = Handed(
        environment=environment,
        programme="strowallet/default",
        settings={"product": product},
        secret=lambda _name: Secret(KEY),
        transport=stranger,
        timeout=60.0,
        sleep=lambda _seconds: None,
        random=lambda: 0.0,
        document=DOCUMENTS.get,
    )
    tour(registry.build("strowallet", handed), nfc=product == "nfc")
    return stranger.requests


@pytest.mark.parametrize("environment", ["live", "sandbox", "simulator"])
@pytest.mark.parametrize("product", ["bitvcard", "nfc"])
def test_what_is_sent_is_described(product: str, environment: str) -> None:
    sandbox = environment == "sandbox" and product == "bitvcard"
    asked = {check(product, request, sandbox=sandbox) for request in walked(product, environment)}
    unasked = {("GET", "/api/apicard-transactions/")} if sandbox else set()  # it takes no mode
    assert asked == TABLES[product].keys() - unasked


@pytest.mark.parametrize("product", ["bitvcard", "nfc"])
def test_a_customer_that_the_simulator_makes_up_is_described_too(product: str) -> None:
    stranger = Stranger()
    handed = Handed(
        "simulator", "p", {"product": product}, lambda _name: Secret(KEY), stranger, 60.0, lambda _s: None, lambda: 0.0
    )
    provider = registry.build("strowallet", handed)
    assert hasattr(provider, "draft_account")
    provider.send(provider.draft_account(NewAccount("Jenny"), "op_1"), "op_1")
    for request in stranger.requests:
        check(product, request, sandbox=False)


WRONG: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "too much": lambda body: {**body, "colour": "red"},
    "too little": lambda body: {name: value for name, value in body.items() if name != "amount"},
    "cents": lambda body: {**body, "amount": 2599},
    "no key": lambda body: {**body, "public_key": ""},
    "a mode": lambda body: {**body, "mode": "sandbox"},
}


@pytest.mark.parametrize("fault", WRONG)
def test_the_check_would_find_an_error(fault: str) -> None:
    url = "https://strowallet.com/api/bitvcard/card_withdraw/"
    good = {"public_key": KEY, "card_id": "card-1", "amount": "5.00"}
    assert check("bitvcard", httpx.Request("POST", url, content=json.dumps(good)), sandbox=True)
    with pytest.raises(Nonconforming):
        check("bitvcard", httpx.Request("POST", url, content=json.dumps(WRONG[fault](good))), sandbox=True)


def test_the_check_would_find_a_wrong_place() -> None:
    for method, url in (
        ("GET", f"https://strowallet.com/api/bitvcard/fund-card/?public_key={KEY}"),
        ("GET", f"https://strowallet.com/api/bitvcard/getcardholder?public_key={KEY}"),
        ("GET", f"https://ziiropay.com/api/bitvcard/getcardholder/?public_key={KEY}"),
        ("POST", f"https://strowallet.com/api/bitvcard/fetch-card-detail/?public_key={KEY}&card_id=card-1"),
    ):
        with pytest.raises(Nonconforming):
            check("bitvcard", httpx.Request(method, url), sandbox=False)
