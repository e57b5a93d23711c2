"""`cardctl simulator deliver, resend`: what the far side has to tell, brought to an inbox, a port or a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import ForceOption, LimitOption, OutputOption, ProfileOption, ProviderOption
from cardctl.errors import BadInput, ExitCode, NotFound
from cardctl.output.console import Output
from cardctl.simulator.deliver import KINDS

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.simulator.delivering import Posted

FAULTS = f"Faults: {', '.join(KINDS)}."


def _kinds(incomplete: str) -> list[str]:
    return [kind for kind in KINDS if kind.startswith(incomplete)]


ToOption = Annotated[
    str | None, typer.Option("--to", metavar="URL", help="A receiver on this machine; else this profile's own inbox.")
]
ToFileOption = Annotated[
    str | None, typer.Option("--to-file", metavar="FILE", help="A new file of JSON lines, as `webhook ingest` takes them.")
]
FaultOption = Annotated[
    list[str] | None,
    typer.Option("--fault", metavar="KIND", help="What goes wrong on the way; may be given again.", autocompletion=_kinds),
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="The same faults for the same seed.")]
RateOption = Annotated[float, typer.Option("--rate", metavar="SHARE", min=0, max=1, help="Which share meets each fault.")]
AllOption = Annotated[bool, typer.Option("--all", help="Also what was delivered before.")]
WorkersOption = Annotated[int, typer.Option("--workers", metavar="N", min=1, max=64, help="Requests in flight with --to.")]
EventsArgument = Annotated[list[str], typer.Argument(metavar="EVENT...", help="By the provider's id.")]


def deliver(
    to: ToOption = None,
    to_file: ToFileOption = None,
    fault: FaultOption = None,
    seed: SeedOption = 0,
    rate: RateOption = 0.0,
    all_: AllOption = False,
    limit: LimitOption = None,
    workers: WorkersOption = 16,
    force: ForceOption = False,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Deliver what the simulated providers have told since the last time, signed as they sign it.

    Without --to and --to-file it comes straight into this profile's inbox and is applied. Exit 3 where the receiver did not
    take everything.

    Example: cardctl simulator deliver --to http://127.0.0.1:8421 --fault duplicate --fault reordered
    """
    from cardctl import runtime  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        posted = run.far_side.deliveries(
            face=provider,
            undelivered=not all_,
            limit=limit,
            seed=seed,
            rate=rate,
            kinds=tuple(fault or ()),
            live=to is not None,
        )
        return _sent(run, posted, to, to_file, workers, force=force)


def resend(
    events: EventsArgument,
    to: ToOption = None,
    to_file: ToFileOption = None,
    force: ForceOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Deliver some events once more, by the provider's ids for them.

    Example: cardctl simulator resend evt_1Q2w3e4r --to http://127.0.0.1:8421
    """
    from cardctl import runtime  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        posted = list(run.far_side.deliveries(event_ids=events, undelivered=False, live=to is not None))
        missing = set(events) - {id_ for one in posted for id_ in one.event_ids}
        if missing:
            raise NotFound("simulated event", min(missing))
        return _sent(run, posted, to, to_file, 1, force=force)


def _sent(run: Run, posted: Iterable[Posted], to: str | None, to_file: str | None, workers: int, *, force: bool) -> ExitCode:
    if to and to_file:
        raise BadInput("--to and --to-file are two places: choose one")
    if to_file:
        return _to_file(run, posted, to_file, force=force)
    first = next(iter(posted := iter(posted)), None)
    if first is None:
        run.console.warn("NOTHING_TO_DELIVER", "the simulated providers have nothing new to tell")
        run.console.done({"sent": 0}, ["nothing was delivered"])
        return ExitCode.DONE
    every = _from(first, posted)
    return _to_url(run, every, to, workers) if to else _to_inbox(run, every)


def _from(first: Posted, rest: Iterator[Posted]) -> Iterator[Posted]:
    yield first
    yield from rest


def _to_inbox(run: Run, posted: Iterable[Posted]) -> ExitCode:
    from cardctl.commands.simulator._inbox import into_inbox  # noqa: PLC0415

    total = into_inbox(run, posted)
    names = ("read", "kept", "duplicates", "quarantined", "applied", "ignored", "failed", "later")
    told: dict[str, Any] = {name: getattr(total, name) for name in names}
    lines = [
        f"{total.read} requests: {total.kept} events kept, {total.duplicates} duplicates, {total.quarantined} not believed",
        f"{total.applied} applied, {total.ignored} ignored, {total.failed} failed, {total.later} left for later",
    ]
    run.console.done({"sent": total.read, **told}, lines)
    if total.quarantined:
        return ExitCode.FINDINGS
    return ExitCode.PARTLY if total.failed or total.later else ExitCode.DONE


def _to_url(run: Run, posted: Iterable[Posted], to: str, workers: int) -> ExitCode:
    from cardctl.simulator.posting import deliver_to  # noqa: PLC0415

    taken: list[str] = []
    with run.console.progress("delivering") as advance:
        tally = deliver_to(
            to, posted, workers=workers, progress=lambda _so_far: advance(1), accepted=lambda one: taken.extend(one.event_ids)
        )
    run.far_side.mark_delivered(taken)
    told = {"sent": tally.sent, "accepted": tally.accepted, "refused": tally.refused, "failed": tally.failed}
    line = f"{tally.sent} requests sent: {tally.accepted} accepted, {tally.refused} refused, {tally.failed} without an answer"
    run.console.done(told, [line])
    return ExitCode.FINDINGS if tally.refused or tally.failed else ExitCode.DONE


def _to_file(run: Run, posted: Iterable[Posted], file: str, *, force: bool) -> ExitCode:
    import orjson  # noqa: PLC0415

    from cardctl.output.files import whole_file  # noqa: PLC0415
    from cardctl.simulator.delivering import to_line  # noqa: PLC0415

    count = 0
    with whole_file(Path(file), force=force) as lines, run.console.progress("writing") as advance:
        for one in posted:  # as they are: a signature fits no body that was looked over
            lines.write(orjson.dumps(to_line(one)).decode() + "\n")
            count += 1
            advance(1)
    run.console.done({"file": file, "sent": count}, [f"{count} requests written to {file}"])
    return ExitCode.DONE
