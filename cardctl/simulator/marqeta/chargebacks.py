"""Bank rules of chargebacks: opening one about a purchase, and how it ends; every step is a transition and moves money.

UNCONFIRMED as a whole, but for the words: which transaction goes with which transition, and that a loss takes back what the
cardholder was credited.
"""

from __future__ import annotations

from cardctl.simulator.desk import Desk
from cardctl.simulator.marqeta.accounts import book, move
from cardctl.simulator.marqeta.lists import changed, get, made
from cardctl.simulator.marqeta.refusals import Kind, Refuses
from cardctl.simulator.rows import Record

KIND = "authorization.clearing"
"""What can be charged back: a transaction by which money left."""

INITIATED, WON, LOST = "INITIATED", "CASE_WON", "CASE_LOST"

_TABLE = "marqeta_chargebacks"
_SUFFIXES = {INITIATED: "chargeback", WON: "chargeback.completed", LOST: "chargeback.reversal"}
_TYPES = {INITIATED: "initiated", WON: "case.won", LOST: "case.lost"}
_CHANNEL = "ISSUER"


def open_chargeback(desk: Desk, ref: str, amount: int) -> Record:
    """Charges `amount` of a cleared purchase back and credits it to the cardholder; the chargeback.

    Refuses a transaction that took no money, and more than it took.
    """
    purchase = get(desk, "marqeta_transactions", ref)
    if purchase["type"] != KIND or purchase["state"] != "COMPLETION":
        raise Refuses(Kind.INVALID, "Only a completed purchase can be charged back")
    if not 0 < amount <= purchase["amount"] - charged_back(desk, ref):
        raise Refuses(Kind.INVALID, "The amount is more than the transaction's, or none")
    about = {name: purchase[name] for name in ("card_token", "currency_code", "network")}
    wish = {"transaction_token": ref, "amount": amount, "state": INITIATED, "channel": _CHANNEL, "credit_user": True}
    chargeback = made(desk, _TABLE, {**about, **wish, "reason_code": "4837", "memo": "Not recognised by the cardholder"})
    _step(desk, chargeback, purchase, INITIATED, amount)
    return chargeback


def decide(desk: Desk, ref: str, *, won: bool) -> Record:
    """The network's verdict: won, and the credit stays; lost, and it is taken back. Refuses one that was decided."""
    chargeback = get(desk, _TABLE, ref)
    if chargeback["state"] != INITIATED:
        raise Refuses(Kind.RULE, "Unable to perform chargeback transition")
    purchase = get(desk, "marqeta_transactions", chargeback["transaction_token"])
    state = WON if won else LOST
    _step(desk, chargeback, purchase, state, 0 if won else -chargeback["amount"])
    return changed(desk, _TABLE, ref, {"state": state})


def charged_back(desk: Desk, ref: str) -> int:
    """How much of a purchase is charged back and not lost, in minor units."""
    total = f"SELECT coalesce(sum(amount), 0) FROM {_TABLE} WHERE transaction_token = ? AND state <> ? AND deleted = 0"  # noqa: S608
    return int(desk.db.execute(total, (ref, LOST)).fetchone()[0])


def _step(desk: Desk, chargeback: Record, purchase: Record, state: str, impacted: int) -> None:
    account = move(desk, get(desk, "marqeta_users", purchase["user_token"]), ledger=impacted)
    inherited = ("acting_user_token", "card_token", "card_product_token", "network", "card_acceptor")
    more = {**{name: purchase[name] for name in inherited}, "preceding_related_transaction_token": purchase["ref"]}
    kind = f"{KIND}.{_SUFFIXES[state]}"
    booked = book(desk, kind, "COMPLETION", account, chargeback["amount"], impacted, **more)
    about = {name: chargeback[name] for name in ("card_token", "amount", "currency_code")}
    moved = {"state": state, "previous_state": chargeback["state"], "type": _TYPES[state], "channel": _CHANNEL}
    told = {**about, **moved, "chargeback_token": chargeback["ref"], "transaction_token": booked["ref"]}
    made(desk, "marqeta_chargeback_transitions", told)
