"""What every test of a command gets: the command line in a home of its own, and the far side seen from behind the counter."""

from __future__ import annotations

import copy
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cardctl.runtime import adapters, means, run
from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl

_NOT_OURS = ("CREDENTIALS_DIRECTORY", "NO_COLOR", "TERM", "COLUMNS", "DBUS_SESSION_BUS_ADDRESS")
_RECENT_SECONDS = 120


@pytest.fixture
def cardctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cardctl:
    """Runs cardctl on the built-in profile `dev` (the simulator), with nothing configured and no keyring. What it waits for
    between attempts takes no time."""
    for name in [*_NOT_OURS, *(name for name in os.environ if name.startswith("CARDCTL_"))]:
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    for name, value in _ours(home).items():
        monkeypatch.setenv(name, value)
    for module in (adapters, means, run):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda _seconds: os.sched_yield()))
    return Cardctl(home)


@pytest.fixture
def far_side(cardctl: Cardctl) -> Iterator[Control]:
    """The bank that `cardctl` talks to: `.fault("lost-reply")`, `.swipe(ref, …)`, `.edit(ref, …)`, `.clear_faults()`."""
    control = Control(cardctl.simulator)
    yield control
    control.close()


Provisioned = Callable[[], tuple[Path, dict[str, Any]]]


@pytest.fixture(scope="session")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Provisioned:
    """Gives a home where `provision --dev` has run, and what it said; to be copied only. It is made anew when it is no longer
    recent: of older cards a `card show` asks the provider, and most tests are not about that."""
    made: list[tuple[float, Path, dict[str, Any]]] = []

    def recent() -> tuple[Path, dict[str, Any]]:
        if not made or time.monotonic() - made[-1][0] > _RECENT_SECONDS:
            home = tmp_path_factory.mktemp("provisioned") / "home"
            made.append((time.monotonic(), home, _provision(home)))
        return made[-1][1:]

    return recent


def _provision(home: Path) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _ours(home).items():
            patch.setenv(name, value)
        ran = Cardctl(home)("provision", "--dev", "-o", "json")
    assert ran.code == 0, ran.stderr
    data: dict[str, Any] = ran.data
    return data


@pytest.fixture
def programme(cardctl: Cardctl, provisioned: Provisioned) -> dict[str, Any]:
    """What `provision --dev` made: `accounts` and `cards`, three of each, a million dollars on every card."""
    home, told = provisioned()
    shutil.copytree(home, cardctl.home)
    return copy.deepcopy(told)


def _ours(home: Path) -> dict[str, str]:
    return {
        "CARDCTL_HOME": str(home),
        "CARDCTL_ACTOR": "tester",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
