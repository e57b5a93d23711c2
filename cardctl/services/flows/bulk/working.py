"""The rows of a plan done side by side, and what became of each; one that fails stops no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock

from cardctl.db.unit import Unit
from cardctl.domain.cards import Card
from cardctl.errors import BooksUnusable, CardctlError, ExitCode, ProviderUnavailable, SecretProblem
from cardctl.services.desk import Done, Warned
from cardctl.services.flows.bulk.planning import Plan, Row, in_flight, target_of
from cardctl.services.resuming import resume
from cardctl.sidebyside import side_by_side

PATIENCE = 5
"""So many rows in a row that a provider was not available for, and no more of its rows are begun."""


class RowState(StrEnum):
    """What became of a row."""

    DONE = "done"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    NOT_DONE = "not_done"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a row ended. `card` is what our books have of it now; `error` why it is not done."""

    row: Row
    state: RowState
    card: Card | None = None
    error: CardctlError | None = None
    warnings: tuple[Warned, ...] = ()


@dataclass(frozen=True, slots=True)
class Worked:
    """Every row's outcome, in the list's order. `stopped` is what ended the work before its time: an interrupt, a bug, books or
    secrets that cannot be used."""

    outcomes: tuple[Outcome, ...]
    stopped: BaseException | None

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are in each state."""
        found = Counter(outcome.state for outcome in self.outcomes)
        return {str(state): found[state] for state in RowState}

    @property
    def errors(self) -> list[CardctlError]:
        """Why rows are not done, in the list's order."""
        return [outcome.error for outcome in self.outcomes if outcome.error is not None]

    @property
    def warnings(self) -> list[tuple[Warned, int]]:
        """Each kind of warning once, in the words of the first row that has it, and how many rows have it."""
        counts = Counter(warned.code for outcome in self.outcomes for warned in outcome.warnings)
        first = {warned.code: warned for outcome in reversed(self.outcomes) for warned in reversed(outcome.warnings)}
        return [(first[code], count) for code, count in counts.items()]


def not_begun(plan: Plan) -> Worked:
    """The outcomes before the first row is begun: what earlier runs have done is done."""
    with plan.books.read() as unit:
        return Worked(
            tuple(_before(unit, row) if row.done_before else Outcome(row, RowState.NOT_DONE) for row in plan.rows), None
        )


def carry_out(plan: Plan, *, workers: int, progress: Callable[[int], None]) -> Worked:
    """Do every row that was not done before, `workers` at a time; returns also where it was interrupted, with what is done."""
    work = _Work(plan)
    try:
        with closing(side_by_side(work.do, plan.waiting, workers=workers)) as ended:
            for _ in ended:
                progress(1)
    except KeyboardInterrupt as interrupt:
        work.stopped = interrupt
    return Worked(tuple(work.outcomes), work.stopped)


class _Work:
    """What the threads of one run share. Each outcome is kept by the thread that came to it, so that no interrupt loses it."""

    def __init__(self, plan: Plan) -> None:
        self.stopped: BaseException | None = None
        self.outcomes = list(not_begun(plan).outcomes)
        self._lock = Lock()
        self._unavailable: Counter[str] = Counter()

    def do(self, row: Row) -> None:
        """Do one row, unless there is no more sense in it."""
        if self.stopped or self._unavailable[row.desk.programme] >= PATIENCE:
            return
        try:
            outcome = self._done(row)
        except CardctlError as error:
            outcome = _failed(row, error)
            if isinstance(error, (BooksUnusable, SecretProblem)):
                self.stopped = error  # no other row would fare better
        except Exception as bug:
            self.stopped = bug
            outcome = _failed(row, CardctlError(f"a bug in cardctl: {type(bug).__name__}"))
        self.outcomes[row.place] = outcome
        self._learn(row.desk.programme, outcome.error)

    def _done(self, row: Row) -> Outcome:
        if row.left:
            resume(row.desk, list(row.left))
        done = row.task.do(row.desk, row.key)
        return Outcome(row, RowState.DONE, _card(done), warnings=done.warnings)

    def _learn(self, programme: str, error: CardctlError | None) -> None:
        with self._lock:
            self._unavailable[programme] = self._unavailable[programme] + 1 if isinstance(error, ProviderUnavailable) else 0


def _before(unit: Unit, row: Row) -> Outcome:
    assert row.prior is not None
    warned = Warned("REPEATED", f"done before as {row.prior.id}")
    return Outcome(row, RowState.DONE, unit.cards.get(row.prior.target), warnings=(warned,))


def _failed(row: Row, error: CardctlError) -> Outcome:
    """With what our books know of the card by now: it may be there, and only what was to follow has failed."""
    doubt, card = error.exit_code is ExitCode.IN_DOUBT, None
    with suppress(CardctlError), row.desk.books.read() as unit:
        card = unit.cards.get(target_of(unit, row))
        doubt = doubt or in_flight(unit, row)
    return Outcome(row, RowState.IN_DOUBT if doubt else RowState.FAILED, card, error)


def _card(done: Done) -> Card:
    assert isinstance(done.object, Card)
    return done.object
