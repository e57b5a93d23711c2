"""The first steps of an order: is it still paid, what does it cost, may it be bought for that. Spends nothing."""

from __future__ import annotations

from dataclasses import replace

from cardctl.db.unit import Unit
from cardctl.domain.esims import NOT_ABOUT_THE_ORDER, Offer
from cardctl.domain.fulfilment import FOREVER, Why
from cardctl.domain.orders import Order, OrderState, StepName, StepState
from cardctl.domain.sales import SaleState
from cardctl.errors import ProviderHasNot, ProviderRefused, ProviderUnavailable
from cardctl.providers.base import require
from cardctl.providers.selling import ReadsSales
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
    """What the order costs, by the offer as it is now."""
    if order.recipient is None:
        _give_up(shop, order, Why.NO_RECIPIENT, "the payment names nobody to whom the eSIM could be sent")
        return
    try:
        offer = shop.offer(order.offer_id)
    except ProviderRefused as error:
        if error.vendor_code in NOT_ABOUT_THE_ORDER:
            raise
        _gone(shop, order, error.message)
        return
    if not offer.enabled:
        _gone(shop, order, f"the offer {offer.id} is not sold any more")
    elif _loses(shop, order, offer):
        _give_up(shop, order, Why.COST_ABOVE_PRICE, f"{offer.id} costs {offer.cost}, and {order.refundable} was paid")
    else:
        shop.change(order, lambda unit, fresh: _priced(shop, unit, fresh, offer), "order.priced")


def stuck(order: Order, why: Why, reason: str) -> Order:
    """The order that a person must look at."""
    return replace(order, state=OrderState.STUCK, reason_code=why, reason=reason, reserved=None, due_at=FOREVER)


def _priced(shop: Shop, unit: Unit, order: Order, offer: Offer) -> Order:
    note_step(unit, order.id, StepName.PRICE, StepState.DONE, shop.now())
    return replace(order, cost=offer.cost, title=offer.title, due_at=shop.now(), tries=0, reason_code=None, reason=None)


def _loses(shop: Shop, order: Order, offer: Offer) -> bool:
    """What was given back of a payment pays for nothing."""
    left = order.refundable
    if left is None or left.currency != offer.cost.currency or shop.terms.sell_below_cost:
        return False
    return offer.cost > left


def _gone(shop: Shop, order: Order, reason: str) -> None:
    """ProviderUnavailable where the supplier sells nothing at all: a wrong address or a closed account is no reason to give
    every customer's money back."""
    if not shop.sells_anything():
        raise ProviderUnavailable(f"{reason}; but the supplier lists no offer at all, and nobody is refunded for that")
    _give_up(shop, order, Why.OFFER_GONE, reason)


def _give_up(shop: Shop, order: Order, why: Why, reason: str) -> None:
    def end(unit: Unit, fresh: Order) -> Order:
        note_step(unit, fresh.id, StepName.PRICE, StepState.FAILED, shop.now(), error=reason)
        return given_up(fresh, why, reason, shop.now())

    shop.change(order, end, "order.given_up")
