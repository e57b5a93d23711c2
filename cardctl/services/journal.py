"""The journal: what an operation is made of, and every change of its state, with its audit entry. Calls no provider itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from cardctl.db.unit import Unit
from cardctl.domain.audit import AuditEntry
from cardctl.domain.money import Money
from cardctl.domain.operations import OPEN, Draft, Operation, OperationState
from cardctl.domain.redaction import redact
from cardctl.errors import BadInput, CardctlError
from cardctl.providers.base import Remote
from cardctl.services.desk import Desk, Done, Thing
from cardctl.services.entries import audit_change

LEASE = timedelta(minutes=10)
"""How long another machine's process is believed to live; no write takes as long."""
NOBODY = ""
"""The lease of what was laid down."""
_S = OperationState


@dataclass(frozen=True, slots=True)
class Wish:
    """One write that is wanted. `arguments` are plain JSON, enough to make the same request again after a crash; `about` is
    what an Operation says of itself."""

    target: str
    arguments: dict[str, Any]
    amount: Money | None = None
    reason: str | None = None
    caller_key: str | None = None
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a deed wrote into the books: the object now, and what of it changed."""

    object: Thing
    before: dict[str, Any]
    after: dict[str, Any]


class Deed(Protocol):
    """One kind of write. `urgent` ones (freeze, close) pass everything that is in doubt or in flight.

    `creates`: the target is a new id, which says nothing about whether two wishes are the same.
    `check` runs in the transaction that records the intent: it raises what forbids the write, or returns the object where it
    already is as wished. `draft` may read from the provider. `record` writes the provider's answer into the books.
    """

    @property
    def kind(self) -> str: ...
    @property
    def urgent(self) -> bool: ...
    @property
    def creates(self) -> bool: ...

    def check(self, unit: Unit, operation: Operation) -> Thing | None: ...
    def draft(self, desk: Desk, operation: Operation) -> Draft: ...
    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change: ...
    def load(self, unit: Unit, operation: Operation) -> Thing: ...


@runtime_checkable
class Lapses(Protocol):
    """A deed that its reason may be gone from while its outcome is unknown: then it is looked for, and not sent again."""

    def is_wanted(self, unit: Unit, operation: Operation) -> bool: ...


def refuse_sensitive(what: str, text: str | None) -> None:
    """BadInput where a name that is kept and shown as it is looks like a card number or a secret."""
    if text and redact(text) != text:
        raise BadInput(f"the {what} looks like a card number or a secret, and would be kept in clear", hint="choose another")


def intended(desk: Desk, deed: Deed, wish: Wish) -> Operation:
    """The operation that `wish` would be, not yet entered; its own id is the key that the provider sees.

    BadInput where a text is none that any provider could be sent (a shell passes whatever bytes it was given).
    """
    refuse_sensitive("idempotency key", wish.caller_key)
    now, identity = desk.clock(), desk.new_id("op")
    meant = [deed.kind, None if deed.creates else wish.target, wish.arguments, str(wish.amount), desk.programme]
    return Operation(
        id=identity,
        kind=deed.kind,
        target=wish.target,
        provider=desk.provider.name,
        programme=desk.programme,
        state=_S.INTENDED,
        arguments=wish.arguments,
        digest=_digest(meant),
        idempotency_key=identity,
        caller_key=wish.caller_key,
        amount=wish.amount,
        reason=redact(wish.reason) if wish.reason else None,
        created_at=now,
        lease=desk.lease.name,
        leased_until=now + LEASE,
        actor=desk.actor,
        correlation_id=desk.correlation_id,
        about=wish.about,
    )


def _digest(meant: list[Any]) -> str:
    try:
        return hashlib.sha256(json.dumps(meant, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    except UnicodeEncodeError:
        raise BadInput("a text on the command line is not valid UTF-8") from None


def enter(desk: Desk, unit: Unit, operation: Operation) -> Operation:
    """A new operation, in the unit of whoever decided on it; with its place in the order of all."""
    entered = replace(operation, entered=_audit_state(desk, unit, None, operation).seq)
    unit.operations.add(entered)
    return entered


def give_back(desk: Desk, unit: Unit, operation: Operation) -> None:
    """The caller's key of an operation that came to nothing serves again."""
    unit.operations.save(replace(operation, caller_key=None))
    told = {"caller_key": operation.caller_key}
    audit_change(desk, unit, "operation.key_given_back", operation.id, told, {"caller_key": None})


def save(desk: Desk, unit: Unit, before: Operation, after: Operation, *, reason: str | None = None) -> None:
    """A change of an operation's state, with its audit entry."""
    unit.operations.save(after)
    _audit_state(desk, unit, before, after, reason=reason)


def keep_draft(desk: Desk, unit: Unit, operation: Operation, draft: Draft) -> Operation:
    """An operation is about to be sent; the draft of the one that comes back is what a resume would send."""
    sent = unit.operations.keep_draft(replace(operation, state=_S.SENT, sent_at=desk.clock()), draft)
    _audit_state(desk, unit, operation, sent)
    return sent


def _audit_state(
    desk: Desk, unit: Unit, before: Operation | None, after: Operation, *, reason: str | None = None
) -> AuditEntry:
    told = {"kind": after.kind, "target": after.target, "amount": str(after.amount) if after.amount else None}
    return unit.audit.append(
        at=desk.clock(),
        actor=desk.actor,
        action=f"operation.{after.state}",
        object=after.id,
        before={"state": str(before.state)} if before else {},
        after={
            "state": str(after.state),
            **(told if before is None else {}),
            **({"error": after.error} if after.error else {}),
        },
        reason=reason or after.reason,
        correlation_id=desk.correlation_id,
    )


def finish(desk: Desk, operation: Operation, state: OperationState, error: BaseException) -> None:
    """End an operation, or put it in doubt, because of `error`."""
    code = error.code if isinstance(error, CardctlError) else type(error).__name__
    end(desk, operation, state, code, redact(str(error)) or type(error).__name__)


def end(desk: Desk, operation: Operation, state: OperationState, code: str, error: str) -> None:
    """End an operation otherwise than by `record`, or put it in doubt; one that somebody else ended or took over stays so."""
    finished_at = None if state in OPEN else desk.clock()
    ended = replace(operation, state=state, finished_at=finished_at, error_code=code, error=error)
    with desk.books.write() as unit:
        if still_ours(unit, operation):
            save(desk, unit, operation, ended)


def record(desk: Desk, deed: Deed, operation: Operation, remote: Remote, *, newest: Callable[[], Remote] | None = None) -> Done:
    """ONE transaction: the books, the operation's end and the audit entry; once, whoever else settles it at the same time.

    Where another write passed this one on its way, `newest` is asked, between two transactions, for what is there now.
    """
    with desk.books.write() as unit:
        state, _ = unit.operations.standing(operation.id)
        if state is _S.DONE:  # one that somebody took for refused has run all the same: what is there counts
            known = unit.operations.named(operation.id)
            return Done(deed.load(unit, known), known)
        overtaken = newest is not None and _overtaken(unit, operation)
        if not overtaken:
            change = deed.record(desk, unit, operation, remote)
            done = _end_done(desk, unit, operation, change)
    if overtaken:
        assert newest is not None
        return record(desk, deed, operation, newest())
    desk.log("card_lifecycle", operation.kind, {"object": operation.target, "operation": operation.id, "diff": change.after})
    return Done(change.object, done)


def _end_done(desk: Desk, unit: Unit, operation: Operation, change: Change) -> Operation:
    done = replace(operation, state=_S.DONE, finished_at=desk.clock(), error=None, error_code=None)
    unit.operations.save(done)
    unit.audit.append(
        at=desk.clock(),
        actor=desk.actor,
        action=operation.kind,
        object=operation.target,
        before=change.before,
        after={**change.after, "operation": operation.id},
        reason=operation.reason,
        correlation_id=desk.correlation_id,
    )
    return done


def _overtaken(unit: Unit, operation: Operation) -> bool:
    return any(passed(operation, other) for other in unit.operations.for_target(operation.target))


def take_over(desk: Desk, operation_id: str) -> Operation | None:
    """Put our lease on an unfinished operation; None where it has ended or somebody alive works on it."""
    with desk.books.write() as unit:
        operation = unit.operations.named(operation_id)
        if operation.state not in OPEN or (works_on(desk, operation) and operation.lease != desk.lease.name):
            return None
        ours = replace(operation, lease=desk.lease.name, leased_until=desk.clock() + LEASE)
        unit.operations.save(ours)
    return ours


def lay_down(desk: Desk, operations: Sequence[Operation]) -> None:
    """Intents that wait for a doubt to be settled are nobody's work until somebody takes them over, however long we live."""
    with desk.books.write() as unit:
        for operation in operations:
            if still_ours(unit, operation):
                unit.operations.save(replace(operation, lease=NOBODY, leased_until=operation.created_at))


def still_ours(unit: Unit, operation: Operation) -> bool:
    """Whether an operation is still for the process to decide that has its lease."""
    state, lease = unit.operations.standing(operation.id)
    return state in OPEN and lease == operation.lease


def passed(operation: Operation, other: Operation) -> bool:
    """Whether another operation on the same target was under way after this one was sent."""
    sent = operation.sent_at or operation.created_at
    if other.id == operation.id or other.state is _S.INTENDED:
        return False
    return other.finished_at is None or other.finished_at >= sent


def works_on(desk: Desk, operation: Operation) -> bool:
    """Whether a live process is at work on it now; in doubt means that its process has given up."""
    if operation.state not in (_S.INTENDED, _S.SENT):
        return False
    alive = desk.lease.alive(operation.lease)
    return alive if alive is not None else desk.clock() < operation.leased_until


def drafted(operation: Operation) -> Draft:
    if operation.draft is None:
        raise AssertionError(f"{operation.id} is {operation.state} without a draft")
    return operation.draft
