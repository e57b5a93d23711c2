"""Rules of the endpoint that tops the wallet up with a card: the card pays at the simulated Stripe, then the wallet has it.

Zendit has no such endpoint; this one is cardctl's own protocol, and stands beside Zendit. The card is charged through the
bank's own rules of purchases, so that it declines for the reasons for which cards decline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from cardctl.errors import NotFound
from cardctl.simulator import counter, spending
from cardctl.simulator.desk import Desk
from cardctl.simulator.purchase import Purchase
from cardctl.simulator.rows import Record, change, insert, select
from cardctl.simulator.telling import tell
from cardctl.simulator.zendit import wallet
from cardctl.simulator.zendit.tables import TOPUPS
from cardctl.simulator.zendit.words import CREDIT, DONE, RECHARGE

SUCCEEDED, WAITS, FELL = "succeeded", "pending", "failed"

MERCHANT: Record = {
    "name": "Zendit Wallet",
    "category": "telecommunication_services",
    "city": "Miami",
    "country": "US",
}
_PACE = "zendit_topup_pace"


def top_up(desk: Desk, wish: Mapping[str, Any], fingerprint: str) -> Record:
    """What became of {reference, amount, currency, card: {number, exp_month, exp_year, cvc}}, whose reference is new:
    succeeded, pending until the far side's clock says so, or failed, where the card was declined. Amounts are cents."""
    card = wish["card"]
    why, paid = _charged(desk, card, wish["amount"])
    wait = pace(desk)
    record = {
        "ref": str(uuid4()),
        "updated": desk.now,
        "fingerprint": fingerprint,
        "status": FELL if why else WAITS,
        **{name: wish[name] for name in ("reference", "amount", "currency")},
        "last4": card["number"][-4:],
        "code": why and why[0],
        "failure_reason": why and why[1],
        **paid,
        "due": None if why else desk.now + wait,
    }
    row = insert(wallet.visit(desk), TOPUPS, record)
    return row if why or wait else credited(desk, row)


def of_reference(desk: Desk, reference: str) -> Record | None:
    return next(iter(select(desk, TOPUPS, "reference = ? AND deleted = 0", (reference,))), None)


def credited(desk: Desk, row: Record) -> Record:
    """The wallet has the money; the ledger's entry is called as the top-up is."""
    if row["status"] != WAITS:  # staff have set a time to one that has ended
        return change(wallet.visit(desk), TOPUPS, row["ref"], {"due": None})
    wallet.move(desk, row["amount"])
    entry = {"transactionId": row["ref"], "productType": RECHARGE, "type": CREDIT, "status": DONE, "amount": row["amount"]}
    wallet.booked(desk, entry)
    return change(wallet.visit(desk), TOPUPS, row["ref"], {"status": SUCCEEDED, "due": None, "updated": row["due"]})


def pace(desk: Desk) -> int:
    """Seconds until the money is in the wallet; none, unless staff have set it."""
    row = desk.db.execute("SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?", (_PACE,)).fetchone()
    return int(row[0]) if row else 0


def set_pace(desk: Desk, seconds: int) -> None:
    """For what is asked for from now on."""
    desk.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_PACE, str(seconds)))


def _charged(desk: Desk, given: Mapping[str, Any], amount: int) -> tuple[tuple[str, str] | None, Record]:
    """Why the card did not pay (a code and a sentence), and the bank's names for what it did."""
    card = next(iter(select(desk, "cards", "number = ? AND deleted = 0 ORDER BY seq DESC LIMIT 1", (given["number"],))), None)
    if card is None:
        return ("incorrect_number", "No bank has a card with this number."), {}
    if card["currency"] != wallet.CURRENCY.lower():
        return ("currency_not_supported", "This card does not spend US dollars."), {}
    try:
        bank = counter.visit_of(desk, card["ref"])
    except NotFound:
        bank = None
    if bank is None:
        return ("card_declined", "The card's holder is not known."), {}
    made = spending.authorise(bank, card["ref"], Purchase(amount, MERCHANT, verification=_checked(card, given)))
    tell(bank)
    if not made["approved"]:
        decision = made["request_history"][-1]
        return ("card_declined", decision["reason_message"] or decision["reason"]), {"authorization": made["ref"]}
    return None, {"authorization": made["ref"], "transaction": spending.capture(bank, made["ref"])["ref"]}


def _checked(card: Record, given: Mapping[str, Any]) -> Record:
    """What the bank finds of the numbers that came with the card's; a wrong one is a decline of its own."""
    expiry = (card["exp_month"], card["exp_year"]) == (given["exp_month"], given["exp_year"])
    checks = {"cvc_check": card["cvc"] == given["cvc"], "expiry_check": expiry}
    return {name: "match" if right else "mismatch" for name, right in checks.items()}
