"""Where an order comes from that a person names: a payment, a checkout, a file; and orders that a person wants tried again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from cardctl.db.unit import Unit
from cardctl.domain.fulfilment import FOREVER, Why
from cardctl.domain.orders import Order, OrderState
from cardctl.domain.sales import OrderData, RemoteCheckout, RemoteSale, SaleState
from cardctl.errors import BadInput, StateForbids
from cardctl.providers.base import require
from cardctl.providers.selling import ReadsSales
from cardctl.services.flows.fulfilling.offering import check_recipient
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.order_entries import put_order
from cardctl.services.ordering import take_checkout, take_sale

_BEFORE_BUYING = frozenset({OrderState.UNPAID, OrderState.PAID, OrderState.FUNDING})
_AGAIN = dict.fromkeys((Why.REFUND_REFUSED, Why.REFUND_FAILED, Why.PAID_TWICE), OrderState.REFUNDING)
"""What becomes of an order that is stuck, when a person wants it tried again; any other is paid, and looked at anew."""


@dataclass(frozen=True, slots=True)
class WhichOrder:
    """What a person says of an order: its payment or its checkout, and what it is, where the payment does not say so."""

    payment: str | None = None
    checkout: str | None = None
    data: OrderData | None = None


def begin(shop: Shop, named: WhichOrder) -> Order:
    """The order of a payment, which is read. ProviderHasNot (7) where there is no such payment; StateForbids (6) where nobody
    has paid; BadInput (2) where nothing says what was bought, or the books know the order as another one."""
    sale, checkout = look_for(shop, named)
    with shop.books.write() as unit:
        order = _taken(shop, unit, sale, checkout, named.data)
        disputed = bool(sale.disputed) and order.state is OrderState.STUCK
        return order if disputed else _due(shop, unit, order, asked=True)


def look_for(shop: Shop, named: WhichOrder) -> tuple[RemoteSale, RemoteCheckout | None]:
    """The payment, as the provider has it now, and the checkout where that is named. Errors: those of `begin`."""
    reader = require(shop.sales.provider, ReadsSales)
    checkout = reader.checkout(named.checkout) if named.checkout else None
    payment = named.payment or (checkout.sale_ref if checkout else None)
    if payment is None:
        raise StateForbids(f"{named.checkout} is not paid", hint="a customer pays it on its page")
    sale = reader.sale(payment)
    if sale.state is not SaleState.PAID:
        raise StateForbids(f"{payment} is {sale.state}: only an order that is paid is fulfilled")
    return sale, checkout


def try_again(shop: Shop, order: Order, *, recipient: str | None = None, asked: bool = True) -> Order:
    """An order that waits, or is stuck, is due now; its eSIM may go to another address, as long as it was not delivered.
    `asked`: it was this one that a person meant, whatever is known of it. BadInput for an address that is none."""
    if recipient is not None:
        check_recipient(recipient)
    with shop.books.write() as unit:
        fresh = unit.orders.named(order.id)
        if recipient is not None and fresh.state in (OrderState.DELIVERED, OrderState.REFUNDED, OrderState.REFUNDING):
            raise StateForbids(f"{fresh.id} is {fresh.state}: its mail is gone, or not wanted any more")
        if recipient is not None:
            fresh = put_order(shop.supply, unit, fresh, replace(fresh, recipient=recipient), action="order.recipient")
        return _due(shop, unit, fresh, asked=asked)


def wanted(sale: RemoteSale, checkout: RemoteCheckout | None, data: OrderData | None, known: Order | None) -> OrderData | None:
    """What was bought, by a person's word (`data`), the payment, or the page it was made on. None where the books alone know.
    BadInput where nobody says so."""
    said = sale.data or (checkout.data if checkout else None)
    told = said if data is None else _added(sale.ref, data, known, said)
    if known is None and told is None:
        hint = "name it: `cardctl esim fulfil --order FILE`, or see the setting stripe.order_names"
        raise BadInput(f"{sale.ref} does not say what was bought", hint=hint)
    return told


def _added(payment: str, data: OrderData, *before: Order | OrderData | None) -> OrderData:
    """A person's word may add what neither the payment nor the books say, and change nothing."""
    words: dict[str, Any] = {}
    for word in ("offer_id", "recipient", "full_name", "transaction_id"):
        told = next((value for one in before if one is not None and (value := getattr(one, word)) is not None), None)
        if getattr(data, word) not in (None, told) and told is not None:
            raise BadInput(
                f"{payment} is known with another {word}: {told}", hint="another address: `cardctl esim retry --recipient`"
            )
        words[word] = getattr(data, word) or told
    return OrderData(**words)


def _taken(shop: Shop, unit: Unit, sale: RemoteSale, checkout: RemoteCheckout | None, data: OrderData | None) -> Order:
    known = unit.orders.by_payment(shop.sales.programme, sale.ref)
    data = wanted(sale, checkout, data, known)
    if checkout is not None:
        take_checkout(shop.sales, unit, checkout, data=data)
    order = take_sale(shop.sales, unit, sale, data=data, action="order.fulfil")
    assert order is not None
    return order


def _due(shop: Shop, unit: Unit, order: Order, *, asked: bool) -> Order:
    now, asked = shop.now(), asked or order.asked
    if order.state is OrderState.STUCK:
        if order.reason_code == Why.PAID_TWICE and not asked:  # another program may have settled it long ago
            return order
        state = _AGAIN.get(Why(order.reason_code or Why.DISPUTED), OrderState.PAID)
        again = replace(order, state=state, due_at=now, tries=0, seen_at=None, short_since=None, asked=asked)
        return put_order(shop.supply, unit, order, again, action="order.again")
    over = order.state is OrderState.REFUNDED and order.due_at == FOREVER
    if over or order.state in (OrderState.UNPAID, OrderState.DELIVERED):
        return order
    due = replace(order, due_at=min(order.due_at, now), asked=asked)
    if order.state in _BEFORE_BUYING and order.reason_code == Why.TOO_OLD:
        due = replace(due, reason_code=None, reason=None)
    return put_order(shop.supply, unit, order, due, action="order.again")
