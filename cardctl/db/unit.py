"""The unit of work: the only thing that begins and commits. What is read and written within it is in the repositories."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cached_property
from pathlib import Path
from stat import S_ISDIR
from typing import Any

from sqlalchemy import Connection, Engine, Result

from cardctl.db import engine as opening
from cardctl.db import schema
from cardctl.db.engine import is_postgres, make_file, open_engine, os_failure
from cardctl.db.repositories import Unit as Unit  # noqa: PLC0414 - its other name
from cardctl.db.sealed import Box, EncryptionKeys, Ring
from cardctl.errors import BooksCorrupt, BooksLocked, BooksUnusable


class Books:
    """Our books at `target` (a path, or a postgresql:// URL), which belong to one environment. Opened on first use.

    `keys` is asked for when something sealed is first opened or sealed, not before, and again where they do not fit. Safe for
    threads: each unit has a connection of its own. Raises BooksUnusable and its kinds, BooksLocked, and WrongEncryptionKey.
    """

    def __init__(self, target: str, *, environment: str, keys: Callable[[], EncryptionKeys]) -> None:
        self._target = target
        self._environment = environment
        self._keys = keys
        self._guard = threading.Lock()
        self._turn = threading.Lock()
        self._engine: Engine | None = None
        self._prepared = False

    def write(self) -> AbstractContextManager[Unit]:
        """A unit that is committed whole at its end, or not at all; one writer at a time, waited for up to 30 s."""
        return self._unit(write=True)

    def read(self) -> AbstractContextManager[Unit]:
        """A unit over one snapshot, which never holds up a writer and cannot write."""
        return self._unit(write=False)

    def prepare(self) -> None:
        """Make the books where there are none, and check that they are ours: schema, environment. Safe to race and repeat."""
        with self._guard:
            if self._prepared:
                return
            engine = self._open()
            with transaction(engine, write=False) as connection:
                if not self._is_new(connection):
                    schema.check(schema.identity(connection, self.name), self.name, self._environment)
                    self._prepared = True
                    return
            with transaction(engine, write=True) as connection:
                if self._is_new(connection):
                    schema.create(connection, self._environment)
            self._prepared = True

    def close(self) -> None:
        """Give the connections back; the books open again when they are used again."""
        with self._guard:
            if self._engine is not None:
                self._engine.dispose()
            self._engine, self._prepared = None, False

    @property
    def name(self) -> str:
        """How messages call these books; never with a password."""
        return self._open().url.render_as_string(hide_password=True) if is_postgres(self._target) else self._target

    @cached_property
    def _ring(self) -> Ring:
        return Ring(self._keys())

    def _ring_anew(self, unfit: Ring) -> Ring | None:
        """The keys as they are now, beside those that did not fit; None where nobody has changed them."""
        with self._guard:
            if self._ring is unfit:
                anew = Ring(self._keys(), unfit)
                if anew.same_as(unfit):
                    return None
                self._ring = anew
            return self._ring

    @contextmanager
    def _unit(self, *, write: bool) -> Iterator[Unit]:
        self.prepare()
        assert self._engine is not None
        with (
            self._in_turn() if write else nullcontext(),
            transaction(self._engine, write=write, commit=self._commit) as connection,
        ):
            yield Unit(connection, Box(connection, lambda: self._ring, writable=write, anew=self._ring_anew))

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """One writing thread of this process at a time: they need not poll for each other, as for other processes they must."""
        if not self._turn.acquire(timeout=opening.WAIT_SECONDS):
            raise BooksLocked(f"{self.name} is being written by this very process", hint="try again")
        try:
            yield
        finally:
            self._turn.release()

    def _commit(self, connection: Connection) -> None:
        connection.commit()

    def _is_new(self, connection: Connection) -> bool:
        """Only a PostgreSQL schema can be empty: a new SQLite file appears whole, and one that became empty is damaged."""
        return connection.dialect.name == "postgresql" and schema.is_empty(connection)

    def _open(self) -> Engine:
        if self._engine is None:
            if not is_postgres(self._target):
                self._find_file(Path(self._target))
            self._engine = open_engine(self._target)
        return self._engine

    def _find_file(self, path: Path) -> None:
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            make_file(path, self._fill)
            return
        except OSError as error:
            raise os_failure(error, path) from error
        if S_ISDIR(found.st_mode):
            raise BooksUnusable(f"{path} is a directory, not a file for the books")
        if found.st_size == 0:
            raise BooksCorrupt(f"{path} is empty: it has lost its books, or never was a database")

    def _fill(self, engine: Engine) -> None:
        with transaction(engine, write=True) as connection:
            schema.create(connection, self._environment)


def _plain_commit(connection: Connection) -> None:
    connection.commit()


@contextmanager
def transaction(engine: Engine, *, write: bool, commit: Callable[[Connection], None] = _plain_commit) -> Iterator[Connection]:
    """One transaction: committed at the end of a write, and rolled back whole on anything that goes wrong, Ctrl-C included.

    Streams that nobody read to their end (see `selecting.stream`) end with it.
    """
    streams: list[Result[Any]] = []
    with engine.connect().execution_options(write=write, streams=streams) as connection:
        try:
            connection.begin()
            yield connection
            _close(streams)
            if not write:
                connection.rollback()
                return
            _check_begun(connection)
            commit(connection)
        except BaseException:
            with suppress(Exception):  # the connection may be what broke; the first error is the one to tell
                _close(streams)
            connection.rollback()
            raise


def _close(streams: list[Result[Any]]) -> None:
    for stream in streams:
        stream.close()


def _check_begun(connection: Connection) -> None:
    """SQLite ends a transaction by itself on some errors (a full disk); what came after it must not pass as committed."""
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite" and not getattr(driver, "in_transaction", True):
        raise BooksUnusable("the transaction was ended by an earlier error; nothing of it is kept")
