"""A stranger at Marqeta's door, and the books behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cardctl.simulator import purses
from cardctl.simulator.books import FarSide
from cardctl.simulator.desk import Desk
from tests.simulator.marqeta.stranger import Stranger


@pytest.fixture
def one(path: Path) -> Iterator[Stranger]:
    with Stranger(path) as stranger:
        yield stranger


@pytest.fixture
def far_side(path: Path) -> Iterator[FarSide]:
    books = FarSide(path)
    yield books
    books.close()


@pytest.fixture
def float_now(far_side: FarSide) -> Callable[[], int]:
    """Cents in the programme's float."""

    def read() -> int:
        with far_side.reading() as desk:
            return purses.available(Desk(desk.db, "marqeta", desk.now))["usd"]

    return read
