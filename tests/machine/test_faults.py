"""Every write against every fault: once, it is done once; for longer than retries last, it is never called failed unproven."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.machine.bank import assert_agreement, far_cards, operations
from tests.machine.effects import look
from tests.machine.processes import Processes
from tests.machine.verbs import VERBS, arm, exit_code
from tests.machine.world import World, opened

Copy = Callable[[Path], Path]
OFTEN = 20
ONCE = {  # fault: the exit code where it strikes once
    "refused": 0,
    "429": 0,
    "429-retry-after": 0,
    "500": 0,
    "500-after-commit": 0,
    "500-saved": 8,
    "lost-reply": 0,
    "torn-body": 0,
    "slow": 0,
}
STORM = {  # fault: the exit code where it strikes for longer than retries last, and how often it has taken effect by then
    "refused": (8, 0),
    "429": (8, 0),
    "429-retry-after": (8, 0),
    "500": (9, 0),
    "500-after-commit": (0, 1),
    "500-saved": (8, 0),
    "lost-reply": (9, 1),
    "torn-body": (9, 1),
    "slow": (9, 1),
}


def storm(name: str, fault: str) -> tuple[int, int]:
    """Who stops a card hears at once that it took: a lost or torn reply of a freeze or close is looked up at once."""
    code, effects = STORM[fault]
    return (0 if name in ("freeze", "close") and (code, effects) == (9, 1) else code), effects


@pytest.mark.parametrize("fault", ONCE)
@pytest.mark.parametrize("name", VERBS)
def test_a_fault_that_strikes_once(world: World, name: str, fault: str) -> None:
    verb = VERBS[name]
    verb.before(world)
    before, known = look(world.home, world.card.ref), len(world.operations())
    world.wire.sent.clear()
    arm(world, fault, 1)
    assert exit_code(verb.act, world) == ONCE[fault]
    assert len(set(world.wire.sent)) == 1  # whatever was sent again was the same request under the same key
    assert verb.effect(before, look(world.home, world.card.ref)) == (ONCE[fault] == 0)
    assert [one.state for one in world.operations()[known:]] == ["done" if ONCE[fault] == 0 else "refused"]
    assert_agreement(world.home)
    if ONCE[fault]:
        assert exit_code(verb.act, world) == 0
        assert verb.effect(before, look(world.home, world.card.ref)) == 1
        assert_agreement(world.home)
    assert world.audit_is_whole()


@pytest.mark.parametrize("fault", STORM)
@pytest.mark.parametrize("name", VERBS)
def test_a_storm_that_outlasts_the_retries(world: World, name: str, fault: str) -> None:
    verb, (code, effects) = VERBS[name], storm(name, fault)
    verb.before(world)
    before, known = look(world.home, world.card.ref), len(world.operations())
    world.wire.sent.clear()
    arm(world, fault, OFTEN)
    assert exit_code(verb.act, world) == code
    assert verb.effect(before, look(world.home, world.card.ref)) == effects
    state = {0: "done", 8: "refused", 9: "in_doubt"}[code]
    assert [one.state for one in world.operations()[known:]] == [state]
    world.far_side.clear_faults()
    resumed = world.resume()
    assert (len(resumed.settled), len(resumed.left)) == (code == 9, 0)
    assert verb.effect(before, look(world.home, world.card.ref)) == (code != 8)
    assert len(set(world.wire.sent)) == 1
    assert [one.state for one in world.operations()[known:]] == ["refused" if code == 8 else "done"]
    assert_agreement(world.home)
    assert world.audit_is_whole()


def test_the_command_line_says_it_with_exit_codes(processes: Processes, programme: Path, copies: Copy) -> None:
    home = copies(programme)
    with opened(home) as world:
        card, ref = world.card.id, world.card.ref
    fund = ["card", "fund", card, "--amount", "10", "--currency", "USD", "-o", "json"]

    def allowance() -> int:
        return far_cards(home)[ref].allowance or 0

    def run(*argv: str) -> int:
        return processes.run(home, *argv).only.code

    first = allowance()
    assert run("simulator", "fault", "--next", "lost-reply") == 0
    assert run(*fund) == 0
    assert allowance() == first + 1_000
    assert run("simulator", "fault", "--next", "lost-reply", "--times", "20") == 0
    assert run(*fund) == 9
    assert run(*fund) == 9
    assert run("card", "freeze", card) == 0  # no reply comes back, but looking shows that it took
    assert far_cards(home)[ref].state == "frozen"
    assert run("simulator", "fault", "--clear") == 0
    assert run("operation", "resume") == 0
    assert allowance() == first + 2_000
    shown = processes.do(home, "card", "show", card, "--fresh", "-o", "json").data
    assert (shown["state"], shown["balance"]["minor"]) == ("frozen", far_cards(home)[ref].balance)
    assert {one["state"] for one in operations(home)} == {"done"}
    assert_agreement(home)
