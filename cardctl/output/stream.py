"""The text stream that a result goes to; says what became of it where it cannot be written. Formats nothing."""

from __future__ import annotations

import errno
import io
import os
from contextlib import suppress
from typing import IO, TextIO

from cardctl.errors import BadFile, CardctlError, DiskFull

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class PipeClosed(Exception):
    """Whoever read our stdout has gone (`| head`). Not an error: there is nobody left to tell."""


class Stream:
    """stdout. Bytes (JSON, always UTF-8) and text share one buffer, so their order is kept.

    Raises PipeClosed where the reader has gone, DiskFull where there is no room, BadFile where it cannot be written at all.
    """

    def __init__(self, stream: TextIO) -> None:
        self._text = stream
        self._bytes = getattr(stream, "buffer", None)
        self.terminal = stream.isatty()
        self._text_waits = True
        if isinstance(stream, io.TextIOWrapper) and stream.errors != "backslashreplace":
            with suppress(OSError):  # it flushes; what stands in the way is told where something is written
                stream.reconfigure(errors="backslashreplace")  # a name in another alphabet must not end a table

    def write(self, text: str) -> None:
        """Text in the stream's own encoding."""
        try:
            self._text.write(text)
        except OSError as error:
            raise failure(error) from error
        self._text_waits = True

    def write_bytes(self, data: bytes) -> None:
        """UTF-8 bytes, whatever the stream's encoding is."""
        try:
            if self._bytes is None:
                self._text.write(data.decode())
                return
            if self._text_waits:
                self._text.flush()
                self._text_waits = False
            self._bytes.write(data)
        except OSError as error:
            raise failure(error) from error

    def flush(self) -> None:
        """Hand everything to the system."""
        try:
            self._text.flush()
        except OSError as error:
            raise failure(error) from error


class Spool:
    """A result that waits until it is whole, so that an error on the way leaves stdout empty.

    Up to 8 MiB wait in memory, more in an unnamed temporary file. Raises as Stream does where that disk is full.
    """

    def __init__(self) -> None:
        from tempfile import SpooledTemporaryFile  # noqa: PLC0415 - `--version` is no slower for it

        self._file: IO[bytes] = SpooledTemporaryFile(max_size=8 * 1024 * 1024)  # noqa: SIM115 - this is a context manager

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, text: str) -> None:
        """Text, kept as UTF-8."""
        self.write_bytes(text.encode("utf-8", "backslashreplace"))

    def write_bytes(self, data: bytes) -> None:
        """Bytes as they are."""
        try:
            self._file.write(data)
        except OSError as error:
            raise failure(error) from error

    def pour(self, stream: Stream) -> None:
        """Hand everything to `stream`."""
        self._file.seek(0)
        while chunk := self._file.read(1 << 20):
            stream.write_bytes(chunk)


def failure(error: OSError) -> CardctlError | PipeClosed:
    """What an OSError of stdout means: nobody listens, no room, or no use."""
    if isinstance(error, BrokenPipeError):
        return PipeClosed()
    message = f"cannot write the result: {error.strerror or error}"
    if error.errno in NO_ROOM:
        return DiskFull(message)
    return BadFile(message, hint="is standard output open for writing?")


def discard(stream: TextIO) -> None:
    """Throw away what a broken stream still holds, or the interpreter would stumble over it on its way out."""
    with suppress(OSError, ValueError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, stream.fileno())
        os.close(sink)
