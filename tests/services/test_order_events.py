"""What notifications make of orders: late, twice, out of order, forged, of long ago; nothing is sent for them but readings."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cardctl.domain.esims import PurchaseState
from cardctl.domain.events import Source
from cardctl.domain.fulfilment import FOREVER, Why
from cardctl.domain.orders import OrderState
from cardctl.domain.payments import RefundState
from cardctl.services.applying import apply
from cardctl.services.deeds.inbox import keep
from cardctl.simulator.delivering import Posted
from tests.services import mail
from tests.services.orders import COST, PRICE, PURCHASES, Ground, facts, usd
from tests.services.world import World


def forged(posted: Posted, **changes: object) -> Posted:
    """The same body with other words in it, and no word of who sent it."""
    body = json.loads(posted.posting.body)
    told = body["data"]["object"] if "data" in body else body
    told.update(changes)
    headers = {"Content-Type": "application/json"}
    return replace(posted, posting=replace(posted.posting, body=json.dumps(body).encode(), headers=headers))


def ingest(side: World, *posted: Posted, how: Source = Source.INGESTED) -> int:
    """Brought in, applied; how many were kept."""
    arrivals = [mail.judged(side, one, how=how).arrival for one in posted]
    receipts = keep(side.books, [arrival for arrival in arrivals if arrival is not None])
    with side.books.read() as unit:
        events = unit.events.get_many([receipt.id for receipt in receipts])
    apply(side.desk, mail.reception(side).webhooks, events)
    return len(events)


# --- customers' payments


def test_a_payment_is_read_where_nothing_proves_its_event(ground: Ground) -> None:
    ground.sell(price=PRICE)
    (told,) = [one for one in ground.news() if b'"payment_intent.succeeded"' in one.posting.body]
    lie = forged(told, amount_received=1, metadata={"offerId": "ESIM-GLOBAL-30D-5GB"})
    assert ingest(ground.world, lie, how=Source.SERVED) == 0
    assert (ingest(ground.world, lie), ground.asked("GET /v1/payment_intents/")) == (1, 1)
    order = ground.order()
    assert (order.state, order.offer_id, order.price) == (OrderState.PAID, "ESIM-TR-7D-1GB", usd("4.90"))
    ground.tell()
    ground.run()
    ground.delivered(ground.order())


def test_a_payment_that_was_never_made_makes_no_order(ground: Ground) -> None:
    ground.sell()
    (told,) = [one for one in ground.news() if b'"payment_intent.succeeded"' in one.posting.body]
    assert ingest(ground.world, forged(told, id="pi_nobody")) == 1
    assert ground.orders() == []
    assert ground.run().orders == []


@pytest.mark.parametrize("how", ["event", "fulfil", "both"])
def test_two_payments_under_one_name_buy_one_esim(ground: Ground, how: str) -> None:
    first, second = ground.sell(), ground.sell()
    assert ground.paid == 2 * PRICE
    if how != "fulfil":
        ground.tell()
    if how != "event":
        ground.bring(first), ground.bring(second)
    ground.run()
    one, twin = ground.order("A-1"), next(order for order in ground.orders() if order.transaction_id != "A-1")
    assert {one.payment_ref, twin.payment_ref} == {first, second}
    assert (one.state, twin.state, twin.reason_code) == (OrderState.DELIVERED, OrderState.REFUNDED, Why.PAID_TWICE)
    assert (ground.paid, ground.spent) == (PRICE, COST)
    assert [order_id for _, order_id in ground.letters()].count(one.id) == 1
    assert [order_id for _, order_id in ground.letters()].count(twin.id) == 1
    (refund,) = ground.refunds(twin)
    assert (refund.amount, refund.reason) == (usd("4.90"), "duplicate")
    ground.tell()
    ground.run()
    assert (ground.paid, ground.spent, len(ground.mails)) == (PRICE, COST, 2)


def test_a_payment_of_long_ago_waits_for_a_person(ground: Ground) -> None:
    payment = ground.sell()
    ground.later(hours=73)
    ground.tell()
    assert ground.run().orders == []
    order = ground.order()
    ground.waits(order, OrderState.PAID, Why.TOO_OLD)
    assert (order.due_at, ground.paid) == (FOREVER, PRICE)
    ground.delivered(ground.bring(payment))
    assert ground.order().reason_code is None


def test_a_second_payment_of_long_ago_is_not_given_back_unasked(ground: Ground) -> None:
    """A backfill may tell of what another program has long settled."""
    first, second = ground.sell(), ground.sell()
    ground.later(hours=73)
    ground.tell()
    ground.run()
    assert (ground.paid, ground.spent, ground.mails) == (2 * PRICE, 0, [])
    twin = next(order for order in ground.orders() if order.transaction_id != "A-1")
    assert (twin.state, twin.reason_code, twin.due_at) == (OrderState.STUCK, Why.PAID_TWICE, FOREVER)
    assert "fulfil" in str(twin.reason)
    ground.bring(str(twin.payment_ref))
    assert (ground.paid, ground.spent) == (PRICE, 0)
    ground.bring(first if twin.payment_ref == second else second)
    assert (ground.paid, ground.spent) == (PRICE, COST)


def test_given_back_elsewhere_before_it_was_bought(ground: Ground) -> None:
    payment = ground.sell()
    ground.tell("payment_intent.succeeded")
    ground.control.refund(payment)
    assert ground.paid == 0
    ground.tell("charge.refunded")
    order = ground.order()
    assert (order.state, order.reason_code, order.refunded) == (OrderState.REFUNDED, Why.REFUNDED_ELSEWHERE, usd("4.90"))
    assert ground.run().orders == []
    ground.bring(payment)
    assert (ground.paid, ground.spent, ground.mails) == (0, 0, [])


def test_given_back_elsewhere_and_nobody_told(ground: Ground) -> None:
    """What an event said of a payment is too old, after a while, to spend money on it."""
    payment = ground.sell()
    ground.later(minutes=10)
    ground.control.refund(payment)
    ground.tell("payment_intent.succeeded")
    assert ground.order().state is OrderState.PAID
    ground.run()
    order = ground.order()
    assert (order.state, order.reason_code) == (OrderState.REFUNDED, Why.REFUNDED_ELSEWHERE)
    assert (ground.paid, ground.spent, ground.mails) == (0, 0, [])


def test_given_back_in_part_is_still_bought_as_long_as_it_pays(ground: Ground) -> None:
    payment = ground.sell()
    ground.control.refund(payment, usd("1"))
    order = ground.bring(payment)
    assert (order.state, order.refunded, ground.paid, ground.spent) == (OrderState.DELIVERED, usd("1"), PRICE - 100, COST)


def test_given_back_in_part_until_it_does_not_pay(ground: Ground) -> None:
    payment = ground.sell()
    ground.control.refund(payment, usd("4"))
    order = ground.bring(payment)
    assert (order.state, order.reason_code) == (OrderState.REFUNDED, Why.COST_ABOVE_PRICE)
    assert (order.refunded, ground.paid, ground.spent) == (usd("4.90"), 0, 0)
    assert [refund.amount for refund in ground.refunds(order)] == [usd("0.90")]


@pytest.mark.parametrize("told", [True, False])
def test_disputed_before_it_was_bought(ground: Ground, told: bool) -> None:
    payment = ground.sell()
    ground.tell("payment_intent.succeeded")
    ground.control.dispute(payment)
    if told:
        ground.tell("charge.dispute.created")
    else:
        ground.later(minutes=10)
    ground.run()
    ground.waits(ground.order(), OrderState.STUCK, Why.DISPUTED)
    ground.bring(payment)
    ground.waits(ground.order(), OrderState.STUCK, Why.DISPUTED)
    assert ground.asked("POST /v1/refunds") == 0


def test_what_is_disputed_and_then_given_back_is_not_stuck(ground: Ground) -> None:
    payment = ground.sell()
    dispute = ground.control.dispute(payment)
    ground.bring(payment)
    ground.waits(ground.order(), OrderState.STUCK, Why.DISPUTED)
    ground.control.decide_dispute(dispute, "won")
    assert ground.paid == PRICE
    ground.control.refund(payment)
    ground.tell("charge.refunded")
    order = ground.order()
    assert (order.state, order.refunded, ground.paid, ground.mails) == (OrderState.REFUNDED, usd("4.90"), 0, [])
    assert ground.run().orders == []


@pytest.mark.parametrize("what", ["refund", "dispute"])
def test_what_comes_after_the_delivery_changes_nothing(ground: Ground, what: str) -> None:
    payment = ground.sell()
    order = ground.bring(payment)
    ground.control.refund(payment) if what == "refund" else ground.control.dispute(payment)
    ground.tell()
    ground.run()
    after = ground.order()
    assert (after.state, after.delivered_at) == (OrderState.DELIVERED, order.delivered_at)
    assert (after.refunded or usd("0")) == usd("4.90" if what == "refund" else "0")
    assert (ground.paid, ground.spent, len(ground.mails)) == (0, COST, 1)


def test_a_refund_that_fails_later_needs_a_person(ground: Ground) -> None:
    order = ground.bring(ground.sell(offer="ESIM-FAIL"))
    ground.refunded(order)
    (refund,) = ground.refunds(order)
    ground.control.edit(refund.ref, {"status": "failed", "failure_reason": "lost_or_stolen_card"}, tell=True)
    assert ground.paid == PRICE
    ground.tell()
    order = ground.order()
    assert (order.state, order.reason_code, order.refunded) == (OrderState.STUCK, Why.REFUND_FAILED, usd("0"))
    assert "lost_or_stolen_card" in str(order.reason)
    assert [one.state for one in ground.refunds(order)] == [RefundState.FAILED]
    assert ground.run().orders == []
    ground.later(seconds=1)
    ground.go_on(order)
    order = ground.order()
    assert (order.state, ground.paid, order.refunded) == (OrderState.REFUNDED, 0, usd("4.90"))
    assert [one.state for one in ground.refunds(order)] == [RefundState.FAILED, RefundState.COMPLETED]


# --- the supplier's purchases


def test_a_purchase_that_is_told(ground: Ground) -> None:
    """With a pace, so that there is something to tell."""
    ground.control.set_esim_pace(30)
    order = ground.bring(ground.sell())
    assert (order.state, order.purchase) == (OrderState.ORDERED, PurchaseState.ACCEPTED)
    ground.control.advance(timedelta(seconds=70))
    ground.tell(side=ground.supply)
    order = ground.order()
    assert (order.state, order.purchase) == (OrderState.ORDERED, PurchaseState.AUTHORIZED)
    assert (order.reserved, ground.spent) == (None, COST)
    ground.control.advance(timedelta(seconds=300))
    ground.tell(side=ground.supply)
    assert (ground.order().state, ground.mails) == (OrderState.READY, [])
    ground.run()
    ground.delivered(ground.order())


def test_in_flight_words_come_late_and_change_nothing(ground: Ground) -> None:
    ground.control.set_esim_pace(30)
    order = ground.bring(ground.sell())
    ground.control.advance(timedelta(minutes=10))
    told = ground.news(ground.supply)
    assert len(told) >= 4
    ground.later(seconds=1)
    ground.go_on(order)
    ground.delivered(ground.order())
    before = facts(ground.order())
    mail.deliver(ground.supply, [*told[::-1], *told])
    assert facts(ground.order()) == before
    ground.run()
    ground.delivered(ground.order())


@pytest.mark.parametrize("how", list(Source)[:2])
def test_a_forged_body_changes_nothing(ground: Ground, how: Source) -> None:
    """Served, it is not even kept; brought as a file it is, and tells only what is to be read."""
    ground.control.set_esim_pace(3600)
    ground.bring(ground.sell())
    ground.control.advance(timedelta(hours=1, minutes=1))
    (posted, *_) = ground.news(ground.supply)
    told: list[dict[str, object]] = [
        {"status": "FAILED", "error": {"code": "PROVIDER_ERROR", "message": "no"}},
        {"status": "DONE", "confirmation": {"iccid": "8999000000000000000", "smdpAddress": "evil", "activationCode": "EVIL"}},
        {"status": "DONE", "transactionId": "nobody"},
    ]
    kept = ingest(ground.supply, *(forged(posted, **each) for each in told), how=how)
    assert kept == (0 if how is Source.SERVED else 3)
    order = ground.order()
    read = PurchaseState.ACCEPTED if how is Source.SERVED else PurchaseState.PENDING
    assert (order.state, order.iccid, order.purchase) == (OrderState.ORDERED, None, read)
    ground.run()
    assert (ground.paid, ground.mails, ground.refunds(order)) == (PRICE, [], [])


def test_failed_after_done_changes_nothing(ground: Ground) -> None:
    """Not even where the far side itself says so by now."""
    ground.control.set_esim_pace(30)
    order = ground.bring(ground.sell())
    ground.later(minutes=10)
    ground.go_on(order)
    ground.delivered(ground.order())
    ground.control.edit("A-1", {"status": "FAILED"}, tell=True)
    ground.tell(side=ground.supply)
    ground.run()
    order = ground.order()
    assert (order.state, order.purchase) == (OrderState.DELIVERED, PurchaseState.DONE)
    assert (ground.paid, ground.refunds(order), len(ground.mails)) == (PRICE, [], 1)


def test_a_purchase_of_nobodys_is_not_asked_about(ground: Ground) -> None:
    ground.control.set_esim_pace(30)
    with ground.stranger() as client:
        made = client.post(PURCHASES, json={"offerId": "ESIM-TR-7D-1GB", "transactionId": "elsewhere"})
    assert made.status_code == 200
    ground.control.advance(timedelta(minutes=10))
    ground.world.wire.asked.clear()
    ground.tell(side=ground.supply)
    assert (ground.orders(), ground.world.wire.asked) == ([], [])
