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
from cardctl.providers.stripe_issuing.event_lists import EVENT_TYPES
from tests.providers.conftest import Hand
from tests.providers.scripted import Script, ok
from tests.providers.stripe import objects
from tests.providers.stripe.test_webhooks import event

SINCE = datetime(2026, 1, 10, 12, 0, 0, 500_000, tzinfo=UTC)


def row(number: int, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event("issuing_card.updated", objects.card(), id=f"evt_{number}", **fields))
    return found


def listed(hand: Hand, *steps: httpx.Response, **bounds: datetime) -> tuple[list[list[bytes]], list[dict[str, list[str]]]]:
    script = Script(*steps)
    provider = require(registry.build("stripe", hand(script)), ListsEvents)
    pages = list(provider.events(**bounds))
    assert {request.url.path for request in script.requests} == {"/v1/events"}
    return pages, [parse_qs(request.url.query.decode()) for request in script.requests]


def test_page_by_page_newest_first(hand: Hand) -> None:
    pages, asked = listed(
        hand, ok(objects.listed(row(3), row(2), more=True)), ok(objects.listed(row(1), more=True)), ok(objects.listed())
    )
    assert [[json.loads(body)["id"] for body in page] for page in pages] == [["evt_3", "evt_2"], ["evt_1"]]
    assert [query.get("starting_after") for query in asked] == [None, ["evt_2"], ["evt_1"]]
    assert {query["limit"][0] for query in asked} == {"100"}


def test_what_concerns_our_books_is_asked_for_by_name(hand: Hand) -> None:
    _, (query,) = listed(hand, ok(objects.listed()))
    assert sorted(value for name, values in query.items() if name.startswith("types[") for value in values) == sorted(
        EVENT_TYPES
    )
    assert not any(name.startswith("created") for name in query)


def test_seconds_that_are_begun_are_asked_for_whole(hand: Hand) -> None:
    _, (query,) = listed(hand, ok(objects.listed()), since=SINCE, until=SINCE + timedelta(days=1))
    second = int(SINCE.timestamp())
    assert (query["created[gte]"], query["created[lt]"]) == ([str(second)], [str(second + 86_401)])


def test_a_row_is_the_body_that_it_was(hand: Hand) -> None:
    sent = row(1, fraction=0.5, name="Zoë")
    ((body,),), _ = listed(hand, ok(objects.listed(sent)))
    assert json.loads(body, parse_float=Decimal) == {**sent, "fraction": Decimal("0.5")}


def test_a_body_reads_like_a_delivery(hand: Hand) -> None:
    provider = registry.build("stripe", hand(Script(ok(objects.listed(row(7))))))
    webhooks = require(provider, ReceivesWebhooks).webhooks
    ((body,),) = require(provider, ListsEvents).events()
    (notice,) = webhooks.notices(body)
    assert (notice.event_id, notice.card_ref) == ("evt_7", "ic_1")
    assert webhooks.told(notice).cards[0].ref == "ic_1"


def test_a_list_that_does_not_go_on_ends(hand: Hand) -> None:
    with pytest.raises(ProviderUnavailable):
        listed(hand, ok(objects.listed(row(1), more=True)), ok(objects.listed(row(1), more=True)))


def test_how_far_back_the_list_goes() -> None:
    kept: Any = registry.provider_class("stripe")
    assert kept.events_kept == timedelta(days=30)
