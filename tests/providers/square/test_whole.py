"""Whole lists by windows and cursors: every row once, whatever is shared, and an end to lists that have none."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cardctl.errors import ProviderUnavailable, Unsupported
from cardctl.providers.paging import SAVED, Source, Spot
from cardctl.providers.square.provider import SquareProvider, build
from cardctl.providers.square.translate import moment, moment_to_wire
from tests.providers.conftest import Hand
from tests.providers.scripted import Script, ok
from tests.providers.square import objects
from tests.providers.square.objects import LOCATION

NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Lists(httpx.BaseTransport):
    """A seller's payments and cards, listed as Square describes it: newest first, `end_time` in the span or not."""

    def __init__(self, payments: list[Any], cards: list[Any], *, inclusive: bool) -> None:
        self.payments = payments
        self.cards = cards
        self._inclusive = inclusive
        self.asked: list[dict[str, str]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = dict(request.url.params)
        self.asked.append(asked)
        start = int(asked.get("cursor", "at 0").removeprefix("at "))
        if request.url.path == "/v2/cards":
            rows, size = self.cards, 25
        else:
            assert asked["location_id"] == LOCATION
            rows, size = [row for row in self.payments if self._holds(asked, row)], int(asked["limit"])
            rows = sorted(rows, key=lambda row: (row["created_at"], row["id"]), reverse=True)
        more = {"cursor": f"at {start + size}"} if start + size < len(rows) else {}
        return httpx.Response(200, json={request.url.path.rpartition("/")[2]: rows[start : start + size], **more})

    def _holds(self, asked: dict[str, str], row: Any) -> bool:
        made = moment(row["created_at"])
        end = moment(asked["end_time"]) if "end_time" in asked else None
        before = end is None or made < end or (self._inclusive and made == end)
        return moment(asked["begin_time"]) <= made and before


def made_at(times: list[datetime]) -> list[Any]:
    return [objects.payment(id=f"p{number:05}", created_at=moment_to_wire(at)) for number, at in enumerate(times)]


def read(provider: SquareProvider, source: Source, *, since: datetime | None = None, seed: int = 0) -> tuple[list[str], int]:
    """By turns in any order, each spot kept as JSON in between."""
    dice = random.Random(seed)
    left, found, turns = list(provider.openings(source, known=(), since=since)), list[str](), 0
    while left:
        place = dice.randrange(len(left))
        leaf = provider.turn(left[place], share=dice.random() < 0.6)
        for rows in (leaf.saved_cards, leaf.payments, leaf.refunds):
            found += [row.ref for row in rows]
        turns += leaf.requests
        left[place : place + 1] = [Spot(one.source, json.loads(json.dumps(dict(one.position)))) for one in leaf.then]
    return found, turns


SHAPES = {
    "even": [NOW - timedelta(minutes=number) for number in range(1500)],
    "bursts": [NOW - timedelta(days=number // 400 * 90, seconds=number % 400) for number in range(1500)],
    "one moment": [NOW] * 730,
    "few moments": [NOW - timedelta(milliseconds=number // 150) for number in range(900)],
    "years": [NOW - timedelta(days=3 * number) for number in range(1500)],
    "a page": [NOW - timedelta(minutes=number) for number in range(100)],
    "none": [],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("inclusive", [True, False])
def test_every_payment_is_given_once(hand: Hand, shape: str, inclusive: bool) -> None:
    payments = made_at(SHAPES[shape])
    for seed in range(5):
        lists = Lists(payments, [], inclusive=inclusive)
        provider = build(hand(lists, settings={"location": LOCATION}))
        found, turns = read(provider, Source.PAYMENTS, seed=seed)
        assert sorted(found) == [row["id"] for row in payments]
        assert turns == len(lists.asked) < 60


def test_since_is_honoured(hand: Hand) -> None:
    lists = Lists(made_at(SHAPES["even"]), [], inclusive=True)
    provider = build(hand(lists, settings={"location": LOCATION}))
    found, turns = read(provider, Source.PAYMENTS, since=NOW - timedelta(minutes=50))
    assert (len(found), turns) == (51, 1)


def test_years_ago_is_asked_for_too(hand: Hand) -> None:
    """By itself Square lists a year only."""
    lists = Lists([], [], inclusive=True)
    read(build(hand(lists, settings={"location": LOCATION})), Source.PAYMENTS, since=datetime(1, 1, 1, tzinfo=UTC))
    assert lists.asked[0]["begin_time"].startswith("2009-")


def test_cards_of_all_pages_disabled_ones_too(hand: Hand) -> None:
    cards = [objects.card(id=f"ccof:{number}") for number in range(130)]
    lists = Lists([], cards, inclusive=True)
    found, turns = read(build(hand(lists)), Source.SAVED_CARDS)
    assert (sorted(found), turns) == (sorted(card["id"] for card in cards), 6)
    assert all(asked["include_disabled"] == "true" for asked in lists.asked)


def test_no_spot_has_the_name_of_a_card_or_customer(hand: Hand) -> None:
    cards = [objects.card() for _ in range(60)]
    provider = build(hand(Lists(made_at(SHAPES["even"]), cards, inclusive=True), settings={"location": LOCATION}))
    for source in (Source.SAVED_CARDS, Source.PAYMENTS):
        left = list(provider.openings(source, known=(), since=None))
        while left:
            leaf = provider.turn(left.pop(), share=True)
            for spot in leaf.then:
                told = json.dumps(dict(spot.position))
                assert objects.CARD not in told
                assert objects.CUSTOMER not in told
            left += leaf.then


def test_what_an_issuer_has_is_not_there(hand: Hand) -> None:
    provider = build(hand(Script()))
    for source in Source:
        assert provider.lists(source) is (source in SAVED)
    with pytest.raises(Unsupported):
        list(provider.openings(Source.CARDS, known=(), since=None))


def test_a_list_without_end_is_given_up(hand: Hand) -> None:
    script = Script(*[ok({"payments": [], "cursor": f"c{number}"}) for number in range(100)])
    with pytest.raises(ProviderUnavailable, match="does not go on"):
        read(build(hand(script)), Source.PAYMENTS)
    assert len(script.requests) < 60
    same = ok({"cards": [objects.card()], "cursor": "same"})
    with pytest.raises(ProviderUnavailable, match="does not go on"):
        read(build(hand(Script(same, same))), Source.SAVED_CARDS)


@pytest.mark.parametrize("row", [{}, {"id": "x"}, objects.payment(created_at="never"), objects.payment(amount_money=None), 7])
def test_a_row_that_is_none_stops_the_turn(hand: Hand, row: Any) -> None:
    with pytest.raises(ProviderUnavailable):
        read(build(hand(Script(ok({"payments": [row]})))), Source.PAYMENTS)
