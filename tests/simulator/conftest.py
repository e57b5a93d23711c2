"""A far side of its own for every test, and a stranger who talks to it over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cardctl.simulator.control import Control
from tests.simulator.marqeta import stranger as marqeta
from tests.simulator.stranger import Stranger
from tests.simulator.strowallet.client import Virtual


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


@pytest.fixture
def marqeta_card(path: Path) -> tuple[str, str]:
    """An active card with 50.00, and its user."""
    with marqeta.Stranger(path) as one:
        user = one.user()
        card = one.card(user)
        one.load(user, 50)
    return card, user


@pytest.fixture
def strowallet_card(path: Path) -> tuple[str, str]:
    """An active card with some dollars, and its customer."""
    with Virtual(path) as one:
        customer = one.customer()
        return one.new_card(), customer
