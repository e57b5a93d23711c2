"""`cardctl schedule …`: timers for the jobs that run by themselves; parse and hand over."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cardctl.commands._options import ForceOption, OutputOption, ProfileOption
from cardctl.errors import BadInput
from cardctl.output.console import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cardctl.config import Settings
    from cardctl.domain.schedule import Planned
    from cardctl.runtime import Run
    from cardctl.services.flows.scheduling import Place

app = typer.Typer(add_completion=False)

SystemdOption = Annotated[bool, typer.Option("--systemd", help="A service and a timer for each job.")]
CronOption = Annotated[bool, typer.Option("--cron", help="The lines of a crontab.")]
DirOption = Annotated[Path | None, typer.Option("--dir", metavar="DIR", help="Write the files there instead.")]
OnlyOption = Annotated[str | None, typer.Option("--only", metavar="JOBS", help="Only these, such as reconcile,alerts.")]
ProgramOption = Annotated[
    Path | None, typer.Option("--program", metavar="PATH", help="cardctl where the jobs run; else this one.")
]
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="Their CARDCTL_HOME; else yours, else /var/lib/cardctl for systemd."),
]
UserOption = Annotated[str, typer.Option("--user", metavar="NAME", help="Whom systemd runs them as.")]
PrefixOption = Annotated[str, typer.Option("--prefix", metavar="NAME", help="How the units' names begin.")]
TextfileOption = Annotated[Path | None, typer.Option("--textfile", metavar="PATH", help="Where the metrics go.")]


@app.command("print")
def print_(
    systemd: SystemdOption = False,
    cron: CronOption = False,
    dir: DirOption = None,  # noqa: A002 - the option's own word
    only: OnlyOption = None,
    program: ProgramOption = None,
    home: HomeOption = None,
    user: UserOption = "cardctl",
    prefix: PrefixOption = "cardctl",
    textfile: TextfileOption = None,
    force: ForceOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print ready units for the jobs of a profile: reconcile, replay, resume, alerts, metrics. Nothing is installed.

    Secrets are named in them, never written: put each into /etc/cardctl/credentials, root's alone, under the name that its
    LoadCredential= line says.

    Example: cardctl schedule print --systemd --profile acme --dir /etc/systemd/system
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.scheduling import not_in_jobs, plan  # noqa: PLC0415

    if systemd == cron:
        raise BadInput("say for what", hint="--systemd or --cron")
    with runtime.opened(output=output, profile=profile) as run:
        for variable in not_in_jobs(run.settings):
            run.console.warn("NOT_IN_JOBS", f"{variable} is set here, and the jobs will not have it: set it in config.toml")
        place = _place(run.settings, program, home, textfile, names=(user, prefix), cron=cron)
        jobs = plan(run.settings, place, only)
        _show(run, _crontab(jobs, prefix) if cron else _units(jobs, user, prefix), dir, force=force)


def _place(
    settings: Settings, program: Path | None, home: Path | None, textfile: Path | None, *, names: tuple[str, str], cron: bool
) -> Place:
    from cardctl import flags  # noqa: PLC0415
    from cardctl.services.flows.scheduling import HOME, TEXTFILE, Place  # noqa: PLC0415

    ours = settings.paths.state_dir.parent if settings.paths.source == "CARDCTL_HOME" else None
    books = flags.database()
    return Place(
        program=program or _this_program(),
        home=home or ours or (None if cron else HOME),
        textfile=textfile or TEXTFILE,
        books=str(Path(books).absolute()) if books and "://" not in books else books,
        seen=() if program else (Path(sys.prefix), Path(sys.base_prefix)),
        names=names,
    )


def _this_program() -> Path:
    """This cardctl's own file: as it was called, beside its Python, or on the PATH."""
    called = shutil.which(sys.argv[0]) if Path(sys.argv[0]).name == "cardctl" else None
    for found in (called, Path(sys.executable).with_name("cardctl"), shutil.which("cardctl")):
        if found and Path(found).is_file():
            return Path(found).absolute()
    raise BadInput("this cardctl is no installed program", hint="--program says where it will be")


def _units(jobs: Sequence[Planned], user: str, prefix: str) -> list[dict[str, str]]:
    from cardctl.output import units  # noqa: PLC0415

    files = []
    for planned in jobs:
        name = f"{prefix}-{planned.job.name}"
        texts = {
            f"{name}.service": units.service(planned, user=user),
            f"{name}.timer": units.timer(planned, service_name=f"{name}.service"),
        }
        files += [{"name": planned.job.name, "file": file, "text": text} for file, text in texts.items()]
    return files


def _crontab(jobs: Sequence[Planned], prefix: str) -> list[dict[str, str]]:
    from cardctl.output import units  # noqa: PLC0415

    return [{"name": "crontab", "file": f"{prefix}.crontab", "text": units.crontab(jobs)}]


def _show(run: Run, files: list[dict[str, str]], directory: Path | None, *, force: bool) -> None:
    """The texts, or where they were written."""
    if directory is not None:
        from cardctl.output.files import write_texts  # noqa: PLC0415

        written = write_texts(directory, {each["file"]: each["text"] for each in files}, force=force)
        files = [{**each, "file": str(path)} for each, path in zip(files, written, strict=True)]
    if run.console.output is not Output.TABLE:
        run.console.rows(files, ("name", "file", "text"))
    elif directory is not None:
        run.console.done({}, [f"wrote {each['file']}" for each in files])
    else:
        lines = [line for each in files for line in (f"# file: {each['file']}", *each["text"].splitlines(), "")]
        run.console.done({}, lines[:-1])
