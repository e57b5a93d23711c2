"""Targets beside what a programme really did: purchases, a fault, an event that cannot be applied."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cardctl import runtime
from cardctl.domain.standing import Answers
from cardctl.domain.targets import TARGETS, Verdict
from cardctl.providers.guarding import Call
from cardctl.services.flows.measuring import Figures, keep_and_measure, measure
from tests.services.world import World

DAY = timedelta(days=1)


def figures(world: World, **more: Any) -> Figures:
    return measure(world.books, runtime.now, since=runtime.now() - DAY, **more)


def verdicts(found: Figures) -> dict[str, tuple[str, int]]:
    return {each.target.name: (each.verdict.value, each.sample) for each in found.measures}


def test_books_of_nothing_pass_nothing(each_world: World) -> None:
    found = figures(each_world)
    assert [each.target for each in found.measures] == list(TARGETS)
    assert {each.verdict for each in found.measures} == {Verdict.NO_DATA}
    assert not found.missed
    assert (found.answers, found.days, found.standing.last_run, found.standing.audit.seq) == ((), (), None, 0)


def test_what_went_well_is_met(each_world: World) -> None:
    for _ in range(3):
        each_world.a_card("100")
    found = figures(each_world)
    assert verdicts(found) == {
        "card_creation": ("met", 3),
        "transaction_processing": ("met", 3),
        "provider_answers": ("no_data", 0),
        "provider_answers_p95": ("no_data", 0),
        "webhooks_processed": ("no_data", 0),
    }
    assert not found.missed
    assert found.standing.cards == {("stripe", "active"): 3}
    assert found.standing.operations == {("stripe", "done"): 6}


def test_one_target_missed_is_a_miss(each_world: World) -> None:
    _calls(each_world, *[(200, 100)] * 94, *[(200, 2000)] * 6)
    found = figures(each_world)
    assert verdicts(found)["provider_answers"] == ("met", 100)
    assert verdicts(found)["provider_answers_p95"] == ("missed", 100)
    assert found.missed
    assert found.answers == (Answers("stripe", 100, 0, 0, 0, (94 * 100 + 6 * 2000) * 1000, 2_000_000),)


def test_one_provider_alone(each_world: World) -> None:
    each_world.a_card("100")
    _calls(each_world, (200, 9000))
    assert figures(each_world).missed
    elsewhere = figures(each_world, provider="marqeta")
    assert {each.verdict for each in elsewhere.measures} == {Verdict.NO_DATA}
    assert (elsewhere.answers, elsewhere.standing.cards) == ((), {})


def test_what_began_before_the_window_is_not_in_it(world: World) -> None:
    world.a_card("100")
    found = measure(world.books, runtime.now, since=runtime.now() + DAY)
    assert {each.verdict for each in found.measures} == {Verdict.NO_DATA}
    assert found.standing.cards == {("stripe", "active"): 1}, "how the books stand knows no window"


def test_days_are_kept_before_they_are_shown(each_world: World) -> None:
    each_world.a_card("100")
    assert figures(each_world, days=7).days == ()
    found = keep_and_measure(each_world.books, runtime.now, since=runtime.now() - DAY)
    assert found is not None
    (day,) = found.days
    assert (day.funded.minor, day.active_cards) == (10_000, 1)
    assert figures(each_world, days=7).days == (day,)
    assert figures(each_world).days == ()


def _calls(world: World, *told: tuple[int | None, int]) -> None:
    with world.books.write() as unit:
        unit.calls.add_many([(runtime.now(), _call(status, ms)) for status, ms in told])


def _call(status: int | None, ms: int) -> Call:
    return Call("stripe", "GET", "/v1/issuing/cards", status, ms, 1, None)
