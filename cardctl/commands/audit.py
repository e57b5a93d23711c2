"""`cardctl audit …`: the chain of everything that changed; parse and hand over."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import (
    ForceOption,
    LimitOption,
    OptionalFileArgument,
    OutputOption,
    ProfileOption,
    SinceOption,
    UntilOption,
    moment,
)
from cardctl.errors import BadInput, ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.services.flows.auditing import Anchor, Chain, Verified

app = typer.Typer(add_completion=False)

ObjectOption = Annotated[
    str | None, typer.Option("--object", metavar="ID", help="Only about this card, account or operation, by its whole id.")
]
ActionOption = Annotated[
    str | None, typer.Option("--action", metavar="NOUN.VERB", help="Only this action, such as card.freeze.")
]
ActorOption = Annotated[str | None, typer.Option("--actor", metavar="NAME", help="Only what this person or job did.")]
SinceAnchorOption = Annotated[
    Path | None, typer.Option("--since-anchor", metavar="FILE", help="What `audit export --anchor` wrote must still be there.")
]
AnchorOption = Annotated[
    Path | None, typer.Option("--anchor", metavar="FILE", help="Write how far the chain goes: number, hash, time, database.")
]


@app.command("list")
def list_(
    object: ObjectOption = None,  # noqa: A002 - the option's own word
    action: ActionOption = None,
    actor: ActorOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List what changed, newest first.

    Example: cardctl audit list --object card_7f3kq2m9bx5d8c1g4h6j --since 24h
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import limited, one_more  # noqa: PLC0415
    from cardctl.output import shapes, tables  # noqa: PLC0415
    from cardctl.services.flows.auditing import list_entries  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        found = list_entries(
            run.books,
            object_id=object,
            action=action,
            actor=actor,
            since=moment(since, now=runtime.now()) if since else None,
            until=moment(until, now=runtime.now()) if until else None,
            limit=one_more(limit),
        )
        entries, cut = limited(found, limit)
        run.console.rows(map(shapes.audit_entry, entries), tables.AUDIT, limit_cut=cut)


@app.command()
def verify(
    since_anchor: SinceAnchorOption = None, profile: ProfileOption = None, output: OutputOption = Output.TABLE
) -> ExitCode:
    """Prove the chain: every entry as it was written, none missing, moved or added. 3 where that is not so.

    Example: cardctl audit verify --since-anchor anchor.json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows import auditing  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        anchor = auditing.read_anchor(since_anchor) if since_anchor else None
        with run.console.progress("verifying"):
            verified = auditing.verify(run.books, anchor)
        run.console.done(_verdict(verified, anchor), _said(verified, anchor))
        return ExitCode.FINDINGS if verified.findings else ExitCode.DONE


@app.command()
def export(
    file: OptionalFileArgument = None,
    anchor: AnchorOption = None,
    force: ForceOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Write every entry, oldest first, one JSON object a line, to a file or - (standard output); with --anchor, the anchor too.

    Example: cardctl audit export --anchor /mnt/elsewhere/anchor.json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.auditing import whole_chain  # noqa: PLC0415

    to_stdout = file == "-"
    if file is None and anchor is None:
        raise BadInput("say where to: FILE, or - for standard output, or --anchor FILE")
    if anchor is not None and str(anchor) in ("-", file):
        raise BadInput("the anchor goes to a file of its own")
    if to_stdout and output not in (Output.TABLE, Output.NDJSON):
        raise BadInput("the entries themselves go to standard output, as ndjson")
    with runtime.opened(output=Output.NDJSON if to_stdout else output, profile=profile) as run:
        with whole_chain(run.books, runtime.now) as chain:
            told, lines = _exported(run, chain, file, anchor, force=force)
        if not to_stdout:
            run.console.done(told, lines)


def _exported(
    run: Run, chain: Chain, file: str | None, anchor_file: Path | None, *, force: bool
) -> tuple[dict[str, Any], list[str]]:
    """Both files appear, or neither where the first cannot be written."""
    from cardctl.output import shapes, tables  # noqa: PLC0415
    from cardctl.output.envelope import encode  # noqa: PLC0415
    from cardctl.output.files import whole_file, write_rows  # noqa: PLC0415

    told: dict[str, Any] = {"anchor": _shape(chain.anchor)}
    lines = []
    with ExitStack() as stack, run.console.progress("exporting") as advance:
        if anchor_file is not None:
            stack.enter_context(whole_file(anchor_file, force=force)).write(encode(told["anchor"]).decode() + "\n")
            told["anchor_file"] = str(anchor_file)
            lines.append(f"anchored at entry {chain.anchor.seq} in {anchor_file}")
        entries = map(shapes.audit_entry, chain.entries)
        if file == "-":
            run.console.rows(entries, tables.AUDIT)
        elif file is not None:
            count = write_rows(Path(file), Output.NDJSON, entries, tables.AUDIT, force=force, progress=advance)
            told |= {"file": file, "entries": count}
            lines.insert(0, f"{count} entries written to {file}")
    return told, lines


def _shape(anchor: Anchor) -> dict[str, Any]:
    from cardctl.output.shapes import instant  # noqa: PLC0415

    return {"seq": anchor.seq, "hash": anchor.hash, "at": instant(anchor.at), "database": anchor.database}


def _verdict(verified: Verified, anchor: Anchor | None) -> dict[str, Any]:
    return {
        "ok": not verified.findings,
        "checked": verified.checked,
        "head": {"seq": verified.head.seq, "hash": verified.head.hash},
        "anchor": _shape(anchor) if anchor else None,
        "findings": [{"seq": finding.seq, "problem": finding.problem} for finding in verified.findings],
    }


def _said(verified: Verified, anchor: Anchor | None) -> list[str]:
    if verified.findings:
        return [*(finding.problem for finding in verified.findings), f"{verified.checked} entries before that are whole"]
    known = f", and entry {anchor.seq} is the one that was anchored" if anchor else ""
    return [f"whole: {verified.checked} entries, from the first to the head{known}"]
