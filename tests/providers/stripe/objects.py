"""Stripe's objects as its own examples show them, cut to what matters; each test names what it changes."""

from __future__ import annotations

from typing import Any

CREATED = 1_790_000_000


def cardholder(**fields: Any) -> dict[str, Any]:
    return {
        "id": "ich_1",
        "object": "issuing.cardholder",
        "name": "Jenny Rosen",
        "email": "jenny@example.com",
        "status": "active",
        "type": "individual",
        "created": CREATED,
        "metadata": {},
        "requirements": {"disabled_reason": None, "past_due": []},
        **fields,
    }


def card(*limits: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": "ic_1",
        "object": "issuing.card",
        "brand": "Visa",
        "cardholder": cardholder(),
        "cancellation_reason": None,
        "created": CREATED,
        "currency": "usd",
        "exp_month": 8,
        "exp_year": 2030,
        "last4": "0005",
        "metadata": {},
        "spending_controls": {"blocked_categories": ["betting_casino_gambling"], "spending_limits": list(limits)},
        "status": "active",
        "type": "virtual",
        **fields,
    }


def limit(amount: int, interval: str, *categories: str) -> dict[str, Any]:
    return {"amount": amount, "interval": interval, "categories": list(categories)}


def authorization(**fields: Any) -> dict[str, Any]:
    return {
        "id": "iauth_1",
        "object": "issuing.authorization",
        "amount": 700,
        "approved": True,
        "card": card(),
        "created": CREATED,
        "currency": "usd",
        "merchant_data": {
            "name": "Rocket Rides",
            "category": "taxicabs_limousines",
            "category_code": "4121",
            "city": "San Francisco",
            "country": "US",
        },
        "pending_request": None,
        "request_history": [{"amount": 700, "approved": True, "authorization_code": "S498162"}],
        "status": "pending",
        **fields,
    }


def transaction(**fields: Any) -> dict[str, Any]:
    return {
        "id": "ipi_1",
        "object": "issuing.transaction",
        "amount": -700,
        "authorization": "iauth_1",
        "card": "ic_1",
        "created": CREATED,
        "currency": "usd",
        "merchant_data": {"name": "Rocket Rides", "category": "taxicabs_limousines"},
        "network_data": {"authorization_code": "S498162"},
        "type": "capture",
        **fields,
    }


def listed(*items: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(items), "has_more": more, "url": "/v1/somewhere"}
