"""The repository of breaks: rows of `breaks` and `break_moves` ⇄ `Break`; what becomes of one is decided elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, func, insert, select

from cardctl.db.columns import canonical, free, moment_from_text, moment_or_none, moment_to_text, money_from_row, money_to_pair
from cardctl.db.many import Values, chunks, insert_rows
from cardctl.db.reconcile_tables import BreakMoveRow, BreakRow, RunBreakRow
from cardctl.db.selecting import find_by_name, narrowed, stream, within
from cardctl.db.tables import table_of
from cardctl.domain.breaks import Break, BreakState, BreakType, Move, Severity
from cardctl.domain.redaction import redact_json

_B = table_of(BreakRow)
_M = table_of(BreakMoveRow)
_R = table_of(RunBreakRow)
_FIELDS = [column.name for column in _B.columns]
_GRAVEST = case({str(Severity.CRITICAL): 0, str(Severity.WARNING): 1}, value=_B.c.severity, else_=2)
_ORDER = _GRAVEST, func.coalesce(_B.c.at_risk_minor, 0).desc(), _B.c.fingerprint
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class BreakFilter:
    """Which breaks; seen last from `since` on and before `until`. `states` empty: all. `run_id`: those that a run found."""

    states: frozenset[BreakState] = frozenset()
    type: BreakType | None = None
    severity: Severity | None = None
    provider: str | None = None
    programme: str | None = None
    card_id: str | None = None
    run_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


class Breaks:
    """Breaks of our books."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_many(self, fingerprints: Iterable[str]) -> dict[str, Break]:
        """Those that are there, by their fingerprint, without their moves."""
        known: dict[str, Break] = {}
        for chunk in chunks(fingerprints):
            rows = self._connection.execute(select(_B).where(_B.c.fingerprint.in_(chunk)))
            known.update((row.fingerprint, _from_row(row)) for row in rows)
        return known

    def find(self, name: str) -> list[Break]:
        """Up to three breaks that answer to a fingerprint or a prefix (8 or more) of it."""
        rows = find_by_name(self._connection, select(_B), [_B.c.fingerprint], name, programme=None, prefix=True)
        return [_from_row(row) for row in rows]

    def rows(self, filter: BreakFilter = BreakFilter(), *, moves: bool = False) -> Iterator[Break]:  # noqa: A002
        """The breaks, the gravest and dearest first, streamed; with `moves` each with its steps."""
        query = _filtered(select(_B), filter).order_by(*_ORDER).limit(filter.limit)
        found = map(_from_row, stream(self._connection, query))
        return self.with_moves(found) if moves else found

    def count(self, filter: BreakFilter) -> int:  # noqa: A002
        """How many the filter finds; its limit does not cut the number."""
        return int(self._connection.execute(_filtered(select(func.count()).select_from(_B), filter)).scalar_one())

    def tally(self, column: str, filter: BreakFilter) -> dict[str, int]:  # noqa: A002
        """How many of each `type`, `severity` or `state`."""
        query = _filtered(select(_B.c[column], func.count()), filter).group_by(_B.c[column]).order_by(_B.c[column])
        return {str(word): int(many) for word, many in self._connection.execute(query)}

    def add_many(self, breaks: Iterable[Break]) -> None:
        """New breaks."""
        insert_rows(self._connection, _B, _FIELDS, map(_values, breaks))

    def save_many(self, breaks: Sequence[Break]) -> None:
        """Every field of breaks that are in the books."""
        if not breaks:
            return
        mark = "?" if self._connection.dialect.name == "sqlite" else "%s"
        changes = ", ".join(f'"{name}" = {mark}' for name in _FIELDS[1:])
        statement = f"UPDATE breaks SET {changes} WHERE fingerprint = {mark}"  # noqa: S608 - our own names
        rows = [(*values[1:], values[0]) for values in map(_values, breaks)]
        self._connection.exec_driver_sql(statement, rows)

    def add_moves(self, moves: Iterable[tuple[str, Move]]) -> None:
        """Steps of breaks that are in the books, each with its fingerprint, behind those that are there."""
        moves = list(moves)
        last: dict[str, int] = {}
        for chunk in chunks(fingerprint for fingerprint, _ in moves):
            query = select(_M.c.fingerprint, func.max(_M.c.n)).where(_M.c.fingerprint.in_(chunk)).group_by(_M.c.fingerprint)
            last.update((fingerprint, n) for fingerprint, n in self._connection.execute(query))
        for fingerprint, move in moves:
            last[fingerprint] = last.get(fingerprint, 0) + 1
            self._connection.execute(insert(_M).values(_move_to_row(fingerprint, last[fingerprint], move)))

    def with_moves(self, breaks: Iterable[Break]) -> Iterator[Break]:
        """The same, each with its steps, oldest first."""
        batch: list[Break] = []
        for each in breaks:
            batch.append(each)
            if len(batch) == _AT_ONCE:
                yield from self._moved(batch)
                batch = []
        yield from self._moved(batch)

    def _moved(self, breaks: Sequence[Break]) -> Iterator[Break]:
        steps: dict[str, list[Move]] = {}
        for chunk in chunks(each.fingerprint for each in breaks):
            query = select(_M).where(_M.c.fingerprint.in_(chunk)).order_by(_M.c.fingerprint, _M.c.n)
            for fingerprint, _, *rest in self._connection.execute(query):
                steps.setdefault(fingerprint, []).append(_move_from_row(rest))
        return (replace(each, moves=tuple(steps.get(each.fingerprint, ()))) for each in breaks)


def _filtered(query: Select[Any], filter: BreakFilter) -> Select[Any]:  # noqa: A002
    query = narrowed(
        query,
        (_B.c.type, filter.type),
        (_B.c.severity, filter.severity),
        (_B.c.provider, filter.provider),
        (_B.c.programme, filter.programme),
        (_B.c.card_id, filter.card_id),
    )
    if filter.states:
        query = query.where(_B.c.state.in_(sorted(filter.states)))
    if filter.run_id is not None:
        query = query.where(_B.c.fingerprint.in_(select(_R.c.fingerprint).where(_R.c.run_id == filter.run_id)))
    return within(query, _B.c.last_seen_at, filter.since, filter.until)


def _values(one: Break) -> Values:
    return (
        one.fingerprint,
        str(one.type),
        str(one.severity),
        one.provider,
        one.programme,
        one.subject,
        one.card_id,
        canonical(redact_json(one.local)),
        canonical(redact_json(one.remote)),
        *money_to_pair(one.at_risk),
        canonical(one.evidence),
        one.cause,
        one.proposed_fix,
        moment_to_text(one.first_seen_at),
        moment_to_text(one.last_seen_at),
        one.occurrences,
        str(one.state),
        moment_or_none(one.snoozed_until),
        free(one.reason),
        one.last_run,
    )


def _from_row(row: Sequence[Any]) -> Break:
    """A break of all columns in the table's order."""
    # fmt: off
    (
        fingerprint, kind, severity, provider, programme, subject, card_id, local, remote, risk, risk_in, evidence, cause, fix,
        first, last, occurrences, state, snoozed_until, reason, last_run,
    ) = row
    # fmt: on
    return Break(
        fingerprint=fingerprint,
        type=BreakType(kind),
        severity=Severity(severity),
        provider=provider,
        programme=programme,
        subject=subject,
        card_id=card_id,
        local=json.loads(local),
        remote=json.loads(remote),
        at_risk=money_from_row(risk, risk_in),
        evidence=json.loads(evidence),
        cause=cause,
        proposed_fix=fix,
        first_seen_at=datetime.fromisoformat(first),
        last_seen_at=datetime.fromisoformat(last),
        occurrences=occurrences,
        state=BreakState(state),
        snoozed_until=moment_from_text(snoozed_until),
        reason=reason,
        last_run=last_run,
    )


def _move_to_row(fingerprint: str, n: int, move: Move) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint,
        "n": n,
        "at": moment_to_text(move.at),
        "actor": move.actor,
        "before": None if move.before is None else str(move.before),
        "after": str(move.after),
        "reason": free(move.reason),
        "run_id": move.run_id,
    }


def _move_from_row(row: Sequence[Any]) -> Move:
    at, actor, before, after, reason, run_id = row
    was = None if before is None else BreakState(before)
    return Move(datetime.fromisoformat(at), actor, was, BreakState(after), reason, run_id)
