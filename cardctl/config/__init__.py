"""Typed settings and profiles, and where each value came from; the only reader of the environment. Secrets live elsewhere.

`paths` (where things lie), `document` (config.toml as it stands), `profile` (what may stand in it), `settings` (one command's
view of it all), `listing` (all profiles at a glance), `assigning` (KEY=VALUE of a command line), `editing` (config.toml
rewritten with its comments). Importing this package loads neither pydantic nor tomlkit: the first profile and the first edit
do.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cardctl.config.document import BUILT_IN, ENVIRONMENTS, PROVIDERS, Database, Sourced, profile_names
from cardctl.config.paths import Paths, private_dir
from cardctl.config.settings import (
    Origin,
    Settings,
    Terminal,
    load,
    places,
    quick_database,
    quick_paths,
    quick_profiles,
    terminal,
)

if TYPE_CHECKING:
    from cardctl.config.assigning import assigned
    from cardctl.config.editing import create_profile, use_profile
    from cardctl.config.listing import listed_profiles, sharing
    from cardctl.config.profile import Profile

__all__ = [
    "BUILT_IN",
    "ENVIRONMENTS",
    "PROVIDERS",
    "Database",
    "Origin",
    "Paths",
    "Profile",
    "Settings",
    "Sourced",
    "Terminal",
    "assigned",
    "create_profile",
    "listed_profiles",
    "load",
    "places",
    "private_dir",
    "profile_names",
    "quick_database",
    "quick_paths",
    "quick_profiles",
    "sharing",
    "terminal",
    "use_profile",
]

_LATER = {
    "Profile": "profile",
    "assigned": "assigning",
    "create_profile": "editing",
    "listed_profiles": "listing",
    "sharing": "listing",
    "use_profile": "editing",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
