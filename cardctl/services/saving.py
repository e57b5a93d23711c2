"""A provider's word about saved cards, payments, refunds and disputes, taken into the books: in any order, however often, the
same (domain/later.py says which of two words counts). What of a notification is ours is placing.py; asks no provider.

With `action` (`payment.event`, `payment.sync`) a change is audited here; without, by whoever asks. No entry names a customer or
a card by the provider's name for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from cardctl.db.unit import Unit
from cardctl.domain.later import card_taken, is_later, kind_told, payment_taken, refund_taken, with_refunds, without_refund
from cardctl.domain.operations import Operation
from cardctl.domain.payments import (
    PAYING,
    UNPAID,
    UNREFUNDED,
    Dispute,
    Payment,
    Refund,
    RemoteDispute,
    RemotePayment,
    RemoteRefund,
    payment_id_of,
    refund_id_of,
)
from cardctl.domain.redaction import redact
from cardctl.domain.saved_cards import RemoteCustomer, RemoteSavedCard, SavedCard, SavedCardState
from cardctl.services.desk import Desk
from cardctl.services.entries import Diff, audit_change, made_by, shown

_CARD_WORDS = ("state", "brand", "last4", "exp_month", "exp_year")
_PAYMENT_WORDS = ("state", "kind", "amount", "tip", "captured", "refunded", "expires_at", "invoice")
_REFUND_WORDS = ("state", "amount", "invoice")
_NOTHING = UNPAID | UNREFUNDED


class CardTaken(NamedTuple):
    """A saved card as it is now, and what of it changed, as the audit shows it."""

    now: SavedCard
    before: Diff
    after: Diff


def take_saved_card(
    desk: Desk, unit: Unit, card: SavedCard, remote: RemoteSavedCard, *, read: bool = False, action: str | None = None
) -> CardTaken:
    """The provider's word about the card of a record. `read`: it was asked for just now, and not told at some time, so that it
    is believed where nothing says which is later, and where the card was gone. A card with another name than the record's is
    a new one, and takes the old one's place."""
    at = desk.clock()
    taken = card_taken(card, remote, at, read=read)
    changed = _with_no_times(taken) != _with_no_times(card)
    if changed or (read and taken.version == remote.version):
        taken = replace(taken, synced_at=at, updated_at=at if changed else card.updated_at)
        unit.saved_cards.put(taken, raw=remote.raw if taken.version == remote.version else None)
    before, after = _card_diff(card, taken)
    if action is not None:
        audit_change(desk, unit, action, card.id, before, after)
    return CardTaken(taken, before, after)


def take_gone(desk: Desk, unit: Unit, card: SavedCard, *, action: str) -> None:
    """The provider has the card, or its customer, no more."""
    if card.state is SavedCardState.GONE:
        return
    taken = replace(card, state=SavedCardState.GONE, updated_at=desk.clock())
    unit.saved_cards.put(taken)
    audit_change(desk, unit, action, card.id, *_card_diff(card, taken))


def take_reading(
    desk: Desk,
    unit: Unit,
    card: SavedCard,
    remote: RemoteSavedCard | None,
    *,
    customer: RemoteCustomer | None,
    action: str,
) -> None:
    """What was read just now of a card and of its customer, None where the provider has them no more. A customer that is not
    there may have been merged into another: what the card says of its customer by now counts, since that one may have been
    merged again. Whether cards outlive a merge is UNCONFIRMED, so it takes a card that was read to believe it."""
    living = customer is not None and not customer.deleted
    heir = customer.merged_into if customer is not None else None
    if remote is not None and remote.customer_ref is not None and remote.customer_ref != card.customer_ref:
        heir = remote.customer_ref
    if (remote is None and card.ref is not None) or not (living or heir):
        take_gone(desk, unit, card, action=action)
    elif remote is not None:
        word = replace(remote, customer_ref=heir or remote.customer_ref)
        take_saved_card(desk, unit, card, word, read=True, action=action)
    elif heir is not None and not living:
        unit.saved_cards.put(replace(card, customer_ref=heir, updated_at=desk.clock()))


def take_payment(
    desk: Desk,
    unit: Unit,
    known: Payment | None,
    remote: RemotePayment,
    *,
    saved_card_id: str,
    invoice: str | None = None,
    action: str | None = None,
    made: Operation | None = None,
) -> Payment:
    """The provider's word about a payment. `known` None: it is looked for, since a notification may have brought it before its
    operation heard of it. The answer to an operation of ours (`made`), and what bears its mark, has its name, its kind, its
    amount and its invoice; of several that do (a decline, and what the same request came to when it was repeated) that one
    which came to something, and the others are of no invoice."""
    known = known or unit.payments.by_refs(desk.programme, [remote.ref]).get(remote.ref)
    made = made or maker_of(unit, desk.programme, remote)
    if known is None and made is not None and not _is_free(unit.payments.get(payment_id_of(made.id)), remote):
        taken = _new_payment(desk, replace(remote, invoice=None), saved_card_id, None, None)
    elif known is None:
        taken = _new_payment(desk, remote, saved_card_id, made, invoice)
    else:
        taken = payment_taken(known, remote, PAYING[made.kind] if made else None, invoice)
        taken = taken if made is None or taken.asked else replace(taken, asked=made.amount)
    if known is not None and known.refunded.minor:  # which it is not where a refund of it lives
        taken = with_refunds(taken, unit.payments.refunds_of(taken.id))
    if taken != known:
        told = remote.raw if known is None or taken.told_at != known.told_at else None
        taken = _put_payment(desk, unit, taken, raw=told)
    if action is not None:
        audit_change(desk, unit, action, taken.id, *payment_diff(known, taken))
    return taken


def take_refund(
    desk: Desk,
    unit: Unit,
    known: Refund | None,
    remote: RemoteRefund,
    *,
    payment: Payment,
    invoice: str | None = None,
    action: str | None = None,
    made: Operation | None = None,
) -> Refund:
    """The provider's word about a refund of `payment`, which it makes at least as much refunded as its living refunds are; the
    payment itself is in the books afterwards, and audited with `action` as well. `known` None: it is looked for. `made` as in
    take_payment."""
    known = known or unit.payments.refunds_by_refs(desk.programme, [remote.ref]).get(remote.ref)
    taken = _new_refund(desk, unit, remote, payment, invoice, made) if known is None else refund_taken(known, remote, invoice)
    if taken != known:
        taken = replace(taken, updated_at=desk.clock())
        unit.payments.put_refund(taken, raw=remote.raw if known is None or taken.told_at != known.told_at else None)
    if action is not None:
        audit_change(desk, unit, action, taken.id, *refund_diff(known, taken))
    _follow(desk, unit, payment.id, known, taken, None if action is None else f"payment.{action.partition('.')[2]}")
    return taken


def take_dispute(desk: Desk, unit: Unit, remote: RemoteDispute, *, payment: Payment, action: str) -> None:
    """The provider's word about a dispute of `payment`, which the entry is about."""
    known = unit.payments.dispute(desk.programme, remote.ref)
    told = Dispute(
        programme=desk.programme,
        ref=remote.ref,
        payment_ref=remote.payment_ref,
        state=remote.state,
        reason=remote.reason,
        amount=remote.amount,
        due_at=remote.due_at,
        version=remote.version,
    )
    if known is not None and not is_later(told, known):
        return
    unit.payments.put_dispute(told)
    before = {} if known is None else {"state": known.state}
    after = {"dispute": told.ref, "state": told.state, "amount": shown(told.amount)}
    audit_change(desk, unit, action, payment.id, before, after)


def maker_of(unit: Unit, programme: str, remote: RemotePayment) -> Operation | None:
    """The operation of ours that made a payment, by the mark that it bears; its target is the saved card."""
    made = unit.operations.get(remote.mark) if remote.mark else None
    return made if made is not None and made.kind in PAYING and made.programme == programme else None


def owner_of(
    unit: Unit, programme: str, remote: RemotePayment, known: Payment | None, payers: dict[str, str | None]
) -> str | None:
    """Whose payment it is, by our id of the saved card: as the books have it, else as its maker says, else by the card that it
    names; None: nobody's. `payers` is what was asked about cards by now, which this adds to."""
    made = None if known is not None else maker_of(unit, programme, remote)
    ref = remote.card_ref
    if known is not None or made is not None or ref is None:
        return known.saved_card_id if known else made.target if made else None
    if ref not in payers:
        card = unit.saved_cards.by_ref(programme, ref)
        payers[ref] = card.id if card else None
    return payers[ref]


def payment_diff(before: Payment | None, now: Payment) -> tuple[Diff, Diff]:
    """What of a payment changed, as the audit shows it; `before` None: it is new."""
    return _diff(before, now, _PAYMENT_WORDS)


def refund_diff(before: Refund | None, now: Refund) -> tuple[Diff, Diff]:
    """The same of a refund."""
    return _diff(before, now, _REFUND_WORDS)


def _with_no_times(card: SavedCard) -> SavedCard:
    return replace(card, synced_at=card.created_at, updated_at=card.created_at)


def _card_diff(card: SavedCard, taken: SavedCard) -> tuple[Diff, Diff]:
    before, after = _diff(card, taken, _CARD_WORDS)
    if card.ref is not None and card.ref != taken.ref:
        after["card"] = "another"
    if card.customer_ref is not None and card.customer_ref != taken.customer_ref:
        after["customer"] = "another"
    return before, after


def _new_payment(desk: Desk, remote: RemotePayment, saved_card_id: str, made: Operation | None, invoice: str | None) -> Payment:
    told = redact(remote.invoice) if remote.invoice else None  # somebody else's words
    return Payment(
        id=payment_id_of(made.id) if made else desk.new_id("pay"),
        ref=remote.ref,
        provider=desk.provider.name,
        programme=desk.programme,
        saved_card_id=saved_card_id,
        invoice=invoice or (made.about if made else None) or told,
        kind=PAYING[made.kind] if made else kind_told(None, remote),
        state=remote.state,
        amount=remote.amount,
        tip=remote.tip,
        captured=remote.captured,
        refunded=remote.refunded,
        expires_at=remote.expires_at,
        created_at=remote.created_at,
        updated_at=desk.clock(),
        told_at=remote.updated_at,
        asked=made.amount if made else None,
    )


def _put_payment(desk: Desk, unit: Unit, taken: Payment, *, raw: dict[str, Any] | None = None) -> Payment:
    taken = replace(taken, updated_at=desk.clock())
    unit.payments.put(taken, raw=raw)
    return taken


def _is_free(there: Payment | Refund | None, remote: RemotePayment | RemoteRefund) -> bool:
    """Whether an operation's own name is for this word: nothing has it, or only what came to nothing, and this has not."""
    return there is None or (there.state in _NOTHING and remote.state not in _NOTHING)


def _new_refund(
    desk: Desk, unit: Unit, remote: RemoteRefund, payment: Payment, invoice: str | None, made: Operation | None
) -> Refund:
    made = made or made_by(unit, "saved_card.refund", remote.mark)
    made = made if made is not None and made.target == payment.id else None
    if made is not None and not _is_free(unit.payments.refund(refund_id_of(made.id)), remote):
        made = invoice = None
    return Refund(
        id=refund_id_of(made.id) if made else desk.new_id("rfd"),
        ref=remote.ref,
        provider=desk.provider.name,
        programme=desk.programme,
        payment_id=payment.id,
        invoice=invoice or (made.about if made else None),
        state=remote.state,
        amount=remote.amount,
        reason=remote.reason,
        created_at=remote.created_at,
        updated_at=desk.clock(),
        told_at=remote.updated_at,
    )


def _follow(desk: Desk, unit: Unit, payment_id: str, before: Refund | None, now: Refund, action: str | None) -> None:
    """What a refund makes of its payment, where the payment's own word does not have it (yet)."""
    payment = unit.payments.named(payment_id)
    base = without_refund(payment, before, now)
    taken = with_refunds(base, unit.payments.refunds_of(payment_id))
    if taken != payment:
        taken = _put_payment(desk, unit, taken)
        if action is not None:
            audit_change(desk, unit, action, payment.id, *payment_diff(payment, taken))


def _diff(before: object | None, now: object, words: Sequence[str]) -> tuple[Diff, Diff]:
    if before is None:
        return {}, {word: shown(value) for word in words if (value := getattr(now, word)) is not None}
    differs = [word for word in words if getattr(before, word) != getattr(now, word)]
    return {word: shown(getattr(before, word)) for word in differs}, {word: shown(getattr(now, word)) for word in differs}
