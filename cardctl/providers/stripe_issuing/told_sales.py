"""What Stripe's events say of customers' payments, by their type; a seller's other business is passed over unread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cardctl.domain.events import NOTHING, Told
from cardctl.domain.sales import SoldTold
from cardctl.domain.things import Kind, Named
from cardctl.providers.stripe_issuing import sales

_Names = Mapping[str, str]


def tells(kind: str) -> bool:
    """Whether events of this type may say anything of an order: most of a shop's do not, and need not be looked into."""
    return kind in _TELLERS or kind.startswith(tuple(_FAMILIES))


def sale_told(kind: str, value: Any, names: _Names) -> Told:
    """NOTHING for a payment that names no order, too. One of sales.STRANGE where an object is not what it should be."""
    if kind in _TELLERS:
        return _TELLERS[kind](value, names)
    return next((teller(value) for family, teller in _FAMILIES.items() if kind.startswith(family)), NOTHING)


def _of_checkout(session: Any, names: _Names) -> Told:
    if sales.order_from_wire(session.get("metadata"), names) is None:
        return NOTHING
    return Told(sold=SoldTold(checkouts=(sales.checkout_from_wire(session, names, keep=False),)))


def _of_sale(intent: Any, names: _Names) -> Told:
    if sales.order_from_wire(intent.get("metadata"), names) is None:
        return NOTHING
    return Told(sold=SoldTold(sales=(sales.sale_from_wire(intent, names, keep=False),)))


def _of_charge(about: Any) -> Told:
    """A charge, or a dispute of one: its payment is to be read. One that was made without a payment intent is no sale."""
    sale = sales.ref_of(about.get("payment_intent"))
    return NOTHING if sale is None else Told(sold=SoldTold(look=(Named(Kind.SALE, sale),)))


def _of_refund(refund: Any) -> Told:
    """UNCONFIRMED in what order the events of one refund come: it is to be read. One that others made is known by its payment
    alone, which has the money again where it fails."""
    sale = sales.ref_of(refund.get("payment_intent"))
    if sale is None:
        return NOTHING
    look = Named(Kind.SALE, sale), Named(Kind.SALE_REFUND, sales.named(refund.get("id")))
    return Told(sold=SoldTold(look=look))


_TELLERS: dict[str, Callable[[Any, _Names], Told]] = {
    "checkout.session.completed": _of_checkout,
    "checkout.session.async_payment_succeeded": _of_checkout,
    "payment_intent.succeeded": _of_sale,
    "charge.refunded": lambda charge, _names: _of_charge(charge),
    "charge.refund.updated": lambda refund, _names: _of_refund(refund),
}
_FAMILIES: dict[str, Callable[[Any], Told]] = {"charge.dispute.": _of_charge, "refund.": _of_refund}
"""A new type in one of them tells of the same object."""
