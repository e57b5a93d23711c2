"""The repository of loads: fundings that can be taken back only by their name, and what is left of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from cardctl.db.columns import moment_to_text, money_to_row
from cardctl.db.selecting import found
from cardctl.db.tables import LoadRow, table_of
from cardctl.domain.cards import Load
from cardctl.domain.money import Money
from cardctl.errors import StateForbids

_L = table_of(LoadRow)
_LOAD = select(_L.c.ref, _L.c.account_id, _L.c.left_minor, _L.c.left_currency)


class Loads:
    """What our fundings brought; a load is named by its programme and the provider's ref."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, programme: str, ref: str) -> Load | None:
        row = self._connection.execute(_LOAD.where(_named(programme, ref))).one_or_none()
        return None if row is None else _load_from_row(row)

    def of_account(self, account_id: str) -> list[Load]:
        """The loads of an account that have something left, newest first."""
        query = _LOAD.where(_L.c.account_id == account_id, _L.c.left_minor > 0)
        rows = self._connection.execute(query.order_by(_L.c.created_at.desc(), _L.c.ref.desc()))
        return [_load_from_row(row) for row in rows]

    def add(self, load: Load, *, programme: str, at: datetime) -> None:
        """A funding that brought `load.left`; one that is on record already stays as it is, whatever was taken of it since."""
        if self.get(programme, load.ref) is not None:
            return
        row = {"programme": programme, "ref": load.ref, "account_id": load.account_id, "created_at": moment_to_text(at)}
        self._connection.execute(insert(_L).values(row | money_to_row("left", load.left)))

    def take(self, programme: str, ref: str, amount: Money) -> None:
        """So much of a load was taken back. NotFound where there is none, StateForbids where that is more than it has left."""
        load = found(self.get(programme, ref), "load", ref)
        if amount.currency != load.left.currency or not 0 <= amount.minor <= load.left.minor:
            raise StateForbids(f"{amount} cannot be taken of the funding {ref}: {load.left} of it is left")
        left = load.left - amount
        self._connection.execute(update(_L).where(_named(programme, ref)).values(left_minor=left.minor))


def _named(programme: str, ref: str) -> ColumnElement[bool]:
    return and_(_L.c.programme == programme, _L.c.ref == ref)


def _load_from_row(row: Any) -> Load:
    ref, account_id, minor, currency = row
    return Load(ref, account_id, Money(minor, currency))
