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


ORDER = {"offerId": "ESIM-TR-7D-1GB", "recipientEmail": "ada@example.com", "fullName": "Ada L.", "transactionId": "txn-1"}


def charge(**fields: Any) -> dict[str, Any]:
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 1500,
        "amount_captured": 1500,
        "amount_refunded": 0,
        "billing_details": {"email": "payer@example.com", "name": "Jenny Rosen"},
        "created": CREATED + 60,
        "currency": "usd",
        "disputed": False,
        "payment_intent": "pi_1",
        "status": "succeeded",
        **fields,
    }


def sale(**fields: Any) -> dict[str, Any]:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 1500,
        "amount_received": 1500,
        "client_secret": "pi_1_secret_dont",
        "created": CREATED,
        "currency": "usd",
        "latest_charge": charge(),
        "metadata": ORDER,
        "receipt_email": None,
        "status": "succeeded",
        **fields,
    }


def checkout(**fields: Any) -> dict[str, Any]:
    return {
        "id": "cs_test_1",
        "object": "checkout.session",
        "amount_total": 1500,
        "client_secret": None,
        "created": CREATED,
        "currency": "usd",
        "customer_details": {"email": "payer@example.com"},
        "customer_email": "ada@example.com",
        "expires_at": CREATED + 86_400,
        "metadata": ORDER,
        "mode": "payment",
        "payment_intent": "pi_1",
        "payment_status": "paid",
        "status": "complete",
        "url": None,
        **fields,
    }


def sale_refund(**fields: Any) -> dict[str, Any]:
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 1500,
        "charge": "ch_1",
        "created": CREATED,
        "currency": "usd",
        "metadata": {"cardctl_operation": "op_1"},
        "payment_intent": "pi_1",
        "reason": "requested_by_customer",
        "status": "succeeded",
        **fields,
    }
