"""Deleting every row of a simulator's books within one unit; the file, its schema and its identity stay."""

from __future__ import annotations

from sqlalchemy import Connection, delete, update

from cardctl.db.meta import Meta
from cardctl.db.tables import AuditHeadRow, MetaRow, Row, SchemaVersionRow, table_of
from cardctl.domain.audit import GENESIS
from cardctl.errors import DevelopmentOnly

_M = table_of(MetaRow)
_H = table_of(AuditHeadRow)
_KEPT = _M, _H, table_of(SchemaVersionRow)
_IDENTITY = "application", "environment", "database_id"


def empty(connection: Connection) -> dict[str, int]:
    """How many rows were deleted, by table. The audit chain begins anew, and any encryption key fits again.

    DevelopmentOnly unless the books themselves say that they are a simulator's.
    """
    if Meta(connection).get("environment") != "simulator":
        raise DevelopmentOnly("only a simulator's books can be emptied")
    nouns = [table for table in reversed(Row.metadata.sorted_tables) if table not in _KEPT]
    deleted = {table.name: connection.execute(delete(table)).rowcount for table in nouns}
    connection.execute(delete(_M).where(_M.c.key.not_in(_IDENTITY)))
    connection.execute(update(_H).values(seq=0, hash=GENESIS))
    return dict(sorted(deleted.items()))
