"""A saved card as its provider has it now, taken in: the card, its customer, and what is not over of its payments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from cardctl.db.payments import PaymentFilter
from cardctl.db.unit import Unit
from cardctl.domain.payments import ENDED, Payment, Refund, RefundState, RemotePayment, RemoteRefund
from cardctl.domain.saved_cards import SavedCard
from cardctl.errors import ProviderHasNot, TargetBusy
from cardctl.providers.base import require
from cardctl.providers.saving import ReadsPayments, ReadsSavedCards
from cardctl.services.desk import Desk
from cardctl.services.intake import now_in, written_since
from cardctl.services.saving import take_payment, take_reading, take_refund

_TRIES = 5
_OPEN_REFUND = frozenset({RefundState.PENDING, RefundState.UNKNOWN})
R = TypeVar("R")


class Words(NamedTuple):
    """What was read of payments and refunds, beside what was known of them."""

    payments: list[tuple[Payment, RemotePayment]]
    refunds: list[tuple[Refund, RemoteRefund]]


def sync_saved(desk: Desk, card: SavedCard) -> SavedCard:
    """The saved card as the provider has it now, audited; gone, where the provider has it or its customer no more.

    Payments that are pending or held are read as well, and refunds that are pending, with what they belong to; one that the
    provider does not have stays as it is, for a reconcile to find. TargetBusy where the card is being written to all the while.
    """
    for _ in range(_TRIES):
        with desk.books.read() as unit:
            begun, known = now_in(unit), unit.saved_cards.named(card.id)
            payments, refunds = _unfinished(unit, known)
        reader = require(desk.provider, ReadsSavedCards)
        customer = _there(reader.customer, known.customer_ref)
        remote = _there(reader.saved_card, known.ref)
        words = _read(require(desk.provider, ReadsPayments), payments, refunds)
        with desk.books.write() as unit:
            if not written_since(unit, [card.id], begun):
                if known.customer_ref is not None:
                    take_reading(desk, unit, known, remote, customer=customer, action="saved_card.sync")
                _take_payments(desk, unit, words)
                return unit.saved_cards.named(card.id)
        desk.sleep(0.1)
    raise TargetBusy(f"{card.id} is being written to; what was read of it may be outdated already")


def _unfinished(unit: Unit, card: SavedCard) -> tuple[list[Payment], list[Refund]]:
    """What may still change by itself; a payment with such a refund does."""
    payments, refunds = [], []
    for payment in list(unit.payments.rows(PaymentFilter(programme=card.programme, saved_card_id=card.id))):
        waiting = [one for one in unit.payments.refunds_of(payment.id) if one.state in _OPEN_REFUND]
        if waiting or payment.state not in ENDED:
            payments.append(payment)
        refunds += waiting
    return payments, refunds


def _there(read: Callable[[str], R], ref: str | None) -> R | None:
    """None where there is none, or no name to ask for."""
    if ref is None:
        return None
    try:
        return read(ref)
    except ProviderHasNot:
        return None


def _read(reader: ReadsPayments, payments: Iterable[Payment], refunds: Iterable[Refund]) -> Words:
    paid = [(payment, _there(reader.payment, payment.ref)) for payment in payments]
    given = [(refund, _there(reader.refund, refund.ref)) for refund in refunds]
    return Words([(one, word) for one, word in paid if word], [(one, word) for one, word in given if word])


def _take_payments(desk: Desk, unit: Unit, words: Words) -> None:
    for payment, told in words.payments:
        known = unit.payments.named(payment.id)
        take_payment(desk, unit, known, told, saved_card_id=known.saved_card_id, action="payment.sync")
    for refund, given in words.refunds:
        payment = unit.payments.named(refund.payment_id)
        take_refund(desk, unit, None, given, payment=payment, action="refund.sync")
