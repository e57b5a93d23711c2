"""What a call to a provider costs beside the network: our HTTP client, its retries, and a page of a list."""

from __future__ import annotations

from itertools import cycle

import httpx
from pytest_benchmark.fixture import BenchmarkFixture

from cardctl.providers.base import ListsCards, require
from cardctl.providers.http import Http
from tests.services.world import World

URL = "https://bank.example/v1/cards/ic_1"
CARDS = 25


class Answers(httpx.BaseTransport):
    """Answers with these statuses, over and over."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = cycle(statuses)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return httpx.Response(next(self._statuses), stream=httpx.ByteStream(b'{"id": "ic_1", "amount": 2500}'))


def _http(*statuses: int) -> Http:
    return Http("bank", transport=Answers(*statuses), timeout=5.0, sleep=lambda _seconds: None, random=lambda: 0.0)


def _send(http: Http) -> int:
    return http.send("POST", URL, headers={"Idempotency-Key": "k"}, content="amount=2500", keyed=True).status


def test_httpx_alone(benchmark: BenchmarkFixture) -> None:
    """What the next two are to be compared with."""
    client = httpx.Client(transport=Answers(200))
    assert benchmark(lambda: client.post(URL, content="amount=2500").status_code) == 200
    client.close()


def test_a_write_that_is_answered_at_once(benchmark: BenchmarkFixture) -> None:
    http = _http(200)
    assert benchmark(_send, http) == 200
    http.close()


def test_a_write_that_is_sent_three_times(benchmark: BenchmarkFixture) -> None:
    http = _http(500, 500, 200)
    assert benchmark(_send, http) == 200
    http.close()


def test_a_page_of_cards_through_the_adapter_and_the_simulator(benchmark: BenchmarkFixture, world: World) -> None:
    account = world.an_account()
    made = [world.a_card(account=account).ref for _ in range(CARDS)]
    lister = require(world.desk.provider, ListsCards)
    pages = benchmark(lambda: list(lister.cards()))
    assert sorted(card.ref for page in pages for card in page) == sorted(made)
