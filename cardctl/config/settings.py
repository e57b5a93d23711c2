"""One command's view of its settings: flag over environment over config.toml over default; no secret is read here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from cardctl.config import document as config_toml
from cardctl.config.document import BUILT_IN, PROVIDERS, Database, Sourced, nearest, prefix
from cardctl.config.paths import Paths, expanded
from cardctl.domain.money import Money
from cardctl.errors import BadInput

if TYPE_CHECKING:
    from cardctl.config.profile import Profile

_VARIABLES = {
    "provider": "CARDCTL_PROVIDER",
    "database": "CARDCTL_DB",
    "confirm_over": "CARDCTL_CONFIRM_OVER",
    "reports": "CARDCTL_REPORTS",
}
"""Settings of a profile that a variable overrides."""


class Origin(NamedTuple):
    """One line of `profile show`. `value` is ready for JSON."""

    key: str
    value: str | int | bool | list[str] | None
    source: str


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the environment says of the terminal. `columns` None: ask the terminal."""

    no_color: bool
    term: str | None
    columns: int | None
    ci: bool

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Terminal:
        columns = environ.get("COLUMNS", "")
        return cls(
            no_color=bool(environ.get("NO_COLOR")),
            term=environ.get("TERM") or None,
            columns=int(columns) if columns.isascii() and columns.isdigit() and 0 < int(columns) < 10_000 else None,
            ci=environ.get("CI", "").lower() not in ("", "0", "false"),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """The profile in use with all that was told about it. `actor` is who the audit names."""

    profile: Profile
    profile_source: str
    paths: Paths
    live: bool
    database: Database
    reports_dir: Path
    actor: str
    terminal: Terminal
    credentials_directory: Path | None
    _sources: Mapping[str, str]
    _environ: Mapping[str, str] = field(repr=False)

    @property
    def named(self) -> bool:
        """True where somebody chose the profile; False where `dev` is in use because nobody did."""
        return self.profile_source != "default"

    @property
    def provider_name(self) -> str:
        """The provider for commands that need one; see `source_of("provider")` for who said so."""
        return self.profile.provider

    @property
    def secret_command(self) -> tuple[str, ...] | None:
        """The argument list, `{name}` still in it, `~` of the program's path expanded."""
        if not self.profile.secret_command:
            return None
        program, *arguments = self.profile.secret_command
        return (str(expanded(program, self._environ)) if program.startswith("~") else program, *arguments)

    @property
    def renews(self) -> bool:
        """Whether the access token of the provider is renewed by OAuth; the simulator asks for none."""
        profile = self.profile
        return profile.provider == "square" and profile.square.client_id is not None and profile.environment != "simulator"

    @property
    def books_name(self) -> str:
        """See `Database.called`."""
        return self.database.called(self.paths, self.profile.name)

    def programme(self, provider: str) -> str:
        """The name of the account at `provider` that rows belong to, such as `stripe/acct_1Nv…` or `stripe/default`."""
        profile = self.profile
        account = {
            "stripe": profile.stripe.account,
            "marqeta": urlsplit(profile.marqeta.base_url or "").hostname,
            "strowallet": urlsplit(profile.strowallet.base_url or "").hostname or _product(profile.strowallet.product),
            "square": profile.square.location,
        }
        return f"{provider}/{account.get(provider) or 'default'}"

    def provider_settings(self, provider: str) -> dict[str, Any]:
        """The provider's table of the profile as a plain mapping, unset values as None."""
        table: dict[str, Any] = getattr(self.profile, provider).model_dump()
        return table

    def secret_environ(self, profile: str, name: str) -> tuple[str, str] | None:
        """The value and the variable of a secret in the environment: the profile's own variable first. An empty one is none."""
        stem = name.upper().replace(".", "_")
        for variable in (f"CARDCTL_{prefix(profile)}__{stem}", f"CARDCTL_{stem}"):
            if value := self._environ.get(variable):
                return value, variable
        return None

    def source_of(self, key: str) -> str:
        """Where the value of a dotted key came from."""
        top, built_in = key.partition(".")[0], f"built-in profile {BUILT_IN}"
        if key in self._sources or top in self._sources:
            return self._sources.get(key) or self._sources[top]
        return built_in if self.profile.name == BUILT_IN and key in ("environment", "provider", "confirm_over") else "default"

    def origins(self) -> list[Origin]:
        """Every setting with its value and source, in the order of the file; no secret is among them."""
        lines = [Origin("profile", self.profile.name, self.profile_source), Origin("live", self.live, self.source_of("live"))]
        lines += [Origin(key, value, self.source_of(key)) for key, value in _leaves(self.profile) if key != "name"]
        shown = {"database": self.database.shown, "reports": str(self.reports_dir)}
        lines = [line._replace(value=shown.get(line.key, line.value)) for line in lines]
        places = {"config": self.paths.config_file, "state": self.paths.state_dir, "logs": self.paths.log_dir}
        return lines + [Origin(f"paths.{key}", str(path), self.paths.source) for key, path in places.items()]


def load(
    environ: Mapping[str, str] | None = None,
    *,
    profile: str | None = None,
    provider: str | None = None,
    database: str | None = None,
    live: bool = False,
) -> Settings:
    """The settings of one command from its flags and `environ` (the process's own when None).

    Only the profile in use is checked in full, so that a slip in another one never stops a freeze. BadConfig, BadInput (a flag)
    or NotFound (no such profile).
    """
    from cardctl.config.profile import validated  # noqa: PLC0415 - pydantic, which completion does without

    environ = os.environ if environ is None else environ
    paths = Paths.of(environ)
    document = config_toml.read(paths.config_file)
    name = config_toml.choose(document, environ, profile)
    table = document.get("profiles", {}).get(name.value, {})
    told = _told(environ, provider=provider, database=database)
    checked = validated(name.value, table, told, paths.config_file)
    said_live = _live(environ, live)
    sources = {**_written(table), **{key: sourced.source for key, sourced in told.items()}, "live": said_live.source}
    credentials = environ.get("CREDENTIALS_DIRECTORY")
    return Settings(
        profile=checked,
        profile_source=name.source,
        paths=paths,
        live=said_live.value,
        database=config_toml.database_of(
            Sourced(checked.database, sources.get("database", "default")), checked.name, paths, environ
        ),
        reports_dir=expanded(checked.reports, environ).absolute() if checked.reports else paths.reports_dir,
        actor=_actor(environ),
        terminal=Terminal.of(environ),
        credentials_directory=Path(credentials) if credentials else None,
        _sources=sources,
        _environ=environ,
    )


def places() -> Paths:
    """The places, where no settings are needed."""
    return Paths.of(os.environ)


def terminal() -> Terminal:
    """The terminal, where no settings are needed."""
    return Terminal.of(os.environ)


def surroundings() -> Mapping[str, str]:
    """The environment, for what of this package needs more of it than `load` does."""
    return os.environ


def quick_paths(environ: Mapping[str, str] | None = None) -> Paths | None:
    """The places, for completion: light, and None instead of an error."""
    try:
        return Paths.of(os.environ if environ is None else environ)
    except Exception:  # completion says nothing rather than something wrong
        return None


def quick_profiles(environ: Mapping[str, str] | None = None) -> list[str]:
    """The profiles that can be named, for completion; the built-in one alone where the file cannot be read."""
    try:
        return config_toml.profile_names(config_toml.read(Paths.of(os.environ if environ is None else environ).config_file))
    except Exception:  # completion says nothing rather than something wrong
        return [BUILT_IN]


def quick_database(environ: Mapping[str, str] | None = None, profile: str | None = None) -> Path | None:
    """The SQLite file that `load` would name, for completion: no pydantic; None on PostgreSQL and instead of any error."""
    environ = os.environ if environ is None else environ
    try:
        paths = Paths.of(environ)
        document = config_toml.read(paths.config_file)
        name = config_toml.choose(document, environ, profile).value
        table = document.get("profiles", {}).get(name, {})
        setting = _told(environ).get("database") or Sourced(table.get("database", "sqlite"), "config.toml")
        return config_toml.database_of(setting, name, paths, environ).path
    except Exception:  # completion says nothing rather than something wrong
        return None


def _product(name: str) -> str | None:
    """Strowallet's products know nothing of one another's cards; the first one is simply the default."""
    return None if name == "bitvcard" else name


def _told(environ: Mapping[str, str], *, provider: str | None = None, database: str | None = None) -> dict[str, Sourced[str]]:
    told = {key: Sourced(environ[name], name) for key, name in _VARIABLES.items() if environ.get(name)}
    if provider is not None:
        if provider not in PROVIDERS:
            raise BadInput(
                f"no provider is called {provider!r}{nearest(provider, PROVIDERS)}", hint=f"one of {', '.join(PROVIDERS)}"
            )
        told["provider"] = Sourced(provider, "flag")
    if database is not None:
        told["database"] = Sourced(database, "flag")
    return told


def _live(environ: Mapping[str, str], flag: bool) -> Sourced[bool]:
    """A wrong guess moves real money or stops a nightly job, so that only 1 says yes and only 0 or nothing says no."""
    said = environ.get("CARDCTL_LIVE", "")
    if said not in ("", "0", "1"):
        raise BadInput(f"CARDCTL_LIVE is {said!r}; 1 allows writes to a live programme, 0 or nothing does not")
    if flag:
        return Sourced(True, "flag")
    return Sourced(said == "1", "CARDCTL_LIVE" if said else "default")


def _actor(environ: Mapping[str, str]) -> str:
    if told := environ.get("CARDCTL_ACTOR", "").strip():
        return told
    try:
        import pwd  # noqa: PLC0415 - not on Windows

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return (
            environ.get("LOGNAME") or environ.get("USERNAME") or (f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown")
        )


def _written(table: Mapping[str, Any], at: str = "") -> dict[str, str]:
    """Every key of the table, dotted, with the file as its source."""
    keys: dict[str, str] = {}
    for key, value in table.items():
        keys |= _written(value, f"{at}{key}.") if isinstance(value, dict) else {f"{at}{key}": "config.toml"}
    return keys


def _leaves(table: Any, at: str = "") -> list[tuple[str, Any]]:
    leaves: list[tuple[str, Any]] = []
    for key in type(table).model_fields:
        value = getattr(table, key)
        if hasattr(type(value), "model_fields"):
            leaves += _leaves(value, f"{at}{key}.")
        else:
            leaves.append((f"{at}{key}", _plain(value)))
    return leaves


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Money | Decimal) else value
