"""What the jobs of one profile need where they will run: command lines, secrets, variables, places to write. Writes no unit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from cardctl.domain.redaction import redact
from cardctl.domain.schedule import JOBS, NAMES, Need, Planned, ScheduledJob, spoken
from cardctl.errors import BadInput
from cardctl.providers import registry
from cardctl.secrets.names import DATABASE_URL, ENCRYPTION_KEY, PREVIOUS, needed_by

if TYPE_CHECKING:
    from cardctl.config import Settings

HOME = Path("/var/lib/cardctl")
TEXTFILE = Path("/var/lib/prometheus/node-exporter/cardctl.prom")
"""Where Debian's node exporter looks."""
_NOTIFY = "notify.url"
_UNFIT = frozenset("\"'\\$")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z", re.ASCII)
_HOMES = ("/home", "/root", "/run/user")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the jobs will run. `program` is cardctl there, `home` its CARDCTL_HOME (None: the user's own directories),
    `books` what --db named; `seen` are more places that the program is read from; `names` go into a unit or its file's name."""

    program: Path
    home: Path | None
    textfile: Path = TEXTFILE
    books: str | None = None
    seen: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()


def plan(settings: Settings, place: Place, only: str | None = None) -> list[Planned]:
    """The jobs of the profile in use, all or `only` those (`reconcile,alerts`). BadInput for what cannot stand in a unit."""
    for path in (place.program, place.home, place.textfile):
        if path is not None and not path.is_absolute():
            raise BadInput(f"{path} is not absolute", hint="a job starts in a directory of its own: say the whole path")
    for text in (place.program, place.home, place.textfile, place.books or ""):
        if not str(text).isprintable() or set(str(text)) & _UNFIT:
            raise BadInput(f"{redact(str(text))!r} has a character that no unit can hold", hint="choose another place")
    for name in place.names:
        if not _NAME.match(name):
            raise BadInput(f"{name!r} is no name for a user or a unit", hint="letters, digits, - and _, such as cardctl-acme")
    return [_planned(settings, place, job) for job in _chosen(settings, only)]


def not_in_jobs(settings: Settings) -> list[str]:
    """Variables that decide here and now, and which the jobs will not have."""
    sources = {settings.source_of(key) for key in ("provider", "database", "confirm_over", "reports")}
    return sorted(source for source in sources if source.startswith("CARDCTL_"))


def _chosen(settings: Settings, only: str | None) -> list[ScheduledJob]:
    if only is None:
        return [job for job in JOBS if job.supplier is None or _uses(settings, job.supplier)]
    wanted = [word.strip() for word in only.split(",")]
    for word in wanted:
        if word not in NAMES:
            close = get_close_matches(word, NAMES, n=1, cutoff=0.5)
            advice = f"; did you mean {close[0]}?" if close else ""
            raise BadInput(f"no job is called {word!r}{advice}", hint=f"--only takes some of {','.join(NAMES)}")
    return [job for job in JOBS if job.name in wanted]


def _planned(settings: Settings, place: Place, job: ScheduledJob) -> Planned:
    profile = settings.profile.name
    freezes = job.name == "alerts" and _freezes(settings)
    argv = [str(place.program), *job.words]
    argv += [str(place.textfile), "--mode", "644"] if job.name == "metrics" else []  # who collects it is another user
    argv += ["--profile", profile, "--deadline", spoken(job.deadline)]
    argv += ["--db", place.books] if place.books else []
    needs = dict(_needs(settings, asks=job.asks or freezes, tells=job.name == "alerts")) | dict(_needs_of_orders(settings, job))
    return Planned(
        job=job,
        profile=profile,
        argv=tuple(argv),
        home=place.home,
        live=settings.profile.environment == "live" and (job.sends or freezes),
        needs=tuple(Need(f"cardctl.{profile}.{name}", required) for name, required in needs.items()),
        writes=_writes(settings, place, job),
        in_a_home=any(str(path.resolve()).startswith(_HOMES) for path in (place.program, *place.seen)),
    )


def _needs(settings: Settings, *, asks: bool, tells: bool) -> Iterator[tuple[str, bool]]:
    """The secrets of a job, each with whether it cannot work without; where the profile has a `secret_command`, it can.

    `asks`: it speaks to the provider; `tells`: it notifies people.
    """
    sure = settings.secret_command is None
    if settings.profile.environment != "simulator":
        for name in needed_by(settings.provider_name, renews=settings.renews) if asks else (ENCRYPTION_KEY,):
            yield name, sure
        yield ENCRYPTION_KEY + PREVIOUS, False
        for provider in _others(settings) if asks else ():
            yield from ((name, False) for name in needed_by(provider) if name != ENCRYPTION_KEY)
    if settings.database.url is not None:
        yield DATABASE_URL, sure and settings.database.needs_secret
    if tells:
        yield _NOTIFY, False


def _needs_of_orders(settings: Settings, job: ScheduledJob) -> Iterator[tuple[str, bool]]:
    """What paid orders want beside what every job does: both providers' keys, the mail server's password, the top-up endpoint's
    token."""
    if job.supplier is None or settings.profile.environment == "simulator":
        return
    sure = settings.secret_command is None
    yield from ((name, sure) for provider in ("stripe", job.supplier) for name in needed_by(provider))
    if settings.profile.mail.user is not None:
        yield "smtp.password", sure
    if settings.profile.zendit.topup_url is not None:
        yield "zendit.topup_token", False


def _uses(settings: Settings, provider: str) -> bool:
    return provider == settings.provider_name or provider in _others(settings)


def _others(settings: Settings) -> list[str]:
    """Providers beside the profile's own that somebody has told it something about."""
    told = {each.key.partition(".")[0] for each in settings.origins() if each.source == "config.toml" and "." in each.key}
    return [name for name in registry.NAMES if name in told and name != settings.provider_name]


def _freezes(settings: Settings) -> bool:
    """Whether the profile's alerts may freeze a card, which is a write."""
    return "freeze" in settings.profile.alerts.actions.model_dump().values()


def _writes(settings: Settings, place: Place, job: ScheduledJob) -> tuple[Path, ...]:
    """Directories outside of `home` that a job writes to: the books', the reports', the textfile's."""
    wanted: list[Path] = []
    books = settings.database.path
    if books is not None and settings.source_of("database") in ("config.toml", "flag"):
        wanted.append(books.absolute().parent)
    if job.name == "reconcile" and settings.source_of("reports") == "config.toml":
        wanted.append(settings.reports_dir)
    if job.name == "metrics":
        wanted.append(place.textfile.parent)
    here = [path for path in (place.home, settings.paths.config_dir) if path is not None]
    return tuple(dict.fromkeys(path for path in wanted if not any(path.is_relative_to(each) for each in here)))
