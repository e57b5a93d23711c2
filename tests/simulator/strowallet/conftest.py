"""A far side for every test, its staff, and a client of each product."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cardctl.simulator.books import FarSide
from tests.simulator.strowallet.client import Nfc, Virtual


@pytest.fixture
def virtual(path: Path) -> Iterator[Virtual]:
    with Virtual(path) as one:
        yield one


@pytest.fixture
def nfc(path: Path) -> Iterator[Nfc]:
    with Nfc(path) as one:
        yield one


@pytest.fixture
def far_side(path: Path) -> Iterator[FarSide]:
    one = FarSide(path)
    yield one
    one.close()
