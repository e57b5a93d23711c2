"""What is on this machine: the profile, files that others can read, secrets, room on the disk, the way to the mail server."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from cardctl.domain.checks import Check, Outcome
from cardctl.secrets.names import needed_by
from cardctl.services.flows.doctor.subject import Subject

_MIB = 1 << 20
_SCARCE, _SPENT = 500 * _MIB, 50 * _MIB


def look_at_profile(subject: Subject) -> Iterator[Check]:
    """Which profile is in use, and by whose word."""
    profile = subject.settings.profile
    detail = f"{profile.name} ({profile.environment}, {profile.provider}), chosen by: {subject.settings.profile_source}"
    yield Check("profile", Outcome.OK, detail)


def look_at_permissions(subject: Subject) -> Iterator[Check]:
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


def look_at_secrets(subject: Subject) -> Iterator[Check]:
    """Each secret that the profile needs, and which source has it; none is shown."""
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


def look_at_disk(subject: Subject) -> Iterator[Check]:
    """The room that is left where the books lie."""
    there = subject.settings.database.path or subject.settings.paths.state_dir
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    outcome = Outcome.FAIL if free < _SPENT else Outcome.WARN if free < _SCARCE else Outcome.OK
    remedy = None if outcome is Outcome.OK else "free some room: a write that cannot be journalled is not made"
    yield Check("disk", outcome, f"{free // _MIB} MiB free at {there}", remedy)


def look_at_mail(subject: Subject) -> Iterator[Check]:
    """Where the profile sends mails: whether each template can be filled in, and the server takes the login. Sends none."""
    if (mailer := subject.mailer()) is not None:
        mailer.check()
        mailer.ping()
        yield Check("mail", Outcome.OK, "the server takes mails, and the templates are whole")
