"""What a provider's word makes of a saved card, payment, refund or dispute that is known; services/saving.py writes it.

Of two words about one object the later one counts: a card's by its version, the others' by their `updated_at`, and of two that
are equally late the one that is further on. What has ended never goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from cardctl.domain.money import Money
from cardctl.domain.payments import (
    ENDED,
    UNREFUNDED,
    Dispute,
    Payment,
    PaymentKind,
    PaymentState,
    Refund,
    RefundState,
    RemotePayment,
    RemoteRefund,
)
from cardctl.domain.saved_cards import RemoteSavedCard, SavedCard, SavedCardState, standing_of

_CARDS = {
    SavedCardState.PENDING: 0,
    SavedCardState.ACTIVE: 1,
    SavedCardState.EXPIRED: 2,
    SavedCardState.DISABLED: 3,
    SavedCardState.GONE: 4,
}
_PAYMENTS = {
    PaymentState.PENDING: 0,
    PaymentState.UNKNOWN: 1,
    PaymentState.APPROVED: 2,
    PaymentState.FAILED: 3,
    PaymentState.CANCELED: 4,
    PaymentState.COMPLETED: 5,
}
_REFUNDS = {
    RefundState.PENDING: 0,
    RefundState.UNKNOWN: 1,
    RefundState.FAILED: 2,
    RefundState.REJECTED: 3,
    RefundState.COMPLETED: 4,
}


def card_taken(card: SavedCard, remote: RemoteSavedCard, at: datetime, *, read: bool) -> SavedCard:
    """A saved card after a word about it at the moment `at`. `read`: it was asked for just now, and not told at some time, so
    that it is believed where nothing says which is later, and where the card was gone. Another card than the record's takes
    its place."""
    said = replace(
        card,
        ref=remote.ref,
        state=standing_of(remote, at),
        brand=remote.brand or card.brand,
        last4=remote.last4 or card.last4,
        exp_month=remote.exp_month or card.exp_month,
        exp_year=remote.exp_year or card.exp_year,
        version=remote.version,
    )
    if card.ref != remote.ref:
        return replace(said, customer_ref=remote.customer_ref or card.customer_ref)
    if read:  # what notifications say of the customer may be from before customers were merged
        older = remote.version < card.version
        return card if older else replace(said, customer_ref=remote.customer_ref or card.customer_ref)
    if remote.forgotten:  # a word that has hardly more than the card's name: what is known of it stays
        return replace(card, state=SavedCardState.GONE)
    return replace(said, state=_told_state(card, said)) if _card_key(said) > _card_key(card) else card


def payment_taken(known: Payment, remote: RemotePayment, kind: PaymentKind | None, invoice: str | None) -> Payment:
    """A payment after a word about it; `invoice` and `kind` are what its operation says, where one of ours made it."""
    seems = known.kind if known.asked is not None else kind_told(known, remote)
    now = replace(known, kind=kind or seems, invoice=invoice or known.invoice)
    if _payment_key(remote.updated_at, remote) <= _payment_key(known.told_at, known):
        return now
    same = remote.amount.currency == known.amount.currency
    if known.state in ENDED and remote.state is not known.state:
        return replace(now, refunded=max(known.refunded, remote.refunded)) if same else now
    return replace(
        now,
        state=remote.state,
        amount=remote.amount,
        tip=remote.tip,
        captured=remote.captured,
        refunded=remote.refunded,
        expires_at=remote.expires_at,
        told_at=remote.updated_at,
    )


def kind_told(known: Payment | None, remote: RemotePayment) -> PaymentKind:
    """What a payment seems to be that no operation of ours made: a hold where any word says so, whenever that comes, unless
    another says that it was taken at once."""
    was = None if known is None else known.kind
    sure = known is not None and known.state is PaymentState.COMPLETED and was is PaymentKind.CHARGE
    at_once = sure or remote.kind is PaymentKind.CHARGE
    return PaymentKind.PREAUTH if PaymentKind.PREAUTH in (was, remote.kind) and not at_once else PaymentKind.CHARGE


def with_refunds(payment: Payment, refunds: Iterable[Refund]) -> Payment:
    """The payment, at least as much refunded as its living refunds are: its own word may be older than theirs."""
    currency = payment.amount.currency
    living = (one.amount.minor for one in refunds if one.state not in UNREFUNDED and one.amount.currency == currency)
    return replace(payment, refunded=max(payment.refunded, Money(sum(living), currency)))


def without_refund(payment: Payment, before: Refund | None, now: Refund) -> Payment:
    """The payment, less a refund that has just come to nothing: if the payment's own word had not counted it, or does not any
    more, that is right; if it still does, a later one follows, for the payment changes with its refund."""
    fell = before is not None and before.state not in UNREFUNDED and now.state in UNREFUNDED
    if before is None or not fell or before.amount.currency != payment.refunded.currency:
        return payment
    return replace(payment, refunded=Money(max(payment.refunded.minor - before.amount.minor, 0), payment.refunded.currency))


def refund_taken(known: Refund, remote: RemoteRefund, invoice: str | None) -> Refund:
    """A refund after a word about it."""
    now = replace(known, invoice=invoice or known.invoice)
    if _refund_key(remote.updated_at, remote) <= _refund_key(known.told_at, known):
        return now
    return replace(
        now, state=remote.state, amount=remote.amount, reason=remote.reason or known.reason, told_at=remote.updated_at
    )


def is_later(told: Dispute, known: Dispute) -> bool:
    """Whether one word about a dispute is later than another."""
    return _dispute_key(told) > _dispute_key(known)


def _told_state(card: SavedCard, said: SavedCard) -> SavedCardState:
    """A card that is gone stays so for whatever is told; one that its bank called expired, though its date does not, until the
    date moves."""
    if card.state is SavedCardState.GONE:
        return card.state
    moved = (said.exp_year, said.exp_month) != (card.exp_year, card.exp_month)
    stays = card.state is SavedCardState.EXPIRED and said.state is SavedCardState.ACTIVE and not moved
    return card.state if stays else said.state


def _card_key(card: SavedCard) -> tuple[Any, ...]:
    return card.version, _CARDS[card.state], card.exp_year or 0, card.exp_month or 0, card.last4 or "", card.brand or ""


def _payment_key(at: datetime, word: Payment | RemotePayment) -> tuple[Any, ...]:
    """What has ended is later than what has not, whatever their times say."""
    amounts = word.refunded.minor, word.captured.minor, word.amount.minor, word.tip.minor
    return word.state in ENDED, at, _PAYMENTS[word.state], *amounts


def _refund_key(at: datetime, word: Refund | RemoteRefund) -> tuple[Any, ...]:
    return at, _REFUNDS[word.state], word.amount.minor


def _dispute_key(dispute: Dispute) -> tuple[Any, ...]:
    return dispute.version, dispute.amount.minor, dispute.state
