"""A card with its money events on two sides: what is told of each difference at its edge, and what is no difference."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cardctl.db.columns import moment_to_text
from cardctl.domain.comparing.cards import compare_account, compare_card, shared_balance
from cardctl.domain.comparing.money import Compared
from cardctl.domain.comparing.sides import AccountSide, CardSide, MoneySide, Rules

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
AT = NOW - timedelta(days=60)
SECOND = timedelta(seconds=1)
RULES = Rules("stripe", "stripe/x", NOW, fundings=True, links=True, begun=moment_to_text(NOW))
MOVING = replace(RULES, cutoff=moment_to_text(NOW - timedelta(minutes=10)))
HERE = CardSide(
    "ic_1",
    "ich_1",
    "active",
    "USD",
    "4242",
    5,
    2029,
    "Ada",
    1,
    2,
    3,
    4,
    1000,
    1000,
    False,
    True,
    "",
    "card_1",
    "",
    "2026-01-01",
)
THERE = HERE._replace(balance=None, id="", created_at="", word="active")
KEPT = HERE._replace(allowance=None), THERE._replace(allowance=None, balance=1000)
"""A card whose balance its provider keeps."""


def row(ref: str, amount: int = 100, *, at: datetime = AT, **more: Any) -> MoneySide:
    """A settled fee, which nothing in a card's life is about."""
    told = MoneySide(
        ref, "fee", "settled", amount, -amount, "USD", None, moment_to_text(at), "Shop", "5999", None, None, None, "ic_1"
    )
    return told._replace(**more)


def compared(
    ours: list[MoneySide], theirs: list[MoneySide], rules: Rules = RULES, *, here: CardSide = HERE, there: CardSide = THERE
) -> Compared:
    """With a balance here that its own events explain, where its allowance tells."""
    if here.allowance is not None and here.balance is not None:
        here = here._replace(balance=here.balance + sum(each.impact for each in ours if each.kind == "fee"))
    our_rows, their_rows = ({each.ref: tuple(each) for each in side} for side in (ours, theirs))
    return compare_card(here, there, our_rows, their_rows, rules)


def told(done: Compared) -> list[tuple[str, str]]:
    return [(str(each.type), each.subject) for each in done.findings]


def one(here: dict[str, Any], there: dict[str, Any], *, base: tuple[CardSide, CardSide] = (HERE, THERE)) -> list[str]:
    """What is told of a card without events that differs in so much."""
    ours, theirs = base[0]._replace(**here), base[1]._replace(**there)
    return [str(each.type) for each in compare_card(ours, theirs, {}, {}, RULES).findings]


CARDS: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "equal": ({}, {}, []),
    "frozen, by one word for two": ({"state": "frozen"}, {"state": "inactive"}, []),
    "frozen, as only the books can tell": ({"state": "frozen"}, {"state": "inactive", "ever_active": False}, []),
    "never active": ({"state": "inactive", "ever_active": False}, {"state": "inactive", "ever_active": False}, []),
    "frozen there": ({}, {"state": "inactive"}, ["card_state"]),
    "closed there": ({}, {"state": "closed"}, ["card_state"]),
    "closed here": ({"state": "closed"}, {}, ["reopened_closed"]),
    "failed here": ({"state": "failed"}, {"state": "frozen"}, ["reopened_closed"]),
    "failed and closed": ({"state": "failed"}, {"state": "closed"}, []),
    "a word that nobody knows": ({}, {"state": "unknown", "word": "hotlisted"}, ["unknown_word"]),
    "closed, and otherwise different": (
        {"state": "closed", "daily": 9, "balance": 5},
        {"state": "closed", "holder": "Eve"},
        [],
    ),
    "a limit": ({}, {"monthly": 5}, ["card_limits"]),
    "a limit taken away": ({}, {"monthly": None}, ["card_limits"]),
    "all limits": ({}, {"per_transaction": 9, "daily": 9, "weekly": 9, "monthly": 9}, ["card_limits"]),
    "another currency, and nothing else of it": ({}, {"currency": "EUR", "daily": 9, "holder": "Eve"}, ["card_currency"]),
    "last4": ({}, {"last4": "4243"}, ["card_details"]),
    "expiry": ({}, {"exp_month": 6, "exp_year": 2030}, ["card_details"]),
    "holder": ({}, {"holder": "Eve"}, ["card_details"]),
    "what an answer left out": ({}, {"holder": "", "last4": "", "exp_month": 0, "exp_year": 0}, []),
    "what the books left out": ({"holder": ""}, {}, ["card_details"]),
    "an allowance of one more": ({}, {"allowance": 1001}, ["balance"]),
    "a balance of one less": ({"balance": 999}, {}, ["balance"]),
    "an allowance that only one side has": ({}, {"allowance": None}, ["balance"]),
    "an allowance that the books do not have": ({"allowance": None, "balance": None}, {}, ["balance"]),
    "no allowance at all": ({"allowance": None, "balance": None}, {"allowance": None}, []),
    "three things at once": (
        {},
        {"state": "closed", "daily": 9, "holder": "Eve"},
        ["card_state", "card_limits", "card_details"],
    ),
}


@pytest.mark.parametrize("name", CARDS)
def test_a_card(name: str) -> None:
    here, there, truth = CARDS[name]
    assert one(here, there) == truth


def test_a_card_on_one_side_only() -> None:
    assert [str(each.type) for each in compare_card(None, THERE, {}, {}, RULES).findings] == ["card_missing_here"]
    assert [str(each.type) for each in compare_card(HERE, None, {}, {}, RULES).findings] == ["card_missing_there"]
    assert not compare_card(HERE._replace(state="closed"), None, {}, {}, RULES).findings
    event = {"a": tuple(row("a"))}
    assert [str(each.type) for each in compare_card(None, THERE, {}, event, RULES).findings] == ["card_missing_here"]
    assert [str(each.type) for each in compare_card(HERE, None, event, {}, RULES).findings] == ["card_missing_there"]
    assert [str(each.type) for each in compare_card(None, None, {}, event, RULES).findings] == ["transaction_orphan"]


FEE, MORE = row("a"), row("b", 7)
EVENTS: dict[str, tuple[list[MoneySide], list[MoneySide], list[tuple[str, str]]]] = {
    "equal": ([FEE], [FEE], []),
    "in another order": ([FEE, MORE], [MORE, FEE], []),
    "missing here": ([FEE], [FEE, MORE], [("transaction_missing_here", "b")]),
    "missing there": ([FEE, MORE], [FEE], [("transaction_missing_there", "b")]),
    "voided here": ([FEE, MORE._replace(state="reversed", impact=0)], [FEE], []),
    "a cent": ([FEE], [FEE._replace(amount=101, impact=-101)], [("transaction_amount", "a")]),
    "what it does": ([FEE], [FEE._replace(impact=0)], [("transaction_amount", "a")]),
    "its state": ([FEE], [FEE._replace(state="pending")], [("transaction_state", "a")]),
    "its kind": ([FEE], [FEE._replace(kind="chargeback")], [("transaction_state", "a")]),
    "its state and a cent": ([FEE], [FEE._replace(state="pending", amount=101, impact=-101)], [("transaction_amount", "a")]),
    "its state, which nobody knows": ([FEE], [FEE._replace(state="unknown")], [("unknown_word", "a")]),
    "its merchant, which nobody compares": ([FEE], [FEE._replace(merchant="SHOP", mcc="1", code="2")], []),
    "twice here": ([FEE, FEE._replace(ref="c")], [FEE], [("transaction_duplicate", "c")]),
    "twice here by their code": (
        [FEE._replace(code="1"), FEE._replace(ref="c", code="1", merchant="x")], [FEE._replace(code="1")],
        [("transaction_duplicate", "c")],
    ),
    "alike, with another code": (
        [FEE._replace(code="1"), FEE._replace(ref="c", code="2")], [FEE._replace(code="1")],
        [("transaction_missing_there", "c")],
    ),
    "alike, five minutes later": ([FEE, row("c", at=AT + 300 * SECOND)], [FEE], [("transaction_duplicate", "c")]),
    "alike, a second later than that": ([FEE, row("c", at=AT + 301 * SECOND)], [FEE], [("transaction_missing_there", "c")]),
    "alike, across midnight of a month's end": (
        [row("a", at=datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)), row("c", at=datetime(2026, 4, 1, 0, 0, 1, tzinfo=UTC))],
        [row("a", at=datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC))],
        [("transaction_duplicate", "c")],
    ),
    "alike, a month later": (
        [row("a", at=datetime(2026, 3, 5, tzinfo=UTC)), row("c", at=datetime(2026, 4, 5, tzinfo=UTC))],
        [row("a", at=datetime(2026, 3, 5, tzinfo=UTC))],
        [("transaction_missing_there", "c")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EVENTS)
def test_money_events(name: str) -> None:
    """The balance is never told beside them: they explain it."""
    ours, theirs, truth = EVENTS[name]
    assert told(compared(ours, theirs)) == truth


def test_what_is_still_moving_is_left_out_to_the_very_moment() -> None:
    edge = NOW - timedelta(minutes=10)
    for ours, theirs in (([], [row("a", at=edge)]), ([row("a", at=edge)], []), ([row("a", 1, at=edge)], [row("a", at=edge)])):
        done = compared(ours, theirs, MOVING)
        assert (told(done), done.moving) == ([], 1)
    assert told(compared([], [row("a", at=edge - SECOND)], MOVING)) == [("transaction_missing_here", "a")]
    assert told(compared([row("a", at=edge - SECOND)], [], MOVING)) == [("transaction_missing_there", "a")]


def test_what_the_books_have_heard_of_later_is_no_break() -> None:
    held = row("a", kind="authorization", state="approved", progress="0.1.0", at=NOW - SECOND)
    assert told(compared([held._replace(state="settled", impact=0, progress="1.1.1")], [held])) == []
    behind = held._replace(state="settled", impact=0, progress="1.1.1")
    assert told(compared([held], [behind])) == [("transaction_amount", "a")]


def moved(ref: str, amount: int = 100, **more: Any) -> MoneySide:
    return row(ref, amount, kind="funding", impact=amount, **more)


def test_a_funding_goes_by_two_names() -> None:
    here, there = KEPT
    for ours, theirs in (
        (moved("op_1", reference="mv_1"), moved("mv_1")),
        (moved("op_1"), moved("mv_1", reference="op_1")),
        (moved("mv_1"), moved("mv_1")),
    ):
        assert told(compared([ours], [theirs], here=here, there=there)) == []


@pytest.mark.parametrize(("by", "truth"), [(0, []), (100, []), (1, ["balance"]), (-100, ["balance"])])
def test_a_funding_on_one_side_explains_a_balance_that_it_moved_or_did_not(by: int, truth: list[str]) -> None:
    here, there = KEPT[0], KEPT[1]._replace(balance=1000 + by)
    done = compared([], [moved("mv_1")], here=here, there=there)
    assert sorted(kind for kind, _ in told(done)) == [*truth, "funding_unmatched"]


def test_fundings_are_no_matter_where_the_provider_lists_none() -> None:
    assert told(compared([moved("op_1")], [], replace(RULES, fundings=False))) == []


def test_a_break_that_is_missing_here_and_out_of_order_is_one() -> None:
    refund = row("r", kind="refund", impact=100)
    done = compared([], [refund])
    assert told(done) == [("refund_without_purchase", "r")]
    assert done.findings[0].local == {"missing": True}
    forced = row("s", kind="settlement")
    assert told(compared([], [forced])) == [("transaction_missing_here", "s")]


@pytest.mark.parametrize(
    ("difference", "explained", "felt", "broken"),
    [
        (0, 0, 0, False),
        (5, 5, 0, False),
        (0, 5, 0, False),
        (12, 5, 7, False),
        (5, 5, 7, False),
        (7, 5, 7, True),
        (1, 0, 0, True),
        (4, 5, 0, True),
    ],
)
def test_a_balance_that_is_the_holders(difference: int, explained: int, felt: int, broken: bool) -> None:
    there = KEPT[1]._replace(balance=1000 + difference, shared=True)
    found = shared_balance(KEPT[0], there, explained, felt, RULES)
    assert (found is not None) == broken
    assert found is None or (found.subject, found.card_id, str(found.at_risk)) == ("ich_1", "card_1", f"0.0{difference} USD")


def test_accounts() -> None:
    here, there = AccountSide("ich_1", "active", "verified", "account_1"), AccountSide("ich_1", "active", "verified")

    def of(here: AccountSide | None, there: AccountSide | None, *, listed: bool = True) -> list[str]:
        return [str(each.type) for each in compare_account(here, there, RULES, listed=listed)]

    assert of(here, there) == []
    assert of(None, there) == ["account_missing_here"]
    assert of(here, None) == ["account_missing_there"]
    assert of(here, None, listed=False) == []
    assert of(here._replace(state="closed"), None) == []
    assert of(here, there._replace(state="suspended", kyc="rejected")) == ["account_state", "account_kyc"]
