"""Schema changes, each a numbered module in versions/ with an `upgrade()` of Alembic operations; and how they are run.

Which ones a database has had is one row of it, `schema_version`, changed in the same transaction as the schema.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from sqlalchemy import Connection

from cardctl.db.schema import stamp
from cardctl.errors import BooksCorrupt

VERSIONS = f"{__name__}.versions"


def run(connection: Connection, since: int, *, versions: str = VERSIONS) -> int:
    """Every migration after number `since`, in the transaction that the caller began; the number that it ends at.

    Foreign keys must not be enforced meanwhile on SQLite, where changing a table is building it anew; they are checked here.
    """
    from alembic.migration import MigrationContext  # noqa: PLC0415 - slow to load, and only needed here
    from alembic.operations import Operations  # noqa: PLC0415

    context = MigrationContext.configure(connection)
    with Operations.context(context):
        for number, module in numbered(versions):
            if number > since:
                import_module(module).upgrade()
                stamp(connection, number)
                since = number
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise BooksCorrupt("a schema change left rows without what they refer to; nothing was changed")
    return since


def numbered(versions: str = VERSIONS) -> Iterator[tuple[int, str]]:
    """The migrations' numbers and modules, in order: `0001_first` is number 1."""
    found = pkgutil.iter_modules(import_module(versions).__path__)
    for name in sorted(module.name for module in found):
        yield int(name.partition("_")[0]), f"{versions}.{name}"
