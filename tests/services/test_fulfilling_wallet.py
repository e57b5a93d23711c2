"""The wallet that eSIMs are bought from: spoken for, waited for, short after all; nobody buys with another order's money."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from cardctl.domain.fulfilment import LACKS, Topup, Why
from cardctl.domain.money import Money
from cardctl.domain.orders import OrderState
from cardctl.errors import ExitCode
from cardctl.services.flows.fulfilling.advancing import advance
from cardctl.services.wallets import look
from tests.services.orders import COST, PRICE, PURCHASES, Ground, usd
from tests.services.world import at


def test_two_orders_race_for_the_money_of_one(each_ground: Ground) -> None:
    ground = each_ground
    ground.fill(COST + COST - 1)
    orders = [ground.begin(ground.sell(name)) for name in ("A-1", "B-2")]
    shops = [ground.a_shop(), ground.a_shop()]
    barrier = threading.Barrier(2)

    def work(number: int) -> None:
        barrier.wait()
        advance(shops[number], orders[number].id)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = sorted(ground.orders(), key=lambda order: order.state)
    assert [order.state for order in after] == [OrderState.DELIVERED, OrderState.FUNDING]
    assert after[1].reason_code == Why.WALLET_SHORT
    assert after[1].reason in ("put 0.01 USD into the wallet", "put 1.50 USD into the wallet"), "the other's may count twice"
    assert (ground.paid, ground.spent) == (2 * PRICE, COST)
    assert [state for _, state in ground.purchases()] == ["DONE"]
    ground.later(minutes=2)
    ground.run()
    waiting = next(order for order in ground.orders() if order.state is OrderState.FUNDING)
    assert (waiting.reason_code, waiting.reason) == (Why.WALLET_SHORT, "put 0.01 USD into the wallet")
    ground.control.recharge_wallet(usd("0.01"))
    ground.later(minutes=2)
    ground.run()
    assert {order.state for order in ground.orders()} == {OrderState.DELIVERED}
    assert (ground.wallet, len(ground.mails), ground.paid) == (0, 2, 2 * PRICE)


def test_ten_orders_share_the_money_of_four(ground: Ground) -> None:
    ground.fill(4 * COST + 20)
    for number in range(10):
        ground.sell(f"N-{number}")
    ground.tell()
    ran = ground.run(workers=8)
    states = [order.state for order in ground.orders()]
    assert (states.count(OrderState.DELIVERED), states.count(OrderState.FUNDING)) == (4, 6)
    assert (ran.exit_code, ground.spent, {state for _, state in ground.purchases()}) == (ExitCode.FINDINGS, 4 * COST, {"DONE"})
    (purse,) = look(ground.shop.supply)
    assert (purse.available, purse.reserved, purse.wanted) == (usd("0.20"), usd("0"), usd("9"))


def test_what_an_order_has_spoken_for_is_not_there_for_another(ground: Ground) -> None:
    """While the first purchase is on its way, and the wallet does not hold its money yet."""
    ground.fill(COST + 10)
    ground.control.set_esim_pace(60)
    first = ground.bring(ground.sell("A-1"))
    assert (first.state, first.reserved, ground.wallet) == (OrderState.ORDERED, usd("1.50"), COST + 10)
    second = ground.bring(ground.sell("B-2"))
    assert (second.state, second.reason) == (OrderState.FUNDING, "put 1.40 USD into the wallet")
    (purse,) = look(ground.shop.supply)
    assert (purse.available, purse.reserved, purse.free, purse.wanted) == (usd("1.60"), usd("1.50"), usd("0.10"), usd("1.50"))
    ground.later(minutes=10)
    ground.run()
    assert (ground.order("A-1").state, ground.order("B-2").state) == (OrderState.DELIVERED, OrderState.FUNDING)
    assert (ground.order("A-1").reserved, ground.wallet) == (None, 10)


@pytest.mark.parametrize("how", [Topup.REQUEST, Topup.PREFUNDED])
def test_a_wallet_that_is_filled_later(ground: Ground, how: Topup) -> None:
    ground.trade(how)
    ground.fill(20)
    payment = ground.sell()
    order = ground.bring(payment)
    ground.waits(order, OrderState.FUNDING, Why.WALLET_SHORT)
    assert "1.30 USD" in str(order.reason)
    for _ in range(3):
        ground.later(hours=5)
        ran = ground.run()
        assert ran.exit_code is ExitCode.FINDINGS
        ground.waits(ground.order(), OrderState.FUNDING, Why.WALLET_SHORT)
    ground.control.recharge_wallet(usd("1.30"))
    ground.later(minutes=2)
    ground.run()
    order = ground.order()
    assert (order.state, order.reason_code, ground.wallet, ground.paid) == (OrderState.DELIVERED, None, 0, PRICE)
    assert (len(ground.mails), ground.asked(f"POST {PURCHASES}")) == (1, 1)


@pytest.mark.parametrize("how", [Topup.REQUEST, Topup.PREFUNDED])
def test_a_wallet_that_nobody_fills(ground: Ground, how: Topup) -> None:
    ground.trade(how, funds_within=timedelta(hours=6))
    ground.fill(0)
    ground.bring(ground.sell())
    ground.later(hours=5, minutes=59)
    ground.run()
    ground.waits(ground.order(), OrderState.FUNDING, Why.WALLET_SHORT)
    ground.later(minutes=2)
    ground.run()
    ground.refunded(ground.order())
    assert (ground.order().reason_code, ground.purchases()) == (Why.WALLET_SHORT, [])


def test_a_payment_is_read_again_after_waiting_for_the_wallet(ground: Ground) -> None:
    ground.fill(0)
    payment = ground.sell()
    ground.bring(payment)
    ground.control.refund(payment)
    ground.fill(1_000)
    ground.later(hours=1)
    ground.run()
    order = ground.order()
    assert (order.state, order.reason_code) == (OrderState.REFUNDED, Why.REFUNDED_ELSEWHERE)
    assert (ground.paid, ground.spent, ground.purchases(), ground.mails) == (0, 0, [], [])


def test_a_wallet_that_was_emptied_meanwhile_is_bought_from_anew(ground: Ground) -> None:
    """Somebody else spends the money between our look and our purchase: Zendit says FAILED, and nothing was bought."""
    at(ground.world, PURCHASES, lambda: ground.control.set_wallet(usd("0")))
    order = ground.bring(ground.sell())
    assert (order.state, order.attempt, order.reason_code) == (OrderState.PAID, 2, Why.WALLET_SHORT)
    assert (ground.paid, ground.refunds(order), order.reserved, order.purchase_ref) == (PRICE, [], None, None)
    ground.opening = 0
    ground.later(seconds=LACKS[0] + 1)
    ground.run()
    ground.waits(ground.order(), OrderState.FUNDING, Why.WALLET_SHORT)
    ground.fill(1_000)
    ground.later(minutes=2)
    ground.run()
    order = ground.order()
    assert (order.state, order.attempt, ground.paid, ground.spent) == (OrderState.DELIVERED, 2, PRICE, COST)
    (first, second) = ground.purchases()
    assert (first, second[1]) == (("A-1", "FAILED"), "DONE")
    assert (second[0], len(ground.mails)) == (order.purchase_ref, 1)


def test_a_wallet_that_is_short_whatever_it_says(ground: Ground) -> None:
    """Each time under another name, with pauses between, as long as money is waited for; then what was paid goes back."""

    def again() -> None:
        ground.control.set_wallet(usd("0"))
        at(ground.world, PURCHASES, again)

    at(ground.world, PURCHASES, again)
    ground.bring(ground.sell())
    for lack in LACKS:
        ground.control.set_wallet(usd("10"))
        ground.run()
        assert ground.order().state is OrderState.PAID, "not before its time"
        ground.later(seconds=lack + 1)
        ground.run()
    ground.control.set_wallet(usd("10"))
    ground.later(hours=23)
    ground.run()
    assert (ground.order().state, ground.paid) == (OrderState.PAID, PRICE)
    ground.control.set_wallet(usd("10"))
    ground.later(hours=1)
    ground.run()
    order = ground.order()
    assert (order.state, order.reason_code, order.attempt) == (OrderState.REFUNDED, Why.WALLET_SHORT, len(LACKS) + 3)
    names = [ref for ref, state in ground.purchases() if state == "FAILED"]
    assert len(set(names)) == len(names) == len(LACKS) + 2
    assert (ground.paid, [refund.amount for refund in ground.refunds(order)]) == (0, [usd("4.90")])


def test_a_name_of_a_second_purchase_is_no_other_orders(ground: Ground) -> None:
    """Sellers call orders `A-1` and `A-1-2`."""
    other = ground.bring(ground.sell("A-1-2"))
    assert (other.state, other.purchase_ref) == (OrderState.DELIVERED, "A-1-2")
    at(ground.world, PURCHASES, lambda: ground.control.set_wallet(usd("0")))
    ground.bring(ground.sell("A-1"))
    ground.fill(1_000)
    ground.later(minutes=2)
    ground.run()
    order = ground.order("A-1")
    assert (order.state, order.attempt, ground.spent) == (OrderState.DELIVERED, 2, COST)
    assert len({order.iccid, other.iccid}) == len({order.purchase_ref, other.purchase_ref}) == 2
    assert len(ground.mails) == 2


def test_a_name_that_was_used_elsewhere_for_something_else(ground: Ground) -> None:
    with ground.stranger() as client:
        taken = client.post(PURCHASES, json={"offerId": "ESIM-DE-7D-1GB", "transactionId": "A-1"})
    assert (taken.status_code, ground.purchases()) == (200, [("A-1", "DONE")])
    before = ground.wallet
    order = ground.bring(ground.sell("A-1"))
    assert (order.state, order.attempt, before - ground.wallet) == (OrderState.DELIVERED, 2, COST)
    assert (order.purchase_ref == "A-1", len(ground.mails), ground.paid) == (False, 1, PRICE)


def test_a_wallet_of_another_currency_buys_nothing(ground: Ground) -> None:
    ground.trade(Topup.REQUEST, accept_currencies=frozenset({"USD"}))
    ground.control.edit("ESIM-TR-7D-1GB", {"currency": "EUR"})
    order = ground.bring(ground.sell())
    ground.waits(order, OrderState.FUNDING, Why.WALLET_SHORT)
    assert "1.50 EUR" in str(order.reason)


def test_a_thousandth_is_paid_as_a_cent(ground: Ground) -> None:
    """A cost of 1.505 is 1.51 to us: what is spoken for is never too little."""
    ground.fill(150)
    order = ground.bring(ground.sell(offer="ESIM-MILLS", price=1_000))
    assert (order.state, order.cost) == (OrderState.FUNDING, Money(151, "USD"))
    ground.control.recharge_wallet(usd("0.01"))
    ground.later(minutes=2)
    ground.run()
    assert (ground.order().state, ground.wallet) == (OrderState.DELIVERED, 0)
