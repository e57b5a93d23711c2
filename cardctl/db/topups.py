"""The repository of top-ups: rows of `topups` ⇄ `TopUp`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, and_, insert, select, update

from cardctl.db.columns import moment_to_text, money_to_row
from cardctl.db.event_tables import TopUpRow
from cardctl.db.selecting import narrowed, stream
from cardctl.db.tables import table_of
from cardctl.domain.money import Money
from cardctl.domain.topups import TopUp, TopUpState

_U = table_of(TopUpRow)


class TopUps:
    """Top-ups of our books; one is named by its programme and the provider's ref."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, programme: str, ref: str) -> TopUp | None:
        row = self._connection.execute(select(_U).where(_U.c.programme == programme, _U.c.ref == ref)).one_or_none()
        return None if row is None else _from_row(row)

    def put(self, topup: TopUp) -> None:
        """The top-up as it is now, new or not."""
        row = {
            **money_to_row("amount", topup.amount),
            "state": topup.state,
            "occurred_at": moment_to_text(topup.occurred_at),
        }
        key = {"programme": topup.programme, "ref": topup.ref}
        named = and_(_U.c.programme == topup.programme, _U.c.ref == topup.ref)
        if not self._connection.execute(update(_U).where(named).values(row)).rowcount:
            self._connection.execute(insert(_U).values(row | key))

    def rows(self, programme: str | None = None) -> Iterator[TopUp]:
        """The top-ups, newest first, streamed."""
        query = narrowed(select(_U), (_U.c.programme, programme)).order_by(_U.c.occurred_at.desc(), _U.c.ref.desc())
        return map(_from_row, stream(self._connection, query))


def _from_row(row: tuple[str, str, int, str, str, str]) -> TopUp:
    programme, ref, minor, currency, state, occurred_at = row
    return TopUp(programme, ref, Money(minor, currency), TopUpState(state), datetime.fromisoformat(occurred_at))
