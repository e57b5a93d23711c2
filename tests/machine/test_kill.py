"""`kill -9` at every point of every write that leaves a trace: nothing is lost, nothing happens twice, both books agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.machine.bank import CardSeen, assert_agreement, far_accounts, far_cards, operations, our_cards, rows
from tests.machine.effects import Effect, Far, limited, look, moved, new_accounts, new_cards, raised, seen, suspended
from tests.machine.processes import KILLED, Processes, Wanted, alone
from tests.machine.slicing import chosen, of_each_kind

Copy = Callable[[Path], Path]
MILLION = 100_000_000
AMOUNT = 2_500


@dataclass(frozen=True, slots=True)
class Scenario:
    """A command line (`CARD` and `ACCOUNT` stand for ids), what comes before it, and how often each kind took effect.

    Of its points (at least `points`) every `step`th is killed, of a `model` one of each kind too, and of those that make
    wrecks to resume every `wreck_step`th; with --whole all of them.
    """

    name: str
    argv: str
    effects: Mapping[str, Effect]
    before: str | None = None
    points: int = 10
    step: int = 8
    model: bool = False
    wreck_step: int = 1


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("fund", "card fund CARD --amount 25", {"card.fund": raised(AMOUNT)}, points=14, model=True),
        Scenario("freeze", "card freeze CARD --reason lost", {"card.freeze": moved("frozen")}),
        Scenario("withdraw", "card withdraw CARD --amount 25", {"card.withdraw": raised(-AMOUNT)}, points=14),
        Scenario("limits", "card limits CARD --weekly 777", {"card.limits": limited}, points=12),
        Scenario("unfreeze", "card unfreeze CARD", {"card.unfreeze": moved("active")}, before="card freeze CARD"),
        Scenario("close", "card close CARD --yes", {"card.close": moved("closed")}),
        Scenario("issue", "card issue --account ACCOUNT --fund 25 --key spare", {"card.issue": new_cards}),
        Scenario("replace", "card replace CARD --yes", {"card.close": moved("closed"), "card.issue": new_cards}, points=20),
        Scenario("account", "account create --name Annie --external-id annie", {"account.create": new_accounts}),
        Scenario("nameless", "account create --name Annie", {"account.create": new_accounts}),
        Scenario("suspend", "account suspend ACCOUNT", {"account.suspend": suspended}, points=12),
        Scenario(
            "provision",
            "provision --dev",
            {"account.create": new_accounts, "card.issue": new_cards},
            points=70,
            step=28,
            wreck_step=9,
        ),
    )
}
RESUMED = ("fund", "freeze", "issue", "provision")
"""Scenarios whose resume is killed too; with --whole that of every one."""
RESUME_STEP = 8
LEFT_OPEN = ("intended", "sent")


@dataclass(frozen=True, slots=True)
class Trial:
    """A scenario in the home that it starts from, which is only ever copied."""

    scenario: Scenario
    processes: Processes
    copy: Copy
    home: Path
    card_ref: str | None
    argv: list[str]
    before: Far

    def killed(self, point: int) -> Path:
        """A copy of the home in which the command was killed at the point."""
        home = self.copy(self.home)
        ended = self.processes.run(home, *self.argv, kill=point)
        assert ended.status == KILLED, ended
        assert len(ended.points) == point
        return home

    def points(self) -> list[str]:
        """Every point that the command passes when nobody kills it."""
        ended = self.processes.run(self.copy(self.home), *self.argv, watch=True)
        assert ended.only.code == 0, ended.only
        return ended.points

    def resume(self, home: Path) -> None:
        ran = self.processes.run(home, "operation", "resume", "-o", "json").only
        assert ran.code == 0, ran

    def far(self, home: Path) -> Far:
        return look(home, self.card_ref)

    def begun(self, home: Path) -> list[tuple[str, str]]:
        """The scenario's own operations: kind and state."""
        old = {operation["id"] for operation in operations(self.home)}
        return [(one["kind"], one["state"]) for one in operations(home) if one["id"] not in old]

    def check(self, home: Path) -> None:
        """After a resume: every operation has ended, each done one took effect once, each other never, both books agree."""
        begun, after = Counter(self.begun(home)), self.far(home)
        assert {state for _, state in begun} <= {"done", "refused"}
        for kind, effect in self.scenario.effects.items():
            assert effect(self.before, after) == begun[kind, "done"], kind
        assert_agreement(home)
        looks = [["card", "sync", "-o", "json"], ["audit", "verify", "-o", "json"]]
        [ended] = self.processes.together([Wanted(home, looks)])
        assert [ran.code for ran in ended.runs] == [0, 0], ended
        assert (ended.runs[0].data["new"], ended.runs[0].data["changed"]) == (0, 0)

    def check_again(self, home: Path) -> None:
        """The same command once more: what was killed before it began now happens; what is there is not made twice."""
        again = self.processes.run(home, *self.argv).only
        if self.scenario.name == "provision":
            assert again.code == 0, again
            assert [card.balance for card in our_cards(home).values()] == [MILLION] * 3
            assert len(our_cards(home)) == len(far_accounts(home)) == 3
        if self.scenario.name == "replace":
            assert again.code == 0, again
            assert self.far(home).cards == self.before.cards + 1
            old, new = seen(self.far(home)), _successor(home)
            assert (old.state, new.state, new.balance, new.limits) == (
                "closed",
                "active",
                seen(self.before).balance,
                old.limits,
            )
        if self.scenario.name in ("freeze", "unfreeze", "close", "limits", "suspend"):
            assert again.code == 0, again
            assert all(effect(self.before, self.far(home)) == 1 for effect in self.scenario.effects.values())
        assert_agreement(home)


def _successor(home: Path) -> CardSeen:
    newest = rows(home, "SELECT ref FROM cards ORDER BY created_at DESC, rowid DESC LIMIT 1")[0]["ref"]
    return our_cards(home)[newest]


@pytest.fixture
def trial(request: pytest.FixtureRequest, processes: Processes, programme: Path, copies: Copy, tmp_path: Path) -> Trial:
    scenario: Scenario = SCENARIOS[request.param]
    home = tmp_path / "nothing" if scenario.name == "provision" else copies(programme)
    first = rows(home, "SELECT id, ref, account_id FROM cards WHERE daily_minor IS NOT NULL")
    names = {"CARD": first[0]["id"], "ACCOUNT": first[0]["account_id"]} if first else {}

    def spelled(argv: str) -> list[str]:
        return [names.get(word, word) for word in argv.split()]

    if scenario.before:
        processes.do(home, *spelled(scenario.before))
    ref = first[0]["ref"] if first else None
    before = look(home, ref) if first else Far(None, 0, {})
    return Trial(scenario, processes, copies, home, ref, [*spelled(scenario.argv), "-o", "json"], before)


@pytest.mark.parametrize("trial", SCENARIOS, indirect=True)
def test_killed_at_every_point(trial: Trial, pytestconfig: pytest.Config, subtests: pytest.Subtests) -> None:
    points = trial.points()
    assert len(points) >= trial.scenario.points, points
    assert {"books before", "books after", "bank before", "bank after", "POST before", "POST after"} <= set(points)
    assert any(point.startswith("result") for point in points)
    choose = of_each_kind if trial.scenario.model else chosen
    for number in choose(points, trial.scenario.name, trial.scenario.step, whole=pytestconfig.getoption("--whole")):
        with subtests.test(point=f"{number} {points[number - 1]}"):
            home = trial.killed(number)
            trial.resume(home)
            trial.check(home)
            trial.check_again(home)


@pytest.mark.parametrize(
    "trial",
    [pytest.param(name, marks=() if name in RESUMED else pytest.mark.whole) for name in SCENARIOS],
    indirect=True,
)
def test_killed_while_resuming(trial: Trial, pytestconfig: pytest.Config, subtests: pytest.Subtests) -> None:
    """From each kind of wreck that a kill leaves: killed again at every point of the resume, and resumed once more."""
    whole = pytestconfig.getoption("--whole")
    wrecks: dict[object, Path] = {}
    for number in chosen(trial.points(), trial.scenario.name, trial.scenario.wreck_step, whole=whole):
        home = trial.killed(number)
        if any(state in LEFT_OPEN for _, state in trial.begun(home)):
            wrecks.setdefault((tuple(trial.begun(home)), str(trial.far(home))), home)
    assert len(wrecks) >= 3  # intended; sent but not run; run but not recorded
    for index, wreck in enumerate(wrecks.values()):
        points = trial.processes.run(trial.copy(wreck), "operation", "resume", "-o", "json", watch=True).points
        assert "books before" in points
        for number in chosen(points, f"{trial.scenario.name} {index}", RESUME_STEP, whole=whole):
            with subtests.test(wreck=wreck.name, point=f"{number} {points[number - 1]}"):
                home = trial.copy(wreck)
                assert trial.processes.run(home, "operation", "resume", "-o", "json", kill=number).status == KILLED
                trial.resume(home)
                trial.check(home)


@pytest.mark.parametrize("name", ["fund", "freeze", "issue"])
def test_killed_in_a_process_with_an_interpreter_of_its_own(
    name: str, processes: Processes, programme: Path, copies: Copy
) -> None:
    """The far side has done it, we have not recorded it: the worst moment, without any fork."""
    card = rows(programme, "SELECT id, account_id FROM cards WHERE daily_minor IS NOT NULL")[0]
    argv = re.sub("ACCOUNT", card["account_id"], re.sub("CARD", card["id"], SCENARIOS[name].argv)).split()
    points = processes.run(copies(programme), *argv, watch=True).points
    home = copies(programme)
    assert alone(home, *argv, kill=points.index("POST after") + 1).returncode == KILLED
    assert [one["state"] for one in operations(home)][-1] == "sent"
    assert our_cards(home) != far_cards(home)
    resumed = alone(home, "operation", "resume", "-o", "json")
    assert resumed.returncode == 0, resumed.stderr
    assert [one["state"] for one in operations(home)][-1] == "done"
    assert_agreement(home)
