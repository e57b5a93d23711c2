"""What a run begins with: what is wished for, what it works with, and whether an earlier run is gone on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cardctl.db.columns import moment_to_text
from cardctl.db.stage import Stage
from cardctl.domain.breaks import ReconcileRun, RunState
from cardctl.domain.money import Money
from cardctl.errors import BooksCorrupt
from cardctl.providers.notifying import Webhooks
from cardctl.services.desk import Desk
from cardctl.services.flows.reconciling.places import Places

RESUMED_WITHIN = timedelta(hours=2)
"""What was read longer ago than that is read again: the books have moved on."""


@dataclass(frozen=True, slots=True)
class Part:
    """One programme that is to be compared; `webhooks` reads its events, None where they are not to be looked at."""

    desk: Desk
    webhooks: Webhooks | None


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
    found = _left(desk, parts, wish, places)
    if found is not None:
        return found
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


def _left(desk: Desk, parts: Sequence[Part], wish: Wish, places: Places) -> ReconcileRun | None:
    """The run whose stages lie there, where it has not ended, was lately, and is about the same. One that a safety stop ended
    is gone on with only where it is forced now: nothing of it need be read again."""
    wanted = {part.desk.programme for part in parts}
    since = None if wish.since is None else moment_to_text(wish.since)
    ids, run = set[str](), None
    for path in places.left():
        try:
            stage = Stage(path)
        except BooksCorrupt:
            return None
        try:
            run_id = stage.fact("run")
            fits = run_id is None or (stage.fact("since") == since and stage.fact("programme") in wanted)
        finally:
            stage.close()
        if not fits:
            return None
        ids |= {run_id} if run_id else set()
    if len(ids) == 1:
        with desk.books.read() as unit:
            run = unit.runs.get(ids.pop())
    if run is None or set(run.programmes) != wanted:
        return None
    if run.state is RunState.DONE:  # it ended, and was killed before its stages had their place
        places.finish(run.id)
        return None
    if run.state is RunState.STOPPED and not wish.force:
        return None
    return run if desk.clock() - run.started_at <= RESUMED_WITHIN else None
