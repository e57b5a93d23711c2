"""Bank rules of payments: taking money at once or holding it, and declines; what becomes of a hold is in captures.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, select
from cardctl.simulator.square import captures, holding
from cardctl.simulator.square.lists import get, letters, made, moment
from cardctl.simulator.square.sellers import check_location, main_location
from cardctl.simulator.square.sources import Source, source
from cardctl.simulator.square.tables import PAYMENTS
from cardctl.simulator.square.words import APPROVED, AUTHORIZED, COMPLETED, FAILED, Refused
from cardctl.simulator.telling import tell

NOUN = "Payment"
PASSING = "TEMPORARY_ERROR"
"""A decline of which nothing is kept: it may be repeated under the same key (CONFIRMED by the code's description)."""

_COPIED = ("reference_id", "note", "statement_description_identifier", "buyer_email_address", "customer_id")
_ADDRESSES = ("billing_address", "shipping_address")


def pay(desk: Desk, merchant: str, wish: Mapping[str, Any]) -> Record:
    """A new payment: COMPLETED, or APPROVED without `autocomplete`; FAILED, with its errors, where the card's bank declines.

    `amount_money` and `tip_money` are {amount, currency}. UNCONFIRMED: that a decline leaves a FAILED payment behind.
    """
    money = _money(wish)
    location = wish.get("location_id") or main_location(merchant)
    check_location(location)
    paid_with = source(desk, merchant, wish)
    if paid_with.declines == PASSING:
        raise Refused(PASSING, "A temporary internal error occurred. Try again with the same idempotency key.")
    record = _new(wish, moment(desk)) | money | {"location_id": location} | paid_with.columns
    return _decided(desk, merchant, record, paid_with, wish)


def payment(desk: Desk, merchant: str, ref: str) -> Record:
    """Refused where the seller has none."""
    return get(desk, PAYMENTS, merchant, ref, NOUN)


def cancel_by_key(desk: Desk, merchant: str, key: str) -> None:
    """Cancels the payment that was made under a key. CONFIRMED: nothing happens where there is none. UNCONFIRMED: that one
    which is completed is refused, and that one which is cancelled is not."""
    where = "merchant_id = ? AND key = ? AND deleted = 0 AND status != ? ORDER BY seq DESC LIMIT 1"
    for row in select(desk, PAYMENTS, where, (merchant, key, FAILED)):
        if row["status"] == APPROVED or row["status"] == COMPLETED:
            captures.cancel(desk, row)


def errors_of(code: str) -> list[Record]:
    """How a declined payment says why."""
    return [{"code": code, "detail": f"Authorization error: '{code}'", "category": "PAYMENT_METHOD_ERROR"}]


def _new(wish: Mapping[str, Any], at: int) -> Record:
    return {
        "ref": letters(28) + "ZY",
        "made": at,
        "updated": at,
        "app_fee": (wish.get("app_fee_money") or {}).get("amount"),
        "order_id": wish.get("order_id") or letters(27) + "ZY",
        "key": wish.get("idempotency_key"),
        "version_token": letters(44),
        **{name: wish.get(name) for name in (*_COPIED, *_ADDRESSES)},
    }


def _decided(desk: Desk, merchant: str, record: Record, paid_with: Source, wish: Mapping[str, Any]) -> Record:
    total = record["amount"] + (record["tip"] or 0)
    if record["source_type"] != "CARD":
        return made(desk, PAYMENTS, merchant, {**record, "status": COMPLETED, "approved": total, "captured_at": record["made"]})
    waits = _waits(wish, record["made"])
    if paid_with.declines:
        failed = {"status": FAILED, "card_status": FAILED, "errors": errors_of(paid_with.declines)}
        return made(desk, PAYMENTS, merchant, {**record, **waits, **failed})
    held = {"status": APPROVED, "card_status": AUTHORIZED, "approved": total, "authorized_at": record["made"]}
    row = made(desk, PAYMENTS, merchant, {**record, **waits, **held})
    if not wish.get("autocomplete", True):
        return row
    tell(desk)  # it is told as approved, and then as completed
    return captures.complete(desk, row)


def _waits(wish: Mapping[str, Any], at: int) -> Record:
    """CONFIRMED: a delay is for what is not completed at once; an order's payment cannot complete by itself."""
    if wish.get("autocomplete", True) and (wish.get("delay_duration") or wish.get("delay_action")):
        raise Refused("BAD_REQUEST", "A delay needs autocomplete to be false.", "autocomplete")
    action = wish.get("delay_action") or "CANCEL"
    if action == "COMPLETE" and wish.get("order_id"):
        raise Refused("BAD_REQUEST", "delay_action COMPLETE cannot be used with an order.", "delay_action")
    seconds = holding.read(wish["delay_duration"]) if wish.get("delay_duration") else holding.LONGEST
    return {"delay_duration": holding.written(seconds), "delay_action": action, "delayed_until": at + seconds * 1000}


def _money(wish: Mapping[str, Any]) -> Record:
    asked = wish.get("amount_money")
    if not asked:
        raise Refused("MISSING_REQUIRED_PARAMETER", "Missing required parameter: amount_money.", "amount_money")
    if asked["amount"] < 1:
        raise Refused("VALUE_TOO_LOW", "The amount must be at least 1.", "amount_money.amount")
    tip = wish.get("tip_money")
    if tip is not None:
        captures.check_currency(tip, asked["currency"], "tip_money")
    return {"amount": asked["amount"], "currency": asked["currency"], "tip": tip["amount"] if tip else None}
