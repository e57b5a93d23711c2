"""The chain of the audit: any changed byte, any entry missing, moved or added, and a cut tail are found, on both databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from cardctl.db.audit import AuditFilter, AuditVerdict
from cardctl.db.tables import AuditRow, table_of
from cardctl.db.unit import Books
from cardctl.domain.audit import GENESIS, AuditHead
from tests.db.builders import append, later
from tests.db.conftest import Opener

COLUMNS = [column.name for column in table_of(AuditRow).columns]


@pytest.fixture
def five(books: Books) -> Books:
    """Books with five entries."""
    with books.write() as unit:
        for number in range(1, 6):
            append(unit, number, reason=None if number == 3 else "é reason")
    return books


def _verdict(books: Books) -> AuditVerdict:
    with books.read() as unit:
        return unit.audit.verify()


def _alter(books: Books, *statements: str) -> None:
    with books.write() as unit:
        for statement in statements:
            unit.box._connection.execute(text(statement))


def test_a_whole_chain(books: Books, five: Books) -> None:
    with five.read() as unit:
        head = unit.audit.head()
        entries = list(unit.audit.rows())
        assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
        assert unit.audit.verify() == AuditVerdict(True, 5, None, None, head)
        assert head == AuditHead(5, entries[-1].hash)
        assert unit.audit.entry_hash(3) == entries[2].hash
        assert unit.audit.entry_hash(0) == GENESIS
        assert unit.audit.entry_hash(6) is None


def test_an_empty_chain_is_whole(books: Books) -> None:
    assert _verdict(books) == AuditVerdict(True, 0, None, None, AuditHead(0, GENESIS))


def test_what_is_appended_comes_back_and_card_numbers_do_not(books: Books) -> None:
    with books.write() as unit:
        entry = append(
            unit, 1, actor="zoë\0\ud800", before={"number": "4242424242424242", "note": "4242 4242 4242 4242 \ud800"},
            after={"at": later(1), "state": "closed"}, reason="key sk_test_abcdefghij",
        )  # fmt: skip
        assert list(unit.audit.rows()) == [entry]
        assert entry.actor == "zoë\ufffd?"
        assert entry.before == {"note": "**** **** **** 4242 \ud800"}
        assert entry.after == {"at": "2026-11-21 00:57:44.123456+00:00", "state": "closed"}
        assert entry.reason == "key ***"
        assert unit.audit.verify().ok


def test_lists(books: Books) -> None:
    with books.write() as unit:
        for number in range(1, 7):
            append(unit, number, object=f"card_{number % 2}", action=f"card.{number % 3}", actor=f"a{number}")
    with books.read() as unit:

        def seqs(newest_first: bool = False, **wanted: object) -> list[int]:
            entries = unit.audit.rows(AuditFilter(**wanted), newest_first=newest_first)  # type: ignore[arg-type]
            return [entry.seq for entry in entries]

        assert seqs(object="card_1") == [1, 3, 5]
        assert seqs(action="card.0") == [3, 6]
        assert seqs(actor="a4") == [4]
        assert seqs(since=later(2), until=later(4)) == [2, 3]
        assert seqs(limit=2) == [1, 2]
        assert seqs(newest_first=True, limit=2) == [6, 5]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", [1, 3, 5])
def test_a_changed_column_is_found(five: Books, column: str, seq: int) -> None:
    change = "100" if column == "seq" else "coalesce(reason, '') || 'x'" if column == "reason" else f"\"{column}\" || ' '"
    _alter(five, f'UPDATE audit SET "{column}" = {change} WHERE seq = {seq}')
    verdict = _verdict(five)
    assert (verdict.ok, verdict.seq, verdict.checked) == (False, seq, seq - 1)


TAMPERED: dict[str, tuple[list[str], int]] = {
    "first missing": (["DELETE FROM audit WHERE seq = 1"], 1),
    "middle missing": (["DELETE FROM audit WHERE seq = 3"], 3),
    "tail cut": (["DELETE FROM audit WHERE seq = 5"], 5),
    "tail and head cut wrongly": (["DELETE FROM audit WHERE seq = 5", "UPDATE audit_head SET seq = 4"], 5),
    "all gone": (["DELETE FROM audit"], 1),
    "head gone": (["DELETE FROM audit_head"], 0),
    "head moved back": (["UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)"], 6),
    "head's hash": (["UPDATE audit_head SET hash = 'x'"], 6),
    "middle missing, renumbered": (
        ["DELETE FROM audit WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 4", "UPDATE audit SET seq = 4 WHERE seq = 5"],
        3,
    ),
    "swapped": ([f"UPDATE audit SET seq = {a} WHERE seq = {b}" for a, b in ((9, 2), (2, 3), (3, 9))], 2),
    "added": (["INSERT INTO audit SELECT 6, at, actor, action, object, before, after, reason, correlation_id, hash FROM audit"
               " WHERE seq = 5"], 6),
    "added in front": (["INSERT INTO audit SELECT 0, at, actor, action, object, before, after, reason, correlation_id, hash"
                        " FROM audit WHERE seq = 5"], 1),
    "null to empty": (["UPDATE audit SET reason = '' WHERE seq = 3"], 3),
    "empty to null": (["UPDATE audit SET reason = NULL WHERE seq = 4"], 4),
    "moved between columns": (["UPDATE audit SET actor = '', action = 'adacard.freeze' WHERE seq = 2"], 2),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERED)
def test_a_tampered_chain_is_found(five: Books, how: str) -> None:
    statements, seq = TAMPERED[how]
    _alter(five, *statements)
    verdict = _verdict(five)
    assert not verdict.ok
    assert verdict.problem
    assert (verdict.seq or 0) == seq


def test_every_byte_of_an_entry_counts(tmp_path: Path, opened: Opener) -> None:
    """Each byte of each text of an entry, changed in turn (into another, and into what is no UTF-8), in the SQLite file."""
    path = tmp_path / "books.db"
    books = opened(path)
    with books.write() as unit:
        append(unit, 1)
        append(unit, 2, reason="né")
    books.close()
    checked = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for column in COLUMNS[1:]:
            (kept,) = raw.execute(f'SELECT CAST("{column}" AS BLOB) FROM audit WHERE seq = 2').fetchone()
            for at in range(len(kept)):
                for byte in (kept[at] ^ 1, 0xFF):
                    changed = kept[:at] + bytes([byte]) + kept[at + 1 :]
                    raw.execute(f'UPDATE audit SET "{column}" = CAST(? AS TEXT) WHERE seq = 2', (changed,))
                    verdict = _verdict(books)
                    assert (verdict.ok, verdict.seq) == (False, 2), (column, at, byte)
                    checked += 1
            raw.execute(f'UPDATE audit SET "{column}" = ? WHERE seq = 2', (kept,))  # the same bytes, but no text
            assert not _verdict(books).ok
            raw.execute(f'UPDATE audit SET "{column}" = CAST(? AS TEXT) WHERE seq = 2', (kept,))
    assert checked > 300
    assert _verdict(books).ok


def test_a_page_that_cannot_be_read_is_a_broken_chain(tmp_path: Path, opened: Opener) -> None:
    path = tmp_path / "books.db"
    books = opened(path)
    with books.write() as unit:
        for number in range(400):
            append(unit, number, object="x" * 200)
    books.close()
    with closing(sqlite3.connect(path)) as raw:
        size = raw.execute("PRAGMA page_size").fetchone()[0]
        used = "SELECT pageno FROM dbstat WHERE name = 'audit' AND pagetype = 'leaf' ORDER BY pageno DESC LIMIT 1"
        page = _dbstat(raw, used)
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    verdict = _verdict(books)
    assert not verdict.ok
    assert verdict.problem is not None
    assert "cannot be read" in verdict.problem


def _dbstat(raw: sqlite3.Connection, query: str) -> int:
    try:
        return int(raw.execute(query).fetchone()[0])
    except sqlite3.OperationalError:
        pytest.skip("this SQLite has no dbstat")


def test_a_tail_cut_with_its_head_is_found_by_an_anchor(five: Books) -> None:
    with five.read() as unit:
        anchor = unit.audit.head()
    _alter(
        five,
        "DELETE FROM audit WHERE seq = 5",
        "UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)",
    )
    assert _verdict(five).ok  # the chain itself cannot know
    with five.read() as unit:
        assert unit.audit.entry_hash(anchor.seq) != anchor.hash
