"""Lists: newest first, every filter, cursors both ways, and each page along an index."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cardctl.simulator.books import FarSide
from cardctl.simulator.control import Control
from cardctl.simulator.rows import page
from tests.simulator.stranger import (
    AUTHORIZATIONS,
    CARDS,
    HOLDERS,
    TEST_AUTHORIZATIONS,
    TEST_TRANSACTIONS,
    TRANSACTIONS,
    Stranger,
)


def ids(listed: dict[str, Any]) -> list[str]:
    return [one["id"] for one in listed["data"]]


def test_newest_first_in_pages(stranger: Stranger) -> None:
    holder = stranger.holder()
    made = [stranger.card(holder) for _ in range(25)][::-1]
    first = stranger.seen(CARDS)
    assert (ids(first), first["has_more"], first["url"], first["object"]) == (made[:10], True, CARDS, "list")
    walked: list[str] = []
    query: dict[str, Any] = {"limit": 7}
    while True:
        listed = stranger.seen(CARDS, **query)
        walked += ids(listed)
        if not listed["has_more"]:
            break
        query["starting_after"] = walked[-1]
    assert walked == made
    assert ids(stranger.seen(CARDS, limit=100)) == made
    back = stranger.seen(CARDS, limit=4, ending_before=made[10])
    assert (ids(back), back["has_more"]) == (made[6:10], True)
    start = stranger.seen(CARDS, limit=4, ending_before=made[3])
    assert (ids(start), start["has_more"]) == (made[:3], False)
    assert ids(stranger.seen(CARDS, starting_after=made[-1])) == []


def test_a_page_stays_where_it_was_while_cards_are_made(stranger: Stranger) -> None:
    holder = stranger.holder()
    made = [stranger.card(holder) for _ in range(6)][::-1]
    stranger.card(holder)
    assert ids(stranger.seen(CARDS, limit=3, starting_after=made[2])) == made[3:]


def test_card_filters(stranger: Stranger) -> None:
    ada, bob = stranger.holder(), stranger.holder()
    first, second = stranger.card(ada, exp_month="3", exp_year="2040"), stranger.card(bob, status="inactive")
    shown = stranger.seen(f"{CARDS}/{first}")
    assert ids(stranger.seen(CARDS, cardholder=ada)) == [first]
    assert ids(stranger.seen(CARDS, status="inactive")) == [second]
    assert ids(stranger.seen(CARDS, exp_month=3, exp_year=2040)) == [first]
    assert first in ids(stranger.seen(CARDS, last4=shown["last4"]))
    assert ids(stranger.seen(CARDS, type="physical")) == []
    assert ids(stranger.seen(CARDS, type="virtual", cardholder=bob, status="inactive")) == [second]
    assert ids(stranger.seen(CARDS, cardholder="ich_none")) == []


def test_cardholder_filters(stranger: Stranger) -> None:
    ada = stranger.holder(email="ada@example.com", phone_number="+1")
    bob = stranger.holder(email="bob@example.com", status="inactive", type="company")
    assert ids(stranger.seen(HOLDERS, email="ada@example.com")) == [ada]
    assert ids(stranger.seen(HOLDERS, phone_number="+1")) == [ada]
    assert ids(stranger.seen(HOLDERS, status="inactive")) == ids(stranger.seen(HOLDERS, type="company")) == [bob]
    assert ids(stranger.seen(HOLDERS, status="blocked")) == []


def test_created_as_a_moment_or_a_range(stranger: Stranger, control: Control) -> None:
    made = []
    for _ in range(3):
        made.append(stranger.done(HOLDERS, {**_form(), "name": "x"}))
        control.advance(timedelta(hours=1))
    middle = made[1]["created"]
    names = [one["id"] for one in made]
    assert ids(stranger.seen(HOLDERS, created=middle)) == [names[1]]
    assert ids(stranger.seen(HOLDERS, **{"created[gt]": middle})) == [names[2]]
    assert ids(stranger.seen(HOLDERS, **{"created[gte]": middle})) == [names[2], names[1]]
    assert ids(stranger.seen(HOLDERS, **{"created[lt]": middle})) == [names[0]]
    assert ids(stranger.seen(HOLDERS, **{"created[gt]": middle - 1, "created[lte]": middle})) == [names[1]]


def _form() -> dict[str, str]:
    return {f"billing[address][{name}]": "x" for name in ("line1", "city", "postal_code", "country")}


def test_money_filters(stranger: Stranger) -> None:
    first, second = stranger.card(), stranger.card()
    holder = stranger.seen(f"{CARDS}/{first}")["cardholder"]["id"]
    held, other = stranger.authorise(first, 10), stranger.authorise(second, 20)
    stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture")
    (taken,) = ids(stranger.seen(TRANSACTIONS))
    refund = stranger.done(f"{TEST_TRANSACTIONS}/{taken}/refund")["id"]
    assert ids(stranger.seen(AUTHORIZATIONS)) == [other["id"], held["id"]]
    assert (
        ids(stranger.seen(AUTHORIZATIONS, card=first)) == ids(stranger.seen(AUTHORIZATIONS, cardholder=holder)) == [held["id"]]
    )
    assert ids(stranger.seen(AUTHORIZATIONS, status="pending")) == [other["id"]]
    assert (
        ids(stranger.seen(TRANSACTIONS, card=first)) == ids(stranger.seen(TRANSACTIONS, cardholder=holder)) == [refund, taken]
    )
    assert ids(stranger.seen(TRANSACTIONS, type="capture")) == [taken]
    assert ids(stranger.seen(TRANSACTIONS, card=second)) == []


FILTERS = [
    ("cards", {}),
    ("cards", {"holder": "ich_x"}),
    ("cards", {"holder": "ich_x", "status": "active", "type": "virtual"}),
    ("cards", {"status": "active"}),
    ("cards", {"last4": "4242"}),
    ("cards", {"created": {"gt": 5, "lte": 9}}),
    ("holders", {"email": "ada@example.com"}),
    ("holders", {"status": "active", "type": "individual"}),
    ("authorizations", {"card": "ic_x", "status": "pending"}),
    ("authorizations", {"status": "pending", "created": {"lt": 5}}),
    ("transactions", {"card": "ic_x", "type": "capture"}),
    ("transactions", {"holder": "ich_x"}),
]


@pytest.mark.parametrize("cursor", ["after", "before", None])
@pytest.mark.parametrize(("table", "filters"), FILTERS)
def test_every_page_walks_an_index(
    path: Path, stranger: Stranger, table: str, filters: dict[str, Any], cursor: str | None
) -> None:
    held = stranger.authorise(stranger.card(), 10)
    stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture")
    far_side = FarSide(path)
    with far_side.reading("stripe") as desk:
        (ref,) = desk.db.execute(f"SELECT ref FROM {table}").fetchone()
        asked: list[str] = []
        desk.db.set_trace_callback(asked.append)
        page(desk, table, filters, limit=100, **({} if cursor is None else {cursor: ref}))
        desk.db.set_trace_callback(None)
        plan = " ".join(row[3] for row in desk.db.execute(f"EXPLAIN QUERY PLAN {asked[-1]}"))
    assert "USING INDEX" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan
