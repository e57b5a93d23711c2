"""Bank rules of refunds: what of a charge goes back to its customer, at once or later, and what of that comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.domain.money import Money
from cardctl.simulator import purses
from cardctl.simulator.desk import Desk
from cardctl.simulator.issuing import BankRefuses
from cardctl.simulator.refunds import delayed
from cardctl.simulator.rows import Record, change, find, insert, new_ref
from cardctl.simulator.sales import disputing
from cardctl.simulator.sales.methods import FAILS, PENDING
from cardctl.simulator.sales.tables import CHARGES, INTENTS, REFUNDS

LATER = 3600
"""Seconds until what is decided later is decided; at Stripe "some time later"."""

_NOT_GIVEN = ("failed", "canceled")


def refund(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """Gives back `amount`, or what is left, of the charge that the wish names, or of its payment intent's.

    BankRefuses: `charge_disputed`, `charge_already_refunded` (docs.stripe.com/error-codes), more than is left. UNCONFIRMED: the
    order of these, and the words about what was never paid.
    """
    charge = _charge(desk, wish)
    if disputing.stands_in_the_way(desk, charge):
        raise BankRefuses(f"Charge {charge['ref']} has been charged back; cannot issue a refund.", code="charge_disputed")
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise BankRefuses(f"Charge {charge['ref']} has already been refunded.", code="charge_already_refunded")
    amount = left if wish.get("amount") is None else wish["amount"]
    _check_amount(amount, left, charge["currency"])
    waits = delayed(desk)
    manner, told = None if waits else charge["refund_manner"], ("reason", "instructions_email", "metadata")
    record = {
        "ref": new_ref("re"),
        "amount": amount,
        "currency": charge["currency"],
        "payment_intent": charge["payment_intent"],
        "charge": charge["ref"],
        "status": "pending" if waits or manner == PENDING else "succeeded",
        "due_at": desk.now + LATER if manner else None,
        "due": {PENDING: "succeeded", FAILS: "failed"}.get(manner or ""),
        "metadata": {},
        **{name: wish[name] for name in told if name in wish},
    }
    _give(desk, charge, amount)
    return insert(desk, REFUNDS, record)


def follow(desk: Desk, before: Record, columns: Mapping[str, Any]) -> Record:
    """A refund that fails is none: its charge counts it no more, and the money is back. One of another amount is counted so.
    Returns what else of it changes."""
    was = 0 if before["status"] in _NOT_GIVEN else before["amount"]
    now = 0 if columns.get("status", before["status"]) in _NOT_GIVEN else columns.get("amount", before["amount"])
    if was != now:
        visit = Desk(desk.db, before["face"], desk.now)
        _give(visit, find(visit, CHARGES, before["charge"]), now - was)
    if "status" not in columns:
        return {}
    failed = columns["status"] == "failed" and not columns.get("failure_reason", before["failure_reason"])
    return {"due_at": None, "due": None, **({"failure_reason": "unknown"} if failed else {})}


def end(desk: Desk, row: Record) -> Record:
    """What was to become of it later becomes of it now."""
    columns = {"status": row["due"]}
    return change(desk, REFUNDS, row["ref"], columns | follow(desk, row, columns))


def _give(desk: Desk, charge: Record, amount: int) -> None:
    """Out of the payments balance, whatever is left in it. UNCONFIRMED: where it is short the refund may wait at Stripe."""
    purses.receive(desk, charge["currency"], -amount, purse="payments")
    change(desk, CHARGES, charge["ref"], {"amount_refunded": charge["amount_refunded"] + amount})


def _charge(desk: Desk, wish: Mapping[str, Any]) -> Record:
    if wish.get("charge") is not None:
        charge = find(desk, CHARGES, wish["charge"])
        if wish.get("payment_intent") not in (None, charge["payment_intent"]):
            raise BankRefuses("The charge is not one of this PaymentIntent.", field="payment_intent")
        ref = charge["payment_intent"]
    elif wish.get("payment_intent") is not None:
        ref = wish["payment_intent"]
        latest = find(desk, INTENTS, ref)["latest_charge"]
        charge = find(desk, CHARGES, latest) if latest else {"status": "none"}
    else:
        raise BankRefuses("One of the following params should be provided for this request: payment_intent or charge.")
    if charge["status"] != "succeeded":
        raise BankRefuses(f"This PaymentIntent ({ref}) does not have a successful charge to refund.", field="payment_intent")
    return charge


def _check_amount(amount: int, left: int, currency: str) -> None:
    if amount < 1:
        raise BankRefuses("Invalid positive integer", field="amount", code="parameter_invalid_integer")
    if amount > left:
        asked, there = Money(amount, currency.upper()), Money(left, currency.upper())
        raise BankRefuses(f"Refund amount ({asked}) is greater than unrefunded amount on charge ({there})", field="amount")
