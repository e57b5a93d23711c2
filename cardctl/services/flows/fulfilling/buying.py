"""The purchase of an order's eSIM: made, looked at until it has ended, and its QR code fetched where it has no text."""

from __future__ import annotations

from dataclasses import replace

from cardctl.db.unit import Unit
from cardctl.domain.esims import ENDED, NOT_ABOUT_THE_ORDER, TRANSACTION_ID_TAKEN, PurchaseState
from cardctl.domain.fulfilment import ATTEMPTS, Why, look_again
from cardctl.domain.orders import Order, OrderState, StepName, StepState
from cardctl.errors import ProviderHasNot, ProviderRefused, ProviderUnavailable, SecretProblem
from cardctl.providers.base import require
from cardctl.providers.selling import SellsEsims
from cardctl.services.deeds.buying import buy, was_asked_for
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.order_entries import given_up, note_step
from cardctl.services.supplying import take_purchase


def buy_esim(shop: Shop, order: Order) -> None:
    """Buy it, once. A supplier that says no has sold nothing; one that lets nobody in says nothing about the order. Where
    surely nothing was bought, it is decided anew: the customer may have got the money back meanwhile."""
    if shop.is_stale(order) and not was_asked_for(shop.supply, order):
        shop.change(order, _undecided, "order.not_bought")
        return
    try:
        buy(shop.supply, order)
    except ProviderRefused as no:
        if no.vendor_code in NOT_ABOUT_THE_ORDER:
            raise
        refusal = no
        shop.change(order, lambda unit, fresh: _refused(shop, unit, fresh, refusal), "order.refused")
        return
    except (ProviderUnavailable, SecretProblem) as error:
        again = shop.change(order, _undecided, "order.not_bought")
        if isinstance(error, SecretProblem):
            raise
        shop.put_off(again, StepName.BUY, Why.UNAVAILABLE, error.message)
        return
    bought = shop.order(order.id)
    if bought.state is OrderState.BUYING and bought.purchase is None:
        shop.change(bought, lambda unit, fresh: _said_to_be_bought(shop, unit, fresh), "order.bought")


def look(shop: Shop, order: Order) -> None:
    """See what has become of the purchase; while it is under way it is looked at ever more seldom."""
    assert order.purchase_ref is not None
    try:
        remote = require(shop.supply.provider, SellsEsims).purchase(order.purchase_ref)
    except ProviderHasNot as error:
        shop.put_off(order, StepName.ISSUE, Why.UNAVAILABLE, f"the supplier does not have the purchase: {error.message}")
        return
    with shop.books.write() as unit:
        fresh = unit.orders.named(order.id)
        taken = take_purchase(shop.supply, unit, fresh, remote, action="order.sync")
        if taken.state is OrderState.ORDERED and remote.state not in ENDED:
            unit.orders.put(replace(taken, due_at=shop.now() + look_again(taken, shop.now()), tries=0))


def fetch_qr(shop: Shop, order: Order) -> None:
    """The supplier's picture of the QR code, where it gave no text that one could be drawn of."""
    assert order.purchase_ref is not None
    try:
        picture = require(shop.supply.provider, SellsEsims).qr_code(order.purchase_ref)
    except ProviderHasNot as error:
        shop.put_off(order, StepName.ISSUE, Why.UNAVAILABLE, f"there is no QR code yet: {error.message}")
        return

    def ready(unit: Unit, fresh: Order) -> Order:
        now = shop.now()
        unit.orders.seal_esim(fresh.id, qr=picture)
        note_step(unit, fresh.id, StepName.ISSUE, StepState.DONE, now)
        cleared = replace(fresh, tries=0, reason_code=None, reason=None)
        return replace(cleared, state=OrderState.READY, issued_at=now, due_at=now)

    shop.change(order, ready, "order.issued")


def _said_to_be_bought(shop: Shop, unit: Unit, order: Order) -> Order:
    """A person's word that it was done: it says no more."""
    note_step(unit, order.id, StepName.BUY, StepState.DONE, shop.now())
    return replace(order, state=OrderState.ORDERED, purchase=PurchaseState.UNKNOWN, bought_at=shop.now())


def _undecided(_unit: Unit, order: Order) -> Order:
    """Its money stays spoken for."""
    return replace(order, state=OrderState.PAID, purchase_ref=None)


def _refused(shop: Shop, unit: Unit, order: Order, error: ProviderRefused) -> Order:
    now = shop.now()
    note_step(unit, order.id, StepName.BUY, StepState.FAILED, now, error=error.message)
    if error.vendor_code == TRANSACTION_ID_TAKEN and order.attempt < ATTEMPTS:
        again = replace(order, state=OrderState.PAID, attempt=order.attempt + 1, purchase_ref=None, reserved=None)
        return replace(again, due_at=now, reason_code=Why.PURCHASE_REFUSED, reason=error.message)
    return given_up(order, Why.PURCHASE_REFUSED, error.message, now)
