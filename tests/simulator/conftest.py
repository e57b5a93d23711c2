"""A far side of its own for every test, and a stranger who talks to it over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cardctl.simulator.control import Control
from tests.simulator.stranger import Stranger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "far" / "simulator.db"


@pytest.fixture
def stranger(path: Path) -> Iterator[Stranger]:
    with Stranger(path) as one:
        yield one


@pytest.fixture
def control(path: Path) -> Iterator[Control]:
    one = Control(path)
    yield one
    one.close()
