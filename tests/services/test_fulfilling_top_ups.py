"""Top-ups that go another way than they were meant to: an endpoint that is none, credits that are late or too small, and cards
that nobody needs any more; money goes into the wallet once, and no card is left with any."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from cardctl.domain.breaks import BreakType, Severity
from cardctl.domain.fulfilment import Topup, Why
from cardctl.domain.money import Money
from cardctl.domain.orders import OrderState
from cardctl.domain.states import CardState
from cardctl.domain.topups import TopUpState
from cardctl.errors import Unsupported
from cardctl.services.flows.fulfilling import providing
from tests.services.answers import answered, answers, cards, pumped
from tests.services.orders import COST, PRICE, TOPUPS, Ground, usd
from tests.services.test_reconciling_orders import found

CLOSINGS = "/v1/issuing/cards/"


@pytest.fixture
def short(ground: Ground) -> Ground:
    """An empty wallet, filled by a card for each top-up."""
    ground.trade(Topup.CARD)
    ground.fill(0)
    return ground


@pytest.fixture
def reused(short: Ground) -> Ground:
    short.trade(Topup.CARD, reuse_card=True)
    return short


def states(ground: Ground) -> set[CardState]:
    return {card.state for card in cards(ground)}


def said(ground: Ground, **told: object) -> None:
    """The endpoint says this of each top-up, and puts nothing into the wallet."""

    def act(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.startswith(TOPUPS):
            return None
        posted = request.method == "POST"
        ref = json.loads(request.content)["reference"] if posted else request.url.path.rsplit("/", 1)[1]
        topup = {"id": "tu_1", "reference": ref, "amount": COST, "currency": "USD", **told}
        return httpx.Response(201 if posted else 200, json=topup)

    answers(ground, act)


DECLINED = {"error": {"code": "card_declined", "message": "no"}}


# --- an endpoint that is none


@pytest.mark.parametrize("status", [404, 400, 405, 410, 422])
def test_a_wrong_address_is_no_decline(short: Ground, status: int) -> None:
    answered(short, "POST", TOPUPS, status, {"error": {"code": "not_found", "message": "no route"}})
    short.begin(short.sell())
    raised = pumped(short)
    assert {type(error) for error in raised} == {Unsupported}
    assert len(raised) == 8, "each run says so"
    assert (short.order().state, short.paid, len(cards(short))) == (OrderState.FUNDING, PRICE, 1)
    short.let_in()
    short.run()
    order = short.order()
    assert (order.state, short.wallet, [one.state for one in short.topups(order)]) == (
        OrderState.DELIVERED,
        0,
        [TopUpState.SETTLED],
    )
    assert states(short) == {CardState.CLOSED}


def test_a_web_page_that_is_no_endpoint(short: Ground) -> None:
    answers(
        short,
        lambda one: httpx.Response(404, text="<html>not here</html>") if one.url.path.startswith(TOPUPS) else None,
    )
    short.begin(short.sell())
    assert {type(error) for error in pumped(short, 3)} == {Unsupported}
    assert (short.order().state, short.paid) == (OrderState.FUNDING, PRICE)


# --- credits that are late, or too small


def test_a_credit_that_is_late_is_not_paid_again(short: Ground) -> None:
    said(short, status="succeeded")
    short.begin(short.sell())
    pumped(short, 10)
    order = short.order()
    assert [topup.amount for topup in short.topups(order)] == [usd("1.50")]
    assert (order.state, order.reason_code, short.paid) == (OrderState.FUNDING, Why.WALLET_SHORT, PRICE)
    short.control.recharge_wallet(usd("1.50"))
    pumped(short, 2)
    assert (short.order().state, short.wallet, len(short.topups(order))) == (OrderState.DELIVERED, 0, 1)


def test_a_credit_that_never_comes(short: Ground) -> None:
    said(short, status="succeeded")
    short.begin(short.sell())
    pumped(short, 30, minutes=60)
    short.refunded(short.order())
    assert (len(short.topups(short.order())), states(short)) == (1, {CardState.CLOSED})


def test_the_endpoints_own_amount_is_booked(short: Ground) -> None:
    said(short, status="succeeded", amount=1)
    order = short.bring(short.sell())
    assert [topup.amount for topup in short.topups(order)] == [Money(1, "USD")]
    assert (order.state, order.reason_code, order.attempt, short.purchases()) == (
        OrderState.FUNDING,
        Why.WALLET_SHORT,
        1,
        [],
    )
    short.control.recharge_wallet(usd("1.50"))
    pumped(short, 2)
    assert (short.order().state, len(short.topups(order))) == (OrderState.DELIVERED, 1)


# --- cards that nobody needs any more


def test_cards_whose_closing_failed_are_closed_later(short: Ground) -> None:
    def act(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST" and request.url.path.startswith(TOPUPS):
            return httpx.Response(402, json=DECLINED)
        if request.method == "POST" and request.url.path.startswith(CLOSINGS):
            raise httpx.ConnectError("[Errno 111] Connection refused")
        return None

    answers(short, act)
    short.begin(short.sell())
    pumped(short)
    short.refunded(short.order())
    assert CardState.ACTIVE in states(short)
    short.let_in()
    pumped(short, 1)
    assert states(short) == {CardState.CLOSED}


def test_a_card_whose_topup_was_given_up_is_closed(short: Ground) -> None:
    short.trade(Topup.CARD, funds_within=timedelta(hours=2))
    said(short, status="pending")
    short.begin(short.sell())
    pumped(short, 12)
    short.refunded(short.order())
    assert states(short) == {CardState.CLOSED}


def test_a_card_of_a_payment_that_was_given_back_is_closed(short: Ground) -> None:
    short.down("topup.simulator.invalid")
    payment = short.sell()
    short.begin(payment)
    short.run()
    assert states(short) == {CardState.ACTIVE}
    short.control.refund(payment)
    short.up()
    short.later(hours=1)
    short.run()
    assert (short.order().reason_code, states(short), short.wallet) == (Why.REFUNDED_ELSEWHERE, {CardState.CLOSED}, 0)


def _dies(short: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed with a card made, and nothing put into the wallet; the lease is gone with the process."""

    def dead(*_told: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(providing, "top_up", dead)
    with pytest.raises(KeyboardInterrupt):
        short.bring(short.sell())
    monkeypatch.undo()
    assert states(short) == {CardState.ACTIVE}
    short.restart()
    short.later(minutes=20)


def test_a_card_that_was_made_and_is_not_needed_is_closed(short: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    _dies(short, monkeypatch)
    short.fill(1_000)
    short.run()
    assert (short.order().state, states(short), short.spent) == (OrderState.DELIVERED, {CardState.CLOSED}, COST)


def test_a_card_that_nobody_closes_is_told(short: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """No run comes to close it: the order goes on by its name."""
    _dies(short, monkeypatch)
    (card,) = cards(short)
    assert [one for one in found(short) if one.type is BreakType.TOPUP_UNMATCHED] == []
    short.fill(1_000)
    short.advanced(short.order().id)
    assert (short.order().state, states(short)) == (OrderState.DELIVERED, {CardState.ACTIVE})
    assert found(short) == [], "it may be closed any moment"
    short.later(hours=2)
    (one,) = found(short)
    assert (one.type, one.subject, one.severity, one.at_risk) == (
        BreakType.TOPUP_UNMATCHED,
        card.id,
        Severity.WARNING,
        usd("1.50"),
    )
    assert one.evidence["objects"] == [card.id, short.order().id]
    short.run()
    assert (states(short), found(short)) == ({CardState.CLOSED}, [])


def test_a_card_that_is_still_needed_stays(short: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    _dies(short, monkeypatch)
    short.down("topup.simulator.invalid")
    short.run()
    assert (short.order().state, states(short)) == (OrderState.FUNDING, {CardState.ACTIVE})
    short.up()
    pumped(short, 2)
    assert (short.order().state, len(cards(short)), states(short)) == (OrderState.DELIVERED, 1, {CardState.CLOSED})


def test_cards_of_others_are_left_alone(short: Ground) -> None:
    """Of another process's order that is being filled just now, and those that no top-up made."""
    short.down("topup.simulator.invalid")
    short.bring(short.sell())
    (card,) = cards(short)
    short.up()
    order = short.order()
    with short.world.books.write() as unit:
        unit.orders.put(replace(order, due_at=short.now() + timedelta(days=2)))
    short.run()
    assert states(short) == {CardState.ACTIVE}
    assert card.state is CardState.ACTIVE


@pytest.mark.parametrize("end", ["declined", "given back"])
def test_a_reused_card_keeps_no_money(reused: Ground, end: str) -> None:
    if end == "declined":
        answered(reused, "POST", TOPUPS, 402, DECLINED)
    else:
        reused.down("topup.simulator.invalid")
    payment = reused.sell()
    reused.begin(payment)
    if end == "declined":
        pumped(reused)
    else:
        reused.run()
        reused.control.refund(payment)
        reused.up()
        pumped(reused, 2)
    (card,) = cards(reused)
    assert reused.order().state is OrderState.REFUNDED
    assert card.balance in (None, usd("0")), card
    reused.let_in() if end == "declined" else None
    order = reused.bring(reused.sell("B-2"))
    assert (order.state, reused.wallet) == (OrderState.DELIVERED, 0)
    assert reused.world.far_limit(card) == COST, "no more than its orders needed"
