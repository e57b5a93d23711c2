"""The first steps of an order: is it still paid, what does it cost, may it be bought for that. Spends nothing."""

from __future__ import annotations

from dataclasses import replace

from cardctl.db.unit import Unit
from cardctl.domain.esims import NOT_ABOUT_THE_ORDER, Offer
from cardctl.domain.fulfilment import ACCEPTING, FOREVER, Why, underpaid
from cardctl.domain.orders import Order, OrderState, StepName, StepState
from cardctl.domain.sales import SaleState
from cardctl.errors import ProviderHasNot, ProviderRefused, ProviderUnavailable
from cardctl.providers.base import require
from cardctl.providers.selling import ReadsSales
from cardctl.services.deeds.checking_out import CheckOut
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.order_entries import given_up, note_step
from cardctl.services.ordering import take_sale


def read_sale(shop: Shop, order: Order) -> None:
    """What is known of the payment is too old to spend money on: it may have been given back, or be disputed."""
    assert order.payment_ref is not None
    try:
        sale = require(shop.sales.provider, ReadsSales).sale(order.payment_ref)
    except ProviderHasNot as gone:
        said = gone.message
        shop.change(order, lambda _, fresh: stuck(fresh, Why.CANCELED, said), "order.stuck")
        return
    with shop.books.write() as unit:
        taken = take_sale(shop.sales, unit, sale, action="order.sync")
    if sale.state is not SaleState.PAID and taken is not None:
        told = f"its payment is {sale.state}: nothing is bought"
        shop.change(taken, lambda _, fresh: stuck(fresh, Why.CANCELED, told), "order.stuck")


def price(shop: Shop, order: Order) -> None:
    """What the order costs, by the offer as it is now, and whether what is left of its payment pays for that."""
    if order.recipient is None:
        before, order = order.state, _looked(shop, order)
        if order.state is not before:
            return
    if order.recipient is None:
        _give_up(shop, order, Why.NO_RECIPIENT, "the payment names nobody to whom the eSIM could be sent")
        return
    offer = _offered(shop, order)
    if offer is not None and _is_paid(shop, order, offer):
        shop.change(order, lambda unit, fresh: _priced(shop, unit, fresh, offer), "order.priced")


def is_still_priced(shop: Shop, order: Order) -> bool:
    """Whether an order that has waited may be bought for what it was priced at. The offer is known for a minute; where it is
    another now, or less is left of the payment, the order is priced anew, or comes to nothing."""
    offer = _offered(shop, order)
    if offer is None or not _is_paid(shop, order, offer):
        return False
    if offer.cost != order.cost:
        shop.change(order, lambda unit, fresh: _priced(shop, unit, fresh, offer), "order.priced")
    return offer.cost == order.cost


def stuck(order: Order, why: Why, reason: str) -> Order:
    """The order that a person must look at."""
    return replace(order, state=OrderState.STUCK, reason_code=why, reason=reason, reserved=None, due_at=FOREVER)


def _looked(shop: Shop, order: Order) -> Order:
    """A payment's first event may have no address, which its page has; a look at the payment tells it."""
    read_sale(shop, order)
    return shop.order(order.id)


def _offered(shop: Shop, order: Order) -> Offer | None:
    """What the order is priced by; None where it is not sold, and the order came to nothing, or is a person's."""
    try:
        offer = shop.offer(order.offer_id)
    except ProviderRefused as error:
        if error.vendor_code in NOT_ABOUT_THE_ORDER:
            raise
        _gone(shop, order, error.message, listed=False)
        return None
    if not offer.enabled:
        _gone(shop, order, f"the offer {offer.id} is not sold any more")
        return None
    return offer


def _priced(shop: Shop, unit: Unit, order: Order, offer: Offer) -> Order:
    """What was spoken for in another currency is none of the wallet's that it is bought from now."""
    note_step(unit, order.id, StepName.PRICE, StepState.DONE, shop.now())
    reserved = order.reserved if order.cost is not None and order.cost.currency == offer.cost.currency else None
    priced = replace(order, cost=offer.cost, title=offer.title, reserved=reserved, due_at=shop.now(), tries=0)
    return replace(priced, reason_code=None, reason=None)


def _is_paid(shop: Shop, order: Order, offer: Offer) -> bool:
    """Whether what is left of its payment pays for the offer: what was given back pays for nothing. Else it comes to nothing,
    or is a person's to compare."""
    left = order.refundable
    assert left is not None
    why = underpaid(shop.terms, left, offer.cost)
    if why is Why.COST_ABOVE_PRICE:
        _give_up(shop, order, why, f"{offer.id} costs {offer.cost}, and {left} was paid")
    elif why is not None:
        told = f"{left} was paid for {offer.id}, which costs {offer.cost}: {ACCEPTING.format(left.currency)}"
        shop.change(order, lambda _, fresh: stuck(fresh, why, told), "order.stuck")
    return why is None


def _gone(shop: Shop, order: Order, reason: str, *, listed: bool = True) -> None:
    """ProviderUnavailable where the supplier sells nothing at all: a wrong address or a closed account is no reason to give
    every customer's money back. Nor is an offer that nobody here has ever sold: another business's payments may name offers,
    too, and another account lists other ones."""
    if not shop.sells_anything():
        raise ProviderUnavailable(f"{reason}; but the supplier lists no offer at all, and nobody is refunded for that")
    if listed or _is_ours(shop, order):
        _give_up(shop, order, Why.OFFER_GONE, reason)
        return
    told = f"{reason}; no order was ever priced with {order.offer_id}: `cardctl esim retry {order.id}` refunds it, if it is one"
    shop.change(order, lambda _, fresh: stuck(fresh, Why.OFFER_UNKNOWN, told), "order.stuck")


def _is_ours(shop: Shop, order: Order) -> bool:
    """Whether anything but its payment says that it is an order: a person, a page that was made here, an offer that was sold
    here."""
    with shop.books.read() as unit:
        asked = order.asked or unit.orders.was_priced(order.offer_id)
        return asked or any(each.kind == CheckOut.kind for each in unit.operations.for_target(order.id))


def _give_up(shop: Shop, order: Order, why: Why, reason: str) -> None:
    def end(unit: Unit, fresh: Order) -> Order:
        note_step(unit, fresh.id, StepName.PRICE, StepState.FAILED, shop.now(), error=reason)
        return given_up(fresh, why, reason, shop.now())

    shop.change(order, end, "order.given_up")
