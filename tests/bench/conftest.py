"""What the small benchmarks run over: real books and the simulator, as the services' own tests have them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Books on SQLite, and a bank."""
    made = World(tmp_path, str(tmp_path / "books.db"))
    yield made
    made.close()
