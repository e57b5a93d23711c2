"""config.toml as it stands: read, its outline checked, a profile chosen, its database found; the standard library alone."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from cardctl.config.paths import Paths, expanded
from cardctl.domain.redaction import Secret
from cardctl.errors import BadConfig, NotFound, SecretMissing

BUILT_IN = "dev"
"""The profile that needs no file: the simulator."""
ENVIRONMENTS = ("simulator", "sandbox", "live")
PROVIDERS = ("stripe", "marqeta", "strowallet", "square", "zendit")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z", re.ASCII)
_POSTGRES = re.compile(r"postgres(?:ql)?(?:\+psycopg)?://", re.ASCII)
_PASSWORD = re.compile(r"(?<=://)([^:/@]*):.+@")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sourced(Generic[T]):
    """A value and where it came from: "flag", a variable's name, "config.toml", "built-in profile dev" or "default"."""

    value: T
    source: str


@dataclass(frozen=True, slots=True)
class Database:
    """The profile's books: a SQLite file (`path`) or a PostgreSQL server (`url`). Its repr shows no password."""

    path: Path | None
    url: str | None = field(repr=False)
    source: str

    @property
    def shown(self) -> str:
        """For people: the path, or the URL without its password."""
        return _PASSWORD.sub(r"\1:***@", self.url) if self.url else str(self.path)

    def called(self, paths: Paths, profile: str) -> str:
        """One name for the books, whichever profile opens them (`profile` is the one that does): what is theirs alone and not
        the profile's, such as the simulator's key, bears it. A profile's own file has the profile's name."""
        if self.needs_secret:
            return profile
        file = None if self.path is None else self.path.resolve()
        if file is not None and file == paths.database_file(file.stem).resolve():
            return file.stem
        place = _PASSWORD.sub(r"\1", self.url) if self.url else str(file)
        return f"{file.stem if file else 'postgresql'}-{hashlib.sha256(place.encode('utf-8', 'replace')).hexdigest()[:8]}"

    @property
    def needs_secret(self) -> bool:
        """True where nothing but the scheme is set, so that the secret db.url must hold the whole URL."""
        return self.url is not None and urlsplit(self.url)[1:3] == ("", "")

    def complete(self, secret: Secret | None) -> str:
        """The URL to connect with. `secret` (db.url) is the password alone or the whole URL, which must then name the same
        server and database. Without one the URL stands as it is (peer authentication, a password file)."""
        assert self.url is not None
        if secret is None:
            if self.needs_secret:
                raise SecretMissing("the database is postgresql:// and the secret db.url, which has the rest, is not set")
            return self.url
        told = secret.reveal()
        if "://" not in told:
            return _with_password(self.url, told)
        if not _POSTGRES.match(told):
            raise BadConfig("the secret db.url is not a postgresql:// URL")
        if not self.needs_secret and _place(told) != _place(self.url):
            raise BadConfig(f"the secret db.url names another server or database than {self.shown}")
        return told


def read(file: Path) -> dict[str, Any]:
    """The whole file, outline checked; empty where there is none. BadConfig names the file and the line or key."""
    text = ""
    try:
        text = file.read_text(encoding="utf-8")
        document = tomllib.loads(text, parse_float=Decimal)
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise BadConfig(f"{file} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        end = f"at line {text.count(chr(10)) + 1}, the end of the file"
        raise BadConfig(f"{file}: {str(error).replace('at end of document', end)}") from None
    except OSError as error:
        raise BadConfig(f"{file}: {error.strerror}") from None
    check_outline(document, file)
    return document


def profile_names(document: Mapping[str, Any]) -> list[str]:
    """Every profile that can be named, the built-in one first."""
    return [BUILT_IN, *sorted(set(document.get("profiles", {})) - {BUILT_IN})]


def choose(document: Mapping[str, Any], environ: Mapping[str, str], flag: str | None) -> Sourced[str]:
    """The profile's name: flag, CARDCTL_PROFILE, default_profile, else `dev`. NotFound where there is none of that name."""
    chosen = Sourced(BUILT_IN, "default")
    for value, source in (
        (flag, "flag"),
        (environ.get("CARDCTL_PROFILE"), "CARDCTL_PROFILE"),
        (document.get("default_profile"), "config.toml"),
    ):
        if value:
            chosen = Sourced(value, source)
            break
    return Sourced(existing(document, chosen.value), chosen.source)


def existing(document: Mapping[str, Any], name: str) -> str:
    """The name itself, or NotFound with the known ones."""
    known = profile_names(document)
    if name not in known:
        raise NotFound("profile", name, hint=f"known profiles: {', '.join(known)}; `cardctl profile create` makes another")
    return name


def database_of(setting: Sourced[str], profile: str, paths: Paths, environ: Mapping[str, str]) -> Database:
    """`sqlite` is the profile's own file; a path in config.toml is relative to that file; BadConfig for other URLs."""
    text = setting.value
    if text == "sqlite":
        return Database(paths.database_file(profile), None, setting.source)
    if _POSTGRES.match(text):
        # CARDCTL_DB is as private as a secret's own variable; a file is read by backups, a flag by everyone's `ps`
        if _has_password(text) and setting.source != "CARDCTL_DB":
            raise BadConfig("the database's URL has a password in it", hint="leave it out and use `cardctl secret set db.url`")
        return Database(None, text, setting.source)
    if "://" in text:
        raise BadConfig(f"the database {text.partition('://')[0]}://… is neither a path nor a postgresql:// URL")
    base = paths.config_dir if setting.source == "config.toml" else Path.cwd()
    return Database(base / expanded(text, environ), None, setting.source)


def nearest(word: str, known: Iterable[str]) -> str:
    """Advice to end a message with, or nothing."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def prefix(profile: str) -> str:
    """The profile's part in the names of its variables."""
    return profile.upper().replace("-", "_")


def check_outline(document: Mapping[str, Any], file: Path) -> None:
    for key in document:
        if key not in ("default_profile", "profiles"):
            raise BadConfig(f"{file}: unknown key {key}{nearest(key, ('default_profile', 'profiles'))}")
    if not isinstance(document.get("default_profile", ""), str):
        raise BadConfig(f"{file}: default_profile: a profile's name in quotes is wanted")
    profiles = document.get("profiles", {})
    if not isinstance(profiles, dict):
        raise BadConfig(f"{file}: profiles: tables such as [profiles.acme-sandbox] are wanted")
    for name, table in profiles.items():
        check_name(name)
        if not isinstance(table, dict):
            raise BadConfig(f"{file}: profiles.{name}: a table is wanted")
    _check_prefixes(profiles, file)


def check_name(name: str) -> None:
    """A profile's name goes into file names, variables and keyring entries: BadConfig where it cannot."""
    if not _NAME.match(name):
        raise BadConfig(f"{name!r} cannot name a profile", hint="up to 64 letters, digits, - and _, such as acme-sandbox")


def _check_prefixes(names: Iterable[str], file: Path) -> None:
    # two profiles with one prefix would read each other's secrets from CARDCTL_<PROFILE>__<NAME>
    taken = {prefix(BUILT_IN): BUILT_IN}
    for name in names:
        other = taken.setdefault(prefix(name), name)
        if other != name:
            raise BadConfig(f"{file}: the profiles {other} and {name} would share the variables CARDCTL_{prefix(name)}__…")


def _has_password(url: str) -> bool:
    return bool(_PASSWORD.search(url)) or "password" in parse_qs(urlsplit(url).query)


def _place(url: str) -> tuple[str | None, int | None, str]:
    parts = urlsplit(url)
    return parts.hostname, parts.port, parts.path


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    login, _, server = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login.partition(':')[0]}:{quote(password, safe='')}@{server}"))
