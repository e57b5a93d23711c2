"""`cardctl simulator edit, advance, status, reset`: what the far side's own staff does, and what time does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import OutputOption, ProfileOption
from cardctl.domain.spans import span
from cardctl.errors import BadInput
from cardctl.output.console import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

TellOption = Annotated[bool, typer.Option("--tell", help="The provider tells of it, as it would of a change of its own.")]
FarSideOnlyOption = Annotated[bool, typer.Option("--far-side-only", help="Leave our own books as they are.")]


def edit(
    ref: Annotated[
        str, typer.Argument(metavar="REF", help="The far side's name for it, our id, or a provider's name for its float.")
    ],
    changes: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE…", help="Amounts in minor units; empty empties.")],
    profile: ProfileOption = None,
    tell: TellOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Change the far side silently, as the provider's own staff would: no rule is asked, and nobody is told but with --tell.

    Example: cardctl simulator edit card_7f3a9k2m status=inactive
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands.simulator._inbox import hand_out  # noqa: PLC0415
    from cardctl.commands.simulator._naming import far_name  # noqa: PLC0415

    fields = _assignments(changes)
    with runtime.opened(output=output, profile=profile) as run:
        far_side = run.far_side
        named, told = far_name(run, ref), far_side.last_told()
        before, after = far_side.edit(named.ref, fields, tell=tell)
        hand_out(run, told)
        lines = [f"{named.shown} {name}: {before[name]} → {after[name]}" for name in fields]
        run.console.done({"ref": named.shown, "before": before, "after": after}, lines)


def advance(
    by: Annotated[str, typer.Argument(metavar="SPAN", help="How far: 8d, 3h, 90m, 30s or 2w.")],
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Move the far side's clock on. It never goes back, but for a reset.

    Example: cardctl simulator advance 8d
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output.shapes import instant  # noqa: PLC0415

    length = span(by)
    with runtime.opened(output=output, profile=profile) as run:
        clock = instant(run.far_side.advance(length))
        data = {"advanced_seconds": int(length.total_seconds()), "clock": clock}
        run.console.done(data, [f"the far side's clock is {clock}"])


def status(profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Show the far side: its file and clock, base URLs, float, how many objects there are, which faults wait.

    Example: cardctl simulator status -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output.shapes import instant  # noqa: PLC0415
    from cardctl.output.shapes import money as shape  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        found = run.far_side.status()
        floats = {face: [shape(each) for each in money] for face, money in found["float"].items()}
        run.console.show({**found, "clock": instant(found["clock"]), "float": floats})


def reset(far_side_only: FarSideOnlyOption = False, profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Begin anew: the far side and this profile's own books are emptied together. Nothing else is touched.

    Example: cardctl simulator reset
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.keeping import begin_anew, drop_damaged_key  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run, run.lock("provision"):
        far_side = run.far_side
        objects = far_side.status()["objects"]
        data: dict[str, Any] = {"far_side": objects, "books": None, "replaced": None}
        lines = [f"emptied the far side: {_counted(objects)}"]
        if far_side_only:
            far_side.reset()
        else:
            begun = begin_anew(run.books, run.database, then=far_side.reset)
            run.quarantine.clear()
            data |= {"books": begun.rows, "replaced": begun.replaced and str(begun.replaced)}
            lines.append(f"emptied {run.settings.database.shown}: {_counted(begun.rows)}")
            if begun.replaced:
                run.console.warn("BOOKS_REPLACED", f"the books could not be read: they are kept as {begun.replaced}")
            if drop_damaged_key(run.secrets):
                run.console.warn("KEY_DROPPED", "the development key was damaged: another is made when it is needed")
        run.console.done(data, lines)


def _assignments(changes: Sequence[str]) -> dict[str, str]:
    fields = dict(text.partition("=")[::2] for text in changes)
    for text in changes:
        if "=" not in text or text.startswith("="):
            raise BadInput(f"{text!r} changes nothing", hint="write FIELD=VALUE, such as status=inactive")
    if len(fields) != len(changes):
        raise BadInput("a field is named twice")
    return fields


def _counted(rows: dict[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in rows.items() if count) or "nothing was there"
