"""Windows of a list, each turned by whoever comes: every row once, few requests more than pages, and an end, whatever comes."""

from __future__ import annotations

import bisect
import random
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardctl.errors import ProviderUnavailable
from cardctl.providers.paging import Source, Spot
from cardctl.providers.stripe_issuing.provider import build
from cardctl.providers.stripe_issuing.windows import PAGE, Page, Window, turned
from tests.contract.turning import Read, kept, openings
from tests.providers.conftest import Hand
from tests.providers.stripe import objects

YEAR = 31_536_000
NOW = 1_790_000_000


class List:
    """Rows as Stripe lists them: newest first, 100 a page. `made` are times of creation; a row's id is its place among them."""

    def __init__(self, made: list[int]) -> None:
        self.made = sorted(made)
        self.requests = 0

    def page(self, window: Window) -> Page:
        self.requests += 1
        first = 0 if window.start is None else bisect.bisect_left(self.made, window.start)
        last = len(self.made) if window.end is None else bisect.bisect_left(self.made, window.end)
        last = last if window.after is None else min(last, int(window.after))
        rows = [{"id": str(place), "created": self.made[place]} for place in range(last - 1, max(first, last - PAGE) - 1, -1)]
        return Page(rows, last - PAGE > first)


def turns(some: List, dice: random.Random, *, readers: int, start: int | None = None) -> list[str]:
    """Ids as they come, where so many windows are read at once, that may end in any order; few are left: they are shared."""
    left, seen = [Window(start=start)], list[str]()
    while left:
        ended = [left.pop(dice.randrange(len(left))) for _ in range(min(readers, len(left)))]
        share = len(ended) + len(left) < readers
        for window in ended:
            rows, then = turned(window, some.page(window), share=share)
            seen += [row["id"] for row in rows]
            left += then
    return seen


@given(st.lists(st.integers(0, 2**31), max_size=80), st.integers(1, 60), st.integers(1, 9), st.integers(0, 2**32))
@settings(max_examples=80, deadline=None)
def test_every_row_comes_once(times: list[int], copies: int, readers: int, seed: int) -> None:
    some = List(times * copies)
    assert sorted(turns(some, random.Random(seed), readers=readers), key=int) == [str(n) for n in range(len(some.made))]


@given(st.lists(st.integers(NOW - 400, NOW), min_size=1, max_size=80), st.integers(1, 60), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_a_list_since_some_time_has_no_older_row(times: list[int], copies: int, seed: int) -> None:
    some, start = List(times * copies), times[0]
    found = turns(some, random.Random(seed), readers=9, start=start)
    assert sorted(found, key=int) == [str(place) for place, when in enumerate(some.made) if when >= start]


@pytest.mark.parametrize("growth", ["even", "ever faster", "by night", "by chance"])
def test_few_requests_more_than_pages_need(growth: str) -> None:
    dice, many = random.Random(1), 200_000
    made = {
        "even": lambda: [NOW - YEAR * place // many for place in range(many)],
        "ever faster": lambda: [NOW - round(YEAR * (place / many) ** 3) for place in range(many)],
        "by night": lambda: [NOW - 86_400 * dice.randrange(365) - dice.randrange(600) for _ in range(many)],
        "by chance": lambda: [NOW - dice.randrange(3 * YEAR) for _ in range(many)],
    }[growth]()
    some = List(made)
    assert len(set(turns(some, dice, readers=48))) == many
    assert some.requests <= many / PAGE * 1.1


def test_it_is_soon_read_by_all() -> None:
    """So that no reader waits: round by round there are twice as many windows, until there are enough."""
    some, left, rounds = List([NOW - place for place in range(200_000)]), [Window()], 0
    while len(left) < 48:
        rounds += 1
        left = [then for window in left for then in turned(window, some.page(window), share=True)[1]]
    assert rounds <= 8


def test_who_shares_nothing_goes_from_page_to_page() -> None:
    some, window = List([NOW - place // 3 for place in range(450)]), Window()
    for _ in range(4):
        _, (window,) = turned(window, some.page(window), share=False)
    assert turned(window, some.page(window), share=False)[1] == []
    assert some.requests == 5


def test_what_stands_in_no_window_of_its_own_is_left_to_others() -> None:
    window = Window(NOW - 50, NOW, "9")
    rows = [{"id": name, "created": NOW - age} for name, age in (("9", 0), ("9", 1), ("8", 2), ("8", 2), ("7", 3), ("1", 51))]
    assert [row["id"] for row in turned(window, Page(rows, more=False), share=False)[0]] == ["8", "7"]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"id": "9", "created": NOW - 1}],
        [{"id": "8", "created": NOW}],
        [{"id": "8", "created": NOW - 2}, {"id": "1", "created": NOW - 60}],
    ],
)
@pytest.mark.parametrize("share", [True, False])
def test_a_page_that_leads_nowhere_is_an_error(rows: list[dict[str, Any]], share: bool) -> None:
    with pytest.raises(ProviderUnavailable, match="does not go on"):
        turned(Window(NOW - 50, NOW, "9"), Page(rows, more=True), share=share)


class Far(httpx.BaseTransport):
    """Four lists: cards and the others, a second apart, newest first; each request is kept."""

    def __init__(self, count: int, row: dict[str, Any]) -> None:
        self.row = row
        self.list = List([NOW + place for place in range(count)])
        self.asked: list[dict[str, str]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        told = dict(request.url.params)
        self.asked.append(told | {"path": request.url.path})
        window = Window(_number(told.get("created[gte]")), _number(told.get("created[lt]")), told.get("starting_after"))
        page = self.list.page(window)
        rows = [{**self.row, "id": row["id"], "created": row["created"]} for row in page.rows]
        return httpx.Response(200, content=orjson.dumps({"data": rows, "has_more": page.more}))


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def whole(provider: Any, source: Source) -> Read:
    done, left = Read(), openings(provider, source)
    while left:
        leaf = provider.turn(left.pop(), share=len(left) < 9)
        done.keep(leaf)
        left += [kept(spot) for spot in leaf.then]
    return done


@pytest.mark.parametrize(
    ("source", "row", "paths"),
    [
        (Source.ACCOUNTS, objects.cardholder(), ["/v1/issuing/cardholders"]),
        (Source.CARDS, objects.card(), ["/v1/issuing/cards"]),
        (
            Source.TRANSACTIONS,
            objects.authorization(type="capture"),
            ["/v1/issuing/authorizations", "/v1/issuing/transactions"],
        ),
    ],
)
def test_each_list_by_its_own_path(hand: Hand, source: Source, row: dict[str, Any], paths: list[str]) -> None:
    far = Far(730, row)
    done = whole(build(hand(far)), source)
    assert len(done.items) == 730 * len(paths)
    assert sorted({asked["path"] for asked in far.asked}) == paths
    assert done.requests == len(far.asked)
    assert {asked["limit"] for asked in far.asked} == {"100"}
    assert max(int(asked.get("created[lt]", 0)) for asked in far.asked) <= NOW + 730  # nothing newer than the first page


@pytest.mark.parametrize("row", [{}, {"currency": None}, {"currency": "usd", "amount": "x"}])
def test_a_row_that_is_none_is_an_answer_of_somebody_else(hand: Hand, row: dict[str, Any]) -> None:
    provider = build(hand(Far(3, row)))
    for spot in openings(provider, Source.TRANSACTIONS):
        with pytest.raises(ProviderUnavailable, match="not in Stripe's words"):
            provider.turn(spot, share=False)


def test_the_same_spot_asks_the_same_again(hand: Hand) -> None:
    far = Far(730, objects.card())
    provider = build(hand(far))
    spot = Spot(Source.CARDS, {"list": "/v1/issuing/cards", "start": NOW, "end": NOW + 500, "after": "500", "rows": 100})
    assert provider.turn(spot, share=False) == provider.turn(spot, share=False)
    assert far.asked[0] == far.asked[1]
