"""Rows of the books as Stripe's JSON objects; one function per noun, many rows at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.stripe import sale_objects
from cardctl.simulator.rows import Record, find_all

API_VERSION = "2026-10-28.endive"
"""What the face speaks, whatever version a client asks for."""

_INDIVIDUAL: Record = {"card_issuing": None, "dob": None, "first_name": None, "last_name": None, "verification": None}
_ADDRESS: Record = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
_NO_CONTROLS: Record = {
    **{
        f"{side}_{name}": None
        for side in ("allowed", "blocked")
        for name in ("card_presences", "categories", "merchant_countries")
    },
    "spending_limits": [],
    "spending_limits_currency": None,
}
_SHIPPING: Record = {
    "address_validation": None,
    "business_name": None,
    "carrier": None,
    "customs": None,
    "delivered_at": None,
    "eta": None,
    "phone_number": None,
    "require_signature": None,
    "service": "standard",
    "shipped_at": None,
    "status": "pending",
    "tracking_number": None,
    "tracking_url": None,
    "type": "individual",
}


def cardholders(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`issuing.cardholder` objects."""
    return [_cardholder(row) for row in rows]


def cards(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`issuing.card` objects with the whole cardholder inside (SDK 16.1.0), without number and cvc."""
    holders = {row["ref"]: _cardholder(row) for row in find_all(desk, "holders", "ref", [row["holder"] for row in rows])}
    return [card(row, holders[row["holder"]]) for row in rows]


def authorizations(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`issuing.authorization` objects with the whole card and all transactions inside."""
    theirs = find_all(desk, "cards", "ref", [row["card"] for row in rows])
    by_ref = {card["id"]: card for card in cards(desk, theirs)}
    booked: dict[str, list[Record]] = {}
    for row in find_all(desk, "transactions", "authorization", [row["ref"] for row in rows]):
        if not row["deleted"]:
            booked.setdefault(row["authorization"], []).append(_transaction(row))
    return [authorization(row, by_ref[row["card"]], booked.get(row["ref"], [])) for row in rows]


def transactions(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`issuing.transaction` objects; card, cardholder and authorization by id."""
    return [_transaction(row) for row in rows]


def topups(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`topup` objects."""
    return [_topup(row) for row in rows]


def disputes(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`issuing.dispute` objects, the transaction by id."""
    return [_dispute(row) for row in rows]


def webhook_endpoints(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`webhook_endpoint` objects, without their secrets."""
    return [_webhook_endpoint(row) for row in rows]


RENDER: dict[str, Callable[[Desk, Sequence[Record]], list[Record]]] = {
    "holders": cardholders,
    "cards": cards,
    "authorizations": authorizations,
    "transactions": transactions,
    "topups": topups,
    "disputes": disputes,
    "webhook_endpoints": webhook_endpoints,
    **sale_objects.RENDER,
}
"""Table to what makes objects of its rows."""

INCLUDED = sale_objects.INCLUDED
"""(table, field) of what is in an object only where it is asked for in `expand` → what makes it, for the object so called."""


def _cardholder(row: Record) -> Record:
    return {
        "id": row["ref"],
        "object": "issuing.cardholder",
        "billing": {"address": {**_ADDRESS, **row["billing"]["address"]}},
        "company": row["company"],
        "created": row["created"],
        "email": row["email"],
        "individual": None if row["individual"] is None else _INDIVIDUAL | row["individual"],
        "livemode": False,
        "metadata": row["metadata"],
        "name": row["name"],
        "phone_number": row["phone_number"],
        "preferred_locales": row["preferred_locales"],
        "requirements": row["requirements"],
        "spending_controls": _controls(row["spending_controls"], row["spending_controls"].get("spending_limits_currency")),
        "status": row["status"],
        "type": row["type"],
    }


def card(row: Record, holder: Record) -> Record:
    """One `issuing.card` with that cardholder inside."""
    limited = row["spending_controls"].get("spending_limits")
    return {
        "id": row["ref"],
        "object": "issuing.card",
        "brand": row["brand"],
        "cancellation_reason": row["cancellation_reason"],
        "cardholder": holder,
        "created": row["created"],
        "currency": row["currency"],
        "exp_month": row["exp_month"],
        "exp_year": row["exp_year"],
        "financial_account": row["financial_account"],
        "last4": row["last4"],
        "latest_fraud_warning": None,
        "lifecycle_controls": row["payment_count"] and {"cancel_after": {"payment_count": row["payment_count"]}},
        "livemode": False,
        "metadata": row["metadata"],
        "personalization_design": row["personalization_design"],
        "replaced_by": row["replaced_by"],
        "replacement_for": row["replacement_for"],
        "replacement_reason": row["replacement_reason"],
        "second_line": row["second_line"],
        "shipping": row["shipping"] and _shipping(row["shipping"]),
        "spending_controls": _controls(row["spending_controls"], row["currency"] if limited else None),
        "status": row["status"],
        "type": row["type"],
        "wallets": _wallets(holder),
    }


def _controls(stored: Record, currency: str | None) -> Record:
    limits = [{"categories": [], **limit} for limit in stored.get("spending_limits") or ()]
    return {**_NO_CONTROLS, **stored, "spending_limits": limits, "spending_limits_currency": currency}


def _shipping(given: Record) -> Record:
    validation = given.get("address_validation")
    return {
        **_SHIPPING,
        **given,
        "address": {**_ADDRESS, **given["address"]},
        "address_validation": validation and {"normalized_address": None, "result": None, **validation},
    }


def _wallets(holder: Record) -> Record:
    """A wallet sends its code to an e-mail address or a phone number (docs.stripe.com/issuing/cards/digital-wallets)."""
    reachable = bool(holder["email"] or holder["phone_number"])
    wallet = {"eligible": reachable, "ineligible_reason": None if reachable else "missing_cardholder_contact"}
    return {"apple_pay": wallet, "google_pay": wallet, "primary_account_identifier": None}


def authorization(row: Record, card: Record, booked: list[Record]) -> Record:
    """One `issuing.authorization` with that card and those transactions inside."""
    method = row["authorization_method"]
    return {
        "id": row["ref"],
        "object": "issuing.authorization",
        "amount": row["amount"],
        "amount_details": row["amount_details"],
        "approved": bool(row["approved"]),
        "authorization_method": method,
        "balance_transactions": [],
        "card": card,
        "card_presence": "not_present" if method in ("keyed_in", "online") else "present",
        "cardholder": row["holder"],
        "created": row["created"],
        "currency": row["currency"],
        "fleet": None,
        "fraud_challenges": None,
        "fuel": None,
        "livemode": False,
        "merchant_amount": row["merchant_amount"],
        "merchant_currency": row["merchant_currency"],
        "merchant_data": row["merchant_data"],
        "metadata": row["metadata"],
        "network_data": row["network_data"],
        "pending_request": None,
        "request_history": row["request_history"],
        "status": row["status"],
        "token": None,
        "transactions": booked,
        "verification_data": row["verification_data"],
        "verified_by_fraud_challenge": None,
        "wallet": row["wallet"],
    }


def _transaction(row: Record) -> Record:
    return {
        "id": row["ref"],
        "object": "issuing.transaction",
        "amount": row["amount"],
        "amount_details": None,
        "authorization": row["authorization"],
        "balance_transaction": None,
        "card": row["card"],
        "cardholder": row["holder"],
        "created": row["created"],
        "currency": row["currency"],
        "dispute": row["dispute"],
        "livemode": False,
        "merchant_amount": row["merchant_amount"],
        "merchant_currency": row["merchant_currency"],
        "merchant_data": row["merchant_data"],
        "metadata": row["metadata"],
        "network_data": {
            "authorization_code": None,
            "processing_date": time.strftime("%Y-%m-%d", time.gmtime(row["created"])),
            "transaction_id": None,
        },
        "purchase_details": None,
        "token": None,
        "type": row["type"],
        "wallet": row["wallet"],
    }


def _topup(row: Record) -> dict[str, Any]:
    return {
        "id": row["ref"],
        "object": "topup",
        "amount": row["amount"],
        "balance_transaction": None,
        "created": row["created"],
        "currency": row["currency"],
        "description": row["description"],
        "expected_availability_date": row["created"],
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": row["metadata"],
        "source": None,
        "statement_descriptor": row["statement_descriptor"],
        "status": row["status"],
        "transfer_group": row["transfer_group"],
    }


def _dispute(row: Record) -> Record:
    """`loss_reason` is absent unless it is lost (SDK 16.1.0)."""
    lost = {} if row["loss_reason"] is None else {"loss_reason": row["loss_reason"]}
    return {
        "id": row["ref"],
        "object": "issuing.dispute",
        "amount": row["amount"],
        "balance_transactions": [],
        "created": row["created"],
        "currency": row["currency"],
        "evidence": {name: given for name, given in row["evidence"].items() if given is not None},
        "livemode": False,
        **lost,
        "metadata": row["metadata"],
        "status": row["status"],
        "transaction": row["transaction"],
    }


def _webhook_endpoint(row: Record) -> Record:
    return {
        "id": row["ref"],
        "object": "webhook_endpoint",
        "api_version": row["api_version"],
        "application": None,
        "created": row["created"],
        "description": row["description"],
        "enabled_events": row["enabled_events"],
        "livemode": False,
        "metadata": row["metadata"],
        "status": row["status"],
        "url": row["url"],
    }
