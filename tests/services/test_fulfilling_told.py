"""No order is neither delivered nor refunded for ever without somebody being told: whatever a person says of what is in doubt,
and whatever its supplier never says."""

from __future__ import annotations

from cardctl.domain.breaks import BreakType
from cardctl.domain.fulfilment import TOO_LONG, Topup, Why
from cardctl.domain.operations import Operation, OperationState
from cardctl.domain.orders import OrderState
from cardctl.services.flows.fulfilling.running import failed, needs_a_person
from cardctl.services.settling import resolve
from tests.services.answers import answered, lost, pumped
from tests.services.orders import COST, PRICE, PURCHASES, REFUNDS, TOPUPS, Ground
from tests.services.test_reconciling_orders import found

DONE, REFUSED = OperationState.DONE, OperationState.REFUSED


def doubtful(ground: Ground, kind: str) -> Operation:
    """An operation of that kind whose request was lost, and which nobody can look for; the far side is there again."""
    path = {"esim.buy": PURCHASES, "sale.refund": REFUNDS, "esim.topup": TOPUPS}[kind]
    if kind == "esim.topup":
        ground.trade(Topup.CARD)
        ground.fill(0)
    lost(ground, path)
    ground.begin(ground.sell(offer="ESIM-FAIL" if kind == "sale.refund" else "ESIM-TR-7D-1GB"))
    if kind == "sale.refund":
        ground.let_in()
        lost(ground, REFUNDS)
    pumped(ground, 2)
    ground.let_in()
    (operation,) = [one for one in ground.operations(kind) if one.state is OperationState.IN_DOUBT]
    return operation


def said(ground: Ground, operation: Operation, state: OperationState) -> None:
    desk = ground.shop.sales if operation.kind == "sale.refund" else ground.shop.supply
    resolve(desk, operation.id, state=state, reason="I looked")


def test_a_purchase_that_a_person_holds_for_refused_is_given_up(ground: Ground) -> None:
    """Whatever made it doubtful: it is neither bought nor asked for again."""
    said(ground, doubtful(ground, "esim.buy"), REFUSED)
    pumped(ground, 2)
    ground.refunded(ground.order())
    assert (ground.order().reason_code, ground.purchases()) == (Why.PURCHASE_REFUSED, [])


def test_a_refund_that_a_person_holds_for_refused_is_asked_for_again(ground: Ground) -> None:
    said(ground, doubtful(ground, "sale.refund"), REFUSED)
    pumped(ground, 2)
    ground.refunded(ground.order())


def test_a_refund_that_a_person_holds_for_done(ground: Ground) -> None:
    """The provider knows of none, so that its customer has nothing: a person is needed again, and can have it made then."""
    said(ground, doubtful(ground, "sale.refund"), DONE)
    before = len(ground.world.wire.asked)
    pumped(ground, 3)
    order = ground.order()
    assert (order.state, order.reason_code, ground.paid) == (OrderState.STUCK, Why.REFUND_FAILED, PRICE)
    assert len(ground.world.wire.asked) - before < 5, "it does not go round in a circle"
    assert ground.asked(f"POST {REFUNDS}") <= 8
    assert {one.type for one in found(ground)} == {BreakType.ORDER_STUCK}
    ground.go_on(order)
    ground.refunded(ground.order())


def test_a_refund_that_a_person_holds_for_done_and_was(ground: Ground) -> None:
    operation = doubtful(ground, "sale.refund")
    ground.control.refund(str(ground.order().payment_ref))
    said(ground, operation, DONE)
    pumped(ground, 2)
    order = ground.order()
    assert (order.state, ground.paid, order.refunded) == (OrderState.REFUNDED, 0, order.price)


def test_a_topup_that_a_person_holds_for_done_is_waited_for(ground: Ground) -> None:
    said(ground, doubtful(ground, "esim.topup"), DONE)
    before = len(ground.world.wire.asked)
    pumped(ground, 3)
    assert len(ground.world.wire.asked) - before < 20, "it does not go round in a circle"
    ground.waits(ground.order(), OrderState.FUNDING, Why.WALLET_SHORT)
    ground.control.recharge_wallet(ground.order().cost)
    pumped(ground, 1)
    assert (ground.order().state, ground.wallet) == (OrderState.DELIVERED, 0)


def test_a_topup_that_a_person_holds_for_done_and_was_not(ground: Ground) -> None:
    said(ground, doubtful(ground, "esim.topup"), DONE)
    pumped(ground, 14, minutes=120)
    ground.refunded(ground.order())


def test_a_topup_that_a_person_holds_for_refused_is_made_with_another_card(ground: Ground) -> None:
    said(ground, doubtful(ground, "esim.topup"), REFUSED)
    pumped(ground, 2)
    assert (ground.order().state, ground.wallet) == (OrderState.DELIVERED, 0)


# --- what its supplier never says


def test_an_esim_without_a_code_and_a_picture_is_told(ground: Ground) -> None:
    answered(ground, "GET", f"{PURCHASES}/A-1/qrcode", 404, {"errorCode": "NOT_FOUND", "message": "none"})
    ground.begin(ground.sell(offer="ESIM-NOCODE"))
    pumped(ground, 12, minutes=120)
    ground.run()
    assert [one.type for one in found(ground)] == []
    pumped(ground, 2, minutes=120)
    ground.run()
    order = ground.order()
    assert (order.state, ground.paid, ground.spent) == (OrderState.ORDERED, PRICE, COST)
    (one,) = found(ground)
    assert (one.type, "26 hours" in str(one.evidence) or "26 hours" in str(one.cause)) == (BreakType.ORDER_STUCK, True)
    assert _alerted(ground) == [order.id]


def test_what_its_supplier_works_on_or_the_wallet_lacks_is_not_told_twice(ground: Ground) -> None:
    ground.fill(0)
    ground.bring(ground.sell("A-1"))
    ground.later(hours=23)
    ground.run()
    assert (ground.order().state, _alerted(ground)) == (OrderState.FUNDING, [])
    ground.fill(1_000)
    ground.later(minutes=10)
    ground.control.set_esim_pace(10**6)
    ground.run()
    ground.later(hours=5)
    ground.run()
    assert (ground.order().state, _alerted(ground)) == (OrderState.ORDERED, [])
    assert BreakType.ORDER_STUCK not in {one.type for one in found(ground)}


def test_a_second_payment_of_long_ago_is_told(ground: Ground) -> None:
    ground.bring(ground.sell("A-1"))
    ground.tell()
    payment = ground.sell("A-1")
    ground.later(hours=80)
    ground.tell()
    ran = ground.run()
    (twin,) = [order for order in ground.orders() if order.transaction_id != "A-1"]
    assert (twin.state, twin.reason_code, needs_a_person(twin), ran.errors) == (OrderState.STUCK, Why.PAID_TWICE, True, {})
    assert [one.type for one in found(ground)] == [BreakType.ORDER_STUCK]
    assert _alerted(ground) == [twin.id]
    assert [order.id for order in failed(ground.shop)] == [twin.id]
    ground.bring(payment)
    (twin,) = [order for order in ground.orders() if order.transaction_id != "A-1"]
    assert (twin.state, ground.paid, ground.spent) == (OrderState.REFUNDED, PRICE, COST)


def _alerted(ground: Ground) -> list[str]:
    with ground.world.books.read() as unit:
        stuck = unit.order_measures.stuck([ground.world.desk.programme], ground.now() - TOO_LONG)
    return [id_ for each in stuck for id_ in each.ids]


def test_a_purchase_that_a_person_holds_for_done_and_was_not_is_told(ground: Ground) -> None:
    ground.bring(ground.sell("B-2"))
    said(ground, doubtful(ground, "esim.buy"), DONE)
    pumped(ground, 14, minutes=120)
    order = ground.order("A-1")
    assert (order.state, ground.paid, ground.spent) == (OrderState.ORDERED, 2 * PRICE, COST)
    assert {one.type for one in found(ground)} >= {BreakType.PURCHASE_MISSING_THERE, BreakType.ORDER_STUCK}
    assert _alerted(ground) == [order.id]
