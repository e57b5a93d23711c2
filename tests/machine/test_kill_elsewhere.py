"""`kill -9` at every point of writes on Marqeta (chains of several) and on Strowallet (no key, and no list of cards)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.machine import bank_marqeta, bank_strowallet
from tests.machine.bank import CardSeen, operations, our_cards, rows
from tests.machine.processes import KILLED, Processes, Wanted
from tests.machine.slicing import chosen, of_each_kind

Copy = Callable[[Path], Path]
MILLION = 100_000_000
KEY = ("--idempotency-key", "mine")
BANKS = {"marqeta": bank_marqeta, "strowallet": bank_strowallet}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A command line (`CARD` and `ACCOUNT` stand for ids) and those before it; `kinds` are the writes that it needs, in order,
    `cards` how many it makes, and `after` what its card is then. Of its points every `step`th is killed, of a `model` one of
    each kind too; with --whole all."""

    provider: str
    argv: str
    kinds: Sequence[str]
    after: Mapping[str, object]
    cards: int = 0
    before: Sequence[str] = ()
    keyed: bool = True
    step: int = 8
    model: bool = False


ISSUED = {"state": "active", "balance": 2_500, "limits": {}}
SCENARIOS = {
    "issue": Scenario(
        "marqeta",
        "card issue --account ACCOUNT --fund 25 --daily 10 --no-limits",
        ["card.issue", "card.limits", "card.activate", "card.fund"],
        {"state": "active", "balance": MILLION + 2_500, "limits": {"daily": 1_000}},
        cards=1,
        step=16,
        model=True,
    ),
    "withdraw": Scenario(
        "marqeta",
        "card withdraw CARD --amount 30",
        ["card.withdraw", "card.withdraw"],
        {"state": "active", "balance": MILLION + 1_000, "limits": {}},
        before=["card fund CARD --amount 20"] * 2,
    ),
    "create": Scenario(
        "strowallet",
        "account create --name Annie --email annie@example.com --provider strowallet",
        ["account.create"],
        {"state": "active", "balance": MILLION, "limits": {}},
    ),
    "issue here": Scenario("strowallet", "card issue --account ACCOUNT --fund 25 --no-limits", ["card.issue"], ISSUED, cards=1),
    "fund": Scenario(
        "strowallet",
        "card fund CARD --amount 25",
        ["card.fund"],
        {"state": "active", "balance": MILLION + 2_500, "limits": {}},
        model=True,
    ),
    "withdraw here": Scenario(
        "strowallet",
        "card withdraw CARD --amount 25",
        ["card.withdraw"],
        {"state": "active", "balance": MILLION - 2_500, "limits": {}},
    ),
    "freeze": Scenario(
        "strowallet",
        "card freeze CARD --reason lost",
        ["card.freeze"],
        {"state": "frozen", "balance": MILLION, "limits": {}},
        keyed=False,
    ),
}
ON_MARQETA = [name for name, scenario in SCENARIOS.items() if scenario.provider == "marqeta"]
ON_STROWALLET = [name for name, scenario in SCENARIOS.items() if scenario.provider == "strowallet"]


@dataclass(frozen=True, slots=True)
class Trial:
    """A scenario in the home that it starts from, which is only ever copied."""

    scenario: Scenario
    processes: Processes
    copy: Copy
    home: Path
    card_ref: str
    argv: list[str]

    def killed(self, point: int) -> Path:
        """A copy of the home in which the command was killed at the point."""
        home = self.copy(self.home)
        ended = self.processes.run(home, *self.argv, kill=point)
        assert ended.status == KILLED, ended
        return home

    def points(self) -> list[str]:
        """Every point that the command passes when nobody kills it."""
        home = self.copy(self.home)
        ended = self.processes.run(home, *self.argv, watch=True)
        assert ended.only.code == 0, ended.only
        self.check_done(home)
        return ended.points

    def chosen(self, points: list[str], *, whole: bool) -> list[int]:
        """In any case one before and one after the far side has done it: what can be settled, and what cannot."""
        if self.scenario.model:
            return of_each_kind(points, self.scenario.argv, self.scenario.step, whole=whole)
        kinds = ["bank before", "POST after"]
        return chosen(points, self.scenario.argv, self.scenario.step, whole=whole, kinds=kinds)

    def resume(self, home: Path) -> int:
        return self.processes.run(home, "operation", "resume", "--provider", self.scenario.provider, "-o", "json").only.code

    def sync(self, home: Path) -> None:
        """A sync of everything finds nothing new, and the audit is whole."""
        looks = [["card", "sync", "--provider", self.scenario.provider, "-o", "json"], ["audit", "verify", "-o", "json"]]
        [ended] = self.processes.together([Wanted(home, looks)])
        assert [ran.code for ran in ended.runs] == [0, 0], ended

    def begun(self, home: Path) -> list[tuple[str, str]]:
        """The scenario's own operations: kind and state."""
        old = {operation["id"] for operation in operations(self.home)}
        return [(one["kind"], one["state"]) for one in operations(home) if one["id"] not in old]

    def check_done(self, home: Path) -> None:
        """Everything was done, once, and both sides tell the same."""
        assert self.begun(home) == [(kind, "done") for kind in self.scenario.kinds]
        assert self.seen(home) == CardSeen(allowance=None, **self.scenario.after)  # type: ignore[arg-type]
        assert len(our_cards(home, self.scenario.provider)) == 3 + self.scenario.cards
        BANKS[self.scenario.provider].assert_agreement(home)

    def seen(self, home: Path) -> CardSeen:
        """The card that the scenario is about as the far side has it: the new one, else the first."""
        old, far = our_cards(self.home, self.scenario.provider), BANKS[self.scenario.provider].far_cards(home)
        new = [ref for ref in far if ref not in old]
        assert len(new) <= self.scenario.cards
        seen: CardSeen = far[new[0] if new else self.card_ref]
        return seen


@pytest.fixture
def trial(request: pytest.FixtureRequest, processes: Processes, elsewhere: dict[str, Path], copies: Copy) -> Trial:
    scenario = SCENARIOS[request.param]
    home = copies(elsewhere[scenario.provider])
    card = rows(home, "SELECT id, ref, account_id FROM cards ORDER BY id LIMIT 1")[0]
    names = {"CARD": card["id"], "ACCOUNT": card["account_id"]}

    def spelled(argv: str) -> list[str]:
        return [names.get(word, word) for word in argv.split()]

    for line in scenario.before:
        processes.do(home, *spelled(line))
    argv = [*spelled(scenario.argv), *(KEY if scenario.keyed else ()), "-o", "json"]
    return Trial(scenario, processes, copies, home, card["ref"], argv)


@pytest.mark.parametrize("trial", ON_MARQETA, indirect=True)
def test_a_chain_killed_at_every_point(trial: Trial, pytestconfig: pytest.Config, subtests: pytest.Subtests) -> None:
    """All of it is in the journal before the first is sent: a resume does all of it, or nothing was begun; and the same command
    with the same key never does any of it twice."""
    points = trial.points()
    assert points.count("POST after") >= len(trial.scenario.kinds)
    for number in trial.chosen(points, whole=pytestconfig.getoption("--whole")):
        with subtests.test(point=f"{number} {points[number - 1]}"):
            home = trial.killed(number)
            begun = trial.begun(home)
            assert [kind for kind, _ in begun] in ([], list(trial.scenario.kinds))
            assert trial.resume(home) == 0
            if begun:
                trial.check_done(home)
            else:
                bank_marqeta.assert_agreement(home)
            again = trial.processes.run(home, *trial.argv).only
            assert again.code == 0, again
            trial.check_done(home)
            trial.sync(home)
            trial.check_done(home)


@pytest.mark.parametrize("trial", ON_MARQETA, indirect=True)
def test_a_resume_of_a_chain_killed_too(trial: Trial, pytestconfig: pytest.Config, subtests: pytest.Subtests) -> None:
    points = trial.points()
    whole = pytestconfig.getoption("--whole")
    first = points.index("POST after") + 1
    wreck = trial.killed(first)
    resuming = trial.processes.run(
        trial.copy(wreck), "operation", "resume", "--provider", "marqeta", "-o", "json", watch=True
    ).points
    for number in trial.chosen(resuming, whole=whole):
        with subtests.test(point=f"{number} {resuming[number - 1]}"):
            home = trial.copy(wreck)
            ended = trial.processes.run(home, "operation", "resume", "--provider", "marqeta", "-o", "json", kill=number)
            assert ended.status == KILLED
            assert trial.resume(home) == 0
            trial.check_done(home)


@pytest.mark.parametrize("trial", ON_STROWALLET, indirect=True)
def test_killed_at_every_point_where_nothing_proves_anything(
    trial: Trial, pytestconfig: pytest.Config, subtests: pytest.Subtests
) -> None:
    """What a look can prove is settled, what it cannot stays in doubt (9) until a person says; nothing is ever done twice."""
    points = trial.points()
    ends = set()
    for number in trial.chosen(points, whole=pytestconfig.getoption("--whole")):
        with subtests.test(point=f"{number} {points[number - 1]}"):
            home = trial.killed(number)
            code = trial.resume(home)
            begun = trial.begun(home)
            happened = _happened(trial, home)
            assert happened in (0, 1)
            ends.add(code)
            if code == 9:
                _stays_in_doubt(trial, home)
                _as_a_person(trial, home, happened)
            else:
                assert code == 0
                assert [state for _, state in begun] == (["done"] * happened)
            orphan = int(bool(code == 9 and happened and trial.scenario.cards))
            trial.sync(home)
            bank_strowallet.assert_agreement(home, unknown=orphan)
            if not happened and "freeze" not in trial.argv:
                again = trial.processes.run(home, *trial.argv[: -len(KEY) - 2]).only
                assert again.code == 0, again
                assert _happened(trial, home) == 1
                bank_strowallet.assert_agreement(home)
    assert ends == ({0} if "freeze" in trial.argv else {0, 9})


def _happened(trial: Trial, home: Path) -> int:
    """How often the write took effect, as somebody sees who looks at both sides."""
    match trial.scenario.kinds[0]:
        case "account.create":
            return int("annie@example.com" in bank_strowallet.far_emails(home))
        case "card.issue":
            return len(bank_strowallet.far_cards(home)) - 3
        case "card.freeze":
            return int(trial.seen(home).state == "frozen")
    return len(bank_strowallet.movements(home))


def _stays_in_doubt(trial: Trial, home: Path) -> None:
    """However often it is asked; and no other write of its kind on the card gets past it."""
    before = bank_strowallet.far_cards(home), bank_strowallet.far_emails(home)
    assert trial.resume(home) == 9
    assert [state for _, state in trial.begun(home)] == ["in_doubt"]
    again = trial.processes.run(home, *trial.argv).only
    assert again.code == 9, again
    assert (bank_strowallet.far_cards(home), bank_strowallet.far_emails(home)) == before


def _as_a_person(trial: Trial, home: Path, happened: int) -> None:
    """Who has looked at the provider's dashboard says what became of it."""
    (doubtful,) = rows(home, "SELECT id FROM operations WHERE state = 'in_doubt'")
    said = ["--as", "done" if happened else "refused", "--reason", "seen in the dashboard"]
    trial.processes.do(home, "operation", "resolve", doubtful["id"], *said, "-o", "json")
