"""A client who knows Strowallet's documentation and nothing of cardctl: plain httpx, parameters in JSON, exact numbers back."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from cardctl.simulator.transport import SimulatorTransport
from tests.simulator.stranger import no_sleep

Exact = Any
"""A Decimal; mypy would not have one compared with an int."""

KEY, NFC_KEY = "pub_q8Zx0stranger", "0123456789abcdef0123456789abcdef01234567"

ADA = {
    "houseNumber": "1",
    "firstName": "Ada",
    "lastName": "Obi",
    "idNumber": "A0000000",
    "customerEmail": "ada@example.test",
    "phoneNumber": "2348000000000",
    "dateOfBirth": "01/15/1990",
    "idImage": "https://example.test/id.jpg",
    "userPhoto": "https://example.test/me.jpg",
    "line1": "1 Test Rd",
    "state": "Lagos",
    "zipCode": "100001",
    "city": "Ikeja",
    "country": "NIGERIA",
    "idType": "PASSPORT",
}
NFC_ADA = {
    "first_name": "Ada",
    "last_name": "Obi",
    "id_type": "PASSPORT",
    "id_number": "A0000000",
    "id_front_image": "aGVsbG8=",
    "email": "ada@example.test",
    "phone_number": "8000000000",
    "date_of_birth": "1990-01-15",
    "dial_code": "234",
    "line1": "1 Test Road",
    "city": "Ikeja",
    "state": "Lagos",
    "postal_code": "100001",
    "country": "NGA",
    "occupation": "engineer",
    "employment_status": "employed",
    "account_purpose": "shopping",
    "annual_salary": "10000",
    "expected_monthly_volume": "100",
    "place_of_birth": "Lagos",
}
OLD_NFC_ADA = {
    "name": "Ada Obi",
    "first_name": "Ada",
    "last_name": "Obi",
    "dob": "01/15/1990",
    "id_type": "PASSPORT",
    "id_number": "A0000000",
    "email": "ada@example.test",
    "line1": "1 Test Road",
    "city": "Ikeja",
    "state": "Lagos",
    "postal_code": "100001",
    "country": "NGA",
    "amount_usd": "5",
    "phone": "2348000000000",
}


def parsed(reply: httpx.Response) -> dict[str, Any]:
    """The JSON of a reply, its numbers exact."""
    assert reply.headers["Content-Type"] == "application/json", reply.text
    return dict(json.loads(reply.content, parse_float=Decimal, parse_int=Decimal))


class Client:
    """`send` gives the whole reply, `done` the object of a 200. Names are paths under /api/, as on the host."""

    def __init__(self, path: Path, *, host: str = "strowallet.com", key: str = KEY) -> None:
        self.key = key
        self.http = httpx.Client(transport=SimulatorTransport(path, sleep=no_sleep), base_url=f"https://{host}/api/")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.http.close()

    def send(self, method: str, name: str, /, **params: Any) -> httpx.Response:
        sent = {"public_key": self.key, **params}
        if method == "GET":
            return self.http.get(name, params=sent)
        return self.http.request(method, name, json=sent)

    def done(self, method: str, name: str, /, **params: Any) -> dict[str, Any]:
        reply = self.send(method, name, **params)
        assert reply.status_code == 200, reply.text
        return parsed(reply)

    def float(self) -> Exact:
        """The wallet balance, which is text at both hosts."""
        return Decimal(self.done("GET", "wallet/balance/USD/")["balance"])


class Virtual(Client):
    """Product A."""

    def customer(self, email: str = "ada@example.test") -> str:
        return str(self.done("POST", "bitvcard/create-user/", **ADA | {"customerEmail": email})["response"]["customerId"])

    def new_card(self, amount: str = "100", email: str = "ada@example.test") -> str:
        """Another card of a customer who is there already."""
        wish = {"name_on_card": "Ada Obi", "card_type": "visa", "amount": amount, "customerEmail": email}
        return str(self.done("POST", "bitvcard/create-card/", **wish)["response"]["card_id"])

    def card(self, amount: str = "100") -> str:
        self.customer()
        return self.new_card(amount)

    def detail(self, card: str) -> dict[str, Any]:
        return dict(self.done("POST", "bitvcard/fetch-card-detail/", card_id=card)["response"]["card_detail"])

    def balance(self, card: str) -> Exact:
        return Decimal(self.detail(card)["balance"])

    def rows(self, card: str) -> list[dict[str, Any]]:
        response = self.done("POST", "bitvcard/card-transactions/", card_id=card)["response"]
        return list(response.get("card_transactions", []))

    def fund(self, card: str, amount: str) -> httpx.Response:
        return self.send("POST", "bitvcard/fund-card/", card_id=card, amount=amount)

    def withdraw(self, card: str, amount: str) -> httpx.Response:
        return self.send("POST", "bitvcard/card_withdraw/", card_id=card, amount=amount)

    def act(self, card: str, action: str) -> httpx.Response:
        return self.send("POST", "bitvcard/action/status/", card_id=card, action=action)


class Nfc(Client):
    """Product B at ziiropay.com."""

    def __init__(self, path: Path, key: str = NFC_KEY) -> None:
        super().__init__(path, host="ziiropay.com", key=key)

    def customer(self, email: str = "ada@example.test") -> str:
        return str(self.done("POST", "bitvcard/cardkyc", **NFC_ADA | {"email": email})["response"]["customer_id"])

    def new_card(self, customer: str, amount: str = "100") -> str:
        wish = {"customer_id": customer, "name": "Ada Obi", "amount": amount}
        return str(self.done("POST", "bitvcard/create-nfc-card", **wish)["data"]["card_id"])

    def card(self, amount: str = "100") -> str:
        return self.new_card(self.customer(), amount)

    def detail(self, card: str) -> dict[str, Any]:
        return dict(self.done("GET", "bitvcard/fetch-nfccard-detail", card_id=card)["response"]["card_detail"])

    def balance(self, card: str) -> Exact:
        return Decimal(self.detail(card)["balance"])

    def move(self, card: str, amount: str, kind: str) -> httpx.Response:
        return self.send("POST", "bitvcard/fund-withdraw-nfccard", card_id=card, amount=amount, type=kind)
