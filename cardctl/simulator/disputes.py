"""Bank rules of disputes: opened over a capture, handed in with evidence, decided by the networks; no wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.issuing import BankRefuses
from cardctl.simulator.purses import positive, receive
from cardctl.simulator.rows import Record, change, find, insert, new_ref, select

VERDICTS = ("won", "lost")
"""How a dispute that was handed in may end."""


def open_dispute(desk: Desk, ref: str, wish: Mapping[str, Any]) -> Record:
    """A new dispute over the capture `ref`: of all of it, unless the wish has an amount.

    UNCONFIRMED: the words of each refusal, the reason where none is given, that a lost dispute stands in the way of another.
    """
    transaction = find(desk, "transactions", ref)
    if transaction["type"] != "capture":
        raise BankRefuses("Only a capture can be disputed.", field="transaction")
    if transaction["dispute"]:
        raise BankRefuses(f"This transaction is already disputed by {transaction['dispute']}.", field="transaction")
    taken = -transaction["amount"]
    amount = taken if wish.get("amount") is None else wish["amount"]
    _check_amount(amount, taken)
    record = {
        "ref": new_ref("idp"),
        "transaction": ref,
        "card": transaction["card"],
        "status": "unsubmitted",
        "currency": transaction["currency"],
        "amount": amount,
        "evidence": {"reason": "fraudulent", **wish.get("evidence", {})},
        "metadata": wish.get("metadata", {}),
    }
    dispute = insert(desk, "disputes", record)
    change(desk, "transactions", ref, {"dispute": dispute["ref"]})
    return dispute


def change_dispute(desk: Desk, ref: str, changes: Mapping[str, Any]) -> Record:
    """New amount, evidence or metadata; the first two only until it is handed in."""
    dispute = find(desk, "disputes", ref)
    if set(changes) - {"metadata"}:
        _check_open(dispute)
    if "amount" in changes:
        _check_amount(changes["amount"], -find(desk, "transactions", dispute["transaction"])["amount"])
    return change(desk, "disputes", ref, changes)


def submit(desk: Desk, ref: str, changes: Mapping[str, Any]) -> Record:
    """Hands it in. Stripe looks for the evidence that its reason needs; here none is asked for (UNCONFIRMED: which)."""
    _check_open(find(desk, "disputes", ref))
    return change(desk, "disputes", ref, {**changes, "status": "submitted"})


def decide(desk: Desk, ref: str, verdict: str) -> Record | None:
    """What the networks found: `won` puts the money back into the float, `lost` leaves it where it is.

    None where no dispute is called so; BankRefuses one that was not handed in, or is decided.
    """
    found = select(desk, "disputes", "ref = ? AND deleted = 0", (ref,))
    if not found:
        return None
    visit, dispute = Desk(desk.db, found[0]["face"], desk.now), found[0]
    if dispute["status"] != "submitted":
        raise BankRefuses(f"This dispute is {dispute['status']}, not submitted.")
    if verdict == "won":
        receive(visit, dispute["currency"], dispute["amount"])
    return change(visit, "disputes", ref, {"status": verdict, "loss_reason": "other" if verdict == "lost" else None})


def _check_open(dispute: Record) -> None:
    if dispute["status"] != "unsubmitted":
        raise BankRefuses(f"This dispute is {dispute['status']}, and takes no more evidence.")


def _check_amount(amount: int, taken: int) -> None:
    positive(amount, "amount")
    if amount > taken:
        raise BankRefuses(f"At most {taken} of this transaction can be disputed.", field="amount")
