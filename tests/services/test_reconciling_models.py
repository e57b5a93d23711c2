"""Two passes held against plain models: both sides merged, card by card; and what becomes of breaks from run to run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cardctl.db.unit import Books
from cardctl.domain.breaks import Break, BreakState, BreakType, Finding, ReconcileRun, RunState
from cardctl.domain.money import Money
from cardctl.services.flows.reconciling.merging import merged, pairs
from cardctl.services.flows.reconciling.moving import Hand, move
from cardctl.services.flows.reconciling.recording import remember
from tests.db.conftest import keys_of

NAMES = st.sampled_from(["a", "B", "b", "é", "ic_1", "ic_10", "ic_2", "Ａ", "😀", "\uffff"])
Row = tuple[Any, ...]


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Cards or accounts, sorted by name; a name may be there several times, the later word later."""
    names = draw(st.lists(NAMES, max_size=8))
    return sorted(((name, number) for number, name in enumerate(names)), key=lambda row: str(row[0]))


@st.composite
def money(draw: st.DrawFn) -> list[Row]:
    """Money events, sorted by their card alone."""
    found = draw(st.lists(st.tuples(st.sampled_from(["x", "y", "é", "z"]), st.integers(0, 9), NAMES), max_size=12))
    return sorted(found, key=lambda row: row[-1])


def by_name(found: Iterable[Row]) -> dict[str, Row]:
    return {row[0]: row for row in found}


@given(rows(), rows())
def test_pairs_are_what_two_dictionaries_say(ours: list[Row], theirs: list[Row]) -> None:
    here, there = by_name(ours), by_name(theirs)
    wanted = [(here.get(name), there.get(name)) for name in sorted(here.keys() | there.keys())]
    assert list(pairs(iter(ours), iter(theirs))) == wanted


@given(rows(), rows(), money(), money())
def test_merged_is_what_four_dictionaries_say(ours: list[Row], theirs: list[Row], mine: list[Row], your: list[Row]) -> None:
    here, there = by_name(ours), by_name(theirs)
    names = sorted(here.keys() | there.keys() | {row[-1] for row in (*mine, *your)})

    def of(events: list[Row], name: str) -> dict[str, Row]:
        return by_name(row for row in events if row[-1] == name)

    wanted = [(name, here.get(name), there.get(name), of(mine, name), of(your, name)) for name in names]
    assert list(merged(iter(ours), iter(theirs), iter(mine), iter(your))) == wanted


def test_a_side_is_read_no_further_than_it_must() -> None:
    """Nothing is gathered: of a million cards one is at hand."""
    taken = 0

    def endless() -> Iterator[Row]:
        nonlocal taken
        for number in range(1_000_000):
            taken += 1
            yield f"{number:07}", number

    walk = merged(endless(), iter([]), iter([]), iter([]))
    for _ in range(10):
        next(walk)
    assert taken <= 12


PROGRAMMES = ("stripe/a", "stripe/b")
KINDS = (BreakType.CARD_STATE, BreakType.TRANSACTION_MISSING_HERE, BreakType.FLOAT_LOW)
PAST = {BreakType.TRANSACTION_MISSING_HERE}
BEGUN = datetime(2026, 11, 26, 12, tzinfo=UTC)
S = BreakState


@dataclass
class Model:
    """What is to be remembered of one break."""

    remote: int
    state: BreakState
    first: datetime
    last: datetime
    occurrences: int
    until: datetime | None = None
    moves: int = 1
    runs: int = 1


Key = tuple[str, BreakType, str]


class Remembering(RuleBasedStateMachine):
    """Runs that find some things, and people who see to them, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._home = tempfile.TemporaryDirectory()
        self.books = Books(str(Path(self._home.name) / "books.db"), environment="simulator", keys=keys_of)
        self.now = BEGUN
        self.numbers = 0
        self.known: dict[Key, Model] = {}

    def teardown(self) -> None:
        self.books.close()
        self._home.cleanup()

    @rule(
        found=st.dictionaries(
            st.tuples(st.sampled_from(PROGRAMMES), st.sampled_from(KINDS), st.sampled_from("xy")), st.integers(1, 2), max_size=5
        ),
        whole=st.sets(st.sampled_from(PROGRAMMES)),
        since=st.booleans(),
        twice=st.booleans(),
    )
    def a_run(self, found: dict[Key, int], whole: set[str], since: bool, twice: bool) -> None:
        self.numbers += 1
        self.now += timedelta(minutes=10)
        run = ReconcileRun(
            id=f"run_{self.numbers:08}",
            state=RunState.DONE,
            started_at=self.now,
            finished_at=None,
            actor="tester",
            correlation_id="cor",
            programmes=list(PROGRAMMES),
            watermark={},
            figures={},
            not_checked=[],
            found=0,
            fixed=0,
            digest="",
        )
        found = {key: value for key, value in found.items() if key[0] in whole}
        findings = [self._finding(key, value) for key, value in found.items()]
        with self.books.write() as unit:
            unit.runs.put(run)
            done = remember(unit, run, findings + findings[:1], sorted(whole), since=since)
            assert done.found == len(found)
            if twice:  # a run that was gone on with remembers again
                remember(unit, run, findings, sorted(whole), since=since)
        new = sum(key not in self.known for key in found)
        reopened = sum(self._see(key, value) for key, value in found.items())
        assert (done.new, done.reopened) == (new, reopened)
        gone = [key for key in self.known if key[0] in whole and key not in found and not (since and key[1] in PAST)]
        for key in gone:
            self._move(key, S.RESOLVED)

    def _finding(self, key: Key, value: int) -> Finding:
        programme, kind, subject = key
        return Finding(kind, subject, "stripe", programme, remote={"value": value}, at_risk=Money(value, "USD"))

    def _see(self, key: Key, value: int) -> bool:
        """Whether it was reopened."""
        one = self.known.get(key)
        if one is None:
            self.known[key] = Model(value, S.OPEN, self.now, self.now, 1)
            return False
        changed, one.remote = one.remote != value, value
        one.last, one.occurrences, one.runs = self.now, one.occurrences + 1, one.runs + 1
        if one.state is S.RESOLVED or (changed and one.state in (S.ACCEPTED, S.ACKNOWLEDGED)):
            self._move(key, S.REOPENED)
            return True
        if one.state is S.SNOOZED and one.until is not None and one.until <= self.now:
            self._move(key, S.OPEN)
        return False

    def _move(self, key: Key, to: BreakState, until: datetime | None = None) -> None:
        one = self.known[key]
        if one.state is not to or one.until != until:
            one.moves += 1
        one.state, one.until = to, until

    @precondition(lambda self: any(one.state is not S.RESOLVED for one in self.known.values()))
    @rule(to=st.sampled_from([S.ACKNOWLEDGED, S.ACCEPTED, S.RESOLVED, S.SNOOZED]), data=st.data())
    def a_person(self, to: BreakState, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(key for key, one in self.known.items() if one.state is not S.RESOLVED)))
        until = self.now + timedelta(minutes=data.draw(st.sampled_from([5, 15, 60]))) if to is S.SNOOZED else None
        hand = Hand(self.books, lambda: self.now, "ada", "cor")
        ((now, moved),) = move(hand, [self._finding(key, 1).fingerprint], to, "a reason", until=until)
        assert (now.state, moved) == (to, (self.known[key].state, self.known[key].until) != (to, until))
        self._move(key, to, until)

    @invariant()
    def the_books_say_the_same(self) -> None:
        with self.books.read() as unit:
            breaks: list[Break] = list(unit.breaks.rows(moves=True))
            seen: dict[str, int] = {}
            for run in unit.runs.rows():
                from cardctl.db.breaks import BreakFilter

                for one in unit.breaks.rows(BreakFilter(run_id=run.id)):
                    seen[one.fingerprint] = seen.get(one.fingerprint, 0) + 1
        told = {
            (one.programme, one.type, one.subject): Model(
                one.remote["value"],
                one.state,
                one.first_seen_at,
                one.last_seen_at,
                one.occurrences,
                one.snoozed_until,
                len(one.moves),
                seen[one.fingerprint],
            )
            for one in breaks
        }
        assert told == self.known
        for one in breaks:
            steps = [(step.before, step.after) for step in one.moves]
            assert steps[0] == (None, S.OPEN)
            assert [before for before, _ in steps[1:]] == [after for _, after in steps[:-1]], "each begins where one ended"
            assert steps[-1][1] is one.state


Remembering.TestCase.settings = settings(
    max_examples=25, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestRemembering = Remembering.TestCase


def test_many_breaks_at_once(tmp_path: Path) -> None:
    """More than are looked up at once, some of them told twice, far apart."""
    books = Books(str(tmp_path / "books.db"), environment="simulator", keys=keys_of)
    findings = [Finding(BreakType.CARD_STATE, f"ic_{n:05}", "stripe", "stripe/a") for n in range(1_300)]
    run = ReconcileRun("run_1", RunState.DONE, BEGUN, None, "a", "c", ["stripe/a"], {}, {}, [], 0, 0, "")
    try:
        for number, expected in ((1, (1_300, 1_300, 0)), (2, (1_300, 0, 0))):
            with books.write() as unit:
                this = replace(run, id=f"run_{number}")
                unit.runs.put(this)
                done = remember(unit, this, [*findings, *findings[:700]], ["stripe/a"], since=False)
            assert (done.found, done.new, done.gone) == expected
        with books.write() as unit:
            unit.runs.put(replace(run, id="run_3"))
            done = remember(unit, replace(run, id="run_3"), [], ["stripe/a"], since=False)
        assert (done.found, done.gone) == (0, 1_300)
    finally:
        books.close()
