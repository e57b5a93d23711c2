"""What a payment is paid with: a card on file, a one-time token, cash, or something outside of Square; no money moves here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record
from cardctl.simulator.square import cards
from cardctl.simulator.square.lists import known
from cardctl.simulator.square.nonces import PLASTIC, TEST_CARD, Plastic, plastic
from cardctl.simulator.square.tables import CARDS, CUSTOMERS
from cardctl.simulator.square.words import Refused

OUTSIDE = {"CASH": "cash_details", "EXTERNAL": "external_details"}
"""Source ids of money that Square only writes down, each with the details that it wants."""

_SHOWN = ("card_brand", "last_4", "exp_month", "exp_year", "cardholder_name", "fingerprint", "card_type", "prepaid_type", "bin")


@dataclass(frozen=True, slots=True)
class Source:
    """`columns` of the payment's row; `declines`: the card's bank says so to every charge."""

    columns: Record
    declines: str | None = None


def source(desk: Desk, merchant: str, wish: Mapping[str, Any]) -> Source:
    """Refused for a source that is nobody's, is not the customer's, or wants details."""
    named, customer = str(wish["source_id"]), wish.get("customer_id")
    if named in OUTSIDE:
        return _outside(named, wish)
    if named == TEST_CARD:
        return _paid(PLASTIC["cnon:card-nonce-ok"], desk.now, {"entry_method": "ON_FILE", "card_id": TEST_CARD})
    if named.startswith("ccof:"):
        return _on_file(desk, merchant, named, customer)
    if customer:
        _check_customer(desk, merchant, customer)
    return _paid(plastic(named, paying=True), desk.now, {"entry_method": "KEYED"})


def standing(row: Mapping[str, Any], now: int) -> str | None:
    """What is said to any charge of a card on file; None: it is charged. UNCONFIRMED: the code of a disabled one."""
    if not row["enabled"]:
        return "INVALID_CARD"
    return "CARD_EXPIRED" if cards.expired(row, now) else row["declines"]


def _on_file(desk: Desk, merchant: str, ref: str, customer: str | None) -> Source:
    """CONFIRMED: the customer must be named. UNCONFIRMED: what is said where the card is another's."""
    if not customer:
        raise Refused("MISSING_REQUIRED_PARAMETER", "A card on file needs its customer_id.", "customer_id")
    found = known(desk, CARDS, ref)
    if found is None or found["merchant_id"] != merchant or found["forgotten"]:
        raise Refused("NOT_FOUND", f"Card with ID `{ref}` not found.", "source_id")
    if found["customer_id"] != customer:
        raise Refused("NOT_FOUND", f"Card `{ref}` is not on file for customer `{customer}`.", "source_id")
    shown = {name: found[name] for name in _SHOWN if found[name] is not None}
    # CONFIRMED by the official examples: the card in a payment is without the customer's name for it
    columns = {"source_type": "CARD", "entry_method": "ON_FILE", "card_id": ref, "card": {"id": ref, **shown}}
    return Source(columns, standing(found, desk.now))


def _paid(behind: Plastic, now: int, columns: Record) -> Source:
    month, year = behind.expiry(now)
    card = {
        "card_brand": behind.brand,
        "last_4": behind.last_4,
        "exp_month": month,
        "exp_year": year,
        "card_type": behind.type,
        "prepaid_type": behind.prepaid,
        "bin": behind.bin,
    }
    return Source({"source_type": "CARD", "card": card, **columns}, behind.declines)


def _outside(named: str, wish: Mapping[str, Any]) -> Source:
    details = wish.get(OUTSIDE[named])
    if not details:
        raise Refused("MISSING_REQUIRED_PARAMETER", f"Missing required parameter: {OUTSIDE[named]}.", OUTSIDE[named])
    return Source({"source_type": named, "details": details})


def _check_customer(desk: Desk, merchant: str, ref: str) -> None:
    owner = known(desk, CUSTOMERS, ref)
    if owner is None or owner["merchant_id"] != merchant:
        raise Refused("NOT_FOUND", f"Customer with ID `{ref}` not found.", "customer_id")
