"""A copy of new books and of a new bank is just what is made the ordinary way, and belongs to nobody else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cardctl.db import engine, unit
from cardctl.db.unit import Books
from cardctl.simulator import books as banks
from tests import founding
from tests.db.conftest import keys_of

Made = dict[str, list[tuple[Any, ...]]]


def dump(path: Path) -> Made:
    """The schema and every row, but for the moments at which they were written."""
    with closing(sqlite3.connect(path)) as database:
        found = {"schema": database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()}
        found["pragmas"] = [database.execute(f"PRAGMA {name}").fetchone() for name in ("user_version", "application_id")]
        found["journal"] = [database.execute("PRAGMA journal_mode").fetchone()]
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = [
                row[1] for row in database.execute(f'PRAGMA table_info("{table}")') if row[1] not in ("created", "updated")
            ]
            names = ", ".join(f'"{column}"' for column in columns)
            found[table] = database.execute(f'SELECT {names} FROM "{table}" ORDER BY 1').fetchall()
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    return found


def make_bank(path: Path) -> None:
    bank = banks.FarSide(path)
    bank.now()
    bank.close()


def make_books(path: Path, environment: str = "sandbox") -> None:
    books = Books(str(path), environment=environment, keys=keys_of)
    books.prepare()
    books.close()


@pytest.fixture
def both(tmp_path: Path) -> Callable[[Callable[[Path], None]], tuple[Made, Made]]:
    """What is made the ordinary way, and a copy."""

    def make(maker: Callable[[Path], None]) -> tuple[Made, Made]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(unit, "make_file", engine.make_file)
            patch.setattr(banks, "_make_private", founding.make_private)
            maker(tmp_path / "ordinary.db")
        assert banks._make_private != founding.make_private
        maker(tmp_path / "deep" / "copied.db")
        return dump(tmp_path / "ordinary.db"), dump(tmp_path / "deep" / "copied.db")

    return make


def test_a_bank(both: Callable[[Callable[[Path], None]], tuple[Made, Made]]) -> None:
    ordinary, copied = both(make_bank)
    assert len(ordinary["schema"]) > 50
    assert copied == ordinary


def test_books(both: Callable[[Callable[[Path], None]], tuple[Made, Made]], tmp_path: Path) -> None:
    ordinary, copied = both(make_books)
    assert len({row for made in (ordinary, copied) for row in made["meta"] if row[0] == "database_id"}) == 2
    for made in (ordinary, copied):
        made["meta"] = [row for row in made["meta"] if row[0] != "database_id"]
    assert len(ordinary["schema"]) > 50
    assert copied == ordinary
    assert ("environment", "sandbox") in copied["meta"]
    make_books(tmp_path / "live.db", "live")
    assert ("environment", "live") in dump(tmp_path / "live.db")["meta"]


def test_nothing_that_is_there_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    path.write_bytes(b"somebody's")
    models = founding._Models(tmp_path)
    models.make_books(path, Books(str(path), environment="live", keys=keys_of)._fill)
    models.make_bank(path)
    assert path.read_bytes() == b"somebody's"
