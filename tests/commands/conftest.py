"""What every test of a command gets: the command line in a home of its own, and the far side seen from behind the counter."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cardctl.runtime import adapters, means, run
from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl

_NOT_OURS = ("CREDENTIALS_DIRECTORY", "NO_COLOR", "TERM", "COLUMNS", "DBUS_SESSION_BUS_ADDRESS")


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


@pytest.fixture(scope="session")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A home where `provision --dev` has run, and what it said; made once, and only ever copied."""
    home = tmp_path_factory.mktemp("provisioned") / "home"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _ours(home).items():
            patch.setenv(name, value)
        ran = Cardctl(home)("provision", "--dev", "-o", "json")
    assert ran.code == 0, ran.stderr
    return home, ran.data


@pytest.fixture
def programme(cardctl: Cardctl, provisioned: tuple[Path, dict[str, Any]]) -> dict[str, Any]:
    """What `provision --dev` made: `accounts` and `cards`, three of each, a million dollars on every card."""
    shutil.copytree(provisioned[0], cardctl.home)
    return copy.deepcopy(provisioned[1])


def _ours(home: Path) -> dict[str, str]:
    return {
        "CARDCTL_HOME": str(home),
        "CARDCTL_ACTOR": "tester",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
