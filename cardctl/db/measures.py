"""What the books can prove of speed and success, and how many of what they hold: sums made by the database; reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, DateTime, Select, case, cast, extract, func, select, text

from cardctl.db.columns import moment_from_text, moment_to_text
from cardctl.db.event_tables import UNFINISHED
from cardctl.db.selecting import narrowed, within
from cardctl.db.tables import AlertRow, BreakRow, CallRow, CardRow, EventRow, OperationRow, RunRow, table_of
from cardctl.domain.breaks import RunState
from cardctl.domain.events import EventState
from cardctl.domain.operations import OperationState
from cardctl.domain.standing import Answers, Counts, LastRun
from cardctl.domain.targets import IN_TIME, rank

_O, _K, _E, _C = (table_of(row) for row in (OperationRow, CallRow, EventRow, CardRow))
_B, _A, _R = (table_of(row) for row in (BreakRow, AlertRow, RunRow))
_ISSUE = "card.issue"
_ENDED = OperationState.DONE, OperationState.REFUSED, OperationState.IN_DOUBT
_PROCESSED = EventState.APPLIED, EventState.IGNORED
_MILLI = 1_000


class Measures:
    """Figures of our books; `since` is when a thing began (was made, came, ended for a call), `provider` None is all."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def creations(self, since: datetime, provider: str | None = None) -> tuple[int, int]:
        """How many cards were issued, of how many issues that ended or are in doubt."""
        query = select(*_of_all(_O.c.state == OperationState.DONE)).where(_O.c.kind == _ISSUE, _O.c.state.in_(_ENDED))
        return self._pair(within(narrowed(query, (_O.c.provider, provider)), _O.c.created_at, since, None))

    def processed(self, since: datetime, now: datetime, provider: str | None = None) -> tuple[int, int]:
        """How many events are applied or ignored, of how many that were believed; one that just came is not late yet."""
        query = select(*_of_all(_E.c.state.in_(_PROCESSED))).where(
            _E.c.state != EventState.QUARANTINED,
            (_E.c.state != EventState.RECEIVED) | (_E.c.received_at <= moment_to_text(now - IN_TIME)),
        )
        return self._pair(within(narrowed(query, (_E.c.provider, provider)), _E.c.received_at, since, None))

    def money_moved(self, since: datetime, now: datetime, provider: str | None = None) -> tuple[int, int | None]:
        """How many operations were sent to move money, and the 95th percentile of their time, in microseconds.

        The time goes from the intent to the known outcome. What was sent and has none yet counts as long as it has waited,
        once that is late: to leave it out would make the worst look like nothing.
        """
        ended = func.coalesce(_O.c.finished_at, moment_to_text(now))
        taken = micros_of(self._connection, ended) - micros_of(self._connection, _O.c.created_at)
        query = select(taken).where(
            _O.c.amount_minor.is_not(None),
            _O.c.sent_at.is_not(None),
            _O.c.finished_at.is_not(None) | (_O.c.created_at <= moment_to_text(now - IN_TIME)),
        )
        query = within(narrowed(query, (_O.c.provider, provider)), _O.c.created_at, since, None)
        return self._percentile(query, taken)

    def answers(self, since: datetime, provider: str | None = None) -> list[Answers]:
        """The attempts at each provider. The times are of those that brought an answer: silence is not one."""
        waited = func.sum(case((_K.c.status.is_not(None), _K.c.latency_ms)))
        columns: tuple[ColumnElement[Any], ...] = _K.c.provider, *map(_how_many, _OUTCOMES), waited
        query = select(*columns)
        query = within(narrowed(query, (_K.c.provider, provider)), _K.c.at, since, None)
        found = self._connection.execute(query.group_by(_K.c.provider).order_by(_K.c.provider))
        told: list[Answers] = []
        for name, answered, refused, failed, silent, ms in found:
            micros = None if ms is None else int(ms) * _MILLI
            slowest = self.slowest_answers(since, name)[1]
            told.append(Answers(name, int(answered), int(refused), int(failed), int(silent), micros, slowest))
        return told

    def slowest_answers(self, since: datetime, provider: str | None = None) -> tuple[int, int | None]:
        """How many answers came, and the 95th percentile of their times, in microseconds."""
        query = narrowed(select(_K.c.latency_ms).where(_K.c.status.is_not(None)), (_K.c.provider, provider))
        sample, ms = self._percentile(within(query, _K.c.at, since, None), _K.c.latency_ms)
        return sample, None if ms is None else ms * _MILLI

    def cards(self, provider: str | None = None) -> Counts:
        return self._counts((_C.c.provider, _C.c.state), provider)

    def operations(self, provider: str | None = None) -> Counts:
        return self._counts((_O.c.provider, _O.c.state), provider)

    def events(self, provider: str | None = None) -> Counts:
        return self._counts((_E.c.provider, _E.c.state), provider)

    def breaks(self, provider: str | None = None) -> Counts:
        return self._counts((_B.c.provider, _B.c.state, _B.c.severity), provider)

    def alerts(self) -> Counts:
        """By state and severity alone: an alert may be about no provider."""
        return self._counts((_A.c.state, _A.c.severity), None)

    def last_run(self) -> LastRun | None:
        """The last reconcile run that began; None where none ever did."""
        columns = _R.c.id, _R.c.state, _R.c.started_at, _R.c.finished_at, _R.c.found, _R.c.fixed
        query = select(*columns).order_by(_R.c.started_at.desc(), _R.c.id.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        done = self._connection.execute(select(func.max(_R.c.finished_at)).where(_R.c.state == RunState.DONE)).scalar_one()
        return LastRun(
            row.id,
            RunState(row.state),
            datetime.fromisoformat(row.started_at),
            moment_from_text(row.finished_at),
            row.found,
            row.fixed,
            moment_from_text(done),
        )

    def oldest_unapplied_at(self, provider: str | None = None) -> datetime | None:
        """When the oldest event came that is still to be applied; the dead are not, until a person says so."""
        # in the index's own words: SQLite cannot tell from a parameter that it may use it
        query = select(func.min(_E.c.received_at)).where(text(UNFINISHED), _E.c.state != EventState.DEAD)
        return moment_from_text(self._connection.execute(narrowed(query, (_E.c.provider, provider))).scalar_one())

    def _counts(self, columns: Sequence[Column[Any]], provider: str | None) -> Counts:
        query = select(*columns, func.count()).group_by(*columns).order_by(*columns)
        if provider is not None:
            query = query.where(columns[0] == provider)
        return {tuple(key): int(many) for *key, many in self._connection.execute(query)}

    def _pair(self, query: Select[Any]) -> tuple[int, int]:
        good, total = self._connection.execute(query).one()
        return int(good or 0), int(total)

    def _percentile(self, query: Select[Any], value: ColumnElement[Any]) -> tuple[int, int | None]:
        """The rows of `query`, and the 95th percentile of `value`: from above, so that the database sorts little."""
        sample = int(self._connection.execute(select(func.count()).select_from(query.subquery())).scalar_one())
        if not sample:
            return 0, None
        found = self._connection.execute(query.order_by(value.desc()).offset(sample - rank(sample)).limit(1)).scalar_one()
        return sample, int(found)


def micros_of(connection: Connection, moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """A stored time as whole microseconds; each database counts in its own words."""
    if connection.dialect.name == "postgresql":
        return cast(extract("epoch", cast(moment, DateTime(timezone=True))) * 1_000_000, BigInteger)
    seconds = cast(func.strftime("%s", func.substr(moment, 1, 19)), BigInteger)
    return seconds * 1_000_000 + cast(func.substr(moment, 21, 6), BigInteger)


def _of_all(good: ColumnElement[bool]) -> tuple[ColumnElement[Any], ...]:
    return _how_many(good), func.count()


def _how_many(which: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.sum(case((which, 1), else_=0))


_FAILED = (_K.c.status == 429) | (_K.c.status >= 500)
_OUTCOMES = (_K.c.status < 400, (_K.c.status >= 400) & ~_FAILED, _FAILED, _K.c.status.is_(None))
