"""Bank rules of disputed payments: a customer's bank takes a charge's money back, and keeps it or not; no wire, no fee."""

from __future__ import annotations

from cardctl.simulator import purses
from cardctl.simulator.desk import Desk
from cardctl.simulator.issuing import BankRefuses
from cardctl.simulator.rows import Record, change, insert, new_ref, select
from cardctl.simulator.sales.tables import CHARGES, DISPUTES

REASONS = frozenset(
    {
        *("bank_cannot_process", "check_returned", "credit_not_processed", "customer_initiated", "debit_not_authorized"),
        *("duplicate", "fraudulent", "general", "incorrect_account_details", "insufficient_funds", "product_not_received"),
        *("product_unacceptable", "subscription_canceled", "unrecognized"),
    }
)
"""A customer's, as Stripe's description lists them."""

NEEDS_RESPONSE, WON, LOST = "needs_response", "won", "lost"


def open_dispute(desk: Desk, charge: Record, amount: int | None = None, reason: str = "fraudulent") -> Record:
    """A dispute over a charge that was paid: over what was not given back of it, or `amount`, which leaves the payments balance
    at once. BankRefuses more than is left, and a charge that is disputed."""
    left = charge["amount"] - charge["amount_refunded"]
    taken = left if amount is None else amount
    if charge["status"] != "succeeded" or not 0 < taken <= left:
        raise BankRefuses(f"At most {left} of this charge can be disputed, once it is paid.", field="amount")
    if of_charge(desk, charge["ref"]):
        raise BankRefuses("This charge is already disputed.")
    _move(desk, charge["currency"], -taken)
    change(desk, CHARGES, charge["ref"], {"disputed": 1})
    record = {
        "ref": new_ref("dp"),
        "amount": taken,
        "currency": charge["currency"],
        "charge": charge["ref"],
        "payment_intent": charge["payment_intent"],
        "brand": charge["brand"],
        "reason": reason,
        "status": NEEDS_RESPONSE,
        "metadata": {},
    }
    return insert(desk, DISPUTES, record)


def decide(desk: Desk, dispute: Record, verdict: str) -> Record:
    """`won`: the money is back. BankRefuses one that is decided."""
    if dispute["status"] in (WON, LOST):
        raise BankRefuses(f"This dispute is {dispute['status']}.")
    if verdict == WON:
        _move(desk, dispute["currency"], dispute["amount"])
    return change(desk, DISPUTES, dispute["ref"], {"status": verdict})


def stands_in_the_way(desk: Desk, charge: Record) -> bool:
    """Whether nothing is given back of a charge: it is disputed, and that was not won (UNCONFIRMED: that it may be then)."""
    found = of_charge(desk, charge["ref"])
    return bool(charge["disputed"]) and not (found and found[0]["status"] == WON)


def of_charge(desk: Desk, ref: str) -> list[Record]:
    """Its dispute, where there is one."""
    return select(desk, DISPUTES, "charge = ? AND deleted = 0", (ref,))


def _move(desk: Desk, currency: str, amount: int) -> None:
    purses.receive(desk, currency, amount, purse="payments")
