"""The wire's objects, made from rows; what is None in a row is not there on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record
from cardctl.simulator.square.refunds import of_payments
from cardctl.simulator.square.words import APPROVED, CANCELED, COMPLETED

_PERSON = """
    given_name family_name nickname company_name email_address address phone_number birthday reference_id note tax_ids
"""
_CARD = """
    card_brand last_4 exp_month exp_year cardholder_name billing_address fingerprint customer_id merchant_id reference_id
"""
_EDITS = ("EDIT_AMOUNT_UP", "EDIT_AMOUNT_DOWN", "EDIT_TIP_AMOUNT_UP", "EDIT_TIP_AMOUNT_DOWN", "EDIT_DELAY_ACTION")


def instant(milliseconds: int) -> str:
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def moved(row: Mapping[str, Any]) -> Record:
    return {"created_at": instant(row["made"]), "updated_at": instant(row["updated"])}


def money(amount: int, currency: str) -> Record:
    return {"amount": amount, "currency": currency}


def customers(_: Desk, rows: Sequence[Record]) -> list[Record]:
    return [customer(row) for row in rows]


def customer(row: Record) -> Record:
    return {
        "id": row["ref"],
        **moved(row),
        **_given(row, _PERSON.split()),
        "preferences": {"email_unsubscribed": False},
        "creation_source": "MERGE" if row["merged_from"] else "THIRD_PARTY",
        "version": row["version"],
    }


def cards(_: Desk, rows: Sequence[Record]) -> list[Record]:
    return [card(row) for row in rows]


def card(row: Record) -> Record:
    """One that Square has forgotten is a stub, as in the official example of `card.forgotten`."""
    if row["forgotten"]:
        told = {"id": row["ref"], **_given(row, ("customer_id", "merchant_id", "reference_id"))}
        return {**told, "enabled": False, "version": row["version"], "hsa_fsa": False}
    alert = {"issuer_alert": row["issuer_alert"]} if row["issuer_alert"] else {}
    if row["issuer_alert"] and row["issuer_alert_at"]:
        alert["issuer_alert_at"] = instant(row["issuer_alert_at"])
    shown = {"id": row["ref"], **_given(row, _CARD.split()), "enabled": bool(row["enabled"])}
    return {**shown, **_given(row, ("card_type", "prepaid_type", "bin")), "version": row["version"], "hsa_fsa": False, **alert}


def payments(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    given_back = of_payments(desk, [row["ref"] for row in rows])
    return [payment(row, given_back.get(row["ref"], [])) for row in rows]


def payment(row: Record, refunds: Sequence[str]) -> Record:
    """CONFIRMED by the official examples: the fields, and that a cancelled payment has no receipt."""
    currency, tip = row["currency"], row["tip"]
    shown = {"id": row["ref"], **moved(row), "amount_money": money(row["amount"], currency)}
    if tip is not None:
        shown["tip_money"] = money(tip, currency)
    shown |= {"status": row["status"], "source_type": row["source_type"], "location_id": row["location_id"]}
    shown["total_money"] = money(row["amount"] + (tip or 0), currency)
    if row["approved"]:
        shown["approved_money"] = money(row["approved"], currency)
    if row["app_fee"] is not None:
        shown["app_fee_money"] = money(row["app_fee"], currency)
    if refunds or row["refunded"]:
        shown |= {"refunded_money": money(row["refunded"], currency), "refund_ids": list(refunds)}
    if row["delayed_until"] is not None:
        shown |= _given(row, ("delay_duration", "delay_action")) | {"delayed_until": instant(row["delayed_until"])}
    shown |= _details(row)
    shown |= _given(row, ("order_id", "reference_id", "customer_id", "buyer_email_address", "billing_address"))
    shown |= _given(row, ("shipping_address", "note", "statement_description_identifier"))
    if row["status"] == APPROVED:
        shown["capabilities"] = list(_EDITS)
    return {**shown, **_receipt(row), "application_details": _APPLICATION, "version_token": row["version_token"]}


def refunds(_: Desk, rows: Sequence[Record]) -> list[Record]:
    return [refund(row) for row in rows]


def refund(row: Record) -> Record:
    return {
        "id": row["ref"],
        "status": row["status"],
        "amount_money": money(row["amount"], row["currency"]),
        **_given(row, ("payment_id", "order_id", "location_id", "reason")),
        **moved(row),
    }


def disputes(_: Desk, rows: Sequence[Record]) -> list[Record]:
    return [dispute(row) for row in rows]


def dispute(row: Record) -> Record:
    due = {"due_at": instant(row["due_at"])} if row["due_at"] else {}
    return {
        "id": row["ref"],
        "amount_money": money(row["amount"], row["currency"]),
        **_given(row, ("reason", "state", "location_id", "card_brand", "brand_dispute_id")),
        **due,
        "disputed_payment": {"payment_id": row["payment_id"]},
        **moved(row),
        "reported_at": instant(row["made"]),
        "version": row["version"],
    }


def subscription(row: Record) -> Record:
    """With its key, which is shown to whoever may read it."""
    shown = {"id": row["ref"], **_given(row, ("name", "event_types", "notification_url", "api_version", "signature_key"))}
    return {**shown, "enabled": bool(row["enabled"]), **moved(row)}


_APPLICATION = {"square_product": "ECOMMERCE_API", "application_id": "sandbox-sq0idb-simulator"}


def _details(row: Record) -> Record:
    """UNCONFIRMED: CVV and AVS words of a card on file, which was checked when it was saved."""
    if row["source_type"] != "CARD":
        return {f"{row['source_type'].lower()}_details": row["details"]}
    times = {f"{name}_at": instant(row[f"{name}_at"]) for name in ("authorized", "captured", "voided") if row[f"{name}_at"]}
    checked = "NOT_CHECKED" if row["entry_method"] == "ON_FILE" else "ACCEPTED"
    shown = {
        "status": row["card_status"],
        "card": row["card"],
        "entry_method": row["entry_method"],
        "cvv_status": f"CVV_{checked}",
        "avs_status": f"AVS_{checked}",
        "statement_description": "SQ *SIMULATED SELLER",
        "card_payment_timeline": times,
    }
    return {"card_details": {**shown, **({"errors": row["errors"]} if row["errors"] else {})}}


def _receipt(row: Record) -> Record:
    if row["status"] == CANCELED:
        return {}
    number = {"receipt_number": row["ref"][:4]}
    url = f"https://squareupsandbox.com/receipt/preview/{row['ref']}"
    return {**number, "receipt_url": url} if row["status"] == COMPLETED else number


def _given(row: Mapping[str, Any], names: Sequence[str]) -> Record:
    return {name: row[name] for name in names if row[name] is not None}
