"""Our books' side of a comparison: accounts, cards and money events of one programme, sorted by the provider's names, streamed.

Straight from the driver: of five million rows each costs what a tuple costs, and none is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, func, select

from cardctl.db.tables import CardRow, TransactionRow, table_of

_C = table_of(CardRow)
_T = table_of(TransactionRow)
_FETCHED = 2_000
_ACCOUNTS = "SELECT ref, state, kyc, id, updated_at FROM accounts WHERE programme = {mark} AND ref IS NOT NULL ORDER BY ref"
_CARDS = (
    "SELECT c.ref, a.ref, c.state, c.currency, c.last4, c.exp_month, c.exp_year, c.holder, c.per_transaction_minor,"
    " c.daily_minor, c.weekly_minor, c.monthly_minor, c.allowance_minor, c.balance_minor, {never}, c.ever_active,"
    " '', c.id, c.updated_at, c.created_at"
    " FROM cards c JOIN accounts a ON a.id = c.account_id WHERE c.programme = {mark} ORDER BY c.ref"
)
_MONEY = (  # the cards' index gives the order; each card's events lie together in theirs
    "SELECT t.ref, t.kind, t.state, t.amount_minor, t.impact_minor, t.amount_currency, t.parent_ref, t.occurred_at,"
    " t.merchant_name, t.merchant_mcc, t.authorization_code, t.progress,"
    " COALESCE(t.remote_ref, CASE WHEN t.kind = 'funding' AND EXISTS (SELECT 1 FROM operations o WHERE o.id = t.ref"
    " AND o.kind = 'card.issue') THEN c.ref END), c.ref"  # money that a card was made with is joined to the card
    " FROM cards c CROSS JOIN transactions t WHERE t.card_id = c.id AND c.programme = {mark}{since} ORDER BY c.ref"
)
_SINCE = " AND t.occurred_at >= {mark}"


class Comparable:
    """Reads for comparing; rows are tuples of the words of AccountSide, CardSide and MoneySide, in their order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def accounts(self, programme: str) -> Iterator[tuple[Any, ...]]:
        """Those that the provider has a name for, by that name."""
        return self._rows(_ACCOUNTS, programme)

    def cards(self, programme: str) -> Iterator[tuple[Any, ...]]:
        """By the provider's name for the card."""
        return self._rows(_CARDS, programme)

    def money(self, programme: str, since: str | None) -> Iterator[tuple[Any, ...]]:
        """Money events by the provider's name for their card, in no order within it; what occurred from `since` on."""
        values = (programme,) if since is None else (programme, since)
        return self._rows(_MONEY, *values, since=_SINCE if since else "")

    def refs(self, table: str, programme: str) -> Iterator[str]:
        """The provider's names of `cards` or `accounts` that may still change, oldest first."""
        query = f"SELECT ref FROM {table} WHERE programme = {{mark}} AND ref IS NOT NULL AND state NOT IN ('closed', 'failed')"  # noqa: S608
        return (row[0] for row in self._rows(f"{query} ORDER BY created_at, id", programme))

    def frozen_since(self, card_id: str) -> str | None:
        """When the books heard that a card which is frozen was; None where they never did."""
        mark = mark_of(self._connection)  # straight to the driver: many may be asked for
        query = f"SELECT at, after FROM audit WHERE object = {mark} ORDER BY seq DESC LIMIT 50"  # noqa: S608 - no text of anybody's
        for at, after in self._connection.exec_driver_sql(query, (card_id,)):
            if json.loads(after).get("state") == "frozen":
                return str(at)
        return None

    def states(self, programme: str) -> dict[str, int]:
        """How many cards are in which state."""
        query = select(_C.c.state, func.count()).where(_C.c.programme == programme).group_by(_C.c.state)
        return {str(state): int(many) for state, many in self._connection.execute(query.order_by(_C.c.state))}

    def balances(self, programme: str, *, shared: bool) -> dict[str, int]:
        """What all cards that are not closed can still spend, by currency, in minor units; a `shared` balance counts once for
        its holder."""
        wanted = _C.c.programme == programme, _C.c.state.not_in(("closed", "failed")), _C.c.balance_minor.is_not(None)
        query = select(_C.c.balance_currency, func.sum(_C.c.balance_minor)).where(*wanted).group_by(_C.c.balance_currency)
        if shared:
            each = func.max(_C.c.balance_minor).label("minor")
            inner = select(_C.c.balance_currency.label("currency"), each).where(*wanted)
            held = inner.group_by(_C.c.account_id, _C.c.balance_currency).subquery()
            query = select(held.c.currency, func.sum(held.c.minor)).group_by(held.c.currency)
        return {str(currency): int(minor) for currency, minor in self._connection.execute(query)}

    def _rows(self, query: str, *values: str, since: str = "") -> Iterator[tuple[Any, ...]]:
        mark = mark_of(self._connection)
        statement = query.format(mark=mark, since=since.format(mark=mark), never="0" if mark == "?" else "false")
        return streamed(self._connection, statement, values)


def mark_of(connection: Connection) -> str:
    """What stands for a value in a statement that goes straight to the driver."""
    return "?" if connection.dialect.name == "sqlite" else "%s"


def streamed(connection: Connection, statement: str, values: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """Rows as the driver has them; the stream ends with the unit, whether or not it was read to its end."""
    result = connection.exec_driver_sql(statement, values, execution_options={"stream_results": True})
    streams = connection.get_execution_options()["streams"]
    streams[:] = [*(each for each in streams if not each.closed), result]
    if connection.dialect.name == "sqlite":
        cursor: Any = result.cursor
        while rows := cursor.fetchmany(_FETCHED):
            yield from rows
    else:  # of a result from a server, SQLAlchemy has read some rows ahead
        for part in result.partitions(_FETCHED):
            yield from map(tuple, part)
    result.close()
