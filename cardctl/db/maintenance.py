"""Keeping the books: what they are, and bringing their schema up to date. Copies, and putting them back, are in copies.py."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from cardctl.db import migrations, schema
from cardctl.db.copies import backup, first_problem, restore
from cardctl.db.engine import is_postgres, open_engine
from cardctl.db.schema import HEAD, Identity
from cardctl.db.unit import transaction
from cardctl.errors import BooksCorrupt, BooksUnusable, SchemaNewer

__all__ = ["HEAD", "Identity", "SchemaStatus", "Upgraded", "backup", "exist", "restore", "status", "upgrade"]


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """What the books are: `kind` sqlite or postgresql, `place` a path or a URL without password, `size` in bytes.

    `problem` is what an integrity check found first, None where the books are whole (PostgreSQL keeps its own checks).
    """

    kind: str
    place: str
    size: int
    version: int
    head: int
    environment: str
    database_id: str
    problem: str | None

    @property
    def ok(self) -> bool:
        """Whole, and of this cardctl's schema."""
        return self.problem is None and self.version == self.head


@dataclass(frozen=True, slots=True)
class Upgraded:
    """From which schema to which; `backup` is the copy made before, None where nothing had to be done or on PostgreSQL."""

    before: int
    after: int
    backup: Path | None


def exist(target: str) -> bool:
    """Whether there are books, or anything else, at `target`; nothing is made."""
    if not is_postgres(target):
        return Path(target).exists()
    engine = open_engine(target)
    try:
        with transaction(engine, write=False) as connection:
            return not schema.is_empty(connection)
    finally:
        engine.dispose()


def status(target: str) -> SchemaStatus:
    """What the books at `target` are; BooksUnusable where there are none (they are not made)."""
    engine = _existing(target)
    try:
        place = _place(engine, target)
        with transaction(engine, write=False) as connection:
            found = schema.identity(connection, place)
            size, problem = _size(connection, target), _problem(connection)
        kind = engine.dialect.name
        return SchemaStatus(kind, place, size, found.version, schema.HEAD, found.environment, found.database_id, problem)
    finally:
        engine.dispose()


def upgrade(target: str, backup_to: Path, *, versions: str = migrations.VERSIONS, head: int = schema.HEAD) -> Upgraded:
    """Every migration that the books have not had, all of them or none; a SQLite file is first copied to `backup_to`.

    PostgreSQL has its own tools for copies (pg_dump): make one before. Nothing is done where the schema is the newest.
    """
    engine = _existing(target)
    if not is_postgres(target):
        event.listen(engine, "connect", _lift_foreign_keys)
    try:
        with transaction(engine, write=False) as connection:
            before = _version(connection, _place(engine, target), head)
        if before == head:
            return Upgraded(before, before, None)
        kept = None if is_postgres(target) else backup(target, backup_to)
        with transaction(engine, write=True) as connection:  # asked again: another process may have been quicker
            after = migrations.run(connection, _version(connection, _place(engine, target), head), versions=versions)
        return Upgraded(before, after, kept)
    finally:
        engine.dispose()


def _existing(target: str) -> Engine:
    if not is_postgres(target) and not Path(target).is_file():
        raise BooksUnusable(f"there are no books at {target}", hint="they are made by the first command that needs them")
    return open_engine(target)


def _lift_foreign_keys(connection: sqlite3.Connection, _: Any) -> None:
    """Within a transaction SQLite would ignore this; see `migrations.run`."""
    connection.execute("PRAGMA foreign_keys=OFF")


def _version(connection: Connection, place: str, head: int) -> int:
    version = schema.identity(connection, place).version
    if version > head:
        raise SchemaNewer(f"{place} has schema {version}; this cardctl knows {head}")
    return version


def _place(engine: Engine, target: str) -> str:
    return engine.url.render_as_string(hide_password=True) if is_postgres(target) else target


def _size(connection: Connection, target: str) -> int:
    if is_postgres(target):
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
    return sum(os.stat(f"{target}{end}").st_size for end in ("", "-wal") if os.path.exists(f"{target}{end}"))


def _problem(connection: Connection) -> str | None:
    try:
        return first_problem(connection) if connection.dialect.name == "sqlite" else None
    except BooksCorrupt as error:
        return error.message
