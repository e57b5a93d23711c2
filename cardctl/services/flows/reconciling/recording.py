"""What a run found, remembered: new breaks are opened, what came back is reopened, what is gone is resolved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from cardctl.db.breaks import BreakFilter
from cardctl.db.unit import Unit
from cardctl.domain.breaks import Break, BreakState, BreakType, Finding, Move, ReconcileRun

_AT_ONCE = 500
_S = BreakState
_PAST = frozenset(
    {
        BreakType.TRANSACTION_MISSING_HERE,
        BreakType.TRANSACTION_MISSING_THERE,
        BreakType.TRANSACTION_AMOUNT,
        BreakType.TRANSACTION_STATE,
        BreakType.TRANSACTION_DUPLICATE,
        BreakType.TRANSACTION_ORPHAN,
        BreakType.OVER_CAPTURE,
        BreakType.CAPTURE_WITHOUT_AUTHORIZATION,
        BreakType.CAPTURE_AFTER_FREEZE,
        BreakType.AUTHORIZATION_STALE,
        BreakType.REFUND_WITHOUT_PURCHASE,
        BreakType.REFUND_ABOVE_PURCHASE,
        BreakType.DECLINED_THEN_SETTLED,
        BreakType.FUNDING_UNMATCHED,
        BreakType.UNKNOWN_WORD,
        BreakType.PAYMENT_MISSING_HERE,
        BreakType.PAYMENT_MISSING_THERE,
        BreakType.PAYMENT_STATE,
        BreakType.PAYMENT_AMOUNT,
        BreakType.HOLD_LAPSING,
        BreakType.REFUND_MISSING_HERE,
        BreakType.REFUND_MISSING_THERE,
        BreakType.REFUND_STATE,
        BreakType.REFUND_AMOUNT,
        BreakType.ORDER_MISSING_HERE,
        BreakType.ORDER_PAYMENT,
        BreakType.ORDER_PAYMENT_MISSING,
        BreakType.ORDER_REFUNDED_TWICE,
        BreakType.ORDER_REFUNDED_DELIVERED,
        BreakType.ORDER_OVERDUE,
        BreakType.PURCHASE_MISSING_HERE,
        BreakType.PURCHASE_MISSING_THERE,
        BreakType.PURCHASE_STATE,
        BreakType.PURCHASE_AMOUNT,
        BreakType.PURCHASE_TWICE,
        BreakType.LEDGER_ORPHAN,
        BreakType.TOPUP_UNMATCHED,
    }
)
"""Breaks that a run over a part of the time may not have seen, though they are there."""


@dataclass(slots=True)
class Remembered:
    """How many breaks were `new`, came back, or are gone."""

    found: int = 0
    new: int = 0
    reopened: int = 0
    gone: int = 0
    moves: list[tuple[str, Move]] = field(default_factory=list)


def remember(unit: Unit, run: ReconcileRun, findings: Iterable[Finding], whole: Iterable[str], *, since: bool) -> Remembered:
    """Bring the breaks up to what `run` found. `whole` are the programmes that were read whole, of which what was not found is
    gone; `since`: only a part of the time was."""
    done = Remembered()
    source = iter(findings)
    while batch := list(islice(source, _AT_ONCE)):
        _see(unit, run, batch, done)
    for programme in whole:
        _resolve(unit, run, programme, done, since=since)
    unit.breaks.add_moves(done.moves)
    return done


def _see(unit: Unit, run: ReconcileRun, batch: list[Finding], done: Remembered) -> None:
    known = unit.breaks.get_many(each.fingerprint for each in batch)
    added, saved = dict[str, Break](), dict[str, Break]()
    for finding in batch:
        mark = finding.fingerprint
        before = known.get(mark)
        if before is None and mark not in added:
            added[mark] = _new(run, finding)
            done.new += 1
            done.moves.append((mark, Move(run.started_at, run.actor, None, _S.OPEN, None, run.id)))
        elif before is not None and mark not in saved:
            saved[mark] = _again(run, before, finding, done)
    fresh = [mark for mark in (*added, *saved) if known.get(mark) is None or known[mark].last_run != run.id]
    unit.breaks.add_many(added.values())
    unit.breaks.save_many(list(saved.values()))
    unit.runs.add_breaks(run.id, fresh)
    done.found += len(fresh)


def _new(run: ReconcileRun, finding: Finding) -> Break:
    kind = finding.kind
    return Break(
        fingerprint=finding.fingerprint,
        type=finding.type,
        severity=kind.severity,
        provider=finding.provider,
        programme=finding.programme,
        subject=finding.subject,
        card_id=finding.card_id,
        local=finding.local,
        remote=finding.remote,
        at_risk=finding.at_risk,
        evidence=finding.evidence,
        cause=kind.cause,
        proposed_fix=kind.fix,
        first_seen_at=run.started_at,
        last_seen_at=run.started_at,
        occurrences=1,
        state=_S.OPEN,
        snoozed_until=None,
        reason=None,
        last_run=run.id,
    )


def _again(run: ReconcileRun, before: Break, finding: Finding, done: Remembered) -> Break:
    """The same break, as it is now; its memory stays, and its state where somebody has seen to just this."""
    now = replace(
        _new(run, finding),
        first_seen_at=before.first_seen_at,
        occurrences=before.occurrences + (before.last_run != run.id),
        state=before.state,
        snoozed_until=before.snoozed_until,
        reason=before.reason,
    )
    state, why = _state_now(run.started_at, before, now)
    if state is before.state:
        return now
    done.reopened += state is _S.REOPENED
    done.moves.append((before.fingerprint, Move(run.started_at, run.actor, before.state, state, why, run.id)))
    return replace(now, state=state, snoozed_until=None, reason=why)


def _state_now(at: datetime, before: Break, now: Break) -> tuple[BreakState, str | None]:
    """What was resolved is back; a snooze ends; and what was accepted, or seen to, was accepted as it was then."""
    if before.state is _S.RESOLVED:
        return _S.REOPENED, "it is there again"
    if before.state is _S.SNOOZED and before.snoozed_until is not None and before.snoozed_until <= at:
        return _S.OPEN, "the snooze is over"
    known = {name: value for name, value in before.local.items() if name != "missing" or name in now.local}
    changed = (known, before.remote) != (now.local, now.remote)  # that it is in the books by now makes it no other break
    if before.state in (_S.ACCEPTED, _S.ACKNOWLEDGED) and changed:
        return _S.REOPENED, "it differs otherwise than before"
    return before.state, None


def _resolve(unit: Unit, run: ReconcileRun, programme: str, done: Remembered, *, since: bool) -> None:
    unresolved = frozenset(_S) - {_S.RESOLVED}
    gone = list(_gone(unit, run, BreakFilter(states=unresolved, programme=programme), since=since))
    done.gone += len(gone)
    done.moves += [(one.fingerprint, Move(run.started_at, run.actor, one.state, _S.RESOLVED, "gone", run.id)) for one in gone]
    unit.breaks.save_many([replace(one, state=_S.RESOLVED, snoozed_until=None, reason="gone") for one in gone])


def _gone(unit: Unit, run: ReconcileRun, wanted: BreakFilter, *, since: bool) -> Iterator[Break]:
    for each in unit.breaks.rows(wanted):
        if each.last_run != run.id and not (since and each.type in _PAST):
            yield each
