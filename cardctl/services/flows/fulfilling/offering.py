"""What a customer is offered: an offer that is sold, at a price, on a page of its own."""

from __future__ import annotations

from cardctl.domain.esims import Offer
from cardctl.domain.fulfilment import ACCEPTING, Terms, Why, underpaid
from cardctl.domain.money import Money
from cardctl.domain.orders import Order
from cardctl.domain.sales import NewCheckout, OrderData, RemoteCheckout
from cardctl.errors import BadInput, StateForbids
from cardctl.providers.base import require
from cardctl.providers.selling import ReadsSales, SellsEsims
from cardctl.services.desk import Desk, Done


def check_offer(supply: Desk, offer_id: str) -> Offer:
    """The offer as it is now. ProviderHasNot (7); StateForbids (6) where it is not sold any more."""
    offer = require(supply.provider, SellsEsims).offer(offer_id)
    if not offer.enabled:
        raise StateForbids(f"the offer {offer.id} is not sold any more", hint="see `cardctl esim offers`")
    return offer


def check_recipient(recipient: str) -> None:
    """BadInput for an address that is none."""
    if "@" not in recipient.strip("@") or not recipient.isprintable() or " " in recipient:
        raise BadInput(f"{recipient!r} is no address that an eSIM could be sent to")


def check_price(offer: Offer, price: Money, terms: Terms) -> None:
    """BadInput for a price that would not be taken for what the offer costs, once it is paid."""
    why = underpaid(terms, price, offer.cost)
    if why is not None:
        hint = ACCEPTING.format(price.currency) if why is Why.OTHER_CURRENCY else "see the setting zendit.sell_below_cost"
        raise BadInput(f"{offer.id} costs {offer.cost}: it is not sold for {price}", hint=hint)


def wanted_checkout(
    offer: Offer, price: Money, recipient: str, name: str | None, transaction_id: str, urls: tuple[str | None, str | None]
) -> NewCheckout:
    """BadInput for an address that is none."""
    check_recipient(recipient)
    data = OrderData(offer.id, recipient, name, transaction_id)
    return NewCheckout(data, price, offer.title, urls[0] or "", urls[1])


def checkout_of(sales: Desk, done: Done) -> RemoteCheckout:
    """The page itself, which is read: its address is a key to it, and not kept here."""
    assert isinstance(done.object, Order)
    assert done.object.checkout_ref is not None
    return require(sales.provider, ReadsSales).checkout(done.object.checkout_ref)
