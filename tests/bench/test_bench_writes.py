"""What a journalled write costs in this process, beside the provider's own call: intent, lease, outcome, books and audit."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from cardctl import runtime
from cardctl.domain.cards import Card
from cardctl.domain.states import CardState, Move
from cardctl.providers.base import ControlsCards, require
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.funding import fund_card
from tests.services.world import World, usd

MOVES = Move.FREEZE, Move.UNFREEZE


def test_the_provider_alone(benchmark: BenchmarkFixture, world: World) -> None:
    """What the next one is to be compared with: the same requests, with nothing of ours written down."""
    card, provider = world.a_card("100"), world.desk.provider
    controls = require(provider, ControlsCards)

    def freeze_and_unfreeze() -> None:
        for move in MOVES:
            mark = runtime.new_id("op")
            provider.send(controls.draft_move(card.ref, move, mark, None), mark)

    benchmark(freeze_and_unfreeze)
    assert world.far(card)["status"] == "active"


def test_a_freeze_and_its_undoing(benchmark: BenchmarkFixture, world: World) -> None:
    card = world.a_card("100")

    def freeze_and_unfreeze() -> list[CardState]:
        states = []
        for move in MOVES:
            moved = move_card(world.desk, world.card(card), move).object
            assert isinstance(moved, Card)
            states.append(moved.state)
        return states

    assert benchmark(freeze_and_unfreeze) == [CardState.FROZEN, CardState.ACTIVE]
    assert world.card(card).balance == usd("100")


def test_a_funding(benchmark: BenchmarkFixture, world: World) -> None:
    card = world.a_card("100")
    benchmark(lambda: fund_card(world.desk, world.card(card), usd("1")))
    count = sum(operation.kind == "card.fund" for operation in world.operations())
    assert count >= 1
    assert world.far_limit(card) == 100_00 + 100 * count
    assert world.card(card).balance == usd(str(100 + count))
