"""A seller's far side in a nutshell, for the fold alone: what happens is told as Square does, and can be read afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

from cardctl import runtime
from cardctl.db.unit import Books
from cardctl.domain.operations import OperationState
from cardctl.domain.payments import (
    ENDED,
    UNREFUNDED,
    PaymentKind,
    PaymentState,
    RefundState,
    RemoteDispute,
    RemotePayment,
    RemoteRefund,
)
from cardctl.domain.saved_cards import RemoteCustomer, RemoteSaved, RemoteSavedCard, SavedTold
from cardctl.domain.things import Kind, Named
from cardctl.providers.base import Provider, RemoteSold
from cardctl.services.desk import Desk
from cardctl.services.intake import now_in
from cardctl.services.placing import Placing
from cardctl.services.rereading import Readings
from tests.db.builders import NOW, later, operation, usd
from tests.db.conftest import keys_of
from tests.db.saved_builders import SELLER, saved_card, with_saved

OURS = saved_card(exp_month=11, exp_year=2026, version=1)
CARD, CUSTOMER = str(OURS.ref), str(OURS.customer_ref)


class Shop:
    """`told` is every notification, in the order in which things happened; `shelf` what a reading gives by now."""

    def __init__(self) -> None:
        self.told: list[SavedTold] = []
        self.shelf: dict[Named, RemoteSaved] = {}
        self._now = NOW
        self.payments: dict[str, RemotePayment] = {}
        self.refunds: dict[str, RemoteRefund] = {}
        self.disputes: dict[str, RemoteDispute] = {}
        self.card = RemoteSavedCard(CARD, {}, CUSTOMER, True, "visa", "5858", 11, 2026, version=1)
        self.shelf[Named(Kind.SAVED_CARD, CARD)] = self.card
        self.shelf[Named(Kind.CUSTOMER, CUSTOMER)] = RemoteCustomer(CUSTOMER, {})

    def pay(self, ref: str, minor: int, *, hold: bool = False, card_ref: str | None = CARD, mark: str | None = None) -> None:
        """A charge, which Square calls approved for a moment, or a hold."""
        made = RemotePayment(
            ref, {"id": ref}, PaymentState.APPROVED, usd(minor), usd(0), usd(0), usd(0), card_ref, CUSTOMER, None, mark,
            later(7 * 86_400) if hold else None, NOW, NOW, kind=PaymentKind.PREAUTH,
        )  # fmt: skip
        self._payment(made)
        if not hold:
            self.capture(ref)

    def capture(self, ref: str, tip: int = 0) -> None:
        held = self.payments[ref]
        if held.state not in ENDED:
            took = usd(held.amount.minor + tip)
            kind = PaymentKind.PREAUTH if held.expires_at else PaymentKind.CHARGE
            self._payment(replace(held, state=PaymentState.COMPLETED, tip=usd(tip), captured=took, expires_at=None, kind=kind))

    def cancel(self, ref: str) -> None:
        held = self.payments[ref]
        if held.state not in ENDED:
            self._payment(replace(held, state=PaymentState.CANCELED, expires_at=None, kind=None))

    def refund(self, ref: str, payment_ref: str, minor: int) -> None:
        """Begun; its payment counts it at once."""
        if self.payments[payment_ref].state is PaymentState.COMPLETED:
            refund = RemoteRefund(ref, {"id": ref}, payment_ref, RefundState.PENDING, usd(minor), None, None, NOW, NOW)
            self._refund(refund)

    def refund_ends(self, ref: str, state: RefundState) -> None:
        """As the bank says; its payment does not count it any more where that says no."""
        if ref in self.refunds and self.refunds[ref].state is RefundState.PENDING:
            self._refund(replace(self.refunds[ref], state=state))

    def dispute(self, ref: str, payment_ref: str, state: str = "evidence_required") -> None:
        known = self.disputes.get(ref)
        version = known.version + 1 if known else 1
        payment = self.payments[payment_ref]
        self.disputes[ref] = RemoteDispute(ref, payment_ref, state, None, payment.amount, None, version)
        self.told.append(SavedTold(disputes=(self.disputes[ref],)))

    def renew(self, **changes: Any) -> None:
        """The card is changed, its version with it."""
        self.card = replace(self.card, version=self.card.version + 1, **changes)
        self.shelf[Named(Kind.SAVED_CARD, CARD)] = self.card
        self.told.append(SavedTold(cards=(self.card,)))

    def forget(self) -> None:
        """As the official example tells it: hardly anything but its name."""
        gone = replace(self.card, enabled=False, forgotten=True, brand=None, last4=None, exp_month=None, exp_year=None)
        self.shelf.pop(Named(Kind.SAVED_CARD, CARD), None)
        self.told.append(SavedTold(cards=(gone,)))

    def delete_customer(self, *, merged_into: str | None = None) -> None:
        self.shelf.pop(Named(Kind.CUSTOMER, CUSTOMER), None)
        if merged_into is None:
            self.shelf.pop(Named(Kind.SAVED_CARD, CARD), None)
        else:
            self.card = replace(self.card, customer_ref=merged_into)
            self.shelf[Named(Kind.CUSTOMER, merged_into)] = RemoteCustomer(merged_into, {})
            self.shelf[Named(Kind.SAVED_CARD, CARD)] = self.card
        self.told.append(SavedTold(customers=(RemoteCustomer(CUSTOMER, {}, deleted=True, merged_into=merged_into),)))

    def _tick(self) -> Any:
        self._now += timedelta(seconds=1)
        return self._now

    def _payment(self, payment: RemotePayment) -> None:
        self.payments[payment.ref] = payment = replace(payment, updated_at=self._tick())
        self.shelf[Named(Kind.PAYMENT, payment.ref)] = payment
        self.told.append(SavedTold(payments=(payment,)))

    def _refund(self, refund: RemoteRefund) -> None:
        self.refunds[refund.ref] = refund = replace(refund, updated_at=self._tick())
        self.shelf[Named(Kind.REFUND, refund.ref)] = refund
        self.told.append(SavedTold(refunds=(refund,)))
        assert refund.payment_ref is not None
        living = [one for one in self.refunds.values() if one.payment_ref == refund.payment_ref]
        sum_ = sum(one.amount.minor for one in living if one.state not in UNREFUNDED)
        self._payment(replace(self.payments[refund.payment_ref], refunded=usd(sum_)))


class _Square:
    """Nothing here asks it for anything but its name."""

    name: ClassVar[str] = "square"
    environment, programme = "simulator", SELLER


def desk_at(path: Path) -> Desk:
    """Books with one saved card in them, and with an operation of ours that has charged it, and one that holds."""
    books = Books(str(path), environment="simulator", keys=keys_of)
    with_saved(books, OURS)
    with books.write() as unit:
        for id_, kind in (("op_charge", "saved_card.charge"), ("op_hold", "saved_card.preauth")):
            made = operation(
                id_,
                kind=kind,
                target=OURS.id,
                provider="square",
                programme=SELLER,
                state=OperationState.SENT,
                amount=usd(5000),
                about="lot-7",
            )
            unit.operations.add(made)
    return Desk(
        books=books,
        provider=cast(Provider, _Square()),
        clock=lambda: NOW,
        new_id=runtime.new_id,
        sleep=lambda _seconds: None,
        lease=cast(Any, None),
        actor="tester",
        correlation_id="run_1",
        live=False,
        log=lambda _category, _event, _fields: None,
    )


def tell(desk: Desk, told: SavedTold, shelf: dict[Named, RemoteSaved]) -> bool | None:
    """One notification taken in, with what has to be read for it; whether it is ours, None where reading comes to no end."""
    readings = Readings()
    for _ in range(5):
        with desk.books.write() as unit:
            placing = Placing(desk, unit, readings)
            placing.forget_older()
            wanted = placing.wants(told)
            if all(map(readings.has_thing, wanted)):
                return placing.take(told)
            begun = now_in(unit)
        there: dict[Named, RemoteSaved | RemoteSold] = {name: shelf[name] for name in wanted if name in shelf}
        readings = Readings(begun, things=there, gone={name for name in wanted if name not in shelf})
    return None


def tell_all(desk: Desk, shop: Shop, order: Sequence[int] | None = None) -> None:
    """Every notification, in this order (as it was told, where none is given)."""
    for number in range(len(shop.told)) if order is None else order:
        assert tell(desk, shop.told[number], shop.shelf) is not None


def books_say(desk: Desk) -> dict[str, tuple[Any, ...]]:
    """What the books have, without what differs by chance (names of our own for what was made elsewhere)."""
    with desk.books.read() as unit:
        card = unit.saved_cards.named(OURS.id)
        found: dict[str, tuple[Any, ...]] = {
            "card": (card.state, card.exp_month, card.exp_year, card.last4, card.version, card.customer_ref, card.ref)
        }
        for payment in list(unit.payments.rows()):
            found[payment.ref] = (
                payment.state, payment.kind, str(payment.amount), str(payment.tip), str(payment.captured),
                str(payment.refunded), payment.expires_at, payment.told_at, payment.invoice, payment.saved_card_id,
            )  # fmt: skip
            for refund in unit.payments.refunds_of(payment.id):
                found[refund.ref] = (payment.ref, refund.state, str(refund.amount), refund.told_at)
            for dispute in unit.payments.disputes_of(SELLER, payment.ref):
                found[dispute.ref] = (dispute.state, dispute.version, str(dispute.amount))
        assert unit.audit.verify().ok
    return found
