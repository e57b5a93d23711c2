"""Copies of the books: making one while they are in use, and putting one back. For SQLite; PostgreSQL has pg_dump."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection

from cardctl.db import schema
from cardctl.db.engine import COMPANIONS, draft_beside, is_postgres, open_engine, os_failure, place, sync_directory
from cardctl.db.failures import sqlite_failure
from cardctl.db.unit import transaction
from cardctl.errors import BadFile, BooksCorrupt, BooksForeign, BooksLocked, BooksUnusable, SchemaNewer, Unsupported


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back: its schema and environment, and where the file that it replaced is kept (None: there was none)."""

    version: int
    environment: str
    replaced: Path | None


def backup(target: str, to: Path) -> Path:
    """A whole, checked copy of the books as one file, 0600; writers go on meanwhile. BadFile where `to` exists already."""
    source = _file(target, "pg_dump")
    if not source.is_file():
        raise BooksUnusable(f"there are no books at {target}")
    if to.exists():
        raise BadFile(f"{to} exists already, and a backup replaces nothing")
    with draft_beside(to) as draft:
        _copy(source, draft)
        _identity(draft, str(source))
        _as_one_file(draft)
        if not place(draft, to):
            raise BadFile(f"{to} exists already, and a backup replaces nothing")
    return to


def restore(
    target: str,
    from_path: Path,
    *,
    environment: str | None = None,
    agreed: Callable[[schema.Identity], None] = lambda _: None,
) -> Restored:
    """Put a copy in the place of the books. It must be whole, cardctl's, of no newer schema, and of the same environment.

    The environment is that of the books it replaces, or where they cannot be read any more the one that is given. All of this
    is known before anything is touched, and `agreed`, which may raise, is asked then; the file that was there is kept beside.
    BooksLocked while another process has it open.
    """
    path = _file(target, "pg_restore")
    if not from_path.is_file():
        raise BadFile(f"there is no file {from_path}")
    with draft_beside(path) as draft:
        _copy(from_path, draft)
        found = _identity(draft, str(from_path))
        if found.version > schema.HEAD:
            raise SchemaNewer(f"{from_path} has schema {found.version}; this cardctl knows {schema.HEAD}")
        wanted = _environment(path) or environment
        if wanted not in (None, found.environment):
            raise BooksForeign(f"{from_path} belongs to the environment {found.environment}, not {wanted}")
        agreed(found)
        with _alone(path):
            replaced = _exchange(draft, path)
    return Restored(found.version, found.environment, replaced)


def first_problem(connection: Connection) -> str | None:
    """What SQLite's own check finds first; None where the file is whole."""
    found = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one())
    if found != "ok":
        return found
    row = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    return None if row is None else f"a row of {row[0]} refers to a row of {row[2]} that is not there"


def _file(target: str, tool: str) -> Path:
    if is_postgres(target):
        raise Unsupported("cardctl makes no copies of books on PostgreSQL", hint=f"use PostgreSQL's own {tool}")
    return Path(target)


def _copy(source: Path, to: Path) -> None:
    """SQLite's online copy: one snapshot, however busy the source is."""
    try:
        with closing(_raw(source, "ro")) as books, closing(_raw(to, "rw")) as copy:
            books.backup(copy)
    except sqlite3.Error as error:
        blamed = to if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL else source
        raise sqlite_failure(error, blamed, has_room=True) or BooksUnusable(f"{source} cannot be copied: {error}") from error


def _identity(draft: Path, called: str) -> schema.Identity:
    """What a copy says of itself, once it is proven whole; BooksCorrupt, by the name of its source, where it is not."""
    engine = open_engine(str(draft))
    try:
        with transaction(engine, write=False) as connection:
            found, problem = schema.identity(connection, called), first_problem(connection)
    except BooksCorrupt as error:
        raise BooksCorrupt(error.message.replace(str(draft), called), hint="choose another copy") from error
    finally:
        engine.dispose()
    if problem is not None:
        raise BooksCorrupt(f"{called} is damaged: {problem}", hint="choose another copy")
    return found


def _as_one_file(draft: Path) -> None:
    """Durable, and without a write-ahead log: then a copy is one file, readable where nothing can be written."""
    with closing(_raw(draft, "rw")) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")
    handle = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _environment(path: Path) -> str | None:
    """The environment of the books that are to be replaced; None where there are none, or they cannot be read."""
    if not path.is_file() or not path.stat().st_size:
        return None
    engine = open_engine(str(path))
    try:
        with transaction(engine, write=False) as connection:
            return schema.identity(connection, str(path)).environment
    except BooksUnusable:
        return None
    finally:
        engine.dispose()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Held by nobody else: leaving WAL mode is refused while any other connection has the file open. A wreck has no locks."""
    if not path.is_file():
        yield
        return
    with closing(_raw(path, "rw")) as books:
        try:
            books.execute("PRAGMA journal_mode=DELETE")
            books.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            failure = sqlite_failure(error, path, has_room=True)
            if isinstance(failure, BooksLocked):
                raise BooksLocked(f"{path} is in use", hint="end what else uses this profile, then restore again") from error
            if not isinstance(failure, BooksCorrupt):
                raise (failure or BooksUnusable(str(error))) from error
        yield


def _exchange(draft: Path, path: Path) -> Path | None:
    try:
        if not path.exists():
            if not place(draft, path):
                raise BooksLocked(f"{path} has just been made by another process")
            return None
        aside = _keep_aside(path)
        for end in COMPANIONS:  # a write-ahead log left by a wreck would be applied to the file that comes in
            if os.path.exists(f"{path}{end}"):
                os.replace(f"{path}{end}", f"{aside}{end}")
        draft.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise os_failure(error, path) from error
    return aside


def _keep_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.replaced-{number}")).exists():
        number += 1
    os.link(path, aside)  # so that at no instant there are no books
    return aside


def _raw(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode={mode}", uri=True, timeout=0, isolation_level=None)
