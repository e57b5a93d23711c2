"""Books to receive into: SQLite, and PostgreSQL where the commit is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cardctl.db.unit import Books
from tests.commands.conftest import cardctl, far_side
from tests.db.conftest import new_postgres, postgres
from tests.receiver.world import World, keys, serving

__all__ = ["cardctl", "far_side", "new_postgres", "postgres"]


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    opened = Books(str(tmp_path / "books.db"), environment="simulator", keys=keys)
    yield opened
    opened.close()


@pytest.fixture
def world(books: Books, tmp_path: Path) -> Iterator[World]:
    """A receiver of Stripe's events."""
    with serving(books, tmp_path) as made:
        yield made
