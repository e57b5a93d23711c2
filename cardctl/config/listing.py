"""All profiles at a glance, also those that cannot be used as they stand; what a single one says is in `settings`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from cardctl.config import document as config_toml
from cardctl.config.paths import Paths
from cardctl.config.settings import Settings, load, surroundings
from cardctl.errors import CardctlError, NotFound


@dataclass(frozen=True, slots=True)
class ListedProfile:
    """One profile. `default`: the one in use where no flag names another. `problem`: why it cannot be used, all else None."""

    name: str
    default: bool
    environment: str | None = None
    provider: str | None = None
    database: str | None = None
    problem: str | None = None


def listed_profiles() -> list[ListedProfile]:
    """The built-in profile first, the others by name."""
    environ = surroundings()
    document = config_toml.read(Paths.of(environ).config_file)
    try:
        default = config_toml.choose(document, environ, None).value
    except NotFound:  # what is chosen is not there: the list shows what is
        default = ""
    return [_one(name, name == default, environ) for name in config_toml.profile_names(document)]


def sharing(settings: Settings) -> list[str]:
    """The other profiles that open the same books; of those that cannot be used as they stand, nobody knows."""
    environ = surroundings()
    found = []
    for name in config_toml.profile_names(config_toml.read(settings.paths.config_file)):
        with suppress(CardctlError):
            other = load(environ, profile=name)
            if name != settings.profile.name and other.books_name == settings.books_name:
                found.append(name)
    return found


def _one(name: str, default: bool, environ: Mapping[str, str]) -> ListedProfile:
    try:
        settings = load(environ, profile=name)
    except CardctlError as error:
        return ListedProfile(name, default, problem=error.message)
    return ListedProfile(name, default, settings.profile.environment, settings.provider_name, settings.database.shown)
