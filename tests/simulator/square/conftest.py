"""Two sellers of one far side, and its staff."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator.square.client import Seller


@pytest.fixture
def seller(path: Path) -> Iterator[Seller]:
    with Seller(path) as one:
        yield one


@pytest.fixture
def other(path: Path) -> Iterator[Seller]:
    with Seller(path, token="EAAA-two", host="connect.squareup.com") as one:
        yield one
