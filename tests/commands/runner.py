"""Runs the real command line in this process, on streams of its own; what it answered, whole."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cardctl import cli


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: its exit code and all that it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The envelope: all that stdout holds."""
        value = json.loads(self.stdout)
        assert isinstance(value, dict)
        assert value["schema_version"] == 1
        return value

    @property
    def data(self) -> Any:
        """What the envelope of a success holds."""
        assert self.json["success"] is True, self.stdout
        return self.json["data"]

    @property
    def warnings(self) -> list[str]:
        """The codes of the envelope's warnings."""
        return [warning["code"] for warning in self.json["warnings"]]

    @property
    def error(self) -> str:
        """The error_code of the envelope of a failure."""
        assert self.json["success"] is False, self.stdout
        return str(self.json["error_code"])

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()


class Cardctl:
    """`cardctl("card", "list", "-o", "json")` in the home `home`; each run opens and closes everything anew."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *argv: str, stdin: str = "") -> Ran:
        """In this process, without a terminal."""
        stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
        code = cli.run(argv, stdout, stderr, io.StringIO(stdin))
        for stream in (stdout, stderr):
            stream.flush()
        return Ran(int(code), stdout.buffer.getvalue().decode(), stderr.buffer.getvalue().decode())

    def process(self, *argv: str, stdin: str = "", **environ: str) -> Ran:
        """In a process of its own, for what must be seen from outside."""
        done = subprocess.run(
            [sys.executable, "-m", "cardctl", *argv],
            input=stdin.encode(),
            capture_output=True,
            env=self.environ(environ),
            check=False,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def environ(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of such a process (this one's: the fixture has set it), with `more` in it."""
        return {**os.environ, **(more or {})}

    @property
    def books(self) -> Path:
        """The SQLite file of the profile `dev`."""
        return self.home / "state" / "books" / "dev.db"

    @property
    def simulator(self) -> Path:
        """The far side's file."""
        return self.home / "state" / "simulator.db"
