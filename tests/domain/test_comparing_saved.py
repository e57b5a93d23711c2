"""Saved cards, payments and refunds on two sides: what is told of each difference at its edge, and what is no difference."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cardctl.db.columns import moment_to_text
from cardctl.domain.break_kinds import Severity
from cardctl.domain.breaks import Finding
from cardctl.domain.comparing.saved import LAPSING, ComparedPayment, compare_payment, compare_saved_card, same_card
from cardctl.domain.comparing.sides import PaymentSide, RefundSide, Rules, SavedCardSide
from cardctl.domain.money import Money

NOW = datetime(2026, 6, 1, 11, 59, 59, tzinfo=UTC)
"""The first moment at which May is over nowhere on earth yet, less a second."""
AT = moment_to_text(NOW - timedelta(days=2))
RULES = Rules("square", "square/L_ACME", NOW, fundings=False, links=False, begun=moment_to_text(NOW))
MOVING = replace(RULES, cutoff=moment_to_text(NOW - timedelta(minutes=10)))
CARD = SavedCardSide("a1b2", "active", "visa", "5858", 11, 2029, "", "sc_1", AT)
PAID = PaymentSide(
    "pmt1", "completed", 5000, 0, 5000, 0, "USD", None, False, "a1b2", "op_1", AT, AT, "COMPLETED", "pay_1", "sc_1"
)
HELD = PAID._replace(state="approved", captured=0, expires_at=moment_to_text(NOW + timedelta(days=3)))
REFUND = RefundSide("rfd1", "completed", 1000, "USD", "op_2", AT, AT, "COMPLETED", "pmt1")
BACK = PAID._replace(refunded=1000)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def compared(
    ours: PaymentSide | None,
    theirs: PaymentSide | None,
    our_refunds: tuple[RefundSide, ...] = (),
    their_refunds: tuple[RefundSide, ...] = (),
    rules: Rules = RULES,
) -> ComparedPayment:
    here, there = ({each.ref: each for each in side} for side in (our_refunds, their_refunds))
    return compare_payment(ours, theirs, here, there, rules)


def told(findings: list[Finding]) -> list[tuple[str, str, dict[str, Any], dict[str, Any], Money | None]]:
    return [(str(each.type), each.subject, each.local, each.remote, each.at_risk) for each in findings]


@pytest.mark.parametrize(
    ("here", "there", "type_"),
    [
        ({}, {}, None),
        ({}, None, "saved_card_gone"),
        ({"state": "expired"}, None, "saved_card_gone"),
        ({"state": "disabled"}, None, None),
        ({"state": "gone"}, None, None),
        ({}, {"state": "disabled", "word": "disabled"}, "saved_card_disabled"),
        ({}, {"state": "gone", "word": "forgotten"}, "saved_card_disabled"),
        ({"state": "expired"}, {"state": "disabled"}, "saved_card_disabled"),
        ({"state": "disabled"}, {"state": "disabled"}, None),
        ({"state": "gone"}, {"state": "disabled"}, None),
        ({"state": "disabled"}, {}, "saved_card_enabled"),
        ({"state": "gone"}, {}, "saved_card_enabled"),
        ({"state": "gone"}, {"exp_year": 2031}, "saved_card_enabled"),
        ({"exp_month": 4, "exp_year": 2026}, {"exp_month": 4, "exp_year": 2026}, "saved_card_expired"),
        ({"exp_month": 5, "exp_year": 2026}, {"exp_month": 5, "exp_year": 2026}, None),
        ({"state": "expired", "exp_year": 2020}, {"exp_year": 2020}, None),
        ({"state": "expired"}, {}, None),  # its bank has said so, and Square knows nothing of it
        ({"state": "expired", "exp_year": 2020}, {}, "saved_card_renewed"),
        ({}, {"exp_year": 2031}, "saved_card_renewed"),
        ({}, {"last4": "1111"}, "saved_card_renewed"),
        ({"brand": None}, {}, "saved_card_renewed"),
        ({}, {"brand": None, "last4": None, "exp_month": None, "exp_year": None}, None),
        ({"exp_year": 2020}, {"exp_year": 2020, "last4": "1111"}, "saved_card_renewed"),
    ],
)
def test_a_card(here: dict[str, Any], there: dict[str, Any] | None, type_: str | None) -> None:
    ours = CARD._replace(**here)
    theirs = None if there is None else CARD._replace(id="", **there)
    found = list(compare_saved_card(ours, theirs, RULES))
    assert [str(each.type) for each in found] == ([type_] if type_ else [])
    for each in found:
        assert (each.subject, each.card_id, each.evidence) == ("sc_1", "sc_1", {"objects": ["sc_1"]})
        assert "a1b2" not in str(each.plain())
    if theirs is not None and not found:
        again = same_card(theirs, RULES)._replace(id="sc_1")
        assert list(compare_saved_card(again, theirs, RULES)) == [], "what evidence takes for our side differs in nothing"


def test_a_month_is_over_when_it_is_over_everywhere() -> None:
    may = CARD._replace(exp_month=5, exp_year=2026)
    assert list(compare_saved_card(may, may, RULES)) == []
    second_later = replace(RULES, now=NOW + timedelta(seconds=1))
    (found,) = compare_saved_card(may, may, second_later)
    assert (str(found.type), found.local, found.remote) == (
        "saved_card_expired",
        {"state": "active"},
        {"exp_month": 5, "exp_year": 2026},
    )


@pytest.mark.parametrize("one", [PAID, HELD, BACK, PAID._replace(state="canceled", captured=0)])
def test_a_payment_that_is_the_same(one: PaymentSide) -> None:
    theirs = one._replace(id="", word="X", updated_at=AT)
    assert compared(one, theirs).findings == []


@pytest.mark.parametrize(
    ("here", "there", "expected", "severity"),
    [
        (
            HELD,
            PAID,
            (
                "payment_state",
                {"state": "approved", "captured": "0.00 USD"},
                {"state": "completed", "captured": "50.00 USD"},
                5000,
            ),
            Severity.CRITICAL,
        ),
        (
            HELD,
            HELD._replace(state="canceled"),
            ("payment_state", {"state": "approved"}, {"state": "canceled"}, 5000),
            Severity.WARNING,
        ),
        (
            HELD._replace(state="canceled"),
            HELD,
            ("payment_state", {"state": "canceled"}, {"state": "approved"}, 5000),
            Severity.WARNING,
        ),
        (
            HELD,
            PAID._replace(amount=4000, tip=210, captured=4210),
            (
                "payment_state",
                {"state": "approved", "amount": "50.00 USD", "tip": "0.00 USD", "captured": "0.00 USD"},
                {"state": "completed", "amount": "40.00 USD", "tip": "2.10 USD", "captured": "42.10 USD"},
                4210,
            ),
            Severity.CRITICAL,
        ),
        (
            PAID,
            PAID._replace(tip=300, captured=5300),
            (
                "payment_amount",
                {"tip": "0.00 USD", "captured": "50.00 USD"},
                {"tip": "3.00 USD", "captured": "53.00 USD"},
                300,
            ),
            Severity.CRITICAL,
        ),
        (PAID, BACK, ("payment_amount", {"refunded": "0.00 USD"}, {"refunded": "10.00 USD"}, 1000), Severity.CRITICAL),
        (HELD, HELD._replace(amount=5001), ("payment_amount", {"amount": "50.00 USD"}, {"amount": "50.01 USD"}, 1), None),
        (PAID, PAID._replace(currency="EUR"), ("payment_amount", {"currency": "USD"}, {"currency": "EUR"}, 0), None),
        (
            HELD,
            HELD._replace(state="unknown", word="ODD"),
            ("unknown_word", {"state": "approved"}, {"word": "ODD"}, 5000),
            None,
        ),
    ],
)
def test_a_payment_that_differs(
    here: PaymentSide, there: PaymentSide, expected: tuple[Any, ...], severity: Severity | None
) -> None:
    done = compared(here, there)
    type_, local, remote, risk = expected
    assert told(done.findings) == [(type_, "pmt1", local, remote, usd(risk))]
    assert done.differs
    (found,) = done.findings
    assert (found.card_id, found.evidence) == ("sc_1", {"objects": ["pmt1"]})
    assert severity is None or found.kind.severity is severity


def test_a_payment_that_one_side_has_not() -> None:
    theirs = PAID._replace(id="", refunded=1000)
    done = compared(None, theirs, (), (REFUND,))
    there = {"state": "completed", "amount": "50.00 USD", "captured": "50.00 USD", "refunded": "10.00 USD", "refunds": 1}
    assert told(done.findings) == [("payment_missing_here", "pmt1", {}, there | {"made_by": "op_1"}, usd(4000))]
    assert done.findings[0].evidence == {"objects": ["pmt1", "rfd1"]}, "its refunds are part of it"
    done = compared(HELD, None)
    here = {"state": "approved", "amount": "50.00 USD"}
    assert told(done.findings) == [("payment_missing_there", "pmt1", here, {}, usd(5000))]
    done = compared(BACK, None, (REFUND,))
    assert [str(each.type) for each in done.findings] == ["payment_missing_there"]


@pytest.mark.parametrize("state", ["failed", "canceled"])
def test_what_took_nothing_may_be_on_one_side_only(state: str) -> None:
    one = HELD._replace(state=state)
    assert compared(None, one).findings == compared(one, None).findings == []


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ((), (REFUND,), ("refund_missing_here", {}, {"state": "completed", "amount": "10.00 USD", "currency": "USD"}, 1000)),
        ((REFUND,), (), ("refund_missing_there", {"state": "completed", "amount": "10.00 USD", "currency": "USD"}, {}, 1000)),
        (
            (REFUND._replace(state="pending"),),
            (REFUND._replace(state="rejected"),),
            ("refund_state", {"state": "pending"}, {"state": "rejected"}, 1000),
        ),
        (
            (REFUND,),
            (REFUND._replace(amount=1200),),
            ("refund_amount", {"amount": "10.00 USD"}, {"amount": "12.00 USD"}, 200),
        ),
        (
            (REFUND,),
            (REFUND._replace(state="unknown", word="ODD"),),
            ("unknown_word", {"state": "completed"}, {"word": "ODD"}, 1000),
        ),
    ],
)
def test_a_refund_that_differs_explains_its_payment(
    ours: tuple[RefundSide, ...], theirs: tuple[RefundSide, ...], expected: tuple[Any, ...]
) -> None:
    """Whether a payment's own word counts refunds from their beginning, or only when they are through."""
    type_, local, remote, risk = expected
    for through in (True, False):
        here, there = (
            PAID._replace(
                refunded=sum(r.amount for r in side if r.state == "completed" or (not through and r.state == "pending"))
            )
            for side in (ours, theirs)
        )
        done = compared(here, there, ours, theirs)
        assert told(done.findings) == [(type_, "rfd1", local, remote, usd(risk))]
        assert done.findings[0].evidence == {"objects": ["rfd1", "pmt1"]}
        assert done.findings[0].card_id == "sc_1"


def test_books_count_a_refund_from_its_beginning_and_the_provider_may_not() -> None:
    pending = REFUND._replace(state="pending")
    assert compared(BACK, PAID, (pending,), (pending,)).findings == []


def test_what_no_refund_explains() -> None:
    done = compared(PAID, PAID._replace(refunded=1500), (), (REFUND,))
    assert [str(each.type) for each in done.findings] == ["refund_missing_here", "payment_amount"]
    assert done.findings[1].remote == {"refunded": "15.00 USD"}


def test_a_refund_that_came_to_nothing_may_be_on_one_side_only() -> None:
    rejected = REFUND._replace(state="rejected")
    assert compared(PAID, PAID, (), (rejected,)).findings == compared(PAID, PAID, (rejected,), ()).findings == []


def test_a_hold_that_ends_by_itself() -> None:
    edge = HELD._replace(created_at=moment_to_text(NOW - timedelta(days=6)), expires_at=moment_to_text(NOW + LAPSING))
    assert compared(edge, edge._replace(expires_at=moment_to_text(NOW + LAPSING + timedelta(seconds=1)))).findings == []
    done = compared(edge, edge)
    there = {"expires_at": edge.expires_at, "held": "50.00 USD"}
    assert told(done.findings) == [("hold_lapsing", "pmt1", {}, there, usd(5000))]
    assert done.findings[0].kind.severity is Severity.WARNING
    assert not done.differs, "both sides say the same"
    (captured,) = compared(edge, edge._replace(then_capture=True)).findings
    assert captured.kind.severity is Severity.INFO
    assert captured.kind.fix == "nothing; or cancel it before"
    over = edge._replace(state="canceled")
    assert [str(each.type) for each in compared(over, edge).findings] == ["payment_state"], "told once"


def test_a_short_hold_is_no_news_before_its_last_quarter() -> None:
    def hold(begun: int, left: int) -> PaymentSide:
        begins, ends = (moment_to_text(NOW + timedelta(hours=hours)) for hours in (-begun, left))
        return HELD._replace(created_at=begins, expires_at=ends)

    young, late = hold(begun=1, left=4), hold(begun=3, left=1)
    assert compared(young, young).findings == []
    assert [str(each.type) for each in compared(late, late).findings] == ["hold_lapsing"]


@pytest.mark.parametrize("at", ["2026-06-01T11:49:59.000000Z", "2026-06-01T12:30:00.000000Z"])
def test_what_still_moves_is_left_out(at: str) -> None:
    """Ten minutes, and whatever came after reading had begun."""
    late: dict[str, Any] = {"updated_at": at}
    for done in (
        compared(None, PAID._replace(**late), rules=MOVING),
        compared(HELD._replace(**late), None, rules=MOVING),
        compared(HELD, PAID._replace(**late), rules=MOVING),
        compared(PAID, BACK._replace(**late), (), (REFUND._replace(**late),), rules=MOVING),
        compared(BACK, PAID, (REFUND._replace(**late),), (), rules=MOVING),
    ):
        assert done.findings == []
        assert done.moving
    second_before: dict[str, Any] = {"updated_at": "2026-06-01T11:49:58.999999Z"}
    assert compared(None, PAID._replace(**second_before), rules=MOVING).findings


def test_refunds_of_a_payment_from_before_the_time_that_is_looked_at() -> None:
    part = replace(RULES, since=AT)
    assert [str(each.type) for each in compared(None, None, (), (REFUND,), part).findings] == ["refund_missing_here"]
    assert [str(each.type) for each in compared(None, None, (REFUND,), (), part).findings] == ["refund_missing_there"]
