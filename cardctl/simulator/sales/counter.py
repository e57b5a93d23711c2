"""What customers and Stripe's staff do behind the wire: a page is paid, a program of the seller's sells; fields of staff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cardctl.domain.money import Money
from cardctl.errors import BadInput, NotFound
from cardctl.simulator.desk import Desk
from cardctl.simulator.issuing import BankRefuses
from cardctl.simulator.rows import Record, find, select
from cardctl.simulator.sales import checkouts, disputing, lapsing, payments, refunds
from cardctl.simulator.sales.methods import BANK_DEBIT, CARD, DECLINED_CARD, Method
from cardctl.simulator.sales.tables import CHARGES, CHECKOUTS, DISPUTES, INTENTS, REFUNDS

_OBJECT = {"deleted": "flag", "created": "whole", "metadata.*": "maybe"}
FIELDS: dict[str, dict[str, str]] = {
    INTENTS: {
        **_OBJECT,
        **dict.fromkeys(("amount", "amount_received"), "amount"),
        **dict.fromkeys(("status", "currency"), "word"),
        **dict.fromkeys(("receipt_email", "description", "latest_charge", "cancellation_reason"), "maybe"),
    },
    CHARGES: {
        **_OBJECT,
        **dict.fromkeys(("amount", "amount_refunded"), "amount"),
        **dict.fromkeys(("status", "currency"), "word"),
        **dict.fromkeys(("email", "failure_code", "failure_message", "refund_manner"), "maybe"),
        "disputed": "flag",
    },
    CHECKOUTS: {
        **_OBJECT,
        **dict.fromkeys(("status", "payment_status", "currency"), "word"),
        **dict.fromkeys(("customer_email", "payment_intent", "customer_details.email"), "maybe"),
        "amount": "amount",
        "expires_at": "whole",
    },
    REFUNDS: {
        **_OBJECT,
        **dict.fromkeys(("status", "currency"), "word"),
        **dict.fromkeys(("reason", "failure_reason"), "maybe"),
        "amount": "amount",
    },
    DISPUTES: {
        **_OBJECT,
        **dict.fromkeys(("status", "reason", "currency"), "word"),
        "amount": "amount",
    },
}
"""Table to what `simulator edit` may set. `refund_manner` of a charge says how refunds of it go: `pending`, `fails`, or nothing
special. A refund whose status or amount is set is counted so by its charge and by the payments balance; nothing else is."""


@dataclass(frozen=True, slots=True)
class Paid:
    """What became of a customer's attempt: `status` is the payment intent's word, `reason` the bank's where it said no."""

    payment_ref: str
    checkout_ref: str | None
    status: str
    amount: Money
    reason: str | None


def pay(desk: Desk, ref: str, *, declined: bool, later: bool, email: str | None) -> Paid:
    """A customer pays a checkout or a payment intent, with a card or, `later`, by a bank debit: that is on its way until they
    are asked once more. NotFound; BadInput where it cannot be paid."""
    visit = _visit(desk)
    lapsing.settle(visit)
    session, intent = _known(visit, CHECKOUTS, ref), _known(visit, INTENTS, ref)
    if session is None and intent is None:
        raise NotFound("checkout or payment", ref)
    try:
        done = _attempt(visit, session, intent, _method(declined=declined, later=later), email)
    except BankRefuses as refused:
        raise BadInput(refused.message) from refused
    error = done["last_payment_error"] or {}
    money = Money(done["amount"], done["currency"].upper())
    return Paid(done["ref"], done["checkout"], done["status"], money, error.get("decline_code") or error.get("code"))


def sell(desk: Desk, amount: Money, metadata: Mapping[str, str], email: str | None) -> str:
    """A customer has paid another program of the seller's: the payment intent's name. BadInput for what no card is charged."""
    visit = _visit(desk)
    wish = {"amount": amount.minor, "currency": amount.currency.lower(), "metadata": dict(metadata), "receipt_email": email}
    try:
        intent = payments.open_intent(visit, wish)
    except BankRefuses as refused:
        raise BadInput(refused.message) from refused
    return str(payments.confirm(visit, intent, CARD, email=email)["ref"])


def purchase(desk: Desk, ref: str) -> Record | None:
    """What a payment intent or a charge took (see `Control.refund`); None where neither is called so."""
    charge = _charge(desk, ref)
    if charge is None:
        return None
    told = {"card_ref": charge["payment_method"], "currency": charge["currency"], "merchant": charge["description"]}
    captured = charge["amount"] if charge["status"] == "succeeded" else 0
    return {**told, "captured": captured, "refunded": charge["amount_refunded"]}


def refund(desk: Desk, ref: str, amount: int) -> str:
    """Somebody gives it back in the Dashboard. The payment must be there; BadInput where Stripe says no."""
    charge = _charge(desk, ref)
    assert charge is not None
    try:
        return str(refunds.refund(_visit(desk), {"charge": charge["ref"], "amount": amount})["ref"])
    except BankRefuses as refused:
        raise BadInput(refused.message) from refused


def contest(desk: Desk, ref: str, amount: Money | None, reason: str | None) -> str | None:
    """A customer's bank disputes a payment or a charge, all that is left of it or `amount`: the dispute's name; None where
    nothing here is called so. BadInput."""
    charge = _charge(desk, ref)
    if charge is None:
        return None
    if reason is not None and reason not in disputing.REASONS:
        raise BadInput(f"{reason!r} is no reason of a dispute", hint=f"there are {', '.join(sorted(disputing.REASONS))}")
    if amount is not None and amount.currency != charge["currency"].upper():
        raise BadInput(f"this payment was in {charge['currency'].upper()}, not {amount.currency}")
    try:
        made = disputing.open_dispute(_visit(desk), charge, None if amount is None else amount.minor, reason or "fraudulent")
    except BankRefuses as refused:
        raise BadInput(refused.message) from refused
    return str(made["ref"])


def decide(desk: Desk, ref: str, verdict: str) -> bool:
    """A dispute is won or lost; False where there is none. BankRefuses one that is decided."""
    dispute = _known(desk, DISPUTES, ref)
    if dispute is not None:
        disputing.decide(_visit(desk), dispute, verdict)
    return dispute is not None


def follow(desk: Desk, table: str, before: Record, columns: Mapping[str, Any]) -> Record:
    """What hangs together with edited columns."""
    return refunds.follow(desk, before, columns) if table == REFUNDS else {}


def _attempt(desk: Desk, session: Record | None, intent: Record | None, paid_with: Method, email: str | None) -> Record:
    if session is not None and session["payment_intent"]:
        intent = find(desk, INTENTS, session["payment_intent"])
    if intent is not None and intent["status"] == payments.PROCESSING:
        settled = payments.settle_debit(desk, intent, declined=paid_with.code is not None)
        checkouts.follow_debit(desk, settled)
        return settled
    if intent is not None and session is None and intent["checkout"] is not None:
        session = find(desk, CHECKOUTS, intent["checkout"])
    if session is not None:
        done = checkouts.pay(desk, session["ref"], paid_with, email=email)
        return find(desk, INTENTS, done["payment_intent"])
    assert intent is not None
    return payments.confirm(desk, intent, paid_with, email=email or intent["receipt_email"])


def _method(*, declined: bool, later: bool) -> Method:
    if declined and later:
        raise BadInput(
            "a bank debit is declined when it is asked about, not before", hint="pay once with --later, then --declined"
        )
    return DECLINED_CARD if declined else BANK_DEBIT if later else CARD


def _charge(desk: Desk, ref: str) -> Record | None:
    charge = _known(desk, CHARGES, ref)
    intent = None if charge else _known(desk, INTENTS, ref)
    if intent is not None and intent["latest_charge"] is not None:
        charge = _known(desk, CHARGES, intent["latest_charge"])
    return charge


def _known(desk: Desk, table: str, ref: str) -> Record | None:
    return next(iter(select(desk, table, "ref = ? AND deleted = 0", (ref,))), None)


def _visit(desk: Desk) -> Desk:
    return Desk(desk.db, "stripe", desk.now)
