"""One reconcile run, from the first page to the last word: read, compare, judge whether that can be, remember."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cardctl.db.breaks import BreakFilter
from cardctl.db.columns import canonical, moment_to_text
from cardctl.db.stage import Stage
from cardctl.db.unit import Books, Unit
from cardctl.domain.breaks import WAITING, Finding, ReconcileRun, RunState, Severity
from cardctl.domain.comparing.sides import Rules
from cardctl.errors import CardctlError, ProviderRefused, ProviderUnavailable, ReplyLost, SecretProblem
from cardctl.providers.base import require
from cardctl.providers.paging import ReadsWhole
from cardctl.services.desk import Desk
from cardctl.services.flows.reconciling import figuring
from cardctl.services.flows.reconciling.gathering import gather
from cardctl.services.flows.reconciling.judging import stop_of
from cardctl.services.flows.reconciling.reading import begin, read, sources_of
from cardctl.services.flows.reconciling.recording import Remembered, remember
from cardctl.services.flows.reconciling.starting import Means, Part, Wish, begun
from cardctl.services.flows.reconciling.weighing import Read, weigh

MARGIN = timedelta(minutes=10)
"""So long what happened is taken for still moving: its event may be on its way. None in the simulator."""
_UNREADABLE = (ProviderUnavailable, ReplyLost, SecretProblem, ProviderRefused)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The run, what it did to the breaks, how many wait for somebody, and how many seconds reading and comparing took.
    `unread` are programmes that could not be read, with why; `late`: it became late before everything was read."""

    run: ReconcileRun
    remembered: Remembered
    waiting: int
    unread: tuple[CardctlError, ...] = ()
    late: bool = False


def reconcile(parts: Sequence[Part], wish: Wish, means: Means) -> Outcome:
    """Compare every programme of `parts` with our books. Changes nothing but what reconcile itself remembers.

    Goes on with a run that was cut off, where that was lately and wished for the same. RemoteSuddenlyEmpty or TooMuchDiffers
    (6) where what was read is implausible; the error of a provider where none could be read.
    """
    desk = parts[0].desk
    run = begun(desk, parts, wish, means.places)
    with ExitStack() as opened:
        stages = {part.desk.programme: _opened(opened, means.places.current(part.desk.programme)) for part in parts}
        began = means.seconds()
        whole, unread = _read_all(parts, stages, run, wish, means)
        read_in, began = means.seconds() - began, means.seconds()
        if not whole:
            return _nothing(desk, run, unread)
        for one in whole:
            weigh(one, means)
            _plausible(desk, run, one, wish)
        seconds = {"reading": round(read_in, 3), "comparing": round(means.seconds() - began, 3)}
        outcome = _remember(desk, run, parts, whole, unread, seconds)
    if not unread:
        means.places.finish(run.id)
    return outcome


def _opened(stack: ExitStack, stage: Stage) -> Stage:
    stack.callback(stage.close)
    return stage


def refigured(books: Books, run: ReconcileRun) -> ReconcileRun:
    """The run as it is once breaks of it were mended."""
    with books.write() as unit:
        ended = replace(run, figures=run.figures | _tallies(unit, run.id))
        unit.runs.put(ended)
    return ended


def rules_of(desk: Desk, stage: Stage) -> Rules:
    """What is known of the provider's records and of the reading in `stage`."""
    begun = datetime.fromisoformat(stage.fact("begun"))
    cutoff = None if desk.provider.environment == "simulator" else moment_to_text(begun - MARGIN)
    return Rules(
        desk.provider.name,
        desk.programme,
        begun,
        fundings=desk.provider.lists_fundings,
        links=desk.provider.links_captures,
        begun=stage.fact("begun"),
        cutoff=cutoff,
        since=stage.fact("since"),
        here=datetime.fromisoformat(stage.fact("begun_here")),
        first=stage.fact("first") or "",
        none_yet=bool(stage.fact("none_yet")),
    )


def digest_of(findings: Iterable[Finding]) -> str:
    """One value for all findings, in whatever order."""
    total = 0
    for each in findings:
        told = each.plain() | {"evidence": {kind: sorted(names) for kind, names in each.evidence.items()}}
        total += int.from_bytes(hashlib.sha256(canonical(told).encode()).digest())
    return f"{total % (1 << 256):064x}"


def _read_all(
    parts: Sequence[Part], stages: dict[str, Stage], run: ReconcileRun, wish: Wish, means: Means
) -> tuple[list[Read], list[CardctlError | None]]:
    """The programmes that were read whole, and why the others were not (None: it was late)."""
    whole, unread = list[Read](), list[CardctlError | None]()
    for part in parts:
        desk, stage = part.desk, stages[part.desk.programme]
        try:
            require(desk.provider, ReadsWhole)
            if stage.fact("run") is None:
                begin(desk, stage, wish.since, run.id, sources_of(desk, sales=part.sales))
            if not read(desk, stage, late=means.late, progress=means.progress):
                unread.append(None)
                continue
            one = Read(part, stage, rules_of(desk, stage))
            one.gathered = gather(desk, part.webhooks, margin=_margin(desk), float_low=wish.float_low)
        except _UNREADABLE as error:
            desk.log("balance_reconcile", "not_read", {"programme": desk.programme, "error": error.code})
            unread.append(error)
            continue
        whole.append(one)
    return whole, unread


def _plausible(desk: Desk, run: ReconcileRun, one: Read, wish: Wish) -> None:
    """The safety stops: nothing is concluded, and what was read is kept for `--force`."""
    programme = one.part.desk.programme
    stop = stop_of(programme, one.counts) or (stop_of(programme, one.sold) if one.sold is not None else None)
    if stop is None or wish.force:
        return
    with desk.books.write() as unit:
        unit.runs.put(replace(run, state=RunState.STOPPED, finished_at=desk.clock(), error=stop.message))
    raise stop


def _remember(
    desk: Desk,
    run: ReconcileRun,
    parts: Sequence[Part],
    whole: Sequence[Read],
    unread: Sequence[CardctlError | None],
    seconds: dict[str, float],
) -> Outcome:
    programmes = [one.part.desk.programme for one in whole]
    since = any(one.rules.since for one in whole)
    missing = [part.desk.programme for part in parts if part.desk.programme not in programmes]
    ended = replace(
        run,
        state=RunState.PARTIAL if unread else RunState.DONE,
        finished_at=desk.clock(),
        watermark={one.part.desk.programme: figuring.watermark(one.stage, one.rules.cutoff) for one in whole},
        not_checked=list(_not_checked(whole, missing, unread)),
        digest=digest_of(_findings(whole)),
    )
    with desk.books.write() as unit:
        unit.runs.put(ended)
        remembered = remember(unit, ended, _findings(whole), programmes, since=since)
        found = unit.breaks.count(BreakFilter(run_id=run.id))  # a run that was gone on with has found some before
        ended = replace(ended, found=found, figures=_figures(_tallies(unit, run.id), whole, seconds))
        unit.runs.put(ended)
        unit.audit.append(
            at=desk.clock(),
            actor=desk.actor,
            action="reconcile.run",
            object=run.id,
            before={},
            after={"found": ended.found, "digest": ended.digest, "state": str(ended.state)},
            reason=None,
            correlation_id=desk.correlation_id,
        )
        waiting = sum(_waiting(unit, part.desk.programme) for part in parts)
    errors = tuple(each for each in unread if each is not None)
    return Outcome(ended, remembered, waiting, errors, late=None in unread)


def _waiting(unit: Unit, programme: str) -> int:
    """How many of its breaks want somebody; information wants nobody."""
    wanted = BreakFilter(states=WAITING, programme=programme)
    return unit.breaks.count(wanted) - unit.breaks.count(replace(wanted, severity=Severity.INFO))


def _tallies(unit: Unit, run_id: str) -> dict[str, dict[str, int]]:
    """How many breaks a run found, by type, severity and state."""
    wanted = BreakFilter(run_id=run_id)
    return {f"by_{column}": unit.breaks.tally(column, wanted) for column in ("type", "severity", "state")}


def _figures(tallies: dict[str, dict[str, int]], whole: Sequence[Read], seconds: dict[str, float]) -> dict[str, Any]:
    programmes = {one.part.desk.programme: one.figures for one in whole}
    return {"programmes": programmes, "totals": [each for one in whole for each in one.totals], **tallies, "seconds": seconds}


def _not_checked(whole: Sequence[Read], missing: Sequence[str], unread: Sequence[CardctlError | None]) -> Iterator[str]:
    for programme, error in zip(missing, unread, strict=True):
        yield f"{programme}: {error.message}" if error else f"{programme}: the deadline came before everything was read"
    for one in whole:
        yield from one.gathered.not_checked
        programme = one.part.desk.programme
        if moving := one.counts.moving + (one.sold.moving if one.sold is not None else 0):
            yield f"{programme}: {moving} objects that were still moving"
        if one.rules.since:
            yield f"{programme}: money events before {one.rules.since}"


def _findings(whole: Sequence[Read]) -> Iterator[Finding]:
    for one in whole:
        yield from map(Finding.from_plain, one.stage.findings())


def _nothing(desk: Desk, run: ReconcileRun, unread: Sequence[CardctlError | None]) -> Outcome:
    """Nothing could be read whole: the provider's own error, or, where it was only late, a run that is not over."""
    errors = [each for each in unread if each is not None]
    late = None in unread
    state = RunState.RUNNING if late else RunState.PARTIAL
    ended = replace(run, state=state, error=errors[0].message if errors else None)
    with desk.books.write() as unit:
        unit.runs.put(ended)
    if errors and not late:
        raise errors[0]
    return Outcome(ended, Remembered(), 0, tuple(errors), late=True)


def _margin(desk: Desk) -> timedelta:
    return timedelta(0) if desk.provider.environment == "simulator" else MARGIN
