"""One order taken as far as it goes now: step after step, each decided anew from what the books say just then."""

from __future__ import annotations

from collections.abc import Callable

from cardctl.domain.fulfilment import Do, Why, next_step
from cardctl.domain.operations import Operation
from cardctl.domain.orders import GIVEN_UP, Order, OrderState, StepName
from cardctl.errors import (
    BadConfig,
    BooksUnusable,
    CardctlError,
    LiveNotSaid,
    OutcomeUnknown,
    ProviderRefused,
    SecretProblem,
    Unsupported,
)
from cardctl.services.flows.fulfilling import buying, delivering, pricing, providing, repaying, tidying
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.journal import works_on
from cardctl.services.operations import guard_live
from cardctl.services.resuming import resume

_MOST_STEPS = 200
"""Of one order in one go: more than any needs, so that nothing can go round in a circle."""
FATAL = (BooksUnusable, SecretProblem, LiveNotSaid, BadConfig, Unsupported)
"""What no other order would fare better with."""
_DOERS: dict[Do, tuple[StepName, Callable[[Shop, Order], None]]] = {
    Do.READ_SALE: (StepName.PAY, pricing.read_sale),
    Do.PRICE: (StepName.PRICE, pricing.price),
    Do.PROVIDE: (StepName.FUND, providing.provide),
    Do.BUY: (StepName.BUY, buying.buy_esim),
    Do.LOOK: (StepName.ISSUE, buying.look),
    Do.FETCH_QR: (StepName.ISSUE, buying.fetch_qr),
    Do.MAIL: (StepName.MAIL, delivering.mail),
    Do.TELL: (StepName.TELL, delivering.tell),
    Do.REFUND: (StepName.REFUND, repaying.refund),
}


def advance(shop: Shop, order_id: str, *, patience: float = 0.0, wait: bool = False) -> Order:
    """Take an order as far as it goes; where it is to be looked at again soon, wait for that up to `patience` seconds. Another
    process that works on it is waited for where `wait` (TargetBusy after 30 s), else left alone.

    What fails for now is put off and told by the order; raised is what no other order would fare better with.
    """
    guard_live(shop.supply)
    guard_live(shop.sales)
    with shop.working_on(order_id, wait=wait) as claimed:
        if claimed is None:
            return shop.order(order_id)
        after = _advance(shop, claimed, patience)
    if claimed.state is OrderState.FUNDING and after.state in GIVEN_UP:
        tidying.let_go(shop, after)
    return after


def _advance(shop: Shop, order: Order, patience: float) -> Order:
    waited, doubtful = 0.0, True
    for _ in range(_MOST_STEPS):
        with shop.books.read() as unit:
            order = unit.orders.named(order.id)
            steps = unit.orders.steps(order.id) if order.state is OrderState.REFUNDED else []  # no other state asks for them
            opened = unit.operations.open_for(order.id) if doubtful else []
        do = next_step(order, {step.name: step for step in steps}, shop.now())
        left = (order.due_at - shop.now()).total_seconds()
        if do is Do.NOTHING or waited + left > patience:
            break
        if left > 0:
            shop.stay(order.id, left)
            shop.supply.sleep(left)
            waited += left
        doubtful = not _settled(shop, order, opened, _DOERS[do][0])
        if doubtful:
            continue
        doubtful = _tried(shop, order, do)
    return shop.order(order.id)


def _settled(shop: Shop, order: Order, opened: list[Operation], name: StepName) -> bool:
    """Whether nothing about the order is in doubt any more; else it is put off. An operation goes to the desk that sent it."""
    for operation in opened:
        if works_on(shop.supply, operation):
            shop.put_off(order, name, Why.IN_DOUBT, f"{operation.id} is at work", seconds=1)
            return False
        desk = shop.sales if operation.programme == shop.sales.programme else shop.supply
        try:
            with providing.with_card(shop, desk, operation) as able:
                left = resume(able, [operation.id]).left
        except FATAL:
            raise
        except CardctlError as error:
            shop.put_off(order, name, Why.UNAVAILABLE, error.message)
            return False
        if left:
            why = f"{operation.kind} {operation.id} is in doubt: {left[0].error or 'its outcome is unknown'}"
            shop.put_off(order, name, Why.IN_DOUBT, why)
            return False
    return True


def _tried(shop: Shop, order: Order, do: Do) -> bool:
    """Try one step; whether it left something in doubt."""
    name, doer = _DOERS[do]
    try:
        doer(shop, order)
    except FATAL:
        raise
    except OutcomeUnknown as error:
        shop.put_off(order, name, Why.IN_DOUBT, error.message)
        return True
    except ProviderRefused as error:
        shop.put_off(order, name, Why.UNAVAILABLE, error.message, seconds=300)
    except CardctlError as error:
        shop.put_off(order, name, Why.UNAVAILABLE, error.message)
    return False
