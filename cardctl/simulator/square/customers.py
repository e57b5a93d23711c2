"""Bank rules of customers: making, finding, changing, merging, deleting them; no wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, select, write
from cardctl.simulator.square import cards
from cardctl.simulator.square.lists import capitals, changed, get, made, moment
from cardctl.simulator.square.tables import CARDS, CUSTOMERS
from cardctl.simulator.square.words import Refused

NAMES = ("given_name", "family_name", "company_name", "email_address", "phone_number")
"""At least one of them is demanded (CONFIRMED by the description of CreateCustomer)."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_PHONE = re.compile(r"\+?[0-9 ().-]{9,20}\Z", re.ASCII)
_BIRTHDAY = re.compile(r"([0-9]{4}-)?[0-9]{2}-[0-9]{2}\Z", re.ASCII)


def enrol(desk: Desk, merchant: str, wish: Mapping[str, Any]) -> Record:
    """A new customer at version 0. Nothing is unique: the same wish under another key is another customer."""
    _check(wish)
    return made(desk, CUSTOMERS, merchant, {**wish, "ref": capitals(26), "version": 0})


def customer(desk: Desk, merchant: str, ref: str) -> Record:
    """Refused where the seller has none; one that was merged is found by its old name too."""
    return get(desk, CUSTOMERS, merchant, _followed(desk, ref), "Customer")


def update(desk: Desk, merchant: str, ref: str, wish: Mapping[str, Any]) -> Record:
    """New values of the fields that are named. A `version` must be that which is there. UNCONFIRMED: its refusal's status."""
    row = customer(desk, merchant, ref)
    changes = {name: value for name, value in wish.items() if name != "version"}
    _check_version(row, wish.get("version"))
    _check({**{name: row[name] for name in NAMES}, **changes})
    return changed(desk, CUSTOMERS, row, changes)


def delete(desk: Desk, merchant: str, ref: str, version: int | None) -> None:
    """For good. UNCONFIRMED: what becomes of the cards; here they are disabled, since nobody can be charged with them."""
    row = get(desk, CUSTOMERS, merchant, ref, "Customer")
    _check_version(row, version)
    for card in select(desk, CARDS, "customer_id = ? AND deleted = 0 AND enabled = 1 ORDER BY seq", (ref,)):
        cards.disable(desk, merchant, card["ref"])
    write(desk, CUSTOMERS, ref, {"deleted": 1, "updated": moment(desk, row["updated"]), "version": row["version"] + 1})


def merge(desk: Desk, ref: str, into: str) -> None:
    """What a seller does in the Dashboard: one customer takes the other's place, with its cards. UNCONFIRMED: at Square a new
    customer takes the place of both."""
    (row,) = select(desk, CUSTOMERS, "ref = ?", (ref,))
    kept = customer(desk, row["merchant_id"], into)
    for card in select(desk, CARDS, "customer_id = ? AND deleted = 0 ORDER BY seq", (ref,)):
        changed(desk, CARDS, card, {"customer_id": kept["ref"]})
    gone = {"deleted": 1, "merged_into": kept["ref"], "updated": moment(desk, row["updated"]), "version": row["version"] + 1}
    write(desk, CUSTOMERS, ref, gone)
    changed(desk, CUSTOMERS, kept, {"merged_from": [*(kept["merged_from"] or []), ref]})


def _followed(desk: Desk, ref: str) -> str:
    """Who has taken the place of whom."""
    while True:
        found = select(desk, CUSTOMERS, "ref = ? AND merged_into IS NOT NULL", (ref,))
        if not found:
            return ref
        ref = found[0]["merged_into"]


def _check_version(row: Record, version: int | None) -> None:
    if version is not None and version != row["version"]:
        raise Refused("CONFLICT", f"The version {version} is not the current one, {row['version']}.", "version")


def _check(wish: Mapping[str, Any]) -> None:
    if not any(wish.get(name) for name in NAMES):
        raise Refused("BAD_REQUEST", f"At least one of `{'`, `'.join(NAMES)}` is required.")
    _fits(wish, "email_address", _EMAIL, "INVALID_EMAIL_ADDRESS")
    _fits(wish, "phone_number", _PHONE, "INVALID_PHONE_NUMBER")
    _fits(wish, "birthday", _BIRTHDAY, "INVALID_TIME")


def _fits(wish: Mapping[str, Any], name: str, pattern: re.Pattern[str], code: str) -> None:
    value = wish.get(name)
    if value and not pattern.match(value):
        raise Refused(code, f"Expected {name} to be valid.", name)
