"""The list of events: what is asked for, page by page, and each row as the body that it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from cardctl.errors import ProviderUnavailable
from cardctl.providers import registry
from cardctl.providers.base import require
from cardctl.providers.notifying import ListsEvents, ReceivesWebhooks
from cardctl.providers.stripe_issuing.event_lists import EVENT_TYPES, SALE_EVENT_TYPES
from tests.providers.conftest import Hand
from tests.providers.scripted import Script, ok
from tests.providers.stripe import objects
from tests.providers.stripe.test_webhooks import event

SINCE = datetime(2026, 1, 10, 12, 0, 0, 500_000, tzinfo=UTC)


def row(number: int, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event("issuing_card.updated", objects.card(), id=f"evt_{number}", **fields))
    return found


NO_SALES = ok(objects.listed())
"""The second list, which is asked for once the first page of the first has come."""


def listed(hand: Hand, *steps: httpx.Response, **bounds: datetime) -> tuple[list[list[bytes]], list[dict[str, list[str]]]]:
    script = Script(*steps)
    provider = require(registry.build("stripe", hand(script)), ListsEvents)
    pages = list(provider.events(**bounds))
    assert {request.url.path for request in script.requests} == {"/v1/events"}
    return pages, [parse_qs(request.url.query.decode()) for request in script.requests]


def types_of(query: dict[str, list[str]]) -> list[str]:
    return sorted(value for name, values in query.items() if name.startswith("types[") for value in values)


def names(pages: list[list[bytes]]) -> list[list[str]]:
    return [[json.loads(body)["id"] for body in page] for page in pages]


def test_page_after_page(hand: Hand) -> None:
    first = ok(objects.listed(row(3), row(2), more=True))
    pages, asked = listed(hand, first, NO_SALES, ok(objects.listed(row(1), more=True)), ok(objects.listed()))
    assert names(pages) == [["evt_3", "evt_2", "evt_1"]]
    assert [query.get("starting_after") for query in asked] == [None, None, ["evt_2"], ["evt_1"]]
    assert {query["limit"][0] for query in asked} == {"100"}


def test_two_lists_are_one_that_goes_newest_first(hand: Hand) -> None:
    cards, sales = (4, 3, 0), (5, 2, 1)
    made = [ok(objects.listed(*(row(number, created=number) for number in some))) for some in (cards, sales)]
    pages, _ = listed(hand, *made)
    assert names(pages) == [["evt_5", "evt_4", "evt_3", "evt_2", "evt_1", "evt_0"]]


def test_a_long_list_comes_in_pages(hand: Hand) -> None:
    first = ok(objects.listed(*(row(number) for number in range(150, 50, -1)), more=True))
    pages, _ = listed(hand, first, NO_SALES, ok(objects.listed(*(row(number) for number in range(50, 0, -1)))))
    assert [len(page) for page in pages] == [100, 50]


def test_what_concerns_our_books_is_asked_for_by_name(hand: Hand) -> None:
    _, (cards, sales) = listed(hand, ok(objects.listed()), NO_SALES)
    assert (types_of(cards), types_of(sales)) == (sorted(EVENT_TYPES), sorted(SALE_EVENT_TYPES))
    assert not any(name.startswith("created") for query in (cards, sales) for name in query)


def test_seconds_that_are_begun_are_asked_for_whole(hand: Hand) -> None:
    _, asked = listed(hand, ok(objects.listed()), NO_SALES, since=SINCE, until=SINCE + timedelta(days=1))
    second = int(SINCE.timestamp())
    bounds = (str(second), str(second + 86_401))
    assert [(query["created[gte]"][0], query["created[lt]"][0]) for query in asked] == [bounds, bounds]


def test_a_row_is_the_body_that_it_was(hand: Hand) -> None:
    sent = row(1, fraction=0.5, name="Zoë")
    ((body,),), _ = listed(hand, ok(objects.listed(sent)), NO_SALES)
    assert json.loads(body, parse_float=Decimal) == {**sent, "fraction": Decimal("0.5")}


def test_a_body_reads_like_a_delivery(hand: Hand) -> None:
    provider = registry.build("stripe", hand(Script(ok(objects.listed(row(7))), NO_SALES)))
    webhooks = require(provider, ReceivesWebhooks).webhooks
    ((body,),) = require(provider, ListsEvents).events()
    (notice,) = webhooks.notices(body)
    assert (notice.event_id, notice.card_ref) == ("evt_7", "ic_1")
    assert webhooks.told(notice).cards[0].ref == "ic_1"


def test_a_list_that_does_not_go_on_ends(hand: Hand) -> None:
    again = ok(objects.listed(row(1), more=True))
    with pytest.raises(ProviderUnavailable):
        listed(hand, again, NO_SALES, again)


def test_how_far_back_the_list_goes() -> None:
    kept: Any = registry.provider_class("stripe")
    assert kept.events_kept == timedelta(days=30)
