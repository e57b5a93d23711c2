"""Whole lists read by turns are what the lists themselves say, over random lives at three banks, in short pages, at every order
of the turns, through kills, and while life goes on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardctl.domain.redaction import Secret
from cardctl.providers import registry
from cardctl.providers.base import Handed
from cardctl.providers.paging import ISSUED, Source
from cardctl.simulator.transport import SimulatorTransport
from tests.contract.turning import bare, openings, read, read_at_once
from tests.machine.histories import LIVES
from tests.services.world import World

SHORT = 4
LIVED = 14
_SCHEDULES = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


class ShortPages(SimulatorTransport):
    """A far side that gives no more than a few rows at once, whatever is asked for; its lists say that there are more."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        params = request.url.params
        for name in ("limit", "count"):
            if name in params:
                params = params.set(name, SHORT)
        told = request.url.copy_with(params=params)
        return super().handle_request(httpx.Request(request.method, told, headers=request.headers, content=request.read()))


class Ground:
    """A bank with lives behind it, a provider of it, and one to whom it gives short pages."""

    def __init__(self, home: Path, name: str) -> None:
        self.dice = random.Random(20261126)
        self.world = World(home, str(home / "books.db"), provider=name)
        self.lives = LIVES[name](self.world, self.dice, timedelta(hours=7))
        self.cards = [self.lives.live() for _ in range(LIVED)]
        self.provider: Any = self.world.desk.provider
        key = "sk_test_4eC39HqLyjWDarjtT1zdp7dc" if name == "stripe" else "pub_test_4eC39HqLyjWDarjtT1zdp7dc"
        transport = ShortPages(home / "simulator.db", sleep=lambda _seconds: None)
        self.short: Any = registry.build(
            name,
            Handed("simulator", f"{name}/default", {}, lambda _name: Secret(key), transport, 60.0, lambda _: None, lambda: 0.0),
        )

    def names(self, source: Source) -> list[str]:
        """Where they are not listed."""
        return (
            sorted({self.provider.card(card).account_ref for card in self.cards}) if source is Source.ACCOUNTS else self.cards
        )

    def listed(self, source: Source) -> dict[str, Any]:
        provider, names = self.provider, self.names(source)
        if provider.lists(source):
            lists = {"accounts": provider.accounts, "cards": provider.cards, "transactions": provider.transactions}
            return {item.ref: bare(item) for page in lists[source]() for item in page}
        if source is Source.TRANSACTIONS:
            return {event.ref: bare(event) for name in names for page in provider.transactions_of(name) for event in page}
        one = provider.account if source is Source.ACCOUNTS else provider.card
        return {name: bare(one(name)) for name in names}

    def goes_on(self) -> None:
        """More seldom than turns are taken: newcomers to the end of a list are read too."""
        if self.dice.random() < 0.05:
            self.lives.live(2)

    def close(self) -> None:
        self.short.close()
        self.world.close()


@pytest.fixture(params=sorted(LIVES))
def ground(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ground]:
    ground = Ground(tmp_path, request.param)
    yield ground
    ground.close()


@pytest.mark.parametrize("source", list(ISSUED))
def test_turns_give_what_the_lists_say(ground: Ground, source: Source) -> None:
    expected = ground.listed(source)
    assert len(expected) >= 5

    @given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.5]))
    @_SCHEDULES
    def in_any_order(seed: int, kills: float) -> None:
        done = read(ground.short, openings(ground.short, source, ground.names(source)), random.Random(seed), kills=kills)
        assert done.by_ref == expected
        assert (len(done.items), done.absent, done.failures) == (len(expected), [], [])

    in_any_order()
    assert read_at_once(ground.short, openings(ground.short, source, ground.names(source))).by_ref == expected


def test_life_goes_on_and_nothing_is_lost(ground: Ground) -> None:
    for source in ISSUED:
        before, names = ground.listed(source), ground.names(source)
        done = read(ground.short, openings(ground.short, source, names), random.Random(7), between=ground.goes_on)
        now = ground.listed(source)
        assert before.keys() <= done.by_ref.keys() <= now.keys()
        unchanged = {ref: item for ref, item in before.items() if now[ref] == item}
        assert {ref: done.by_ref[ref] for ref in unchanged} == unchanged
