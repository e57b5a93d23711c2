"""`cardctl db …`: what the books are, copies of them, and putting one back."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cardctl.db.schema import HEAD
from tests.commands.runner import Cardctl


def state(cardctl: Cardctl) -> dict[str, Any]:
    ran = cardctl("db", "status", "-o", "json")
    assert ran.code == 0, ran
    data: dict[str, Any] = ran.data
    return data


def card_state(cardctl: Cardctl, card: str) -> str:
    """As the books have it: `card show` would ask the provider, where the programme was made over five minutes ago."""
    found: dict[str, str] = {row["id"]: row["state"] for row in cardctl("card", "list", "-o", "json").data}
    return found[card]


def test_books_that_are_not_made_yet_stay_so(cardctl: Cardctl) -> None:
    assert state(cardctl) == {
        "made": False,
        "kind": "sqlite",
        "place": str(cardctl.books),
        "environment": "simulator",
        "schema_version": None,
        "schema_head": HEAD,
        "size_bytes": None,
        "integrity": None,
        "database_id": None,
        "audit_head": None,
    }
    assert not cardctl.books.exists()
    for verb in ("backup", "upgrade"):
        ran = cardctl("db", verb, "-o", "json")
        assert (ran.code, ran.error) == (12, "BOOKS_UNUSABLE")
    assert not cardctl.books.exists()


def test_status_says_what_they_are(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    found = state(cardctl)
    assert len(found.pop("database_id")) == 32
    assert found.pop("size_bytes") > 50_000
    head = found.pop("audit_head")
    newest = cardctl("audit", "list", "--limit", "1", "-o", "json").data[0]
    assert head == {"seq": newest["seq"], "hash": newest["hash"]}
    assert found == {
        "made": True,
        "kind": "sqlite",
        "place": str(cardctl.books),
        "environment": "simulator",
        "schema_version": HEAD,
        "schema_head": HEAD,
        "integrity": "ok",
    }


def test_a_copy_is_made_and_put_back(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path) -> None:
    card, copy = programme["cards"][0]["id"], tmp_path / "copies" / "books.db"
    made = cardctl("db", "backup", str(copy), "-o", "json")
    assert made.data == {"backup": str(copy), "size_bytes": copy.stat().st_size}
    assert [stat.S_IMODE(path.stat().st_mode) for path in (copy, copy.parent)] == [0o600, 0o700]
    whole = copy.read_bytes()
    assert cardctl("card", "freeze", card).code == 0
    refused = cardctl("db", "restore", str(copy), "-o", "json")
    assert (refused.code, refused.error) == (6, "CONSENT_MISSING")
    assert card_state(cardctl, card) == "frozen"
    ran = cardctl("db", "restore", str(copy), "--yes", "-o", "json")
    assert (ran.code, ran.warnings) == (0, ["BOOKS_BEHIND"])
    assert (ran.data["restored"], ran.data["schema_version"]) == (str(copy), HEAD)
    assert card_state(cardctl, card) == "active"
    assert copy.read_bytes() == whole
    kept = Path(ran.data["replaced"])
    with closing(sqlite3.connect(kept)) as db:
        assert db.execute("SELECT state FROM cards WHERE id = ?", (card,)).fetchone() == ("frozen",)
    assert cardctl("audit", "verify").code == 0
    assert cardctl("card", "sync").code == 0
    assert card_state(cardctl, card) == "frozen", "the provider knew"


def test_a_copy_has_a_place_of_its_own(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    made = Path(cardctl("db", "backup", "-o", "json").data["backup"])
    assert made.parent == cardctl.home / "state" / "backups"
    assert made.name.startswith("dev-")
    again = cardctl("db", "backup", str(made), "-o", "json")
    assert (again.code, again.error) == (2, "INVALID_FILE")


@pytest.mark.parametrize("wreck", ["absent", "text", "cut", "stranger", "newer", "live"])
def test_what_is_no_copy_of_these_books_changes_nothing(
    cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path, wreck: str
) -> None:
    copy = tmp_path / "copy.db"
    assert cardctl("db", "backup", str(copy)).code == 0
    code = 12
    if wreck == "absent":
        copy.unlink()
        code = 2
    elif wreck == "text":
        copy.write_text("not a database at all " * 100)
    elif wreck == "cut":
        copy.write_bytes(copy.read_bytes()[:20_000])
    else:
        change = {
            "stranger": "DROP TABLE meta",
            "newer": "UPDATE schema_version SET n = 99",
            "live": "UPDATE meta SET value = 'live' WHERE key = 'environment'",
        }[wreck]
        with closing(sqlite3.connect(copy)) as db:
            db.execute(change)
            db.commit()
    before = state(cardctl)
    ran = cardctl("db", "restore", str(copy), "--yes", "-o", "json")
    assert (ran.code, ran.json["success"]) == (code, False), ran
    assert state(cardctl) == before
    assert not list(cardctl.books.parent.glob("*.replaced-*"))


def test_a_copy_is_not_put_under_somebody_at_work(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert cardctl("db", "backup", str(copy)).code == 0
    with closing(sqlite3.connect(cardctl.books)) as other:
        other.execute("SELECT count(*) FROM cards").fetchone()
        ran = cardctl("db", "restore", str(copy), "--yes", "-o", "json")
    assert (ran.code, ran.error) == (11, "BOOKS_LOCKED")
    assert cardctl("db", "restore", str(copy), "--yes").code == 0


def test_a_wreck_is_replaced_by_a_copy(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert cardctl("db", "backup", str(copy)).code == 0
    for end in ("-wal", "-shm"):
        Path(f"{cardctl.books}{end}").unlink(missing_ok=True)
    cardctl.books.write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)
    assert cardctl("db", "status").code == 12
    assert cardctl("db", "restore", str(copy), "--yes").code == 0
    assert len(cardctl("card", "list", "-o", "json").data) == 3


def test_a_copy_from_before_a_rotation_says_what_it_needs(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path) -> None:
    copy, key = tmp_path / "copy.db", cardctl.home / "state" / "keys" / "dev.key"
    assert cardctl("db", "backup", str(copy)).code == 0
    old = key.read_text()
    assert cardctl("secret", "rotate-key").code == 0
    ran = cardctl("db", "restore", str(copy), "--yes", "-o", "json")
    assert (ran.code, ran.warnings) == (0, ["BOOKS_BEHIND", "SEALED_OTHERWISE"])
    assert cardctl("card", "freeze", programme["cards"][0]["id"]).code == 4
    assert cardctl("secret", "set", "db.encryption_key_previous", stdin=old).code == 0
    assert cardctl("secret", "rotate-key", "-o", "json").data["finished_earlier"] is True
    assert cardctl("card", "freeze", programme["cards"][0]["id"]).code == 0


def test_an_upgrade_of_the_newest_does_nothing(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    ran = cardctl("db", "upgrade", "-o", "json")
    assert (ran.code, ran.warnings, ran.data) == (0, ["ALREADY"], {"before": HEAD, "after": HEAD, "backup": None})
    assert not (cardctl.home / "state" / "backups").exists()


def test_books_of_a_newer_cardctl_are_told_apart(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    with closing(sqlite3.connect(cardctl.books)) as db:
        db.execute("UPDATE schema_version SET n = 99")
        db.commit()
    found = state(cardctl)
    assert (found["schema_version"], found["schema_head"], found["audit_head"]) == (99, HEAD, None)
    ran = cardctl("db", "upgrade", "-o", "json")
    assert (ran.code, ran.error) == (12, "SCHEMA_NEWER")


def test_books_of_another_environment_are_not_upgraded(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    with closing(sqlite3.connect(cardctl.books)) as db:
        db.execute("UPDATE meta SET value = 'live' WHERE key = 'environment'")
        db.commit()
    assert state(cardctl)["environment"] == "live"
    for verb in ("upgrade", "backup"):
        ran = cardctl("db", verb, "-o", "json")
        assert (verb, ran.code) == (verb, 12 if verb == "upgrade" else 0)


def test_on_postgresql_copies_are_its_own_tools_work(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CARDCTL_DB", "postgresql://me:hunter2@127.0.0.1:1/books")
    copy = tmp_path / "copy.db"
    copy.write_bytes(b"anything")
    for argv, tool in ((["backup"], "pg_dump"), (["restore", str(copy), "--yes"], "pg_restore")):
        ran = cardctl("db", *argv, "-o", "json")
        assert (ran.code, ran.error) == (7, "NOT_SUPPORTED")
        assert tool in ran.json["hint"]
    ran = cardctl("db", "status", "-o", "json")
    assert (ran.code, ran.error) == (12, "BOOKS_UNUSABLE")
    assert "hunter2" not in ran.stdout + ran.stderr
