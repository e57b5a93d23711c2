"""Which schema a database has, and making a new one; inside a transaction that somebody else began."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

from cardctl.db.tables import Row
from cardctl.errors import BooksCorrupt, BooksForeign, SchemaNewer, SchemaOlder

HEAD = 6
"""The number of the last migration; the tables are what it leads to."""

_VERSIONS = "SELECT n FROM schema_version"
_META = "SELECT key, value FROM meta WHERE key IN ('application', 'environment', 'database_id')"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a database says of itself."""

    version: int
    environment: str
    database_id: str


def is_empty(connection: Connection) -> bool:
    """True where there is no table at all, neither ours nor anybody else's."""
    return not inspect(connection).get_table_names()


def create(connection: Connection, environment: str) -> None:
    """The newest schema, straight from the tables; migrations lead to the same (a test holds them equal)."""
    Row.metadata.create_all(connection, checkfirst=False)
    stamp(connection, HEAD)
    introduce(connection, environment)


def introduce(connection: Connection, environment: str) -> None:
    """Make an empty schema a database of cardctl's, belonging to one environment for good; the audit chain begins."""
    meta = {"application": "cardctl", "environment": environment, "database_id": os.urandom(16).hex()}
    for key, value in meta.items():
        connection.execute(text("INSERT INTO meta (key, value) VALUES (:key, :value)"), {"key": key, "value": value})
    connection.execute(text("INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, :hash)"), {"hash": "0" * 64})


def stamp(connection: Connection, version: int) -> None:
    """Record the number of the last migration."""
    connection.execute(text("DELETE FROM schema_version"))
    connection.execute(text("INSERT INTO schema_version (n) VALUES (:n)"), {"n": version})


def identity(connection: Connection, name: str) -> Identity:
    """What the database called `name` says of itself; BooksCorrupt where it is not cardctl's."""
    if connection.dialect.name == "sqlite":
        tables = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('meta', 'schema_version')"
    else:
        tables = (
            "SELECT count(*) FROM information_schema.tables"
            " WHERE table_schema = current_schema() AND table_name IN ('meta', 'schema_version')"
        )
    if connection.exec_driver_sql(tables).scalar_one() != 2:
        raise BooksCorrupt(f"{name} is not a cardctl database", hint="name another one, or bring back a good copy")
    versions = connection.exec_driver_sql(_VERSIONS).scalars().all()
    meta = {row.key: row.value for row in connection.exec_driver_sql(_META)}
    if len(versions) != 1 or meta.get("application") != "cardctl" or not meta.get("environment"):
        raise BooksCorrupt(f"{name} is not a whole cardctl database")
    return Identity(versions[0], meta["environment"], meta.get("database_id", ""))


def check(found: Identity, name: str, environment: str) -> None:
    """SchemaNewer, SchemaOlder or BooksForeign unless these books are of this cardctl and of `environment`."""
    if found.environment != environment:
        raise BooksForeign(
            f"{name} belongs to the environment {found.environment}, not {environment}",
            hint="each profile has books of its own; see `cardctl profile show`",
        )
    if found.version > HEAD:
        raise SchemaNewer(f"{name} has schema {found.version}; this cardctl knows {HEAD}")
    if found.version < HEAD:
        raise SchemaOlder(f"{name} has schema {found.version}; this cardctl needs {HEAD}")
