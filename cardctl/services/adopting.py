"""A person's word for what a creation in doubt has made: read at the provider, held against what was meant, and put down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cardctl.db.unit import Unit
from cardctl.domain.operations import Operation
from cardctl.domain.payments import (
    UNPAID,
    UNREFUNDED,
    RemotePayment,
    RemoteRefund,
    payment_id_of,
    refund_id_of,
)
from cardctl.domain.redaction import redact
from cardctl.domain.saved_cards import RemoteSavedCard
from cardctl.errors import Refused, StateForbids
from cardctl.providers.base import Provider, ReadsCards, Remote, require
from cardctl.providers.saving import ReadsPayments, ReadsSavedCards
from cardctl.services.desk import Desk
from cardctl.services.journal import record, take_over
from cardctl.services.resuming import deed_of

_READ: dict[str, Callable[[Provider, str], Remote]] = {
    "account.create": lambda provider, ref: require(provider, ReadsCards).account(ref),
    "card.issue": lambda provider, ref: require(provider, ReadsCards).card(ref),
    "customer.create": lambda provider, ref: require(provider, ReadsSavedCards).customer(ref),
    "saved_card.add": lambda provider, ref: require(provider, ReadsSavedCards).saved_card(ref),
    "saved_card.charge": lambda provider, ref: require(provider, ReadsPayments).payment(ref),
    "saved_card.preauth": lambda provider, ref: require(provider, ReadsPayments).payment(ref),
    "saved_card.refund": lambda provider, ref: require(provider, ReadsPayments).refund(ref),
}
"""How what a creation made is read, by the provider's name for it."""


def adopt(desk: Desk, operation_id: str, ref: str, *, reason: str) -> Operation:
    """A person's word that a creation in doubt made the object `ref`: it is read, and enters the books as what was meant.

    StateForbids unless the operation is in doubt and made something that can be read; Refused where `ref` is of another card,
    payment or amount; ProviderHasNot where nothing is called so.
    """
    deed = deed_of(desk, operation_id)
    if deed.kind not in _READ:
        raise StateForbids(f"a {deed.kind} makes nothing that could be named")
    made = _READ[deed.kind](desk.provider, ref)
    _check_fits(desk, operation_id, made)
    operation = take_over(desk, operation_id)
    if operation is None:
        raise StateForbids(f"{operation_id} has ended, or is being worked on: only what is in doubt can be resolved")
    record(desk, deed, replace(operation, reason=redact(reason)), made)
    with desk.books.read() as unit:
        return unit.operations.named(operation_id)


def _check_fits(desk: Desk, operation_id: str, made: Remote) -> None:
    """Refused where what a person named cannot be what the operation made."""
    with desk.books.read() as unit:
        operation = unit.operations.named(operation_id)
        card, payment = unit.saved_cards.get(operation.target), unit.payments.get(operation.target)
        known = _known_id(unit, operation, made)
    fits = known is None
    if isinstance(made, RemotePayment):
        fits &= made.amount == operation.amount and card is not None and made.card_ref in (None, card.ref)
        fits &= made.state not in UNPAID
    elif isinstance(made, RemoteRefund):
        fits &= made.amount == operation.amount and payment is not None and made.payment_ref == payment.ref
        fits &= made.state not in UNREFUNDED
    elif isinstance(made, RemoteSavedCard):
        fits &= card is not None and made.customer_ref == card.customer_ref
    if isinstance(made, RemotePayment | RemoteRefund | RemoteSavedCard):
        fits &= made.mark in (None, operation.id)
    if not fits:
        told = f"what --ref names is not what {operation_id} was to make"
        raise Refused(told, hint="its amount, card or person is another, or it is another operation's")


def _known_id(unit: Unit, operation: Operation, made: Remote) -> str | None:
    """Our name for what was made, where the books have it as something else than this operation's."""
    if isinstance(made, RemotePayment):
        payment = unit.payments.by_refs(operation.programme, [made.ref]).get(made.ref)
        return payment.id if payment is not None and payment.id != payment_id_of(operation.id) else None
    if isinstance(made, RemoteRefund):
        refund = unit.payments.refunds_by_refs(operation.programme, [made.ref]).get(made.ref)
        return refund.id if refund is not None and refund.id != refund_id_of(operation.id) else None
    return None
