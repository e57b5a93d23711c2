"""Bank rules of refunds: what of a payment goes back, and when it does not; no wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.refunds import delayed
from cardctl.simulator.rows import Record, select
from cardctl.simulator.square.lists import changed, get, letters, made
from cardctl.simulator.square.payments import payment
from cardctl.simulator.square.tables import DISPUTES, PAYMENTS, REFUNDS
from cardctl.simulator.square.words import APPROVED, COMPLETED, PENDING, Refused, money
from cardctl.simulator.telling import tell

NOUN = "Refund"

_CONTESTED = ("EVIDENCE_REQUIRED", "PROCESSING", "INQUIRY_EVIDENCE_REQUIRED", "INQUIRY_PROCESSING")


def refund(desk: Desk, merchant: str, wish: Mapping[str, Any]) -> Record:
    """Gives back a part or the rest of a completed payment: told as PENDING, then COMPLETED at once, unless it was delayed."""
    if wish.get("unlinked"):
        raise Refused("INSUFFICIENT_PERMISSIONS_FOR_REFUND", "Unlinked refunds are not enabled for this account.", "unlinked")
    if not wish.get("payment_id"):
        raise Refused("MISSING_REQUIRED_PARAMETER", "Missing required parameter: payment_id.", "payment_id")
    paid = payment(desk, merchant, wish["payment_id"])
    asked = wish["amount_money"]
    _check(desk, paid, asked, wish.get("payment_version_token"))
    return given_back(desk, paid, asked["amount"], wish.get("reason"))


def given_back(desk: Desk, paid: Record, amount: int, reason: str | None) -> Record:
    """Whatever was paid: staff and other programs ask here directly."""
    record = {
        "ref": f"{paid['ref']}_{letters(40)}",
        "payment_id": paid["ref"],
        "amount": amount,
        "currency": paid["currency"],
        "location_id": paid["location_id"],
        "order_id": letters(28),
        "status": PENDING,
        "reason": reason,
        "version": 1,
    }
    row = made(desk, REFUNDS, paid["merchant_id"], record)
    changed(desk, PAYMENTS, paid, {"refunded": paid["refunded"] + amount})
    if delayed(desk):
        return row
    tell(desk)  # it is told as pending, and then as completed
    return changed(desk, REFUNDS, row, {"status": COMPLETED})


def refund_of(desk: Desk, merchant: str, ref: str) -> Record:
    """Refused where the seller has none."""
    return get(desk, REFUNDS, merchant, ref, NOUN)


def of_payments(desk: Desk, refs: list[str]) -> dict[str, list[str]]:
    """Payment to its refunds, in the order of their making."""
    marks = ", ".join("?" * len(refs))
    found: dict[str, list[str]] = {}
    for row in select(desk, REFUNDS, f"payment_id IN ({marks}) AND deleted = 0 ORDER BY seq", refs) if refs else []:
        found.setdefault(row["payment_id"], []).append(row["ref"])
    return found


def _check(desk: Desk, paid: Record, asked: Mapping[str, Any], token: str | None) -> None:
    """UNCONFIRMED: which code comes for a payment that failed or was cancelled."""
    if paid["status"] == APPROVED:
        raise Refused("REFUND_ERROR_PAYMENT_NEEDS_COMPLETION", "The payment must be completed before it is refunded.")
    if paid["status"] != COMPLETED:
        raise Refused("PAYMENT_NOT_REFUNDABLE", f"A payment that is {paid['status']} is not refundable.")
    if token is not None and token != paid["version_token"]:
        raise Refused("VERSION_MISMATCH", "The payment_version_token is not current.", "payment_version_token")
    if any(row["state"] in _CONTESTED for row in select(desk, DISPUTES, "payment_id = ? AND deleted = 0", (paid["ref"],))):
        raise Refused("PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE", "The payment is disputed.")
    if asked["currency"] != paid["currency"]:
        raise Refused("INVALID_VALUE", f"The currency must be {paid['currency']}.", "amount_money.currency")
    left = paid["amount"] + (paid["tip"] or 0) - paid["refunded"]
    if not 1 <= asked["amount"] <= left:
        detail = f"The requested refund amount exceeds the amount available to refund, {money(left, paid['currency'])}."
        raise Refused("REFUND_AMOUNT_INVALID", detail, "amount_money.amount")
