"""A reader of whole lists for tests: it keeps its spots as JSON, takes them in any order, and is killed in the middle of it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cardctl.errors import CardctlError
from cardctl.providers.paging import Leaf, Source, Spot

MOST = 10_000
"""Turns; who needs more for a test's few objects goes round for ever."""


@dataclass(slots=True)
class Read:
    """All that was given, in the order in which it came; `failures` are the errors that were met, and turns begun again."""

    items: list[Any] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    failures: list[CardctlError] = field(default_factory=list)
    requests: int = 0
    turns: int = 0

    def keep(self, leaf: Leaf) -> None:
        issued, saved = (leaf.accounts, leaf.cards, leaf.transactions), (leaf.saved_cards, leaf.payments, leaf.refunds)
        for items in (*issued, *saved, leaf.sales, leaf.sale_refunds, leaf.purchases, leaf.ledger):
            self.items += [bare(item) for item in items]
        self.absent += leaf.absent
        self.requests += leaf.requests

    @property
    def by_ref(self) -> dict[str, Any]:
        return {item.ref: item for item in self.items}


def bare(item: Any) -> Any:
    """Without its raw JSON, which is not kept where it is only compared."""
    return replace(item, raw={}) if hasattr(item, "raw") else item


def kept(spot: Spot) -> Spot:
    """As it comes back from where it is kept."""
    source, position = json.loads(json.dumps([spot.source, dict(spot.position)]))
    return Spot(Source(source), position)


def openings(provider: Any, source: Source, known: Iterable[str] = (), since: datetime | None = None) -> list[Spot]:
    return [kept(spot) for spot in provider.openings(source, known=known, since=since)]


def read(
    provider: Any,
    spots: list[Spot],
    dice: random.Random,
    *,
    kills: float = 0.2,
    between: Callable[[], None] = lambda: None,
) -> Read:
    """Everything, by turns in any order, shared or not; what a kill has cut off is read again, and so is what failed."""
    done, left = Read(), list(spots)
    while left:
        done.turns += 1
        assert done.turns < MOST
        place = dice.randrange(len(left))
        between()
        try:
            leaf = provider.turn(left[place], share=dice.random() < 0.5)
        except CardctlError as error:
            done.failures.append(error)
            continue
        assert leaf.spot == left[place]
        if dice.random() >= kills:
            done.keep(leaf)
            left[place : place + 1] = [kept(spot) for spot in leaf.then]
    return done


def read_at_once(provider: Any, spots: list[Spot], *, readers: int = 48) -> Read:
    """Everything, by as many threads at once, as a reconcile does it."""
    done, waiting, flying = Read(), list(spots), set[Future[Leaf]]()
    with ThreadPoolExecutor(readers) as pool:
        while waiting or flying:
            while waiting and len(flying) < readers:
                share = len(waiting) + len(flying) < readers
                flying.add(pool.submit(provider.turn, waiting.pop(), share=share))
            ended = wait(flying, return_when=FIRST_COMPLETED)
            flying = set(ended.not_done)
            for one in ended.done:
                done.keep(one.result())
                waiting += [kept(spot) for spot in one.result().then]
    return done
