"""`cardctl db …`: our own books: what they are, their schema, copies of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import OutputOption, ProfileOption, YesOption
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.runtime import Run

app = typer.Typer(add_completion=False)

ToArgument = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A new file; else one among the profile's backups.")]
FromArgument = Annotated[Path, typer.Argument(metavar="FILE", help="What `db backup` made.")]


@app.command()
def status(profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Show the books: where they are, their schema, environment and size, whether they are whole, how far the audit goes.

    Example: cardctl db status
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows import keeping  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        found = keeping.state(run.books, run.database)
        schema, head = found.schema, found.audit_head
        data: dict[str, Any] = {
            "made": schema is not None,
            "kind": schema.kind if schema else "postgresql" if run.settings.database.url else "sqlite",
            "place": run.settings.database.shown,
            "environment": schema.environment if schema else run.settings.profile.environment,
            "schema_version": schema and schema.version,
            "schema_head": keeping.SCHEMA_HEAD,
            "size_bytes": schema and schema.size,
            "integrity": schema and (schema.problem or "ok"),
            "database_id": schema and schema.database_id,
            "audit_head": head and {"seq": head.seq, "hash": head.hash},
        }
        run.console.show(data)


@app.command()
def upgrade(profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Bring the books to this cardctl's schema, all of it or nothing; a copy is made first, and it says where.

    Example: cardctl db upgrade
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows import keeping  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run, run.console.progress("upgrading"):
        environment, kept = run.settings.profile.environment, _backup_file(run, "before-upgrade-")
        done = keeping.upgrade(run.database, environment, kept)
        if done.before == done.after:
            run.console.warn("ALREADY", f"the books have schema {done.after} already, the newest")
        data = {"before": done.before, "after": done.after, "backup": done.backup and str(done.backup)}
        lines = [f"schema {done.before} → {done.after}", *([f"the books as they were: {done.backup}"] if done.backup else [])]
        run.console.done(data, lines)


@app.command()
def backup(file: ToArgument = None, profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Copy the books into one file, whole and checked, while others go on using them.

    Example: cardctl db backup
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows import keeping  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run, run.console.progress("copying"):
        made = keeping.backup(run.database, file.absolute() if file else _backup_file(run))
        size = made.stat().st_size
        run.console.done({"backup": str(made), "size_bytes": size}, [f"{made} ({size} bytes)"])


@app.command()
def restore(
    file: FromArgument, yes: YesOption = False, profile: ProfileOption = None, output: OutputOption = Output.TABLE
) -> None:
    """Put a copy in the place of the books. It is checked first; what was there is kept beside it.

    Example: cardctl db restore dev-20260101T120000Z.db
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import consent  # noqa: PLC0415
    from cardctl.services.flows import keeping  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        name, place = run.settings.profile.name, run.settings.database.shown

        def agreed(version: int) -> None:
            question = (
                f"Put {file} (schema {version}) in the place of {place}? What was written since is then not in the books."
            )
            consent(run, question, name, yes=yes)

        done = keeping.restore(run.books, run.database, file, run.settings.profile.environment, agreed=agreed)
        _warn(run, done)
        data = {"restored": str(file), "schema_version": done.schema_version, "replaced": done.replaced and str(done.replaced)}
        lines = [f"{place} is what {file} was", *([f"what was there: {done.replaced}"] if done.replaced else [])]
        run.console.done(data, lines)


def _backup_file(run: Run, label: str = "") -> Path:
    from cardctl import runtime  # noqa: PLC0415

    return run.settings.paths.backups_dir / f"{run.settings.profile.name}-{label}{runtime.now():%Y%m%dT%H%M%SZ}.db"


def _warn(run: Run, done: Any) -> None:
    run.console.warn("BOOKS_BEHIND", "what happened at the provider since is not in these books: `cardctl card sync` brings it")
    if done.older:
        run.console.warn("SCHEMA_OLDER", "this copy has an older schema: `cardctl db upgrade` comes next")
    if not done.readable:
        hint = "provide that as db.encryption_key_previous, then run `cardctl secret rotate-key`"
        run.console.warn("SEALED_OTHERWISE", f"this copy was sealed with another encryption key: {hint}")
