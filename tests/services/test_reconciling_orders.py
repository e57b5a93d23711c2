"""Paid orders reconciled with the simulated Stripe and Zendit: what is found of each difference, what is mended, and that no
money moves by it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cardctl.db.breaks import BreakFilter
from cardctl.domain.breaks import Break, BreakType, Severity
from cardctl.domain.chains import Chain, Pick
from cardctl.domain.fulfilment import Topup
from cardctl.domain.orders import Order, OrderState
from cardctl.errors import RemoteSuddenlyEmpty
from cardctl.providers import registry
from cardctl.services.flows.reconciling.chains import Joined, joined
from cardctl.services.flows.reconciling.fixing import Fixed, fix
from cardctl.services.flows.reconciling.moving import breaks_of
from cardctl.services.flows.reconciling.running import Outcome, reconcile
from cardctl.services.flows.reconciling.starting import Means, Part, Wish
from cardctl.services.wallets import look
from tests.db.builders import usd
from tests.services.orders import COST, PRICE, Ground
from tests.services.reconciled import T, Told, amend, behind, places, proven, told

_ASIDE = {T.EVENT_GAP, T.FLOAT_LOW}
"""What has nothing to do with orders."""


def ran(ground: Ground, **wish: Any) -> Outcome:
    """Both programmes, as a profile that sells eSIMs has them."""
    desks = ground.world.desk, ground.supply.desk
    parts = [Part(desk, registry.webhooks(desk.provider.name), sales=desk is desks[0]) for desk in desks]
    return reconcile(parts, Wish(**wish), Means(places(ground.world)))


def found(ground: Ground, **wish: Any) -> list[Break]:
    """What a new run finds that is more than information, and its evidence says the same; of events nothing is asked."""
    outcome = ran(ground, **wish)
    proven(ground.world, outcome)
    breaks = breaks_of(ground.world.books, BreakFilter(run_id=outcome.run.id))
    return [one for one in breaks if one.severity is not Severity.INFO and one.type not in _ASIDE]


def mended(ground: Ground, breaks: list[Break]) -> Fixed:
    """Mends each where it belongs; nothing but reads is sent."""
    done = Fixed()
    ground.world.wire.asked.clear()
    for desk in (ground.world.desk, ground.supply.desk):
        one = fix(desk, [each for each in breaks if each.programme == desk.programme])
        done.fixed += one.fixed
        done.proposed += one.proposed
        done.failed |= one.failed
    assert [each for each in ground.world.wire.asked if not each.startswith("GET ")] == []
    return done


def types(breaks: list[Break]) -> set[BreakType]:
    return {one.type for one in breaks}


def far(ground: Ground, statement: str, *values: Any) -> None:
    behind(ground.world, statement, *values)


def chains(ground: Ground, pick: Pick = Pick.ALL) -> list[Chain]:
    with joined(ground.shop.sales, ground.shop.supply, _home(ground)) as one:
        return list(one.chains(pick))


def _home(ground: Ground) -> Path:
    home = Path(str(places(ground.world)._root))
    home.mkdir(parents=True, exist_ok=True)
    return home


def _give_back(ground: Ground, order: Order) -> None:
    """Somebody refunds it in Stripe's dashboard."""
    ground.world.merchant.done("/v1/refunds", {"payment_intent": order.payment_ref})


def test_a_shop_in_order_is_clean(ground: Ground) -> None:
    order = ground.bring(ground.sell())
    given_back = ground.bring(ground.sell("A-2", offer="ESIM-FAIL"))
    ground.sell(None, offer="")
    assert (ground.paid, ground.spent) == (PRICE * 2, COST)
    assert told(found(ground)) == []
    assert {order.state, given_back.state} == {OrderState.DELIVERED, OrderState.REFUNDED}
    run = ran(ground).run
    sold, bought = (run.figures["programmes"][name] for name in (ground.world.desk.programme, "zendit/default"))
    assert sold["orders"] == {"here": 2, "there": 2, "differing": 0, "others_there": 1, "refunds_there": 1}
    assert sold["order_sums"] == [
        {"currency": "USD", "paid": 2 * PRICE, "refunded": PRICE, "paid_here": 2 * PRICE, "refunded_here": PRICE}
    ]
    assert bought["purchases"] == {"here": 2, "there": 2, "differing": 0, "others_there": 0}
    (wallet,) = [each for each in run.figures["totals"] if each["programme"] == "zendit/default"]
    assert (wallet["settled"], wallet["settled_here"], wallet["float"]) == (COST, COST, ground.wallet)


def test_a_payment_that_nobody_told_of_is_taken_in_and_delivered_then(ground: Ground) -> None:
    first = ground.bring(ground.sell())
    payment = ground.sell("A-2")
    breaks = found(ground)
    assert told(breaks) == [(T.ORDER_MISSING_HERE, payment)]
    assert (breaks[0].at_risk, breaks[0].severity) == (usd(PRICE), Severity.CRITICAL)
    assert ground.orders() == [first], "a run changes nothing"
    done = mended(ground, breaks)
    assert (done.fixed, done.failed) == ([breaks[0].fingerprint], {})
    assert (ground.paid, ground.spent) == (2 * PRICE, COST), "nothing is bought by mending"
    assert ground.order("A-2").state is OrderState.PAID
    ground.run()
    assert (ground.paid, ground.spent, ground.order("A-2").state) == (2 * PRICE, 2 * COST, OrderState.DELIVERED)
    assert told(found(ground)) == []


def test_books_without_an_order_take_nothing_in_by_themselves(ground: Ground) -> None:
    """Another program may have sold it, and would have bought it, too; what is older than three days surely is."""
    ground.sell("A-0")
    ground.later(days=4)
    payment = ground.sell()
    breaks = found(ground)
    assert told(breaks) == [(T.ORDER_MISSING_HERE, payment)]
    done = mended(ground, breaks)
    assert (done.fixed, done.proposed) == ([], [breaks[0].fingerprint])
    assert (ground.orders(), ground.spent) == ([], 0)
    order = ground.bring(payment)
    assert order.state is OrderState.DELIVERED
    assert told(found(ground)) == [], "from the first order on the books are whole"


def test_a_refund_made_elsewhere(ground: Ground) -> None:
    """The books take it in; that the customer has both is for a person."""
    order = ground.bring(ground.sell())
    _give_back(ground, order)
    breaks = found(ground)
    assert told(breaks) == sorted([(T.ORDER_PAYMENT, order.id), (T.ORDER_REFUNDED_DELIVERED, order.id)])
    done = mended(ground, breaks)
    assert (len(done.fixed), len(done.proposed), done.failed) == (1, 1, {})
    assert ground.order().refunded == usd(PRICE)
    assert told(found(ground)) == [(T.ORDER_REFUNDED_DELIVERED, order.id)]
    assert (ground.paid, ground.spent) == (0, COST)


def test_a_purchase_that_ended_and_nobody_asked(ground: Ground) -> None:
    order = ground.bring(ground.sell(offer="ESIM-SLOW"))
    assert order.state is OrderState.ORDERED
    assert told(found(ground)) == []
    ground.control.advance(timedelta(hours=2))
    breaks = found(ground)
    assert told(breaks) == [(T.PURCHASE_STATE, order.purchase_ref)]
    assert mended(ground, breaks).failed == {}
    ground.go_on(ground.order())
    ground.delivered(ground.order())
    assert told(found(ground)) == []


def test_a_supplier_that_is_late(ground: Ground) -> None:
    order = ground.bring(ground.sell(offer="ESIM-OUTAGE"))
    far(ground, "UPDATE zendit_purchases SET due = due + 90000")
    ground.control.advance(timedelta(hours=25, minutes=1))
    assert types(found(ground)) == {T.ORDER_OVERDUE}
    assert ground.order() == order


def test_what_the_supplier_sold_to_nobody(ground: Ground) -> None:
    """Somebody with a key of the same account bought it; and the wallet's entry of a purchase that is gone."""
    order = ground.bring(ground.sell())
    with ground.stranger() as client:
        wanted = {"offerId": "ESIM-TR-7D-1GB", "transactionId": "stranger-1"}
        assert client.post("/v1/esim/purchases", json=wanted).status_code == 200
        client.get("/v1/esim/purchases/stranger-1")
    assert told(found(ground)) == [(T.PURCHASE_MISSING_HERE, "stranger-1")]
    far(ground, "DELETE FROM zendit_purchases WHERE ref = 'stranger-1'")
    assert told(found(ground)) == [(T.LEDGER_ORPHAN, "stranger-1")]
    far(ground, "UPDATE zendit_ledger SET amount = 149 WHERE transactionId = ?", order.purchase_ref)
    breaks = found(ground)
    assert told(breaks) == sorted([(T.LEDGER_ORPHAN, "stranger-1"), (T.PURCHASE_AMOUNT, order.purchase_ref)])
    done = mended(ground, breaks)
    assert (done.fixed, len(done.proposed)) == ([], 2), "money is for a person"


def test_a_supplier_that_is_suddenly_empty(ground: Ground) -> None:
    ground.bring(ground.sell())
    far(ground, "DELETE FROM zendit_purchases")
    with pytest.raises(RemoteSuddenlyEmpty):
        ran(ground)
    assert types(found(ground, force=True)) == {T.PURCHASE_MISSING_THERE}


def test_orders_that_nothing_goes_on_with(ground: Ground) -> None:
    ground.post = lambda _letter: (_ for _ in ()).throw(AssertionError("nobody mails here"))
    payment = ground.sell()
    ground.tell("payment_intent.succeeded")
    order = ground.order()
    assert order.payment_ref == payment
    assert told(found(ground)) == []
    ground.later(hours=1, minutes=1)
    breaks = found(ground)
    assert told(breaks) == [(T.ORDER_STUCK, order.id)]
    assert mended(ground, breaks).proposed == [breaks[0].fingerprint]
    amend(ground.world, "UPDATE orders SET state = 'stuck', reason_code = 'REFUND_REFUSED' WHERE id = ?", order.id)
    (one,) = found(ground)
    assert (one.type, one.severity, one.at_risk) == (T.ORDER_STUCK, Severity.CRITICAL, usd(PRICE))


def test_a_wallet_topped_up_with_a_card(ground: Ground) -> None:
    """The card's spending, the wallet's ledger and the purchase agree; and money that never came is told."""
    ground.fill(0)
    ground.trade(Topup.CARD)
    order = ground.bring(ground.sell())
    assert order.state is OrderState.DELIVERED
    (top,) = ground.topups(order)
    breaks = found(ground)
    assert types(breaks) <= {T.TRANSACTION_MISSING_HERE}, "the card's spending was told by nobody yet"
    mended(ground, breaks)
    assert told(found(ground)) == []
    (chain,) = chains(ground)
    assert (chain.paid, chain.spent, chain.charged, chain.purchase) == (usd(PRICE), top.amount, usd(COST), "done")
    assert not chain.broken
    far(ground, "DELETE FROM zendit_ledger WHERE productType = 'WALLET_RECHARGE'")
    (one,) = [each for each in found(ground) if each.type is T.TOPUP_UNMATCHED]
    assert (one.subject, one.at_risk, one.card_id) == (top.id, top.amount, top.card_id)


def test_chains_tell_of_every_order_what_each_side_says(ground: Ground) -> None:
    delivered = ground.bring(ground.sell())
    failed = ground.bring(ground.sell("A-2", offer="ESIM-FAIL"))
    _give_back(ground, delivered)
    lost = ground.sell("A-3")
    before = ground.orders()
    with joined(ground.shop.sales, ground.shop.supply, _home(ground)) as one:
        assert isinstance(one, Joined)
        by_id = {chain.order.id: chain for chain in one.chains()}
        assert set(by_id) == {delivered.id, failed.id}
        chain = by_id[delivered.id]
        assert (chain.paid, chain.given_back, chain.purchase, chain.cost, chain.charged) == (
            usd(PRICE),
            usd(PRICE),
            "done",
            usd(COST),
            usd(COST),
        )
        assert {each.type for each in chain.findings} == {T.ORDER_PAYMENT, T.ORDER_REFUNDED_DELIVERED}
        assert chain.broken
        assert (by_id[failed.id].purchase, by_id[failed.id].charged, by_id[failed.id].given_back) == (
            "failed",
            None,
            usd(PRICE),
        )
        assert [(each.type, each.subject) for each in one.loose] == [(T.ORDER_MISSING_HERE, lost)]
        assert [chain.order.id for chain in one.chains(Pick.FAILED_PURCHASES)] == [failed.id]
        assert [chain.order.id for chain in one.chains(Pick.BREAKS)] == [delivered.id]
        assert list(one.chains(Pick.FAILED_TOPUPS)) == []
        assert (one.figures.delivered, one.figures.ended, one.figures.failed_purchases) == (1, 2, 1)
        assert [purse.available for purse in one.wallet] == [usd(ground.wallet)]
    assert ground.orders() == before, "it changes nothing"
    assert breaks_of(ground.world.books, BreakFilter()) == [], "and remembers nothing"
    assert [path.name for path in _home(ground).iterdir() if "chains" in path.name] == []


def test_a_wallet_that_orders_wait_for(ground: Ground) -> None:
    ground.fill(10)
    order = ground.bring(ground.sell())
    assert order.state is OrderState.FUNDING
    (purse,) = look(ground.shop.supply)
    assert (purse.available, purse.reserved, purse.wanted) == (usd(10), usd(0), usd(COST))
    assert purse.need is not None
    assert (purse.need.orders, purse.need.ids) == (1, (order.id,))


def test_a_run_over_a_part_of_the_time_leaves_the_others_as_they_were(ground: Ground) -> None:
    order = ground.bring(ground.sell())
    ground.later(hours=5)
    young = ground.sell("A-2")
    breaks: Told = told(found(ground, since=ground.now() - timedelta(hours=1)))
    assert breaks == [(T.ORDER_MISSING_HERE, young)], f"{order.id} was before"
