"""Processes of cardctl, forked from one that has imported everything (tests/machine/crashing.py), and what became of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
KILLED = -signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Ran:
    """One command line that ended."""

    argv: list[str]
    code: int
    stdout: str
    stderr: str

    @property
    def data(self) -> Any:
        """What the envelope on stdout holds."""
        return json.loads(self.stdout)["data"]


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that ended: its own exit status, the points it passed, and the command lines that it finished."""

    status: int
    points: list[str]
    runs: list[Ran]
    stderr: str

    @property
    def only(self) -> Ran:
        """The one command line of a process that nobody killed."""
        assert self.status == 0, self.stderr
        assert len(self.runs) == 1
        return self.runs[0]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A process to fork in `home`: each of `argvs` once, or over and over for `seconds`; killed at point number `kill`.

    `waits`: what it waits for between attempts takes its time; else it takes none.
    """

    home: Path
    argvs: Sequence[Sequence[str]]
    kill: int | None = None
    watch: bool = False
    seconds: float = 0
    waits: bool = False
    environ: dict[str, str] = field(default_factory=dict)
    stdin: str = ""


class Processes:
    """The process that forks them; one request at a time, of as many processes as are wanted at once."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.machine.crashing", "--serve"],
            cwd=ROOT,
            env=environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def together(self, wanted: Sequence[Wanted]) -> list[Ended]:
        """All at the same time; waits for every one of them."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        told = [
            {
                "environ": {"CARDCTL_HOME": str(one.home), **one.environ},
                "argvs": [list(argv) for argv in one.argvs],
                "kill": one.kill,
                "watch": one.watch or one.kill is not None,
                "seconds": one.seconds,
                "waits": one.waits,
                "stdin": one.stdin,
            }
            for one in wanted
        ]
        print(json.dumps(told), file=self._server.stdin, flush=True)
        return [
            Ended(one["code"], one["points"], [Ran(*run) for run in one["runs"]], one["stderr"])
            for one in json.loads(self._server.stdout.readline())
        ]

    def run(self, home: Path, *argv: str, kill: int | None = None, watch: bool = False, stdin: str = "") -> Ended:
        """One command line in a process of its own."""
        return self.together([Wanted(home, [argv], kill=kill, watch=watch, stdin=stdin)])[0]

    def do(self, home: Path, *argv: str, stdin: str = "") -> Ran:
        """One command line that must succeed."""
        ran = self.run(home, *argv, stdin=stdin).only
        assert ran.code == 0, ran
        return ran

    def close(self) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(10)
        self._server.stdout.close()


def environ(home: Path | None = None) -> dict[str, str]:
    """The environment of such processes: nothing of ours from outside, no keyring."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CARDCTL_")}
    kept |= {"CARDCTL_ACTOR": "tester", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    return kept | ({"CARDCTL_HOME": str(home)} if home else {})


def alone(home: Path, *argv: str, kill: int | None = None) -> subprocess.CompletedProcess[str]:
    """One command line in a process with an interpreter of its own, killed at point number `kill`."""
    fatal = ["--kill", str(kill)] if kill is not None else []
    command = [sys.executable, "-m", "tests.machine.crashing", *fatal, "--", *argv]
    return subprocess.run(command, cwd=ROOT, env=environ(home), capture_output=True, text=True, timeout=120, check=False)
