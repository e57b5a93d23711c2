"""Two of the sources: a file of the credentials directory, and the profile's command run without a shell."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cardctl.domain.redaction import Secret, printable, redact
from cardctl.secrets.names import Unfit, fit


def from_file(file: Path) -> Secret | None:
    """The file's text; None where there is no such file; Unfit where it cannot be read."""
    try:
        return fit(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unfit(error.strerror or type(error).__name__) from None


class Command:
    """The profile's `secret_command`. One that cannot start or does not end in time is not asked again in this process."""

    def __init__(self, arguments: Sequence[str], *, seconds: float = 10.0) -> None:
        self._arguments = arguments
        self._seconds = seconds
        self._gone: str | None = None

    def line(self, name: str) -> list[str]:
        """The argument list for one secret."""
        return [each.replace("{name}", name) for each in self._arguments]

    def ask(self, name: str) -> Secret:
        """What the command prints; Unfit where it fails, with the first line of its complaint, redacted."""
        if self._gone:
            raise Unfit(self._gone)
        try:
            code, out, complaint = _run(self.line(name), self._seconds)
        except OSError as error:
            self._gone = f"cannot be run: {error.strerror}"
        except subprocess.TimeoutExpired:
            self._gone = f"timed out after {self._seconds:g} s"
        else:
            if code == 0:
                return fit(out)
            raise Unfit(f"exited {code}{_first_line(complaint, out)}")
        raise Unfit(self._gone)


def _run(line: list[str], seconds: float) -> tuple[int, bytes, bytes]:
    """A session of its own, so that nothing the command has started outlives the limit."""
    with subprocess.Popen(  # noqa: S603 - the profile's own argument list, no shell
        line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            out, complaint = process.communicate(timeout=seconds)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, out, complaint


def _first_line(complaint: bytes, out: bytes) -> str:
    lines = complaint.decode(errors="replace").split("\n")
    line = next((each.strip() for each in lines if each.strip()), "")
    said = out.decode(errors="replace").strip()
    shown = redact(printable(line.replace(said, "***") if said else line))
    return f": {shown[:160]}" if shown else ""
