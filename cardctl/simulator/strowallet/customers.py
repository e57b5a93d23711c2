"""Bank rules of customers: enrolling, finding, changing them and their KYC; no wire."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import NoSuch, Record, change, find, insert, select
from cardctl.simulator.strowallet.tables import CUSTOMERS
from cardctl.simulator.strowallet.words import KYC, USABLE, Refused


def enrol(desk: Desk, world: str, wish: Mapping[str, str | None]) -> Record:
    """A new customer, verified at once; Refused where the world has one with this e-mail address (in any case)."""
    email = wish["customerEmail"] or ""
    if with_email(desk, world, email) is not None:
        raise Refused("A customer with this email already exists")
    return insert(desk, CUSTOMERS, {**wish, "world": world, "status": KYC[world]["verified"], "ref": str(uuid4())})


def customer(desk: Desk, world: str, ref: str) -> Record:
    """NoSuch where this world has none."""
    found = find(desk, CUSTOMERS, ref)
    if found["world"] != world:
        raise NoSuch(CUSTOMERS, ref)
    return found


def with_email(desk: Desk, world: str, email: str) -> Record | None:
    """The customer with this address, whatever its case."""
    where = '"customerEmail" = ? COLLATE NOCASE AND world = ? AND face = ? AND deleted = 0'
    found = select(desk, CUSTOMERS, where, (email, world, desk.face))
    return found[0] if found else None


def update(desk: Desk, world: str, ref: str, changes: Mapping[str, str]) -> Record:
    """New values for some of a customer's columns; e-mail address and status are not among them."""
    return change(desk, CUSTOMERS, customer(desk, world, ref)["ref"], changes)


def usable(holder: Record) -> bool:
    """Whether a card can be made for this customer; a status that nobody knows is no yes."""
    return holder["status"].lower() in USABLE
