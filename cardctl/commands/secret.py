"""`cardctl secret …`: keys and passwords by name; no value is ever shown, and none comes from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import OutputOption, ProfileOption, YesOption
from cardctl.errors import ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cardctl.config import Settings
    from cardctl.runtime import Run
    from cardctl.secrets import Secrets

app = typer.Typer(add_completion=False)

_KEY = "db.encryption_key"


def _names(incomplete: str) -> list[str]:
    from cardctl.secrets.names import NAMES  # noqa: PLC0415

    return [name for name in NAMES if name.startswith(incomplete)]


NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Such as stripe.api_key or db.encryption_key.", autocompletion=_names)
]
NamesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]…", help="Else what this profile uses.", autocompletion=_names)
]


@app.command("set")
def set_(
    name: NameArgument, yes: YesOption = False, profile: ProfileOption = None, output: OutputOption = Output.TABLE
) -> None:
    """Store a secret in the keyring. It is typed without echo, or read from stdin; never given on the command line.

    Example: cardctl secret set stripe.api_key --profile acme-sandbox
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.domain.redaction import Secret  # noqa: PLC0415
    from cardctl.secrets.names import base_of  # noqa: PLC0415

    base_of(name)
    with runtime.opened(output=output, profile=profile) as run:
        if name == _KEY:
            _consent_to_another_key(run, yes=yes)
        run.secrets.set(name, Secret(run.console.hidden(f"{name} of {run.settings.profile.name}")))
        kept = _stored(run, name)
        run.console.done({"secret": kept}, [f"stored {name} for {run.settings.profile.name}"])


@app.command("list")
def list_(profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """List the secrets that some source has for the profile, and which source; without their values.

    Example: cardctl secret list --profile acme-sandbox
    """
    from cardctl import runtime  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        found = ({"name": each.name, "source": each.source, "detail": each.detail} for each in run.secrets.list())
        run.console.rows(found, ("name", "source", "detail"))


@app.command()
def delete(
    name: NameArgument, yes: YesOption = False, profile: ProfileOption = None, output: OutputOption = Output.TABLE
) -> None:
    """Delete a secret from where `secret set` stored it. It cannot be brought back.

    Example: cardctl secret delete stripe.webhook_secret_previous --yes
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import consent  # noqa: PLC0415
    from cardctl.secrets.names import base_of  # noqa: PLC0415

    lost = " What these books have sealed with it can then never be read again." if base_of(name) == _KEY else ""
    with runtime.opened(output=output, profile=profile) as run:
        consent(run, f"Delete {name} of the profile {run.settings.profile.name} for good?{lost}", name, yes=yes)
        run.secrets.delete(name)
        run.console.done({"deleted": name}, [f"deleted {name} of {run.settings.profile.name}"])


@app.command()
def check(names: NamesArgument = None, profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> ExitCode | None:
    """Say of each secret which source answered, and what the others said. Exit 4 where one that is needed is missing.

    Example: cardctl secret check stripe.api_key
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.secrets.names import base_of  # noqa: PLC0415

    for name in names or ():
        base_of(name)
    with runtime.opened(output=output, profile=profile) as run:
        needed = list(names or _needed(run.settings))
        wanted = [*needed, *(() if names else _useful(run.settings, needed))]
        checked = [_checked(run.secrets, name, needed=name in needed) for name in wanted]
        run.console.rows(checked, ("name", "needed", "found", "source", "detail", "said"))
        missing = any(each["needed"] and not each["found"] for each in checked)
    return ExitCode.SECRET if missing else None


@app.command("rotate-key")
def rotate_key(profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Make a new encryption key, and seal everything in the books with it. A kill at any instant loses nothing: run it again.

    Example: cardctl secret rotate-key
    """
    from cardctl import config, runtime  # noqa: PLC0415
    from cardctl.secrets import new_encryption_key  # noqa: PLC0415
    from cardctl.services.flows import keeping  # noqa: PLC0415

    with (
        runtime.opened(output=output, profile=profile) as run,
        run.lock("rotate-key", whose=run.settings.books_name),
    ):
        entry = keeping.Entry(runtime.now(), run.settings.actor, run.correlation_id)
        others = config.sharing(run.settings)
        done = keeping.rotate_key(run.secrets, run.books_anew, new_encryption_key, entry, others=others, pause=runtime.pause)
        if done.left:
            where = f"{done.left.source} ({done.left.detail})"
            run.console.warn("PREVIOUS_LEFT", f"nothing needs {done.left.name} any more: take it out of the {where}")
        run.console.warn("OLD_COPIES", "copies made before need the previous key, which cardctl does not keep: make a new one")
        what = "an earlier rotation was ended; run this again for another key" if done.finished else "there is a new key"
        data = {"rows": done.rows, "finished_earlier": done.finished, "previous_left": done.left and done.left.source}
        run.console.done(data, [f"{what}: {done.rows} rows were sealed anew"])


def _needed(settings: Settings) -> list[str]:
    """What the profile cannot work without."""
    from cardctl.secrets.names import needed_by  # noqa: PLC0415

    return list(needed_by(settings.provider_name, renews=settings.renews, database=settings.database.needs_secret))


def _useful(settings: Settings, needed: Sequence[str]) -> list[str]:
    """What belongs to the profile's provider besides, and a previous key while a rotation is under way."""
    from cardctl.secrets import NAMES  # noqa: PLC0415

    own = [name for name in NAMES if name.startswith(f"{settings.provider_name}.") and name not in needed]
    return [*own, f"{_KEY}_previous"]


def _checked(secrets: Secrets, name: str, *, needed: bool) -> dict[str, Any]:
    attempts = secrets.explain(name)
    answered = next((each for each in attempts if each.outcome in ("found", "made on first use")), None)
    return {
        "name": name,
        "needed": needed,
        "found": answered is not None,
        "source": answered and answered.source,
        "detail": answered and answered.detail,
        "said": "; ".join(f"{each.source}: {each.outcome}" for each in attempts),
        "attempts": [{"source": each.source, "detail": each.detail, "outcome": each.outcome} for each in attempts],
    }


def _stored(run: Run, name: str) -> dict[str, Any]:
    """Who answers for the secret now: it may be another source than the keyring, which is asked last."""
    checked = _checked(run.secrets, name, needed=False)
    if checked["source"] not in ("keyring", "development key"):
        where = f"the {checked['source']} ({checked['detail']}) answers before the keyring"
        run.console.warn("SHADOWED", f"{name} is stored, but {where}: it is not used")
    return {key: checked[key] for key in ("name", "source", "detail")}


def _consent_to_another_key(run: Run, *, yes: bool) -> None:
    from cardctl.commands._frame import consent  # noqa: PLC0415

    if any(each.outcome == "found" for each in run.secrets.explain(_KEY)):
        question = f"The books may be sealed with the {_KEY} that is there; `cardctl secret rotate-key` would seal them anew."
        consent(run, f"{question} Replace it?", _KEY, yes=yes)
