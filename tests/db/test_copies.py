"""Backups and restores of SQLite books: whole, private, never over something else, and checked before anything is touched."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cardctl.db import schema
from cardctl.db.copies import Restored, backup, restore
from cardctl.db.unit import Books
from cardctl.errors import BadFile, BooksCorrupt, BooksForeign, BooksLocked, BooksUnusable, SchemaNewer, Unsupported
from tests.db.builders import append, card, usd, with_card
from tests.db.conftest import Opener


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "books.db"


@pytest.fixture
def used(path: Path, opened: Opener) -> Books:
    """Books with a card and three audit entries."""
    books = opened(path)
    with_card(books)
    with books.write() as unit:
        for number in range(3):
            append(unit, number)
    return books


def _look(path: Path, opened: Opener) -> tuple[int, int]:
    """The balance of the card, and how far a whole audit goes."""
    books = opened(path)
    with books.read() as unit:
        assert unit.audit.verify().ok
        assert unit.cards.raw("card_00000001")
        balance, entries = unit.cards.named("card_00000001").balance, unit.audit.head().seq
    books.close()
    assert balance is not None
    return balance.minor, entries


def test_a_backup_is_one_whole_private_file(path: Path, used: Books, tmp_path: Path, opened: Opener) -> None:
    to = tmp_path / "kept" / "deep" / "copy.db"
    assert backup(str(path), to) == to
    assert [each.name for each in to.parent.iterdir()] == ["copy.db"]
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    assert stat.S_IMODE(to.parent.stat().st_mode) == 0o700
    with closing(sqlite3.connect(f"file:{to}?mode=ro&immutable=1", uri=True)) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert raw.execute("SELECT count(*) FROM audit").fetchone() == (3,)
    assert _look(path, opened) == (2500, 3)


def test_a_backup_replaces_nothing(path: Path, used: Books, tmp_path: Path) -> None:
    to = tmp_path / "mine.txt"
    to.write_text("mine")
    with pytest.raises(BadFile):
        backup(str(path), to)
    assert to.read_text() == "mine"
    with pytest.raises(BadFile):
        backup(str(path), path)


def test_a_backup_while_others_write_is_one_moment(path: Path, used: Books, tmp_path: Path, opened: Opener) -> None:
    stop, failures = threading.Event(), []

    def write() -> None:
        number = 3
        while not stop.is_set():
            try:
                with used.write() as unit:
                    unit.cards.save(card(balance=usd(number + 1)))
                    append(unit, number)
            except Exception as error:
                failures.append(error)
                return
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    copies = [backup(str(path), tmp_path / f"copy{number}.db") for number in range(5)]
    stop.set()
    thread.join()
    assert failures == []
    for copy in copies:
        balance, entries = _look(copy, opened)
        assert balance in (entries, 2500)


def test_damaged_books_make_no_backup(path: Path, used: Books, tmp_path: Path) -> None:
    used.close()
    _damage(path)
    with pytest.raises(BooksCorrupt, match=r"books\.db"):
        backup(str(path), tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()
    with pytest.raises(BooksUnusable, match="no books"):
        backup(str(tmp_path / "none.db"), tmp_path / "copy.db")
    assert not (tmp_path / "none.db").exists()


def _damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * 4)
        file.write(b"\xa5" * 4096 * 20)


def test_restore_brings_back_the_copy_and_keeps_what_was_there(path: Path, used: Books, tmp_path: Path, opened: Opener) -> None:
    copy = backup(str(path), tmp_path / "copy.db")
    with used.write() as unit:
        unit.cards.save(card(balance=usd(1)))
        append(unit, 9)
    used.close()
    before = copy.read_bytes()
    aside = tmp_path / "books.db.replaced-1"
    assert restore(str(path), copy) == Restored(schema.HEAD, "simulator", aside)
    assert _look(path, opened) == (2500, 3)
    assert _look(aside, opened) == (1, 4)
    assert copy.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(aside.stat().st_mode) == 0o600
    with opened(path).write() as unit:
        append(unit, 10)


def test_restore_where_nothing_is(tmp_path: Path, path: Path, used: Books, opened: Opener) -> None:
    copy = backup(str(path), tmp_path / "copy.db")
    new = tmp_path / "other" / "books.db"
    assert restore(str(new), copy, environment="simulator") == Restored(schema.HEAD, "simulator", None)
    assert _look(new, opened) == (2500, 3)
    with pytest.raises(BooksForeign):
        restore(str(tmp_path / "third.db"), copy, environment="live")
    assert not (tmp_path / "third.db").exists()


def test_restore_over_a_wreck(path: Path, used: Books, tmp_path: Path, opened: Opener) -> None:
    copy = backup(str(path), tmp_path / "copy.db")
    used.close()
    for wreck in (b"no database at all" * 500, b""):
        path.write_bytes(wreck)
        Path(f"{path}-wal").write_bytes(b"a log of the wreck" * 99)
        done = restore(str(path), copy, environment="simulator")
        assert done.replaced is not None
        assert done.replaced.read_bytes() == wreck
        assert _look(path, opened) == (2500, 3)


def _not_a_database(copy: Path) -> None:
    copy.write_text("nothing" * 1000)


def _cut(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])


def _stranger(copy: Path) -> None:
    copy.unlink()
    with closing(sqlite3.connect(copy)) as raw:
        raw.execute("CREATE TABLE a (b)")


def _foreign(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as raw:
        raw.execute("UPDATE meta SET value = 'live' WHERE key = 'environment'")
        raw.commit()


def _newer(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as raw:
        raw.execute("UPDATE schema_version SET n = 99")
        raw.commit()


def _orphans(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as raw:
        raw.execute("DELETE FROM accounts")
        raw.commit()


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (_not_a_database, BooksCorrupt),
        (_damage, BooksCorrupt),
        (_cut, BooksCorrupt),
        (Path.unlink, BadFile),
        (_stranger, BooksCorrupt),
        (_orphans, BooksCorrupt),
        (_foreign, BooksForeign),
        (_newer, SchemaNewer),
    ],
)
def test_a_copy_that_is_not_right_touches_nothing(
    path: Path, used: Books, tmp_path: Path, opened: Opener, spoil: Callable[[Path], None], error: type[Exception]
) -> None:
    copy = backup(str(path), tmp_path / "copy.db")
    used.close()
    spoil(copy)
    with pytest.raises(error, match=r"copy\.db"):
        restore(str(path), copy)
    assert _look(path, opened) == (2500, 3)
    assert not list(tmp_path.glob("*replaced*"))
    assert not list(tmp_path.glob(".*"))


HOLD = """
import sqlite3, sys
books = sqlite3.connect(sys.argv[1])
books.execute("SELECT count(*) FROM audit").fetchone()
print("held", flush=True)
sys.stdin.read()
"""


def test_restore_is_refused_while_another_process_has_the_books_open(
    path: Path, used: Books, tmp_path: Path, opened: Opener
) -> None:
    copy = backup(str(path), tmp_path / "copy.db")
    used.close()
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BooksLocked, match="in use"):
            restore(str(path), copy)
        other.communicate("")
    with opened(path).read(), pytest.raises(BooksLocked):  # our own books count too
        restore(str(path), copy)
    assert not list(tmp_path.glob("*replaced*"))


def test_postgres_has_tools_of_its_own(new_postgres: str, tmp_path: Path) -> None:
    with pytest.raises(Unsupported) as told:
        backup(new_postgres, tmp_path / "copy.db")
    assert "pg_dump" in str(told.value.hint)
    with pytest.raises(Unsupported) as told:
        restore(new_postgres, tmp_path / "copy.db")
    assert "pg_restore" in str(told.value.hint)
