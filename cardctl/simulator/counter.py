"""What the staff of the simulated Stripe does from behind the counter: a swipe, a verdict on a cardholder; no wire. Customers'
payments are in sales/counter.py."""

from __future__ import annotations

from cardctl.domain.money import Money
from cardctl.errors import NotFound
from cardctl.simulator import spending
from cardctl.simulator.desk import Desk
from cardctl.simulator.issuing import NO_REQUIREMENTS
from cardctl.simulator.purchase import Purchase, Verdict
from cardctl.simulator.rows import Record, select, write
from cardctl.simulator.sales import counter as sales
from cardctl.simulator.sales import lapsing
from cardctl.simulator.telling import tell

_KYC: dict[str, Record] = {
    "pending": {"disabled_reason": "under_review", "past_due": ["individual.verification.document"]},
    "verified": NO_REQUIREMENTS,
    "rejected": {"disabled_reason": "rejected.listed", "past_due": []},
}
"""`requirements` of a cardholder (docs.stripe.com/api/issuing/cardholders/object)."""


def swipe(
    desk: Desk, card_ref: str, amount: int, merchant: Record, hold: bool, verdict: Verdict | None = None
) -> Record | None:
    """A purchase of `amount` minor units: authorised and, unless `hold`, captured; None where this bank has no such card.

    `reason` is the word of the request history, `message` its sentence. NotFound where the card's holder is gone.
    """
    visit = visit_of(desk, card_ref)
    if visit is None:
        return None
    authorization = spending.authorise(visit, card_ref, Purchase(amount, merchant, verdict=verdict))
    tell(visit)
    taken = authorization["approved"] and not hold
    transaction = spending.capture(visit, authorization["ref"]) if taken else None
    decision = authorization["request_history"][-1]
    return {
        "approved": bool(authorization["approved"]),
        "reason": decision["reason"],
        "message": decision["reason_message"],
        "authorization_ref": authorization["ref"],
        "transaction_ref": transaction and transaction["ref"],
    }


def purchase(desk: Desk, ref: str) -> Record | None:
    """What a transaction, or a customer's payment, took: card_ref, currency (lower case), merchant (its name), `captured` and
    `refunded` in minor units, both 0 for one that is no capture; None where this bank has no such transaction."""
    row = _transaction(desk, ref)
    if row is None:
        return sales.purchase(desk, ref)
    captured = -row["amount"] if row["type"] == "capture" else 0
    told = {"card_ref": row["card"], "currency": row["currency"], "merchant": row["merchant_data"]["name"]}
    return {**told, "captured": captured, "refunded": row["refunded"]}


def refund(desk: Desk, ref: str, amount: int) -> str:
    """The merchant gives back `amount`, as often as it likes; the new transaction's name. The transaction must be there. Of a
    customer's payment the seller gives back no more than was paid: BadInput."""
    row = _transaction(desk, ref)
    if row is None:
        return sales.refund(desk, ref, amount)
    return str(spending.refund(Desk(desk.db, row["face"], desk.now), ref, amount, doubled=True)["ref"])


def visit_of(desk: Desk, card_ref: str) -> Desk | None:
    """A visit through the card's own face; None where this bank has no such card, NotFound where its holder is gone."""
    card = _card(desk, card_ref)
    if card is None:
        return None
    if not _holder(desk, card["holder"]):
        raise NotFound("cardholder", card["holder"])
    return Desk(desk.db, card["face"], desk.now)


def card_currency(desk: Desk, card_ref: str) -> str | None:
    """Lower case; None where this bank has no such card."""
    card = _card(desk, card_ref)
    return None if card is None else str(card["currency"])


def set_kyc(desk: Desk, holder_ref: str, word: str) -> bool:
    """pending → under_review with a document past due, verified → no requirement, rejected → rejected.listed; False where this
    bank has no such cardholder."""
    if not _holder(desk, holder_ref):
        return False
    write(desk, "holders", holder_ref, {"requirements": _KYC[word]})
    return True


def contest(desk: Desk, ref: str, amount: Money | None, reason: str | None) -> str | None:
    """A customer's bank disputes a payment; see sales/counter.py."""
    return sales.contest(desk, ref, amount, reason)


def decide(desk: Desk, ref: str, verdict: str) -> bool:
    """What became of a customer's dispute; False where none is called so."""
    return sales.decide(desk, ref, verdict)


def settle(desk: Desk) -> None:
    """Whatever the clock has brought about."""
    lapsing.settle(desk)


def _card(desk: Desk, ref: str) -> Record | None:
    found = select(desk, "cards", "ref = ? AND deleted = 0", (ref,))
    return found[0] if found else None


def _transaction(desk: Desk, ref: str) -> Record | None:
    found = select(desk, "transactions", "ref = ? AND deleted = 0", (ref,))
    return found[0] if found else None


def _holder(desk: Desk, ref: str) -> list[Record]:
    return select(desk, "holders", "ref = ? AND deleted = 0", (ref,))
