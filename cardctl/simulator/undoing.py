"""What the last write changed, kept by triggers, so that a read can be answered as of before it; knows no bank."""

from __future__ import annotations

import sqlite3

from cardctl.simulator.schema import REMEMBERED

_NUMBER = "(SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'write')"


def remember(db: sqlite3.Connection) -> None:
    """From now on what every write changes can be undone; in the transaction that makes the tables, or empties them."""
    for table in REMEMBERED:
        for statement in _triggers(db, table):
            db.execute(statement)


def forget(db: sqlite3.Connection) -> None:
    """What happens from now on is not remembered, and nothing of before is."""
    for table in REMEMBERED:
        for event in ("insert", "update", "delete"):
            db.execute(f"DROP TRIGGER IF EXISTS undo_{event}_{table}")
    db.execute("DELETE FROM undo")


def begin(db: sqlite3.Connection) -> None:
    """A new write begins; of those before, only the last that changed anything is kept."""
    db.execute("INSERT INTO meta VALUES ('write', '1') ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1")
    db.execute("DELETE FROM undo WHERE write < (SELECT max(write) FROM undo)")


def undo(db: sqlite3.Connection) -> None:
    """Takes the last write back, for the rest of a transaction that ends in a rollback."""
    last = "write = (SELECT max(write) FROM undo) ORDER BY seq DESC"
    for (statement,) in db.execute(f"SELECT statement FROM undo WHERE {last}").fetchall():  # noqa: S608  (our own words)
        db.execute(statement)


def _triggers(db: sqlite3.Connection, table: str) -> list[str]:
    columns = [(row[1], row[5]) for row in db.execute(f"PRAGMA table_info({table})")]
    key = [name for name, place in columns if place] or ["rowid"]
    names = ", ".join(f'"{name}"' for name, _ in columns)
    removed = f"'DELETE FROM {table} WHERE ' || {_equal('new', key)}"  # noqa: S608  (our own names)
    values = " || ', ' || ".join(f'quote(old."{name}")' for name, _ in columns)
    restored = f"'INSERT OR REPLACE INTO {table} ({names}) VALUES (' || {values} || ')'"  # noqa: S608
    kept = {"insert": removed, "update": restored, "delete": restored}
    return [
        f"""CREATE TRIGGER undo_{event}_{table} AFTER {event.upper()} ON {table} BEGIN
            INSERT INTO undo (write, statement) VALUES ({_NUMBER}, {statement}); END"""  # noqa: S608  (our own names)
        for event, statement in kept.items()
    ]


def _equal(row: str, key: list[str]) -> str:
    return " || ' AND ' || ".join(f"""'"{name}" = ' || quote({row}."{name}")""" for name in key)
