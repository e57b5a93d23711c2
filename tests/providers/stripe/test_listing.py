"""A long list read by several at a time: every row once, whatever the times of creation, and few requests more than pages."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardctl.errors import ProviderUnavailable
from cardctl.providers.stripe_issuing.listing import side_by_side
from cardctl.providers.stripe_issuing.windows import PAGE, Page, Window


class List:
    """Rows as Stripe lists them: newest first, 100 a page. `made` are times of creation, in the order of making."""

    def __init__(self, made: list[int]) -> None:
        rows: list[dict[str, Any]] = [
            {"id": f"ic_{place}", "created": when, "place": place} for place, when in enumerate(sorted(made))
        ]
        self.rows = rows[::-1]
        self.lock = threading.Lock()
        self.requests = 0

    def fetch(self, window: Window) -> Page:
        with self.lock:
            self.requests += 1
            rows = list(self.rows)
        asked: dict[str, Any] = window.filters
        bounds = asked.get("created", {})
        fit = [row for row in rows if bounds.get("gte", 0) <= row["created"] < bounds.get("lt", 1 << 60)]
        if asked["starting_after"] is not None:
            fit = fit[[row["id"] for row in fit].index(asked["starting_after"]) + 1 :]
        return Page(fit[:PAGE], len(fit) > PAGE)


def read(some: List, workers: int = 8) -> list[str]:
    return [row["id"] for page in side_by_side(some.fetch, workers=workers) for row in page]


@given(st.lists(st.integers(0, 2_000_000_000), max_size=60), st.integers(1, 40), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_every_row_comes_once(times: list[int], copies: int, workers: int) -> None:
    some = List([when for when in sorted(times) for _ in range(copies)])
    assert sorted(read(some, workers)) == sorted(row["id"] for row in some.rows)


@pytest.mark.parametrize("count", [0, 1, 99, 100])
def test_a_short_list_is_one_request(count: int) -> None:
    some = List(list(range(count)))
    assert len(read(some)) == count
    assert some.requests == 1


def test_all_of_one_second_is_read_page_after_page() -> None:
    some = List([1_700_000_000] * 1_000)
    assert len(set(read(some))) == 1_000


@pytest.mark.parametrize("skew", [1, 3])
def test_few_requests_more_than_pages(skew: int) -> None:
    """A year of 50,000 rows, evenly or ever faster: 500 pages."""
    year = 31_536_000
    some = List(sorted(1_700_000_000 - round(year * (place / 50_000) ** skew) for place in range(50_000)))
    assert len(set(read(some, workers=30))) == 50_000
    assert some.requests <= 500 * 1.5


def test_what_is_made_meanwhile_moves_nothing() -> None:
    some = List([1_700_000_000 + place * 60 for place in range(5_000)])
    before = {row["id"] for row in some.rows}
    seen: list[str] = []
    for number, page in enumerate(side_by_side(some.fetch, workers=8)):
        seen += [row["id"] for row in page]
        with some.lock:
            some.rows.insert(0, {"id": f"new_{number}", "created": 1_800_000_000 + number, "place": 10_000 + number})
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


def test_an_error_ends_the_list_and_is_told() -> None:
    some = List([1_700_000_000 + place * 60 for place in range(5_000)])

    def failing(asked: Window) -> Page:
        if some.requests > 20:
            raise ProviderUnavailable("gone")
        return some.fetch(asked)

    with pytest.raises(ProviderUnavailable):
        for _ in side_by_side(failing, workers=8):
            pass


def test_who_stops_early_leaves_nobody_at_work() -> None:
    some = List([1_700_000_000 + place * 60 for place in range(5_000)])
    pages = side_by_side(some.fetch, workers=8)
    next(pages)
    next(pages)
    before = threading.active_count()
    pages.close()  # type: ignore[attr-defined]
    assert threading.active_count() < before


@pytest.mark.parametrize("stuck", [0, 1_700_000_000])
def test_a_list_that_does_not_go_on_ends(stuck: int) -> None:
    """The same page for ever, or pages that pay no heed to what was asked for."""
    rows = [{"id": f"ic_{place}", "created": 1_700_000_000 - place} for place in range(PAGE)]

    def fetch(asked: Window) -> Page:
        return Page(rows if asked.after or asked.end is None or stuck else [], more=True)

    with pytest.raises(ProviderUnavailable):
        for _ in side_by_side(fetch, workers=4):
            pass
