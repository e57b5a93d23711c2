"""Opening a database: SQLite or PostgreSQL, pragmas, file modes, and the one table that turns a driver's error into ours.

Nothing here begins or commits; unit.py does.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import uniform
from time import sleep
from typing import Any, cast
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from cardctl.db.failures import postgres_failure, sqlite_failure
from cardctl.errors import BooksReadOnly, BooksUnusable, DiskFull

WAIT_SECONDS = 30
"""How long a writer waits for another one."""

COMPANIONS = "-wal", "-shm", "-journal"
"""What SQLite keeps beside a file while it is in use."""

_OS_FAILURES: dict[int, type[BooksUnusable]] = {
    errno.ENOSPC: DiskFull,
    errno.EDQUOT: DiskFull,
    errno.EACCES: BooksReadOnly,
    errno.EPERM: BooksReadOnly,
    errno.EROFS: BooksReadOnly,
}
_WRITER_KB, _READER_KB = 65_536, 2_048
"""At most so much of a SQLite file a connection keeps in memory: a long intake what it touches of the indexes; a list, which
sees each row once, next to nothing."""
_KEPT_OPEN = 128
"""Connections to a file, as many as threads that a list may have: opening one costs as much as a hundred statements. The last
one given back is taken first: it alone still has in memory what it wrote."""
_KEPT_AT_SERVER, _MOST_AT_SERVER = 16, 64
"""Connections to PostgreSQL, where each is a process of a server that others use too."""
_LOG_PAGES = 4000
"""How long the write-ahead log grows (16 MB) before it goes into the file: a sync touches the same pages again and again."""
_WRITER_LOCK = 0x63617264  # "card": the advisory lock that makes PostgreSQL have one writer at a time, as SQLite has


def is_postgres(target: str) -> bool:
    """Whether a target is a PostgreSQL URL; everything else is a path."""
    return target.startswith(("postgresql://", "postgresql+psycopg://", "postgres://"))


def open_engine(target: str) -> Engine:
    """An engine over a path (SQLite; the file must exist, see `make_file`) or a postgresql:// URL. Opens nothing yet.

    A connection with the execution option `write` begins as a writer, any other as a reader of one snapshot.
    Raises subclasses of BooksUnusable, and BooksLocked, instead of the driver's errors; integrity errors pass as they are.
    """
    return _postgres(target) if is_postgres(target) else _sqlite(Path(target))


def make_file(path: Path, fill: Callable[[Engine], None]) -> None:
    """A new SQLite file, whole or not at all, that `fill` has filled; somebody else's, made meanwhile, is left as it is."""
    with draft_beside(path) as draft:
        engine = _sqlite(draft)
        try:
            fill(engine)
        finally:
            engine.dispose()
        place(draft, path)


@contextmanager
def draft_beside(path: Path) -> Iterator[Path]:
    """An empty file, 0600, in the directory of `path`, gone at the end unless `place` gave it its name."""
    try:
        make_directory(path.parent)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise os_failure(error, path) from error
    try:
        yield Path(name)
    finally:
        for end in ("", *COMPANIONS):
            Path(name + end).unlink(missing_ok=True)


def place(draft: Path, path: Path) -> bool:
    """Give a finished file its name, durably and without ever replacing another; False where the name was taken."""
    try:
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links: the name is claimed first, then taken
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                return False
            draft.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise os_failure(error, path) from error
    return True


def make_directory(directory: Path) -> None:
    """The directory and its missing parents, each 0700 from its first instant on."""
    for missing in reversed([level for level in (directory, *directory.parents) if not level.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def sync_directory(directory: Path) -> None:
    """Makes the names in a directory durable."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def os_failure(error: OSError, path: Path) -> BooksUnusable:
    """What the file system's refusal means for our books."""
    kind = _OS_FAILURES.get(error.errno or 0, BooksUnusable)
    return kind(f"cannot write {path}: {error.strerror or error}")


def _sqlite(path: Path) -> Engine:
    # mode=rw: a missing file is never made here, where its mode would be the umask's
    address = f"file:{quote(str(path.absolute()))}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)

    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, creator=connect, hide_parameters=True, pool_size=_KEPT_OPEN, pool_use_lifo=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("write", False)
        driver = cast(sqlite3.Connection, connection.connection.driver_connection)  # straight: these are half of a unit's cost
        # A reader that writes by mistake is told so at once; its changes would be lost at the end of its snapshot.
        driver.execute(f"PRAGMA query_only={'OFF' if write else 'ON'}")
        driver.execute(f"PRAGMA cache_size=-{_WRITER_KB if write else _READER_KB}")
        if write:
            _queue(driver, path)
        else:
            driver.execute("BEGIN")

    @event.listens_for(engine, "handle_error")
    def translate(context: ExceptionContext) -> None:
        _raise(sqlite_failure(context.original_exception, path, has_room=_has_room(path)), context)

    return engine


def _queue(connection: sqlite3.Connection, path: Path) -> None:
    """BEGIN IMMEDIATE, in turn with other processes; BooksLocked where the turn does not come in time.

    SQLite's own busy handler polls the less often the longer it has waited, so that newcomers overtake: of sixteen
    writers some waited for seven seconds. Here each polls alike, every few milliseconds, and Ctrl-C is heard.
    """
    waited = 0.0
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.DatabaseError as error:
                if waited >= WAIT_SECONDS or getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                    raise sqlite_failure(error, path, has_room=_has_room(path)) or error from error
            pause = uniform(0.002, 0.010)  # noqa: S311 - no secret: it only spreads the processes out
            sleep(pause)
            waited += pause
    finally:
        connection.execute(f"PRAGMA busy_timeout={WAIT_SECONDS * 1000}")


def _postgres(target: str) -> Engine:
    try:
        url = make_url(target).set(drivername="postgresql+psycopg")
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=_KEPT_AT_SERVER,
            max_overflow=_MOST_AT_SERVER - _KEPT_AT_SERVER,
            connect_args={"connect_timeout": 10},
        )
    except (ArgumentError, ValueError):
        raise BooksUnusable("the database URL cannot be read", hint="postgresql://user@host:5432/name") from None
    except ModuleNotFoundError as error:
        raise BooksUnusable(
            f"books on PostgreSQL need the Python package {error.name}", hint="pip install 'cardctl[postgres]'"
        ) from error

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("write", False):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    @event.listens_for(engine, "handle_error")
    def translate(context: ExceptionContext) -> None:
        _raise(postgres_failure(context.original_exception, url), context)

    return engine


def _raise(failure: Exception | None, context: ExceptionContext) -> None:
    if failure is not None:
        raise failure from context.original_exception


def _has_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free > 1 << 16
    except OSError:
        return True
