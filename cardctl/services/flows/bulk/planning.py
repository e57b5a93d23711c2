"""A list held whole against our books before the first write: the rows as tasks with their keys, or every bad row by name."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cardctl.db.unit import Books, Unit
from cardctl.domain.accounts import Account
from cardctl.domain.bulk import Listed, ListedRow
from cardctl.domain.cards import Card
from cardctl.domain.money import Money
from cardctl.domain.operations import OPEN, Operation, OperationState
from cardctl.errors import BadFile, BadInput, BooksUnusable, CardctlError, SecretProblem
from cardctl.services.desk import Desk
from cardctl.services.flows.bulk.reading import Options, Reader
from cardctl.services.flows.bulk.tasks import Issue, Task
from cardctl.services.journal import refuse_sensitive, works_on
from cardctl.services.operations import guard_live

DeskOf = Callable[[Card | Account], Desk]
NAMED = 100
"""So many bad rows are told one by one; of the rest, how many they are."""
_DONE, _REFUSED = OperationState.DONE, OperationState.REFUSED


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be done. `key` names its write in the journal (None: it needs no name), `prior` is what an earlier run
    made of it, `left` the unfinished operations on its card that nobody works on."""

    place: int
    listed: ListedRow
    task: Task
    desk: Desk
    key: str | None
    prior: Operation | None
    left: tuple[str, ...]

    @property
    def done_before(self) -> bool:
        """Whether an earlier run of this row, in this list or another, has done all of it."""
        return self.prior is not None and self.prior.state is _DONE and self.task.in_one(self.desk)


@dataclass(frozen=True, slots=True)
class Plan:
    """Every row of a list, in its order, each of which may be sent."""

    books: Books
    listed: Listed
    rows: tuple[Row, ...]

    @property
    def waiting(self) -> list[Row]:
        """The rows that no earlier run has done."""
        return [row for row in self.rows if not row.done_before]

    @property
    def changing(self) -> list[Row]:
        """The rows that would change something: neither done before nor already so."""
        return [row for row in self.waiting if not row.task.moot()]

    @property
    def totals(self) -> list[Money]:
        """The money that they would move, one amount for each currency."""
        totals: Counter[str] = Counter()
        for row in self.changing:
            if row.task.amount is not None:
                totals[row.task.amount.currency] += row.task.amount.minor
        return [Money(minor, currency) for currency, minor in sorted(totals.items())]

    def guard_live(self) -> None:
        """LiveNotSaid (6) where any of it would reach a live programme without that having been said aloud."""
        for desk in {row.desk.programme: row.desk for row in self.rows}.values():
            guard_live(desk)


def plan(books: Books, listed: Listed, desk_of: DeskOf, options: Options) -> Plan:
    """BadFile (2) naming every row that cannot be done; reads our books, asks no provider, writes nothing."""
    refuse_sensitive("idempotency key", options.label)
    with books.read() as unit:
        planning = _Planning(unit, listed, desk_of, options)
        rows = [planning.row(place, row) for place, row in enumerate(listed.rows)]
    if planning.faults:
        raise BadFile(_told(listed.name, planning.faults), hint="nothing was sent; mend these rows and run it again")
    return Plan(books, listed, tuple(row for row in rows if row is not None))


class _Planning:
    """One reading of a list: remembers what it has seen of accounts, desks and equal rows."""

    def __init__(self, unit: Unit, listed: Listed, desk_of: DeskOf, options: Options) -> None:
        self.faults: list[tuple[int, str]] = []
        self._unit = unit
        self._verb = listed.verb
        self._label = options.label
        self._desk_of = desk_of
        self._reader = Reader(unit, listed.verb, options)
        self._desks: dict[str, Desk] = {}
        self._open: dict[str, dict[str, list[Operation]]] = {}
        self._lines: dict[tuple[str, ...], int] = {}
        self._equal: Counter[str] = Counter()

    def row(self, place: int, listed: ListedRow) -> Row | None:
        """None where it cannot be done; why is then among the faults."""
        try:
            return self._row(place, listed)
        except (BooksUnusable, SecretProblem):
            raise  # no other row would fare better
        except CardctlError as error:
            self.faults.append((listed.line, error.message))
        return None

    def _row(self, place: int, listed: ListedRow) -> Row:
        if listed.fault:
            raise BadInput(listed.fault)
        task = self._reader.task(listed.cells)
        self._check_alone(listed, task)
        desk = self._desk(task.about)
        key, prior = self._key(desk, task)
        if prior is None:
            task.check(self._unit, desk)
        return Row(place, listed, task, desk, key, prior, self._left(desk, task, prior))

    def _check_alone(self, listed: ListedRow, task: Task) -> None:
        name: tuple[str, ...] = (task.about.id,)
        if isinstance(task, Issue):
            if task.wish.key is None:
                return
            name = (task.about.id, task.wish.key)
        first = self._lines.setdefault(name, listed.line)
        if first != listed.line:
            raise BadInput(f"the same {'account and key' if isinstance(task, Issue) else 'card'} as line {first}")

    def _desk(self, about: Card | Account) -> Desk:
        if about.programme not in self._desks:
            self._desks[about.programme] = self._desk_of(about)
        return self._desks[about.programme]

    def _key(self, desk: Desk, task: Task) -> tuple[str | None, Operation | None]:
        """The row's own name in the journal, the same in every run; after a refusal the next, since a key keeps its answer."""
        meaning = task.meaning()
        if meaning is None:
            return None, None
        text = json.dumps([self._verb, self._label, meaning], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        self._equal[digest] += 1
        first = key = f"bulk:{self._verb}:{digest}:{self._equal[digest]}"
        tries = 1
        while (prior := self._unit.operations.by_caller_key(desk.programme, key)) and prior.state is _REFUSED:
            tries += 1
            key = f"{first}:{tries}"
        return key, prior

    def _left(self, desk: Desk, task: Task, prior: Operation | None) -> tuple[str, ...]:
        """A freeze or close waits for nothing; a new card that no run has begun has nothing to settle."""
        if task.urgent or (isinstance(task, Issue) and prior is None):
            return ()
        target = prior.target if prior else task.about.id
        return tuple(each.id for each in self._unfinished(desk).get(target, ()))

    def _unfinished(self, desk: Desk) -> dict[str, list[Operation]]:
        """What no live process works on, by its target, oldest first."""
        if desk.programme not in self._open:
            found: dict[str, list[Operation]] = {}
            for operation in self._unit.operations.open_all(desk.programme):
                if not works_on(desk, operation):
                    found.setdefault(operation.target, []).append(operation)
            self._open[desk.programme] = found
        return self._open[desk.programme]


def in_flight(unit: Unit, row: Row) -> bool:
    """Whether a write of this very run on the row's card has not ended."""
    target = target_of(unit, row)
    return any(
        each.state in OPEN and each.correlation_id == row.desk.correlation_id for each in unit.operations.open_for(target)
    )


def target_of(unit: Unit, row: Row) -> str:
    """Our id of the card that the row is about, which a new card has from its intent on."""
    prior = unit.operations.by_caller_key(row.desk.programme, row.key) if row.key else None
    return prior.target if prior else row.task.about.id


def _told(name: str, faults: Iterable[tuple[int, str]]) -> str:
    told = [f"line {line}: {fault}" for line, fault in faults]
    more = [f"and {len(told) - NAMED} more"] if len(told) > NAMED else []
    return f"{name}: " + "; ".join([*told[:NAMED], *more])
