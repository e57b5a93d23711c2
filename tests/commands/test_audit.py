"""`cardctl audit …`: the chain listed, proven and anchored; a changed byte anywhere in it shows."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.audit import GENESIS, chain_hash
from tests.commands.runner import Cardctl, Ran
from tests.commands.terminal import on_terminal

FIELDS = {"seq", "at", "actor", "action", "object", "before", "after", "reason", "correlation_id", "hash"}
COLUMNS = ("seq", "at", "actor", "action", "object", "before", "after", "reason", "correlation_id", "hash")
COPY = "INSERT INTO audit SELECT {}, at, actor, action, object, before, after, reason, correlation_id, hash FROM audit LIMIT 1"
HOSTILE = "lost 😀\n\x1b[31mred\x1b]0;owned\x07 4242424242424242"


@pytest.fixture
def chain(cardctl: Cardctl) -> list[dict[str, Any]]:
    """Six entries: an account made, and suspended for a hostile reason; newest first."""
    assert cardctl("account", "create", "--name", "Ada", "--external-id", "emp-1").code == 0
    assert cardctl("account", "suspend", "emp-1", "--reason", HOSTILE).code == 0
    entries: list[dict[str, Any]] = cardctl("audit", "list", "-o", "json").data
    assert len(entries) == 6
    return entries


@contextmanager
def tampered(cardctl: Cardctl) -> Iterator[sqlite3.Connection]:
    """The books as somebody with a SQLite shell sees them."""
    books = sqlite3.connect(cardctl.books)
    with books:
        yield books
    books.close()


def verdict(cardctl: Cardctl, *words: str) -> tuple[int, list[Any]]:
    ran = cardctl("audit", "verify", *words, "-o", "json")
    assert ran.data["ok"] is (ran.code == 0)
    return ran.code, [(finding["seq"], finding["problem"]) for finding in ran.data["findings"]]


def rewrite(books: sqlite3.Connection, **changes: Any) -> None:
    """The last entry changed by somebody who knows how hashes are made, head and all."""
    rows = books.execute(f"SELECT {', '.join(COLUMNS)} FROM audit ORDER BY seq").fetchall()
    fields = dict(zip(COLUMNS, rows[-1], strict=True)) | changes
    fields["hash"] = chain_hash(rows[-2][-1] if rows[1:] else GENESIS, **{name: fields[name] for name in COLUMNS[:-1]})
    books.execute(f"UPDATE audit SET {', '.join(f'{name} = :{name}' for name in COLUMNS)} WHERE seq = :seq", fields)
    books.execute("UPDATE audit_head SET seq = :seq, hash = :hash", fields)


def test_list_has_every_field_newest_first(cardctl: Cardctl, chain: list[dict[str, Any]]) -> None:
    assert [entry["seq"] for entry in chain] == [6, 5, 4, 3, 2, 1]
    assert all(set(entry) == FIELDS for entry in chain)
    newest = chain[0]
    assert (newest["action"], newest["actor"]) == ("account.suspend", "tester")
    assert (newest["before"]["state"], newest["after"]["state"]) == ("active", "suspended")
    assert newest["reason"] == HOSTILE.replace("4242424242424242", "**** **** **** 4242")


def test_list_filters(cardctl: Cardctl, chain: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    def seqs(*filters: str) -> list[int]:
        return [entry["seq"] for entry in cardctl("audit", "list", *filters, "-o", "json").data]

    assert seqs("--object", chain[0]["object"]) == [6, 3]
    assert seqs("--action", "operation.sent") == [5, 2]
    assert seqs("--actor", "somebody") == []
    assert seqs("--since", "1h") == [6, 5, 4, 3, 2, 1]
    assert seqs("--until", "2000-01-01") == []
    assert seqs("--object", "' OR 1=1 --") == []
    monkeypatch.setenv("CARDCTL_ACTOR", "nightly")
    cardctl("account", "activate", "emp-1")
    assert seqs("--actor", "nightly") == [9, 8, 7]
    cut = cardctl("audit", "list", "--limit", "2", "-o", "json")
    assert ([entry["seq"] for entry in cut.data], cut.warnings) == ([9, 8], ["LIMIT_CUT"])
    assert cardctl("audit", "list", "--since", "soon", "-o", "json").code == 2


def test_a_hostile_reason_never_reaches_a_terminal_raw(cardctl: Cardctl, chain: list[dict[str, Any]]) -> None:
    for words in (("list",), ("list", "-o", "json"), ("list", "-o", "csv"), ("export", "-")):
        for ran in (cardctl("audit", *words), Ran(*on_terminal(cardctl, "audit", *words))):
            assert ran.code == 0
            assert "😀" in ran.stdout
            for raw in ("\x1b[31m", "\x1b]0", "\x07", "4242424242424242"):
                assert raw not in ran.stdout + ran.stderr


def test_a_whole_chain_is_proven(cardctl: Cardctl, chain: list[dict[str, Any]]) -> None:
    ran = cardctl("audit", "verify", "-o", "json")
    assert ran.code == 0
    head = {"seq": 6, "hash": chain[0]["hash"]}
    assert ran.data == {"ok": True, "checked": 6, "head": head, "anchor": None, "findings": []}
    assert cardctl("audit", "verify").lines == ["whole: 6 entries, from the first to the head"]


def test_an_empty_chain_is_whole(cardctl: Cardctl) -> None:
    ran = cardctl("audit", "verify", "-o", "json")
    assert (ran.code, ran.data["checked"], ran.data["head"]) == (0, 0, {"seq": 0, "hash": GENESIS})
    assert cardctl("audit", "list", "-o", "json").data == []


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_byte_in_any_column_of_any_entry_shows(cardctl: Cardctl, chain: list[dict[str, Any]], column: str) -> None:
    kept = cardctl.home / "kept.db"
    shutil.copy(cardctl.books, kept)
    for seq in range(1, 7):
        change = f"{column} + 100" if column == "seq" else f"coalesce({column}, '') || 'x'"
        with tampered(cardctl) as books:
            books.execute(f"UPDATE audit SET {column} = {change} WHERE seq = ?", (seq,))
        code, findings = verdict(cardctl)
        assert code == 3
        assert [found for found, _ in findings] == [seq]
        shutil.copy(kept, cardctl.books)
    assert verdict(cardctl) == (0, [])


@pytest.mark.parametrize("value", ["x'ff00fe'", "NULL", "''", "7", "1.5", "'[1]'", "CAST(x'ff' AS TEXT)"])
@pytest.mark.parametrize("column", ["at", "before", "hash", "reason"])
def test_another_kind_of_value_shows_too(cardctl: Cardctl, chain: list[dict[str, Any]], column: str, value: str) -> None:
    with tampered(cardctl) as books:
        books.execute("PRAGMA writable_schema = ON")  # no constraint holds somebody with a shell
        books.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE name = 'audit'")
    with tampered(cardctl) as books:
        books.execute(f"UPDATE audit SET {column} = {value} WHERE seq = 4")
    code, findings = verdict(cardctl)
    assert code == 3
    assert findings[0][0] == 4
    listing = cardctl("audit", "list", "-o", "json")
    assert listing.code in (0, 12)
    assert listing.code == 0 or (listing.error, listing.json["success"]) == ("BOOKS_CORRUPT", False)


def test_a_byte_changed_behind_sqlites_back_shows(cardctl: Cardctl, chain: list[dict[str, Any]]) -> None:
    with tampered(cardctl) as books:
        row = books.execute(f"SELECT {', '.join(COLUMNS[1:])} FROM audit WHERE seq = 6").fetchone()
    stored, whole = "".join(row).encode(), cardctl.books.read_bytes()
    assert whole.count(stored) == 1
    begin = whole.index(stored)
    for place in (*range(begin, begin + len(stored), 7), begin + len(stored) - 1):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        cardctl.books.write_bytes(damaged)
        code, findings = verdict(cardctl)
        assert (code, findings[0][0]) == (3, 6)
    cardctl.books.write_bytes(whole)
    assert verdict(cardctl) == (0, [])


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM audit WHERE seq = 6", "tail was cut"),
        ("DELETE FROM audit WHERE seq > 3", "tail was cut"),
        ("DELETE FROM audit WHERE seq = 2", "entry 2 is missing"),
        ("DELETE FROM audit WHERE seq = 1", "entry 1 is missing"),
        ("DELETE FROM audit", "tail was cut"),
        (COPY.format(7), "7"),
        (COPY.format(0), "0"),
        ("UPDATE audit_head SET seq = 5", "only 5 were written"),
        ("UPDATE audit_head SET hash = 'x'", "not the one that was written last"),
        ("UPDATE audit_head SET seq = 'x'", "head"),
        ("UPDATE audit_head SET hash = x'00'", "head"),
        ("DELETE FROM audit_head", "head"),
    ],
)  # fmt: skip
def test_what_is_missing_moved_or_added_shows(cardctl: Cardctl, chain: list[dict[str, Any]], statement: str, said: str) -> None:
    with tampered(cardctl) as books:
        books.execute(statement)
    code, findings = verdict(cardctl)
    assert code == 3
    assert said in findings[0][1]
    spoken = cardctl("audit", "verify")
    assert (spoken.code, said in spoken.lines[0]) == (3, True)


def test_an_anchor_shows_what_a_chain_made_anew_hides(cardctl: Cardctl, chain: list[dict[str, Any]], tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    ran = cardctl("audit", "export", "--anchor", str(anchor), "-o", "json")
    told = json.loads(anchor.read_text())
    assert ran.data == {"anchor": told, "anchor_file": str(anchor)}
    assert set(told) == {"seq", "hash", "at", "database"}
    assert (told["seq"], told["hash"]) == (6, chain[0]["hash"])
    assert stat.S_IMODE(anchor.stat().st_mode) == 0o600
    cardctl("account", "activate", "emp-1")
    assert verdict(cardctl, "--since-anchor", str(anchor)) == (0, [])
    kept = cardctl.home / "kept.db"
    shutil.copy(cardctl.books, kept)

    with tampered(cardctl) as books:  # cut, and the head made to fit
        books.execute("DELETE FROM audit WHERE seq > 4")
        books.execute("UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)")
    assert verdict(cardctl) == (0, [])
    code, findings = verdict(cardctl, "--since-anchor", str(anchor))
    assert (code, findings[0][0]) == (3, 6)
    assert "cut" in findings[0][1]

    shutil.copy(kept, cardctl.books)
    with tampered(cardctl) as books:  # cut back to the anchored entry, and that one written anew
        books.execute("DELETE FROM audit WHERE seq > 6")
        rewrite(books, actor="nobody")
    assert verdict(cardctl) == (0, [])
    code, findings = verdict(cardctl, "--since-anchor", str(anchor))
    assert (code, findings[0][0]) == (3, 6)
    assert "anew" in findings[0][1]

    shutil.copy(kept, cardctl.books)
    with tampered(cardctl) as books:  # other books altogether
        books.execute("UPDATE meta SET value = 'another' WHERE key = 'database_id'")
    code, findings = verdict(cardctl, "--since-anchor", str(anchor))
    assert (code, findings[0][0]) == (3, None)
    assert "not the books" in findings[0][1]


def test_an_anchored_entry_that_cannot_be_read_is_a_finding(
    cardctl: Cardctl, chain: list[dict[str, Any]], tmp_path: Path
) -> None:
    anchor = tmp_path / "anchor.json"
    cardctl("audit", "export", "--anchor", str(anchor))
    with tampered(cardctl) as books:
        books.execute("UPDATE audit SET hash = CAST(x'ff' AS TEXT) WHERE seq = 6")
    code, findings = verdict(cardctl, "--since-anchor", str(anchor))
    assert (code, [seq for seq, _ in findings]) == (3, [6, 6])


def _anchor(**wrong: Any) -> str:
    return json.dumps({"seq": 1, "hash": GENESIS, "at": "2026-01-01T00:00:00Z", "database": "x", **wrong})


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "not JSON",
        "[]",
        "{}",
        "null",
        _anchor(hash="00"),
        _anchor(seq=-1),
        _anchor(seq=1e30),
        _anchor(seq=True),
        _anchor(seq=10**20),
        _anchor(at="never"),
        _anchor(at=7),
        _anchor(database=7),
        "[" * 60000,
        "\ud800",
    ],
)  # fmt: skip
def test_what_is_no_anchor_is_exit_2(cardctl: Cardctl, chain: list[dict[str, Any]], tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "anchor.json"
    if text is not None:
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
    ran = cardctl("audit", "verify", "--since-anchor", str(file), "-o", "json")
    assert (ran.code, ran.error) == (2, "INVALID_FILE")


def test_an_export_has_all_entries_oldest_first(cardctl: Cardctl, chain: list[dict[str, Any]], tmp_path: Path) -> None:
    file, anchor = tmp_path / "audit.ndjson", tmp_path / "anchor.json"
    ran = cardctl("audit", "export", str(file), "--anchor", str(anchor), "-o", "json")
    assert (ran.data["entries"], ran.data["file"]) == (6, str(file))
    written = [json.loads(line) for line in file.read_text().splitlines()]
    assert written == chain[::-1]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(found.name for found in tmp_path.iterdir()) == ["anchor.json", "audit.ndjson", "home"]
    assert cardctl("audit", "export", "-").stdout == file.read_text()
    assert cardctl("audit", "export", "-", "-o", "ndjson").stdout == file.read_text()


def test_an_export_can_be_proven_without_the_books(cardctl: Cardctl, chain: list[dict[str, Any]]) -> None:
    previous = GENESIS
    for line in cardctl("audit", "export", "-").lines:
        entry = json.loads(line)
        texts = {name: json.dumps(entry[name], sort_keys=True, separators=(",", ":")) for name in ("before", "after")}
        hash_ = entry.pop("hash")
        assert chain_hash(previous, **{**entry, **texts}) == hash_
        previous = hash_


def test_an_export_replaces_nothing_unasked(cardctl: Cardctl, chain: list[dict[str, Any]], tmp_path: Path) -> None:
    file, anchor = tmp_path / "audit.ndjson", tmp_path / "anchor.json"
    for taken, other in ((file, anchor), (anchor, file)):
        taken.write_text("mine")
        ran = cardctl("audit", "export", str(file), "--anchor", str(anchor), "-o", "json")
        assert (ran.code, ran.error) == (6, "REFUSED")
        assert taken.read_text() == "mine"
        assert not other.exists()
        taken.unlink()
    file.write_text("mine")
    assert cardctl("audit", "export", str(file), "--force").code == 0
    assert len(file.read_text().splitlines()) == 6


@pytest.mark.parametrize("words", [(), ("-", "-o", "json"), ("-", "-o", "csv"), ("x", "--anchor", "x"), ("--anchor", "-")])
def test_where_to_must_be_said(
    cardctl: Cardctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = cardctl("audit", "export", *words)
    assert (ran.code, ran.stdout.startswith("{") or not ran.stdout) == (2, True)
    assert not (tmp_path / "x").exists()


def test_a_broken_end_gives_no_anchor(cardctl: Cardctl, chain: list[dict[str, Any]], tmp_path: Path) -> None:
    with tampered(cardctl) as books:
        books.execute("DELETE FROM audit WHERE seq = 6")
    ran = cardctl("audit", "export", "--anchor", str(tmp_path / "anchor.json"), "-o", "json")
    assert (ran.code, ran.error) == (12, "BOOKS_CORRUPT")
    assert not (tmp_path / "anchor.json").exists()


def test_every_verb_has_an_example(cardctl: Cardctl) -> None:
    for verb in ("list", "verify", "export"):
        assert "Example: cardctl audit " + verb in cardctl("audit", verb, "--help").stdout
