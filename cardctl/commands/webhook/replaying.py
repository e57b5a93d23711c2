"""The verbs of `cardctl webhook` that bring the books up to what was told: replay, backfill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._jobs import DeadlineOption, WaitOption, job
from cardctl.commands._options import (
    CardOption,
    DryRunOption,
    LimitOption,
    OutputOption,
    ProfileOption,
    ProviderOption,
    SinceOption,
    TimeoutOption,
    UntilOption,
    moment,
)
from cardctl.errors import BadInput, ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.runtime.jobs import Job
    from cardctl.services.flows.backfilling import Backfilled
    from cardctl.services.flows.replaying import Range

EventsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="EVENT...", help="By our id, its first characters or the provider's; else by range."),
]
TypeOption = Annotated[
    str | None, typer.Option("--type", metavar="TYPE", help="Only this type, or those that begin so: 'issuing_card.*'.")
]
FailedOption = Annotated[bool, typer.Option("--failed", help="Only what failed or was never applied, the dead included.")]
AnewOption = Annotated[
    bool, typer.Option("--anew", help="From the beginning, where an earlier run of the same was interrupted.")
]


def replay(
    events: EventsArgument = None,
    since: SinceOption = None,
    until: UntilOption = None,
    type: TypeOption = None,  # noqa: A002 - the option's own word
    card: CardOption = None,
    failed: FailedOption = False,
    limit: LimitOption = None,
    anew: AnewOption = False,
    dry_run: DryRunOption = False,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    deadline: DeadlineOption = None,
    random_wait: WaitOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Apply stored events again: by id, range, type, card, or what failed. Exit 10 where some still fail.

    --dry-run shows what would change, per object, before and after. Nothing is ever sent that moves money, and no authorization
    is answered. A replay that was interrupted goes on where it was.

    Example: cardctl webhook replay --failed
    """
    from cardctl import runtime  # noqa: PLC0415

    if not (events or since or until or type or card or failed):
        raise BadInput("say which events", hint="ids, --since, --type, --card, or --failed")
    with runtime.opened(output=output, profile=profile, provider=provider, timeout=timeout) as run:
        named = events, since, until, type, card, failed, limit, provider
        if dry_run:
            return _rehearsed(run, _wanted(run, *named))
        with job(run, "replay", deadline=deadline, random_wait=random_wait) as late:
            return _replayed(run, _wanted(run, *named), late, anew=anew)


def backfill(
    since: SinceOption = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Fetch the events that were missed from the providers' own lists, and say from when to when the record is complete.

    Stripe lists 30 days of events; Square 28, of what happened while search of events was enabled; Marqeta sends one again by
    its name; Strowallet does neither, and that is said.

    Example: cardctl webhook backfill --since 7d
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.backfilling import backfill as fetch  # noqa: PLC0415
    from cardctl.services.flows.finding import concerned  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, timeout=timeout) as run, run.lock("backfill"):
        start = moment(since, now=runtime.now()) if since else None
        found: list[dict[str, Any]] = []
        for name in [provider] if provider else concerned(run.books, run.settings.provider_name, run.settings.programme):
            with run.console.progress(f"fetching events of {name}") as advance:
                done = fetch(run.desk(provider=name), run.reception(name), start, progress=advance)
            found.append(_told(run, name, done))
        run.console.done({"providers": found}, [line for each in found for line in _lines(each)])
        return ExitCode.PARTLY if any(each["unfinished"] for each in found) else ExitCode.DONE


def _replayed(run: Run, wanted: Range, late: Job, *, anew: bool) -> ExitCode:
    from cardctl.services.applying import Applied  # noqa: PLC0415
    from cardctl.services.flows.replaying import providers_of  # noqa: PLC0415
    from cardctl.services.flows.replaying import replay as again  # noqa: PLC0415

    total, many, found = Applied(), 0, providers_of(run.books, wanted)
    with run.console.progress("replaying", sum(found.values())) as advance:
        for name in found:
            if late.cut:
                break
            desk, webhooks = run.desk(provider=name), run.reception(name).webhooks
            done = again(desk, webhooks, wanted, anew=anew, late=late, progress=advance)
            total.add(done.applied)
            many += done.events
            if done.skipped:
                run.console.warn(
                    "RESUMED", f"{name}: an earlier replay of these was interrupted, and this one went on from there"
                )
    for text in total.warnings:
        run.console.warn("GONE", text)
    counts = {str(state): number for state, number in total.counts.items()}
    told = [f"{number} {state}" for state, number in counts.items()]
    told += [f"{total.later} for later"] if total.later else []
    data = {"events": many, "counts": counts, "later": total.later, "failures": _failures(total.failures)}
    code = late.verdict(ExitCode.PARTLY if total.unfinished else ExitCode.DONE)
    run.console.done(data, [*_failure_lines(total.failures), f"{many} events replayed: {', '.join(told) or 'nothing'}"])
    return code


def _rehearsed(run: Run, wanted: Range) -> ExitCode:
    from cardctl.services.flows.replaying import providers_of, rehearse  # noqa: PLC0415

    found = providers_of(run.books, wanted)
    with run.console.progress("rehearsing", sum(found.values())) as advance:
        done = [rehearse(run.desk(provider=name), run.reception(name).webhooks, wanted, progress=advance) for name in found]
    changes = [{"object": each.object, "before": each.before, "after": each.after} for part in done for each in part.changes]
    failures = {id_: why for part in done for id_, why in part.failures.items()}
    many, later = sum(part.events for part in done), sum(part.later for part in done)
    data = {"events": many, "changes": changes, "failures": _failures(failures), "later": later}
    lines = [line for each in changes for line in _change_lines(each)]
    run.console.done(data, [*lines, *_failure_lines(failures), f"{many} events would change {len(changes)} objects"])
    return ExitCode.PARTLY if failures or later else ExitCode.DONE


def _told(run: Run, name: str, done: Backfilled) -> dict[str, Any]:
    from cardctl.output.shapes import instant  # noqa: PLC0415

    for text in done.applied.warnings:
        run.console.warn("GONE", text)
    if done.lost:
        since, until = (instant(at) for at in done.lost)
        run.console.warn("EVENTS_LOST", f"{name}: what was told between {since} and {until} cannot be had any more")
    counts = {str(state): number for state, number in done.applied.counts.items()}
    return {
        "provider": name,
        "listed": done.listed,
        "new": done.new,
        "counts": counts,
        "unfinished": done.applied.unfinished,
        "failures": _failures(done.applied.failures),
        "complete_from": instant(done.since),
        "complete_to": instant(done.until),
        "not_proven": done.why,
    }


def _lines(told: dict[str, Any]) -> list[str]:
    counted = f"{told['provider']}: {told['listed']} events listed, {told['new']} were missing"
    if told["not_proven"]:
        return [counted, f"{told['provider']}: whether the record is complete cannot be proven: {told['not_proven']}"]
    return [counted, f"{told['provider']}: the record is complete from {told['complete_from']} to {told['complete_to']}"]


def _change_lines(change: dict[str, Any]) -> list[str]:
    before = change["before"]
    return [f"{change['object']} {name}: {before.get(name)} → {value}" for name, value in change["after"].items()]


def _failures(failures: dict[str, str]) -> list[dict[str, str]]:
    return [{"id": id_, "error": why} for id_, why in failures.items()]


def _failure_lines(failures: dict[str, str]) -> list[str]:
    return [f"{id_}: {why}" for id_, why in failures.items()]


def _wanted(
    run: Run,
    events: list[str] | None,
    since: str | None,
    until: str | None,
    type: str | None,  # noqa: A002
    card: str | None,
    failed: bool,
    limit: int | None,
    provider: str | None,
) -> Range:
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415
    from cardctl.services.flows.recalling import find_event  # noqa: PLC0415
    from cardctl.services.flows.replaying import Range  # noqa: PLC0415

    now = runtime.now()
    return Range(
        ids=tuple(find_event(run.books, run.quarantine, name).id for name in events or []),
        provider=provider,
        type=type,
        card=find_card(run.books, card) if card else None,
        since=moment(since, now=now) if since else None,
        until=moment(until, now=now) if until else None,
        unfinished=failed,
        limit=limit,
    )
