"""What was captured, given back, all or a part: saved_card.refund."""

from __future__ import annotations

from typing import ClassVar

from cardctl.db.unit import Unit
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft, Operation
from cardctl.domain.payments import UNREFUNDED, Payment, PaymentState, RemoteRefund, checked_invoice
from cardctl.errors import BadAmount, StateForbids
from cardctl.providers.base import Remote, require
from cardctl.providers.saving import ChargesSavedCards
from cardctl.services.desk import Desk, Done, Thing
from cardctl.services.entries import shown
from cardctl.services.journal import Change, Wish
from cardctl.services.operations import rehearse, run_once
from cardctl.services.saving import take_refund


def refund(
    desk: Desk,
    payment: Payment,
    amount: Money | None = None,
    *,
    invoice: str | None = None,
    reason: str | None = None,
    caller_key: str | None = None,
) -> Done:
    """Give back what was captured, all that is left or `amount`; under an `invoice` once. BadAmount where it is more than is
    left."""
    return run_once(desk, GiveBack(), _refund_wish(desk, payment, amount, invoice, reason, caller_key))


def rehearse_refund(
    desk: Desk,
    payment: Payment,
    amount: Money | None = None,
    *,
    invoice: str | None = None,
    reason: str | None = None,
    caller_key: str | None = None,
) -> Draft | Thing:
    return rehearse(desk, GiveBack(), _refund_wish(desk, payment, amount, invoice, reason, caller_key))


class GiveBack:
    """saved_card.refund"""

    kind: ClassVar[str] = "saved_card.refund"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> Payment | None:
        payment, amount = unit.payments.named(operation.target), operation.amount
        given = [one for one in unit.payments.refunds_of(payment.id) if one.state not in UNREFUNDED]
        for one in given:
            if operation.about is not None and one.invoice == operation.about:
                whole = operation.arguments["whole"]
                if (whole and not payment.refundable.minor) or (not whole and one.amount == amount):
                    return payment
                told = f"{operation.about} was refunded with {one.amount} already: {one.id}"
                another = f"`cardctl saved-card refund {payment.id} --amount … --invoice {operation.about}/2`"
                raise StateForbids(told, hint=f"another part: {another}")
        if payment.state is not PaymentState.COMPLETED:
            hint = "release it: `cardctl saved-card cancel`" if payment.held else None
            raise StateForbids(f"{payment.id} is {payment.state}: only what was captured can be refunded", hint=hint)
        left = payment.refundable
        if amount is None or not left.minor:
            raise StateForbids(f"nothing of {payment.id} is left to refund")
        if amount.currency != left.currency or amount > left:
            raise BadAmount(f"{amount} is more than is left of {payment.id}: {left}")
        return None

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        with desk.books.read() as unit:
            payment = unit.payments.named(operation.target)
        assert operation.amount is not None
        provider = require(desk.provider, ChargesSavedCards)
        return provider.draft_refund(payment.ref, operation.amount, operation.id, reason=operation.reason)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteRefund)
        payment = unit.payments.named(operation.target)
        given = take_refund(desk, unit, None, remote, payment=payment, invoice=operation.about, made=operation)
        now = unit.payments.named(payment.id)
        after = {"refund": given.id, "amount": shown(given.amount), "state": str(given.state), "refunded": shown(now.refunded)}
        return Change(now, {"refunded": shown(payment.refunded)}, after)

    def load(self, unit: Unit, operation: Operation) -> Payment:
        return unit.payments.named(operation.target)


def _refund_wish(
    desk: Desk, payment: Payment, amount: Money | None, invoice: str | None, reason: str | None, caller_key: str | None
) -> Wish:
    told = {"whole": amount is None, "invoice": checked_invoice(invoice)}
    wanted = amount or _rest(desk, payment, caller_key)
    return Wish(payment.id, told, amount=wanted, reason=reason, caller_key=caller_key, about=invoice)


def _rest(desk: Desk, payment: Payment, caller_key: str | None) -> Money | None:
    """All that is left; what was left then, where the caller's key has had it already."""
    with desk.books.read() as unit:
        prior = unit.operations.by_caller_key(desk.programme, caller_key) if caller_key else None
    if prior is not None and prior.target == payment.id and prior.arguments.get("whole"):
        return prior.amount
    return payment.refundable if payment.refundable.minor else None
