"""A paid order becomes one eSIM and one mail, however often and in whatever order it is heard of."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from cardctl.domain.letters import LetterKind
from cardctl.domain.orders import OrderState, StepName, StepState
from tests.services.orders import BUYER, COST, PRICE, PURCHASES, Ground, facts, usd

_CHAIN = [StepName.PAY, StepName.PRICE, StepName.FUND, StepName.BUY, StepName.ISSUE, StepName.MAIL]


def test_delivered(each_ground: Ground) -> None:
    ground = each_ground
    payment = ground.sell()
    assert (ground.paid, ground.spent, ground.orders()) == (PRICE, 0, [])
    order = ground.bring(payment)
    ground.delivered(order)
    steps = ground.steps(order)
    assert (list(steps), {step.state for step in steps.values()}) == (_CHAIN, {StepState.DONE})
    assert (order.cost, order.price, order.refunded) == (usd("1.50"), usd("4.90"), None)
    (letter,) = ground.mails
    assert (letter.kind, letter.title, letter.name) == (LetterKind.DELIVERY, "eSIM TR, 1 GB, 7 days", "Ada L.")
    assert letter.activation is not None
    assert letter.activation.reveal().startswith("LPA:1$")
    assert letter.iccid == order.iccid == ground.purchase("A-1")["confirmation"]["iccid"]
    assert facts(ground.bring(payment)) == facts(order)
    assert ground.run().orders == []
    ground.delivered(order)


def test_no_call_is_made_twice(ground: Ground) -> None:
    """The payment, the offer, the wallet, the purchase, and one look at it."""
    payment = ground.sell()
    ground.world.wire.asked.clear()
    ground.bring(payment)
    assert ground.world.wire.asked == [
        f"GET /v1/payment_intents/{payment}",
        "GET /v1/esim/offers/ESIM-TR-7D-1GB",
        "GET /v1/balance",
        f"POST {PURCHASES}",
        f"GET {PURCHASES}/A-1",
    ]


def test_heard_of_in_every_order_and_twice(ground: Ground) -> None:
    """By its event, by every event, by hand, by the scheduler."""
    ways: list[Callable[[str], object]] = [
        lambda _payment: ground.tell("payment_intent.succeeded"),
        lambda _payment: ground.tell(),
        ground.bring,
        lambda _payment: ground.run(),
    ]
    for count, one_after_the_other in enumerate(list(itertools.permutations(ways))[::3], start=1):
        payment = ground.sell(f"N-{count}")
        for way in (*one_after_the_other, *one_after_the_other):
            way(payment)
        ground.run()
        order = ground.order(f"N-{count}")
        assert (order.state, ground.paid, ground.spent) == (OrderState.DELIVERED, count * PRICE, count * COST)
        assert (len(ground.mails), ground.mails[-1].order_id, len(ground.orders())) == (count, order.id, count)
        ground.control.mark_delivered([id_ for posted in ground.news() for id_ in posted.event_ids])


@pytest.mark.parametrize("first", ["checkout.session.completed", "payment_intent.succeeded"])
def test_a_checkout_that_is_paid(ground: Ground, first: str) -> None:
    checkout = ground.checkout()
    assert (ground.order().state, ground.paid, ground.run().orders) == (OrderState.UNPAID, 0, [])
    assert ground.order().checkout_ref == checkout
    payment = ground.control.pay(checkout).payment_ref
    ground.tell(first)
    assert ground.order().state is OrderState.PAID
    ground.tell()
    ground.run()
    order = ground.order()
    ground.delivered(order)
    assert (order.payment_ref, order.checkout_ref, order.transaction_id) == (payment, checkout, "A-1")
    ground.tell()
    assert facts(ground.bring(payment)) == facts(ground.bring_checkout(checkout)) == facts(order)
    ground.delivered(order)


def test_a_checkout_that_nobody_paid_is_nobodys_order(ground: Ground) -> None:
    from cardctl.errors import StateForbids

    checkout = ground.checkout()
    with pytest.raises(StateForbids):
        ground.bring_checkout(checkout)
    ground.control.pay(checkout, declined=True)
    with pytest.raises(StateForbids):
        ground.bring_checkout(checkout)
    ground.later(hours=25)
    ground.tell()
    assert (ground.order().state, ground.paid, ground.spent, ground.mails) == (OrderState.UNPAID, 0, 0, [])


def test_a_payment_that_names_nothing(ground: Ground) -> None:
    from cardctl.domain.money import Money
    from cardctl.domain.sales import OrderData
    from cardctl.errors import BadInput

    payment = str(ground.control.sell(Money(PRICE, "USD"), {}, BUYER))
    ground.tell()
    assert ground.orders() == []
    with pytest.raises(BadInput):
        ground.bring(payment)
    order = ground.bring(payment, OrderData("ESIM-TR-7D-1GB"))
    ground.delivered(order)
    ground.tell()
    assert facts(ground.bring(payment)) == facts(order)


def test_the_recipient_is_the_customer_where_none_is_named(ground: Ground) -> None:
    from cardctl.domain.money import Money

    payment = str(ground.control.sell(Money(PRICE, "USD"), {"offerId": "ESIM-TR-7D-1GB"}, BUYER))
    ground.delivered(ground.bring(payment))


def test_many_at_once_by_many_workers(ground: Ground) -> None:
    for number in range(12):
        ground.sell(f"N-{number}")
    ground.tell()
    ran = ground.run(workers=8)
    assert {order.state for order in ran.orders} == {OrderState.DELIVERED}
    assert (len(ran.orders), ground.paid, ground.spent) == (12, 12 * PRICE, 12 * COST)
    assert len(ground.mails) == len({letter.order_id for letter in ground.mails}) == 12
    assert sorted(ref for ref, _ in ground.purchases()) == sorted(f"N-{number}" for number in range(12))
    assert ground.asked("GET /v1/esim/offers") <= 8, "an offer is asked for once a minute, and by those who ask at once"


@pytest.mark.parametrize(
    ("name", "ref"),
    [("A-1", "A-1"), ("order_17/b", None), ("Ünïcode", None), ("x" * 200, None), (None, None)],
    ids=["plain", "underscore", "unicode", "long", "none"],
)
def test_names_that_zendit_takes(ground: Ground, name: str | None, ref: str | None) -> None:
    order = ground.bring(ground.sell(name))
    ground.delivered(order)
    ((made, _),) = ground.purchases()
    assert made == order.purchase_ref
    assert (ref is None and made.startswith("cc-")) or made == ref


@pytest.mark.parametrize("offer", ["ESIM-NOCODE", "ESIM-FEE", "ESIM-UNLIMITED", "ESIM-MILLS", "ESIM-GLOBAL-30D-5GB"])
def test_offers_of_every_kind(ground: Ground, offer: str) -> None:
    order = ground.bring(ground.sell(offer=offer, price=5_000))
    cost = {"ESIM-NOCODE": 150, "ESIM-FEE": 175, "ESIM-UNLIMITED": 2_200, "ESIM-MILLS": 151, "ESIM-GLOBAL-30D-5GB": 1_530}
    assert (order.state, ground.paid, ground.spent) == (OrderState.DELIVERED, 5_000, cost[offer])
    (letter,) = ground.mails
    assert (letter.activation is None) is (offer == "ESIM-NOCODE")
    assert (letter.qr_png is not None) is (offer == "ESIM-NOCODE")
    assert letter.qr_png is None or letter.qr_png.startswith(b"\x89PNG")


def test_who_pays_twice_gets_one_esim_and_is_told_why_money_comes_back(ground: Ground) -> None:
    ground.bring(ground.sell())
    twin = ground.bring(ground.sell())
    assert (twin.state, ground.paid, ground.spent) == (OrderState.REFUNDED, PRICE, COST)
    assert [(letter.kind, letter.twice) for letter in ground.mails] == [(LetterKind.DELIVERY, False), (LetterKind.REFUND, True)]
