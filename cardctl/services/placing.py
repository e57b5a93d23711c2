"""What a notification says of saved cards and payments: which of it is ours, what has to be read first, and taking the rest in.

A seller has customers, cards and payments that are none of ours (at its counter, by its own shop): they are passed over. Ours
is a card that the books have; a payment that the books have, that names such a card, or that bears the mark of an operation of
ours (it enters the books under that operation's name at once, whether or not the operation has heard of it: `record` finds it
there); and a refund or a dispute of such a payment. One whose payment the books do not have is no failure that waits, since
most of those never come: the payment is read, and tells whose it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from cardctl.db.unit import Unit
from cardctl.domain.payments import Payment, RemoteDispute, RemotePayment, RemoteRefund
from cardctl.domain.saved_cards import RemoteCustomer, RemoteSavedCard, SavedCard, SavedTold
from cardctl.domain.things import Kind, Named
from cardctl.services.desk import Desk
from cardctl.services.intake import written_since
from cardctl.services.rereading import Readings
from cardctl.services.saving import (
    owner_of,
    take_dispute,
    take_gone,
    take_payment,
    take_reading,
    take_refund,
    take_saved_card,
)

_CARD, _PAYMENT = "saved_card.event", "payment.event"
T = TypeVar("T")


@dataclass(slots=True)
class Placing:
    """One attempt, with what was read for it by now."""

    desk: Desk
    unit: Unit
    readings: Readings
    payers: dict[str, str | None] = field(default_factory=dict)
    """Whose card one is, by its name, as far as it was asked: no notification changes that."""

    def wants(self, saved: SavedTold) -> list[Named]:
        """What has to be read before it can be taken in, whether or not it was read by now."""
        named = [name for name in saved.look if name.kind is not Kind.DISPUTE and self._concerns(name)]
        for customer in self._customers(saved):
            if customer.deleted and customer.merged_into is not None:
                named += self._cards_of(customer.ref)
        for name in saved.look:
            if name.kind is Kind.CUSTOMER and name in self.readings.gone:
                named += self._cards_of(name.ref)
        refunds = [one.payment_ref for one in self._refunds(saved) if one.payment_ref is not None]
        named += self._unknown([*refunds, *(one.payment_ref for one in saved.disputes)])
        return list(dict.fromkeys(named))

    def take(self, saved: SavedTold) -> bool:
        """Take it in; False where nothing of it is ours."""
        ours = [self._customer(one) for one in self._customers(saved)]
        ours += [self._vanished(name) for name in saved.look if name in self.readings.gone]
        ours += [self._card(one) for one in saved.cards]
        ours += [self._card(one, read=True) for one in self._read(saved, RemoteSavedCard)]
        ours += [self._payment(one) is not None for one in (*saved.payments, *self._read(saved, RemotePayment))]
        ours += [self._refund(one) for one in self._refunds(saved)]
        ours += [self._dispute(one) for one in saved.disputes]
        return any(ours)

    def forget_older(self) -> None:
        """What was read of a card before something was written about it is outdated, and read again."""
        read = {one.ref: name for name, one in self.readings.things.items() if name.kind is Kind.SAVED_CARD}
        known = self.unit.saved_cards.by_refs(self.desk.programme, read)
        newer = written_since(self.unit, [card.id for card in known.values()], self.readings.begun) if known else set()
        for ref, card in known.items():
            if card.id in newer:
                del self.readings.things[read[ref]]

    def _concerns(self, name: Named) -> bool:
        """Whether reading it may tell anything: of cards and customers the books know which are theirs."""
        if name.kind is Kind.CUSTOMER:
            return bool(self._of_customer(name.ref))
        return name.kind is not Kind.SAVED_CARD or self._by_ref(name.ref) is not None

    def _unknown(self, payment_refs: Iterable[str]) -> Iterator[Named]:
        refs = list(payment_refs)
        known = self.unit.payments.by_refs(self.desk.programme, refs) if refs else {}
        return (Named(Kind.PAYMENT, ref) for ref in refs if ref not in known)

    def _customers(self, saved: SavedTold) -> list[RemoteCustomer]:
        return [*saved.customers, *self._read(saved, RemoteCustomer)]

    def _refunds(self, saved: SavedTold) -> list[RemoteRefund]:
        return [*saved.refunds, *self._read(saved, RemoteRefund)]

    def _read(self, saved: SavedTold, kind: type[T]) -> list[T]:
        """What was read of what it names."""
        things = (self.readings.things.get(name) for name in saved.look)
        return [one for one in things if isinstance(one, kind)]

    def _of_customer(self, ref: str) -> list[SavedCard]:
        return self.unit.saved_cards.of_customers(self.desk.programme, [ref])

    def _cards_of(self, customer_ref: str) -> list[Named]:
        return [Named(Kind.SAVED_CARD, card.ref) for card in self._of_customer(customer_ref) if card.ref is not None]

    def _by_ref(self, ref: str) -> SavedCard | None:
        return self.unit.saved_cards.by_ref(self.desk.programme, ref)

    def _customer(self, remote: RemoteCustomer) -> bool:
        cards = self._of_customer(remote.ref)
        for card in cards if remote.deleted else ():
            if remote.merged_into is None:
                take_gone(self.desk, self.unit, card, action=_CARD)
            else:
                self._reading(card, remote)
        return bool(cards)

    def _vanished(self, name: Named) -> bool:
        """What the provider has no more."""
        cards = self._of_customer(name.ref) if name.kind is Kind.CUSTOMER else []
        for card in cards:
            self._reading(card, None)
        itself = self._by_ref(name.ref) if name.kind is Kind.SAVED_CARD else None
        if itself is not None:
            take_gone(self.desk, self.unit, itself, action=_CARD)
        return bool(cards) or itself is not None

    def _reading(self, card: SavedCard, customer: RemoteCustomer | None) -> None:
        remote = self.readings.things.get(Named(Kind.SAVED_CARD, card.ref or ""))
        card_read = remote if isinstance(remote, RemoteSavedCard) else None
        take_reading(self.desk, self.unit, card, card_read, customer=customer, action=_CARD)

    def _card(self, remote: RemoteSavedCard, *, read: bool = False) -> bool:
        card = self._by_ref(remote.ref)
        if card is not None:
            take_saved_card(self.desk, self.unit, card, remote, read=read, action=_CARD)
        return card is not None

    def _payment(self, remote: RemotePayment) -> Payment | None:
        """None where it is nobody's in these books."""
        known = self.unit.payments.by_refs(self.desk.programme, [remote.ref]).get(remote.ref)
        card_id = owner_of(self.unit, self.desk.programme, remote, known, self.payers)
        if card_id is None:
            return None
        return take_payment(self.desk, self.unit, known, remote, saved_card_id=card_id, action=_PAYMENT)

    def _paid(self, ref: str) -> Payment | None:
        """A payment by its name, read where the books did not have it."""
        known = self.unit.payments.by_refs(self.desk.programme, [ref]).get(ref)
        remote = self.readings.things.get(Named(Kind.PAYMENT, ref))
        return known or (self._payment(remote) if isinstance(remote, RemotePayment) else None)

    def _refund(self, remote: RemoteRefund) -> bool:
        payment = self._paid(remote.payment_ref) if remote.payment_ref else None
        if payment is not None:
            take_refund(self.desk, self.unit, None, remote, payment=payment, action="refund.event")
        return payment is not None

    def _dispute(self, remote: RemoteDispute) -> bool:
        payment = self._paid(remote.payment_ref)
        if payment is not None:
            take_dispute(self.desk, self.unit, remote, payment=payment, action="dispute.event")
        return payment is not None
