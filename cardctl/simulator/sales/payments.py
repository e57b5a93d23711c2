"""Bank rules of payment intents and charges: a customer's money taken, declined, or on its way; checkouts live beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.simulator import purses
from cardctl.simulator.desk import Desk
from cardctl.simulator.issuing import BankRefuses
from cardctl.simulator.rows import Record, change, find, insert, new_ref
from cardctl.simulator.sales import disputing
from cardctl.simulator.sales.methods import DECLINED_CARD, Method, message
from cardctl.simulator.sales.tables import CHARGES, INTENTS
from cardctl.simulator.telling import tell

UNEXPECTED = "payment_intent_unexpected_state"
WAITING, CONFIRMABLE, PROCESSING = "requires_payment_method", "requires_confirmation", "processing"
SUCCEEDED, CANCELED = "succeeded", "canceled"

_MOST = 99_999_999
_LEAST = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50}
"""Minor units of the smallest charge (docs.stripe.com/currencies); where none is kept here: 1."""
_COPIED = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix", "transfer_group")
_CANCELABLE = "requires_payment_method, requires_capture, requires_reauthorization, requires_confirmation, requires_action"


def open_intent(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """A new payment intent, not paid. BankRefuses an amount below the least charge or of more than eight digits."""
    check_amount(wish["amount"], wish["currency"])
    ref = new_ref("pi")
    record = {"status": WAITING, "metadata": {}, "client_secret": new_ref(f"{ref}_secret"), **wish, "ref": ref}
    return insert(desk, INTENTS, record)


def change_intent(desk: Desk, ref: str, changes: Mapping[str, Any]) -> Record:
    """New metadata at any time; the rest only until it is paid or canceled."""
    intent = find(desk, INTENTS, ref)
    if set(changes) - {"metadata"} and intent["status"] not in (WAITING, CONFIRMABLE):
        message = f"This PaymentIntent could not be updated because it has a status of {intent['status']}."
        raise BankRefuses(f"{message} You may only update the metadata of a PaymentIntent that is so.", code=UNEXPECTED)
    if "amount" in changes or "currency" in changes:
        check_amount(changes.get("amount", intent["amount"]), changes.get("currency", intent["currency"]))
    return change(desk, INTENTS, ref, changes)


def confirm(desk: Desk, intent: Record, paid_with: Method, *, email: str | None = None, name: str | None = None) -> Record:
    """The customer pays: the intent then, which is succeeded, processing, or waits for another payment method after a decline
    (its `last_payment_error` says why). BankRefuses one that is paid, on its way or canceled."""
    if intent["status"] not in (WAITING, CONFIRMABLE):
        raise BankRefuses(_not_confirmed(intent["status"]), code=UNEXPECTED)
    tell(desk)  # it is told as created, and then as what became of it
    charge = insert(desk, CHARGES, _charge(intent, paid_with, email, name))
    common = {"latest_charge": charge["ref"], "payment_method": charge["payment_method"], "payment_kind": paid_with.kind}
    if charge["status"] == "failed":
        return change(desk, INTENTS, intent["ref"], {**common, **_failed(charge)})
    if charge["status"] == "pending":
        return change(desk, INTENTS, intent["ref"], {**common, "status": PROCESSING, "last_payment_error": None})
    paid = change(desk, INTENTS, intent["ref"], {**common, **_received(desk, charge)})
    if paid_with.disputed:
        tell(desk)  # it is told as paid, and then as disputed
        disputing.open_dispute(desk, charge)
    return paid


def settle_debit(desk: Desk, intent: Record, *, declined: bool) -> Record:
    """The bank of an intent that is processing has answered."""
    charge = find(desk, CHARGES, intent["latest_charge"])
    if not declined:
        change(desk, CHARGES, charge["ref"], {"status": SUCCEEDED})
        return change(desk, INTENTS, intent["ref"], _received(desk, charge))
    code = "payment_intent_payment_attempt_failed"
    failure = {"status": "failed", "failure_code": code, "failure_message": message(code, None)}
    failed = change(desk, CHARGES, charge["ref"], failure)
    return change(desk, INTENTS, intent["ref"], _failed(failed))


def cancel(desk: Desk, ref: str, reason: str | None) -> Record:
    """BankRefuses what is paid or canceled, and what a checkout has made. UNCONFIRMED: the sentence of the latter."""
    intent = find(desk, INTENTS, ref)
    if intent["checkout"] is not None:
        words = "You cannot cancel a PaymentIntent of a Checkout Session. Expire the Session instead."
        raise BankRefuses(words, code=UNEXPECTED)
    if intent["status"] in (SUCCEEDED, CANCELED):
        words = f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent"
        raise BankRefuses(f"{words} with one of the following statuses may be canceled: {_CANCELABLE}.", code=UNEXPECTED)
    gone = {"status": CANCELED, "canceled_at": desk.now, "cancellation_reason": reason}
    return change(desk, INTENTS, ref, gone)


def check_amount(amount: int, currency: str) -> None:
    """BankRefuses what no card is charged."""
    if amount < (least := _LEAST.get(currency, 1)):
        words = f"The Checkout Session's or PaymentIntent's amount must be at least {least} {currency} in minor units."
        raise BankRefuses(words, field="amount", code="amount_too_small")
    if amount > _MOST:
        raise BankRefuses(f"Amount must be no more than {_MOST}.", field="amount", code="amount_too_large")


def _charge(intent: Record, paid_with: Method, email: str | None, name: str | None) -> Record:
    failure: Record = {}
    if paid_with.code is not None:
        words = message(paid_with.code, paid_with.decline_code)
        failure = {"failure_code": paid_with.code, "failure_message": words, "decline_code": paid_with.decline_code}
    settled = "succeeded" if paid_with.kind == "card" else "pending"
    return {
        "ref": new_ref("ch"),
        "payment_intent": intent["ref"],
        "amount": intent["amount"],
        "currency": intent["currency"],
        "status": "failed" if failure else settled,
        "payment_method": new_ref("pm"),
        "payment_kind": paid_with.kind,
        "brand": paid_with.brand,
        "last4": paid_with.last4,
        "refund_manner": paid_with.refunds,
        "email": email,
        "name": name,
        "metadata": intent["metadata"],  # copied at the time of the charge (docs.stripe.com/metadata)
        **{column: intent[column] for column in _COPIED},
        **failure,
    }


def _received(desk: Desk, charge: Record) -> Record:
    """Without fees and without delay, so that what was paid is what is there."""
    purses.receive(desk, charge["currency"], charge["amount"], purse="payments")
    return {"status": SUCCEEDED, "amount_received": charge["amount"], "last_payment_error": None}


def _failed(charge: Record) -> Record:
    code = charge["failure_code"]
    kind = "card_error" if charge["payment_kind"] == DECLINED_CARD.kind else "invalid_request_error"
    error = {"charge": charge["ref"], "code": code, "message": charge["failure_message"], "type": kind}
    error |= {"decline_code": charge["decline_code"]} if charge["decline_code"] else {}
    return {"status": WAITING, "payment_method": None, "last_payment_error": error}


def _not_confirmed(status: str) -> str:
    if status == SUCCEEDED:
        return "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed."
    return f"You cannot confirm this PaymentIntent because it has a status of {status}."
