"""New books and new banks, copied from one that was made the ordinary way: of a test's time, half went into making them.

Whatever runs in a process of its own makes its own. Where a copy cannot be made, the ordinary way is tried, and says why.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Engine

from cardctl.db import unit
from cardctl.db.engine import draft_beside, make_file, place
from cardctl.simulator import books as banks

make_private = banks._make_private
"""The ordinary way to a file for a bank."""


@contextmanager
def copied(directory: Path) -> Iterator[None]:
    """In the block new files are copies of models, which are made in `directory` when they are first needed."""
    models = _Models(directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unit, "make_file", models.make_books)
        patch.setattr(banks, "_make_private", models.make_bank)
        yield


class _Models:
    def __init__(self, directory: Path) -> None:
        self._books = directory / "books.db"
        self._bank = directory / "bank.db"

    def make_books(self, path: Path, fill: Callable[[Engine], None]) -> None:
        """As `make_file`, for new books of the environment that `fill` is about."""
        environment = cast(Any, fill).__self__._environment
        if not self._books.exists():
            make_file(self._books, fill)
        try:
            with draft_beside(path) as draft:
                shutil.copyfile(self._books, draft)
                _introduce(draft, environment)
                place(draft, path)
        except (OSError, sqlite3.Error):
            make_file(path, fill)

    def make_bank(self, path: Path) -> None:
        """As `make_private`, and the bank is founded already."""
        if path == self._bank or path.exists():
            make_private(path)
            return
        if not self._bank.exists():
            model = banks.FarSide(self._bank)
            model.now()
            model.close()
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            make_private(draft)
            shutil.copyfile(self._bank, draft)
            os.link(draft, path)
        except OSError:
            make_private(path)
        finally:
            if os.path.lexists(draft):
                draft.unlink()


def _introduce(draft: Path, environment: str) -> None:
    """What tells these books from their model."""
    with closing(sqlite3.connect(draft, isolation_level=None)) as books:
        told = [(environment, "environment"), (os.urandom(16).hex(), "database_id")]
        books.execute("BEGIN")
        books.executemany("UPDATE meta SET value = ? WHERE key = ?", told)
        books.execute("COMMIT")
