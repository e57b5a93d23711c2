"""Small facts of the books: `meta` (what this database is) and `cursors` (how far a programme's stream has been read)."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, select, update

from cardctl.db.tables import CursorRow, MetaRow, table_of

_M = table_of(MetaRow)
_C = table_of(CursorRow)
_GET = select(_M.c.value).where(_M.c.key == bindparam("key"))


class Meta:
    """Texts by key."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> str | None:
        return self._connection.execute(_GET, {"key": key}).scalar_one_or_none()

    def set(self, key: str, value: str) -> None:
        changed = self._connection.execute(update(_M).where(_M.c.key == key).values(value=value))
        if not changed.rowcount:
            self._connection.execute(insert(_M).values(key=key, value=value))


class Cursors:
    """The position of a stream, in the provider's own words."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, programme: str, stream: str) -> str | None:
        query = select(_C.c.position).where(_C.c.programme == programme, _C.c.stream == stream)
        return self._connection.execute(query).scalar_one_or_none()

    def set(self, programme: str, stream: str, position: str) -> None:
        change = update(_C).where(_C.c.programme == programme, _C.c.stream == stream).values(position=position)
        if not self._connection.execute(change).rowcount:
            self._connection.execute(insert(_C).values(programme=programme, stream=stream, position=position))
