"""The simulator's encryption key: made on first use, in a file of its own; never the key of anything real."""

from __future__ import annotations

import base64
import binascii
import contextlib
import errno
import glob
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cardctl.domain.redaction import Secret
from cardctl.errors import BooksReadOnly, DiskFull, SecretProblem


def new_encryption_key() -> Secret:
    """32 random bytes, base64."""
    return Secret(base64.b64encode(os.urandom(32)).decode())


def is_encryption_key(text: str) -> bool:
    """True for base64 of 32 bytes."""
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


class KeyFile:
    """One key in one file, 0600. `before`: where an earlier cardctl kept it, by the profile's name and not the books'."""

    def __init__(self, file: Path, before: Path | None = None) -> None:
        self.file = file
        self._before = before

    def read(self) -> Secret | None:
        """The key, None where there is none yet; SecretProblem where the file is damaged or cannot be read."""
        try:
            text = self.file.read_bytes().decode("ascii", errors="replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SecretProblem(f"{self.file}: {error.strerror}") from None
        if not is_encryption_key(text):
            raise SecretProblem(
                f"{self.file} is damaged: a development key is 32 bytes in base64",
                hint="bring the file back from a backup, or begin anew with `cardctl simulator reset`",
            )
        return Secret(text)

    def obtain(self) -> Secret:
        """The key, made where there is none: of processes that make it at once, one wins and all use its key."""
        while (key := self.read()) is None:
            with self._written(self._first()) as whole, contextlib.suppress(FileExistsError, FileNotFoundError):
                os.link(whole, self.file)
        return key

    def _first(self) -> Secret:
        kept = KeyFile(self._before).read() if self._before not in (None, self.file) else None
        return kept or new_encryption_key()

    def replace(self, key: Secret) -> None:
        """The file with this key instead, whole or not at all."""
        with self._written(key) as whole:
            os.replace(whole, self.file)
        self._clear()

    def remove(self) -> bool:
        """False where there was none."""
        self._clear()
        try:
            self.file.unlink()
        except FileNotFoundError:
            return False
        return True

    def _clear(self) -> None:
        """Take away what killed processes left beside: a key that was given up must not lie there."""
        for draft in self.file.parent.glob(f".{glob.escape(self.file.name)}-*"):
            draft.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _written(self, key: Secret) -> Iterator[str]:
        """A finished file beside ours, gone afterwards, the directory durable. DiskFull or BooksReadOnly."""
        try:
            self._make_directory()
            handle, beside = tempfile.mkstemp(dir=self.file.parent, prefix=f".{self.file.name}-")
            try:
                with os.fdopen(handle, "w") as out:
                    out.write(key.reveal() + "\n")
                    out.flush()
                    os.fsync(out.fileno())
                yield beside
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside)
            _sync_directory(self.file.parent)
        except OSError as error:
            kind = DiskFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else BooksReadOnly
            raise kind(f"{self.file}: {error.strerror}") from None

    def _make_directory(self) -> None:
        for each in reversed(self.file.parents):
            if not each.is_dir():
                each.mkdir(mode=0o700, exist_ok=True)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
