"""What reading whole lists by turns costs: `python -m tests.bench.whole [LIVES] [RUNS]`.

The simulator's answers about so many random lives are kept as they came, and given again from memory, so that only our own work
is measured, in one thread: HTTP, JSON and translation. Told by provider and source: objects and requests a second, milliseconds
for a request, and the ratio to a bare `json.loads` and `orjson.loads` of the same answers.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson

from cardctl.domain.redaction import Secret
from cardctl.providers import registry
from cardctl.providers.base import Handed
from cardctl.providers.paging import ISSUED, Source, Spot
from cardctl.simulator.transport import SimulatorTransport
from tests.machine.histories import LIVES
from tests.services.world import World

LIVED, RUNS = 300, 5
PACE = timedelta(hours=1)
_KEYS = {"stripe": "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "marqeta": "a-token", "strowallet": "pub_test_4eC39HqLyjWDarjtT1zdp7dc"}


class Kept(httpx.BaseTransport):
    """Asks the far side once, and gives the same answer to the same question ever after."""

    def __init__(self, path: Path) -> None:
        self._far_side = SimulatorTransport(path, sleep=lambda _seconds: None)
        self.answers: dict[tuple[str, str, bytes], tuple[int, list[tuple[bytes, bytes]], bytes]] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = (request.method, str(request.url), request.read())
        if asked not in self.answers:
            reply = self._far_side.handle_request(request)
            self.answers[asked] = (reply.status_code, reply.headers.raw, reply.read())
        status, headers, body = self.answers[asked]
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))

    def close(self) -> None:
        self._far_side.close()


@contextmanager
def opened(home: Path, name: str, lives: int) -> Iterator[tuple[Any, Kept, dict[Source, list[str]]]]:
    """A provider with so many cards behind it, its answers, and the names of what there is."""
    world = World(home, str(home / "books.db"), provider=name)
    lived = LIVES[name](world, random.Random(20261126), PACE)
    cards = [lived.live() for _ in range(lives)]
    world.close()
    answers = Kept(home / "simulator.db")
    provider: Any = registry.build(
        name,
        Handed(
            environment="simulator",
            programme=f"{name}/default",
            settings={},
            secret=lambda _name: Secret(_KEYS[name]),
            transport=answers,
            timeout=60.0,
            sleep=lambda _seconds: None,
            random=lambda: 0.0,
        ),
    )
    holders = sorted({provider.card(card).account_ref for card in cards})
    yield provider, answers, {Source.ACCOUNTS: holders, Source.CARDS: cards, Source.TRANSACTIONS: cards}
    provider.close()


def turned(provider: Any, source: Source, names: list[str]) -> tuple[list[Spot], int, int]:
    """Every spot of a source, how many objects they give, and how many requests it takes."""
    left, spots, objects, requests = list(provider.openings(source, known=names, since=None)), list[Spot](), 0, 0
    while left:
        leaf = provider.turn(left.pop(), share=False)
        spots.append(leaf.spot)
        left += leaf.then
        objects += len(leaf.accounts) + len(leaf.cards) + len(leaf.transactions)
        requests += leaf.requests
    return spots, objects, requests


def seconds(work: Callable[[], object], runs: int) -> float:
    """The least of several runs."""
    taken = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def measure(name: str, lives: int, runs: int) -> None:
    """Print a line for each source of one provider."""
    with tempfile.TemporaryDirectory() as place, opened(Path(place), name, lives) as (provider, answers, names):
        for source in ISSUED:
            answers.answers.clear()
            spots, objects, requests = turned(provider, source, names[source])
            bodies = [body for _, _, body in answers.answers.values()]

            def turns(spots: list[Spot] = spots) -> None:
                for spot in spots:
                    provider.turn(spot, share=False)

            took = seconds(turns, runs)
            plain = seconds(lambda bodies=bodies: [json.loads(body) for body in bodies], runs)  # type: ignore[misc]
            quick = seconds(lambda bodies=bodies: [orjson.loads(body) for body in bodies], runs)  # type: ignore[misc]
            print(
                f"{name:10} {source:12} {objects:6} objects {requests:5} requests {objects / took:8.0f} objects/s"
                f" {took / requests * 1000:6.2f} ms/request {took / plain:6.2f} x json.loads {took / quick:6.2f} x orjson.loads"
            )


def main(lives: int = LIVED, runs: int = RUNS) -> None:
    for name in LIVES:
        measure(name, lives, runs)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
