"""Orders that come to nothing: their customers get all of it back, once, and are told once; and what is no reason for that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from cardctl.domain.esims import PurchaseState
from cardctl.domain.fulfilment import FOREVER, Why
from cardctl.domain.letters import Letter, LetterKind
from cardctl.domain.money import Money
from cardctl.domain.orders import OrderState, StepName, StepState
from cardctl.errors import ExitCode, MailRefused, MailUnavailable, SecretRefused
from cardctl.services.flows.fulfilling.beginning import try_again
from cardctl.services.flows.fulfilling.running import failed, run
from tests.services.orders import BUYER, COST, PRICE, PURCHASES, REFUNDS, Ground, facts, usd
from tests.services.world import at, refuse, strike


def _gone(ground: Ground) -> str:
    return ground.sell(offer="ESIM-NOWHERE")


def _disabled(ground: Ground) -> str:
    return ground.sell(offer="ESIM-DISABLED")


def _disabled_since(ground: Ground) -> str:
    payment = ground.sell()
    ground.control.edit("ESIM-TR-7D-1GB", {"enabled": "false"})
    return payment


def _dearer(ground: Ground) -> str:
    payment = ground.sell()
    ground.control.edit("ESIM-TR-7D-1GB", {"cost.fixed": "491"})
    return payment


def _dearer_with_its_fee(ground: Ground) -> str:
    payment = ground.sell()
    ground.control.edit("ESIM-TR-7D-1GB", {"cost.fixed": "400", "cost.fee": "91"})
    return payment


def _refused(ground: Ground) -> str:
    """Taken out of the shop between its price and its purchase."""
    payment = ground.sell()
    at(ground.world, PURCHASES, lambda: ground.control.edit("ESIM-TR-7D-1GB", {"enabled": "false"}) and None)
    return payment


def _failed(ground: Ground) -> str:
    return ground.sell(offer="ESIM-FAIL")


CAUSES: list[tuple[Callable[[Ground], str], Why, StepName]] = [
    (_gone, Why.OFFER_GONE, StepName.PRICE),
    (_disabled, Why.OFFER_GONE, StepName.PRICE),
    (_disabled_since, Why.OFFER_GONE, StepName.PRICE),
    (_dearer, Why.COST_ABOVE_PRICE, StepName.PRICE),
    (_dearer_with_its_fee, Why.COST_ABOVE_PRICE, StepName.PRICE),
    (_refused, Why.PURCHASE_REFUSED, StepName.BUY),
    (_failed, Why.PURCHASE_FAILED, StepName.BUY),
]


@pytest.mark.parametrize(("cause", "why", "step"), CAUSES, ids=[cause[0].__name__[1:] for cause in CAUSES])
def test_given_back_and_told_once(ground: Ground, cause: Callable[[Ground], str], why: Why, step: StepName) -> None:
    payment = cause(ground)
    assert (ground.paid, ground.spent) == (PRICE, 0)
    order = ground.bring(payment)
    ground.refunded(order)
    assert (order.reason_code, order.due_at) == (why, FOREVER)
    steps = ground.steps(order)
    assert {name: at.state for name, at in steps.items() if name in (step, StepName.REFUND, StepName.TELL)} == {
        step: StepState.FAILED,
        StepName.REFUND: StepState.DONE,
        StepName.TELL: StepState.DONE,
    }
    (letter,) = ground.mails
    assert (letter.amount, letter.activation, letter.qr_png) == (usd("4.90"), None, None)
    ground.tell()
    ground.bring(payment)
    assert ground.run().orders == []
    ground.refunded(ground.order())
    assert ground.asked(f"POST {REFUNDS}") == 1


def test_nobody_to_send_it_to(each_ground: Ground) -> None:
    ground = each_ground
    payment = str(ground.control.sell(Money(PRICE, "USD"), {"offerId": "ESIM-TR-7D-1GB", "recipientEmail": "nobody"}, None))
    order = ground.bring(payment)
    ground.refunded(order, mailed=False)
    assert (order.reason_code, order.recipient, ground.purchases()) == (Why.NO_RECIPIENT, None, [])


def test_one_that_loses_may_be_sold_all_the_same(ground: Ground) -> None:
    payment = _dearer(ground)
    ground.shop = ground.a_shop(sell_below_cost=True)
    assert (ground.bring(payment).state, ground.paid, ground.spent) == (OrderState.DELIVERED, PRICE, 491)


# --- no reason to give anything back


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("path", ["/v1/esim/offers", PURCHASES])
def test_a_key_that_is_refused_refunds_nobody(ground: Ground, status: int, path: str) -> None:
    payment = ground.sell()
    ground.turned_away(path, status)
    with pytest.raises(SecretRefused):
        ground.bring(payment)
    assert (ground.paid, ground.spent, ground.mails, ground.asked(f"POST {REFUNDS}")) == (PRICE, 0, [], 0)
    with pytest.raises(SecretRefused):
        ground.run()
    ground.let_in()
    ground.later(minutes=1)
    ground.run()
    ground.delivered(ground.order())


def test_a_key_that_is_refused_is_not_shown_for_every_order(ground: Ground) -> None:
    for number in range(20):
        ground.sell(f"N-{number}")
    ground.tell()
    ground.turned_away("/v1/esim/offers", 401)
    with pytest.raises(SecretRefused):
        ground.run(workers=2)
    assert ground.asked("GET /v1/esim/offers") <= 4
    assert ground.paid == 20 * PRICE


def test_a_supplier_that_is_down_refunds_nobody(ground: Ground) -> None:
    payment = ground.sell()
    ground.down("test-api.zendit.io")
    ground.waits(ground.bring(payment), OrderState.PAID, Why.UNAVAILABLE)
    for _ in range(4):
        ground.later(hours=30)
        ground.run()
        ground.waits(ground.order(), OrderState.PAID, Why.UNAVAILABLE)
    ground.up()
    ground.later(hours=1)
    ground.run()
    ground.delivered(ground.order())


def test_a_supplier_that_is_down_when_it_comes_to_buying(ground: Ground) -> None:
    payment = ground.sell()
    ground.down("test-api.zendit.io", "POST")
    order = ground.bring(payment)
    ground.waits(order, order.state, Why.UNAVAILABLE)
    for _ in range(3):
        ground.later(hours=1)
        ground.run()
    ground.waits(ground.order(), order.state, Why.UNAVAILABLE)
    ground.up()
    ground.later(hours=1)
    ground.run()
    ground.delivered(ground.order())


@pytest.mark.parametrize("what", ["refund", "dispute"])
def test_what_happens_to_a_payment_while_the_supplier_is_down(ground: Ground, what: str) -> None:
    """It was decided to buy, and nothing surely was: so nothing is."""
    payment = ground.sell()
    ground.down("test-api.zendit.io", "POST")
    ground.bring(payment)
    ground.control.refund(payment) if what == "refund" else ground.control.dispute(payment)
    ground.later(hours=1)
    ground.up()
    ground.run()
    order = ground.order()
    if what == "refund":
        assert (order.state, order.reason_code) == (OrderState.REFUNDED, Why.REFUNDED_ELSEWHERE)
    else:
        assert (order.state, order.reason_code) == (OrderState.STUCK, Why.DISPUTED)
    assert (ground.spent, ground.purchases(), ground.mails, ground.asked(f"POST {REFUNDS}")) == (0, [], [], 0)


def test_where_payments_are_down(ground: Ground) -> None:
    ground.sell()
    ground.tell()
    ground.later(minutes=10)
    ground.down("api.stripe.com")
    ground.run()
    ground.waits(ground.order(), OrderState.PAID, Why.UNAVAILABLE)
    ground.up()
    ground.later(minutes=1)
    ground.run()
    ground.delivered(ground.order())


# --- after it was bought


@pytest.mark.parametrize(("offer", "hours", "ends"), [("ESIM-SLOW", 1, "delivered"), ("ESIM-OUTAGE", 24, "refunded")])
def test_an_hour_or_a_day_is_no_failure(ground: Ground, offer: str, hours: int, ends: str) -> None:
    order = ground.bring(ground.sell(offer=offer), patience=30)
    assert (order.state, order.purchase, ground.spent) == (OrderState.ORDERED, PurchaseState.IN_PROGRESS, COST)
    waited = timedelta(0)
    while waited < timedelta(hours=hours) - timedelta(minutes=20):
        ground.later(minutes=16)
        waited += timedelta(minutes=16)
        ran = ground.run()
        assert ran.exit_code is ExitCode.DONE
        assert (ground.order().state, ground.paid, ground.spent, ground.mails) == (OrderState.ORDERED, PRICE, COST, [])
    ground.later(minutes=21)
    ground.run()
    order = ground.order()
    if ends == "delivered":
        ground.delivered(order)
    else:
        ground.refunded(order)
        assert order.reason_code == Why.PURCHASE_FAILED
    assert ground.asked(f"POST {PURCHASES}") == 1


# --- a refund that does not go


def test_a_refund_that_is_refused_needs_a_person(ground: Ground) -> None:
    payment = _gone(ground)
    dispute: list[str] = []
    at(ground.world, REFUNDS, lambda: dispute.append(ground.control.dispute(payment)))
    order = ground.bring(payment)
    assert (order.state, order.reason_code) == (OrderState.STUCK, Why.REFUND_REFUSED)
    assert (ground.mails, ground.refunds(order), order.due_at) == ([], [], FOREVER)
    assert ground.steps(order)[StepName.REFUND].state is StepState.FAILED
    assert ground.run().orders == []
    assert failed(ground.shop) == [order]
    ran = run(ground.shop, failed(ground.shop))
    assert (ran.exit_code, ground.order().state) == (ExitCode.FINDINGS, OrderState.STUCK)
    ground.control.decide_dispute(dispute[0], "won")
    assert ground.paid == PRICE
    run(ground.shop, failed(ground.shop))
    ground.refunded(ground.order())
    assert failed(ground.shop) == []


def test_a_refund_that_somebody_else_made_first(ground: Ground) -> None:
    payment = _gone(ground)
    at(ground.world, REFUNDS, lambda: ground.control.refund(payment))
    order = ground.bring(payment)
    assert (order.state, order.reason_code, order.refunded) == (OrderState.REFUNDED, Why.OFFER_GONE, usd("4.90"))
    assert (ground.paid, ground.letters(LetterKind.REFUND)) == (0, [(BUYER, order.id)])


def test_a_refund_of_which_somebody_else_made_a_part(ground: Ground) -> None:
    payment = _gone(ground)
    at(ground.world, REFUNDS, lambda: ground.control.refund(payment, usd("2")))
    order = ground.bring(payment)
    assert (order.state, order.refunded, ground.paid) == (OrderState.REFUNDED, usd("4.90"), 0)
    assert [refund.amount for refund in ground.refunds(order)] == [usd("2.90")]
    assert ground.letters(LetterKind.REFUND) == [(BUYER, order.id)]


@pytest.mark.parametrize("fault", ["lost-reply", "torn-body", "500-after-commit", "empty-body", "500", "500-saved", "429"])
def test_a_refund_whose_answer_is_lost_is_made_once(ground: Ground, fault: str) -> None:
    payment = _gone(ground)
    strike(ground.world, REFUNDS, fault)
    ground.bring(payment)
    ground.control.clear_faults()
    order = ground.until(OrderState.REFUNDED)
    ground.refunded(order)
    assert order.reason_code == Why.OFFER_GONE, "why it was given back, whatever became of the refund on its way"
    assert ground.steps(order)[StepName.REFUND].state is StepState.DONE


def test_a_refund_in_doubt_is_told_as_one(ground: Ground) -> None:
    payment = _gone(ground)
    strike(ground.world, REFUNDS, "lost-reply", 1000)
    order = ground.bring(payment)
    assert (order.state, order.reason_code) == (OrderState.REFUNDING, Why.OFFER_GONE)
    assert ground.steps(order)[StepName.REFUND].state is StepState.WAITING
    ground.later(minutes=1)
    ground.world.wire.before = refuse
    ran = ground.run()
    assert ran.exit_code is ExitCode.IN_DOUBT
    ground.up()
    ground.control.clear_faults()
    ground.later(minutes=20)
    ran = ground.run()
    ground.refunded(ground.order())
    assert ran.exit_code is ExitCode.DONE


def test_a_refund_that_is_pending_is_counted(ground: Ground) -> None:
    ground.control.fault("delayed-refund")
    order = ground.bring(ground.sell(offer="ESIM-NOWHERE"))
    assert (order.state, order.refunded) == (OrderState.REFUNDED, usd("4.90"))
    (refund,) = ground.refunds(order)
    assert refund.state == "pending"
    ground.control.edit(refund.ref, {"status": "succeeded"}, tell=True)
    ground.tell()
    ground.refunded(ground.order())
    assert ground.refunds(order)[0].state == "completed"


# --- telling it


def test_a_letter_about_a_refund_waits_for_the_server(ground: Ground) -> None:
    def down(_letter: Letter) -> None:
        raise MailUnavailable("the mail server is down")

    ground.post = down
    order = ground.bring(_gone(ground))
    assert (order.state, order.reason_code, ground.paid) == (OrderState.REFUNDED, Why.OFFER_GONE, 0)
    ground.later(minutes=1)
    assert ground.run().exit_code is ExitCode.PARTLY
    ground.post = ground.mails.append
    ground.later(hours=1)
    assert ground.run().exit_code is ExitCode.DONE
    ground.refunded(ground.order())
    assert ground.run().orders == []


def test_a_letter_about_a_refund_that_nobody_takes(ground: Ground) -> None:
    def no(_letter: Letter) -> None:
        raise MailRefused("550 no such user")

    ground.post = no
    order = ground.bring(_gone(ground))
    assert (order.state, order.due_at, ground.paid) == (OrderState.REFUNDED, FOREVER, 0)
    assert ground.steps(order)[StepName.TELL].state is StepState.FAILED
    ground.post = ground.mails.append
    ground.bring(str(order.payment_ref))
    assert (ground.run().orders, ground.mails, facts(ground.order())) == ([], [], facts(order))


def test_a_payment_that_is_there_no_more_is_stuck(ground: Ground) -> None:
    payment = ground.sell()
    ground.tell("payment_intent.succeeded")
    ground.control.edit(payment, {"deleted": "true"})
    ground.later(minutes=10)
    ground.run()
    ground.waits(ground.order(), OrderState.STUCK, Why.CANCELED)
    ground.control.edit(payment, {"deleted": "false"})
    try_again(ground.shop, ground.order())
    ground.run()
    assert ground.order().state is OrderState.DELIVERED
