"""Bank rules of cardholders and cards: making them, moving their status; the wire and purchases live elsewhere."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, change, find, insert, new_ref

BRAND = "Visa"
_BIN = "400000"  # a range that networks never issue from
_YEARS_VALID = 3

NO_REQUIREMENTS: Record = {"disabled_reason": None, "past_due": []}


class BankRefuses(Exception):
    """The bank's no: what it says, about which `field`, and its `code` where it has one."""

    def __init__(self, message: str, *, field: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.code = code


def open_holder(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """A new cardholder, active unless the wish says otherwise, with no requirement past due."""
    defaults = {
        "type": "individual",
        "status": "active",
        "requirements": NO_REQUIREMENTS,
        "spending_controls": {},
        "metadata": {},
    }
    return insert(desk, "holders", {**defaults, **wish, "ref": new_ref("ich")})


def change_holder(desk: Desk, ref: str, changes: Mapping[str, Any]) -> Record:
    """New values for some of a cardholder's columns. A blocked one was blocked by the bank, and stays so."""
    holder = find(desk, "holders", ref)
    if "status" in changes and holder["status"] == "blocked":
        raise BankRefuses("This cardholder is blocked.", field="status")
    return change(desk, "holders", ref, changes)


def issue_card(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """A new card, inactive unless the wish says otherwise (SDK 16.1.0), with a number of its own.

    A replacement of a lost or stolen card needs the first one canceled; of a damaged or expired one it keeps the number
    (docs.stripe.com/issuing/cards/replacements).
    """
    find(desk, "holders", wish["holder"])
    number, cvc = _new_number(), f"{secrets.randbelow(1000):03d}"
    replaced = find(desk, "cards", wish["replacement_for"]) if wish.get("replacement_for") else None
    if replaced is not None:
        _check_replacement(replaced, wish.get("replacement_reason"))
        if wish["replacement_reason"] in ("damaged", "expired"):
            number = replaced["number"]
    made = {
        "type": "virtual",
        "status": "inactive",
        "brand": BRAND,
        "number": number,
        "cvc": cvc,
        "last4": number[-4:],
        "spending_controls": {},
        "metadata": {},
        **_expiry(desk.now, wish),
    }
    card = insert(desk, "cards", {**made, **wish, **_expiry(desk.now, wish), "ref": new_ref("ic")})
    if replaced is not None:
        change(desk, "cards", replaced["ref"], {"replaced_by": card["ref"]})
        _retire_replaced(desk, card)
    return card


def change_card(desk: Desk, ref: str, changes: Mapping[str, Any]) -> Record:
    """New values for some of a card's columns. Canceled is final: such a card takes no change at all.

    UNCONFIRMED: the very words of the refusal, and that it covers metadata too.
    """
    card = find(desk, "cards", ref)
    if card["status"] == "canceled":
        raise BankRefuses("You cannot update a canceled card.", field="status" if "status" in changes else None)
    if changes.get("cancellation_reason") and changes.get("status") != "canceled":
        raise BankRefuses("`cancellation_reason` can only be set when canceling a card.", field="cancellation_reason")
    card = change(desk, "cards", ref, changes)
    _retire_replaced(desk, card)
    return card


def luhn_digit(digits: str) -> str:
    """The digit that makes `digits` pass the Luhn check."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def _new_number() -> str:
    digits = _BIN + "".join(str(secrets.randbelow(10)) for _ in range(9))
    return digits + luhn_digit(digits)


def _expiry(now: int, wish: Mapping[str, Any]) -> Record:
    today = time.gmtime(now)
    month, year = wish.get("exp_month") or today.tm_mon, wish.get("exp_year") or today.tm_year + _YEARS_VALID
    if not 1 <= month <= 12:
        raise BankRefuses("The expiration month must be between 1 and 12.", field="exp_month")
    if (year, month) < (today.tm_year, today.tm_mon):
        raise BankRefuses("The expiration date must be in the future.", field="exp_year")
    return {"exp_month": month, "exp_year": year}


def _check_replacement(replaced: Record, reason: str | None) -> None:
    if reason is None:
        raise BankRefuses("A replacement card needs a `replacement_reason`.", field="replacement_reason")
    if replaced["replaced_by"]:
        raise BankRefuses(f"This card was already replaced by {replaced['replaced_by']}.", field="replacement_for")
    if reason in ("lost", "stolen") and replaced["status"] != "canceled":
        raise BankRefuses("A lost or stolen card must be canceled before it is replaced.", field="replacement_for")


def _retire_replaced(desk: Desk, card: Record) -> None:
    if card["status"] == "active" and card["replacement_for"] and card["replacement_reason"] in ("damaged", "expired"):
        change(desk, "cards", card["replacement_for"], {"status": "canceled"})
