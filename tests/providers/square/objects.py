"""Square's objects as its description shows them, for a far side that is played."""

from __future__ import annotations

from typing import Any

CREATED = "2026-11-22T21:16:51.086Z"
CUSTOMER = "JDKYHBWT1D4F8MFH63DBMEN8Y4"
CARD = "ccof:uIbfJXhXETSP197M3GB"
PAYMENT = "bP9mAsEMYPUGjjGNaNO5ZDVyLhSZY"
REFUND = "bP9mAsEMYPUGjjGNaNO5ZDVyLhSZY_KlWP8IC1557ddwc9QWTKrCVU6m0JXDz15R2Qym5eQfR"
LOCATION = "L88917AVBK2S5"
MARK = "op_0123456789abcdefghij"


def money(amount: int, currency: str = "USD") -> Any:
    return {"amount": amount, "currency": currency}


def customer(**more: Any) -> Any:
    told = {"id": CUSTOMER, "created_at": CREATED, "updated_at": CREATED, "email_address": "buyer@example.com", "version": 0}
    return told | {"reference_id": "buyer@example.com"} | more


def card(**more: Any) -> Any:
    told = {
        "id": CARD,
        "card_brand": "VISA",
        "last_4": "1111",
        "exp_month": 11,
        "exp_year": 2029,
        "customer_id": CUSTOMER,
        "merchant_id": "6SSW7HV8K2ST5",
        "reference_id": MARK,
        "enabled": True,
        "version": 1,
    }
    return told | more


def payment(status: str | None = "COMPLETED", amount: int = 5000, **more: Any) -> Any:
    details = {"status": "CAPTURED", "card": {"id": CARD, "card_brand": "VISA", "last_4": "1111"}}
    told = {
        "id": PAYMENT,
        "created_at": CREATED,
        "updated_at": CREATED,
        "amount_money": money(amount),
        "total_money": money(amount),
        "status": status,
        "source_type": "CARD",
        "card_details": details,
        "location_id": LOCATION,
        "customer_id": CUSTOMER,
        "reference_id": "INV-1",
        "note": f"cardctl {MARK}",
        "version_token": "TPtNEOBOa6Qq6E3C3IjckSVOM6b3hMbfhjvTxHBQUsB6o",
    }
    return told | more


def hold(amount: int = 5000, status: str = "APPROVED", **more: Any) -> Any:
    can = ["EDIT_AMOUNT_UP", "EDIT_AMOUNT_DOWN", "EDIT_TIP_AMOUNT_UP", "EDIT_TIP_AMOUNT_DOWN"]
    told = {"delayed_until": "2026-11-29T21:16:51.086Z", "delay_action": "CANCEL", "capabilities": can}
    return payment(status, amount, **(told | more))


def refund(amount: int = 1000, **more: Any) -> Any:
    told = {
        "id": REFUND,
        "status": "PENDING",
        "amount_money": money(amount),
        "payment_id": PAYMENT,
        "location_id": LOCATION,
        "reason": f"broken [{MARK}]",
        "created_at": CREATED,
        "updated_at": CREATED,
    }
    return told | more


def dispute(**more: Any) -> Any:
    told = {
        "id": "ORSEVtZAJxb37RA1EiGw",
        "amount_money": money(8801),
        "disputed_payment": {"payment_id": PAYMENT},
        "due_at": "2027-03-04T00:00:00.000Z",
        "reason": "AMOUNT_DIFFERS",
        "state": "EVIDENCE_REQUIRED",
        "version": 1,
    }
    return told | more


def event(kind: str, about: dict[str, Any] | None, **more: Any) -> Any:
    family = kind.partition(".")[0]
    data: dict[str, Any] = {"type": family, "id": (about or {}).get("id", "x1")}
    if about is not None:
        data["object"] = {family: about}
    told = {"merchant_id": "6SSW7HV8K2ST5", "type": kind, "event_id": "13b867cf-db3d-4b1c-90b6-2f32a9d78124"}
    return told | {"created_at": CREATED, "data": data | more}
