"""How an alert's state moves: by what a check finds (pure), and by people, with a reason, audited."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cardctl.db.alerts import AlertFilter
from cardctl.db.unit import Books, Unit
from cardctl.domain.alerts import FREEZE, Action, Alert, AlertState, Fired, Rule, Thresholds
from cardctl.errors import AmbiguousName, BadInput, NotFound, StateForbids

_S = AlertState


@dataclass(frozen=True, slots=True)
class Person:
    """Who moves an alert, and when."""

    books: Books
    now: datetime
    actor: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of the alerts that were named; `already` are those that were so before."""

    alerts: list[Alert]
    already: list[str]


def found(kept: Alert | None, fired: Fired, limits: Thresholds, now: datetime) -> Alert:
    """What an alert is after a check that found its condition.

    kept            after
    none, cleared   firing anew: nobody was told, the card is to be frozen again
    firing          firing: told once is enough
    acknowledged    acknowledged, until the condition ends
    snoozed         snoozed; once that ran out, firing anew
    """
    anew = kept is None or kept.state is _S.CLEARED or (kept.state is _S.SNOOZED and _over(kept, now))
    action = limits.action(fired.rule)
    if kept is None or anew:
        return _alert(fired, action, now, first_at=now, occurrences=1)
    done = {FREEZE: kept.evidence[FREEZE]} if FREEZE in kept.evidence else {}
    seen = _alert(fired, action, now, first_at=kept.first_at, occurrences=kept.occurrences + 1)
    return replace(
        seen,
        state=kept.state,
        evidence={**fired.evidence, **done},
        notified_at=kept.notified_at,
        snoozed_until=kept.snoozed_until,
        reason=kept.reason,
    )


def missed(kept: Alert, now: datetime) -> Alert:
    """What an alert is after a check that did not find its condition: cleared, but a snooze lasts, so that what comes and goes
    stays quiet."""
    if kept.state is _S.SNOOZED and not _over(kept, now):
        return kept
    return replace(kept, state=_S.CLEARED, snoozed_until=None)


def after_check(
    kept: Mapping[str, Alert], fired: Sequence[Fired], limits: Thresholds, now: datetime, *, unsure: Collection[Rule] = ()
) -> list[Alert]:
    """Every alert that a check found or that was not cleared, as it is afterwards. `unsure` rules did not tell all they found:
    what they left out may go on."""
    told = {each.fingerprint: found(kept.get(each.fingerprint), each, limits, now) for each in fired}
    rest = [each for each in kept.values() if each.fingerprint not in told and each.state is not _S.CLEARED]
    return [*told.values(), *(missed(each, now) for each in rest if each.rule not in unsure)]


def acknowledge(person: Person, names: Sequence[str], reason: str) -> Moved:
    """Somebody has seen them: they stay quiet until they end. NotFound, AmbiguousName, StateForbids for one that has ended."""
    return _move(person, "alert.ack", names, reason, _S.ACKNOWLEDGED, None)


def snooze(person: Person, names: Sequence[str], reason: str, length: timedelta) -> Moved:
    """They stay quiet for so long from now, whatever becomes of them; the same errors."""
    return _move(person, "alert.snooze", names, reason, _S.SNOOZED, person.now + length)


def list_alerts(
    books: Books,
    *,
    state: AlertState | None = None,
    rule: Rule | None = None,
    provider: str | None = None,
    card_id: str | None = None,
    cleared: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> Iterator[Alert]:
    """The alerts, last found first, streamed; with `cleared` also those that have ended."""
    wanted = AlertFilter(state, rule, provider, card_id, cleared, since, until, limit)
    with books.read() as unit:
        yield from unit.alerts.rows(wanted)


def _move(person: Person, action: str, names: Sequence[str], reason: str, state: AlertState, until: datetime | None) -> Moved:
    """All of them, or none where one is not there or has ended."""
    if not reason.strip():
        raise BadInput("--reason is empty", hint="say why; it is kept")
    with person.books.write() as unit:
        named = list(dict.fromkeys(_only(unit, name).fingerprint for name in names))
        kept = unit.alerts.by_fingerprints(named)
        ended = [name for name in named if kept[name].state is _S.CLEARED]
        if ended:
            raise StateForbids(f"{', '.join(ended)}: it has ended, there is nothing to see to", hint="see `cardctl alert list`")
        already = [name for name in named if kept[name].state is state and kept[name].snoozed_until == until]
        moved = {
            name: replace(kept[name], state=state, snoozed_until=until, reason=reason) for name in named if name not in already
        }
        unit.alerts.save_many(list(moved.values()))
        for name, after in moved.items():
            _audit(unit, person, action, kept[name], after)
        now = unit.alerts.by_fingerprints(named)
    return Moved([now[name] for name in named], already)


def _audit(unit: Unit, person: Person, action: str, before: Alert, after: Alert) -> None:
    then, now = ({"state": str(each.state), "snoozed_until": _text(each.snoozed_until)} for each in (before, after))
    changed = [key for key in then if then[key] != now[key]]
    unit.audit.append(
        person.now,
        person.actor,
        action,
        before.fingerprint,
        {key: then[key] for key in changed},
        {key: now[key] for key in changed},
        after.reason,
        person.correlation_id,
    )


def _only(unit: Unit, name: str) -> Alert:
    there = unit.alerts.find(name)
    if not there:
        raise NotFound("alert", name, hint="see `cardctl alert list`")
    if len(there) > 1:
        raise AmbiguousName(f"more than one alert answers to {name!r}", hint="give more of its fingerprint")
    return there[0]


def _alert(fired: Fired, action: Action, now: datetime, *, first_at: datetime, occurrences: int) -> Alert:
    return Alert(
        fired.fingerprint,
        fired.rule,
        fired.severity,
        _S.FIRING,
        fired.provider,
        fired.programme,
        fired.subject,
        fired.card_id,
        fired.text,
        fired.value,
        fired.threshold,
        dict(fired.evidence),
        action,
        first_at,
        now,
        occurrences,
    )


def _over(kept: Alert, now: datetime) -> bool:
    return kept.snoozed_until is None or kept.snoozed_until <= now


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
