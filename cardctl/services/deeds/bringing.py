"""A payment as its provider has it now, with refunds of it, taken into the books whether or not they had it."""

from __future__ import annotations

from collections.abc import Iterable

from cardctl.db.unit import Unit
from cardctl.domain.payments import Payment, RemotePayment
from cardctl.errors import NotFound
from cardctl.providers.base import require
from cardctl.providers.saving import ReadsPayments
from cardctl.services.desk import Desk
from cardctl.services.saving import owner_of, take_payment, take_refund


def bring_payment(desk: Desk, ref: str, refunds: Iterable[str] = ()) -> Payment:
    """The payment of that name and these refunds of it, each read by itself, audited; it moves nothing.

    ProviderHasNot where the provider has one of them no more. NotFound for a payment that is nobody's in these books.
    """
    reader = require(desk.provider, ReadsPayments)
    remote, given = reader.payment(ref), [reader.refund(each) for each in refunds]
    with desk.books.write() as unit:
        payment = _taken(desk, unit, remote)
        for each in given:
            if each.payment_ref == ref:
                take_refund(desk, unit, None, each, payment=payment, action="refund.sync")
        return unit.payments.named(payment.id)


def _taken(desk: Desk, unit: Unit, remote: RemotePayment) -> Payment:
    known = unit.payments.by_refs(desk.programme, [remote.ref]).get(remote.ref)
    card_id = owner_of(unit, desk.programme, remote, known, {})
    if card_id is None:
        raise NotFound("saved card", f"that made {remote.ref}")
    return take_payment(desk, unit, known, remote, saved_card_id=card_id, action="payment.sync")
