"""Keeping the books: their status, bringing the schema up to date. Copies and putting them back are in copies.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine

from cardctl.db import migrations, schema
from cardctl.db.copies import backup, restore
from cardctl.db.engine import is_postgres, open_engine
from cardctl.db.unit import transaction
from cardctl.errors import BooksUnusable, SchemaNewer

__all__ = ["SchemaStatus", "Upgraded", "backup", "restore", "status", "upgrade"]


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """What the books are: `kind` sqlite or postgresql, `place` a path or a URL without password, `size` in bytes.

    `problem` is what an integrity check found first; None where the books are whole (PostgreSQL keeps its own checks).
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
        return self.problem is None and self.version == self.head


@dataclass(frozen=True, slots=True)
class Upgraded:
    """From which schema to which; `backup` is the copy made before, None where nothing had to be done or on PostgreSQL."""

    before: int
    after: int
    backup: Path | None


def status(target: str) -> SchemaStatus:
    """What the books at `target` are; they are not made where there are none (BooksUnusable)."""
    engine = _existing(target)
    try:
        with transaction(engine, write=False) as connection:
            place = engine.url.render_as_string(hide_password=True) if is_postgres(target) else target
            found = schema.identity(connection, place)
            size, problem = _size(connection), _problem(connection)
        kind = engine.dialect.name
        return SchemaStatus(kind, place, size, found.version, schema.HEAD, found.environment, found.database_id, problem)
    finally:
        engine.dispose()


def upgrade(target: str, backup_to: Path, *, versions: str = migrations.VERSIONS, head: int = schema.HEAD) -> Upgraded:
    """Every migration that the books have not had, all or none of them; a SQLite file is first copied to `backup_to`.

    PostgreSQL has its own tools for copies (pg_dump): make one before. Nothing is done where the schema is the newest.
    """
    engine = _existing(target)
    try:
        with transaction(engine, write=False) as connection:
            before = _upgradable(connection, target, head)
        if before == head:
            return Upgraded(before, before, None)
        kept = None if is_postgres(target) else backup(target, backup_to)
        with _unreferenced(engine).connect() as connection:
            connection.rollback()
        with transaction(engine, write=True) as connection:
            after = migrations.run(connection, _upgradable(connection, target, head), versions=versions)
        return Upgraded(before, after, kept)
    finally:
        engine.dispose()
