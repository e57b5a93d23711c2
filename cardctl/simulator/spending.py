"""Bank rules of purchases: authorise, increment, capture, reverse, expire, refund, and the float that pays for it all.

The float gives way to a hold when it is approved, gets it back when it is released, and pays each capture. A decline
is an authorization too.
UNCONFIRMED: that `amount` stays when an authorization is closed or expires, and shrinks with each reversal.
"""

from __future__ import annotations

import secrets
import string
import time
from typing import Any

from cardctl.simulator.categories import CODES
from cardctl.simulator.desk import Desk
from cardctl.simulator.issuing import BankRefuses
from cardctl.simulator.limits import Asked, forbidden
from cardctl.simulator.purchase import Purchase, Verdict
from cardctl.simulator.purses import available, not_negative, pay, positive, receive
from cardctl.simulator.rows import Record, change, find, insert, new_ref

MERCHANT: Record = {
    "category": "computer_software_stores",
    "category_code": CODES["computer_software_stores"],
    "city": "San Francisco",
    "country": "US",
    "name": "Rocket Rides",
    "network_id": "1234567890",
    "postal_code": "94107",
    "state": "CA",
    "tax_id": None,
    "terminal_id": None,
    "url": None,
}
_VERIFICATION: Record = {
    "address_line1_check": "not_provided",
    "address_postal_code_check": "not_provided",
    "authentication_exemption": None,
    "cvc_check": "match",
    "expiry_check": "match",
    "postal_code": None,
    "three_d_secure": None,
}
_APPROVED = "card_active"
_ABSENT_METHODS = ("keyed_in", "online")


def authorise(desk: Desk, card_ref: str, purchase: Purchase) -> Record:
    """A new authorization: approved with a hold on the float, or declined and closed; the reason is in its history."""
    card = find(desk, "cards", card_ref)
    not_negative(purchase.amount, "amount")
    merchant = _merchant(purchase.merchant)
    verification = {**_VERIFICATION, **purchase.verification}
    asked = Asked(purchase.amount, 0, card["currency"], merchant["category"], merchant["country"], _presence(purchase.method))
    reason, why = _decision(desk, card, asked, verification)
    verdict = purchase.verdict or Verdict(approved=True, reason=_APPROVED)
    if reason is None and not verdict.approved:
        reason = verdict.reason
    record = _opened(card, purchase, merchant, verification, approved=reason is None)
    record |= {"ref": verdict.ref or record["ref"], "metadata": verdict.metadata}
    record["request_history"] = [_entry(desk, record, purchase.amount, reason, why, approved_by=verdict.reason)]
    authorization = insert(desk, "authorizations", record)
    pay(desk, card["currency"], authorization["held"])
    _cancel_when_used_up(desk, card)
    return authorization


def increment(desk: Desk, ref: str, more: int) -> Record:
    """Asks for `more` on an open authorization; a decline leaves what is held as it was."""
    authorization = _pending(desk, ref)
    positive(more, "increment_amount")
    card = find(desk, "cards", authorization["card"])
    merchant = authorization["merchant_data"]
    presence = _presence(authorization["authorization_method"])
    asked = Asked(more, authorization["amount"], card["currency"], merchant["category"], merchant["country"], presence)
    reason, why = _decision(desk, card, asked, authorization["verification_data"])
    changes: Record = {"request_history": [*authorization["request_history"], _entry(desk, authorization, more, reason, why)]}
    if reason is None:
        changes |= {name: authorization[name] + more for name in ("amount", "merchant_amount")}
    return _settle(desk, authorization, changes)


def capture(desk: Desk, ref: str, amount: int | None = None, *, close: bool = True) -> Record:
    """The merchant takes `amount` (default: what is left), more than was held if they like; returns the transaction.

    No status and no limit stands in its way (docs.stripe.com/issuing/purchases/transactions).
    """
    authorization = _pending(desk, ref)
    taken = authorization["held"] if amount is None else amount
    positive(taken, "capture_amount")
    pay(desk, authorization["currency"], taken)
    status = "closed" if close else "pending"
    _settle(desk, authorization, {"captured": authorization["captured"] + taken, "status": status})
    return _book(desk, authorization, "capture", -taken, authorization["merchant_data"], authorization=ref)


def reverse(desk: Desk, ref: str, amount: int | None = None) -> Record:
    """The merchant gives back a part of the hold (default: all that is left of it)."""
    authorization = _pending(desk, ref)
    given = authorization["held"] if amount is None else amount
    not_negative(given, "reverse_amount")
    if given > authorization["held"]:
        raise BankRefuses(f"Only {authorization['held']} can still be reversed.", field="reverse_amount")
    ended = "closed" if authorization["captured"] else "reversed"
    changes = {
        "amount": authorization["amount"] - given,
        "merchant_amount": max(authorization["merchant_amount"] - given, 0),
        "status": ended if given == authorization["held"] else "pending",
    }
    return _settle(desk, authorization, changes)


def expire(desk: Desk, ref: str) -> Record:
    """Nobody captured in time: what is still held goes back."""
    return _settle(desk, _pending(desk, ref), {"status": "expired"})


def force_capture(desk: Desk, card_ref: str, amount: int, merchant: Record) -> Record:
    """A capture without an authorization, which no bank can refuse; returns the transaction."""
    card = find(desk, "cards", card_ref)
    positive(amount, "amount")
    pay(desk, card["currency"], amount)
    transaction = _book(desk, _as_source(card), "capture", -amount, _merchant(merchant))
    _cancel_when_used_up(desk, card)
    return transaction


def unlinked_refund(desk: Desk, card_ref: str, amount: int, merchant: Record) -> Record:
    """Money from a merchant who names no purchase; returns the transaction."""
    card = find(desk, "cards", card_ref)
    positive(amount, "amount")
    receive(desk, card["currency"], amount)
    return _book(desk, _as_source(card), "refund", amount, _merchant(merchant))


def refund(desk: Desk, ref: str, amount: int | None = None, *, doubled: bool = False) -> Record:
    """Gives back a part of a capture (default: what was not yet refunded); returns the new transaction. `doubled`: the merchant
    may give back more than it took, which no bank can stop."""
    captured = find(desk, "transactions", ref)
    if captured["type"] != "capture":
        raise BankRefuses("Only a capture can be refunded.", field="transaction")
    left = -captured["amount"] - captured["refunded"]
    given = left if amount is None else amount
    positive(given, "refund_amount")
    if given > left and not doubled:
        raise BankRefuses(f"Only {left} of this transaction can still be refunded.", field="refund_amount")
    receive(desk, captured["currency"], given)
    change(desk, "transactions", ref, {"refunded": captured["refunded"] + given})
    return _book(desk, captured, "refund", given, captured["merchant_data"], authorization=captured["authorization"])


def _opened(card: Record, purchase: Purchase, merchant: Record, verification: Record, *, approved: bool) -> Record:
    return {
        "ref": new_ref("iauth"),
        "card": card["ref"],
        "holder": card["holder"],
        "status": "pending" if approved else "closed",
        "approved": approved,
        "currency": card["currency"],
        "amount": purchase.amount,
        "held": purchase.amount if approved else 0,
        "captured": 0,
        "merchant_currency": purchase.merchant_currency or card["currency"],
        "merchant_amount": purchase.amount if purchase.merchant_amount is None else purchase.merchant_amount,
        "category": merchant["category"],
        "authorization_method": purchase.method,
        "wallet": purchase.wallet,
        "amount_details": purchase.amount_details,
        "merchant_data": merchant,
        "network_data": purchase.network_data,
        "verification_data": verification,
        "metadata": {},
    }


def _settle(desk: Desk, authorization: Record, changes: Record) -> Record:
    """Writes the changes; the hold becomes what is authorised and not yet captured while it is open, and the float follows."""
    after = authorization | changes
    held = max(after["amount"] - after["captured"], 0) if after["status"] == "pending" else 0
    receive(desk, authorization["currency"], authorization["held"] - held)
    return change(desk, "authorizations", authorization["ref"], {**changes, "held": held})


def _decision(desk: Desk, card: Record, asked: Asked, verification: Record) -> tuple[str | None, str | None]:
    """The first reason to decline, with a sentence where it needs one; (None, None) approves."""
    holder = find(desk, "holders", card["holder"])
    today = time.gmtime(desk.now)
    reasons = (
        ("card_canceled", card["status"] == "canceled"),
        ("card_inactive", card["status"] != "active"),
        ("card_expired", (card["exp_year"], card["exp_month"]) < (today.tm_year, today.tm_mon)),
        ("cardholder_blocked", holder["status"] == "blocked"),
        ("cardholder_inactive", holder["status"] != "active"),
        ("cardholder_verification_required", bool(holder["requirements"]["disabled_reason"])),
        ("verification_failed", "mismatch" in (verification["cvc_check"], verification["expiry_check"])),
    )
    for reason, applies in reasons:
        if applies:
            return reason, None
    why = forbidden(desk, card, holder, asked)
    if why is not None:
        return "spending_controls", why
    if asked.more and asked.more > available(desk).get(asked.currency, 0):
        return "insufficient_funds", None
    return None, None


def _entry(
    desk: Desk, authorization: Record, amount: int, reason: str | None, why: str | None, *, approved_by: str = _APPROVED
) -> Record:
    letters = string.digits + string.ascii_uppercase
    return {
        "amount": amount,
        "amount_details": authorization["amount_details"],
        "approved": reason is None,
        "authorization_code": "".join(secrets.choice(letters) for _ in range(6)) if reason is None else None,
        "created": desk.now,
        "currency": authorization["currency"],
        "merchant_amount": amount,
        "merchant_currency": authorization["merchant_currency"],
        "network_risk_score": None,
        "reason": reason or approved_by,
        "reason_message": why,
        "requested_at": desk.now,
    }


def _book(desk: Desk, source: Record, kind: str, amount: int, merchant: Record, *, authorization: str | None = None) -> Record:
    """Writes a transaction: negative for a capture, positive for a refund (docs.stripe.com/issuing/purchases/transactions)."""
    record: dict[str, Any] = {
        "ref": new_ref("ipi"),
        "card": source["card"],
        "holder": source["holder"],
        "authorization": authorization,
        "type": kind,
        "currency": source["currency"],
        "amount": amount,
        "merchant_currency": source["currency"],
        "merchant_amount": amount,
        "category": merchant["category"],
        "wallet": source["wallet"],
        "merchant_data": merchant,
        "metadata": {},
    }
    return insert(desk, "transactions", record)


def _as_source(card: Record) -> Record:
    return {"card": card["ref"], "holder": card["holder"], "currency": card["currency"], "wallet": None}


def _pending(desk: Desk, ref: str) -> Record:
    authorization = find(desk, "authorizations", ref)
    if authorization["status"] != "pending":
        raise BankRefuses(f"This authorization is {authorization['status']}, not pending.", field="authorization")
    return authorization


def _merchant(given: Record) -> Record:
    merchant = {**MERCHANT, **given}
    return {**merchant, "category_code": given.get("category_code") or CODES[merchant["category"]]}


def _presence(method: str) -> str:
    return "not_present" if method in _ABSENT_METHODS else "present"


def _cancel_when_used_up(desk: Desk, card: Record) -> None:
    if card["payment_count"] is None:
        return
    used = """SELECT (SELECT count(*) FROM authorizations WHERE card = ?1 AND approved AND (amount OR status = 'reversed'))
        + (SELECT count(*) FROM transactions WHERE card = ?1 AND type = 'capture' AND "authorization" IS NULL)"""
    if desk.db.execute(used, (card["ref"],)).fetchone()[0] >= card["payment_count"]:
        change(desk, "cards", card["ref"], {"status": "canceled"})
