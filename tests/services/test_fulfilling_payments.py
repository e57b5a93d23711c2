"""What becomes of a payment between its order's price and its purchase: given back, disputed, in another currency, of somebody
else's business, said late; nothing is bought that its customer does not pay for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cardctl.domain.esims import PurchaseState
from cardctl.domain.fulfilment import Do, Topup, Why
from cardctl.domain.letters import Letter
from cardctl.domain.money import Money
from cardctl.domain.operations import OperationState
from cardctl.domain.orders import OrderState, StepName
from cardctl.errors import StateForbids
from cardctl.services import operations
from cardctl.services.flows.fulfilling import advancing
from cardctl.services.flows.fulfilling.beginning import try_again
from cardctl.services.flows.fulfilling.running import failed, run
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.resuming import resume
from cardctl.simulator.delivering import Posted
from tests.services.orders import BUYER, COST, OFFER, PRICE, REFUNDS, Ground, usd

UNKNOWN = "SUMMER-SALE-42"
"""An offer that the supplier does not have: of another business that calls its offers so, too."""


@contextmanager
def dying(do: Do) -> Iterator[None]:
    """Whoever comes to that step is killed."""
    real = advancing._DOERS[do]

    def die(_shop: Shop, _order: object) -> None:
        raise KeyboardInterrupt

    advancing._DOERS[do] = (real[0], die)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        advancing._DOERS[do] = real


def lost(ground: Ground, payment: str, what: str) -> None:
    """The customer has the money back, or wants it; and we are told."""
    if what == "refund":
        ground.control.refund(payment)
    else:
        ground.control.dispute(ground.charge(payment))
    ground.tell()


def not_bought(ground: Ground, what: str) -> None:
    order = ground.order()
    told = (OrderState.REFUNDED, Why.REFUNDED_ELSEWHERE) if what == "refund" else (OrderState.STUCK, Why.DISPUTED)
    assert (order.state, order.reason_code, order.reserved, order.purchase_ref) == (*told, None, None)
    assert (ground.spent, ground.purchases(), ground.mails, ground.asked(f"POST {REFUNDS}")) == (0, [], [], 0)
    assert ground.world.audit()


def kind_of(posted: Posted) -> str:
    return str(json.loads(posted.posting.body).get("type"))


# --- it was decided to buy, and nothing was asked for yet


@pytest.mark.parametrize("what", ["refund", "dispute"])
def test_given_back_after_the_decision(ground: Ground, what: str) -> None:
    payment = ground.sell()
    with dying(Do.BUY):
        ground.bring(payment)
    assert ground.order().state is OrderState.BUYING
    lost(ground, payment, what)
    ground.restart()
    ground.run()
    not_bought(ground, what)


@pytest.mark.parametrize("how", ["run", "resume"])
@pytest.mark.parametrize("what", ["refund", "dispute"])
def test_an_intent_is_not_sent_for_what_was_given_back(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, what: str, how: str
) -> None:
    payment = ground.sell()
    _intended(ground, monkeypatch, payment)
    lost(ground, payment, what)
    ground.restart()
    if how == "resume":
        (operation,) = resume(ground.shop.supply).settled
        assert (operation.state, operation.sent_at) == (OperationState.REFUSED, None)
        assert ground.spent == 0
    ground.later(minutes=11)
    ground.run()
    not_bought(ground, what)


@pytest.mark.parametrize("how", ["run", "resume"])
def test_an_old_intent_is_not_sent_before_its_payment_was_looked_at(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """It was given back meanwhile, and nobody has told us."""
    payment = ground.sell()
    _intended(ground, monkeypatch, payment)
    ground.control.refund(payment)
    ground.later(minutes=50)
    ground.restart()
    if how == "resume":
        resume(ground.shop.supply)
        assert ground.spent == 0
    ground.run()
    not_bought(ground, "refund")


def test_an_old_intent_is_bought_once_its_payment_was_looked_at(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    _intended(ground, monkeypatch, ground.sell())
    ground.later(minutes=50)
    ground.restart()
    ground.run()
    ground.delivered(ground.order())


def test_given_back_in_part_after_the_decision(ground: Ground) -> None:
    payment = ground.sell()
    with dying(Do.BUY):
        ground.bring(payment)
    ground.control.refund(payment, Money(PRICE - 10, "USD"))
    ground.tell()
    ground.restart()
    ground.run()
    order = ground.order()
    assert (order.state, order.reason_code, order.refunded) == (OrderState.REFUNDED, Why.COST_ABOVE_PRICE, usd("4.90"))
    assert (ground.paid, ground.spent, ground.purchases()) == (0, 0, [])


def test_given_back_while_the_supplier_works_on_it_and_it_fails(ground: Ground) -> None:
    """Nothing is left to give back, and the order ends all the same."""
    payment = ground.sell(offer="ESIM-OUTAGE")
    assert ground.bring(payment).state is OrderState.ORDERED
    ground.later(hours=25)
    lost(ground, payment, "refund")
    ground.run()
    order = ground.order()
    assert (order.state, order.purchase, order.refunded) == (OrderState.REFUNDED, PurchaseState.FAILED, usd("4.90"))
    assert (ground.paid, ground.spent, ground.asked(f"POST {REFUNDS}")) == (0, 0, 0)


def test_a_dispute_of_what_was_bought_is_kept(ground: Ground) -> None:
    payment = ground.sell()
    ground.bring(payment)
    assert not ground.order().disputed
    ground.control.dispute(ground.charge(payment))
    ground.tell()
    order = ground.order()
    assert (order.state, order.disputed, order.reason_code) == (OrderState.DELIVERED, True, None)


def _intended(ground: Ground, monkeypatch: pytest.MonkeyPatch, payment: str) -> None:
    """The intent to buy is committed, and whoever did that is dead before it is sent."""

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(operations, "carry_out", die)
        with pytest.raises(KeyboardInterrupt):
            ground.bring(payment)
    (operation,) = ground.operations("esim.buy")
    assert operation.state is OperationState.INTENDED
    with ground.world.books.write() as unit:
        unit.operations.save(replace(operation, lease="", leased_until=operation.created_at))


# --- what it pays for


def test_given_back_in_part_while_it_waits_for_the_wallet(ground: Ground) -> None:
    payment = ground.sell()
    ground.fill(0)
    ground.bring(payment)
    ground.control.refund(payment, Money(PRICE - 10, "USD"))
    ground.fill(1000)
    ground.later(hours=1)
    ground.run()
    order = ground.order()
    assert (order.state, order.reason_code, ground.spent, ground.paid) == (OrderState.REFUNDED, Why.COST_ABOVE_PRICE, 0, 0)


@pytest.mark.parametrize("topup", [Topup.REQUEST, Topup.CARD])
def test_an_offer_that_became_too_dear_while_it_was_waited_for(ground: Ground, topup: Topup) -> None:
    ground.trade(topup)
    payment = ground.sell()
    ground.fill(0)
    ground.down("topup.simulator.invalid")
    assert ground.bring(payment).state is OrderState.FUNDING
    ground.up()
    ground.control.edit(OFFER, {"cost.fixed": "600"})
    ground.fill(1000)
    ground.later(hours=2)
    ground.run()
    order = ground.order()
    assert (order.state, order.reason_code) == (OrderState.REFUNDED, Why.COST_ABOVE_PRICE)
    assert (ground.spent, ground.paid, ground.purchases()) == (0, 0, [])


def test_an_offer_that_became_dearer_is_priced_anew(ground: Ground) -> None:
    payment = ground.sell()
    ground.fill(0)
    assert ground.bring(payment).cost == usd("1.50")
    ground.control.edit(OFFER, {"cost.fixed": "400"})
    ground.fill(300)
    ground.later(hours=2)
    ground.run()
    order = ground.order()
    assert (order.state, order.cost, ground.spent) == (OrderState.FUNDING, usd("4"), 0)
    assert "1.00" in str(order.reason)
    ground.fill(1000)
    ground.later(hours=2)
    ground.run()
    assert (ground.order().state, ground.spent, ground.paid) == (OrderState.DELIVERED, 400, PRICE)


def test_an_offer_that_is_gone_while_it_was_waited_for(ground: Ground) -> None:
    payment = ground.sell()
    ground.fill(0)
    ground.bring(payment)
    ground.control.edit(OFFER, {"enabled": "false"})
    ground.fill(1000)
    ground.later(hours=2)
    ground.run()
    assert (ground.order().state, ground.order().reason_code) == (OrderState.REFUNDED, Why.OFFER_GONE)
    assert (ground.spent, ground.paid) == (0, 0)


def _yen(ground: Ground) -> str:
    told = {"offerId": OFFER, "recipientEmail": BUYER, "transactionId": "A-1"}
    return str(ground.control.sell(Money(50, "JPY"), told, None))


def test_another_currency_is_a_persons_to_compare(ground: Ground) -> None:
    order = ground.bring(_yen(ground))
    ground.waits(order, OrderState.STUCK, Why.OTHER_CURRENCY)
    assert "accept_currencies" in str(order.reason)
    ground.go_on(order)
    ground.waits(ground.order(), OrderState.STUCK, Why.OTHER_CURRENCY)


@pytest.mark.parametrize("terms", [{"accept_currencies": frozenset({"JPY"})}, {"sell_below_cost": True}])
def test_another_currency_that_is_accepted(ground: Ground, terms: dict[str, Any]) -> None:
    order = ground.bring(_yen(ground))
    ground.shop = ground.a_shop(**terms)
    order = ground.go_on(order)
    assert (order.state, order.price, order.cost) == (OrderState.DELIVERED, Money(50, "JPY"), Money(COST, "USD"))


# --- to whom


def _paid_on_a_page(ground: Ground) -> None:
    """A seller's own checkout, in which alone stands who gets it."""
    made = ground.world.merchant.done(
        "/v1/checkout/sessions",
        {
            "mode": "payment",
            "success_url": "https://shop.example/thanks",
            "line_items[0][price_data][currency]": "usd",
            "line_items[0][price_data][unit_amount]": str(PRICE),
            "line_items[0][price_data][product_data][name]": "eSIM",
            "line_items[0][quantity]": "1",
            "metadata[offerId]": OFFER,
            "payment_intent_data[metadata][offerId]": OFFER,
        },
    )
    ground.control.pay(made["id"], email=BUYER)


def test_who_gets_it_is_read_before_it_is_given_up(ground: Ground) -> None:
    """payment_intent.succeeded has no address, and the checkout's own event comes later."""
    _paid_on_a_page(ground)
    ground.tell("payment_intent.succeeded")
    assert ground.order().recipient is None
    ground.run()
    ground.delivered(ground.order())


def test_another_address_while_the_mail_is_on_its_way(ground: Ground) -> None:
    def post(letter: Letter) -> None:
        if not ground.mails:
            try_again(ground.shop, ground.order(), recipient="new@example.com")
        ground.mails.append(letter)

    ground.post = post
    order = ground.bring(ground.sell())
    assert (order.state, order.recipient) == (OrderState.DELIVERED, "new@example.com")
    assert [to for to, _ in ground.letters()] == [BUYER, "new@example.com"]
    assert ground.spent == COST


# --- whose


def test_what_another_business_sells_is_a_persons_to_tell(ground: Ground) -> None:
    ground.sell(None, offer=UNKNOWN)
    ground.tell()
    ran = ground.run()
    order = ground.order()
    ground.waits(order, OrderState.STUCK, Why.OFFER_UNKNOWN)
    assert (ground.paid, ran.exit_code) == (PRICE, 3)
    assert UNKNOWN in str(order.reason)
    assert [one.id for one in failed(ground.shop)] == [order.id]
    run(ground.shop, failed(ground.shop), named=())
    ground.waits(ground.order(), OrderState.STUCK, Why.OFFER_UNKNOWN)


@pytest.mark.parametrize("how", ["retry", "fulfil"])
def test_a_person_says_that_it_is_ours(ground: Ground, how: str) -> None:
    payment = ground.sell(offer=UNKNOWN)
    ground.tell()
    ground.run()
    ground.waits(ground.order(), OrderState.STUCK, Why.OFFER_UNKNOWN)
    ground.bring(payment) if how == "fulfil" else ground.go_on(ground.order())
    ground.refunded(ground.order())
    assert ground.order().reason_code == Why.OFFER_GONE


def test_an_offer_that_was_sold_before_is_ours(ground: Ground) -> None:
    ground.bring(ground.sell("A-0"))
    ground.control.edit(OFFER, {"enabled": "false"})
    ground.sell("A-1")
    ground.tell()
    ground.later(minutes=2)
    ground.run()
    assert (ground.order("A-1").state, ground.order("A-1").reason_code) == (OrderState.REFUNDED, Why.OFFER_GONE)


def test_what_was_paid_on_a_page_of_ours_is_ours(ground: Ground) -> None:
    ground.control.pay(ground.checkout(offer=UNKNOWN))
    ground.tell()
    ground.run()
    ground.refunded(ground.order())


# --- moments, words


def test_a_clock_that_was_ahead(ground: Ground) -> None:
    payment = ground.sell()
    ground.fill(0)
    real = ground.offset
    ground.offset += timedelta(days=1)
    ground.bring(payment)
    ground.offset = real
    ground.control.refund(payment)
    ground.fill(1000)
    assert ground.go_on(ground.order()).state is OrderState.REFUNDED
    assert (ground.spent, ground.order().reason_code) == (0, Why.REFUNDED_ELSEWHERE)


def test_a_clock_that_was_ahead_is_corrected_by_a_look(ground: Ground) -> None:
    payment = ground.sell()
    ground.fill(0)
    real = ground.offset
    ground.offset += timedelta(days=1)
    ground.bring(payment)
    ground.offset = real
    ground.fill(1000)
    assert ground.go_on(ground.order()).state is OrderState.DELIVERED
    assert ground.asked("GET /v1/payment_intents/") == 2


def test_a_dispute_that_a_person_goes_on_with(ground: Ground) -> None:
    payment = ground.sell()
    ground.fill(0)
    ground.bring(payment)
    dispute = ground.control.dispute(ground.charge(payment))
    ground.tell()
    ground.waits(ground.order(), OrderState.STUCK, Why.DISPUTED)
    ground.control.decide_dispute(dispute, "won")
    ground.tell()
    ground.fill(1000)
    run(ground.shop, failed(ground.shop), named=())
    ground.waits(ground.order(), OrderState.STUCK, Why.DISPUTED)
    assert ground.go_on(ground.order()).state is OrderState.DELIVERED


def test_a_dispute_that_comes_after_a_persons_word_is_news(ground: Ground) -> None:
    payment = ground.sell()
    ground.fill(0)
    ground.bring(payment)
    assert ground.order().asked
    ground.control.dispute(ground.charge(payment))
    ground.fill(1000)
    ground.later(hours=1)
    ground.run()
    not_bought(ground, "dispute")


@pytest.mark.parametrize("kinds", [("charge.refunded", "refund.failed"), ("charge.refunded", "refund.updated")])
def test_a_refund_made_elsewhere_that_fails_later(ground: Ground, kinds: tuple[str, str]) -> None:
    payment = ground.sell()
    ground.fill(0)
    ground.bring(payment)
    refund = ground.world.merchant.done(REFUNDS, {"payment_intent": payment})
    ground.tell()
    assert (ground.order().state, ground.order().reason_code) == (OrderState.REFUNDED, Why.REFUNDED_ELSEWHERE)
    ground.control.edit(refund["id"], {"status": "failed"}, tell=True)
    assert {"refund.failed", "refund.updated"} & {kind_of(one) for one in ground.news()}
    ground.tell()
    order = ground.order()
    assert (order.state, order.reason_code, order.refundable) == (OrderState.STUCK, Why.REFUND_FAILED, usd("4.90"))
    assert ground.go_on(order).state is OrderState.REFUNDED
    assert (ground.paid, ground.spent) == (0, 0)


def test_nothing_is_bought_by_name_for_an_order_that_is_over(ground: Ground) -> None:
    payment = ground.sell()
    with dying(Do.BUY):
        ground.bring(payment)
    decided = ground.order()
    lost(ground, payment, "refund")
    from cardctl.services.deeds.buying import buy

    with pytest.raises(StateForbids):
        buy(ground.shop.supply, decided)
    assert (ground.spent, ground.operations("esim.buy")) == (0, [])
    assert StepName.BUY in ground.steps(decided)


def test_an_offer_that_became_dearer_after_the_wallet_was_filled_for_it(ground: Ground) -> None:
    """What a card has put there is not put there again: a person fills the rest, or the customer has the money back."""
    ground.trade(Topup.CARD, funds_within=timedelta(hours=2))
    payment = ground.sell()
    ground.fill(0)
    with dying(Do.BUY):
        ground.bring(payment)
    assert (ground.order().state, ground.wallet) == (OrderState.BUYING, COST)
    ground.later(minutes=10)
    ground.control.edit(OFFER, {"cost.fixed": "400"})
    ground.restart()
    order = ground.until(OrderState.REFUNDED)
    assert (order.cost, order.reason_code, ground.paid, ground.wallet) == (usd("4"), Why.WALLET_SHORT, 0, COST)
    assert [one.amount for one in ground.topups(order)] == [usd("1.50")]
    assert "DONE" not in [state for _, state in ground.purchases()]
