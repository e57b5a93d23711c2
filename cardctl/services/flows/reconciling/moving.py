"""What people make of a break: seen, put off, taken as it is, or settled; each step with its reason, and audited."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cardctl.db.breaks import BreakFilter
from cardctl.db.unit import Books, Unit
from cardctl.domain.breaks import Break, BreakState, Move
from cardctl.errors import AmbiguousName, BadInput, NotFound, StateForbids

_S = BreakState


@dataclass(frozen=True, slots=True)
class Hand:
    """Whoever moves breaks: the books, the clock, and whom the audit names."""

    books: Books
    clock: Callable[[], datetime]
    actor: str
    correlation_id: str


def move(
    hand: Hand,
    fingerprints: Sequence[str],
    to: BreakState,
    reason: str,
    *,
    until: datetime | None = None,
    run_id: str | None = None,
    action: str | None = None,
) -> list[tuple[Break, bool]]:
    """Move these breaks, all or none; each as it is now, and whether it moved (one that is there already does not).

    StateForbids for one that is resolved, which only a run reopens. BadInput without a reason, or for a snooze into the past.
    """
    check_reason(reason)
    now = hand.clock()
    if until is not None and until <= now:
        raise BadInput("a snooze ends in the future")
    with hand.books.write() as unit:
        known = unit.breaks.get_many(fingerprints)
        moved = [(_moved(known[each], to, reason, until), _moves(known[each], to, until)) for each in fingerprints]
        changed = [one for one, really in moved if really]
        unit.breaks.save_many(changed)
        unit.breaks.add_moves(
            (one.fingerprint, Move(now, hand.actor, known[one.fingerprint].state, to, reason, run_id)) for one in changed
        )
        for one in changed:
            _audit(hand, unit, known[one.fingerprint], one, action or f"break.{_VERBS[to]}", now)
    return moved


def check_reason(reason: str) -> None:
    """BadInput where there is none."""
    if not reason.strip():
        raise BadInput("a break is moved for a reason", hint="--reason")


def find_break(books: Books, name: str) -> Break:
    """The break with that fingerprint, or a prefix of it (8 or more), with its history. NotFound, AmbiguousName."""
    with books.read() as unit:
        found = unit.breaks.find(name)
        if not found:
            raise NotFound("break", name)
        if len(found) > 1:
            raise AmbiguousName(f"{name!r} is the beginning of several breaks: {', '.join(one.fingerprint for one in found)}")
        return next(iter(unit.breaks.with_moves(found)))


def breaks_of(books: Books, wanted: BreakFilter, *, moves: bool = False) -> list[Break]:
    """All of them at once, the gravest first."""
    with books.read() as unit:
        return list(unit.breaks.rows(wanted, moves=moves))


def each_break(books: Books, run_id: str, *, moves: bool = False) -> Iterator[Break]:
    """What a run found, the gravest first, streamed; the books are read for as long as the iterator is used."""
    with books.read() as unit:
        yield from unit.breaks.rows(BreakFilter(run_id=run_id), moves=moves)


def _moves(one: Break, to: BreakState, until: datetime | None) -> bool:
    if one.state is _S.RESOLVED and to is not _S.RESOLVED:
        hint = "a run reopens it where it is there again"
        raise StateForbids(f"{one.fingerprint} is resolved: there is nothing to see to", hint=hint)
    return one.state is not to or one.snoozed_until != until


def _moved(one: Break, to: BreakState, reason: str, until: datetime | None) -> Break:
    return replace(one, state=to, reason=reason, snoozed_until=until)


def _audit(hand: Hand, unit: Unit, before: Break, after: Break, action: str, now: datetime) -> None:
    unit.audit.append(
        at=now,
        actor=hand.actor,
        action=action,
        object=after.fingerprint,
        before={"state": str(before.state)},
        after={"state": str(after.state), "until": None if after.snoozed_until is None else str(after.snoozed_until)},
        reason=after.reason,
        correlation_id=hand.correlation_id,
    )


_VERBS = {_S.ACKNOWLEDGED: "ack", _S.SNOOZED: "snooze", _S.ACCEPTED: "accept", _S.RESOLVED: "resolve"}
