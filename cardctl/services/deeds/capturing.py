"""What becomes of a hold: saved_card.capture, saved_card.cancel."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

from cardctl.db.unit import Unit
from cardctl.domain.money import Money, minor_or_none
from cardctl.domain.operations import Draft, Operation
from cardctl.domain.payments import (
    UNPAID,
    Payment,
    PaymentState,
    RemotePayment,
)
from cardctl.errors import BadAmount, CardctlError, ProviderRefused, ProviderUnavailable, StateForbids
from cardctl.providers.base import Remote, require
from cardctl.providers.saving import ChargesSavedCards, ReadsPayments
from cardctl.services.desk import Desk, Done, Thing, Warned
from cardctl.services.entries import shown
from cardctl.services.journal import Change, Wish
from cardctl.services.operations import rehearse, run_once
from cardctl.services.saving import payment_diff, take_payment

_S = PaymentState


def capture(
    desk: Desk,
    payment: Payment,
    *,
    amount: Money | None = None,
    tip: Money | None = None,
    caller_key: str | None = None,
) -> Done:
    """Take what a payment holds, all of it or `amount`, and a tip beside it. Done again, it is already so; with another amount,
    or where all of it is no more what these books say, StateForbids. Warns AMOUNT_DIFFERS where the provider took another one
    all the same."""
    try:
        done = run_once(desk, Capture(), _capture_wish(payment, amount, tip, caller_key))
    except (ProviderRefused, ProviderUnavailable, _HeldOtherwise):
        _look_again(desk, payment)
        raise
    wanted = _wanted(payment, amount, minor_or_none(tip))
    if done.operation is None or not isinstance(done.object, Payment) or done.object.captured == wanted:
        return done
    told = (
        f"{payment.id}: {done.object.captured} were captured, and {wanted} were wanted; `cardctl saved-card refund` gives back"
    )
    return replace(done, warnings=(*done.warnings, Warned("AMOUNT_DIFFERS", told)))


def rehearse_capture(
    desk: Desk, payment: Payment, *, amount: Money | None = None, tip: Money | None = None, caller_key: str | None = None
) -> Draft | Thing:
    return rehearse(desk, Capture(), _capture_wish(payment, amount, tip, caller_key))


def cancel(desk: Desk, payment: Payment, *, reason: str | None = None) -> Done:
    """Release what a payment holds. StateForbids where it was captured."""
    return run_once(desk, Cancel(), Wish(payment.id, {}, reason=reason))


def rehearse_cancel(desk: Desk, payment: Payment) -> Draft | Thing:
    return rehearse(desk, Cancel(), Wish(payment.id, {}))


class Capture:
    """saved_card.capture"""

    kind: ClassVar[str] = "saved_card.capture"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> Payment | None:
        payment = unit.payments.named(operation.target)
        wanted, tip = operation.amount, operation.arguments["tip"]
        if payment.state is _S.COMPLETED:
            whole = wanted is None and tip is None
            if whole or (payment.amount == (wanted or payment.amount) and payment.tip.minor == (tip or 0)):
                return payment
            raise StateForbids(f"{payment.id} is captured already: {payment.captured}", hint="what is too much can be refunded")
        if payment.state is not _S.APPROVED:
            raise StateForbids(f"{payment.id} is {payment.state}: only a hold can be captured")
        if wanted is not None and wanted.currency != payment.amount.currency:
            raise BadAmount(f"{payment.id} is in {payment.amount.currency}, not {wanted.currency}")
        return None

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        payment = _payment(desk, operation)
        told = operation.arguments["tip"]
        _refuse_held_otherwise(desk, payment, whole=operation.amount is None, tip_told=told is not None)
        tip = None if told is None else Money(told, payment.amount.currency)
        provider = require(desk.provider, ChargesSavedCards)
        return provider.draft_capture(payment.ref, operation.id, amount=operation.amount, tip=tip)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        """Whatever was taken is the truth; what was wanted stands beside it in the audit where that is another amount."""
        wanted = _wanted(unit.payments.named(operation.target), operation.amount, operation.arguments["tip"])
        change = _record_payment(desk, unit, operation, remote)
        assert isinstance(change.object, Payment)
        return change if change.object.captured == wanted else replace(change, after=change.after | {"wanted": shown(wanted)})

    def load(self, unit: Unit, operation: Operation) -> Payment:
        return unit.payments.named(operation.target)


class Cancel:
    """saved_card.cancel"""

    kind: ClassVar[str] = "saved_card.cancel"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> Payment | None:
        payment = unit.payments.named(operation.target)
        if payment.state in UNPAID:
            return payment
        if payment.state is _S.COMPLETED:
            raise StateForbids(
                f"{payment.id} is captured: {payment.captured}", hint=f"`cardctl saved-card refund {payment.id}`"
            )
        return None

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        return require(desk.provider, ChargesSavedCards).draft_cancel(_payment(desk, operation).ref, operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        return _record_payment(desk, unit, operation, remote)

    def load(self, unit: Unit, operation: Operation) -> Payment:
        return unit.payments.named(operation.target)


CAPTURE_DEEDS: list[Capture | Cancel] = [Capture(), Cancel()]


class _HeldOtherwise(StateForbids):
    """Refused before anything was sent."""


def _refuse_held_otherwise(desk: Desk, payment: Payment, *, whole: bool, tip_told: bool) -> None:
    """All of a hold, and its tip, are what these books say and somebody has consented to: a capture that was refused halfway,
    or somebody else, may have changed them."""
    if not whole and tip_told:
        return
    now = require(desk.provider, ReadsPayments).payment(payment.ref)
    same = (now.amount == payment.amount or not whole) and (now.tip == payment.tip or tip_told)
    if now.state is _S.APPROVED and not same:
        told, known = (f"{each.amount}" + f" and a tip of {each.tip}" * bool(each.tip.minor) for each in (now, payment))
        hint = f"`cardctl saved-card sync {payment.saved_card_id}` takes that in; then say what is to be captured"
        raise _HeldOtherwise(f"{payment.id} holds {told} at the provider, and {known} in these books", hint=hint)


def _look_again(desk: Desk, payment: Payment) -> None:
    """Take in what a capture that came to nothing has left of the hold: its amount may be changed already."""
    with suppress(CardctlError):  # what ended the capture is told
        remote = require(desk.provider, ReadsPayments).payment(payment.ref)
        with desk.books.write() as unit:
            known = unit.payments.named(payment.id)
            take_payment(desk, unit, known, remote, saved_card_id=known.saved_card_id, action="payment.sync")


def _record_payment(desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
    assert isinstance(remote, RemotePayment)
    known = unit.payments.named(operation.target)
    payment = take_payment(desk, unit, known, remote, saved_card_id=known.saved_card_id, invoice=known.invoice)
    return Change(payment, *payment_diff(known, payment))


def _wanted(payment: Payment, amount: Money | None, tip: int | None) -> Money:
    """What a capture of the hold, as the books have it, shall take in all."""
    currency = payment.amount.currency
    return (amount or payment.amount) + (payment.tip if tip is None else Money(tip, currency))


def _payment(desk: Desk, operation: Operation) -> Payment:
    with desk.books.read() as unit:
        return unit.payments.named(operation.target)


def _capture_wish(payment: Payment, amount: Money | None, tip: Money | None, caller_key: str | None) -> Wish:
    return Wish(payment.id, {"tip": minor_or_none(tip)}, amount=amount, caller_key=caller_key, about=payment.invoice)
