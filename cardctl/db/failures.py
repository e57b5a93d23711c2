"""What a driver's error means: two tables, one per database. Nothing here touches a database."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlalchemy import URL

from cardctl.errors import BooksCorrupt, BooksLocked, BooksReadOnly, BooksUnusable, CardctlError, DiskFull

_DAMAGED = "no such table", "no such column", "Could not decode"
_POSTGRES: tuple[tuple[set[str], type[CardctlError], str], ...] = (  # by SQLSTATE
    ({"53100"}, DiskFull, "has no room left"),
    (
        {"55P03", "40P01", "40001"},
        BooksLocked,
        "is locked by another process; try again",
    ),
    ({"25006"}, BooksReadOnly, "is read-only"),
    (
        {"42P01", "42703", "XX000", "XX001", "XX002"},
        BooksCorrupt,
        "is damaged, or is not cardctl's",
    ),
)


def sqlite_failure(error: BaseException, path: Path, *, has_room: bool) -> CardctlError | None:
    """Our word for a SQLite error over the file `path`; None for what is a bug of ours (a constraint, wrong SQL)."""
    if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        return None
    code = getattr(error, "sqlite_errorcode", 0)
    primary, moved = code & 0xFF, code == sqlite3.SQLITE_READONLY_DBMOVED
    if primary == sqlite3.SQLITE_FULL or (primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and not has_room):
        return DiskFull(f"no room left to write {path}")
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BooksLocked(f"{path} is locked by another process", hint="try again; see what else uses this profile")
    refused = primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM) and not moved
    if refused or (primary == sqlite3.SQLITE_CANTOPEN and not _writable(path)):
        return BooksReadOnly(f"{path} cannot be written")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR) or str(error).startswith(_DAMAGED):
        return BooksCorrupt(f"{path} is damaged, or is no database: {error}")
    return BooksUnusable(f"{path} cannot be used: {'it was replaced meanwhile' if moved else error}")


def postgres_failure(error: BaseException, url: URL) -> CardctlError | None:
    """Our word for a psycopg error; never says the password. None for what is a bug of ours."""
    import psycopg  # noqa: PLC0415 - an optional extra, and slow to load

    if not isinstance(error, psycopg.Error) or isinstance(error, psycopg.IntegrityError | psycopg.DataError):
        return None
    place = f"PostgreSQL at {url.host or 'the local socket'}, database {url.database or url.username}"
    state = error.sqlstate or ""
    for states, kind, words in _POSTGRES:
        if state in states:
            return kind(f"{place} {words}")
    if isinstance(error, psycopg.ProgrammingError) and state != "42501":
        return None
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if url.password:
        said = said.replace(str(url.password), "***")
    return BooksUnusable(f"{place} cannot be used: {said}", hint="check that the server runs, and the secret db.url")


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
