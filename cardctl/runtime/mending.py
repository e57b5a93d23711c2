"""Mending what a run found, across flows: what reconcile takes over itself, and the backfill and replay that others do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cardctl.domain.breaks import WAITING, Remedy

if TYPE_CHECKING:
    from collections.abc import Callable

    from cardctl.domain.breaks import Break
    from cardctl.runtime.run import Run
    from cardctl.services.flows.reconciling.running import Outcome
    from cardctl.services.flows.reconciling.starting import Part

Waiting = dict[str, list["Break"]]


def waiting(run: Run, programmes: Sequence[str]) -> Waiting:
    """The breaks that wait for somebody, by programme; information is none."""
    from cardctl.db.breaks import BreakFilter  # noqa: PLC0415
    from cardctl.services.flows.reconciling.moving import breaks_of  # noqa: PLC0415

    found = {each: breaks_of(run.books, BreakFilter(states=WAITING, programme=each)) for each in programmes}
    return {name: [one for one in breaks if one.waits] for name, breaks in found.items()}


def planned(breaks: Waiting) -> list[dict[str, str]]:
    """What would be done about each."""
    from cardctl.services.flows.reconciling.fixing import plan  # noqa: PLC0415

    plans = [each for found in breaks.values() for each in plan(found)]
    return [{"fingerprint": each.fingerprint, "remedy": str(each.remedy), "words": each.words} for each in plans]


def mend(
    run: Run,
    parts: Sequence[Part],
    breaks: Waiting,
    run_id: str | None,
    late: Callable[[], bool],
    *,
    explicit: bool = False,
    reason: str | None = None,
) -> dict[str, Any]:
    """Mend them, programme by programme: what was `fixed`, `proposed`, and what `failed`, with why."""
    from cardctl.services.flows.reconciling.fixing import fix, settled  # noqa: PLC0415

    told: dict[str, Any] = {"fixed": [], "proposed": [], "failed": []}
    for part in parts:
        done = fix(part.desk, breaks[part.desk.programme], run_id=run_id, explicit=explicit, reason=reason, late=late)
        for remedy, fingerprints in done.chores.items():
            if _chore(run, part, remedy):
                settled(part.desk, fingerprints, run_id, reason)
                done.fixed += fingerprints
            else:
                done.failed |= dict.fromkeys(fingerprints, "some events still fail: see `cardctl webhook list --state failed`")
        told["fixed"] += done.fixed
        told["proposed"] += done.proposed
        told["failed"] += [{"fingerprint": each, "error": why} for each, why in done.failed.items()]
    return told


def after(run: Run, outcome: Outcome, told: dict[str, Any]) -> Outcome:
    """The run with what was mended, and how many breaks wait now."""
    from cardctl.services.flows.reconciling.running import refigured  # noqa: PLC0415

    ended = refigured(run.books, replace(outcome.run, fixed=len(told["fixed"])))
    programmes = outcome.run.programmes
    return replace(outcome, run=ended, waiting=sum(map(len, waiting(run, programmes).values())))


def _chore(run: Run, part: Part, remedy: Remedy) -> bool:
    """Whether it was done whole."""
    from cardctl.services.flows.backfilling import backfill  # noqa: PLC0415
    from cardctl.services.flows.replaying import Range, replay  # noqa: PLC0415

    name = part.desk.provider.name
    reception = run.reception(name)
    if remedy is Remedy.BACKFILL:
        return not backfill(part.desk, reception, None).applied.unfinished
    wanted = Range(provider=name, unfinished=True)
    return not replay(part.desk, reception.webhooks, wanted, anew=True).applied.unfinished
