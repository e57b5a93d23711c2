"""Where cardctl's files lie, and how its directories are made; what stands in the files is not known here."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cardctl.errors import BadConfig, BooksReadOnly, BooksUnusable, DiskFull


@dataclass(frozen=True, slots=True)
class Paths:
    """Absolute places. Asking creates nothing; `private_dir` does."""

    config_dir: Path
    state_dir: Path
    log_dir: Path
    reports_dir: Path
    source: str

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Paths:
        """Below CARDCTL_HOME where it is set, else the platform's own places (which follow the process's XDG variables)."""
        if home := environ.get("CARDCTL_HOME"):
            root = expanded(home, environ).absolute()
            return cls(root / "config", root / "state", root / "logs", root / "reports", "CARDCTL_HOME")
        import platformdirs  # noqa: PLC0415 - needless where CARDCTL_HOME is set

        where = platformdirs.PlatformDirs("cardctl", appauthor=False)
        return cls(
            where.user_config_path, where.user_state_path, where.user_log_path, where.user_data_path / "reports", "platform"
        )

    @property
    def config_file(self) -> Path:
        return self.config_dir / "config.toml"

    @property
    def simulator_file(self) -> Path:
        """The far side of every provider, shared by all simulator profiles."""
        return self.state_dir / "simulator.db"

    @property
    def machine_file(self) -> Path:
        """What the processes of this machine tell one another about providers, whatever their profile."""
        return self.state_dir / "machine.db"

    def quarantine_file(self, profile: str) -> Path:
        """What came to a profile and was not believed, apart from its books."""
        return self.state_dir / "quarantine" / f"{profile}.db"

    @property
    def leases_dir(self) -> Path:
        return self.state_dir / "leases"

    @property
    def backups_dir(self) -> Path:
        """Where copies of the books go unless another place is named."""
        return self.state_dir / "backups"

    def development_key_file(self, books: str) -> Path:
        """The encryption key of a simulator's books, by their name: one shared by several books could not be rotated with one
        of them, and profiles that share books need the same."""
        return self.state_dir / "keys" / f"{books}.key"

    def database_file(self, profile: str) -> Path:
        """The profile's own SQLite file; in a directory of its own, so that no profile's name meets another file's."""
        return self.state_dir / "books" / f"{profile}.db"


def private_dir(path: Path) -> Path:
    """Makes the directory and what is missing above it, 0700; one that is there keeps its mode. DiskFull or BooksReadOnly."""
    try:
        for each in (*reversed(path.parents), path):
            if not each.is_dir():
                each.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None
    return path


def unwritable(path: Path, error: OSError) -> BooksUnusable:
    """What stands in the way of writing `path`, as one of ours."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"{path}: {error.strerror}")
    return BooksReadOnly(f"{path}: {error.strerror}", hint="CARDCTL_HOME moves all of cardctl's files to another place")


def expanded(text: str, environ: Mapping[str, str]) -> Path:
    """The path with `~` as the HOME of `environ`, or any `~name`; BadConfig where there is no such home."""
    home = environ.get("HOME")
    if home and (text == "~" or text.startswith("~/")):
        return Path(home, text[2:])
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise BadConfig(f"{text}: there is no such home directory") from None
