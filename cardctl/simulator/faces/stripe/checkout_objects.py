"""Rows of checkout sessions as Stripe's JSON objects, and what is sold on them."""

from __future__ import annotations

from collections.abc import Sequence

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, find
from cardctl.simulator.sales.tables import CHECKOUTS

_PAGE = "https://checkout.stripe.com/c/pay/"


def checkouts(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`checkout.session` objects, without their line items."""
    return [_checkout(row) for row in rows]


def line_items(row: Record) -> Record:
    """The list of a session's items, with the price that was made for each."""
    data = [_item(item, row["created"]) for item in row["line_items"]]
    return {"object": "list", "data": data, "has_more": False, "url": f"/v1/checkout/sessions/{row['ref']}/line_items"}


def line_items_of(desk: Desk, ref: str) -> Record:
    """Of the session that is called so."""
    return line_items(find(desk, CHECKOUTS, ref))


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
