"""Keeping the books: beginning anew in the simulator. What a command may not do to the database itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cardctl.db import maintenance
from cardctl.db.engine import is_postgres
from cardctl.db.sealed import EncryptionKeys
from cardctl.db.unit import Books
from cardctl.errors import BooksCorrupt, SchemaNewer, SchemaOlder


@dataclass(frozen=True, slots=True)
class Begun:
    """What was deleted, by table; `replaced` is where books are kept that could not be read, and had to be replaced."""

    rows: dict[str, int]
    replaced: Path | None = None


def begin_anew(books: Books, target: str, *, then: Callable[[], None]) -> Begun:
    """Empty a simulator's books, and do `then` (empty the far side) before that is committed, so that a failure leaves both.

    Rows are deleted in one transaction, so other processes may have the books open. Books that cannot be read (damaged, or of
    another schema) are replaced by new ones instead and kept beside: BooksLocked while anybody uses them.
    """
    try:
        with books.write() as unit:
            rows = unit.empty()
            then()
        return Begun(rows)
    except (BooksCorrupt, SchemaOlder, SchemaNewer):
        if is_postgres(target):
            raise
    books.close()
    replaced = _replaced(Path(target))
    then()
    return Begun({}, replaced)


def _replaced(path: Path) -> Path | None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as beside:
        fresh = Path(beside, path.name)
        blank = Books(str(fresh), environment="simulator", keys=_no_keys)
        blank.prepare()
        blank.close()
        return maintenance.restore(str(path), fresh, environment="simulator").replaced


def _no_keys() -> EncryptionKeys:
    raise AssertionError("empty books have nothing sealed in them")
