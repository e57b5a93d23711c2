"""The verbs of `cardctl webhook` that take files: ingest, verify."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import OutputOption, ProfileOption, TimeoutOption
from cardctl.commands.webhook._files import HeaderOption, ReceivedOption, WhoseOption, found_in_files, said_of
from cardctl.errors import BadFile, ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cardctl.runtime import Run
    from cardctl.services.flows.ingesting.taking import Ingested
    from cardctl.services.flows.ingesting.verifying import Verdict

FilesArgument = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="Files or directories of them; - is standard input.")
]
BodyArgument = Annotated[str, typer.Argument(metavar="FILE", help="A raw body, or JSON lines; - is standard input.")]
NoApplyOption = Annotated[bool, typer.Option("--no-apply", help="Only keep them; `webhook replay` applies them.")]
UnverifiedOption = Annotated[
    bool, typer.Option("--unverified", help="Take without proof what no secret is set for; its objects are read again.")
]


def ingest(
    files: FilesArgument,
    header: HeaderOption = None,
    received_at: ReceivedOption = None,
    no_apply: NoApplyOption = False,
    unverified: UnverifiedOption = False,
    profile: ProfileOption = None,
    provider: WhoseOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Keep and apply events from files: raw bodies, JSON lines, a provider's export. Each is kept once, however often it comes.

    A file is one raw body; JSON lines of {"provider", "headers", "body" or "body_base64", "received_at"}, as `webhook show`
    and the simulator write them, or of events as they are; an array, or a list {"data": [...]}, of either; or a directory of
    files. What has headers is verified. What has none is kept without proof, and what it is about is read from the provider
    before anything is believed. What is forged, too old or for another mode goes into quarantine.

    Exit 0 also for duplicates, 3 where anything was not believed, 10 where something could not be read or applied, 2 where
    nothing could be read, 4 where no secret is set to verify it, 5 where there is no such file. As JSON: requests `read`;
    events `kept`, `duplicates`, `proven` (they had come without proof), `quarantined`, `applied`, `ignored`, `failed`, `later`;
    `bad` places; and the first 20 each of `events` (our ids), `bad_places`, `not_believed` and `failures`.

    Example: cardctl webhook ingest missed.jsonl --provider stripe
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.ingesting.taking import How  # noqa: PLC0415
    from cardctl.services.flows.ingesting.taking import ingest as take_in  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, timeout=timeout) as run:
        found = found_in_files(files, said_of(run, provider, header, received_at))
        with run.console.progress("ingesting") as advance:
            desk = None if no_apply else run.desk
            total = take_in(found, How(run.books, run.quarantine, cache(run.reception), desk, unverified, advance))
        _tell(run, total)
    if total.quarantined:
        return ExitCode.FINDINGS
    return ExitCode.PARTLY if total.bad or total.failed or total.later else ExitCode.DONE


def verify(
    file: BodyArgument,
    header: HeaderOption = None,
    received_at: ReceivedOption = None,
    profile: ProfileOption = None,
    provider: WhoseOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Say whether an event is genuine: exit 0 where it is, and for this profile; 3 where it is not. Opens no books.

    Age is judged against the time of receipt, so that the verdict on a stored event never changes. Of a file with several,
    each has its row, and one that is not genuine makes the exit code 3. Exit 4 where no secret is set that could tell.

    Example: cardctl webhook verify body.json --provider stripe --header 'Stripe-Signature: t=1700000000,v1=5257a8…'
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.ingesting.verifying import verdicts  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider) as run:
        found = found_in_files([file], said_of(run, provider, header, received_at))
        return _tell_verdicts(run, verdicts(found, cache(run.reception)), file)


def _tell(run: Run, total: Ingested) -> None:
    for text in total.warnings:
        run.console.warn("GONE_THERE", text)
    lines = [
        f"{total.read} read: {total.kept} events kept, {total.duplicates} duplicates, {total.proven} proven now, "
        f"{total.quarantined} not believed, {total.bad} unreadable",
        f"{total.applied} applied, {total.ignored} ignored, {total.failed} failed, {total.later} left for later",
        *(f"{one.file}, line {one.line}: {one.fault}" for one in total.bad_places),
        *(f"{one.found.file}, line {one.found.line}: {one.judged.reason}" for one in total.not_believed),
        *(f"{id_}: {error}" for id_, error in total.failures.items()),
    ]
    run.console.done(_counts(total), lines)


def _counts(total: Ingested) -> dict[str, Any]:
    names = ("read", "kept", "duplicates", "proven", "quarantined", "applied", "ignored", "failed", "later", "bad", "events")
    return {
        **{name: getattr(total, name) for name in names},
        "bad_places": [{"file": one.file, "line": one.line, "message": one.fault} for one in total.bad_places],
        "not_believed": [
            {
                "file": one.found.file,
                "line": one.found.line,
                "provider": one.found.provider,
                "signature": one.judged.signature.value,
                "reason": one.judged.reason,
            }
            for one in total.not_believed
        ],
        "failures": [{"event": id_, "error": error} for id_, error in total.failures.items()],
    }


def _tell_verdicts(run: Run, told: Iterable[Verdict], file: str) -> ExitCode:
    from itertools import chain, islice  # noqa: PLC0415

    from cardctl.output import tables  # noqa: PLC0415

    verdicts = iter(told)
    first = list(islice(verdicts, 2))
    if not first or (len(first) == 1 and first[0].signature is None):
        raise BadFile(f"there is no event to be verified: {first[0].reason if first else f'{file} is empty'}")
    if len(first) == 1:
        run.console.show(_verdict(first[0]))
        return ExitCode.DONE if first[0].genuine else ExitCode.FINDINGS
    doubtful = list[int]()

    def row(verdict: Verdict) -> dict[str, Any]:
        doubtful[:] = doubtful or ([] if verdict.genuine else [verdict.line])
        return {"line": verdict.line, "provider": verdict.provider, **_verdict(verdict)}

    run.console.rows(map(row, chain(first, verdicts)), tables.VERDICTS)
    return ExitCode.FINDINGS if doubtful else ExitCode.DONE


def _verdict(verdict: Verdict) -> dict[str, Any]:
    signature = verdict.signature.value if verdict.signature else None
    return {"signature": signature, "reason": verdict.reason, "events": list(verdict.types)}
