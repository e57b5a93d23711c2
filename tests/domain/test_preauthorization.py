"""Lots judged: a table of how each may stand, and whatever is cut off, one hold stands and never more is taken than is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardctl.domain.lots import PLACING, Action, Cover, Decline, Judgement, Lot, LotStatus, Policy, Standing, Step
from cardctl.domain.money import Money
from cardctl.domain.payments import Payment, PaymentKind, PaymentState
from cardctl.domain.preauthorization import judge
from cardctl.domain.saved_cards import SavedCard, SavedCardState

START = datetime(2026, 11, 27, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
INSIDE = START - 2 * HOUR


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


def lot(**more: Any) -> Lot:
    told: dict[str, Any] = {"person": "ann", "invoice": "A-17", "amount": usd("50"), "start": START, "end": START + 4 * HOUR}
    return Lot(**(told | more))


def card(**more: Any) -> SavedCard:
    told: dict[str, Any] = {
        "id": "sc_ann",
        "provider": "square",
        "programme": "square/default",
        "environment": "simulator",
        "person": "ann",
        "state": SavedCardState.ACTIVE,
        "created_at": START,
        "updated_at": START,
        "synced_at": START,
        "exp_month": 12,
        "exp_year": 2030,
    }
    return SavedCard(**(told | more))


def hold(id: str = "pay_1", amount: str = "50", *, lasts: timedelta = timedelta(days=5), **more: Any) -> Payment:  # noqa: A002
    none = usd("0")
    told: dict[str, Any] = {
        "id": id,
        "ref": f"ref_{id}",
        "provider": "square",
        "programme": "square/default",
        "saved_card_id": "sc_ann",
        "invoice": "A-17",
        "kind": PaymentKind.PREAUTH,
        "state": PaymentState.APPROVED,
        "amount": usd(amount),
        "tip": none,
        "captured": none,
        "refunded": none,
        "expires_at": START + lasts,
        "created_at": START,
        "updated_at": START,
        "told_at": START,
    }
    return Payment(**(told | more))


def taken(id: str, amount: str, **more: Any) -> Payment:  # noqa: A002
    return hold(id, amount, state=PaymentState.COMPLETED, captured=usd(amount), **more)


def ended(id: str, **more: Any) -> Payment:  # noqa: A002
    return hold(id, state=PaymentState.CANCELED, **more)


def judged(wanted: Lot | None = None, *payments: Payment, now: datetime = INSIDE, **more: Any) -> Judgement:
    told: dict[str, Any] = {"card": card(), "payments": payments} | more
    standing = Standing(**told)
    return judge(Policy((), window=4 * HOUR, hold_for=timedelta(days=6)), wanted or lot(), standing, now)


def told(steps: tuple[Step, ...]) -> list[str]:
    """`hold 50.00 A-17`, `release 50.00 pay_1`."""
    return [f"{step.action} {step.amount.amount} {step.payment.id if step.payment else step.invoice}" for step in steps]


COMPLETED, CANCELLED = LotStatus.COMPLETED, LotStatus.CANCELLED
AGES = START + timedelta(days=30)
TABLE: dict[str, tuple[Judgement, Cover, list[str]]] = {
    "before its window": (judged(now=START - 5 * HOUR), Cover.WAITING, []),
    "its window is open": (judged(now=START - 4 * HOUR), Cover.MISSING, ["hold 50.00 A-17"]),
    "it has begun": (judged(now=START + HOUR), Cover.MISSING, ["hold 50.00 A-17"]),
    "held": (judged(None, hold()), Cover.COVERED, []),
    "held with more": (judged(None, hold(amount="60")), Cover.COVERED, []),
    "held without an end": (judged(None, hold(expires_at=None)), Cover.COVERED, []),
    "held with less": (judged(None, hold(amount="40")), Cover.MISSING, ["top_up 50.00 A-17~2", "release 40.00 pay_1"]),
    "two little ones": (
        judged(None, hold(amount="30"), hold("pay_2", "20", invoice="A-17~2")),
        Cover.MISSING,
        ["top_up 50.00 A-17~3", "release 30.00 pay_1", "release 20.00 pay_2"],
    ),
    "about to lapse": (
        judged(None, hold(lasts=3 * HOUR)),
        Cover.LAPSING,
        ["renew 50.00 A-17~2", "release 50.00 pay_1"],
    ),
    "lapses later, before the end": (judged(None, hold(lasts=5 * HOUR)), Cover.COVERED, []),
    "lapsed, and nobody has told": (
        judged(None, hold(lasts=-3 * HOUR)),
        Cover.MISSING,
        ["top_up 50.00 A-17~2", "release 50.00 pay_1"],
    ),
    "cut off while renewed": (
        judged(None, hold(lasts=3 * HOUR), hold("pay_2", invoice="A-17~2")),
        Cover.COVERED,
        ["release 50.00 pay_1"],
    ),
    "released before": (judged(None, ended("pay_1")), Cover.MISSING, ["hold 50.00 A-17~2"]),
    "paid already": (judged(None, taken("pay_1", "50")), Cover.PAID, []),
    "paid in part": (judged(None, taken("pay_1", "20"), hold("pay_2")), Cover.MISSING, []),
    "long over, still open": (judged(None, hold(lasts=timedelta(days=31)), now=AGES), Cover.OVERDUE, []),
    "over, still kept": (judged(now=START + 20 * HOUR), Cover.MISSING, ["hold 50.00 A-17"]),
    "no card": (judged(card=None), Cover.MISSING, []),
    "expired": (judged(card=card(exp_year=2026, exp_month=9)), Cover.MISSING, []),
    "disabled": (judged(card=card(state=SavedCardState.DISABLED)), Cover.MISSING, []),
    "disabled, and held": (judged(None, hold(), card=card(state=SavedCardState.DISABLED)), Cover.COVERED, []),
    "disabled, and about to lapse": (
        judged(None, hold(lasts=HOUR), card=card(state=SavedCardState.DISABLED)),
        Cover.LAPSING,
        [],
    ),
    "in doubt": (judged(None, hold(amount="40"), doubt="op_1"), Cover.MISSING, []),
    "in doubt, before its window": (judged(doubt="op_1", now=START - 9 * HOUR), Cover.WAITING, []),
    "another lot of the card in doubt": (judged(card_doubt="op_1"), Cover.MISSING, []),
    "pending": (judged(None, hold(state=PaymentState.PENDING)), Cover.MISSING, []),
    "of another card": (judged(None, hold(saved_card_id="sc_bob")), Cover.MISSING, []),
    "in another currency": (judged(None, replace(hold(), amount=Money(5000, "EUR"))), Cover.MISSING, []),
    "just declined": (judged(declined=Decline(INSIDE - 10 * timedelta(minutes=1), usd("50"), "no")), Cover.MISSING, []),
    "declined an hour ago": (judged(declined=Decline(INSIDE - HOUR, usd("50"), "no")), Cover.MISSING, ["hold 50.00 A-17"]),
    "declined, and asked for less": (
        judged(declined=Decline(INSIDE, usd("60"), "no")),
        Cover.MISSING,
        ["hold 50.00 A-17"],
    ),
    "completed": (judged(lot(status=COMPLETED), hold()), Cover.DUE, ["capture 50.00 pay_1"]),
    "completed with less": (judged(lot(status=COMPLETED, final=usd("42.10")), hold()), Cover.DUE, ["capture 42.10 pay_1"]),
    "completed with two holds": (
        judged(lot(status=COMPLETED), hold(lasts=HOUR), hold("pay_2", invoice="A-17~2")),
        Cover.DUE,
        ["capture 50.00 pay_2", "release 50.00 pay_1"],
    ),
    "completed with more than is held": (
        judged(lot(status=COMPLETED, final=usd("60")), hold()),
        Cover.DUE,
        ["capture 50.00 pay_1", "charge 10.00 A-17~2"],
    ),
    "the rest of it": (
        judged(lot(status=COMPLETED, final=usd("60")), taken("pay_1", "50")),
        Cover.DUE,
        ["charge 10.00 A-17~2"],
    ),
    "completed, and its hold gone": (
        judged(lot(status=COMPLETED), ended("pay_1"), now=AGES),
        Cover.DUE,
        ["charge 50.00 A-17~2"],
    ),
    "completed, never held": (judged(lot(status=COMPLETED), now=START + 5 * HOUR), Cover.DUE, ["charge 50.00 A-17"]),
    "completed long ago, never held": (judged(lot(status=COMPLETED), now=AGES), Cover.DUE, []),
    "completed, and the card disabled": (
        judged(lot(status=COMPLETED), hold(), card=card(state=SavedCardState.DISABLED)),
        Cover.DUE,
        ["capture 50.00 pay_1"],
    ),
    "captured": (judged(lot(status=COMPLETED), taken("pay_1", "50")), Cover.PAID, []),
    "captured, one hold left": (
        judged(lot(status=COMPLETED), taken("pay_1", "50"), hold("pay_2")),
        Cover.DUE,
        ["release 50.00 pay_2"],
    ),
    "captured, then given back": (judged(lot(status=COMPLETED), taken("pay_1", "50", refunded=usd("50"))), Cover.PAID, []),
    "completed with nothing": (judged(lot(status=COMPLETED, final=usd("0")), hold()), Cover.DUE, ["release 50.00 pay_1"]),
    "cancelled": (judged(lot(status=CANCELLED), hold()), Cover.DUE, ["release 50.00 pay_1"]),
    "cancelled and free": (judged(lot(status=CANCELLED), ended("pay_1")), Cover.RELEASED, []),
    "cancelled, never held": (judged(lot(status=CANCELLED), card=None), Cover.RELEASED, []),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_lot_is_judged(name: str) -> None:
    judgement, cover, steps = TABLE[name]
    assert judgement.cover is cover
    assert told(judgement.steps) == steps
    assert judgement.wanting is (cover in (Cover.MISSING, Cover.LAPSING, Cover.DUE, Cover.OVERDUE))
    if judgement.wanting and not steps:
        assert judgement.reason, "who is not covered, and for whom nothing is done, is told why"
    assert not (judgement.reason and steps)


def test_more_taken_than_is_due_is_for_a_person() -> None:
    judgement = judged(lot(status=COMPLETED, final=usd("42.10")), taken("pay_1", "50"))
    assert judgement.cover is Cover.PAID
    assert judgement.wanting
    assert judgement.reason == "50.00 USD was taken, 42.10 USD is due: give back the rest"


def test_a_decline_says_when_it_is_asked_again() -> None:
    said = judged(declined=Decline(INSIDE, usd("50"), "the card was declined (GENERIC_DECLINE)")).reason
    assert said == (
        "declined at 2026-11-27 16:00 UTC: the card was declined (GENERIC_DECLINE); asked again after 2026-11-27 17:00 UTC"
    )


@pytest.mark.parametrize(
    ("held", "parts"),
    [
        ("60", [("50.00", "10.00")]),
        ("55", [("50.00", "5.00"), ("5.00", "0.00")]),
        ("50", [("50.00", "0.00"), ("10.00", "0.00")]),
        ("40", [("40.00", "0.00"), ("10.00", "10.00")]),
    ],
)
def test_a_tip_comes_after_the_price(held: str, parts: list[tuple[str, str]]) -> None:
    steps = judged(lot(status=COMPLETED, tip=usd("10")), hold(amount=held)).steps
    none = usd("0")
    assert [((step.amount - (step.tip or none)).amount, (step.tip or none).amount) for step in steps] == parts


def test_what_is_all_tip_is_taken_of_a_second_hold_as_an_amount() -> None:
    steps = judged(lot(status=COMPLETED, tip=usd("10")), hold(), hold("pay_2", "10", invoice="A-17~2", lasts=HOUR)).steps
    assert told(steps) == ["capture 50.00 pay_1", "capture 10.00 pay_2"]
    assert [step.tip for step in steps] == [None, None]


class Far:
    """The far side and the books of one lot, in one: what each step does to its payments."""

    def __init__(self) -> None:
        self.payments: list[Payment] = []
        self.now = START - 5 * HOUR
        self.length = timedelta(days=6)

    def pass_by(self, by: timedelta) -> None:
        self.now += by
        lapsed = {one.id for one in self.payments if one.held and one.expires_at and one.expires_at <= self.now}
        self.payments = [replace(one, state=PaymentState.CANCELED) if one.id in lapsed else one for one in self.payments]

    def run(self, policy: Policy, wanted: Lot, *, cut: int) -> Judgement:
        """At most `cut` steps, each decided anew."""
        for _ in range(cut):
            found = judge(policy, wanted, self.standing, self.now)
            if not found.steps:
                break
            self.do(found.steps[0])
        return judge(policy, wanted, self.standing, self.now)

    @property
    def standing(self) -> Standing:
        return Standing(card=card(), payments=tuple(self.payments))

    def do(self, step: Step) -> None:
        name = f"pay_{len(self.payments) + 1}"
        if step.action in PLACING or step.action is Action.CHARGE:
            assert step.invoice not in {one.invoice for one in self.payments}, "an invoice has one payment"
            assert step.tip is None or step.tip < step.amount, "a tip stands beside an amount"
            held = step.action in PLACING
            new = hold(name, invoice=step.invoice, amount=step.amount.amount, expires_at=self.now + self.length)
            self.payments.append(new if held else replace(new, state=PaymentState.COMPLETED, captured=step.amount))
            return
        assert step.payment is not None
        assert step.payment.held
        if step.action is Action.CAPTURE:
            assert step.amount <= step.payment.amount, "no more than is held"
            now = replace(step.payment, state=PaymentState.COMPLETED, captured=step.amount)
        else:
            now = replace(step.payment, state=PaymentState.CANCELED)
        self.payments = [now if one.id == now.id else one for one in self.payments]


RUNS = st.lists(
    st.tuples(
        st.integers(0, 8 * 24),  # hours that pass by
        st.integers(0, 3),  # steps before it is killed
        st.sampled_from(["20", "50", "80"]),  # what the file asks for by now
    ),
    max_size=12,
)


@settings(max_examples=400, deadline=None)
@given(
    runs=RUNS,
    status=st.sampled_from(LotStatus),
    final=st.sampled_from([None, "0", "30", "42.10", "90"]),
    tip=st.sampled_from([None, "5"]),
    length=st.sampled_from([2, 30, 144]),
)
def test_whatever_is_cut_off_one_hold_stands_and_what_is_due_is_taken(
    runs: list[tuple[int, int, str]], status: LotStatus, final: str | None, tip: str | None, length: int
) -> None:
    far = Far()
    far.length = timedelta(hours=length)
    policy = Policy((), hold_for=far.length, keep=timedelta(days=400))
    for hours, cut, amount in runs:
        far.pass_by(hours * HOUR)
        far.run(policy, lot(amount=usd(amount), end=START + timedelta(days=20)), cut=cut)
        assert not sum(one.captured.minor for one in far.payments), "nothing is taken of an open lot"
    open_ = lot(end=START + timedelta(days=20))
    found = far.run(policy, open_, cut=20)
    assert len(found.steps) == 0
    holds = [one for one in far.payments if one.held]
    assert len(holds) <= 1
    assert found.cover is (Cover.COVERED if far.now >= START - 4 * HOUR else Cover.WAITING)
    assert far.run(policy, open_, cut=20) == found
    ending = replace(open_, status=status, final=usd(final) if final else None, tip=usd(tip) if tip else None)
    far.run(policy, ending, cut=1)
    far.run(policy, ending, cut=20)
    if status is not LotStatus.OPEN:
        assert not [one for one in far.payments if one.held]
    assert sum(one.captured.minor for one in far.payments) == ending.due.minor
    before = list(far.payments)
    far.run(policy, ending, cut=20)
    assert far.payments == before, "a second run does nothing"
