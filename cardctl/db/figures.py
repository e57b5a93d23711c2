"""The repository of figures that alerts are judged by: counts and sums over calls, events, operations, runs, breaks and audit,
made by the database; the spending of cards is spending.py's. Reads alone."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, case, distinct, func, or_, select

from cardctl.db.columns import moment_from_text, moment_to_text
from cardctl.db.tables import AuditRow, BreakRow, CallRow, CardRow, EventRow, OperationRow, RunRow, table_of
from cardctl.domain.breaks import WAITING, RunState, Severity
from cardctl.domain.events import EventState
from cardctl.domain.operations import OperationState
from cardctl.domain.states import CardState

_A = table_of(AuditRow)
_B = table_of(BreakRow)
_C = table_of(CallRow)
_D = table_of(CardRow)
_E = table_of(EventRow)
_O = table_of(OperationRow)
_R = table_of(RunRow)
_STOPPED = {
    CardState.FROZEN: _A.c.after.contains('"state":"frozen"'),
    CardState.SUSPENDED: _A.c.after.contains('"state":"suspended"'),
}
_FINISHED = _R.c.state.in_([RunState.DONE, RunState.PARTIAL])
_NAMED = 10
"""So many objects are named as evidence."""
_RUNS = 20


@dataclass(frozen=True, slots=True)
class Latency:
    """Attempts at a programme and the milliseconds that they took together."""

    programme: str
    calls: int
    total_ms: int


@dataclass(frozen=True, slots=True)
class Load:
    """Attempts at a programme: in its busiest minute, and those that were answered 429."""

    programme: str
    busiest: int
    turned_away: int


@dataclass(frozen=True, slots=True)
class Refusals:
    """Attempts that were answered 401 since the last that succeeded, and 403, with the paths that were."""

    programme: str
    unknown: int
    forbidden: int
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a programme's things went wrong."""

    programme: str
    wrong: int
    of: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """Things of a programme that wait for a person, the first of them by name."""

    programme: str
    count: int
    ids: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Drift:
    """What the last run that read a programme found in one currency, in minor units."""

    programme: str
    currency: str
    here: int
    there: int
    drift: int
    run_id: str


@dataclass(frozen=True, slots=True)
class Freezes:
    """Cards of a programme that were stopped, by day: the last 24 hours first."""

    programme: str
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StoppedCard:
    """A card that is stopped, and was so lately."""

    card_id: str
    programme: str
    last4: str
    state: str
    at: datetime
    action: str
    actor: str
    reason: str | None


class Figures:
    """Figures of some programmes."""

    def __init__(self, connection: Connection, programmes: Collection[str]) -> None:
        self._connection = connection
        self._programmes = list(programmes)

    def latency(self, since: datetime) -> list[Latency]:
        query = select(_C.c.programme, func.count(), func.sum(_C.c.latency_ms)).where(*self._calls(since))
        return [Latency(name, count, int(total)) for name, count, total in self._all(query.group_by(_C.c.programme))]

    def load(self, since: datetime) -> list[Load]:
        minute = func.substr(_C.c.at, 1, 16)
        turned = func.sum(case((_C.c.status == 429, 1), else_=0))
        by_minute = (
            select(_C.c.programme, func.count().label("n"), turned.label("turned"))
            .where(*self._calls(since))
            .group_by(_C.c.programme, minute)
            .subquery()
        )
        c = by_minute.c
        query = select(c.programme, func.max(c.n), func.sum(c.turned)).group_by(c.programme)
        return [Load(name, busiest, int(turned)) for name, busiest, turned in self._all(query)]

    def refusals(self, since: datetime) -> list[Refusals]:
        """A success after a 401 shows that the key was put right; a 403 may be about one path alone, and stands."""
        good = (
            select(_C.c.programme, func.max(_C.c.at).label("at"))
            .where(*self._calls(since), _C.c.status.between(200, 299))
            .group_by(_C.c.programme)
            .subquery()
        )
        query = (
            select(_C.c.programme, _C.c.status, _C.c.operation, func.count())
            .outerjoin(good, good.c.programme == _C.c.programme)
            .where(*self._calls(since), _C.c.status.in_([401, 403]))
            .where(or_(_C.c.status == 403, good.c.at.is_(None), _C.c.at > good.c.at))
            .group_by(_C.c.programme, _C.c.status, _C.c.operation)
            .order_by(_C.c.programme, func.count().desc(), _C.c.operation)
        )
        found: dict[str, Refusals] = {}
        for name, status, path, count in self._all(query):
            before = found.get(name, Refusals(name, 0, 0, ()))
            unknown, forbidden = (count, 0) if status == 401 else (0, count)
            paths = (*before.paths, path)[:_NAMED]
            found[name] = Refusals(name, before.unknown + unknown, before.forbidden + forbidden, paths)
        return list(found.values())

    def event_failures(self, since: datetime) -> list[Share]:
        """Of the events that came since then, those that could not be applied."""
        wrong = _E.c.state.in_([EventState.FAILED, EventState.DEAD])
        return self._shares(_E.c.programme, wrong, self._of(_E.c.programme), _E.c.received_at >= moment_to_text(since))

    def events_stuck(self, before: datetime) -> list[Stuck]:
        """Events that are dead, or failed and came before then."""
        late = (_E.c.state == EventState.FAILED) & (_E.c.received_at < moment_to_text(before)) & _E.c.waits_for.is_(None)
        return self._stuck(_E.c.programme, _E.c.id, or_(_E.c.state == EventState.DEAD, late))

    def creations(self, since: datetime) -> list[Share]:
        """Of the cards that were to be issued since then, those that were not, or nobody knows."""
        wrong = _O.c.state.in_([OperationState.REFUSED, OperationState.IN_DOUBT])
        ended = _O.c.state.in_([OperationState.DONE, OperationState.REFUSED, OperationState.IN_DOUBT])
        made = _O.c.kind == "card.issue", _O.c.created_at >= moment_to_text(since)
        return self._shares(_O.c.programme, wrong, self._of(_O.c.programme), ended, *made)

    def in_doubt(self, before: datetime) -> list[Stuck]:
        """Operations in doubt, and those that were sent before then and ended never: their process was killed."""
        cut = (_O.c.state == OperationState.SENT) & (_O.c.sent_at < moment_to_text(before))
        return self._stuck(_O.c.programme, _O.c.id, or_(_O.c.state == OperationState.IN_DOUBT, cut))

    def critical_breaks(self) -> list[Stuck]:
        """Critical breaks that nobody has seen to, by type."""
        waiting = _B.c.state.in_(list(WAITING)) & (_B.c.severity == Severity.CRITICAL)
        return self._stuck(_B.c.programme, _B.c.fingerprint, waiting, kind=_B.c.type)

    def last_run(self) -> tuple[datetime, datetime | None] | None:
        """When the first run began and when the last one that concluded ended; None where there never was any."""
        began = moment_from_text(self._connection.execute(select(func.min(_R.c.started_at))).scalar_one())
        ended = self._connection.execute(select(func.max(_R.c.finished_at)).where(_FINISHED)).scalar_one()
        return None if began is None else (began, moment_from_text(ended))

    def drifts(self) -> list[Drift]:
        """By programme and currency, from the last run that read the programme."""
        query = select(_R.c.id, _R.c.figures).where(_FINISHED).order_by(_R.c.started_at.desc(), _R.c.id.desc()).limit(_RUNS)
        found: dict[str, list[Drift]] = {}
        for run_id, figures in self._all(query):
            told: dict[str, list[Drift]] = {}
            for total in json.loads(figures).get("totals", []):
                if "drift" not in total:  # a saved card has no balance
                    continue
                name, numbers = total["programme"], (total["balance_here"], total["balance_there"], total["drift"])
                if name in self._programmes and name not in found:
                    told.setdefault(name, []).append(Drift(name, total["currency"], *numbers, run_id))
            found |= told
        return [drift for drifts in found.values() for drift in drifts]

    def freezes(self, now: datetime, days: int) -> list[Freezes]:
        """Cards that were frozen or blocked in the last 24 hours, and in each of as many times 24 hours before."""
        hour = func.substr(_A.c.at, 1, 13)
        query = self._stops(now - timedelta(days=days + 1), hour, func.count(distinct(_A.c.object)))
        counts: dict[str, list[int]] = {}
        for name, began, count in self._all(query.group_by(_D.c.programme, hour)):
            age = (now - datetime.fromisoformat(f"{began}:00:00Z")) // timedelta(days=1)
            if 0 <= age <= days:
                counts.setdefault(name, [0] * (days + 1))[age] += count
        return [Freezes(name, tuple(found)) for name, found in counts.items()]

    def stopped_cards(self, since: datetime, limit: int) -> list[StoppedCard]:
        """Cards that are frozen or blocked and became so since then, each with the last entry that says so."""
        last = self._stops(since, _A.c.object, func.max(_A.c.seq).label("seq")).group_by(_D.c.programme, _A.c.object).subquery()
        query = (
            select(_D.c.id, _D.c.programme, _D.c.last4, _D.c.state, _A.c.at, _A.c.action, _A.c.actor, _A.c.reason)
            .join(last, last.c.seq == _A.c.seq)
            .join(_D, _D.c.id == _A.c.object)
            .where(_D.c.state.in_(list(_STOPPED)))
            .order_by(_A.c.seq)
            .limit(limit)
        )
        return [_stopped(row) for row in self._all(query)]

    def _stops(self, since: datetime, *columns: ColumnElement[Any]) -> Any:
        """Entries of the audit that say that a card was stopped."""
        joined = select(_D.c.programme, *columns).select_from(_A).join(_D, _D.c.id == _A.c.object)
        return joined.where(_A.c.at >= moment_to_text(since), or_(*_STOPPED.values()), self._of(_D.c.programme))

    def _shares(self, programme: Column[Any], wrong: ColumnElement[bool], *wanted: ColumnElement[bool]) -> list[Share]:
        query = select(programme, func.sum(case((wrong, 1), else_=0)), func.count()).where(*wanted).group_by(programme)
        return [Share(name, int(bad), count) for name, bad, count in self._all(query)]

    def _stuck(
        self, programme: Column[Any], id_: Column[Any], waits: ColumnElement[bool], *, kind: Column[Any] | None = None
    ) -> list[Stuck]:
        keys = [programme] if kind is None else [programme, kind]
        counted = select(func.count(), *keys).where(waits, self._of(programme)).group_by(*keys).order_by(*keys)
        found = []
        for count, name, *kinds in self._all(counted):
            its_own = [key == value for key, value in zip(keys, (name, *kinds), strict=True)]
            ids = self._connection.execute(select(id_).where(waits, *its_own).order_by(id_).limit(_NAMED)).scalars()
            found.append(Stuck(name, count, tuple(ids), *kinds))
        return found

    def _calls(self, since: datetime) -> tuple[ColumnElement[bool], ...]:
        return self._of(_C.c.programme), _C.c.at >= moment_to_text(since)

    def _of(self, programme: Column[Any]) -> ColumnElement[bool]:
        return programme.in_(self._programmes)

    def _all(self, query: Any) -> Any:
        return self._connection.execute(query).all()


def _stopped(row: Sequence[Any]) -> StoppedCard:
    card_id, programme, last4, state, at, *why = row
    return StoppedCard(card_id, programme, last4, state, datetime.fromisoformat(at), *why)
