"""The far side's file: private, its own, whole after a crash, clear when it cannot be used."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cardctl.errors import BadFile, BooksLocked, BooksReadOnly, BooksUnusable, DiskFull
from cardctl.simulator import books
from cardctl.simulator.books import OPENING_FLOAT, FarSide
from cardctl.simulator.control import Control
from tests.simulator.stranger import HOLDERS, Stranger


def note(far_side: FarSide, **values: str | None) -> None:
    with far_side.transaction() as desk:
        for key, value in values.items():
            desk.db.execute("INSERT INTO meta VALUES (?, ?)", (key, value))


def test_the_file_is_private(path: Path, stranger: Stranger) -> None:
    stranger.holder()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for beside in path.parent.iterdir():
        assert stat.S_IMODE(beside.stat().st_mode) == 0o600


def test_it_starts_empty_with_ten_million(stranger: Stranger) -> None:
    assert stranger.balance() == OPENING_FLOAT == 10_000_000_00
    assert stranger.seen(HOLDERS) == {"object": "list", "data": [], "has_more": False, "url": HOLDERS}


def test_another_program_s_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE ours (id)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(BadFile, match="not a simulator"):
        FarSide(path).now()
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"quite another thing\n" * 500)
    with pytest.raises(BadFile, match="no readable database"):
        FarSide(path).now()


def test_a_torn_database_is_named(path: Path) -> None:
    with Stranger(path) as one:
        for _ in range(40):
            one.holder()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\x07" * (len(whole) - 4096))
    with pytest.raises(BadFile), Stranger(path) as one:
        one.get(HOLDERS)


def test_a_newer_file_is_refused(path: Path) -> None:
    far_side = FarSide(path)
    with far_side.transaction() as desk:
        desk.db.execute("PRAGMA user_version = 99")
    far_side.close()
    with pytest.raises(BadFile, match="newer"):
        FarSide(path).now()


def test_a_directory_in_its_place(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(BooksUnusable):
        FarSide(path).now()


def test_a_full_disk_loses_nothing(path: Path) -> None:
    far_side = FarSide(path)
    with far_side.reading() as desk:
        pages = desk.db.execute("PRAGMA page_count").fetchone()[0]
    connection = far_side._connection()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFull):
        note(far_side, room="1", much="x" * 100_000)
    connection.execute("PRAGMA max_page_count = 100000")
    with far_side.reading() as desk:
        assert desk.db.execute("SELECT count(*) FROM meta WHERE key IN ('room', 'much')").fetchone()[0] == 0


def test_a_read_only_file_still_reads(path: Path) -> None:
    far_side = FarSide(path)
    far_side.advance(5)
    far_side._connection().execute("PRAGMA query_only = ON")
    with pytest.raises(BooksReadOnly), far_side.transaction() as desk:
        desk.db.execute("INSERT INTO meta VALUES ('a', 'b')")
    assert far_side.now() >= int(time.time()) + 4


def test_a_locked_file_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = FarSide(path)
    first.now()
    monkeypatch.setattr(books, "_BUSY_SECONDS", 0.05)
    second = FarSide(path)
    with first.transaction(), pytest.raises(BooksLocked), second.transaction():
        pass


def test_an_error_inside_leaves_nothing(path: Path) -> None:
    far_side = FarSide(path)
    with pytest.raises(sqlite3.IntegrityError):
        note(far_side, a="b", c=None)
    with far_side.reading() as desk:
        assert not desk.db.execute("SELECT 1 FROM meta WHERE key = 'a'").fetchall()


KILLED = """
import os, sys
from pathlib import Path
from cardctl.simulator.books import FarSide
from tests.simulator.stranger import Stranger

path = Path(sys.argv[1])
with Stranger(path) as one:
    one.balance()
    FarSide._commit = lambda self, db: os._exit(9)
    one.holder()
"""


def test_a_kill_before_the_commit_leaves_nothing(path: Path) -> None:
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=root, env={"PYTHONPATH": str(root)}, check=False)
    assert killed.returncode == 9
    with Stranger(path) as one:
        assert one.seen(HOLDERS)["data"] == []
        one.holder()
        assert len(one.seen(HOLDERS)["data"]) == 1


def test_the_clock_moves_for_everybody(path: Path, stranger: Stranger, control: Control) -> None:
    before = int(time.time())
    other = FarSide(path)
    assert before <= other.now() <= int(time.time())
    FarSide(path).advance(8 * 86400)
    FarSide(path).advance(-3600)
    moved = 8 * 86400 - 3600
    assert before + moved <= other.now() <= int(time.time()) + moved
    holder = stranger.seen(f"{HOLDERS}/{stranger.holder()}")
    assert holder["created"] >= before + moved
    control.reset()
    assert other.now() <= int(time.time())


def test_a_reset_reaches_those_who_have_the_file_open(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    stranger.authorise(card, 500)
    control.fault("500", 3)
    assert stranger.balance() == OPENING_FLOAT - 500
    control.reset()
    assert stranger.balance() == OPENING_FLOAT
    assert stranger.get(f"/v1/issuing/cards/{card}").status_code == 404
    assert stranger.seen(HOLDERS)["data"] == []
    stranger.holder()


FIRST = """
import sys
from pathlib import Path
from tests.simulator.stranger import Stranger
with Stranger(Path(sys.argv[1])) as one:
    print(one.holder())
"""


def test_many_first_users_found_one_bank(path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", FIRST, str(path)]
    started = [subprocess.Popen(command, cwd=root, env={"PYTHONPATH": str(root)}, stdout=subprocess.PIPE) for _ in range(6)]
    made = {one.communicate()[0].decode().strip() for one in started}
    assert [one.returncode for one in started] == [0] * 6
    with Stranger(path) as one:
        assert {holder["id"] for holder in one.seen(HOLDERS)["data"]} == made
        assert one.balance() == OPENING_FLOAT
