"""The repository of alerts: rows of `alerts` ⇄ `Alert`. What fires and what becomes of it, services/flows/alerting says."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from cardctl.db.columns import canonical, free, moment_from_text, moment_or_none, moment_to_text
from cardctl.db.many import chunks, insert_rows
from cardctl.db.selecting import find_by_name, narrowed, stream, within
from cardctl.db.tables import AlertRow, table_of
from cardctl.domain.alerts import Action, Alert, AlertState, Evidence, Rule
from cardctl.domain.breaks import Severity

_A = table_of(AlertRow)
_ALERT = select(_A)
_NEWEST = _A.c.last_at.desc(), _A.c.fingerprint.desc()


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts; last found from `since` on and before `until`. `state` None: all but the cleared, or with `cleared` all."""

    state: AlertState | None = None
    rule: Rule | None = None
    provider: str | None = None
    card_id: str | None = None
    cleared: bool = False
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


class Alerts:
    """Alerts of our books, one row to a fingerprint."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, filter: AlertFilter = AlertFilter()) -> Iterator[Alert]:  # noqa: A002
        """The alerts, last found first, streamed."""
        query = narrowed(
            _ALERT,
            (_A.c.state, filter.state),
            (_A.c.rule, filter.rule),
            (_A.c.provider, filter.provider),
            (_A.c.card_id, filter.card_id),
        )
        if filter.state is None and not filter.cleared:
            query = query.where(_A.c.state != AlertState.CLEARED)
        query = within(query, _A.c.last_at, filter.since, filter.until).order_by(*_NEWEST).limit(filter.limit)
        return map(alert_from_row, stream(self._connection, query))

    def living(self, programmes: Collection[str], *, general: bool) -> list[Alert]:
        """Those of the programmes that are not cleared, and with `general` those that are about no single programme."""
        ours = [_A.c.programme.in_(list(programmes))] + ([_A.c.programme.is_(None)] if general else [])
        query = _ALERT.where(_A.c.state.in_([state for state in AlertState if state is not AlertState.CLEARED]), or_(*ours))
        return [alert_from_row(row) for row in self._connection.execute(query)]

    def by_fingerprints(self, fingerprints: Iterable[str]) -> dict[str, Alert]:
        """Those that are in the books, by their fingerprint."""
        known: dict[str, Alert] = {}
        for chunk in chunks(fingerprints):
            rows = self._connection.execute(_ALERT.where(_A.c.fingerprint.in_(chunk)))
            known.update((row.fingerprint, alert_from_row(row)) for row in rows)
        return known

    def find(self, name: str) -> list[Alert]:
        """Up to three alerts with that fingerprint, or a prefix of it (8 or more)."""
        rows = find_by_name(self._connection, _ALERT, [_A.c.fingerprint], name, programme=None, prefix=True)
        return [alert_from_row(row) for row in rows]

    def save_many(self, alerts: Sequence[Alert]) -> None:
        """Every field of alerts, whether or not they were in the books."""
        for chunk in chunks(alert.fingerprint for alert in alerts):
            self._connection.execute(delete(_A).where(_A.c.fingerprint.in_(chunk)))
        rows = [alert_to_row(alert) for alert in alerts]
        if rows:
            insert_rows(self._connection, _A, list(rows[0]), [tuple(row.values()) for row in rows])

    def told(self, fingerprints: Iterable[str], at: datetime) -> None:
        """Somebody was told of these; what happened to them meanwhile stays."""
        for chunk in chunks(fingerprints):
            told = update(_A).where(_A.c.fingerprint.in_(chunk)).values(notified_at=moment_to_text(at))
            self._connection.execute(told)

    def note(self, fingerprint: str, evidence: Evidence) -> None:
        """What is known of one now; all else of it stays."""
        self._connection.execute(update(_A).where(_A.c.fingerprint == fingerprint).values(evidence=canonical(evidence)))


def alert_to_row(alert: Alert) -> dict[str, Any]:
    """The columns of an alert as they are stored."""
    return {
        "fingerprint": alert.fingerprint,
        "rule": alert.rule,
        "severity": alert.severity,
        "state": alert.state,
        "provider": alert.provider,
        "programme": alert.programme,
        "subject": free(alert.subject),
        "card_id": alert.card_id,
        "text": free(alert.text),
        "value": free(alert.value),
        "threshold": free(alert.threshold),
        "evidence": canonical(alert.evidence),
        "action": alert.action,
        "first_at": moment_to_text(alert.first_at),
        "last_at": moment_to_text(alert.last_at),
        "occurrences": alert.occurrences,
        "notified_at": moment_or_none(alert.notified_at),
        "snoozed_until": moment_or_none(alert.snoozed_until),
        "reason": free(alert.reason),
    }


def alert_from_row(row: Sequence[Any]) -> Alert:
    """An alert of all columns in the table's order."""
    # fmt: off
    (
        fingerprint, rule, severity, state, provider, programme, subject, card_id, text, value, threshold, evidence, action,
        first_at, last_at, occurrences, notified_at, snoozed_until, reason,
    ) = row
    # fmt: on
    return Alert(
        fingerprint,
        Rule(rule),
        Severity(severity),
        AlertState(state),
        provider,
        programme,
        subject,
        card_id,
        text,
        value,
        threshold,
        json.loads(evidence),
        Action(action),
        datetime.fromisoformat(first_at),
        datetime.fromisoformat(last_at),
        occurrences,
        moment_from_text(notified_at),
        moment_from_text(snoozed_until),
        reason,
    )
