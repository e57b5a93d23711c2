"""Where services are tested: real books, the real adapter, the simulator behind it, and nothing made up but the sleep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.seller import Seller
from tests.db.conftest import new_postgres, postgres
from tests.services.orders import Ground
from tests.services.selling import Selling
from tests.services.world import World

__all__ = ["new_postgres", "postgres"]


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds, and takes them down."""
    made: list[World] = []

    def make(
        target: str | None = None,
        *,
        environment: str = "simulator",
        provider: str = "stripe",
        settings: dict[str, Any] | None = None,
    ) -> World:
        books = target or str(tmp_path / "books.db")
        made.append(World(tmp_path, books, environment, provider=provider, settings=settings))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(worlds: Callable[..., World]) -> World:
    """Books on SQLite, and a bank."""
    return worlds()


@pytest.fixture
def marqeta(worlds: Callable[..., World]) -> World:
    """A programme at Marqeta."""
    return worlds(provider="marqeta")


@pytest.fixture
def strowallet(worlds: Callable[..., World]) -> World:
    """A programme at Strowallet."""
    return worlds(provider="strowallet")


@pytest.fixture(params=["sqlite", "postgresql"])
def each_world(request: pytest.FixtureRequest, worlds: Callable[..., World]) -> World:
    """The same, on both kinds of books."""
    return worlds(None if request.param == "sqlite" else request.getfixturevalue("new_postgres"))


@pytest.fixture
def selling(tmp_path: Path, worlds: Callable[..., World]) -> Iterator[Selling]:
    """A seller at Square, whose books are empty."""
    world = worlds(provider="square")
    far = Seller(tmp_path / "simulator.db")
    yield Selling(world, far)
    far.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def each_selling(request: pytest.FixtureRequest, tmp_path: Path, worlds: Callable[..., World]) -> Iterator[Selling]:
    """The same, on both kinds of books."""
    target = None if request.param == "sqlite" else request.getfixturevalue("new_postgres")
    far = Seller(tmp_path / "simulator.db")
    yield Selling(worlds(target, provider="square"), far)
    far.close()


@pytest.fixture
def ground(worlds: Callable[..., World]) -> Iterator[Ground]:
    """A shop that sells eSIMs, whose books are empty."""
    made = Ground(worlds())
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def each_ground(request: pytest.FixtureRequest, worlds: Callable[..., World]) -> Iterator[Ground]:
    """The same, on both kinds of books."""
    made = Ground(worlds(None if request.param == "sqlite" else request.getfixturevalue("new_postgres")))
    yield made
    made.close()
