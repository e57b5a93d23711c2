"""Bank rules of cards on file: saving, finding, disabling, renewing, forgetting them; what is paid with them is elsewhere."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record
from cardctl.simulator.square.lists import changed, get, known, letters, made
from cardctl.simulator.square.nonces import plastic
from cardctl.simulator.square.tables import CARDS, CUSTOMERS
from cardctl.simulator.square.words import Refused

NOUN = "Card"


def save(desk: Desk, merchant: str, nonce: str, wish: Mapping[str, Any]) -> Record:
    """A new card of a customer's from a one-time token. The same plastic saved again is another card with one fingerprint."""
    customer = wish.get("customer_id")
    if not customer:
        raise Refused("MISSING_REQUIRED_PARAMETER", "Missing required parameter: customer_id.", "card.customer_id")
    owner = known(desk, CUSTOMERS, customer)
    if owner is None or owner["merchant_id"] != merchant:
        raise Refused("CUSTOMER_NOT_FOUND", f"Customer with ID `{customer}` not found.", "card.customer_id")
    behind = plastic(nonce)
    month, year = behind.expiry(desk.now)
    card = {
        "ref": f"ccof:{letters(20)}",
        "version": 1,
        "customer_id": customer,
        "card_brand": behind.brand,
        "last_4": behind.last_4,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": _fingerprint(merchant, behind.bin + behind.last_4),
        "card_type": behind.type,
        "prepaid_type": behind.prepaid,
        "bin": behind.bin,
        "declines": behind.declines,
        **{name: wish.get(name) for name in ("cardholder_name", "billing_address", "reference_id")},
    }
    return made(desk, CARDS, merchant, card)


def card(desk: Desk, merchant: str, ref: str) -> Record:
    """Refused where the seller has none, or Square has forgotten it."""
    found = get(desk, CARDS, merchant, ref, NOUN)
    if found["forgotten"]:
        raise Refused("NOT_FOUND", f"Card with ID `{ref}` not found.")
    return found


def disable(desk: Desk, merchant: str, ref: str) -> Record:
    """For good; again does nothing (CONFIRMED)."""
    found = card(desk, merchant, ref)
    return changed(desk, CARDS, found, {"enabled": 0}) if found["enabled"] else found


def expired(row: Mapping[str, Any], now: int) -> bool:
    """Whether the last month on it is over, by UTC."""
    today = time.gmtime(now)
    return row["exp_year"] is not None and (row["exp_year"], row["exp_month"] or 12) < (today.tm_year, today.tm_mon)


def _fingerprint(merchant: str, number: str) -> str:
    return f"sq-1-{hashlib.sha256(f'{merchant} {number}'.encode()).hexdigest()}"
