"""Events that are kept, applied to the books: decided in one unit, or read first and then decided; nothing is sent that writes.

An event is applied whole, or it failed and changed nothing. Applying it again changes nothing either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from cardctl.db.events import Mark
from cardctl.domain.events import Event, EventState
from cardctl.errors import BooksLocked, BooksUnusable
from cardctl.providers.notifying import Webhooks
from cardctl.services.desk import Desk
from cardctl.services.rereading import Readings, read
from cardctl.services.taking import Taking
from cardctl.services.telling import Item, failure, reason, translate
from cardctl.stopping import never

BATCH = 1_000
ROUNDS = 5
"""How often what was read may be outdated, or may bring what others waited for, before the rest is left for later."""


@dataclass(slots=True)
class Applied:
    """How applying ended: `finished` events by state, `broken` ones (failed or dead) by id; `later` could not be read now, or
    go on changing; `failures` say why, by id. An event that was tried several times counts as it ended."""

    finished: dict[EventState, int] = field(default_factory=dict)
    broken: dict[str, EventState] = field(default_factory=dict)
    later: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    mended: set[str] = field(default_factory=set)
    """What had failed before and is applied by now: what it waited for has come."""
    cut: bool = False
    """Whether it was late before the end: what had not been read by then is left as it was, and counts as `later`."""

    @property
    def counts(self) -> dict[EventState, int]:
        """How many events in which state."""
        return {**self.finished, **Counter(self.broken.values())}

    @property
    def unfinished(self) -> int:
        """Events that are not applied."""
        return self.later + len(self.broken)

    def add(self, other: Applied) -> None:
        self.mend(other.mended)
        for state, many in other.finished.items():
            self.finished[state] = self.finished.get(state, 0) + many
        self.broken |= other.broken
        self.later += other.later
        self.failures |= other.failures
        self.warnings += [text for text in other.warnings if text not in self.warnings]
        self.cut |= other.cut

    def mend(self, ids: Iterable[str]) -> None:
        """These are no failures any more."""
        for id_ in ids:
            self.broken.pop(id_, None)
            self.failures.pop(id_, None)
            self.mended.add(id_)


def apply(desk: Desk, webhooks: Webhooks, events: Sequence[Event], *, late: Callable[[], bool] = never) -> Applied:
    """Apply these events of one programme, and those that waited for what they bring; nothing more is read once it is late."""
    total = Applied()
    for start in range(0, len(events), BATCH):
        total.add(_apply(desk, webhooks, events[start : start + BATCH], late))
    return total


def _apply(desk: Desk, webhooks: Webhooks, events: Sequence[Event], late: Callable[[], bool]) -> Applied:
    total, readings = Applied(), Readings()
    with desk.books.read() as unit:
        items, marks = translate(unit, webhooks, events)
    for _ in range(ROUNDS):
        try:
            taking, woken = _commit(desk, webhooks, items, marks, readings)
        except (BooksUnusable, BooksLocked):
            raise
        except Exception as error:  # whatever it is, it must not stop what comes after
            total.add(_one_by_one(desk, webhooks, items, marks, error, late))
            return total
        _count(desk, total, taking)
        total.mend(_mended(items, taking.marks))
        items, marks = [*taking.left, *woken[0]], woken[1]
        if not (items or marks):
            return total
        if late():
            total.cut = True
            break
        readings = read(desk, taking.wishes, late)
    total.later += len(items)
    return total


def _commit(
    desk: Desk, webhooks: Webhooks, items: Sequence[Item], marks: Sequence[Mark], readings: Readings
) -> tuple[Taking, tuple[list[Item], list[Mark]]]:
    """One unit: what can be decided is in the books, and marked; and what waited for it is brought in."""
    with desk.books.write() as unit:
        taking = Taking(desk, unit, webhooks, readings, marks=list(marks))
        taking.run(items)
        unit.events.mark(taking.marks)
        return taking, translate(unit, webhooks, unit.events.waiting_for(desk.programme, taking.brought))


def _one_by_one(
    desk: Desk,
    webhooks: Webhooks,
    items: Sequence[Item],
    marks: Sequence[Mark],
    error: Exception,
    late: Callable[[], bool],
) -> Applied:
    """What a batch cannot do, its members may: so what fails, fails alone."""
    total = Applied()
    failed = [failure(item.event, reason(error)) for item in items] if len(items) == 1 and not marks else []
    with desk.books.write() as unit:
        unit.events.mark([*marks, *failed])
    _tally(desk, total, [*marks, *failed])
    for item in items if not failed else ():
        total.add(_apply(desk, webhooks, [item.event], late))
    return total


def _mended(items: Sequence[Item], marks: Iterable[Mark]) -> list[str]:
    failed = {item.event.id for item in items if item.event.state is EventState.FAILED}
    return [mark.id for mark in marks if mark.id in failed and mark.state in (EventState.APPLIED, EventState.IGNORED)]


def _count(desk: Desk, total: Applied, taking: Taking) -> None:
    total.later += len(taking.later)
    total.failures |= {mark.id: mark.error or "" for mark in taking.later}
    total.warnings += [text for text in taking.warnings if text not in total.warnings]
    _tally(desk, total, [mark for mark in taking.marks if mark not in taking.later] if taking.later else taking.marks)


def _tally(desk: Desk, total: Applied, marks: Iterable[Mark]) -> None:
    for mark in marks:
        if mark.state not in (EventState.FAILED, EventState.DEAD):
            total.finished[mark.state] = total.finished.get(mark.state, 0) + 1
            continue
        total.broken[mark.id], total.failures[mark.id] = mark.state, mark.error or ""
        told = {"event": mark.id, "error": mark.error, "attempts": mark.attempts}
        desk.log("webhook_ingest", f"event_{mark.state}", told)
