"""Results that go to a file: whole or not at all, 0600 unless others must read it, never over another file unasked."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO, TypeVar

from cardctl.errors import BadFile, CardctlError, DiskFull, Refused
from cardctl.output.console import Console, Output
from cardctl.output.stream import NO_ROOM

_File = TypeVar("_File", TextIO, BinaryIO)


def write_rows(
    path: Path,
    output: Output,
    rows: Iterable[dict[str, Any]],
    columns: Sequence[str],
    *,
    force: bool,
    progress: Callable[[int], None],
) -> int:
    """A list into a new file, exactly as `--output` would print it, streamed; how many rows. Errors as `whole_file`."""
    count = 0

    def counted() -> Iterator[dict[str, Any]]:
        nonlocal count
        for row in rows:
            count += 1
            progress(1)
            yield row

    with whole_file(path, force=force) as file:
        Console(output, stdout=file, stderr=sys.stderr, stdin=sys.stdin).rows(counted(), columns)
    return count


def write_texts(directory: Path, texts: Mapping[str, str], *, force: bool) -> list[Path]:
    """Texts for others to read (0644), under their names in a directory that is there; none where one name is taken. Errors as
    `whole_file`."""
    paths = [directory / name for name in texts]
    for path in paths if not force else ():
        if os.path.lexists(path):
            raise _taken(path)
    for path, text in zip(paths, texts.values(), strict=True):
        with whole_file(path, force=force) as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(text)
    return paths


def write_bytes(path: Path, data: bytes, *, force: bool) -> None:
    """Bytes into a new file, 0600. Errors as `whole_file`."""
    with _whole(path, force=force, opened=lambda handle: os.fdopen(handle, "wb")) as file:
        file.write(data)


def check_name(path: Path, *, force: bool) -> None:
    """Whether a file could be called so, before there is anything to write: Refused and BadFile as `whole_file`."""
    if "\0" in str(path):
        raise BadFile(f"{str(path)!r} is no name for a file")
    try:
        if path.is_dir() or (path.exists() and not path.is_file()):
            raise BadFile(f"{path} is no ordinary file", hint="name a file, or - for standard output")
        if not force and os.path.lexists(path):
            raise _taken(path)
    except OSError as error:
        raise _failure(path, error) from None


@contextmanager
def whole_file(path: Path, *, force: bool) -> Iterator[TextIO]:
    """A text file that takes its name, durably, when the block ends well, and leaves nothing behind when it does not.

    Refused (6) where the name is taken, unless `force`; BadFile where it is no name for a file; DiskFull.
    """
    with _whole(path, force=force, opened=lambda handle: os.fdopen(handle, "w", encoding="utf-8", newline="")) as file:
        yield file


@contextmanager
def _whole(path: Path, *, force: bool, opened: Callable[[int], _File]) -> Iterator[_File]:
    handle, name = _begun(path, force=force)
    draft = Path(name)
    try:
        with opened(handle) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _name(draft, path, force=force)
    except OSError as error:
        raise _failure(path, error) from None
    finally:
        draft.unlink(missing_ok=True)


def _begun(path: Path, *, force: bool) -> tuple[int, str]:
    check_name(path, force=force)
    try:
        return tempfile.mkstemp(prefix=".", suffix=".new", dir=path.parent)  # 0600
    except OSError as error:
        raise _failure(path, error) from None


def _name(draft: Path, path: Path, *, force: bool) -> None:
    if force:
        draft.replace(path)
    else:
        try:
            os.link(draft, path)  # unlike a rename, it never replaces what came meanwhile
        except FileExistsError:
            raise _taken(path) from None
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
                raise
            draft.rename(path)  # a file system without hard links
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _taken(path: Path) -> Refused:
    return Refused(f"{path} exists already", hint="--force replaces it")


def _failure(path: Path, error: OSError) -> CardctlError:
    kind = DiskFull if error.errno in NO_ROOM else BadFile
    return kind(f"cannot write {path}: {error.strerror or error}")
