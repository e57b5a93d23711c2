"""What is in the books: whether they are whole, open, and up to date with what was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cardctl.db import maintenance
from cardctl.db.leases import held
from cardctl.db.operations import OperationFilter
from cardctl.domain.checks import Check, Outcome
from cardctl.domain.events import EventState
from cardctl.domain.operations import OPEN, OperationState
from cardctl.providers.registry import NAMES, provider_class
from cardctl.secrets.names import ENCRYPTION_KEY
from cardctl.services.deeds.completeness import leaving
from cardctl.services.flows.doctor.subject import NOT_MADE, Subject, looked
from cardctl.services.journal import NOBODY

_KEY_GONE = "provide the key as db.encryption_key; in the simulator `cardctl simulator reset` begins anew"


def look_at_books(subject: Subject) -> Iterator[Check]:
    """Whole, of a schema that is known, and then what is in them; not made by looking."""
    target, shown = subject.target(), subject.settings.database.shown
    if not maintenance.exist(target):
        yield Check("database", Outcome.OK, f"{shown} is {NOT_MADE}")
        return
    found = maintenance.status(target)
    if found.problem:
        yield Check("database", Outcome.FAIL, f"{shown} is damaged: {found.problem}", "cardctl db restore FILE")
        return
    books = subject.books()
    with books.read():  # environment and schema fit, or it says what does not
        yield Check("database", Outcome.OK, f"{shown}, schema {found.version}, whole, {found.size} bytes")
    for name, look in (("encryption key", _key), ("journal", _journal), ("events", _events), ("audit", _audit)):
        yield from looked(name, look, subject)


def _key(subject: Subject) -> Iterator[Check]:
    """Only where there is one: to ask for the simulator's would make it."""
    books = subject.books()
    there = any(each.outcome == "found" for each in subject.secrets.explain(ENCRYPTION_KEY))
    with books.read() as unit:
        if there:
            assert unit.box.ring
            yield Check("encryption key", Outcome.OK, "it opens what the books have sealed")
        elif unit.meta.get("encryption_check"):
            yield Check("encryption key", Outcome.FAIL, "the books are sealed, and the key is not there", _KEY_GONE)


def _journal(subject: Subject) -> Iterator[Check]:
    """Open operations: in doubt, or at work in a process that lives, or left by one that does not."""
    with subject.books().read() as unit:
        doubtful = sum(1 for _ in unit.operations.rows(OperationFilter(state=OperationState.IN_DOUBT)))
        waiting = [
            row.lease for state in OPEN - {OperationState.IN_DOUBT} for row in unit.operations.rows(OperationFilter(state))
        ]
    remedy = "cardctl operation resume"
    if doubtful:
        yield Check("journal", Outcome.WARN, f"{doubtful} in doubt: sent, and the outcome is unknown", remedy)
    else:
        yield Check("journal", Outcome.OK, f"nothing in doubt, {len(waiting)} open")
    leases = subject.settings.paths.leases_dir
    lives = Counter(held(leases, lease) if lease != NOBODY else False for lease in waiting)
    if left := lives[False]:
        yield Check("leases", Outcome.WARN, f"{left} operations were left by processes that have ended", remedy)
    else:
        elsewhere = f", {lives[None]} on another machine" if lives[None] else ""
        yield Check("leases", Outcome.OK, f"{lives[True]} operations at work here{elsewhere}")


def _events(subject: Subject) -> Iterator[Check]:
    """What was told and is not in the books, and what soon cannot be fetched any more."""
    books, name = subject.books(), subject.settings.provider_name
    with books.read() as unit:
        states = Counter[EventState]()
        for _, _, state, many, _ in unit.events.counts():
            states[state] += many
    broken, waiting = states[EventState.FAILED] + states[EventState.DEAD], states[EventState.RECEIVED]
    detail = f"{states.total()} kept, {broken} failed, {waiting} not applied yet"
    yield Check("events", Outcome.WARN if broken else Outcome.OK, detail, "cardctl webhook replay --failed" if broken else None)
    kept = getattr(provider_class(name), "events_kept", None) if name in NAMES else None
    leaves = leaving(books, subject.settings.programme(name), kept, subject.clock()) if kept else None
    if leaves is not None:
        told = f"events that were not fetched yet leave {name}'s list at {leaves:%Y-%m-%d %H:%M} UTC"
        yield Check("events", Outcome.WARN, told, f"cardctl webhook backfill --provider {name}")


def _audit(subject: Subject) -> Iterator[Check]:
    with subject.books().read() as unit:
        verdict = unit.audit.verify()
    if verdict.ok:
        yield Check("audit", Outcome.OK, f"the chain is whole, {verdict.checked} entries")
    else:
        yield Check("audit", Outcome.FAIL, f"the chain is broken: {verdict.problem}", "see `cardctl audit verify`")
