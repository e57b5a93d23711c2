"""The wallet filled with issued cards: one for each top-up or one for all, once, closed afterwards, their numbers nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.cards import Card
from cardctl.domain.fulfilment import Topup, Why
from cardctl.domain.operations import OperationState
from cardctl.domain.orders import OrderState, StepName
from cardctl.domain.states import CardState
from cardctl.domain.topups import TopUpState
from cardctl.errors import ExitCode
from tests.services.orders import COST, PRICE, PURCHASES, TOPUPS, Ground, usd
from tests.services.world import at, strike


@pytest.fixture
def cards(ground: Ground) -> Ground:
    """An empty wallet, filled by a card for each top-up."""
    ground.trade(Topup.CARD)
    ground.fill(0)
    return ground


@pytest.fixture
def reused(cards: Ground) -> Ground:
    """By one card for all."""
    cards.trade(Topup.CARD, reuse_card=True)
    return cards


def all_cards(ground: Ground) -> list[Card]:
    with ground.world.books.read() as unit:
        return list(unit.cards.rows())


def spent_by_cards(ground: Ground) -> int:
    """What merchants took, by the bank, in cents."""
    made = ground.world.merchant.seen("/v1/issuing/transactions", limit=100)["data"]
    return -sum(int(one["amount"]) for one in made)


def test_a_card_for_each_topup(cards: Ground) -> None:
    issuing = cards.world.merchant.balance()
    order = cards.bring(cards.sell())
    assert (order.state, cards.paid, cards.wallet, len(cards.mails)) == (OrderState.DELIVERED, PRICE, 0, 1)
    (card,), (topup,) = all_cards(cards), cards.topups(order)
    assert (topup.amount, topup.state, topup.card_id) == (usd("1.50"), TopUpState.SETTLED, card.id)
    assert (card.state, cards.world.far(card)["status"]) == (CardState.CLOSED, "canceled")
    assert (spent_by_cards(cards), issuing - cards.world.merchant.balance()) == (COST, COST)
    second = cards.bring(cards.sell("B-2"))
    assert (second.state, spent_by_cards(cards), cards.wallet) == (OrderState.DELIVERED, 2 * COST, 0)
    assert [each.state for each in all_cards(cards)] == [CardState.CLOSED, CardState.CLOSED]
    assert len({each.account_id for each in all_cards(cards)}) == 1


def test_what_is_there_is_used_first(cards: Ground) -> None:
    cards.fill(100)
    order = cards.bring(cards.sell())
    assert (order.state, spent_by_cards(cards), cards.wallet) == (OrderState.DELIVERED, 50, 0)
    assert [topup.amount for topup in cards.topups(order)] == [usd("0.50")]


def test_no_card_where_the_wallet_has_enough(cards: Ground) -> None:
    cards.fill(COST)
    assert (cards.bring(cards.sell()).state, all_cards(cards), cards.asked(f"POST {TOPUPS}")) == (OrderState.DELIVERED, [], 0)


def test_one_card_for_all(reused: Ground) -> None:
    for count, name in enumerate(("A-1", "B-2", "C-3"), start=1):
        order = reused.bring(reused.sell(name))
        assert (order.state, reused.wallet, spent_by_cards(reused)) == (OrderState.DELIVERED, 0, count * COST)
        (card,) = all_cards(reused)
        assert card.state is CardState.ACTIVE
        assert reused.world.far_limit(card) == count * COST, "no more than its orders needed"


def test_many_at_once_share_one_card(reused: Ground) -> None:
    for number in range(6):
        reused.sell(f"N-{number}")
    reused.tell()
    reused.run(workers=4)
    assert {order.state for order in reused.orders()} == {OrderState.DELIVERED}
    assert (reused.wallet, spent_by_cards(reused), len(all_cards(reused))) == (0, 6 * COST, 1)
    assert {state for _, state in reused.purchases()} == {"DONE"}


def test_many_at_once_count_on_the_same_money_once(cards: Ground) -> None:
    cards.fill(100)
    for number in range(6):
        cards.sell(f"N-{number}")
    cards.tell()
    cards.run(workers=6)
    cards.later(minutes=1)
    cards.run(workers=6)
    assert {order.state for order in cards.orders()} == {OrderState.DELIVERED}
    assert {state for _, state in cards.purchases()} == {"DONE"}, "none was short"
    assert spent_by_cards(cards) - cards.wallet == 6 * COST - 100


def _broke(ground: Ground) -> None:
    ground.control.edit("stripe", {"float.USD": "0"})


def _card_frozen(ground: Ground) -> None:
    """By the bank, between the making of the card and its use."""
    ground.every(TOPUPS, lambda: [ground.control.edit(card.ref, {"status": "inactive"}) for card in all_cards(ground)])


@pytest.mark.parametrize("cause", [_broke, _card_frozen])
def test_declined_until_it_is_given_up(cards: Ground, cause: Any) -> None:
    cause(cards)
    order = cards.bring(cards.sell())
    assert (order.state, order.reason_code, cards.paid) == (OrderState.FUNDING, Why.TOPUP_FAILED, PRICE)
    cards.later(minutes=20)
    assert cards.run().exit_code is ExitCode.FINDINGS, "somebody must see to the cards"
    for _ in range(5):
        cards.later(minutes=20)
        cards.run()
    order = cards.order()
    cards.refunded(order)
    assert (order.reason_code, cards.wallet, spent_by_cards(cards)) == (Why.TOPUP_FAILED, 0, 0)
    assert (cards.purchases(), {card.state for card in all_cards(cards)}) == ([], {CardState.CLOSED})
    assert cards.asked(f"POST {TOPUPS}") == 4


def test_declined_once(cards: Ground) -> None:
    _broke(cards)
    cards.bring(cards.sell())
    cards.control.edit("stripe", {"float.USD": "100000"})
    cards.later(minutes=1)
    cards.run()
    order = cards.order()
    assert (order.state, order.reason_code, cards.wallet, spent_by_cards(cards)) == (OrderState.DELIVERED, None, 0, COST)
    assert [card.state for card in all_cards(cards)] == [CardState.CLOSED, CardState.CLOSED]


def test_an_endpoint_that_is_down_is_no_decline(cards: Ground) -> None:
    """However often: it is waited for, and the same card pays then."""
    cards.down("topup.simulator.invalid")
    cards.bring(cards.sell())
    for _ in range(8):
        cards.later(minutes=20)
        cards.run()
        assert (cards.order().state, cards.order().reason_code) == (OrderState.FUNDING, Why.UNAVAILABLE)
    cards.up()
    cards.later(minutes=20)
    cards.run()
    assert (cards.order().state, cards.wallet, spent_by_cards(cards)) == (OrderState.DELIVERED, 0, COST)
    assert [card.state for card in all_cards(cards)] == [CardState.CLOSED]


@pytest.mark.parametrize("fault", ["lost-reply", "torn-body", "500-after-commit", "empty-body", "429"])
@pytest.mark.parametrize("path", ["/v1/issuing/cardholders", "/v1/issuing/cards", TOPUPS, PURCHASES])
def test_a_lost_answer_pays_once(cards: Ground, fault: str, path: str) -> None:
    payment = cards.sell()
    strike(cards.world, path, fault)
    cards.bring(payment)
    cards.control.clear_faults()
    order = cards.until(OrderState.DELIVERED)
    assert (cards.paid, cards.wallet, spent_by_cards(cards)) == (PRICE, 0, COST)
    assert [topup.state for topup in cards.topups(order)] == [TopUpState.SETTLED]
    assert ([state for _, state in cards.purchases()], len(cards.mails)) == (["DONE"], 1)
    assert [card.state for card in all_cards(cards)] == [CardState.CLOSED]
    assert {operation.state for operation in cards.world.operations()} <= {OperationState.DONE, OperationState.REFUSED}


@pytest.mark.parametrize("path", [TOPUPS, PURCHASES])
def test_answers_that_are_lost_without_end(cards: Ground, path: str) -> None:
    """The write is done at the first; all that follows is a look."""
    payment = cards.sell()
    strike(cards.world, path, "lost-reply", 1000)
    order = cards.bring(payment)
    assert order.state in (OrderState.FUNDING, OrderState.BUYING)
    assert order.reason_code == Why.IN_DOUBT
    cards.later(minutes=1)
    cards.run()
    cards.control.clear_faults()
    cards.until(OrderState.DELIVERED)
    assert (cards.paid, cards.wallet, spent_by_cards(cards), len(cards.mails)) == (PRICE, 0, COST, 1)


def test_a_topup_that_takes_its_time(cards: Ground) -> None:
    cards.control.set_esim_pace(0, topups=600)
    order = cards.bring(cards.sell())
    assert (order.state, order.reason_code, order.reserved) == (OrderState.FUNDING, Why.TOPUP_PENDING, usd("1.50"))
    assert (cards.wallet, spent_by_cards(cards), cards.purchases()) == (0, COST, [])
    cards.later(minutes=5)
    assert cards.run().exit_code is ExitCode.DONE
    assert cards.order().state is OrderState.FUNDING
    cards.later(minutes=6)
    cards.run()
    cards.later(minutes=2)
    cards.run()
    order = cards.order()
    assert (order.state, cards.wallet, spent_by_cards(cards)) == (OrderState.DELIVERED, 0, COST)
    assert [card.state for card in all_cards(cards)] == [CardState.CLOSED]
    assert cards.asked(f"POST {TOPUPS}") == 1


def test_a_topup_that_never_arrives(cards: Ground) -> None:
    cards.control.set_esim_pace(0, topups=10**6)
    cards.bring(cards.sell())
    for _ in range(25):
        cards.later(hours=1)
        cards.run()
    order = cards.order()
    cards.refunded(order)
    assert (order.reason_code, cards.wallet, spent_by_cards(cards)) == (Why.TOPUP_FAILED, 0, COST)


def test_a_topup_that_fails_later(cards: Ground) -> None:
    cards.control.set_esim_pace(0, topups=600)
    order = cards.bring(cards.sell())
    (topup,) = cards.topups(order)
    cards.control.edit(str(topup.ref), {"status": "failed"})
    cards.control.set_esim_pace(0, topups=0)
    cards.later(minutes=2)
    cards.run()
    order = cards.order()
    assert order.state is OrderState.DELIVERED
    assert sorted(one.state for one in cards.topups(order)) == [TopUpState.FAILED, TopUpState.SETTLED]


def test_a_wallet_that_is_emptied_after_the_topup(cards: Ground) -> None:
    at(cards.world, PURCHASES, lambda: cards.control.set_wallet(usd("0")))
    order = cards.bring(cards.sell())
    assert (order.state, order.attempt, order.reason_code) == (OrderState.PAID, 2, Why.WALLET_SHORT)
    for _ in range(5):
        cards.later(hours=1)
        cards.run()
        assert (cards.order().state, cards.order().reason_code) == (OrderState.FUNDING, Why.WALLET_SHORT)
    assert spent_by_cards(cards) == COST, "the wallet may be late to show it, so it is not paid again"
    cards.control.recharge_wallet(usd("1.50"))
    cards.until(OrderState.DELIVERED)
    assert (spent_by_cards(cards), cards.wallet, cards.paid, len(cards.mails)) == (COST, 0, PRICE, 1)


def test_where_the_payment_is_given_back_while_the_topup_is_on_its_way(cards: Ground) -> None:
    cards.control.set_esim_pace(0, topups=600)
    payment = cards.sell()
    cards.bring(payment)
    cards.control.refund(payment)
    cards.tell()
    order = cards.order()
    assert (order.state, order.reason_code, order.reserved) == (OrderState.REFUNDED, Why.REFUNDED_ELSEWHERE, None)
    cards.later(hours=1)
    cards.run()
    assert (cards.wallet, cards.purchases(), cards.paid) == (COST, [], 0), "the wallet keeps what came too late"


def test_what_is_left_of_one_is_the_next_ones(cards: Ground) -> None:
    test_where_the_payment_is_given_back_while_the_topup_is_on_its_way(cards)
    order = cards.bring(cards.sell("B-2"))
    assert (order.state, cards.wallet, spent_by_cards(cards)) == (OrderState.DELIVERED, 0, COST)


@pytest.mark.parametrize("reuse", [False, True])
def test_numbers_are_nowhere(cards: Ground, tmp_path: Path, reuse: bool) -> None:
    cards.trade(Topup.CARD, reuse_card=reuse)
    bodies: list[bytes] = []
    cards.world.wire.before = lambda request: bodies.append(request.content) if request.url.path == TOPUPS else None
    cards.bring(cards.sell())
    strike(cards.world, TOPUPS, "lost-reply")
    cards.bring(cards.sell("B-2"))
    cards.control.clear_faults()
    for _ in range(3):
        cards.later(minutes=2)
        cards.run()
    assert {order.state for order in cards.orders()} == {OrderState.DELIVERED}
    numbers = _numbers(cards)
    assert any(number.encode() in body for body in bodies for number in numbers), "else this proves nothing"
    ours = [file for file in tmp_path.rglob("*") if file.is_file() and not file.name.startswith("simulator.db")]
    assert any(file.name == "books.db" for file in ours)
    for number in numbers:
        assert [file.name for file in ours if number.encode() in file.read_bytes()] == []
        assert number not in repr(cards.world.logged)
    revealed = [object_ for action, object_ in cards.world.audit() if action == "card.reveal"]
    assert set(revealed) == {card.id for card in all_cards(cards)}
    assert cards.steps(cards.order("A-1"))[StepName.FUND].error is None


def _numbers(ground: Ground) -> list[str]:
    """The numbers of every card, from the bank's own file."""
    with ground.control._far_side.reading("stripe") as desk:
        return [str(row[0]) for row in desk.db.execute("SELECT number FROM cards")]
