"""Plans of webhook deliveries: nothing is lost that was not dropped, and the same seed gives the same plan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardctl.errors import BadInput
from cardctl.simulator.deliver import BATCH, KINDS, LATEST, planned
from cardctl.simulator.faults import FAULTS

EVENTS = st.integers(0, 60).map(lambda many: [f"evt_{place}" for place in range(many)])
SEEDS = st.integers(0, 2**32)
RATES = st.floats(0, 1)
SOME = st.sets(st.sampled_from(KINDS)).map(sorted)


def flat(plan: list[object]) -> list[str]:
    """What the provider itself sends."""
    return [event for delivery in plan if not delivery.forged for event in delivery.events]  # type: ignore[attr-defined]


def test_the_kinds_are_the_table_s() -> None:
    assert set(KINDS) == {"duplicate", "reordered", "dropped", "batched", "late", "forged", "rotated"} <= set(FAULTS)


@given(EVENTS, SEEDS, RATES, SOME)
def test_the_same_seed_gives_the_same_plan(events: list[str], seed: int, rate: float, kinds: list[str]) -> None:
    assert planned(events, seed, rate=rate, kinds=kinds) == planned(events, seed, rate=rate, kinds=kinds)


@given(EVENTS, SEEDS, RATES, SOME)
def test_every_delivery_is_one_that_can_be_sent(events: list[str], seed: int, rate: float, kinds: list[str]) -> None:
    plan = planned(events, seed, rate=rate, kinds=kinds)
    assert set(flat(plan)) <= set(events)  # type: ignore[arg-type]
    assert all(1 <= len(delivery.events) <= BATCH for delivery in plan)
    assert all(0 <= delivery.delay <= LATEST for delivery in plan)
    assert [delivery.delay for delivery in plan] == sorted(delivery.delay for delivery in plan)
    assert all(delivery.attempt >= 1 for delivery in plan)


@given(EVENTS, SEEDS, SOME)
def test_nothing_is_lost_unless_it_is_dropped(events: list[str], seed: int, kinds: list[str]) -> None:
    plan = planned(events, seed, kinds=kinds)
    times = 2 if "duplicate" in kinds else 1
    lost = min(len(events), 1) if "dropped" in kinds else 0
    assert len(flat(plan)) == len(events) * times - lost  # type: ignore[arg-type]
    assert "dropped" in kinds or set(flat(plan)) == set(events)  # type: ignore[arg-type]


@given(EVENTS, SEEDS)
def test_without_faults_all_come_once_in_order(events: list[str], seed: int) -> None:
    plan = planned(events, seed)
    assert [delivery.events for delivery in plan] == [(event,) for event in events]
    assert {(delivery.delay, delivery.attempt) for delivery in plan} <= {(0.0, 1)}


def test_each_kind_does_what_it_says() -> None:
    events = [f"evt_{place}" for place in range(25)]
    assert [delivery.attempt for delivery in planned(events, 1, kinds=["duplicate"])] == [1, 2] * 25
    mixed = flat(planned(events, 1, kinds=["reordered"]))  # type: ignore[arg-type]
    assert sorted(mixed) == sorted(events)
    assert mixed != events
    assert len(planned(events, 1, kinds=["dropped"])) == 24
    assert [len(delivery.events) for delivery in planned(events, 1, kinds=["batched"])] == [10, 10, 5]
    assert all(delivery.delay > 0 for delivery in planned(events, 1, kinds=["late"]))
    beside = planned(events, 1, kinds=["forged"])
    assert sorted(delivery.events for delivery in beside if delivery.forged) == sorted((event,) for event in events)
    assert {delivery.forged for delivery in beside[::2]} == {True, False}
    assert all(delivery.rotated for delivery in planned(events, 1, kinds=["rotated"]))
    assert planned(events, 1, rate=0.5) != planned(events, 2, rate=0.5)


def test_plans_that_make_no_sense() -> None:
    for wrong in ({"rate": 1.5}, {"rate": -0.1}, {"kinds": ["lost-reply"]}):
        with pytest.raises(BadInput):
            planned(["evt_1"], 1, **wrong)
