"""How the scripts measure: commands in turns, in one run, so that a busy machine slows both sides of a ratio alike."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from threading import Thread

CARDCTL = "from cardctl.__main__ import main; main()"


@dataclass(frozen=True, slots=True)
class Command:
    """One side of a ratio. `before` runs, unmeasured, ahead of every start; `terminal` gives it a pty for stdout."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] | None = None
    terminal: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run took: seconds on the wall, seconds of processor, and its peak of memory in MB."""

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True, slots=True)
class Series:
    """Every run of one command. The least is what the work needs; the median is what people wait for."""

    runs: list[Taken]

    @property
    def least(self) -> float:
        return min(run.wall for run in self.runs)

    @property
    def median(self) -> float:
        return median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        return min(run.cpu for run in self.runs)

    @property
    def peak(self) -> float:
        return max(run.peak for run in self.runs)


def python(*code: str) -> list[str]:
    """This interpreter running a line of code."""
    return [sys.executable, "-c", *code]


def cardctl(*argv: str) -> list[str]:
    """This interpreter's cardctl, as its console script starts it."""
    return [sys.executable, "-c", CARDCTL, *argv]


def alternate(commands: Mapping[str, Command], *, runs: int, warmups: int = 2) -> dict[str, Series]:
    """Each command in turn, `runs` times after `warmups`; one that fails ends the benchmark, since its time means nothing."""
    taken: dict[str, list[Taken]] = {name: [] for name in commands}
    for turn in range(-warmups, runs):
        for name, command in commands.items():
            run = once(command)
            if turn >= 0:
                taken[name].append(run)
    return {name: Series(each) for name, each in taken.items()}


def once(command: Command) -> Taken:
    """One run, its output read to the end and thrown away."""
    if command.before:
        command.before()
    env = {**os.environ, **command.env}
    ours, theirs = pty.openpty() if command.terminal else os.pipe()
    start = time.perf_counter()
    with subprocess.Popen(command.argv, env=env, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        reader = Thread(target=_drain, args=(ours,))
        reader.start()
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        reader.join()
        wall = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{list(command.argv)} ended with {process.returncode}: {said.decode(errors='replace')}")
    return Taken(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def ratios(series: Mapping[str, Series], base: str, targets: Mapping[str, str]) -> None:
    """Print a table: every command beside `base`, with what is wanted of it."""
    least, middle, cpu = series[base].least, series[base].median, series[base].cpu
    print(f"{'':44} {'least ms':>9} {'median':>8} {'cpu':>8}   {'ratio of least':>14} {'median':>7} {'cpu':>6}   wanted")
    for name, each in series.items():
        times = f"{each.least * 1000:9.1f} {each.median * 1000:8.1f} {each.cpu * 1000:8.1f}"
        ratio = f"{each.least / least:14.2f} {each.median / middle:7.2f} {each.cpu / cpu:6.2f}"
        print(f"{name:44} {times}   {ratio}   {targets.get(name, '')}")


def home_env(home: Path) -> dict[str, str]:
    """What a benchmarked cardctl runs in: a home of its own and no keyring."""
    return {"CARDCTL_HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "COLUMNS": "120"}


def _drain(handle: int) -> None:
    try:
        while os.read(handle, 1 << 16):
            pass
    except OSError:  # a pty's way of saying that its other end has closed
        pass
    finally:
        os.close(handle)
