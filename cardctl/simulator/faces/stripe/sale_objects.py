"""Rows of customers' payments as Stripe's JSON objects: payment intents, charges, refunds, disputes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.stripe import checkout_objects
from cardctl.simulator.rows import Record, select
from cardctl.simulator.sales.tables import CHARGES, CHECKOUTS, DISPUTES, INTENTS, REFUNDS

_ADDRESS: Record = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
_CHECKS: Record = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}
_SAID: dict[str, str] = {"succeeded": "approved_by_network", "failed": "declined_by_network", "pending": "not_sent_to_network"}
_OUTCOMES: dict[str, str] = {"succeeded": "authorized", "failed": "issuer_declined", "pending": "authorized"}


def intents(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`payment_intent` objects, the charge by id."""
    return [_intent(row) for row in rows]


def charges(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`charge` objects, without their refunds (API 2022-11-15). There are no balance transactions here."""
    return [_charge(row) for row in rows]


def refunds(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`refund` objects."""
    return [_refund(row) for row in rows]


def disputes(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """`dispute` objects of payments, for which nobody has said anything."""
    return [_dispute(row) for row in rows]


def _refunds_of(desk: Desk, ref: str) -> Record:
    """The ten newest, as at Stripe."""
    rows = select(desk, REFUNDS, "charge = ? AND deleted = 0 ORDER BY created DESC, seq DESC LIMIT 11", (ref,))
    data = refunds(desk, rows[:10])
    return {"object": "list", "data": data, "has_more": len(rows) > len(data), "url": f"/v1/charges/{ref}/refunds"}


RENDER: dict[str, Callable[[Desk, Sequence[Record]], list[Record]]] = {
    INTENTS: intents,
    CHARGES: charges,
    CHECKOUTS: checkout_objects.checkouts,
    REFUNDS: refunds,
    DISPUTES: disputes,
}
INCLUDED: dict[tuple[str, str], Callable[[Desk, str], Record]] = {
    (CHARGES, "refunds"): _refunds_of,
    (CHECKOUTS, "line_items"): checkout_objects.line_items_of,
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


def _dispute(row: Record) -> Record:
    """Evidence is due in three weeks or so; it is not taken here."""
    due = {"due_by": row["created"] + 21 * 86400, "has_evidence": False, "past_due": False, "submission_count": 0}
    return {
        "id": row["ref"],
        "object": "dispute",
        "amount": row["amount"],
        "balance_transactions": [],
        "charge": row["charge"],
        "created": row["created"],
        "currency": row["currency"],
        "evidence": {},
        "evidence_details": due,
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": row["metadata"],
        "payment_intent": row["payment_intent"],
        "reason": row["reason"],
        "status": row["status"],
    }
