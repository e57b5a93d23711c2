"""What is done next for an order, how long is waited, and what news of a purchase is: as tables."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardctl.domain.esims import ENDED, PurchaseState, goes_on
from cardctl.domain.fulfilment import FOREVER, STALE, Do, Terms, Why, look_again, next_step, pause, underpaid
from cardctl.domain.money import Money
from cardctl.domain.orders import Order, OrderState, Step, StepName, StepState, order_id_of, purchase_ref_of, transaction_id_for

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ORDER = Order(
    id="order_1",
    programme="stripe/acct_1",
    environment="simulator",
    transaction_id="A-1",
    state=OrderState.PAID,
    offer_id="ESIM-TR-7D-1GB",
    created_at=NOW,
    updated_at=NOW,
    due_at=NOW,
    recipient="ada@example.com",
    payment_ref="pi_1",
    price=Money(490, "USD"),
    seen_at=NOW,
)
COST = Money(150, "USD")
_S, _P = OrderState, PurchaseState


def told(state: StepState) -> dict[StepName, Step]:
    return {StepName.TELL: Step(StepName.TELL, state, NOW)}


@pytest.mark.parametrize(
    ("changes", "do"),
    [
        ({"state": _S.UNPAID}, Do.NOTHING),
        ({}, Do.PRICE),
        ({"cost": COST}, Do.PROVIDE),
        ({"cost": COST, "seen_at": NOW - STALE}, Do.PROVIDE),
        ({"cost": COST, "seen_at": NOW - STALE - timedelta(seconds=1)}, Do.READ_SALE),
        ({"cost": COST, "seen_at": NOW + timedelta(seconds=1)}, Do.READ_SALE),
        ({"cost": COST, "seen_at": None}, Do.READ_SALE),
        ({"state": _S.FUNDING, "cost": COST}, Do.PROVIDE),
        ({"state": _S.FUNDING, "cost": COST, "seen_at": None}, Do.READ_SALE),
        ({"state": _S.BUYING, "cost": COST}, Do.BUY),
        ({"state": _S.ORDERED, "purchase": _P.IN_PROGRESS}, Do.LOOK),
        ({"state": _S.ORDERED, "purchase": _P.UNKNOWN}, Do.LOOK),
        ({"state": _S.ORDERED, "purchase": _P.DONE}, Do.FETCH_QR),
        ({"state": _S.READY}, Do.MAIL),
        ({"state": _S.DELIVERED}, Do.NOTHING),
        ({"state": _S.REFUNDING}, Do.REFUND),
        ({"state": _S.REFUNDED, "reason_code": Why.PURCHASE_FAILED}, Do.TELL),
        ({"state": _S.REFUNDED, "reason_code": Why.REFUNDED_ELSEWHERE}, Do.NOTHING),
        ({"state": _S.STUCK, "reason_code": Why.DISPUTED}, Do.NOTHING),
    ],
)
def test_what_is_next(changes: dict[str, object], do: Do) -> None:
    assert next_step(replace(ORDER, **changes), {}, NOW) is do  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "do"),
    [(StepState.DONE, Do.NOTHING), (StepState.FAILED, Do.NOTHING), (StepState.WAITING, Do.TELL), (StepState.RUNNING, Do.TELL)],
)
def test_a_refund_is_told_until_somebody_has_taken_the_letter(state: StepState, do: Do) -> None:
    order = replace(ORDER, state=_S.REFUNDED, reason_code=Why.OFFER_GONE)
    assert next_step(order, told(state), NOW) is do


@pytest.mark.parametrize(
    ("terms", "paid", "why"),
    [
        (Terms(), COST, None),
        (Terms(), Money(149, "USD"), Why.COST_ABOVE_PRICE),
        (Terms(sell_below_cost=True), Money(149, "USD"), None),
        (Terms(), Money(99_999, "EUR"), Why.OTHER_CURRENCY),
        (Terms(accept_currencies=frozenset({"EUR"})), Money(1, "EUR"), None),
        (Terms(accept_currencies=frozenset({"EUR"})), Money(1, "GBP"), Why.OTHER_CURRENCY),
        (Terms(accept_currencies=frozenset({"USD"})), Money(149, "USD"), Why.COST_ABOVE_PRICE),
        (Terms(sell_below_cost=True), Money(1, "EUR"), None),
    ],
)
def test_what_is_taken_for_what_it_costs(terms: Terms, paid: Money, why: Why | None) -> None:
    assert underpaid(terms, paid, COST) is why


def test_every_state_has_a_next_step() -> None:
    assert {next_step(replace(ORDER, state=state), {}, NOW) for state in OrderState} <= set(Do)


def test_pauses_grow_and_end() -> None:
    pauses = [pause(tries).total_seconds() for tries in range(12)]
    assert pauses[:4] == [1, 1, 3, 10]
    assert pauses == sorted(pauses)
    assert pauses[-1] == pauses[-2] == 900


@given(st.integers(0, 90_000))
def test_looks_grow_seldom(age: int) -> None:
    def every(seconds: int) -> timedelta:
        return look_again(replace(ORDER, bought_at=NOW), NOW + timedelta(seconds=seconds))

    assert timedelta(seconds=1) <= every(age) <= every(age + 60) <= timedelta(minutes=15)


def test_a_day_takes_a_hundred_looks_or_so() -> None:
    order, age, looks = replace(ORDER, bought_at=NOW), timedelta(0), 0
    while age < timedelta(days=1):
        age += look_again(order, NOW + age)
        looks += 1
    assert looks < 200


def test_nothing_comes_after_an_end_and_no_word_goes_back() -> None:
    for before, now in itertools.product(PurchaseState, PurchaseState):
        news = goes_on(before, now)
        assert not (news and before in ENDED)
        assert not (news and (now is before or now is _P.UNKNOWN))
        assert not (news and goes_on(now, before) and _P.UNKNOWN not in (before, now))
        assert news or before in ENDED or now not in ENDED, "an end is always news before there is one"


@given(st.lists(st.sampled_from(PurchaseState), max_size=8))
def test_whatever_comes_the_first_end_stays(words: list[PurchaseState]) -> None:
    state = _P.ACCEPTED
    for word in words:
        state = word if goes_on(state, word) else state
    first = next((word for word in words if word in ENDED), None)
    assert state is first if first else state not in ENDED


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=120)


@given(NAMES, st.integers(1, 5))
def test_names_at_the_supplier_are_its_own(name: str, attempt: int) -> None:
    order = replace(ORDER, id=order_id_of("stripe/acct_1", name), transaction_id=name, attempt=attempt)
    ref = purchase_ref_of(order)
    assert set(ref) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(ref) <= 100
    assert ref == purchase_ref_of(order), "the same each time it is asked for"
    refs = {purchase_ref_of(replace(order, attempt=each)) for each in range(1, 6)} | {purchase_ref_of(order, taken=True)}
    assert len(refs) == (6 if attempt == 1 else 5)


def test_a_name_of_a_later_attempt_is_no_sellers_name() -> None:
    assert purchase_ref_of(ORDER) == "A-1"
    assert purchase_ref_of(replace(ORDER, attempt=2)) not in ("A-1-2", "A-1")
    assert purchase_ref_of(replace(ORDER, attempt=2)).startswith("A-1-")


def test_orders_of_two_programmes_with_one_name_are_two() -> None:
    assert order_id_of("stripe/acct_1", "A-1") != order_id_of("stripe/acct_2", "A-1")
    assert transaction_id_for("stripe/acct_1", "pi_1") != transaction_id_for("stripe/acct_2", "pi_1")


def test_what_is_left_of_a_payment() -> None:
    assert ORDER.refundable == Money(490, "USD")
    assert replace(ORDER, refunded=Money(490, "USD")).refundable == Money(0, "USD")
    assert replace(ORDER, payment_ref=None).refundable is None
    assert replace(ORDER, price=None).refundable is None
    assert NOW + timedelta(days=365_000) < FOREVER
