"""Our wishes as Square's requests, the key not in them: it is put in when they are sent; nothing is sent here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.payments import NewPayment, PaymentState, RemotePayment
from cardctl.domain.saved_cards import NewCustomer, NewSavedCard
from cardctl.domain.things import Kind
from cardctl.errors import BadAmount, BadInput, StateForbids
from cardctl.providers.square import wire
from cardctl.providers.square.translate import money_to_wire, note_of, reason_of, reference_of
from cardctl.providers.square.wire import one_of

COMPLETE, CANCEL, DISABLE = "/complete", "/cancel", "/disable"
BODILESS = (CANCEL, DISABLE)
"""Ends of paths whose requests have no body at all (SPEC)."""
KEYED = frozenset({wire.CUSTOMERS, wire.CARDS, wire.PAYMENTS, wire.REFUNDS})
"""Collections whose new objects take a key; /complete, /cancel and /disable take none, and say what shall be."""
_SHORTEST_HOLD = timedelta(minutes=1)
"""CONFIRMED by Square's staff (forum, older); the longest depends on the card, and is Square's to refuse."""
_CLOSED = {
    PaymentState.COMPLETED: "it is captured already",
    PaymentState.CANCELED: "it was released",
    PaymentState.FAILED: "it failed",
    PaymentState.PENDING: "it is not approved yet",
}


def customer_draft(wanted: NewCustomer) -> Draft:
    """Square wants a name, an email or a telephone number (SPEC): where there is neither, the person's own name for us is the
    name. A name is not cut into given and family."""
    name = wanted.name or (None if wanted.email else wanted.person)
    body = _present(
        reference_id=reference_of(wanted.person),
        email_address=wanted.email,
        given_name=name[:300] if name else None,
    )
    return Draft("POST", wire.CUSTOMERS, Kind.CUSTOMER, body)


def saved_card_draft(wanted: NewSavedCard, mark: str) -> Draft:
    card = _present(
        customer_id=wanted.customer_ref,
        cardholder_name=wanted.holder,
        reference_id=mark,
        billing_address={"postal_code": wanted.postal_code} if wanted.postal_code else None,
    )
    body = _present(source_id=wanted.nonce, verification_token=wanted.verification, card=card)
    secret = _secret(wanted.customer_ref, wanted.nonce, wanted.verification)
    return Draft("POST", wire.CARDS, Kind.SAVED_CARD, body, secret=secret)


def disable_draft(ref: str) -> Draft:
    path = one_of(wire.CARDS, ref)
    secret = _secret(ref, path.rpartition("/")[2])
    return Draft("POST", path + DISABLE, Kind.SAVED_CARD, before={"card": ref}, urgent=True, repeatable=True, secret=secret)


def payment_draft(wanted: NewPayment, location: str | None, mark: str) -> Draft:
    """BadAmount for nothing, BadInput for an invoice that Square would not keep whole."""
    _checked(wanted.amount)
    if wanted.tip is not None:
        _checked(wanted.tip, wanted.amount.currency)
    if wanted.invoice is not None and len(wanted.invoice) > wire.LONGEST_REFERENCE:
        raise BadInput(f"square keeps {wire.LONGEST_REFERENCE} characters of an invoice's name")
    body = _present(
        source_id=wanted.card_ref,
        customer_id=wanted.customer_ref,
        amount_money=money_to_wire(wanted.amount),
        tip_money=money_to_wire(wanted.tip) if wanted.tip else None,
        autocomplete=not wanted.hold,
        location_id=location,
        reference_id=wanted.invoice,
        note=note_of(mark),
        verification_token=wanted.verification,
    )
    secret = _secret(wanted.card_ref, wanted.customer_ref, wanted.verification)
    return Draft("POST", wire.PAYMENTS, Kind.PAYMENT, body | _held(wanted), secret=secret)


def capture_draft(payment: RemotePayment, amount: Money | None, tip: Money | None) -> Draft:
    """The payment as it is, or first made what it shall be: `before` is what it comes to. StateForbids where Square says that
    it cannot be captured, or cannot be changed so (`capabilities`, where it tells them)."""
    if payment.state is not PaymentState.APPROVED:
        reason = _CLOSED.get(payment.state, f"square calls it {payment.word or 'nothing'}")
        raise StateForbids(f"the payment cannot be captured: {reason}")
    currency = payment.amount.currency
    wanted, wanted_tip = _checked(amount or payment.amount, currency), payment.tip if tip is None else tip
    _checked(wanted_tip, currency, nothing=True)
    _allow(payment, "AMOUNT", payment.amount, wanted)
    _allow(payment, "TIP_AMOUNT", payment.tip, wanted_tip)
    changed = _present(
        amount_money=money_to_wire(wanted) if wanted != payment.amount else None,
        tip_money=money_to_wire(wanted_tip) if wanted_tip != payment.tip else None,
    )
    path = one_of(wire.PAYMENTS, payment.ref)
    body = {"payment": changed | _present(version_token=payment.token)}
    prelude = [{"method": "PUT", "path": path, "body": body}] if changed else []
    before = {"payment": payment.ref, "amount": wanted.minor, "tip": wanted_tip.minor, "currency": currency}
    return Draft("POST", path + COMPLETE, Kind.PAYMENT, {}, before, prelude, repeatable=True)


def cancel_draft(ref: str) -> Draft:
    return Draft("POST", one_of(wire.PAYMENTS, ref) + CANCEL, Kind.PAYMENT, before={"payment": ref}, repeatable=True)


def refund_draft(ref: str, amount: Money, mark: str, reason: str | None) -> Draft:
    body = {"payment_id": ref, "amount_money": money_to_wire(_checked(amount)), "reason": reason_of(reason, mark)}
    return Draft("POST", wire.REFUNDS, Kind.REFUND, body, {"payment": ref})


def body_of(draft: Draft, hold: RemotePayment | None) -> dict[str, Any] | None:
    """What is sent with a draft, None: no body at all. `hold` is what may be captured, and no other version (SPEC)."""
    if draft.path.endswith(BODILESS):
        return None
    return draft.body | _present(version_token=hold.token if hold else None)


def prelude_key(key: str, number: int) -> str:
    """The key of a request that is sent before the one that has `key`."""
    return f"{key}.{number + 1}"


def _held(wanted: NewPayment) -> dict[str, Any]:
    if not wanted.hold:
        return {}
    if wanted.hold_for is not None and wanted.hold_for < _SHORTEST_HOLD:
        raise BadInput("square holds money for a minute at least")
    return _present(
        delay_duration=None if wanted.hold_for is None else _duration(wanted.hold_for),
        delay_action="COMPLETE" if wanted.then_capture else "CANCEL",
    )


def _duration(span: timedelta) -> str:
    """RFC 3339, in whole seconds."""
    minutes, seconds = divmod(span // timedelta(seconds=1), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    return "PT" + "".join(f"{number}{unit}" for number, unit in parts if number)


def _allow(payment: RemotePayment, which: str, now: Money, wanted: Money) -> None:
    can = payment.raw.get("capabilities")
    if can is None or now == wanted:
        return
    if f"EDIT_{which}_{'UP' if wanted > now else 'DOWN'}" not in can:
        name = "tip" if which == "TIP_AMOUNT" else "amount"
        raise StateForbids(
            f"square does not let the {name} of this hold be changed from {now} to {wanted}",
            hint="capture what is held, and refund or charge the rest",
        )


def _checked(amount: Money, currency: str | None = None, *, nothing: bool = False) -> Money:
    if amount.minor < 0 or (amount.minor == 0 and not nothing):
        raise BadAmount(f"{amount} cannot be moved: an amount is more than nothing")
    if currency is not None and amount.currency != currency:
        raise BadAmount(f"{amount} is not in the payment's currency, {currency}")
    return amount


def _secret(*texts: str | None) -> list[str]:
    return [text for text in texts if text]


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
