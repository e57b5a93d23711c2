"""What a run begins with: what is wished for, what it works with, and whether an earlier run is gone on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from cardctl.db.columns import moment_to_text
from cardctl.db.stage import Stage
from cardctl.domain.breaks import ReconcileRun, RunState
from cardctl.domain.money import Money
from cardctl.errors import BooksUnusable
from cardctl.providers.notifying import Webhooks
from cardctl.services.desk import Desk
from cardctl.services.flows.reconciling.places import Places

RESUMED_WITHIN = timedelta(hours=2)
"""A run that kept its last page longer ago than that is begun anew: the books have moved on."""
LONGEST = timedelta(hours=24)
"""However slow the provider: what was read a day ago is no part of today's verdict."""
_GIVEN_UP = "it was cut off, and not gone on with"


@dataclass(frozen=True, slots=True)
class Part:
    """One programme that is to be compared; `webhooks` reads its events, None where they are not to be looked at. `sales`:
    customers pay there for orders."""

    desk: Desk
    webhooks: Webhooks | None
    sales: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """How. `since`: only money events from then on. `force`: report although it is implausible. `float_low`: see domain."""

    since: datetime | None = None
    force: bool = False
    float_low: Money | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """What a run works with beside its desks: where stages lie, whether it is late, a counter, seconds that only grow."""

    places: Places
    late: Callable[[], bool] = lambda: False
    progress: Callable[[int], None] = lambda _count: None
    seconds: Callable[[], float] = lambda: 0.0


def begun(desk: Desk, parts: Sequence[Part], wish: Wish, places: Places) -> ReconcileRun:
    """The run that was cut off, or a new one."""
    touched = places.touched_at()  # before anything is opened
    stages = [_told(path) for path in places.left()]
    lately = touched is not None and desk.clock() - touched <= RESUMED_WITHIN
    found = _left(desk, parts, wish, places, stages) if lately else None
    if found is not None:
        return found
    _give_up(desk, stages)
    places.discard()
    run = ReconcileRun(
        id=desk.new_id("run"),
        state=RunState.RUNNING,
        started_at=desk.clock(),
        finished_at=None,
        actor=desk.actor,
        correlation_id=desk.correlation_id,
        programmes=[part.desk.programme for part in parts],
        watermark={},
        figures={},
        not_checked=[],
        found=0,
        fixed=0,
        digest="",
    )
    with desk.books.write() as unit:
        unit.runs.put(run)
    return run


@dataclass(frozen=True, slots=True)
class _Told:
    """What a stage that was left tells of its run; `run` None: nothing was begun."""

    run: str | None
    programme: str | None = None
    since: str | None = None
    key: str | None = None
    sound: bool = True


def _told(path: Path) -> _Told:
    """A stage is not sound where a power cut has torn it: nothing in it waits for the disk."""
    try:
        stage = Stage(path)
    except BooksUnusable:
        return _Told(None, sound=False)
    try:
        return _Told(stage.fact("run"), stage.fact("programme"), stage.fact("since"), stage.fact("key"), stage.is_sound())
    except BooksUnusable:
        return _Told(None, sound=False)
    finally:
        stage.close()


def _left(desk: Desk, parts: Sequence[Part], wish: Wish, places: Places, stages: Sequence[_Told]) -> ReconcileRun | None:
    """The run whose stages lie there, where it has not ended, was lately, and is about the same. One that a safety stop ended
    is gone on with only where it is forced now: nothing of it need be read again."""
    wanted = {part.desk.programme for part in parts}
    since = None if wish.since is None else moment_to_text(wish.since)
    begun = [each for each in stages if each.run is not None]
    fit = all(each.since == since and each.programme in wanted for each in begun) and all(each.sound for each in stages)
    ids = {each.run for each in begun}
    if not fit or len(ids) != 1:
        return None
    with desk.books.read() as unit:
        if any(each.key != unit.comparable_saved.key for each in begun if each.key):
            return None  # its names of cards were hashed under a key that is not in use any more
        run = unit.runs.get(ids.pop() or "")
    if run is None or set(run.programmes) != wanted:
        return None
    if run.state is RunState.DONE:  # it ended, and was killed before its stages had their place
        places.finish(run.id)
        return None
    if run.state is RunState.STOPPED and not wish.force:
        return None
    return run if desk.clock() - run.started_at <= LONGEST else None


def _give_up(desk: Desk, stages: Sequence[_Told]) -> None:
    """Runs that were cut off and are not gone on with are over."""
    for run_id in sorted({each.run for each in stages if each.run is not None}):
        with desk.books.write() as unit:
            run = unit.runs.get(run_id)
            if run is not None and run.state is RunState.RUNNING:
                unit.runs.put(replace(run, state=RunState.STOPPED, finished_at=desk.clock(), error=_GIVEN_UP))
