"""What would be done for an order, and exactly what would be sent; reads, and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cardctl.domain.esims import NewPurchase, Offer
from cardctl.domain.fulfilment import Topup, Why, underpaid
from cardctl.domain.money import Money, zero
from cardctl.domain.operations import Draft
from cardctl.domain.orders import Order, OrderState, purchase_ref_of, transaction_id_for
from cardctl.providers.base import require
from cardctl.providers.selling import SellsEsims, TopsUpWallet
from cardctl.services.flows.fulfilling.beginning import WhichOrder, look_for, wanted
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.order_entries import new_order

_MARK = "op_dry_run"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The order as it would be, what would be sent for it first, and what would follow, in words."""

    order: Order
    drafts: tuple[Draft, ...]
    then: tuple[str, ...]


def rehearse(shop: Shop, named: WhichOrder) -> Rehearsed:
    """Errors as `beginning.begin`; ProviderHasNot where the offer is gone, for which the customer would be refunded."""
    order = _order(shop, named)
    if order.state not in (OrderState.PAID, OrderState.FUNDING):
        return Rehearsed(order, (), (f"nothing is bought: it is {order.state}",))
    offer = shop.offer(order.offer_id)
    order = replace(order, cost=offer.cost, purchase_ref=purchase_ref_of(order), title=offer.title)
    if not offer.enabled:
        return Rehearsed(order, (), ("the offer is not sold any more: the customer would be refunded",))
    why = None if order.refundable is None else underpaid(shop.terms, order.refundable, offer.cost)
    if why is not None:
        then = "the customer would be refunded" if why is Why.COST_ABOVE_PRICE else "it would wait for a person"
        return Rehearsed(order, (), (f"{offer.id} costs {offer.cost}, and {order.refundable} was paid: {then}",))
    short = _short(shop, offer)
    purchase = require(shop.supply.provider, SellsEsims).draft_purchase(NewPurchase(offer.id, order.purchase_ref or ""), _MARK)
    mail = f"the eSIM would be mailed to {order.recipient}" if shop.mail else "no mail server is configured"
    if not short.minor:
        return Rehearsed(order, (purchase,), (mail,))
    if shop.terms.topup is not Topup.CARD:
        return Rehearsed(order, (), (f"the wallet is short by {short}: the order would wait for it",))
    topup = require(shop.supply.provider, TopsUpWallet).draft_wallet_topup(short, _MARK)
    return Rehearsed(order, (topup, purchase), (f"a card would be issued for {short}, and pay", mail))


def _order(shop: Shop, named: WhichOrder) -> Order:
    sale, checkout = look_for(shop, named)
    with shop.books.read() as unit:
        known = unit.orders.by_payment(shop.sales.programme, sale.ref)
    data = wanted(sale, checkout, named.data, known)
    if known is not None:
        return known
    assert data is not None
    name = data.transaction_id or transaction_id_for(shop.sales.programme, sale.ref)
    order = new_order(shop.sales, name, data, payment_ref=sale.ref, price=sale.amount, state=OrderState.PAID)
    return replace(order, recipient=order.recipient or sale.email)


def _short(shop: Shop, offer: Offer) -> Money:
    reading, currency = shop.wallet.reading(), offer.cost.currency
    with shop.books.read() as unit:
        free = reading.free(unit, shop.supply.programme, currency)
    return offer.cost - max(free, zero(currency)) if free < offer.cost else zero(currency)
