"""Signs of life: a file that its process holds locked while it lives, so that others can tell a killed one from a busy one."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from cardctl.errors import BooksReadOnly, DiskFull


class FileLease:
    """This process's lease, held until it ends, however it ends: the kernel lets go of the lock.

    `name` is `<place>/<lease>`: another place (a machine, a home directory) cannot look at our locks, and is told apart.
    """

    def __init__(self, directory: Path) -> None:
        from filelock import FileLock  # noqa: PLC0415 - only writes need it

        self._directory = directory
        self._id = secrets.token_hex(8)
        self._lock = FileLock(directory / f"{self._id}.lock", mode=0o600)
        try:
            self._place = _place(directory)
            self._lock.acquire()
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise (DiskFull if full else BooksReadOnly)(f"{directory}: {error.strerror}") from None

    @property
    def name(self) -> str:
        return f"{self._place}/{self._id}"

    def alive(self, name: str) -> bool | None:
        """Whether the process named so still lives; None where its place is not ours, and cannot be looked at."""
        place, _, lease = name.partition("/")
        if place != self._place:
            return None
        if lease == self._id:
            return True
        file = self._directory / f"{lease}.lock"
        if _is_held(file):
            return True
        with suppress(OSError):
            file.unlink(missing_ok=True)  # left by a killed process
        return False

    def release(self) -> None:
        """Give the lease up, at a process's ordinary end."""
        with suppress(OSError):
            (self._directory / f"{self._id}.lock").unlink(missing_ok=True)
        self._lock.release()


def held(directory: Path, name: str) -> bool | None:
    """What `FileLease.alive` says, for an onlooker: nothing is made, and what a killed process left stays."""
    place, _, lease = name.partition("/")
    known, file = directory / "place", directory / f"{lease}.lock"
    if not known.exists() or known.read_text("ascii").strip() != place:
        return None
    return _is_held(file)


def _is_held(file: Path) -> bool:
    import fcntl  # noqa: PLC0415 - only writes need it

    try:
        descriptor = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # Shared, where the owner's is exclusive: two who look at once must not take each other for the owner.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _place(directory: Path) -> str:
    """A name for the directory that holds everywhere, made once."""
    file = directory / "place"
    with suppress(FileNotFoundError):
        if name := file.read_text("ascii").strip():
            return name
    draft = directory / f"place.{secrets.token_hex(4)}"
    _write(draft, secrets.token_hex(8))
    with suppress(FileExistsError):
        os.link(draft, file)  # the first process wins, whole
    draft.unlink()
    return file.read_text("ascii").strip()


def _write(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(text)
