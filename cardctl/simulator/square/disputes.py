"""Bank rules of disputes: a buyer's bank wants a payment back; opened and decided by staff, accepted by the seller; no wire."""

from __future__ import annotations

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record
from cardctl.simulator.square.lists import capitals, changed, get, letters, made, moment
from cardctl.simulator.square.tables import DISPUTES
from cardctl.simulator.square.words import Refused

NOUN = "Dispute"
OPEN = ("EVIDENCE_REQUIRED", "INQUIRY_EVIDENCE_REQUIRED")

_ANSWER_WITHIN = 14 * 86400 * 1000  # as in the official example


def dispute(desk: Desk, merchant: str, ref: str) -> Record:
    """Refused where the seller has none."""
    return get(desk, DISPUTES, merchant, ref, NOUN)


def open_dispute(desk: Desk, paid: Record, amount: int, reason: str, state: str = "EVIDENCE_REQUIRED") -> Record:
    """A new dispute about a payment; the payment itself does not change."""
    record = {
        "ref": letters(20),
        "payment_id": paid["ref"],
        "location_id": paid["location_id"],
        "amount": amount,
        "currency": paid["currency"],
        "state": state,
        "reason": reason,
        "due_at": moment(desk) + _ANSWER_WITHIN,
        "brand_dispute_id": capitals(22),
        "card_brand": (paid["card"] or {}).get("card_brand"),
        "version": 1,
    }
    return made(desk, DISPUTES, paid["merchant_id"], record)


def accept(desk: Desk, row: Record) -> Record:
    """The seller gives in. Refused for one that is decided."""
    if row["state"] not in OPEN:
        raise Refused("BAD_REQUEST", f"A dispute that is {row['state']} cannot be accepted.")
    return move(desk, row, "ACCEPTED")


def move(desk: Desk, row: Record, state: str) -> Record:
    return changed(desk, DISPUTES, row, {"state": state})
