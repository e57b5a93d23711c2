"""The far side's own SQLite file: opening it, its one way to write, its clock; what the bank does with it lives beside."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cardctl.errors import BadFile, BooksLocked, BooksReadOnly, BooksUnusable, CardctlError, DiskFull
from cardctl.simulator import schema, undoing
from cardctl.simulator.desk import Desk
from cardctl.simulator.telling import tell
from cardctl.simulator.touching import Listening
from cardctl.simulator.zendit.catalogue import open_shop

OPENING_FLOAT = 10_000_000_00
"""Minor units of USD that every face starts with in its Issuing balance."""

FACES = ("stripe", "marqeta", "strowallet", "zendit")
"""Those that keep money of ours: a float, or Zendit's wallet. Square keeps none: what a seller is paid goes to the seller's
bank."""

_BUSY_SECONDS = 30
_RESET_HINT = "it holds nothing but simulated objects: move it away and run the command again"


class FarSide:
    """The far side in the file `path`, made on first use (0600, its directories 0700).

    One connection, which this process's threads use one at a time. Errors: BadFile (no database, or not a simulator's),
    DiskFull, BooksReadOnly, BooksLocked (another process wrote for 30 seconds), BooksUnusable.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._db: Listening | None = None
        self._process = 0
        self._looking_back = False

    @contextmanager
    def transaction(self, face: str = "", *, silent: bool = False) -> Iterator[Desk]:
        """The only way to write: all of the block is committed with what the banks tell of it (nothing where it is `silent`),
        or none of it."""
        with self._lock, self._named_errors():
            db = self._connection()
            if self._looking_back:  # whatever it writes is rolled back with the rest
                yield Desk(db, face, self.now())
                return
            with self._written(db):
                undoing.begin(db)
                db.begin_visit(silent=silent)
                desk = Desk(db, face, self.now())
                yield desk
                if db.touched:
                    tell(desk)

    @contextmanager
    def reading(self, face: str = "") -> Iterator[Desk]:
        """One unchanging view of everything, for as long as the block lasts."""
        with self._lock, self._named_errors():
            db = self._connection()
            if self._looking_back:
                yield Desk(db, face, self.now())
                return
            db.execute("BEGIN")
            try:
                yield Desk(db, face, self.now())
            finally:
                db.execute("ROLLBACK")

    @contextmanager
    def trying(self, face: str = "") -> Iterator[Desk]:
        """Whatever is written in the block is taken back at its end, and told to nobody."""
        with self._lock, self._named_errors():
            db = self._connection()
            db.execute("BEGIN IMMEDIATE")
            try:
                db.begin_visit(silent=True)
                yield Desk(db, face, self.now())
            finally:
                db.execute("ROLLBACK")
                db.begin_visit()

    @contextmanager
    def before_the_last_write(self) -> Iterator[None]:
        """Whatever this thread reads in the block is as it was before the last write of any process."""
        with self._lock, self._named_errors():
            db = self._connection()
            db.execute("BEGIN IMMEDIATE")
            self._looking_back = True
            try:
                undoing.undo(db)
                yield
            finally:
                self._looking_back = False
                db.execute("ROLLBACK")
                db.begin_visit()

    def now(self) -> int:
        """Unix seconds of the far side's clock: the machine's, moved by every `advance`."""
        with self._lock, self._named_errors():
            row = self._connection().execute("SELECT value FROM meta WHERE key = 'clock_offset'").fetchone()
        return int(time.time()) + (int(row[0]) if row else 0)

    def advance(self, seconds: int) -> int:
        """Moves the clock on, for every process; returns the new time."""
        with self.transaction() as desk:
            desk.db.execute(
                """INSERT INTO meta VALUES ('clock_offset', ?1)
                ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + ?1""",
                (seconds,),
            )
        return self.now()

    def reset(self) -> None:
        """Back to a new bank, in one transaction; other processes may have the file open."""
        with self.transaction() as desk:
            undoing.forget(desk.db)
            for table in schema.TABLES:
                desk.db.execute(f"DELETE FROM {table}")  # noqa: S608  (our own table names)
            _open_floats(desk.db)
            open_shop(desk.db, int(time.time()))
            undoing.remember(desk.db)

    def close(self) -> None:
        with self._lock:
            if self._db is not None and self._process == os.getpid():
                self._db.close()
            self._db = None

    @contextmanager
    def _written(self, db: sqlite3.Connection) -> Iterator[None]:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._commit(db)
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _commit(self, db: sqlite3.Connection) -> None:
        db.execute("COMMIT")

    def _connection(self) -> Listening:
        if self._db is None or self._process != os.getpid():  # a connection must not cross a fork
            self._db = self._open()
            self._process = os.getpid()
            if self._db.execute("PRAGMA user_version").fetchone()[0] < schema.SCHEMA_VERSION:
                self._found(self._db)
        return self._db

    def _open(self) -> Listening:
        try:
            _make_private(self.path)
        except OSError as error:
            kind = BooksReadOnly if isinstance(error, PermissionError) else BooksUnusable
            raise kind(f"the simulator cannot make {self.path}: {error.strerror}") from error
        db = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, factory=Listening)
        try:
            self._recognise(db)
            _set_wal(db)
        except BaseException:
            db.close()
            raise
        # Enough against kill -9, which is what a simulated bank must survive; a power cut may cost its last moments.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA recursive_triggers = ON")  # so that a REPLACE remembers the row that it replaces
        return db

    def _recognise(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN")  # one view: another process may be founding the bank
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        db.execute("ROLLBACK")
        if (application or version or tables) and application != schema.APPLICATION_ID:
            raise BadFile(f"{self.path} is not a simulator's file", hint="give the simulator a path of its own")
        if version > schema.SCHEMA_VERSION:
            raise BadFile(f"{self.path} was written by a newer cardctl", hint=_RESET_HINT)

    def _found(self, db: sqlite3.Connection) -> None:
        with self._written(db):
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version >= schema.SCHEMA_VERSION:
                return  # another process was first
            later = [statement for number, added in schema.ADDED.items() if number > version for statement in added]
            for statement in [*(() if version else schema.STATEMENTS), *later]:
                db.execute(statement)
            _open_floats(db)
            open_shop(db, int(time.time()))
            undoing.forget(db)  # an older file remembers the columns that it had
            undoing.remember(db)
            db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            named = self._named(error)
            if named is None:
                raise
            raise named from error

    def _named(self, error: sqlite3.Error) -> CardctlError | None:
        match getattr(error, "sqlite_errorcode", 0) & 0xFF:
            case sqlite3.SQLITE_FULL:
                return DiskFull(f"no room left for the simulator's file {self.path}", hint="free some room")
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                return BooksReadOnly(f"the simulator's file {self.path} is read-only")
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return BooksLocked(f"another process has kept the simulator's file {self.path} for {_BUSY_SECONDS} seconds")
            case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
                return BadFile(f"{self.path} is no readable database", hint=_RESET_HINT)
            case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_IOERR:
                return BooksUnusable(f"the simulator cannot use {self.path}: {error}")
        return None


def _open_floats(db: sqlite3.Connection) -> None:
    db.executemany("INSERT OR IGNORE INTO floats VALUES (?, 'issuing', 'usd', ?)", [(face, OPENING_FLOAT) for face in FACES])


def _make_private(path: Path) -> None:
    for missing in reversed([parent for parent in path.parents if not parent.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _set_wal(db: sqlite3.Connection) -> None:
    # SQLite does not wait for others while it switches the journal, so two first users would collide.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
