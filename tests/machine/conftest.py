"""What the crash and fault tests stand on: forked processes, and homes with a programme in them, each test's its own copy."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from tests.machine import bank_marqeta, bank_strowallet
from tests.machine.bank import assert_agreement
from tests.machine.processes import Processes
from tests.machine.world import World, opened


@pytest.fixture(scope="session")
def processes() -> Iterator[Processes]:
    served = Processes()
    yield served
    served.close()


@pytest.fixture(scope="session")
def programme(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with `provision --dev` in it; the first card has a limit, a purchase and an open hold. To be copied, not used."""
    home = tmp_path_factory.mktemp("programme") / "home"
    card = processes.do(home, "provision", "--dev", "-o", "json").data["cards"][0]
    processes.do(home, "card", "limits", card["id"], "--daily", "1000", "-o", "json")
    far_side = Control(home / "state" / "simulator.db")
    far_side.swipe(card["ref"], Money(1234, "USD"))
    far_side.swipe(card["ref"], Money(500, "USD"), hold=True)
    far_side.close()
    processes.do(home, "card", "sync", "-o", "json")
    assert_agreement(home)
    return home


@pytest.fixture(scope="session")
def elsewhere(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Homes with `provision --dev` of Marqeta and of Strowallet in them, by the provider; to be copied, not used."""
    homes = {name: tmp_path_factory.mktemp(name) / "home" for name in ("marqeta", "strowallet")}
    for name, home in homes.items():
        processes.do(home, "provision", "--dev", "--provider", name, "-o", "json")
    bank_marqeta.assert_agreement(homes["marqeta"])
    bank_strowallet.assert_agreement(homes["strowallet"])
    return homes


@pytest.fixture
def copies(tmp_path: Path) -> Callable[[Path], Path]:
    """Copies a home (or starts an empty one where there is none); nobody may be at work in it."""
    numbers = itertools.count(1)

    def copy(home: Path) -> Path:
        fresh = tmp_path / f"home{next(numbers)}"
        if home.exists():
            shutil.copytree(home, fresh)
        return fresh

    return copy


@pytest.fixture
def world(programme: Path, copies: Callable[[Path], Path]) -> Iterator[World]:
    """Our side over a copy of the programme."""
    with opened(copies(programme)) as made:
        yield made
