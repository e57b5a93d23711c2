"""The repository of daily figures: rows of `days` ⇄ `Day`, and the sums over transactions and cards that they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, insert, select, update

from cardctl.db.columns import moment_to_text
from cardctl.db.selecting import narrowed, stream
from cardctl.db.tables import CardRow, DayRow, TransactionRow, table_of
from cardctl.domain.days import Day
from cardctl.domain.money import Money
from cardctl.domain.states import FINAL, CardState
from cardctl.domain.transactions import TransactionKind, TransactionState

_D, _T, _C = (table_of(row) for row in (DayRow, TransactionRow, CardRow))
_K = TransactionKind
_DAY = func.substr(_T.c.occurred_at, 1, 10)
_BORN = func.substr(_C.c.created_at, 1, 10)


@dataclass(frozen=True, slots=True)
class Sums:
    """What happened on one day in one currency, in minor units."""

    purchases: int = 0
    volume: int = 0
    refunds: int = 0
    refunded: int = 0
    declines: int = 0
    funded: int = 0
    withdrawn: int = 0


@dataclass(frozen=True, slots=True)
class Born:
    """The cards that were made on one day: how many of them are not closed by now, and how many are active."""

    programme: str
    provider: str
    currency: str
    day: date
    lasting: int
    active: int


Key = tuple[date, str]
"""A day and a currency."""


class Days:
    """Daily figures of our books, one row for a programme, a day and a currency."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, since: date, provider: str | None = None) -> Iterator[Day]:
        """The days from `since` on, newest first, streamed."""
        query = narrowed(select(_D).where(_D.c.day >= since.isoformat()), (_D.c.provider, provider))
        return map(_from_row, stream(self._connection, query.order_by(_D.c.day.desc(), _D.c.programme, _D.c.currency)))

    def of_programme(self, programme: str, since: date) -> dict[Key, Day]:
        """A programme's days from `since` on."""
        query = select(_D).where(_D.c.programme == programme, _D.c.day >= since.isoformat())
        found = map(_from_row, self._connection.execute(query))
        return {(day.day, day.currency): day for day in found}

    def last_final(self, programme: str) -> date | None:
        """The last day of a programme that changes no more."""
        query = select(func.max(_D.c.day)).where(_D.c.programme == programme, _D.c.final.is_(True))
        found = self._connection.execute(query).scalar_one()
        return None if found is None else date.fromisoformat(found)

    def cards(self) -> list[Born]:
        """Every card, counted by programme, currency and the day on which it was made, oldest first."""
        columns = _C.c.programme, _C.c.provider, _C.c.currency, _BORN
        counts = _many(_C.c.state.not_in(sorted(FINAL))), _many(_C.c.state == CardState.ACTIVE)
        found = self._connection.execute(select(*columns, *counts).group_by(*columns).order_by(_BORN, *columns))
        return [
            Born(programme, provider, currency, date.fromisoformat(day), int(lasting), int(active))
            for programme, provider, currency, day, lasting, active in found
        ]

    def first_day(self, programme: str, since: date) -> date | None:
        """The first day from `since` on on which something happened in a programme."""
        query = select(func.min(_T.c.occurred_at)).where(_T.c.programme == programme, _T.c.occurred_at >= _start(since))
        found = self._connection.execute(query).scalar_one()
        return None if found is None else date.fromisoformat(found[:10])

    def sums(self, programme: str, since: date, until: date) -> dict[Key, Sums]:
        """What happened from `since` on and before `until`, by day and currency; the database adds up."""
        query = (
            select(_DAY, _T.c.amount_currency, *_SUMS)
            .where(_T.c.programme == programme, _T.c.occurred_at >= _start(since), _T.c.occurred_at < _start(until))
            .group_by(_DAY, _T.c.amount_currency)
        )
        found = self._connection.execute(query)
        return {(date.fromisoformat(day), currency): Sums(*map(int, figures)) for day, currency, *figures in found}

    def put(self, days: Sequence[Day]) -> int:
        """The days as they are now, new or not, save those that are final; how many were written."""
        written = 0
        for day in days:
            row = _to_row(day)
            kept = self._connection.execute(select(_D.c.final).where(_named(day))).scalar_one_or_none()
            if kept is None:
                self._connection.execute(insert(_D).values(row))
            elif not kept:
                self._connection.execute(update(_D).where(_named(day)).values(row))
            written += not kept
        return written


def _start(day: date) -> str:
    return moment_to_text(datetime.combine(day, time(), UTC))


def _named(day: Day) -> ColumnElement[bool]:
    return and_(_D.c.programme == day.programme, _D.c.day == day.day.isoformat(), _D.c.currency == day.currency)


def _is(kind: TransactionKind) -> ColumnElement[bool]:
    return and_(_T.c.kind == kind, _T.c.state == TransactionState.SETTLED)


def _many(which: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.sum(case((which, 1), else_=0))


def _minor(which: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.sum(case((which, _T.c.amount_minor), else_=0))


_SUMS = (
    _many(_is(_K.SETTLEMENT)),
    _minor(_is(_K.SETTLEMENT)),
    _many(_is(_K.REFUND)),
    _minor(_is(_K.REFUND)),
    _many(_T.c.kind == _K.DECLINE),
    _minor(_is(_K.FUNDING)),
    _minor(_is(_K.WITHDRAWAL)),
)


def _to_row(day: Day) -> dict[str, Any]:
    return {
        "programme": day.programme,
        "day": day.day.isoformat(),
        "currency": day.currency,
        "provider": day.provider,
        "purchases": day.purchases,
        "volume_minor": day.volume.minor,
        "refunds": day.refunds,
        "refunded_minor": day.refunded.minor,
        "declines": day.declines,
        "funded_minor": day.funded.minor,
        "withdrawn_minor": day.withdrawn.minor,
        "active_cards": day.active_cards,
        "final": day.final,
        "written_at": moment_to_text(day.written_at),
    }


def _from_row(row: Sequence[Any]) -> Day:
    """A day of all columns in the table's order."""
    programme, day, currency, provider, purchases, volume, refunds, refunded, declines, funded, withdrawn, *rest = row
    active_cards, final, written_at = rest
    return Day(
        programme,
        date.fromisoformat(day),
        currency,
        provider,
        purchases,
        Money(volume, currency),
        refunds,
        Money(refunded, currency),
        declines,
        Money(funded, currency),
        Money(withdrawn, currency),
        active_cards,
        bool(final),
        datetime.fromisoformat(written_at),
    )
