"""Bank rules of checkout sessions: a page on which a customer pays, once, until it expires; no wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.issuing import BankRefuses
from cardctl.simulator.rows import Record, change, find, insert, new_ref
from cardctl.simulator.sales import payments
from cardctl.simulator.sales.methods import Method
from cardctl.simulator.sales.tables import CHECKOUTS, INTENTS

SHORTEST, LONGEST = 30 * 60, 24 * 3600
"""Seconds that a session may be open; the longest is the default (docs.stripe.com/api/checkout/sessions/create)."""

OPEN, COMPLETE, EXPIRED = "open", "complete", "expired"
UNPAID, PAID = "unpaid", "paid"


def open_session(desk: Desk, wish: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Record:
    """A new session over `items` (each `name`, `currency`, `unit_amount`, `quantity`, maybe `description`), of one currency."""
    currencies = {item["currency"] for item in items}
    if len(currencies) != 1:
        raise BankRefuses("All prices on a Checkout Session must have the same currency.", field="line_items")
    amount, currency = sum(item["unit_amount"] * item["quantity"] for item in items), currencies.pop()
    payments.check_amount(amount, currency)
    ends = desk.now + LONGEST if wish.get("expires_at") is None else wish["expires_at"]
    if not desk.now + SHORTEST <= ends <= desk.now + LONGEST:
        words = "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation."
        raise BankRefuses(words, field="expires_at")
    named = [{"id": new_ref("li"), "price": new_ref("price"), "product": new_ref("prod"), **item} for item in items]
    told = {"metadata": {}, "payment_intent_data": {}, **wish, "email": wish.get("customer_email"), "expires_at": ends}
    state = {"status": OPEN, "payment_status": UNPAID, "amount": amount, "currency": currency}
    return insert(desk, CHECKOUTS, {**told, **state, "line_items": named, "ref": new_ref("cs_test")})


def expire(desk: Desk, ref: str) -> Record:
    """Nobody can pay it any more. BankRefuses one that is not open."""
    session = find(desk, CHECKOUTS, ref)
    if session["status"] != OPEN:
        words = 'Only Checkout Sessions with a status in ["open"] can be expired.'
        raise BankRefuses(f"{words} This Session has a status of `{session['status']}`.")
    return change(desk, CHECKOUTS, ref, {"status": EXPIRED})


def pay(desk: Desk, ref: str, paid_with: Method, *, email: str | None, name: str | None = None) -> Record:
    """The customer presses the button; the session then. Where the card is declined it stays open.

    Its payment intent is made at the first attempt (CONFIRMED by the change of 2022-08-01: null before). UNCONFIRMED: that the
    session names it already after an attempt that was declined.
    """
    session = find(desk, CHECKOUTS, ref)
    if session["status"] != OPEN:
        raise BankRefuses(f"This Checkout Session is {session['status']}.")
    known = session["payment_intent"]
    intent = find(desk, INTENTS, known) if known else payments.open_intent(desk, _intent(session))
    address = session["customer_email"] or email
    paid = payments.confirm(desk, intent, paid_with, email=address, name=name)
    changes: Record = {"payment_intent": paid["ref"]}
    if paid["status"] != payments.WAITING:
        settled = PAID if paid["status"] == payments.SUCCEEDED else UNPAID
        details = {"email": address, "name": name}
        changes |= {"status": COMPLETE, "payment_status": settled, "customer_details": details, "email": address}
    return change(desk, CHECKOUTS, ref, changes)


def follow_debit(desk: Desk, intent: Record) -> None:
    """The session of an intent whose bank has answered late."""
    if intent["checkout"] is not None:
        paid = intent["status"] == payments.SUCCEEDED
        change(desk, CHECKOUTS, intent["checkout"], {"payment_status": PAID} if paid else {"failed": 1})


def _intent(session: Record) -> Record:
    common = {"amount": session["amount"], "currency": session["currency"], "checkout": session["ref"]}
    return {**session["payment_intent_data"], **common}
