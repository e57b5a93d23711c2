"""`doctor`: whether all that cardctl needs is there and works. It looks, and changes nothing: what is not made yet stays so."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cardctl.config import Settings
from cardctl.db import maintenance
from cardctl.db.leases import held
from cardctl.db.operations import OperationFilter
from cardctl.db.unit import Books
from cardctl.domain.checks import Check, Outcome
from cardctl.domain.events import EventState
from cardctl.domain.operations import OPEN, OperationState
from cardctl.errors import CardctlError
from cardctl.output.mail import Mailer
from cardctl.providers.base import ListsCards, Ping, Provider, ReportsBalance
from cardctl.providers.registry import NAMES, provider_class
from cardctl.secrets import Secrets
from cardctl.secrets.names import ENCRYPTION_KEY, needed_by
from cardctl.services.deeds.completeness import leaving
from cardctl.services.journal import NOBODY

SLOW_MS = 2_000
"""Milliseconds; beyond it, a programme feels it."""
SKEW = 300
"""Seconds: beyond it, events seem too old, and the life of an idempotency key is misjudged."""
_MIB = 1 << 20
_SCARCE, _SPENT = 500 * _MIB, 50 * _MIB
_ELSE = {
    "profile": "mend config.toml, or name another profile: see `cardctl profile list`",
    "permissions": "let the user that runs cardctl read its files and directories",
    "secrets": "see `cardctl secret check`",
    "database": "see `cardctl db status`; `cardctl db restore FILE` brings back a copy",
    "provider": "see `cardctl provider check`; try again later",
    "float": "see `cardctl provider balance`",
    "mail": "see [profiles.….mail] in config.toml",
    "scope": "give the key the rights to read and write Issuing, at the provider",
}
"""What to do where the error itself does not say."""
_NOT_MADE = "not made yet: the first command that needs it makes it"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at. `target` (of the books), `books` and `provider` are asked for only where opening makes nothing."""

    settings: Settings
    secrets: Secrets
    target: Callable[[], str]
    books: Callable[[], Books]
    provider: Callable[[], Provider]
    clock: Callable[[], datetime]
    mailer: Callable[[], Mailer | None] = lambda: None

    @property
    def simulated(self) -> bool:
        return self.settings.profile.environment == "simulator"


Look = Callable[[Subject], Iterator[Check]]


def examine(subject: Subject) -> Iterator[Check]:
    """Every check in turn, as it is done; what one cannot do is its own failure, and the next goes on."""
    yield from _looked("profile", _profile, subject)
    for name, look in _ALONE.items():
        yield from _looked(name, look, subject)
    yield from _looked("database", _database, subject)
    yield from _looked("provider", _provider, subject)


def unusable(error: CardctlError) -> Check:
    """What is said where there is no profile to work with: nothing else can be looked at."""
    return Check("profile", Outcome.FAIL, error.message, error.hint or _ELSE["profile"])


def _looked(name: str, look: Look, subject: Subject) -> Iterator[Check]:
    try:
        yield from look(subject)
    except CardctlError as error:
        yield Check(name, Outcome.FAIL, error.message, error.hint or _ELSE.get(name, _ELSE["database"]))
    except OSError as error:
        detail = f"{error.filename or 'a file'} cannot be looked at: {error.strerror}"
        yield Check(name, Outcome.FAIL, detail, _ELSE["permissions"])


def _profile(subject: Subject) -> Iterator[Check]:
    profile = subject.settings.profile
    detail = f"{profile.name} ({profile.environment}, {profile.provider}), chosen by: {subject.settings.profile_source}"
    yield Check("profile", Outcome.OK, detail)


def _permissions(subject: Subject) -> Iterator[Check]:
    """Files with money or keys in them fail, the rest is a warning; 0600 and 0700 are what cardctl makes itself."""
    paths, database = subject.settings.paths, subject.settings.database.path
    books = [Path(f"{database}{end}") for end in ("", "-wal", "-shm")] if database else []
    key = paths.development_key_file(subject.settings.books_name)
    grave = _open_to_others([*books, key, key.with_name(f"{key.name}_previous")])
    directories = [paths.config_dir, paths.state_dir, paths.log_dir, paths.backups_dir, paths.reports_dir]
    slight = _open_to_others([paths.config_file, paths.simulator_file, *directories])
    if not grave + slight:
        yield Check("permissions", Outcome.OK, "nobody else can read cardctl's files")
        return
    outcome = Outcome.FAIL if grave else Outcome.WARN
    detail = "others can get at " + ", ".join(f"{path} ({mode:04o})" for path, mode in grave + slight)
    yield Check("permissions", outcome, detail, shlex.join(["chmod", "go=", *(str(path) for path, _ in grave + slight)]))


def _open_to_others(paths: list[Path]) -> list[tuple[Path, int]]:
    modes = [(path, stat.S_IMODE(path.stat().st_mode)) for path in paths if path.exists()]
    return [(path, mode) for path, mode in modes if os.name == "posix" and mode & 0o077]


def _secrets(subject: Subject) -> Iterator[Check]:
    settings = subject.settings
    for name in needed_by(settings.provider_name, renews=settings.renews, database=settings.database.needs_secret):
        attempts = subject.secrets.explain(name)
        answer = next((each for each in attempts if each.outcome in ("found", "made on first use")), None)
        if answer is not None:
            detail = f"{answer.source} {answer.detail}".strip() + (", made on first use" if answer.outcome != "found" else "")
            yield Check(f"secret {name}", Outcome.OK, detail)
        else:
            said = "; ".join(f"{each.source}: {each.outcome}" for each in attempts)
            profile = subject.settings.profile.name
            remedy = f"cardctl secret set {name} --profile {profile}"
            yield Check(f"secret {name}", Outcome.FAIL, f"no source has it ({said})", remedy)


def _disk(subject: Subject) -> Iterator[Check]:
    there = subject.settings.database.path or subject.settings.paths.state_dir
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    outcome = Outcome.FAIL if free < _SPENT else Outcome.WARN if free < _SCARCE else Outcome.OK
    remedy = None if outcome is Outcome.OK else "free some room: a write that cannot be journalled is not made"
    yield Check("disk", outcome, f"{free // _MIB} MiB free at {there}", remedy)


def _mail(subject: Subject) -> Iterator[Check]:
    """Where the profile sends mails: whether each template can be filled in, and the server takes the login. Sends none."""
    if (mailer := subject.mailer()) is not None:
        mailer.check()
        mailer.ping()
        yield Check("mail", Outcome.OK, "the server takes mails, and the templates are whole")


_ALONE: dict[str, Look] = {"permissions": _permissions, "secrets": _secrets, "disk": _disk, "mail": _mail}


def _database(subject: Subject) -> Iterator[Check]:
    target, shown = subject.target(), subject.settings.database.shown
    if not maintenance.exist(target):
        yield Check("database", Outcome.OK, f"{shown} is {_NOT_MADE}")
        return
    found = maintenance.status(target)
    if found.problem:
        yield Check("database", Outcome.FAIL, f"{shown} is damaged: {found.problem}", "cardctl db restore FILE")
        return
    books = subject.books()
    with books.read():  # environment and schema fit, or it says what does not
        yield Check("database", Outcome.OK, f"{shown}, schema {found.version}, whole, {found.size} bytes")
    for name, look in (("encryption key", _key), ("journal", _journal), ("events", _events), ("audit", _audit)):
        yield from _looked(name, look, subject)


def _key(subject: Subject) -> Iterator[Check]:
    """Only where there is one: to ask for the simulator's would make it."""
    books = subject.books()
    there = any(each.outcome == "found" for each in subject.secrets.explain(ENCRYPTION_KEY))
    with books.read() as unit:
        if there:
            assert unit.box.ring
            yield Check("encryption key", Outcome.OK, "it opens what the books have sealed")
        elif unit.meta.get("encryption_check"):
            yield Check("encryption key", Outcome.FAIL, "the books are sealed, and the key is not there", _KEY_GONE)


_KEY_GONE = "provide the key as db.encryption_key; in the simulator `cardctl simulator reset` begins anew"


def _journal(subject: Subject) -> Iterator[Check]:
    """Open operations: in doubt, or at work in a process that lives, or left by one that does not."""
    with subject.books().read() as unit:
        doubtful = sum(1 for _ in unit.operations.rows(OperationFilter(state=OperationState.IN_DOUBT)))
        waiting = [
            row.lease for state in OPEN - {OperationState.IN_DOUBT} for row in unit.operations.rows(OperationFilter(state))
        ]
    remedy = "cardctl operation resume"
    if doubtful:
        yield Check("journal", Outcome.WARN, f"{doubtful} in doubt: sent, and the outcome is unknown", remedy)
    else:
        yield Check("journal", Outcome.OK, f"nothing in doubt, {len(waiting)} open")
    leases = subject.settings.paths.leases_dir
    lives = Counter(held(leases, lease) if lease != NOBODY else False for lease in waiting)
    if left := lives[False]:
        yield Check("leases", Outcome.WARN, f"{left} operations were left by processes that have ended", remedy)
    else:
        elsewhere = f", {lives[None]} on another machine" if lives[None] else ""
        yield Check("leases", Outcome.OK, f"{lives[True]} operations at work here{elsewhere}")


def _events(subject: Subject) -> Iterator[Check]:
    """What was told and is not in the books, and what soon cannot be fetched any more."""
    books, name = subject.books(), subject.settings.provider_name
    with books.read() as unit:
        states = Counter[EventState]()
        for _, _, state, many, _ in unit.events.counts():
            states[state] += many
    broken, waiting = states[EventState.FAILED] + states[EventState.DEAD], states[EventState.RECEIVED]
    detail = f"{states.total()} kept, {broken} failed, {waiting} not applied yet"
    yield Check("events", Outcome.WARN if broken else Outcome.OK, detail, "cardctl webhook replay --failed" if broken else None)
    kept = getattr(provider_class(name), "events_kept", None) if name in NAMES else None
    leaves = leaving(books, subject.settings.programme(name), kept, subject.clock()) if kept else None
    if leaves is not None:
        told = f"events that were not fetched yet leave {name}'s list at {leaves:%Y-%m-%d %H:%M} UTC"
        yield Check("events", Outcome.WARN, told, f"cardctl webhook backfill --provider {name}")


def _audit(subject: Subject) -> Iterator[Check]:
    with subject.books().read() as unit:
        verdict = unit.audit.verify()
    if verdict.ok:
        yield Check("audit", Outcome.OK, f"the chain is whole, {verdict.checked} entries")
    else:
        yield Check("audit", Outcome.FAIL, f"the chain is broken: {verdict.problem}", "see `cardctl audit verify`")


def _provider(subject: Subject) -> Iterator[Check]:
    file = subject.settings.paths.simulator_file
    if subject.simulated and not file.exists():
        yield Check("provider", Outcome.OK, f"the simulator ({file}) is {_NOT_MADE}")
        return
    provider = subject.provider()
    ping = provider.ping()
    yield Check("provider", Outcome.OK, f"{provider.name} answered, and takes the key")
    yield _latency(ping)
    yield _mode(provider, ping)
    yield from _looked("scope", _scope, subject)
    yield _clock(subject, ping)
    yield from _looked("float", _float, subject)


def _latency(ping: Ping) -> Check:
    if ping.latency_ms <= SLOW_MS:
        return Check("latency", Outcome.OK, f"{ping.latency_ms} ms")
    return Check("latency", Outcome.WARN, f"{ping.latency_ms} ms", "see the provider's status page, and this machine's network")


def _scope(subject: Subject) -> Iterator[Check]:
    """Whether the key may read what cardctl works with; that it may write shows only in writing."""
    provider = subject.provider()
    if not isinstance(provider, ListsCards):
        yield Check("scope", Outcome.OK, f"{provider.name} has no list to try the key on")
        return
    for _ in provider.accounts():
        break
    yield Check("scope", Outcome.OK, "the key may list accounts")


def _mode(provider: Provider, ping: Ping) -> Check:
    if ping.mode is not None:
        return Check("key mode", Outcome.OK, f"proven: a {ping.mode} key")
    detail = f"{provider.name} does not show whether this key is a test or a live one: the mode cannot be proven"
    return Check("key mode", Outcome.WARN, detail, "see that the base URL is the one you mean: `cardctl profile show`")


def _clock(subject: Subject, ping: Ping) -> Check:
    if ping.clock is None:
        return Check("clock", Outcome.OK, "the provider did not tell its time")
    skew = round((subject.clock() - ping.clock).total_seconds())
    detail = f"ours is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'} the provider's"
    if subject.simulated:
        return Check("clock", Outcome.OK, f"{detail}, which `simulator advance` may have moved")
    if abs(skew) <= SKEW:
        return Check("clock", Outcome.OK, detail)
    return Check("clock", Outcome.WARN, detail, "set this machine's clock, for example with NTP")


def _float(subject: Subject) -> Iterator[Check]:
    provider = subject.provider()
    if not isinstance(provider, ReportsBalance):
        yield Check("float", Outcome.OK, f"{provider.name} keeps none")
        return
    held_there = provider.float_balances()
    detail = ", ".join(str(money) for money in held_there) or "nothing"
    if any(money.minor > 0 for money in held_there):
        yield Check("float", Outcome.OK, detail)
    else:
        yield Check("float", Outcome.WARN, f"{detail}: purchases will be declined", f"top it up at {provider.name}")
