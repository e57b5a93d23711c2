"""Answers of Strowallet as the fact sheet shapes them, with only what a test names changed."""

from __future__ import annotations

from typing import Any

import httpx

from cardctl.domain.accounts import Address, NewAccount
from cardctl.domain.money import Money
from cardctl.domain.redaction import Secret
from cardctl.providers.base import Handed
from cardctl.providers.strowallet.provider import StrowalletProvider, build
from tests.providers.scripted import Script, Step

KEY = "pub_9Qz0Example"
NUMBER, CVV = "4242424242424242", "917"
ADDRESS = Address("1 Test Rd", "Ikeja", "100001", "NG", "Lagos")
ADA = NewAccount(
    "Ada Ngozi Obi",
    external_id="emp-1",
    email="ada@example.test",
    phone="+234 801 234 5678",
    address=ADDRESS,
    birth_date="1990-01-15",
    id_type="passport",
    house_number="12B",
    documents=("id_number", "id_image", "photo"),
)
DOCUMENTS = {"id_number": "A0000000", "id_image": "https://example.test/id.jpg", "photo": "https://example.test/me.jpg"}


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def handed(transport: httpx.BaseTransport, *, nfc: bool = False, **parts: Any) -> Handed:
    """What a provider is handed; `settings` are added to those of the product."""
    settings = {"product": "nfc" if nfc else "bitvcard", **parts.pop("settings", {})}
    defaults: dict[str, Any] = {
        "environment": "live",
        "programme": "strowallet/default",
        "timeout": 5.0,
        "sleep": lambda _seconds: None,
        "random": lambda: 0.0,
        "document": DOCUMENTS.get,
    }
    return Handed(secret=lambda _name: Secret(KEY), transport=transport, settings=settings, **{**defaults, **parts})


def strowallet(*steps: Step, nfc: bool = False, **parts: Any) -> tuple[StrowalletProvider, Script]:
    """A provider before a far side that plays `steps`, and that far side."""
    script = Script(*steps)
    return build(handed(script, nfc=nfc, **parts)), script


def answer(data: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=data)


def no(message: Any = "No.", status: int = 200, **more: Any) -> httpx.Response:
    return answer({"success": False, "message": message, **more}, status)


def page(status: int = 404) -> httpx.Response:
    return httpx.Response(status, html="<html><h1>Not Found</h1></html>")


def nobody() -> httpx.Response:
    return no("Customer not found", 404)


def customer(**fields: Any) -> httpx.Response:
    data = {
        "customerId": "cus-1",
        "customerEmail": "ada@example.test",
        "status": "high kyc",
        "firstName": "ADA",
        "lastName": "OBI",
    }
    return answer({"success": True, "data": {**data, **fields}})


def made_customer(**fields: Any) -> httpx.Response:
    data = {"bvn": "00000000000", "customerEmail": "ada@example.test", "firstName": "ADA", "lastName": "OBI"}
    documents = {"idNumber": "A0000000", "idImage": "https://example.test/id.jpg", "userPhoto": "https://example.test/me.jpg"}
    response = {**data, **documents, "customerId": "cus-1", "dateOfBirth": "1990-01-15", **fields}
    return answer({"success": True, "message": "successfully registered user", "response": response})


def detail(**fields: Any) -> dict[str, Any]:
    """A card's detail with its numbers, as it comes."""
    return {
        "card_id": "card-1",
        "card_user_id": "usr-1",
        "customer_id": "cus-1",
        "customer_email": "ada@example.test",
        "card_name": "Ada Obi",
        "card_holder_name": "ADA OBI",
        "card_type": "virtual",
        "card_brand": "Visa",
        "card_number": NUMBER,
        "cvv": CVV,
        "expiry": "12/28",
        "card_status": "active",
        "balance": "12.50",
        "card_created_date": "2025-01-15",
        **fields,
    }


def card(**fields: Any) -> httpx.Response:
    return answer({"success": True, "response": {"card_detail": detail(**fields)}})


def made_card(**fields: Any) -> httpx.Response:
    response = {"card_id": "card-1", "name_on_card": "ADA OBI", "card_type": "virtual", "card_status": "pending", **fields}
    return answer({"success": True, "message": "Card creation in progress", "response": response})


def row(ref: str = "t-1", **fields: Any) -> dict[str, Any]:
    return {
        "id": ref,
        "cardId": "card-1",
        "amount": "-25.00",
        "centAmount": "-2500",
        "type": "debit",
        "currency": "usd",
        "narrative": "EXAMPLE SHOP",
        "createdAt": "2025-01-15T10:30:00.000Z",
        "status": "success",
        **fields,
    }


def recent(*rows: dict[str, Any]) -> httpx.Response:
    return answer({"success": True, "response": {"card_transactions": list(rows)}})


def funded(**fields: Any) -> httpx.Response:
    data = {"id": "f-1", "cardId": "card-1", "status": "pending", "reference": "ref-1", **fields}
    return answer({"success": True, "apiresponse": {"message": "Card funding in progress", "data": data}})
