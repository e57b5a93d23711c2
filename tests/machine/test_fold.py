"""The fold law: whatever order notifications come in, and however often, the books end in the same state; and where some are
lost, in the same state again after what was missed was fetched."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from cardctl.services.deeds.pulling import sync_accounts, sync_cards
from cardctl.services.flows.backfilling import backfill
from cardctl.simulator.delivering import Posted
from tests.machine.histories import LIVES, STEPS
from tests.services import mail
from tests.services.world import World

SEED = 20261126
DAYS = timedelta(days=20)
"""Of the bank's time, all histories together: less than Stripe's list of events goes back."""


class Ground:
    """One far side, and as many books of its programme as are asked for."""

    def __init__(self, home: Path, provider: str) -> None:
        self._home, self._provider, self._worlds = home, provider, list[World]()

    def books(self) -> World:
        target = str(self._home / f"books{len(self._worlds)}.db")
        self._worlds.append(World(self._home, target, provider=self._provider))
        return self._worlds[-1]

    def close(self) -> None:
        for world in self._worlds:
            world.close()


@pytest.fixture
def ground(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ground]:
    made = Ground(tmp_path, request.param)
    yield made
    made.close()


def twisted(dice: random.Random, posted: Sequence[Posted], most: int = 5) -> list[Posted]:
    """Every one at least once, up to `most` times, in no order."""
    many = [one for one in posted for _ in range(dice.choice((1, 1, 1, 2, 3, most)))]
    dice.shuffle(many)
    return many


def _law(ground: Ground, provider: str, histories: int) -> None:
    dice = random.Random(SEED)
    ordered, mixed, lossy, truth = (ground.books() for _ in range(4))
    lives = LIVES[provider](ordered, dice, DAYS / (histories * STEPS))
    cards = [lives.live() for _ in range(histories)]
    posted = mail.posts(ordered)
    assert len(posted) > histories

    done = mail.deliver(ordered, posted, together=200)
    assert not done.unfinished, done.failures
    expected = _by_card(ordered)
    assert set(cards) <= set(expected)

    done = mail.deliver(mixed, twisted(dice, posted), together=dice.choice((50, 170)))
    assert not done.unfinished, done.failures
    found = _by_card(mixed)
    assert [card for card in cards if found.get(card) != expected[card]] == []
    assert mail.state_hash(mixed.books, mixed.desk.programme) == mail.state_hash(ordered.books, ordered.desk.programme)

    if provider != "strowallet":  # which lists neither cards nor events: there the readings above are all there is
        sync_accounts(truth.desk, lambda _count: None)
        sync_cards(truth.desk, lambda _count: None)
        assert _sure(truth) == _sure(ordered)
        left = [one for one in twisted(dice, posted) if dice.random() >= 0.3]
        mail.deliver(lossy, left, together=100)
        backfill(lossy.desk, mail.reception(lossy), None)
        whole = _sure if provider == "marqeta" else _all  # whose lists do not tell everything that was notified
        assert whole(lossy) == whole(ordered)


def _by_card(world: World) -> dict[str, list[tuple[object, ...]]]:
    found: dict[str, list[tuple[object, ...]]] = {}
    for row in mail.state(world.books, world.desk.programme):
        if row[0] in ("card", "transaction"):
            found.setdefault(str(row[1]), []).append(row)
    return found


def _all(world: World) -> list[tuple[object, ...]]:
    return mail.state(world.books, world.desk.programme)


def _sure(world: World) -> list[tuple[object, ...]]:
    """What lists and readings can tell too: not of disputes, and not that a card was active once, before it was frozen."""
    rows = [row for row in _all(world) if "chargeback" not in row]
    cards = [(*row[:2], "inactive" if row[2] == "frozen" else row[2], *row[3:-1]) for row in rows if row[0] == "card"]
    return sorted([*cards, *(row for row in rows if row[0] != "card")], key=repr)


@pytest.mark.parametrize(("ground", "histories"), [("stripe", 60)], indirect=["ground"])
def test_stripe(ground: Ground, histories: int) -> None:
    _law(ground, "stripe", histories)


@pytest.mark.parametrize("ground", ["marqeta"], indirect=True)
def test_marqeta(ground: Ground) -> None:
    _law(ground, "marqeta", 12)


@pytest.mark.parametrize("ground", ["strowallet"], indirect=True)
def test_strowallet(ground: Ground) -> None:
    _law(ground, "strowallet", 12)


@pytest.mark.whole
@pytest.mark.parametrize("ground", ["stripe"], indirect=True)
def test_ten_thousand_histories(ground: Ground) -> None:
    _law(ground, "stripe", 10_000)
