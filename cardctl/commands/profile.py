"""`cardctl profile …`: named sets of settings; parse and hand over to config."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import OptionalProfileArgument, OutputOption, ProfileArgument
from cardctl.errors import BadInput
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.config import Settings

app = typer.Typer(add_completion=False)

_COLUMNS = "name", "default", "environment", "provider", "database", "problem"

EnvironmentOption = Annotated[str, typer.Option("--environment", metavar="WORD", help="simulator, sandbox or live.")]
NewProviderOption = Annotated[str, typer.Option("--provider", metavar="NAME", help="Whose cards these are.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting, such as limits.daily=200.00; repeat it.")
]


@app.command("list")
def list_(output: OutputOption = Output.TABLE) -> None:
    """List the profiles: which is the default, its environment, provider and database.

    Example: cardctl profile list
    """
    from cardctl import config, runtime  # noqa: PLC0415

    listed = config.listed_profiles()
    columns = _COLUMNS if any(each.problem for each in listed) else _COLUMNS[:-1]
    runtime.console_for(output).rows((asdict(each) for each in listed), columns)


@app.command()
def show(name: OptionalProfileArgument = None, output: OutputOption = Output.TABLE) -> None:
    """Show every setting of a profile, and where its value came from. NAME is the one in use where it is left out.

    Example: cardctl profile show dev
    """
    from cardctl import config, flags, runtime  # noqa: PLC0415

    settings = config.load(profile=name, database=flags.database())
    console = runtime.console_for(output)
    if output in {Output.TABLE, Output.CSV}:
        console.rows(_settings(settings), ("key", "value", "source"))
    else:
        console.show(_shape(settings))


@app.command()
def create(
    name: ProfileArgument,
    environment: EnvironmentOption,
    provider: NewProviderOption,
    set_: SetOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Add a profile to config.toml. Secrets have no place there: see `cardctl secret set`.

    Example: cardctl profile create acme-sandbox --environment sandbox --provider stripe --set limits.daily=200.00
    """
    from cardctl import config, runtime  # noqa: PLC0415

    for word, known in ((environment, config.ENVIRONMENTS), (provider, config.PROVIDERS)):
        if word not in known:
            raise BadInput(f"{word!r} is not one of {', '.join(known)}")
    paths, console = config.places(), runtime.console_for(output)
    values = config.assigned(name, set_ or (), {"environment": environment, "provider": provider})
    if not config.create_profile(paths, name, values):
        console.warn("ALREADY", f"the profile {name} is there already, with these settings")
    shape = _shape(config.load(profile=name))
    console.done({"profile": shape}, [f"{name} is in {paths.config_file}", f"next: cardctl secret check --profile {name}"])


@app.command()
def use(name: ProfileArgument, output: OutputOption = Output.TABLE) -> None:
    """Make a profile the default one.

    Example: cardctl profile use acme-sandbox
    """
    from cardctl import config, runtime  # noqa: PLC0415

    console = runtime.console_for(output)
    if not config.use_profile(config.places(), name):
        console.warn("ALREADY", f"{name} is the default profile already")
    shape = _shape(config.load(profile=name))
    console.done({"profile": shape}, [f"the default profile is {name} ({shape['environment']}, {shape['provider']})"])


def _shape(settings: Settings) -> dict[str, Any]:
    profile = settings.profile
    return {
        "name": profile.name,
        "environment": profile.environment,
        "provider": profile.provider,
        "database": settings.database.shown,
        "settings": _settings(settings),
    }


def _settings(settings: Settings) -> list[dict[str, Any]]:
    return [{"key": each.key, "value": each.value, "source": each.source} for each in settings.origins()]
