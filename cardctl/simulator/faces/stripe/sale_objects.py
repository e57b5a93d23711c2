"""Rows of customers' payments as Stripe's JSON objects: payment intents, charges, checkout sessions, refunds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, find, select
from cardctl.simulator.sales.tables import CHARGES, CHECKOUTS, INTENTS, REFUNDS

_ADDRESS: Record = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
_CHECKS: Record = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}
_SAID: dict[str, str] = {"succeeded": "approved_by_network", "failed": "declined_by_network", "pending": "not_sent_to_network"}
_OUTCOMES: dict[str, str] = {"succeeded": "authorized", "failed": "issuer_declined", "pending": "authorized"}
_PAGE = "https://checkout.stripe.com/c/pay/"


def intents(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`payment_intent` objects, the charge by id."""
    return [_intent(row) for row in rows]


def charges(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`charge` objects, without their refunds (API 2022-11-15). There are no balance transactions here."""
    return [_charge(row) for row in rows]


def checkouts(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`checkout.session` objects, without their line items."""
    return [_checkout(row) for row in rows]


def refunds(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`refund` objects."""
    return [_refund(row) for row in rows]


def line_items(row: Record) -> Record:
    """The list of a session's items, with the price that was made for each."""
    data = [_item(item, row["created"]) for item in row["line_items"]]
    return {"object": "list", "data": data, "has_more": False, "url": f"/v1/checkout/sessions/{row['ref']}/line_items"}


def _items_of(desk: Desk, ref: str) -> Record:
    return line_items(find(desk, CHECKOUTS, ref))


def _refunds_of(desk: Desk, ref: str) -> Record:
    """The ten newest, as at Stripe."""
    rows = select(desk, REFUNDS, "charge = ? AND deleted = 0 ORDER BY created DESC, seq DESC LIMIT 11", (ref,))
    data = refunds(desk, rows[:10])
    return {"object": "list", "data": data, "has_more": len(rows) > len(data), "url": f"/v1/charges/{ref}/refunds"}


RENDER: dict[str, Callable[[Desk, Sequence[Record]], list[Record]]] = {
    INTENTS: intents,
    CHARGES: charges,
    CHECKOUTS: checkouts,
    REFUNDS: refunds,
}
INCLUDED: dict[tuple[str, str], Callable[[Desk, str], Record]] = {
    (CHARGES, "refunds"): _refunds_of,
    (CHECKOUTS, "line_items"): _items_of,
}


def _intent(row: Record) -> Record:
    automatic = row["automatic_payment_methods"]
    return {
        "id": row["ref"],
        "object": "payment_intent",
        "amount": row["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": row["amount_received"],
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": automatic and {"allow_redirects": "always", **automatic},
        "canceled_at": row["canceled_at"],
        "cancellation_reason": row["cancellation_reason"],
        "capture_method": "automatic",
        "client_secret": row["client_secret"],
        "confirmation_method": row["confirmation_method"],
        "created": row["created"],
        "currency": row["currency"],
        "customer": None,
        "description": row["description"],
        "last_payment_error": row["last_payment_error"],
        "latest_charge": row["latest_charge"],
        "livemode": False,
        "metadata": row["metadata"],
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": row["payment_method"],
        "payment_method_options": {},
        "payment_method_types": [row["payment_kind"]],
        "processing": None,
        "receipt_email": row["receipt_email"],
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": row["statement_descriptor"],
        "statement_descriptor_suffix": row["statement_descriptor_suffix"],
        "status": row["status"],
        "transfer_data": None,
        "transfer_group": row["transfer_group"],
    }


def _charge(row: Record) -> Record:
    succeeded = row["status"] == "succeeded"
    return {
        "id": row["ref"],
        "object": "charge",
        "amount": row["amount"],
        "amount_captured": row["amount"] if succeeded else 0,
        "amount_refunded": row["amount_refunded"],
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {"address": _ADDRESS, "email": row["email"], "name": row["name"], "phone": None, "tax_id": None},
        "calculated_statement_descriptor": row["statement_descriptor"],
        "captured": succeeded,
        "created": row["created"],
        "currency": row["currency"],
        "customer": None,
        "description": row["description"],
        "disputed": bool(row["disputed"]),
        "failure_balance_transaction": None,
        "failure_code": row["failure_code"],
        "failure_message": row["failure_message"],
        "fraud_details": {},
        "livemode": False,
        "metadata": row["metadata"],
        "on_behalf_of": None,
        "outcome": _outcome(row),
        "paid": row["status"] != "failed",
        "payment_intent": row["payment_intent"],
        "payment_method": row["payment_method"],
        "payment_method_details": _method(row),
        "receipt_email": row["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": row["amount_refunded"] == row["amount"],
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": row["statement_descriptor"],
        "statement_descriptor_suffix": row["statement_descriptor_suffix"],
        "status": row["status"],
        "transfer_data": None,
        "transfer_group": row["transfer_group"],
    }


def _outcome(row: Record) -> Record:
    return {
        "network_status": _SAID.get(row["status"]),
        "reason": row["decline_code"],
        "risk_level": "normal",
        "seller_message": row["failure_message"] or "Payment complete.",
        "type": _OUTCOMES.get(row["status"], "authorized"),
    }


def _method(row: Record) -> Record:
    if row["payment_kind"] != "card":
        account = {"account_holder_type": "individual", "account_type": "checking", "bank_name": "STRIPE TEST BANK"}
        shown = {**account, "fingerprint": None, "last4": row["last4"], "routing_number": "110000000"}
    else:
        shown = {"brand": row["brand"], "checks": _CHECKS, "country": "US", "exp_month": 12, "exp_year": 2034}
        shown |= {"funding": "credit", "last4": row["last4"], "network": row["brand"], "three_d_secure": None, "wallet": None}
    return {"type": row["payment_kind"], row["payment_kind"]: shown}


def _checkout(row: Record) -> Record:
    is_open = row["status"] == "open"
    return {
        "id": row["ref"],
        "object": "checkout.session",
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": row["amount"],
        "amount_total": row["amount"],
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": row["cancel_url"],
        "client_reference_id": row["client_reference_id"],
        "consent": None,
        "consent_collection": None,
        "created": row["created"],
        "currency": row["currency"],
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        "customer": None,
        "customer_creation": row["customer_creation"] or "if_required",
        "customer_details": _customer(row),
        "customer_email": row["customer_email"],
        "expires_at": row["expires_at"],
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": row["locale"],
        "metadata": row["metadata"],
        "mode": "payment",
        "payment_intent": row["payment_intent"],
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": row["payment_status"],
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": row["status"],
        "submit_type": row["submit_type"],
        "subscription": None,
        "success_url": row["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "url": f"{_PAGE}{row['ref']}" if is_open else None,
    }


def _customer(row: Record) -> Record | None:
    """What the customer has said; before that what was said about the customer."""
    told = row["customer_details"] or (row["customer_email"] and {"email": row["customer_email"]})
    if not told:
        return None
    empty = {"address": None, "email": None, "name": None, "phone": None, "tax_exempt": "none", "tax_ids": None}
    return {**empty, **told}


def _item(item: Record, created: int) -> Record:
    total = item["unit_amount"] * item["quantity"]
    price = {
        "id": item["price"],
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": created,
        "currency": item["currency"],
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": item["product"],
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": item["unit_amount"],
        "unit_amount_decimal": str(item["unit_amount"]),
    }
    told = {"amount_discount": 0, "amount_subtotal": total, "amount_tax": 0, "amount_total": total}
    named = {"id": item["id"], "object": "item", "currency": item["currency"], "description": item["name"]}
    return {**named, **told, "price": price, "quantity": item["quantity"]}


def _refund(row: Record) -> Record:
    """`failure_reason` and `pending_reason` are there only while they say something."""
    told: Record = {} if row["failure_reason"] is None else {"failure_reason": row["failure_reason"]}
    told |= {"pending_reason": "processing"} if row["status"] == "pending" else {}
    told |= {} if row["instructions_email"] is None else {"instructions_email": row["instructions_email"]}
    return {
        "id": row["ref"],
        "object": "refund",
        "amount": row["amount"],
        "balance_transaction": None,
        "charge": row["charge"],
        "created": row["created"],
        "currency": row["currency"],
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        **told,
        "metadata": row["metadata"],
        "payment_intent": row["payment_intent"],
        "reason": row["reason"],
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": row["status"],
        "transfer_reversal": None,
    }
