"""Lists of transactions: what is hidden by default, how far they look back, every filter, what is related."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cardctl.simulator.books import FarSide
from tests.simulator.marqeta.stranger import Stranger, refusal

ALL = "PENDING,CLEARED,COMPLETION,DECLINED,ERROR"
DAY = 86400


@pytest.fixture
def user(one: Stranger) -> str:
    token = one.user()
    one.load(token, 100)
    return token


@pytest.fixture
def card(one: Stranger, user: str) -> str:
    return one.card(user)


def kinds(found: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(one["type"], one["state"]) for one in found]


def test_declined_and_cleared_ones_hide(one: Stranger, card: str) -> None:
    one.clear(one.authorise(card, 10)["token"], 10)
    one.authorise(card, 10)
    one.authorise(card, 1000)
    assert kinds(one.listed("/transactions")) == [
        ("authorization", "PENDING"),
        ("authorization.clearing", "COMPLETION"),
        ("gpa.credit", "COMPLETION"),
    ]
    assert len(one.listed("/transactions", state=ALL)) == 5
    assert kinds(one.listed("/transactions", state="DECLINED,CLEARED")) == [
        ("authorization", "DECLINED"),
        ("authorization", "CLEARED"),
    ]
    assert kinds(one.listed(f"/cards/{card}/transactions")) == [
        ("authorization", "PENDING"),
        ("authorization.clearing", "COMPLETION"),
    ]
    refusal(one.get("/transactions", state="GONE"), 400)
    refusal(one.get("/cards/none/transactions"), 404)


def test_ten_on_a_page(one: Stranger, card: str) -> None:
    for _ in range(12):
        one.authorise(card, 1)
    page = one.seen("/transactions", type="authorization")
    assert (page["count"], page["is_more"]) == (10, True)
    rest = one.seen("/transactions", type="authorization", start_index=10)
    assert (rest["count"], rest["is_more"]) == (2, False)
    assert len({bought["token"] for bought in page["data"] + rest["data"]}) == 12
    refusal(one.get("/transactions", count=101), 413)
    refusal(one.get("/transactions", sort_by="-lastModifiedTime"), 400)


def test_they_look_back_30_days(one: Stranger, user: str, card: str, far_side: FarSide) -> None:
    one.authorise(card, 10)
    began = datetime.fromtimestamp(far_side.now(), UTC)
    far_side.advance(31 * DAY)
    one.authorise(card, 5)
    assert [bought["amount"] for bought in one.listed("/transactions")] == [5]
    start, end = began - timedelta(days=1), began + timedelta(days=60)
    both = {"start_date": start.strftime("%Y-%m-%d"), "end_date": end.strftime("%Y-%m-%d")}
    assert [bought["amount"] for bought in one.listed("/transactions", **both)] == [5, 10, 100]
    assert len(one.listed("/transactions", start_date=both["start_date"])) == 1  # older ones need both dates
    assert len(one.listed("/transactions", end_date=both["end_date"])) == 1
    assert len(one.listed(f"/cards/{card}/transactions", **both)) == 2


def test_dates(one: Stranger, card: str, far_side: FarSide) -> None:
    bought = one.authorise(card, 10)
    at = datetime.fromisoformat(bought["user_transaction_time"])
    day = at.strftime("%Y-%m-%d")
    assert len(one.listed("/transactions", start_date=day, end_date=day, type="authorization")) == 1
    exact = at.strftime("%Y-%m-%dT%H:%M:%S.00")
    assert len(one.listed("/transactions", start_date=exact, end_date=exact, type="authorization")) == 1
    before = (at - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")
    assert one.listed("/transactions", start_date="2020-01-01", end_date=before, type="authorization") == []
    for wrong in ({"start_date": "soon"}, {"start_date": "2026-02-02", "end_date": "2026-02-01"}):
        refusal(one.get("/transactions", **wrong), 400)


def test_filters_together(one: Stranger, user: str, card: str) -> None:
    other = one.user()
    one.load(other, 50)
    one.authorise(one.card(other), 1)
    bought = one.authorise(card, 10)
    assert [found["token"] for found in one.listed("/transactions", user_token=user, type="authorization")] == [bought["token"]]
    assert [found["token"] for found in one.listed("/transactions", card_token=card)] == [bought["token"]]
    assert len(one.listed("/transactions", type="authorization,gpa.credit")) == 4
    assert one.listed("/transactions", card_token=card, user_token=other) == []
    assert one.listed("/transactions", business_token=user) == []
    assert one.listed("/transactions", account_token=user) == []
    last = one.listed("/transactions", start_identifier=bought["identifier"])
    assert [found["token"] for found in last] == [bought["token"]]


def test_sorting(one: Stranger, card: str, far_side: FarSide) -> None:
    first = one.authorise(card, 10)["token"]
    far_side.advance(DAY)
    second = one.authorise(card, 5)["token"]
    far_side.advance(DAY)
    late = one.clear(first, 10)
    assert late["user_transaction_time"] < late["created_time"]
    states = {"card_token": card, "state": ALL}
    by_user = [found["token"] for found in one.listed("/transactions", **states)]
    by_creation = [found["token"] for found in one.listed("/transactions", sort_by="-created_time", **states)]
    assert by_user == [second, late["token"], first]
    assert by_creation == [late["token"], second, first]
    assert [found["token"] for found in one.listed("/transactions", sort_by="created_time", **states)] == by_creation[::-1]


def test_related(one: Stranger, card: str) -> None:
    bought = one.authorise(card, 10)["token"]
    part = one.reverse(bought, 4)["token"]
    taken = one.clear(bought, 6)["token"]
    one.authorise(card, 1)
    assert {found["token"] for found in one.listed(f"/transactions/{bought}/related")} == {part, taken}
    assert {found["token"] for found in one.listed(f"/transactions/{taken}/related")} == {part, bought}
    related = one.listed(f"/transactions/{bought}/related", type="authorization.clearing", state="COMPLETION")
    assert [found["token"] for found in related] == [taken]
    refusal(one.get("/transactions/none/related"), 404)


def test_a_transaction_carries_metadata(one: Stranger) -> None:
    user = one.user(metadata={"u": "v"})
    one.load(user, 5)
    card = one.card(user, metadata={"a": "b"})
    bought = one.authorise(card, 1)
    assert (bought["user"], bought["card"]) == ({"metadata": {"u": "v"}}, {"metadata": {"a": "b"}})
    assert one.seen(f"/transactions/{bought['token']}", fields="card,amount") == {"amount": 1, "card": bought["card"]}
