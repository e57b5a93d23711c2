"""Square's JSON ⇄ our words: status tables and pure functions; nothing is asked for or sent here.

Each function raises LookupError, TypeError, ValueError or AttributeError where an object is not what the description says.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cardctl.domain.money import Money, zero
from cardctl.domain.payments import PaymentKind, PaymentState, RefundState, RemoteDispute, RemotePayment, RemoteRefund
from cardctl.domain.redaction import redact_json
from cardctl.domain.saved_cards import RemoteCustomer, RemoteSavedCard
from cardctl.domain.states import CardState
from cardctl.errors import BadInput
from cardctl.providers.square.wire import (
    LONGEST_REASON,
    SquareCard,
    SquareCustomer,
    SquareDispute,
    SquareMoney,
    SquarePayment,
    SquareRefund,
)

STRANGE = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, BadInput)
"""What the translation of an object raises that is not what it should be."""
PAYMENT_STATES = {
    "PENDING": PaymentState.PENDING,
    "APPROVED": PaymentState.APPROVED,
    "COMPLETED": PaymentState.COMPLETED,
    "CANCELED": PaymentState.CANCELED,
    "FAILED": PaymentState.FAILED,
}
REFUND_STATES = {
    "PENDING": RefundState.PENDING,
    "COMPLETED": RefundState.COMPLETED,
    "REJECTED": RefundState.REJECTED,
    "FAILED": RefundState.FAILED,
}
CLOSED = "ISSUER_ALERT_CARD_CLOSED"
_LONGEST_PERSON = 100
_AT_ONCE = timedelta(minutes=1)
_MARK = re.compile(r"op_[0-9A-Za-z]+\Z", re.ASCII)
_NOTED = re.compile(r"cardctl (op_[0-9A-Za-z]+)\Z", re.ASCII)
_REASONED = re.compile(r"(.*?) ?\[(op_[0-9A-Za-z]+)\]\Z", re.ASCII | re.DOTALL)


def reference_of(person: str) -> str:
    """What a customer is called after at Square: our name for the person, or its SHA-256 where that is too long."""
    return person if len(person) <= _LONGEST_PERSON else hashlib.sha256(person.encode("utf-8", "replace")).hexdigest()


def note_of(mark: str) -> str:
    """The note that a payment of ours has."""
    return f"cardctl {mark}"


def reason_of(reason: str | None, mark: str) -> str:
    """The reason that a refund of ours has: ours, cut where it is too long, and the mark."""
    room = LONGEST_REASON - len(mark) - 3
    return f"{(reason or '')[:room]} [{mark}]".lstrip()


def state_of(_word: str) -> CardState:
    """Square issues no cards, so none of its words is a state of one."""
    return CardState.UNKNOWN


def money_from_wire(money: SquareMoney) -> Money:
    """Whole minor units; TypeError for anything else."""
    amount, currency = money["amount"], money["currency"]
    if not isinstance(amount, int) or isinstance(amount, bool) or not isinstance(currency, str):
        raise TypeError("an amount is a whole number of minor units of a currency")
    return Money(amount, currency)


def money_to_wire(money: Money) -> dict[str, Any]:
    return {"amount": money.minor, "currency": money.currency}


def customer_from_wire(customer: SquareCustomer, *, deleted: bool = False, merged_into: str | None = None) -> RemoteCustomer:
    """`person` is the customer's reference: our name for the person, or its SHA-256."""
    return RemoteCustomer(
        ref=_name(customer["id"]),
        raw=_kept(customer),
        person=customer.get("reference_id") or None,
        email=customer.get("email_address") or None,
        deleted=deleted,
        merged_into=merged_into,
    )


def card_from_wire(card: SquareCard, *, forgotten: bool = False, keep: bool = True) -> RemoteSavedCard:
    """Of a forgotten card only its names are left (official example)."""
    reference = card.get("reference_id") or ""
    return RemoteSavedCard(
        ref=_name(card["id"]),
        raw=_kept(card) if keep else {},
        customer_ref=card.get("customer_id") or None,
        enabled=card.get("enabled", True) is True,
        brand=card.get("card_brand") or None,
        last4=card.get("last_4") or None,
        exp_month=_whole(card.get("exp_month")),
        exp_year=_whole(card.get("exp_year")),
        version=_whole(card.get("version")) or 0,
        mark=reference if _MARK.match(reference) else None,
        closed=card.get("issuer_alert") == CLOSED,
        forgotten=forgotten,
    )


def payment_from_wire(payment: SquarePayment, *, keep: bool = True) -> RemotePayment:
    """A card has a name only where it is on file."""
    word = payment.get("status") or ""
    state = PAYMENT_STATES.get(word, PaymentState.UNKNOWN)
    details = payment.get("card_details") or {}
    noted = _NOTED.search(payment.get("note") or "")
    until = payment.get("delayed_until")
    made = moment(payment["created_at"])
    return RemotePayment(
        ref=_name(payment["id"]),
        raw=_kept(payment) if keep else {},
        state=state,
        **_amounts(payment, state),
        card_ref=(details.get("card") or {}).get("id") or None,
        customer_ref=payment.get("customer_id") or None,
        invoice=payment.get("reference_id") or None,
        mark=noted[1] if noted else None,
        expires_at=moment(until) if until and state is PaymentState.APPROVED else None,
        created_at=made,
        updated_at=moment(payment["updated_at"]) if payment.get("updated_at") else made,
        token=payment.get("version_token") or None,
        word=word,
        decline=_decline(payment),
        then_capture=payment.get("delay_action") == "COMPLETE",
        kind=_kind(payment, state, made),
    )


def _amounts(payment: SquarePayment, state: PaymentState) -> dict[str, Money]:
    """`captured` is the total, tip included, once it is COMPLETED."""
    amount = money_from_wire(payment["amount_money"])
    nothing = zero(amount.currency)
    tip = _money_or(payment.get("tip_money"), nothing)
    captured = _money_or(payment.get("total_money"), amount + tip) if state is PaymentState.COMPLETED else nothing
    refunded = _money_or(payment.get("refunded_money"), nothing)
    return {"amount": amount, "tip": tip, "captured": captured, "refunded": refunded}


def refund_from_wire(refund: SquareRefund, *, keep: bool = True) -> RemoteRefund:
    """The mark is cut off from the reason."""
    word, said = refund.get("status") or "", refund.get("reason") or ""
    marked = _REASONED.match(said)
    made = moment(refund["created_at"])
    return RemoteRefund(
        ref=_name(refund["id"]),
        raw=_kept(refund) if keep else {},
        payment_ref=refund.get("payment_id") or None,
        state=REFUND_STATES.get(word, RefundState.UNKNOWN),
        amount=money_from_wire(refund["amount_money"]),
        reason=(marked[1] if marked else said) or None,
        mark=marked[2] if marked else None,
        created_at=made,
        updated_at=moment(refund["updated_at"]) if refund.get("updated_at") else made,
        word=word,
    )


def dispute_from_wire(dispute: SquareDispute) -> RemoteDispute:
    due = dispute.get("due_at")
    return RemoteDispute(
        ref=_name(dispute.get("id") or dispute["dispute_id"]),
        payment_ref=_name(dispute["disputed_payment"]["payment_id"]),
        state=dispute["state"].lower(),
        reason=dispute.get("reason") or None,
        amount=money_from_wire(dispute["amount_money"]),
        due_at=moment(due) if due else None,
        version=_whole(dispute.get("version")) or 0,
    )


def moment(text: str) -> datetime:
    """RFC 3339, aware, in UTC."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def moment_to_wire(at: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond, as Square writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _kind(payment: SquarePayment, state: PaymentState, made: datetime) -> PaymentKind | None:
    """Square tells a charge APPROVED first, just as a hold (official examples): until it is COMPLETED it seems to be one. That
    `captured_at` is always there is UNCONFIRMED; the last change is hardly ever earlier."""
    if state is not PaymentState.COMPLETED:
        return PaymentKind.PREAUTH if state is PaymentState.APPROVED else None
    timeline = (payment.get("card_details") or {}).get("card_payment_timeline") or {}
    took = timeline.get("captured_at") or payment.get("updated_at")
    return PaymentKind.CHARGE if took is None or moment(took) - made < _AT_ONCE else PaymentKind.PREAUTH


def _decline(payment: SquarePayment) -> str | None:
    """Why it failed; a payment that did not fail may have errors that were overcome."""
    errors = (payment.get("card_details") or {}).get("errors") or []
    if payment.get("status") != "FAILED":
        return None
    return next((each["code"] for each in errors if each.get("code")), None)


def _money_or(money: SquareMoney | None, otherwise: Money) -> Money:
    return money_from_wire(money) if money else otherwise


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("an object has a name")
    return value


def _whole(value: Any) -> int | None:
    """Whole numbers; the SDK's models allow them as text."""
    if value is None or isinstance(value, bool):
        return None
    return int(value)


def _kept(wire: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = redact_json(dict(wire))
    return kept
