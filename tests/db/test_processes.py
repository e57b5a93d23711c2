"""Several real processes over the same books, and what a process has to load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.db.builders import card, with_card
from tests.db.conftest import Opener

START = """
import sys
from datetime import UTC, datetime
from cardctl.db.sealed import EncryptionKeys
from cardctl.db.unit import Books
from cardctl.domain.redaction import Secret
books = Books(sys.argv[1], environment="simulator", keys=lambda: EncryptionKeys(Secret("k" * 40)))
sys.stdin.readline()
"""
APPEND = """
for number in range(int(sys.argv[2])):
    with books.write() as unit:
        seen = int(unit.meta.get("counter") or 0)
        unit.meta.set("counter", str(seen + 1))
        unit.audit.append(datetime.now(UTC), sys.argv[3], "test", "card_1", {"n": seen}, {"n": seen + 1}, None, "c")
"""


def _run_together(target: str, code: str, count: int, *more: str) -> None:
    """Processes that are all started before any of them begins."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", START + code, target, *more, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, said = process.communicate()
        assert process.returncode == 0, said


def test_processes_make_the_same_books_at_once(target: str, opened: Opener) -> None:
    _run_together(target, "books.prepare(); books.close()" + APPEND, 4, "1")
    with opened(target).read() as unit:
        assert unit.meta.get("counter") == "4"
        assert unit.audit.verify().checked == 4


def test_processes_that_write_at_once_lose_nothing(target: str, opened: Opener) -> None:
    processes, each = 8, 25
    _run_together(target, APPEND, processes, str(each))
    with opened(target).read() as unit:
        assert unit.meta.get("counter") == str(processes * each)
        verdict = unit.audit.verify()
        assert (verdict.ok, verdict.checked) == (True, processes * each)
        entries = list(unit.audit.rows())
        assert [entry.after["n"] for entry in entries] == list(range(1, processes * each + 1))
        assert {entry.actor for entry in entries} == {str(number) for number in range(processes)}


KILLED = """
import os, signal
Books._commit = lambda self, connection: os.kill(os.getpid(), signal.SIGKILL)
with books.write() as unit:
    unit.meta.set("counter", "lost")
"""


def test_a_process_killed_before_its_commit_leaves_nothing(target: str, opened: Opener) -> None:
    with_card(opened(target))
    with pytest.raises(AssertionError):
        _run_together(target, KILLED, 1)
    with opened(target).write() as unit:
        assert unit.meta.get("counter") is None
        assert unit.cards.named("card_00000001") == card()


MAKING = """
import os, signal
from cardctl.db import engine
engine.os.link = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
books.prepare()
"""


def test_a_process_killed_while_it_makes_the_books_leaves_none(tmp_path: Path, opened: Opener) -> None:
    target = tmp_path / "books.db"
    with pytest.raises(AssertionError):
        _run_together(str(target), MAKING, 1)
    assert not target.exists()
    with_card(opened(target))


PROCESS = Path("/proc/self/status")
LIST = f"""
from pathlib import Path
with books.read() as unit:
    count = sum(1 for _ in unit.cards.rows())
print(count, Path("{PROCESS}").read_text().partition("VmHWM:")[2].split()[0])  # ru_maxrss begins with the parent's
loaded = [name for name in ("alembic", "cryptography", "psycopg", "sqlalchemy.dialects.postgresql") if name in sys.modules]
print(loaded)
"""


def _list(target: str) -> tuple[int, int, str]:
    ran = subprocess.run([sys.executable, "-c", START + LIST, target], input="go\n", capture_output=True, text=True, check=True)
    numbers, loaded = ran.stdout.splitlines()
    count, kilobytes = numbers.split()
    return int(count), int(kilobytes), loaded


@pytest.mark.skipif(not PROCESS.exists(), reason="only Linux tells a process's own peak of memory")
def test_a_list_needs_no_more_memory_for_more_cards(tmp_path: Path, opened: Opener) -> None:
    from sqlalchemy import text

    target = tmp_path / "books.db"
    books = opened(target)
    with_card(books)
    few = _list(str(target))
    names = "id, ref, created_at"
    with books.write() as unit:
        connection = unit.box._connection
        others = [row[1] for row in connection.execute(text("PRAGMA table_info(cards)")) if row[1] not in names.split(", ")]
        quoted = ", ".join(f'"{name}"' for name in others)
        connection.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
                f" INSERT INTO cards ({names}, {quoted})"
                " SELECT printf('card_%08d', i), printf('ic_%08d', i), printf('2026-11-21T00:00:00.%06dZ', i),"
                f" {quoted} FROM cards, n"
            )
        )
    many = _list(str(target))
    assert (few[0], many[0]) == (1, 60_000)
    assert many[1] - few[1] < 12_000, "kilobytes more for 60,000 cards"
    assert few[2] == many[2] == "[]"
