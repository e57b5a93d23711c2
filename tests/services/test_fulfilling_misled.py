"""A supplier's no that is none for the order, purchases under our name that are not ours, and money that nobody can see: no
customer's money goes back, and nothing is bought twice, because of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from cardctl.domain.fulfilment import Why
from cardctl.domain.operations import OperationState
from cardctl.domain.orders import OrderState
from tests.services.answers import answered, answers, pumped
from tests.services.orders import COST, PRICE, PURCHASES, Ground, usd


@pytest.mark.parametrize("code", ["ACCOUNT_SUSPENDED", "MAINTENANCE", "QUOTA_EXCEEDED"])
def test_a_no_that_may_be_about_us_refunds_nobody(ground: Ground, code: str) -> None:
    answered(ground, "POST", PURCHASES, 400, {"errorCode": code, "message": "not now"})
    order = ground.bring(ground.sell())
    assert (order.state, order.reason_code, order.attempt) == (OrderState.PAID, Why.PURCHASE_REFUSED, 1)
    assert (ground.paid, ground.purchases(), ground.mails) == (PRICE, [], [])
    pumped(ground, 3)
    assert (ground.order().state, ground.order().reason_code, ground.paid) == (OrderState.PAID, Why.PURCHASE_REFUSED, PRICE)
    assert ground.asked(f"POST {PURCHASES}") == 3, "it is asked again, and not only once remembered"
    ground.let_in()
    pumped(ground, 2)
    ground.delivered(ground.order())
    assert ground.order().purchase_ref == "A-1", "under the same name"


def test_after_a_day_of_it_a_person_is_told(ground: Ground) -> None:
    answered(ground, "POST", PURCHASES, 400, {"errorCode": "QUOTA_EXCEEDED", "message": "not now"})
    ground.bring(ground.sell())
    pumped(ground, 23, minutes=62)
    assert ground.order().state is OrderState.PAID
    pumped(ground, 2, minutes=62)
    order = ground.order()
    assert (order.state, order.reason_code, ground.paid, order.reserved) == (
        OrderState.STUCK,
        Why.PURCHASE_REFUSED,
        PRICE,
        None,
    )
    ground.let_in()
    ground.go_on(order)
    ground.delivered(ground.order())


@pytest.mark.parametrize("code", ["NOT_FOUND", "INVALID_REQUEST"])
def test_a_no_about_the_order_gives_it_up(ground: Ground, code: str) -> None:
    answered(ground, "POST", PURCHASES, 404 if code == "NOT_FOUND" else 400, {"errorCode": code, "message": "no such offer"})
    order = ground.bring(ground.sell())
    ground.refunded(order)
    assert order.reason_code == Why.PURCHASE_REFUSED


def test_a_lack_of_money_is_one_however_it_is_said(ground: Ground) -> None:
    answered(ground, "POST", PURCHASES, 400, {"errorCode": "INSUFFICIENT_FUNDS", "message": "wallet"})
    order = ground.bring(ground.sell())
    assert (order.state, order.reason_code, order.attempt) == (OrderState.PAID, Why.WALLET_SHORT, 2)
    ground.let_in()
    pumped(ground, 2)
    ground.delivered(ground.order())


@pytest.fixture(params=[{"errorCode": "INVALID_REQUEST", "message": "Bad request"}, {"errorCode": "DUPLICATE", "message": "x"}])
def hidden(request: pytest.FixtureRequest, ground: Ground) -> Iterator[list[bool]]:
    """The first purchase is made, and its answer lost; reading shows it only once told to; each repetition is refused."""
    shows, made = [False], [0]

    def act(asked: httpx.Request) -> httpx.Response | None:
        if not asked.url.path.startswith(PURCHASES):
            return None
        if asked.method == "POST":
            made[0] += 1
            if made[0] > 1:
                return httpx.Response(400, json=request.param)
            type(ground.world.wire).handle_request(ground.world.wire, asked)
            raise httpx.ReadTimeout("lost", request=asked)
        return None if shows[0] else httpx.Response(404, json={"errorCode": "NOT_FOUND", "message": "none"})

    answers(ground, act)
    yield shows
    ground.let_in()


def test_a_purchase_that_shows_late_is_neither_refunded_nor_bought_again(ground: Ground, hidden: list[bool]) -> None:
    ground.begin(ground.sell())
    ground.run()
    pumped(ground, 5, minutes=10)
    order = ground.order()
    assert (order.state, order.reason_code, ground.paid) == (OrderState.BUYING, Why.IN_DOUBT, PRICE)
    assert {one.state for one in ground.operations("esim.buy")} == {OperationState.IN_DOUBT}
    hidden[0] = True
    pumped(ground, 2)
    order = ground.order()
    assert (order.state, ground.paid, ground.purchases(), len(ground.mails)) == (
        OrderState.DELIVERED,
        PRICE,
        [("A-1", "DONE")],
        1,
    )


def test_a_no_to_the_repetition_counts_when_nothing_can_be_on_its_way_any_more(ground: Ground) -> None:
    refuses = [0]

    def act(asked: httpx.Request) -> httpx.Response | None:
        if asked.method != "POST" or not asked.url.path.startswith(PURCHASES):
            return None
        refuses[0] += 1
        if refuses[0] == 1:
            raise httpx.ReadTimeout("lost", request=asked)
        return httpx.Response(400, json={"errorCode": "INVALID_REQUEST", "message": "Bad request"})

    answers(ground, act)
    ground.begin(ground.sell())
    ground.run()
    pumped(ground, 3, minutes=15)
    assert (ground.order().state, ground.paid) == (OrderState.BUYING, PRICE)
    pumped(ground, 3, minutes=16)
    ground.refunded(ground.order())
    assert ground.purchases() == []


def test_a_purchase_of_another_shop_is_not_ours(ground: Ground) -> None:
    """Two shops of one account at the supplier, which both call an order 1001: theirs is a month old."""
    with ground.stranger() as client:
        client.post(PURCHASES, json={"offerId": "ESIM-TR-7D-1GB", "transactionId": "1001"})
        client.get(f"{PURCHASES}/1001")
    theirs = ground.purchase("1001")["confirmation"]["iccid"]
    ground.later(hours=30 * 24)
    before = ground.wallet
    order = ground.bring(ground.sell("1001"))
    assert (order.state, order.attempt, before - ground.wallet) == (OrderState.DELIVERED, 2, COST)
    assert (order.iccid == theirs, order.purchase_ref == "1001", len(ground.mails)) == (False, False, 1)


def test_an_event_of_another_shops_purchase_is_not_ours(ground: Ground) -> None:
    """It is told again while ours is about to be bought under the same name."""
    with ground.stranger() as client:
        client.post(PURCHASES, json={"offerId": "ESIM-TR-7D-1GB", "transactionId": "1001"})
        client.get(f"{PURCHASES}/1001")
    ground.later(hours=30 * 24)
    order = ground.begin(ground.sell("1001"))
    with ground.world.books.write() as unit:
        unit.orders.put(
            replace(order, state=OrderState.BUYING, purchase_ref="1001", cost=usd("1.50"), supplier="zendit/default")
        )
    ground.tell(side=ground.supply)
    order = ground.order()
    assert (order.state, order.purchase, order.iccid) == (OrderState.BUYING, None, None)
    ground.run()
    assert (ground.order().state, ground.order().attempt) == (OrderState.DELIVERED, 2)


def test_orders_of_two_programmes_with_one_name(ground: Ground) -> None:
    first = ground.bring(ground.sell("A-1"))
    with ground.world.books.write() as unit:
        other = replace(first, id="order_other", programme="stripe/acct_2", transaction_id="B-1", payment_ref="pi_x")
        unit.orders.put(replace(other, purchase_ref="B-1"))
    for name in ("B-1", "C-1"):
        ground.sell(name)
    ground.tell()
    ran = ground.run(workers=2)
    states = {order.transaction_id: order.state for order in ground.orders() if order.id != "order_other"}
    assert (states, ran.errors) == (dict.fromkeys(("A-1", "B-1", "C-1"), OrderState.DELIVERED), {})


# --- money that nobody can see


def _denied(ground: Ground) -> None:
    """The wallet says that there is enough, and the supplier that there is not."""
    answered(ground, "POST", PURCHASES, 400, {"errorCode": "INSUFFICIENT_FUNDS", "message": "wallet"})


def test_a_lack_that_the_wallet_denies_is_waited_for(ground: Ground) -> None:
    ground.shop = ground.a_shop(funds_within=timedelta(hours=6))
    ground.terms = replace(ground.terms, funds_within=timedelta(hours=6))
    _denied(ground)
    ground.bring(ground.sell())
    pumped(ground, 21, minutes=16)
    assert (ground.order().state, ground.order().reason_code, ground.paid) == (OrderState.PAID, Why.WALLET_SHORT, PRICE)
    ground.let_in()
    pumped(ground, 1)
    ground.delivered(ground.order())
    assert ground.order().short_since is None


def test_a_lack_that_the_wallet_denies_for_too_long(ground: Ground) -> None:
    ground.shop = ground.a_shop(funds_within=timedelta(hours=6))
    _denied(ground)
    ground.bring(ground.sell())
    pumped(ground, 25, minutes=16)
    ground.refunded(ground.order())
    assert (ground.order().reason_code, ground.purchases()) == (Why.WALLET_SHORT, [])


def test_the_time_for_money_begins_when_it_is_found_lacking(ground: Ground) -> None:
    """Nobody ran the chain for a day after the order had its price."""
    ground.fill(0)
    ground.down("test-api.zendit.io")
    order = ground.begin(ground.sell())
    ground.up()
    with ground.world.books.write() as unit:
        from cardctl.domain.orders import StepName, StepState
        from cardctl.services.order_entries import note_step

        note_step(unit, order.id, StepName.PRICE, StepState.DONE, ground.now())
        unit.orders.put(replace(order, cost=usd("1.50"), title="eSIM"))
    ground.later(hours=25)
    ground.run()
    ground.waits(ground.order(), OrderState.FUNDING, Why.WALLET_SHORT)
    ground.later(hours=23)
    ground.run()
    ground.waits(ground.order(), OrderState.FUNDING, Why.WALLET_SHORT)
    ground.later(hours=2)
    ground.run()
    ground.refunded(ground.order())
