"""What Square's staff, a seller's other programs and the buyers' banks do, behind the wire; a visit may come without a face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.domain.money import Money
from cardctl.errors import BadInput
from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, select
from cardctl.simulator.square import captures, customers, disputes, payments, refunds
from cardctl.simulator.square.lists import changed, known, letters, moment, visit
from cardctl.simulator.square.tables import CARDS, CUSTOMERS, DISPUTES, PAYMENTS, REFUNDS
from cardctl.simulator.square.words import (
    APPROVED,
    AUTHORIZED,
    CANCELED,
    CAPTURED,
    COMPLETED,
    DISPUTE_REASONS,
    FAILED,
    VOIDED,
    Refused,
)

ALIASES = {"last4": "last_4", "amount_money.amount": "amount", "tip_money.amount": "tip", "refunded_money.amount": "refunded"}
"""Other names of fields that staff may use."""

_OBJECT = {"deleted": "flag", "created": "whole"}
FIELDS: dict[str, dict[str, str]] = {
    CUSTOMERS: {
        **_OBJECT,
        **dict.fromkeys(("email_address", "given_name", "family_name", "company_name", "phone_number"), "maybe"),
        **dict.fromkeys(("reference_id", "note", "merged_into"), "maybe"),
    },
    CARDS: {
        **_OBJECT,
        **dict.fromkeys(("exp_month", "exp_year"), "maybe_whole"),
        **dict.fromkeys(("last_4", "last4", "card_brand", "customer_id"), "word"),
        **dict.fromkeys(("enabled", "forgotten"), "flag"),
        **dict.fromkeys(("reference_id", "cardholder_name", "issuer_alert", "declines"), "maybe"),
    },
    PAYMENTS: {
        **_OBJECT,
        **dict.fromkeys(("amount", "amount_money.amount", "refunded", "refunded_money.amount", "approved"), "amount"),
        **dict.fromkeys(("tip", "tip_money.amount", "delayed_until"), "maybe_whole"),
        **dict.fromkeys(("status", "currency", "delay_action", "location_id"), "word"),
        **dict.fromkeys(("reference_id", "note", "customer_id", "card_id"), "maybe"),
    },
    REFUNDS: {**_OBJECT, "amount": "amount", **dict.fromkeys(("status", "currency"), "word"), "reason": "maybe"},
    DISPUTES: {
        **_OBJECT,
        "amount": "amount",
        **dict.fromkeys(("state", "reason", "currency"), "word"),
        "due_at": "maybe_whole",
    },
}
"""Table to what `simulator edit` may set: the wire's field name to how its value is read (amount: minor units; `delayed_until`
and `due_at` in milliseconds). `declines` is a code that the card's bank answers every charge with."""

OWNED, OWNER = CARDS, "customer."
"""In front of the name of a field of these, so that the customer's is meant: nobody is told what it is called."""

_CARD_STATUS = {APPROVED: AUTHORIZED, COMPLETED: CAPTURED, CANCELED: VOIDED, FAILED: FAILED}
_TIMES = {COMPLETED: "captured_at", CANCELED: "voided_at"}
_UNPAID = ("REJECTED", "FAILED")


def follow(desk: Desk, table: str, before: Record, columns: Mapping[str, Any]) -> Record:
    """What changes with edited columns: the version and the time, and what hangs together on the wire."""
    if table not in FIELDS:
        return {}
    more: Record = {"updated": moment(desk, before["updated"])}
    if "version" in before:
        more["version"] = before["version"] + 1
    if table == PAYMENTS:
        more |= {"version_token": letters(44), **_with_status(columns, more["updated"])}
    if table == REFUNDS:
        _return_to_seller(visit(desk), before, columns)
    if table == CUSTOMERS and columns.get("merged_into"):
        customers.merge(visit(desk), before["ref"], columns["merged_into"])
        more["deleted"] = 1
    return more


def swipe(desk: Desk, card_ref: str, amount: int, merchant: Mapping[str, Any], hold: bool) -> Record | None:
    """A payment that another program of the seller makes with a card on file; None where nobody has one that is called so."""
    card = known(desk, CARDS, card_ref)
    if card is None:
        return None
    wish = {
        "source_id": card_ref,
        "customer_id": card["customer_id"],
        "amount_money": {"amount": amount, "currency": "USD"},
        "autocomplete": not hold,
        "note": merchant.get("name"),
    }
    try:
        row = payments.pay(visit(desk), card["merchant_id"], wish)
    except Refused as refusal:
        raise BadInput(refusal.detail) from refusal
    declined = row["errors"][0] if row["status"] == FAILED else None
    return {
        "approved": declined is None,
        "reason": declined["code"] if declined else "card_active",
        "message": declined["detail"] if declined else None,
        "authorization_ref": row["ref"],
        "transaction_ref": row["ref"] if row["status"] == COMPLETED else None,
    }


def card_currency(desk: Desk, card_ref: str) -> str | None:
    """Lower case; None where nobody has such a card."""
    return None if known(desk, CARDS, card_ref) is None else "usd"


def set_kyc(desk: Desk, ref: str, word: str) -> bool:
    """Nobody here is verified by Square."""
    del desk, ref, word
    return False


def purchase(desk: Desk, ref: str) -> Record | None:
    """What a payment took: currency (lower case), merchant (its location), `captured` and `refunded` in minor units; None where
    there is none. The card is not named: its name is a secret of the seller's."""
    row = known(desk, PAYMENTS, ref)
    if row is None:
        return None
    captured = row["amount"] + (row["tip"] or 0) if row["status"] == COMPLETED else 0
    told = {"card_ref": "", "currency": row["currency"].lower(), "merchant": row["location_id"]}
    return {**told, "captured": captured, "refunded": row["refunded"]}


def refund(desk: Desk, ref: str, amount: int) -> str:
    """Another program of the seller gives back `amount`, as often as it likes; the refund. The payment must be there."""
    row = known(desk, PAYMENTS, ref)
    assert row is not None
    return str(refunds.given_back(visit(desk), row, amount, "Refunded in the Dashboard")["ref"])


def contest(desk: Desk, ref: str, amount: Money | None, reason: str | None) -> str | None:
    """A buyer's bank disputes a payment, all of it or `amount`; the dispute. None where there is no such payment; BadInput."""
    row = known(desk, PAYMENTS, ref)
    if row is None:
        return None
    taken = row["amount"] + (row["tip"] or 0)
    if row["status"] != COMPLETED:
        raise BadInput(f"a payment that is {row['status']} took no money", hint="only a completed payment is disputed")
    if amount is not None and (amount.currency != row["currency"] or not 0 < amount.minor <= taken):
        raise BadInput(f"a dispute is about some of the {Money(taken, row['currency'])} that were paid, not about {amount}")
    if reason is not None and reason not in DISPUTE_REASONS:
        raise BadInput(f"{reason!r} is no reason of a dispute", hint=f"there are {', '.join(DISPUTE_REASONS)}")
    made = disputes.open_dispute(visit(desk), row, taken if amount is None else amount.minor, reason or "NOT_AS_DESCRIBED")
    return str(made["ref"])


def decide(desk: Desk, ref: str, verdict: str) -> bool:
    """A dispute is won or lost; False where there is none. BadInput for one that is decided."""
    row = known(desk, DISPUTES, ref)
    if row is None:
        return False
    if row["state"] in ("WON", "LOST", "ACCEPTED"):
        raise BadInput(f"this dispute is {row['state']}")
    disputes.move(visit(desk), row, verdict.upper())
    return True


def settle(desk: Desk) -> None:
    """Whatever the clock has brought about."""
    captures.settle(desk)


def _with_status(columns: Mapping[str, Any], at: int) -> Record:
    """The card's word and the time go with the payment's."""
    status = columns.get("status")
    if status not in _CARD_STATUS:
        return {}
    told: Record = {"card_status": _CARD_STATUS[status], **({_TIMES[status]: at} if status in _TIMES else {})}
    return {**told, "errors": payments.errors_of("GENERIC_DECLINE")} if status == FAILED else told


def _return_to_seller(desk: Desk, before: Record, columns: Mapping[str, Any]) -> None:
    """A refund that fails is no refund: its payment counts it no more. One of another amount is counted so."""
    was = 0 if before["status"] in _UNPAID else before["amount"]
    now = 0 if columns.get("status", before["status"]) in _UNPAID else columns.get("amount", before["amount"])
    for paid in select(desk, PAYMENTS, "ref = ?", (before["payment_id"],)):
        if was != now:
            changed(visit(desk), PAYMENTS, paid, {"refunded": paid["refunded"] + now - was})
