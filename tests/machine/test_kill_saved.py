"""`kill -9` at every point of what moves a buyer's money: after a resume it moved exactly once, and both sides agree."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.machine.bank import assert_told_once, operations, rows
from tests.machine.processes import KILLED, Processes, Wanted, alone
from tests.machine.slicing import chosen, of_each_kind

Copy = Callable[[Path], Path]
BUYER = "buyer@example.com"
GOOD = "cnon:card-nonce-ok"
USD = ["--currency", "USD"]


@dataclass(frozen=True, slots=True)
class Side:
    """One side's word: what is paid (state, amount, taken, given back, invoice), in order, and how many cards there are."""

    payments: list[tuple[str, int, int, int, str]]
    cards: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A command line and those before it; `kinds` are its writes, in order, and `after` both sides at its end. Of its points
    every `step`th is killed, of a `model` one of each kind too; with --whole all."""

    argv: Sequence[str]
    kinds: Sequence[str]
    after: Side
    before: Sequence[Sequence[str]] = ()
    step: int = 7
    model: bool = False


_INVOICE = ["--invoice", "A-1"]
_HOLD = ["saved-card", "preauth", BUYER, "--amount", "50", *USD, *_INVOICE]
_CHARGE = ["saved-card", "charge", BUYER, "--amount", "5", *USD, *_INVOICE]
SCENARIOS = {
    "add": Scenario(
        ["saved-card", "add", "--person", "second@example.com", "--nonce", "-"],
        ["customer.create", "saved_card.add"],
        Side([], 2),
    ),
    "charge": Scenario(_CHARGE, ["saved_card.charge"], Side([("completed", 500, 500, 0, "A-1")], 1), model=True),
    "preauth": Scenario(_HOLD, ["saved_card.preauth"], Side([("approved", 5000, 0, 0, "A-1")], 1)),
    "capture": Scenario(
        ["saved-card", "capture", BUYER, "--amount", "42.10", *_INVOICE],
        ["saved_card.capture"],
        Side([("completed", 4210, 4210, 0, "A-1")], 1),
        before=[_HOLD],
    ),
    "cancel": Scenario(
        ["saved-card", "cancel", BUYER, *_INVOICE],
        ["saved_card.cancel"],
        Side([("canceled", 5000, 0, 0, "A-1")], 1),
        before=[_HOLD],
    ),
    "refund": Scenario(
        ["saved-card", "refund", BUYER, "--amount", "2", *_INVOICE],
        ["saved_card.refund"],
        Side([("completed", 500, 500, 200, "A-1")], 1),
        before=[_CHARGE],
    ),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """A scenario in the home that it starts from, which is only ever copied."""

    scenario: Scenario
    processes: Processes
    copy: Copy
    home: Path

    @property
    def argv(self) -> list[str]:
        return [*self.scenario.argv, "-o", "json"]

    def killed(self, point: int) -> Path:
        """A copy of the home in which the command was killed at the point."""
        home = self.copy(self.home)
        ended = self.processes.run(home, *self.argv, kill=point, stdin=GOOD)
        assert ended.status == KILLED, ended
        return home

    def points(self) -> list[str]:
        """Every point that the command passes when nobody kills it."""
        home = self.copy(self.home)
        ended = self.processes.run(home, *self.argv, watch=True, stdin=GOOD)
        assert ended.only.code == 0, ended.only
        self.check_done(home)
        return ended.points

    def chosen(self, points: list[str], *, whole: bool, salt: str = "") -> list[int]:
        choose = of_each_kind if self.scenario.model and not salt else chosen
        return choose(points, f"{self.scenario.kinds} {salt}", self.scenario.step, whole=whole)

    def resume(self, home: Path, kill: int | None = None, *, watch: bool = False) -> Any:
        return self.processes.run(home, "operation", "resume", "--provider", "square", "-o", "json", kill=kill, watch=watch)

    def check(self, home: Path) -> None:
        """After a resume: nothing is left, and both sides tell the same, whether or not it was begun."""
        begun = [one for one in operations(home) if one["id"] not in {old["id"] for old in operations(self.home)}]
        assert {one["state"] for one in begun} <= {"done"}, begun
        assert far(home) == our(home)
        assert_told_once(home)

    def again(self, home: Path) -> None:
        """The same command line once more: it happens now, or is there already; never twice."""
        ended = self.processes.run(home, *self.argv, stdin=GOOD).only
        assert ended.code in (0, 6), ended
        self.check_done(home)

    def check_done(self, home: Path) -> None:
        assert far(home) == our(home) == self.scenario.after
        assert_told_once(home)
        looks = [["saved-card", "sync", BUYER, "-o", "json"], ["audit", "verify", "-o", "json"]]
        [ended] = self.processes.together([Wanted(home, looks)])
        assert [ran.code for ran in ended.runs] == [0, 0], ended
        assert far(home) == our(home) == self.scenario.after


def far(home: Path) -> Side:
    """The far side, from its own file."""
    query = "SELECT p.status, p.amount, p.reference_id, p.ref FROM square_payments p WHERE p.deleted = 0 ORDER BY p.seq"
    back = "SELECT coalesce(sum(amount), 0) FROM square_refunds WHERE payment_id = ? AND status != 'FAILED'"
    with closing(sqlite3.connect(home / "state" / "simulator.db")) as db:
        paid = []
        for status, amount, invoice, ref in db.execute(query).fetchall():
            (refunded,) = db.execute(back, (ref,)).fetchone()
            paid.append((str(status).lower(), amount, amount if status == "COMPLETED" else 0, refunded, invoice))
        (cards,) = db.execute("SELECT count(*) FROM square_cards WHERE deleted = 0").fetchone()
    return Side(paid, cards)


def our(home: Path) -> Side:
    """The same of our books, with bare sqlite3."""
    paid = rows(
        home, "SELECT state, amount_minor, captured_minor, refunded_minor, invoice FROM payments ORDER BY created_at, id"
    )
    (cards,) = rows(home, "SELECT count(*) AS many FROM saved_cards WHERE ref IS NOT NULL")
    return Side([tuple(row.values()) for row in paid], cards["many"])


@pytest.fixture(scope="session")
def seller(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one saved card in it; to be copied, not used."""
    home = tmp_path_factory.mktemp("seller") / "home"
    processes.do(home, "saved-card", "add", "--person", BUYER, "--nonce", "-", "-o", "json", stdin=GOOD)
    assert far(home) == our(home) == Side([], 1)
    return home


@pytest.fixture
def trial(request: pytest.FixtureRequest, processes: Processes, seller: Path, copies: Copy) -> Trial:
    scenario = SCENARIOS[request.param]
    home = copies(seller)
    for line in scenario.before:
        processes.do(home, *line, "-o", "json")
    return Trial(scenario, processes, copies, home)


@pytest.mark.parametrize("trial", SCENARIOS, indirect=True)
def test_killed_at_every_point(trial: Trial, pytestconfig: pytest.Config, subtests: pytest.Subtests) -> None:
    points = trial.points()
    assert {"books before", "books after", "bank before", "bank after", "POST before", "POST after"} <= set(points)
    for number in trial.chosen(points, whole=pytestconfig.getoption("--whole")):
        with subtests.test(point=f"{number} {points[number - 1]}"):
            home = trial.killed(number)
            assert trial.resume(home).only.code == 0
            trial.check(home)
            trial.again(home)


@pytest.mark.parametrize("trial", ["charge", "capture", "refund"], indirect=True)
def test_killed_while_resuming_too(trial: Trial, pytestconfig: pytest.Config, subtests: pytest.Subtests) -> None:
    """From each kind of wreck: intended and not sent, sent and not done, done and not recorded."""
    points, whole = trial.points(), pytestconfig.getoption("--whole")
    first = points.index("POST before") + 1
    for wreck_at in (first - 1, first, points.index("POST after") + 1):
        wreck = trial.killed(wreck_at)
        resuming = trial.resume(trial.copy(wreck), watch=True).points
        for number in trial.chosen(resuming, whole=whole, salt=str(wreck_at)):
            with subtests.test(wreck=points[wreck_at - 1], point=f"{number} {resuming[number - 1]}"):
                home = trial.copy(wreck)
                assert trial.resume(home, kill=number).status == KILLED
                assert trial.resume(home).only.code == 0
                trial.check(home)
                trial.again(home)


def test_killed_in_a_process_with_an_interpreter_of_its_own(processes: Processes, seller: Path, copies: Copy) -> None:
    """The money has moved, and nobody here has written it down: the worst moment, without any fork."""
    argv = [*_CHARGE, "-o", "json"]
    points = processes.run(copies(seller), *argv, watch=True).points
    home = copies(seller)
    assert alone(home, *argv, kill=points.index("POST after") + 1).returncode == KILLED
    assert far(home).payments == SCENARIOS["charge"].after.payments
    assert our(home).payments == []
    assert alone(home, "operation", "resume", "--provider", "square").returncode == 0
    assert far(home) == our(home) == SCENARIOS["charge"].after
