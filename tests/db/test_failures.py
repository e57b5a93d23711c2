"""Books that cannot be used: each cause has its own error, nothing is lost, and no password is ever said."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cardctl.db.engine import place
from cardctl.db.failures import sqlite_failure
from cardctl.db.unit import Books
from cardctl.errors import (
    BooksCorrupt,
    BooksReadOnly,
    BooksUnusable,
    CardctlError,
    DiskFull,
    ExitCode,
)
from tests.db.builders import append, card, with_card
from tests.db.conftest import Opener


def test_every_file_is_private_from_the_first_instant(tmp_path: Path, opened: Opener) -> None:
    before = os.umask(0)
    try:
        books = opened(tmp_path / "a" / "b" / "books.db")
        with_card(books)
    finally:
        os.umask(before)
    made = {str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    files = {f"a/b/books.db{end}": 0o600 for end in ("", "-wal", "-shm")}
    assert made == {"a": 0o700, "a/b": 0o700} | files


def test_nothing_is_left_beside_the_books(tmp_path: Path, opened: Opener) -> None:
    books = opened(tmp_path / "books.db")
    books.prepare()
    books.close()
    assert [path.name for path in tmp_path.iterdir()] == ["books.db"]


def test_the_pragmas(tmp_path: Path, opened: Opener) -> None:
    with opened(tmp_path / "books.db").write() as unit:
        asked = ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        connection = unit.box._connection
        assert [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in asked] == ["wal", 1, 2, 30000]


def _text(path: Path) -> None:
    path.write_text("these are no books\n" * 1000)


def _other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE stranger (a)")
        raw.commit()


def _empty(path: Path) -> None:
    path.touch()


def _half(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE meta (key, value)")
        raw.execute("CREATE TABLE schema_version (n)")
        raw.commit()


@pytest.mark.parametrize("make", [_text, _other_database, _empty, _half])
def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(
    tmp_path: Path, opened: Opener, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "books.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(BooksCorrupt) as told:
        opened(path).prepare()
    assert told.value.exit_code is ExitCode.BOOKS
    assert _tables(path) == _tables_of(before, tmp_path)


def _tables(path: Path) -> object:
    try:
        with closing(sqlite3.connect(path)) as raw:
            return raw.execute("SELECT name FROM sqlite_master").fetchall()
    except sqlite3.DatabaseError:
        return path.read_bytes()


def _tables_of(content: bytes, directory: Path) -> object:
    copy = directory / "copy.db"
    copy.write_bytes(content)
    return _tables(copy)


def test_damaged_pages_are_told(tmp_path: Path, opened: Opener) -> None:
    path = tmp_path / "books.db"
    books = opened(path)
    with_card(books, *(card(f"card_{number:08d}") for number in range(300)))
    books.close()
    with path.open("r+b") as file:
        file.seek(4096 * 5)
        file.write(b"\xa5" * (path.stat().st_size - 4096 * 6))
    with pytest.raises(BooksCorrupt, match=r"books\.db"), opened(path).read() as unit:
        list(unit.cards.rows())


def test_a_table_that_is_gone_is_damage(books: Books) -> None:
    with books.write() as unit:
        unit.box._connection.exec_driver_sql("DROP TABLE transactions")
    with pytest.raises(BooksCorrupt), books.read() as unit:
        list(unit.transactions.rows())


def test_a_directory_is_no_file(tmp_path: Path, opened: Opener) -> None:
    with pytest.raises(BooksUnusable, match="directory"):
        opened(tmp_path).prepare()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of one megabyte, where this test may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None or subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_loses_nothing(small_disk: Path, opened: Opener) -> None:
    books = opened(small_disk / "books.db")
    with_card(books)
    with pytest.raises(DiskFull) as told:
        _fill(books)
    assert told.value.exit_code is ExitCode.BOOKS
    kept = _count(books)
    (small_disk / "ballast").write_bytes(b"x" * shutil.disk_usage(small_disk).free)
    with pytest.raises(DiskFull):
        _fill(books)
    assert _count(books) == kept
    (small_disk / "ballast").unlink()
    with books.read() as unit:
        assert unit.cards.named("card_00000001") == card()
        assert unit.audit.verify().ok
    books.close()  # the log goes into the file, which makes room
    with books.write() as unit:
        append(unit, 1)


def test_books_cannot_be_made_on_a_full_disk_and_leave_nothing(small_disk: Path, opened: Opener) -> None:
    (small_disk / "ballast").write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 8192))
    with pytest.raises(DiskFull):
        opened(small_disk / "books.db").prepare()
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path: Path, opened: Opener) -> None:
    """Where nothing can be mounted: SQLite's own limit gives the same error as a full disk."""
    books = opened(tmp_path / "books.db")
    with_card(books)

    def grow() -> None:
        with books.write() as unit:
            unit.box._connection.exec_driver_sql("PRAGMA max_page_count = 60")
            for number in range(2000):
                append(unit, number)

    with pytest.raises(DiskFull):
        grow()
    books.close()
    with books.write() as unit:
        assert unit.audit.head().seq == 0
        append(unit)


def _fill(books: Books) -> None:
    for start in range(0, 100_000, 100):
        with books.write() as unit:
            for number in range(start, start + 100):
                append(unit, number)


def _count(books: Books) -> int:
    with books.read() as unit:
        head, verdict = unit.audit.head(), unit.audit.verify()
    assert verdict.ok
    assert verdict.checked == head.seq
    return head.seq


AS_NOBODY = """
import os, sys, tempfile
sys.path.insert(0, sys.argv[2])
from cardctl.db.unit import Books
from cardctl.errors import CardctlError
with tempfile.TemporaryDirectory() as warm:  # everything is imported while it can be read
    books = Books(warm + "/books.db", environment="simulator", keys=None)
    with books.write() as unit:
        unit.meta.set("a", "b")
    books.close()
os.setgroups([]); os.setgid(65534); os.setuid(65534)
books = Books(sys.argv[1], environment="simulator", keys=None)
try:
    with books.write() as unit:
        unit.meta.set("a", "b")
except CardctlError as error:
    print(type(error).__name__, error.message)
"""


def _as_nobody(path: Path) -> str:
    """What another user, who may only read, is told (root may write everywhere)."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", AS_NOBODY, str(path), str(root)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that another user can reach."""
    place = Path("/var/tmp") / f"cardctl-test-{os.getpid()}"
    place.mkdir(mode=0o755)
    yield place
    shutil.rmtree(place)


def test_a_read_only_file_is_told(open_place: Path, opened: Opener) -> None:
    path = open_place / "books.db"
    books = opened(path)
    with_card(books)
    books.close()
    path.chmod(0o444)
    assert _as_nobody(path).startswith("BooksReadOnly")
    open_place.chmod(0o777)  # the directory may be written, the file may not
    assert _as_nobody(path).startswith("BooksReadOnly")


def test_a_directory_that_cannot_be_written_is_told(open_place: Path) -> None:
    assert _as_nobody(open_place / "new" / "books.db").startswith("BooksReadOnly")
    assert list(open_place.iterdir()) == []


def test_a_read_only_file_system_is_told(small_disk: Path, opened: Opener) -> None:
    books = opened(small_disk / "books.db")
    with_card(books)
    books.close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(BooksReadOnly):
        opened(small_disk / "books.db").prepare()
    with pytest.raises(BooksReadOnly):
        opened(small_disk / "new.db").prepare()


def test_driver_errors_without_a_place_of_their_own(tmp_path: Path) -> None:
    def told(name: str, code: int, *, has_room: bool = True) -> type[CardctlError] | None:
        error = sqlite3.OperationalError(name)
        error.sqlite_errorcode = code
        failure = sqlite_failure(error, tmp_path / "x.db", has_room=has_room)
        return None if failure is None else type(failure)

    assert told("disk I/O error", sqlite3.SQLITE_IOERR_WRITE) is BooksCorrupt
    assert told("disk I/O error", sqlite3.SQLITE_IOERR_SHMSIZE, has_room=False) is DiskFull
    assert told("unable to open database file", sqlite3.SQLITE_CANTOPEN, has_room=False) is DiskFull
    assert told("attempt to write a readonly database", sqlite3.SQLITE_READONLY_DBMOVED) is BooksUnusable
    assert told("out of memory", sqlite3.SQLITE_NOMEM) is BooksUnusable
    assert told("Could not decode to UTF-8 column", 0) is BooksCorrupt
    assert sqlite_failure(sqlite3.IntegrityError("x"), tmp_path, has_room=True) is None
    assert sqlite_failure(KeyboardInterrupt(), tmp_path, has_room=True) is None


def test_books_are_made_where_there_are_no_hard_links(tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("cardctl.db.engine.os.link", refused)
    with_card(opened(tmp_path / "books.db"))
    assert {path.name for path in tmp_path.iterdir()} == {"books.db", "books.db-wal", "books.db-shm"}
    assert place(tmp_path / "other", tmp_path / "books.db") is False
