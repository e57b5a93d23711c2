"""Stripe's words for customers' payments as ours: pure functions and tables; issued cards are in translate.py."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cardctl.domain.payments import RefundState
from cardctl.domain.redaction import redact, redact_json
from cardctl.domain.sales import CheckoutState, OrderData, RemoteCheckout, RemoteSale, RemoteSaleRefund, SaleState
from cardctl.errors import BadInput
from cardctl.providers.stripe_issuing import wire
from cardctl.providers.stripe_issuing.amounts import money_from_wire
from cardctl.providers.stripe_issuing.translate import MARK

ORDER_NAMES: Mapping[str, str] = {
    "offer": "offerId",
    "recipient": "recipientEmail",
    "full_name": "fullName",
    "transaction": "transactionId",
}
"""How a payment's metadata calls what an order is made of, where the settings say nothing else."""
STRANGE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError, BadInput)
"""What the translation of an object raises that is not what it should be (OSError: a time that no clock has)."""

_SALES = {  # docs.stripe.com/payments/paymentintents/lifecycle; in `requires_capture` the money is held, and not taken
    **dict.fromkeys(("requires_payment_method", "requires_confirmation", "requires_action"), SaleState.OPEN),
    **dict.fromkeys(("processing", "requires_capture"), SaleState.OPEN),
    "succeeded": SaleState.PAID,
    "canceled": SaleState.CANCELED,
}
_CHECKOUTS = {"open": CheckoutState.OPEN, "complete": CheckoutState.COMPLETE, "expired": CheckoutState.EXPIRED}
_REFUNDS = {  # docs.stripe.com/refunds: in `requires_action` the customer has to say where the money shall go
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "succeeded": RefundState.COMPLETED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
_PAID = "paid"
"""`no_payment_required` is not paid: there is no payment behind it, so nothing that could be given back."""
_HIDDEN = frozenset({"client_secret"})
"""With it a customer's browser may act on the payment."""
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@[^\s@<>()\[\],;:\"\\.]+(?:\.[^\s@<>()\[\],;:\"\\.]+)+\Z")
_LONGEST_EMAIL = 254


def sale_from_wire(intent: wire.StripeSale, names: Mapping[str, str], *, keep: bool = True) -> RemoteSale:
    """One of STRANGE where it is no payment. What was refunded is on its charge, which is told only where it is expanded."""
    word, currency = intent.get("status", ""), intent["currency"]
    charge, state = intent.get("latest_charge"), _SALES.get(word, SaleState.UNKNOWN)
    told: wire.StripeCharge = charge if isinstance(charge, dict) else {}
    refunded = 0 if "latest_charge" in intent and charge is None else told.get("amount_refunded")
    return RemoteSale(
        ref=named(intent["id"]),
        state=state,
        amount=money_from_wire(intent["amount_received" if state is SaleState.PAID else "amount"], currency),
        raw=_kept(intent) if keep else {},
        created_at=_moment(intent["created"]),
        data=order_from_wire(intent.get("metadata"), names),
        email=_email(intent.get("receipt_email")) or _email((told.get("billing_details") or {}).get("email")),
        refunded=None if refunded is None else money_from_wire(refunded, currency),
        disputed=bool(told["disputed"]) if "disputed" in told else None,
        paid_at=_moment(told["created"]) if state is SaleState.PAID and "created" in told else None,
    )


def checkout_from_wire(session: wire.StripeCheckout, names: Mapping[str, str], *, keep: bool = True) -> RemoteCheckout:
    """One of STRANGE where it is none, or none about money (`mode` setup)."""
    metadata = session.get("metadata") or {}
    expires, intent = session.get("expires_at"), session.get("payment_intent")
    return RemoteCheckout(
        ref=named(session["id"]),
        state=_CHECKOUTS.get(session.get("status") or "", CheckoutState.UNKNOWN),
        paid=session.get("payment_status") == _PAID,
        amount=money_from_wire(session["amount_total"], session["currency"] or ""),
        raw=_kept(session) if keep else {},
        created_at=_moment(session["created"]),
        data=order_from_wire(metadata, names),
        email=payer_from_wire(session),
        sale_ref=ref_of(intent),
        url=session.get("url"),
        expires_at=None if expires is None else _moment(expires),
        mark=metadata.get(MARK),
    )


def payer_from_wire(session: wire.StripeCheckout) -> str | None:
    """The address that the customer gave on the page, or came with."""
    told = session.get("customer_details") or {}
    return _email(told.get("email")) or _email(session.get("customer_email"))


def refund_from_wire(refund: wire.StripeRefund, *, keep: bool = True) -> RemoteSaleRefund:
    """One of STRANGE where it is none, or is of no payment intent: then it is of none of the sales that are known here."""
    return RemoteSaleRefund(
        ref=named(refund["id"]),
        sale_ref=named(ref_of(refund["payment_intent"])),
        state=_REFUNDS.get(refund.get("status") or "", RefundState.UNKNOWN),
        amount=money_from_wire(refund["amount"], refund["currency"]),
        raw=_kept(refund) if keep else {},
        created_at=_moment(refund["created"]),
        reason=refund.get("reason"),
        mark=(refund.get("metadata") or {}).get(MARK),
        failure=refund.get("failure_reason"),
    )


def order_from_wire(metadata: Mapping[str, Any] | None, names: Mapping[str, str]) -> OrderData | None:
    """What metadata says of an order; None where it names no offer: the payment is of a seller's other business. A recipient
    that could get no mail is none. Only a name is redacted: two orders' own names must never become one."""
    told = {word: _text((metadata or {}).get(name)) for word, name in names.items()}
    offer = told.get("offer")
    if offer is None:
        return None
    name = told.get("full_name")
    return OrderData(offer, _email(told.get("recipient")), redact(name) if name else None, told.get("transaction"))


def order_names(settings: Mapping[str, Any] | None) -> Mapping[str, str]:
    """How a payment's metadata calls what an order is made of, by the words of `ORDER_NAMES`."""
    return {**ORDER_NAMES, **((settings or {}).get("order_names") or {})}


def ref_of(value: Any) -> str | None:
    """The id of what may be expanded or not, where there is any."""
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) and found else None


def named(value: Any) -> str:
    """An object's own name; ValueError where it has none."""
    if not isinstance(value, str) or not value:
        raise ValueError("an object without a name")
    return value


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _email(value: Any) -> str | None:
    text = _text(value)
    return text if text and len(text) <= _LONGEST_EMAIL and text.isprintable() and _EMAIL.match(text) else None


def _kept(value: Any) -> Any:
    """Its JSON, without what must not lie about; an expanded object inside it has such a thing too."""
    return redact_json(_shown(value))


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shown(item) for name, item in value.items() if name not in _HIDDEN}
    return [_shown(item) for item in value] if isinstance(value, list) else value


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
