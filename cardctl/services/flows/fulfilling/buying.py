"""The purchase of an order's eSIM: made, looked at until it has ended, and its QR code fetched where it has no text."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from cardctl.db.unit import Unit
from cardctl.domain.esims import ABOUT_THE_ORDER, ENDED, INSUFFICIENT_FUNDS, TRANSACTION_ID_TAKEN, PurchaseState
from cardctl.domain.fulfilment import ATTEMPTS, REFUSABLE, Why, look_again, underpaid
from cardctl.domain.orders import Order, OrderState, StepName, StepState
from cardctl.domain.redaction import redact
from cardctl.errors import ProviderHasNot, ProviderRefused, ProviderUnavailable, SecretProblem, StateForbids, Unsupported
from cardctl.providers.base import require
from cardctl.providers.selling import SellsEsims
from cardctl.services.deeds.buying import buy, may_be_bought, was_asked_for
from cardctl.services.flows.fulfilling.pricing import stuck
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.order_entries import given_up, note_step
from cardctl.services.ordering import stopped
from cardctl.services.settling import RESOLVED
from cardctl.services.supplying import lacking, take_purchase

_REFUSED_PAUSE = timedelta(minutes=5)


def buy_esim(shop: Shop, order: Order) -> None:
    """Buy it, once. A supplier that says no has sold nothing; one that lets nobody in says nothing about the order. Where
    surely nothing was bought, it is decided anew: the customer may have got the money back meanwhile, or some of it."""
    if not _still_holds(shop, order) and not was_asked_for(shop.supply, order):
        _undecide(shop, order)
        return
    try:
        buy(shop.supply, order)
    except ProviderRefused as no:
        if isinstance(no, Unsupported):
            raise
        refusal = no
        shop.change(order, lambda unit, fresh: _refused(shop, unit, fresh, refusal), "order.refused")
        return
    except (ProviderUnavailable, SecretProblem) as error:
        again = _undecide(shop, order)
        if isinstance(error, SecretProblem):
            raise
        shop.put_off(again, StepName.BUY, Why.UNAVAILABLE, error.message)
        return
    except StateForbids:  # it holds no more: what its payment is was told just now
        _undecide(shop, order)
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


def _still_holds(shop: Shop, order: Order) -> bool:
    """Whether what it was decided by is still so, as far as the books know."""
    left = order.refundable
    assert left is not None
    assert order.cost is not None
    return may_be_bought(order, shop.now()) and underpaid(shop.terms, left, order.cost) is None


def _undecide(shop: Shop, order: Order) -> Order:
    """Its money stays spoken for, where it is not over."""
    return shop.change(
        order,
        lambda _, fresh: stopped(replace(fresh, state=OrderState.PAID, purchase_ref=None), shop.now()),
        "order.not_bought",
    )


def _refused(shop: Shop, unit: Unit, order: Order, error: ProviderRefused) -> Order:
    now = shop.now()
    note_step(unit, order.id, StepName.BUY, StepState.FAILED, now, error=error.message)
    if error.vendor_code == TRANSACTION_ID_TAKEN and order.attempt < ATTEMPTS:
        again = replace(order, state=OrderState.PAID, attempt=order.attempt + 1, purchase_ref=None, reserved=None)
        return replace(again, due_at=now, reason_code=Why.PURCHASE_REFUSED, reason=error.message)
    if error.vendor_code == INSUFFICIENT_FUNDS:
        return lacking(order, redact(error.message), now)
    if error.vendor_code in (*ABOUT_THE_ORDER, TRANSACTION_ID_TAKEN, RESOLVED):
        return given_up(order, Why.PURCHASE_REFUSED, error.message, now)
    return _refused_for_now(order, redact(error.message), now)


def _refused_for_now(order: Order, said: str, now: datetime) -> Order:
    """A no that may be about our account, or the supplier's day: asked again, decided anew; not for ever, and nobody is
    refunded for it."""
    if order.paid_at is None or now - order.paid_at >= REFUSABLE:
        return stuck(replace(order, purchase_ref=None), Why.PURCHASE_REFUSED, said)
    later = replace(order, state=OrderState.PAID, purchase_ref=None, reserved=None, due_at=now + _REFUSED_PAUSE)
    return replace(later, tries=order.tries + 1, reason_code=Why.PURCHASE_REFUSED, reason=said)
