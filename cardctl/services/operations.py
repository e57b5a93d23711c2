"""The journal: every write to a provider happens once, whatever dies in between; and how the unfinished are settled.

    intended ──commit──▶ sent ──call──▶ done | refused          (the books, the operation and the audit in ONE transaction)
                                   └──▶ in_doubt ──settle──▶ done | refused | in_doubt

What ended a call, and what that makes of the operation:

    the provider's 2xx                            done
    its explicit no (4xx)                         refused
    surely nothing ran (no connection, 429)       refused, retryable
    a 5xx                                         looked up at once: seen → done; saved and not seen → refused; else in doubt
    a lost or torn reply, Ctrl-C, a bug, a kill   in doubt, for `settle`: the request may still be on its way
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from cardctl.db.unit import Unit
from cardctl.domain.accounts import Account
from cardctl.domain.cards import Card
from cardctl.domain.money import Money
from cardctl.domain.operations import OPEN, Draft, Operation, OperationState
from cardctl.domain.redaction import redact
from cardctl.errors import (
    CardctlError,
    KeyReused,
    LiveNotSaid,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    ReplyLost,
    SecretProblem,
    ServerFailed,
    StateForbids,
    TargetBusy,
)
from cardctl.providers.base import Remote
from cardctl.services.desk import Desk, Done, Warned

WAIT_SECONDS = 30.0
"""How long a write waits for one in flight on the same target."""
LEASE = timedelta(minutes=10)
"""How long another machine's process is believed to live; no write takes as long."""
NEVER_SENT_AFTER = timedelta(hours=1)
"""An intent older than this is not sent any more."""
KEY_MARGIN = timedelta(hours=1)
"""What is taken off a key's life for clocks that disagree."""
_POLL = 0.1
_NEVER_RAN = frozenset({"PROVIDER_UNAVAILABLE", "RATE_LIMITED", "NEVER_SENT", "NEVER_RAN"})
_S = OperationState


@dataclass(frozen=True, slots=True)
class Wish:
    """One write that is wanted. `arguments` are plain JSON, enough to make the same request again after a crash."""

    target: str
    arguments: dict[str, Any]
    amount: Money | None = None
    reason: str | None = None
    caller_key: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a deed wrote into the books: the object now, and what of it changed."""

    object: Card | Account
    before: dict[str, Any]
    after: dict[str, Any]


class Deed(Protocol):
    """One kind of write. `urgent` ones (freeze, close) pass everything that is in doubt or in flight.

    `creates`: the target is a new id, which says nothing about whether two wishes are the same.
    `check` runs in the transaction that records the intent: it raises what forbids the write, or returns the object where it
    already is as wished. `draft` may read from the provider. `record` writes the provider's answer into the books.
    """

    kind: ClassVar[str]
    urgent: ClassVar[bool]
    creates: ClassVar[bool]

    def check(self, unit: Unit, operation: Operation) -> Card | Account | None: ...
    def draft(self, desk: Desk, operation: Operation) -> Draft: ...
    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change: ...
    def load(self, unit: Unit, operation: Operation) -> Card | Account: ...


def run_once(desk: Desk, deed: Deed, wish: Wish) -> Done:
    """Do `wish` exactly once. Errors: what `check` and the provider say, TargetBusy after 30 s, OutcomeUnknown."""
    _guard_live(desk)
    claimed = _claim(desk, deed, wish)
    return claimed if isinstance(claimed, Done) else _carry_out(desk, deed, claimed)


def rehearse(desk: Desk, deed: Deed, wish: Wish) -> Draft | Card | Account:
    """What `run_once` would send, having checked all that it checks; sends and writes nothing."""
    operation = _operation(desk, deed, wish)
    with desk.books.read() as unit:
        already = deed.check(unit, operation)
    return already if already is not None else deed.draft(desk, operation)


def settle(desk: Desk, deed: Deed, operation_id: str) -> Operation:
    """Bring one unfinished operation to its end where that can be told; a live process's is left alone."""
    operation = _take_over(desk, operation_id)
    if operation is not None:
        # What the provider says is in the journal by then; the caller reads the state.
        with suppress(ProviderRefused, ProviderUnavailable, ReplyLost, OutcomeUnknown, SecretProblem):
            _send_late(desk, deed, operation) if operation.state is _S.INTENDED else _settle_sent(desk, deed, operation)
    with desk.books.read() as unit:
        return unit.operations.named(operation_id)


def resolve(desk: Desk, operation_id: str, *, state: OperationState, reason: str) -> Operation:
    """A person's word for what became of an operation in doubt; the books follow at the next sync."""
    with desk.books.write() as unit:
        operation = unit.operations.named(operation_id)
        if operation.state not in OPEN or _works_on(desk, operation):
            raise StateForbids(
                f"{operation.id} is {operation.state}: only what is in doubt, and nobody works on, can be resolved"
            )
        resolved = replace(
            operation, state=state, finished_at=desk.clock(), error=f"resolved by {desk.actor}: {redact(reason)}"
        )
        _save(desk, unit, operation, resolved, reason=reason)
    return resolved


def unsettled(desk: Desk) -> list[Operation]:
    """Every operation of the programme that has not ended and that no live process works on, oldest first."""
    with desk.books.read() as unit:
        operations = unit.operations.open_all(desk.programme)
    return [operation for operation in operations if not _works_on(desk, operation)]


def _guard_live(desk: Desk) -> None:
    # profile     --live said     a write is
    # simulator   any             sent
    # sandbox     any             sent
    # live        no              refused
    # live        yes             sent
    if desk.provider.environment == "live" and not desk.live:
        raise LiveNotSaid(f"this writes to the live programme {desk.programme}")


def _claim(desk: Desk, deed: Deed, wish: Wish) -> Operation | Done:
    """Commit the intent, waiting for a live write on the same target; or the Done that makes it unnecessary."""
    waited = 0.0
    operation = _operation(desk, deed, wish)
    while True:
        with desk.books.write() as unit:
            prior = _prior(desk, unit, wish.caller_key)
            if prior is not None and not _works_on(desk, prior):
                break
            busy = prior or _in_flight(desk, deed, unit, wish.target)
            if busy is None:
                return _intend(desk, deed, unit, operation)
        if waited >= WAIT_SECONDS:
            raise TargetBusy(f"{busy.kind} {busy.id} has been in flight on {busy.target} for over {WAIT_SECONDS:.0f} s")
        desk.sleep(_POLL)
        waited += _POLL
    return _first_result_again(desk, deed, prior, operation)


def _prior(desk: Desk, unit: Unit, caller_key: str | None) -> Operation | None:
    """The operation that has the caller's key; one that surely never ran gives the key back."""
    prior = unit.operations.by_caller_key(desk.programme, caller_key) if caller_key else None
    if prior is not None and prior.state is _S.REFUSED and prior.error_code in _NEVER_RAN:
        unit.operations.save(replace(prior, caller_key=None))
        return None
    return prior


def _in_flight(desk: Desk, deed: Deed, unit: Unit, target: str) -> Operation | None:
    """The live operation on the target to wait for; OutcomeUnknown where one is in doubt. Urgent deeds pass both."""
    others = [] if deed.urgent else unit.operations.open_for(target)
    for other in others:
        if not _works_on(desk, other):
            raise OutcomeUnknown(f"{other.kind} {other.id} on {other.target} is in doubt", operation_id=other.id)
    return others[0] if others else None


def _intend(desk: Desk, deed: Deed, unit: Unit, operation: Operation) -> Operation | Done:
    already = deed.check(unit, operation)
    if already is not None:
        return Done(already, None, (Warned("ALREADY", "nothing to do: it is already so"),))
    unit.operations.add(operation)
    _audit_state(desk, unit, None, operation)
    return operation


def _first_result_again(desk: Desk, deed: Deed, prior: Operation, wanted: Operation) -> Done:
    if prior.digest != wanted.digest:
        raise KeyReused(f"the key {prior.caller_key!r} was used for {prior.kind} {prior.id} with other arguments")
    if prior.state in OPEN:
        prior = settle(desk, deed, prior.id)
    if prior.state in OPEN:
        raise OutcomeUnknown(f"{prior.kind} {prior.id} is in doubt", operation_id=prior.id)
    if prior.state is _S.REFUSED:
        raise ProviderRefused(prior.error or "refused")
    with desk.books.read() as unit:
        return Done(deed.load(unit, prior), prior, (Warned("REPEATED", f"done before as {prior.id}"),))


def _carry_out(desk: Desk, deed: Deed, operation: Operation) -> Done:
    try:
        draft = deed.draft(desk, operation)
    except BaseException as error:
        _finish(desk, operation, _S.REFUSED, error)
        raise
    sent = replace(operation, state=_S.SENT, draft=draft, sent_at=desk.clock())
    with desk.books.write() as unit:
        _save(desk, unit, operation, sent)
    return _send(desk, deed, sent)


def _send(desk: Desk, deed: Deed, operation: Operation) -> Done:
    """Send the kept draft under its key, and end the operation as the table above says."""
    draft = _drafted(operation)
    try:
        remote = desk.provider.send(draft, operation.idempotency_key)
    except ServerFailed as error:
        return _after_server_error(desk, deed, operation, error)
    except (ProviderRefused, ProviderUnavailable, SecretProblem) as error:
        if operation.state is _S.IN_DOUBT and not isinstance(error, ProviderRefused):
            raise  # this attempt did not run; an earlier one may have
        _finish(desk, operation, _S.REFUSED, error)
        raise
    except BaseException as error:
        _finish(desk, operation, _S.IN_DOUBT, error)
        if isinstance(error, ReplyLost):
            raise _in_doubt(operation, error) from error
        raise
    return _record(desk, deed, operation, remote)


def _after_server_error(desk: Desk, deed: Deed, operation: Operation, error: ServerFailed) -> Done:
    _finish(desk, operation, _S.IN_DOUBT, error)
    doubtful = replace(operation, state=_S.IN_DOUBT)
    try:
        sighting = desk.provider.look_up(_drafted(operation), operation.id)
    except CardctlError as unseen:
        raise _in_doubt(operation, error) from unseen
    if sighting.happened and sighting.remote is not None:
        return _record(desk, deed, doubtful, sighting.remote)
    if sighting.happened is False and error.saved:
        failed = ProviderUnavailable(
            f"{desk.provider.name} failed before doing it: {error.message}", hint="nothing happened; try again"
        )
        _finish(desk, doubtful, _S.REFUSED, failed)
        raise failed from error
    raise _in_doubt(operation, error) from error


def _settle_sent(desk: Desk, deed: Deed, operation: Operation) -> None:
    """Look, and only where it surely has not run and the key still lives, send the same bytes under the same key."""
    doubtful = replace(operation, state=_S.IN_DOUBT)
    if operation.state is _S.SENT:
        _end(desk, operation, _S.IN_DOUBT, "PROCESS_DIED", "the process that sent it died")
    if _superseded(desk, operation):
        _end(desk, doubtful, _S.REFUSED, "SUPERSEDED", "a later freeze or close has made it moot")
        return
    sighting = desk.provider.look_up(_drafted(operation), operation.id)
    if sighting.happened and sighting.remote is not None:
        _record(desk, deed, doubtful, sighting.remote)
    elif sighting.happened is False and _key_lives(desk, operation):
        _send(desk, deed, doubtful)
    elif sighting.happened is False and desk.provider.key_life is not None:
        _finish(desk, doubtful, _S.REFUSED, CardctlError("not found at the provider after its key expired"), code="NEVER_RAN")
    else:
        _finish(
            desk, doubtful, _S.IN_DOUBT, CardctlError("looking at the provider cannot tell whether it ran"), code="CANNOT_TELL"
        )


def _send_late(desk: Desk, deed: Deed, operation: Operation) -> None:
    if desk.clock() - operation.created_at > NEVER_SENT_AFTER or _superseded(desk, operation):
        _end(desk, operation, _S.REFUSED, "NEVER_SENT", "never sent")
        return
    try:
        with desk.books.read() as unit:
            already = deed.check(unit, operation)
    except CardctlError as error:
        _finish(desk, operation, _S.REFUSED, error)
        return
    if already is not None:
        _end(desk, operation, _S.REFUSED, "NEVER_SENT", "never sent: it is already so")
        return
    _carry_out(desk, deed, operation)


def _superseded(desk: Desk, operation: Operation) -> bool:
    """A card that was frozen or closed later is not made active again by an old request."""
    if operation.kind not in ("card.activate", "card.unfreeze"):
        return False
    with desk.books.read() as unit:
        later = unit.operations.for_target(operation.target, since=operation.created_at)
    return any(other.kind in ("card.freeze", "card.close") and other.state is not _S.REFUSED for other in later)


def _record(desk: Desk, deed: Deed, operation: Operation, remote: Remote) -> Done:
    """ONE transaction: the books, the operation's end and the audit entry."""
    with desk.books.write() as unit:
        change = deed.record(desk, unit, operation, remote)
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
    desk.log("card_lifecycle", operation.kind, {"object": operation.target, "operation": operation.id, "diff": change.after})
    return Done(change.object, done)


def _finish(desk: Desk, operation: Operation, state: OperationState, error: BaseException) -> None:
    code = error.code if isinstance(error, CardctlError) else type(error).__name__
    _end(desk, operation, state, code, redact(str(error)) or type(error).__name__)


def _end(desk: Desk, operation: Operation, state: OperationState, code: str, error: str) -> None:
    finished_at = None if state in OPEN else desk.clock()
    ended = replace(operation, state=state, finished_at=finished_at, error_code=code, error=error)
    with desk.books.write() as unit:
        _save(desk, unit, operation, ended)


def _save(desk: Desk, unit: Unit, before: Operation, after: Operation, *, reason: str | None = None) -> None:
    unit.operations.save(after)
    _audit_state(desk, unit, before, after, reason=reason)


def _audit_state(desk: Desk, unit: Unit, before: Operation | None, after: Operation, *, reason: str | None = None) -> None:
    told = {"kind": after.kind, "target": after.target, "amount": str(after.amount) if after.amount else None}
    unit.audit.append(
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


def _take_over(desk: Desk, operation_id: str) -> Operation | None:
    """Put our lease on an unfinished operation; None where it has ended or somebody alive works on it."""
    with desk.books.write() as unit:
        operation = unit.operations.named(operation_id)
        if operation.state not in OPEN or (_works_on(desk, operation) and operation.lease != desk.lease.name):
            return None
        ours = replace(operation, lease=desk.lease.name, leased_until=desk.clock() + LEASE)
        unit.operations.save(ours)
    return ours


def _works_on(desk: Desk, operation: Operation) -> bool:
    """Whether a live process is at work on it now; in doubt means that its process has given up."""
    if operation.state not in (_S.INTENDED, _S.SENT):
        return False
    alive = desk.lease.alive(operation.lease)
    return alive if alive is not None else desk.clock() < operation.leased_until


def _key_lives(desk: Desk, operation: Operation) -> bool:
    life = desk.provider.key_life
    age = _age(desk.clock, operation.sent_at)
    return life is not None and -KEY_MARGIN < age < life - KEY_MARGIN


def _age(clock: Callable[[], datetime], since: datetime | None) -> timedelta:
    return clock() - since if since else timedelta.max


def _drafted(operation: Operation) -> Draft:
    if operation.draft is None:
        raise AssertionError(f"{operation.id} is {operation.state} without a draft")
    return operation.draft


def _in_doubt(operation: Operation, error: CardctlError) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{operation.kind} {operation.id} was sent; its outcome is unknown: {error.message}", operation_id=operation.id
    )


def _operation(desk: Desk, deed: Deed, wish: Wish) -> Operation:
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
        digest=hashlib.sha256(json.dumps(meant, sort_keys=True).encode()).hexdigest(),
        idempotency_key=identity,
        caller_key=wish.caller_key,
        amount=wish.amount,
        reason=redact(wish.reason) if wish.reason else None,
        created_at=now,
        lease=desk.lease.name,
        leased_until=now + LEASE,
        actor=desk.actor,
        correlation_id=desk.correlation_id,
    )
