"""Words of payments and purchases taken into the books: whatever their order and number, the same; on both databases."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cardctl.db.unit import Unit
from cardctl.domain.esims import ENDED, PurchaseState, RemotePurchase
from cardctl.domain.orders import Order, OrderState, StepName
from cardctl.domain.payments import RefundState
from cardctl.domain.sales import CheckoutState, OrderData, RemoteCheckout, RemoteSale, RemoteSaleRefund, SaleState
from cardctl.services.desk import Desk
from cardctl.services.order_entries import note_step, put_order
from cardctl.services.ordering import take_checkout, take_sale, take_sale_refund
from cardctl.services.supplying import take_purchase
from tests.services.orders import BUYER, Ground, usd

_DATA = OrderData("ESIM-TR-7D-1GB", BUYER, "Ada L.", "A-1")
Word = Callable[[Desk, Unit], Any]


def sale(ground: Ground, **more: Any) -> RemoteSale:
    told: dict[str, Any] = {"ref": "pi_1", "state": SaleState.PAID, "amount": usd("4.90"), "raw": {}, "data": _DATA}
    return RemoteSale(**{**told, "created_at": ground.now(), **more})


def checkout(ground: Ground, **more: Any) -> RemoteCheckout:
    told: dict[str, Any] = {"ref": "cs_1", "state": CheckoutState.COMPLETE, "paid": True, "amount": usd("4.90"), "raw": {}}
    return RemoteCheckout(**{**told, "created_at": ground.now(), "data": _DATA, "sale_ref": "pi_1", **more})


def refund(ground: Ground, state: RefundState, **more: Any) -> RemoteSaleRefund:
    told: dict[str, Any] = {"ref": "re_1", "sale_ref": "pi_1", "state": state, "amount": usd("4.90"), "raw": {}}
    return RemoteSaleRefund(**{**told, "created_at": ground.now(), **more})


def tell(ground: Ground, *words: Word) -> Order:
    """Each word in a unit of its own."""
    for word in words:
        with ground.world.books.write() as unit:
            word(ground.world.desk, unit)
    assert ground.world.audit() is not None
    return ground.order()


def essence(order: Order) -> tuple[Any, ...]:
    """What must not depend on the order of the words."""
    money = order.price, order.refunded, order.payment_ref, order.checkout_ref
    return order.state, order.offer_id, order.recipient, order.full_name, order.reason_code, order.purchase, order.iccid, *money


def test_a_payment_and_its_checkout_in_every_order(each_ground: Ground) -> None:
    ground = each_ground
    at = ground.now()
    words: list[Word] = [
        lambda desk, unit: take_sale(desk, unit, sale(ground), at=at, unasked=True),
        lambda desk, unit: take_checkout(desk, unit, checkout(ground), at=at, unasked=True),
        lambda desk, unit: take_sale(desk, unit, sale(ground, refunded=usd("0"), disputed=False)),
    ]
    found = set()
    for one_after_the_other in itertools.permutations(words):
        found.add(essence(tell(ground, *one_after_the_other, *one_after_the_other)))
        _forget(ground)
    ((state, *_, payment_ref, checkout_ref),) = found
    assert (state, payment_ref, checkout_ref) == (OrderState.PAID, "pi_1", "cs_1")


def test_given_back_elsewhere_in_every_order(ground: Ground) -> None:
    at = ground.now()
    words: list[Word] = [
        lambda desk, unit: take_sale(desk, unit, sale(ground), at=at, unasked=True),
        lambda desk, unit: take_checkout(desk, unit, checkout(ground), at=at, unasked=True),
        lambda desk, unit: take_sale(desk, unit, sale(ground, refunded=usd("4.90"), disputed=False)),
    ]
    found = set()
    for one_after_the_other in itertools.permutations(words):
        found.add(essence(tell(ground, *one_after_the_other, *one_after_the_other)))
        _forget(ground)
    ((state, *_, refunded, _payment, _checkout),) = found
    assert (state, refunded) == (OrderState.REFUNDED, usd("4.90"))


@pytest.mark.parametrize("end", [PurchaseState.DONE, PurchaseState.FAILED])
def test_a_purchase_in_every_order(ground: Ground, end: PurchaseState) -> None:
    states = [PurchaseState.PENDING, PurchaseState.AUTHORIZED, PurchaseState.UNKNOWN, end]
    more: dict[str, Any] = {"iccid": "8999000000000000001", "activation": "LPA:1$a$b"} if end is PurchaseState.DONE else {}

    def word(state: PurchaseState) -> Word:
        told = RemotePurchase("A-1", state, {}, cost=usd("1.50"), **(more if state in ENDED else {}))
        return lambda desk, unit: take_purchase(desk, unit, unit.orders.named(ground.order().id), told)

    found = set()
    for one_after_the_other in itertools.permutations(states):
        _bought(ground)
        found.add(essence(tell(ground, *map(word, one_after_the_other), *map(word, one_after_the_other))))
        assert ground.order().reserved is None
        _forget(ground)
    ((state, *_),) = found
    assert state is (OrderState.READY if end is PurchaseState.DONE else OrderState.REFUNDING)


def test_words_about_another_purchase_change_nothing(ground: Ground) -> None:
    _bought(ground)
    before = ground.order()
    told = RemotePurchase("A-2", PurchaseState.FAILED, {})
    assert tell(ground, lambda desk, unit: take_purchase(desk, unit, before, told)) == before


@pytest.mark.parametrize("first", [RefundState.PENDING, RefundState.COMPLETED, RefundState.FAILED])
def test_a_refund_that_somebody_made_elsewhere(ground: Ground, first: RefundState) -> None:
    """By its own name it counts once, however often it is told, and what came to nothing does not."""
    tell(ground, lambda desk, unit: take_sale(desk, unit, sale(ground)))
    word: Word = lambda desk, unit: take_sale_refund(desk, unit, ground.order(), refund(ground, first))  # noqa: E731
    order = tell(ground, word, word, word)
    given = first is not RefundState.FAILED
    assert (order.state, order.refunded) == ((OrderState.REFUNDED, usd("4.90")) if given else (OrderState.PAID, order.refunded))
    assert (order.refunded or usd("0")) == usd("4.90" if given else "0")
    assert len(ground.refunds(order)) == 1


def test_one_unpaid_checkout_tells_nothing(ground: Ground) -> None:
    with ground.world.books.write() as unit:
        assert take_checkout(ground.world.desk, unit, checkout(ground, paid=False, sale_ref=None)) is None
        assert take_sale(ground.world.desk, unit, sale(ground, state=SaleState.OPEN)) is None
        assert take_sale(ground.world.desk, unit, sale(ground, data=None)) is None
    assert ground.orders() == []


@pytest.mark.parametrize("state", [OrderState.BUYING, OrderState.ORDERED, OrderState.READY, OrderState.DELIVERED])
def test_what_was_bought_is_not_taken_back_by_a_word_of_the_payment(ground: Ground, state: OrderState) -> None:
    tell(ground, lambda desk, unit: take_sale(desk, unit, sale(ground)))
    _put(ground, state=state)
    order = tell(
        ground,
        lambda desk, unit: take_sale(desk, unit, sale(ground, disputed=True)),
        lambda desk, unit: take_sale(desk, unit, sale(ground, refunded=usd("4.90"))),
    )
    assert (order.state, order.refunded) == (state, usd("4.90"))


def test_times_of_a_payment(ground: Ground) -> None:
    """It was seen when the word was spoken, not when it came; an older word makes it no older."""
    long_ago = ground.now() - timedelta(hours=2)
    order = tell(ground, lambda desk, unit: take_sale(desk, unit, sale(ground), at=long_ago, unasked=True))
    assert (order.paid_at, order.seen_at) == (long_ago, long_ago)
    order = tell(ground, lambda desk, unit: take_sale(desk, unit, sale(ground)))
    assert order.seen_at is not None
    assert order.seen_at > long_ago
    later = order.seen_at
    order = tell(ground, lambda desk, unit: take_sale(desk, unit, sale(ground), at=long_ago, unasked=True))
    assert (order.seen_at, order.paid_at) == (later, long_ago)


def test_steps_count_their_tries(ground: Ground) -> None:
    from cardctl.domain.orders import StepState

    order = tell(ground, lambda desk, unit: take_sale(desk, unit, sale(ground)))
    for state in (StepState.RUNNING, StepState.WAITING, StepState.RUNNING, StepState.WAITING, StepState.DONE):
        with ground.world.books.write() as unit:
            note_step(unit, order.id, StepName.MAIL, state, ground.now())
    step = ground.steps(order)[StepName.MAIL]
    assert (step.state, step.tries) == (StepState.DONE, 3)


def test_nothing_is_audited_where_nothing_changed(ground: Ground) -> None:
    word: Word = lambda desk, unit: take_sale(desk, unit, sale(ground))  # noqa: E731
    tell(ground, word)
    before = ground.world.audit()
    tell(ground, word, word)
    assert ground.world.audit() == before
    assert [action for action, _ in before] == ["order.event"]


def _bought(ground: Ground) -> None:
    tell(ground, lambda desk, unit: take_sale(desk, unit, sale(ground)))
    bought: dict[str, Any] = {"state": OrderState.ORDERED, "purchase": PurchaseState.ACCEPTED, "purchase_ref": "A-1"}
    _put(ground, cost=usd("1.50"), reserved=usd("1.50"), supplier="zendit/default", **bought)


def _put(ground: Ground, **changes: Any) -> None:
    with ground.world.books.write() as unit:
        before = ground.order()
        put_order(ground.world.desk, unit, before, replace(before, **changes), action=None)


def _forget(ground: Ground) -> None:
    """The order is another one from now on, so that the next begins anew."""
    with ground.world.books.write() as unit:
        connection = unit.orders._connection
        for table in ("order_steps", "sale_refunds", "orders"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
