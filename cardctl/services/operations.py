"""Doing a write exactly once: waiting for what is in flight, refusing what is in doubt, giving a first result again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cardctl.db.unit import Unit
from cardctl.domain.operations import OPEN, Draft, Operation, OperationState
from cardctl.errors import CardctlError, KeyReused, LiveNotSaid, OutcomeUnknown, ProviderRefused, TargetBusy
from cardctl.services.desk import Desk, Done, Thing, Warned
from cardctl.services.journal import Deed, Wish, enter, give_back, intended, works_on
from cardctl.services.sending import carry_out, guard_real
from cardctl.services.settling import RESOLVED, settle

WAIT_SECONDS = 30.0
"""How long a write waits for one in flight on the same target."""
_POLL = 0.1
_NEVER_RAN = frozenset(
    {
        "PROVIDER_UNAVAILABLE",
        "RATE_LIMITED",
        "CIRCUIT_OPEN",
        "NEVER_RAN",
        "SECRET_REFUSED",
        "SECRET_MISSING",
        "NOT_SUPPORTED",
    }
)
_S = OperationState


def run_once(desk: Desk, deed: Deed, wish: Wish) -> Done:
    """Do `wish` exactly once. Errors: what `check` and the provider say, TargetBusy after 30 s, OutcomeUnknown."""
    claimed = claim(desk, deed, wish)
    return claimed if isinstance(claimed, Done) else carry_out(desk, deed, claimed[0])


def rehearse(desk: Desk, deed: Deed, wish: Wish) -> Draft | Thing:
    """What `run_once` would send, having checked all that it checks; sends and writes nothing, and waits for nobody."""
    operation = intended(desk, deed, wish)
    with desk.books.read() as unit:
        prior = unit.operations.by_caller_key(desk.programme, wish.caller_key) if wish.caller_key else None
        if prior is not None and prior.digest != operation.digest:
            raise _reused(prior)
        if prior is not None and prior.state is _S.DONE:
            return deed.load(unit, prior)
        _in_flight(desk, deed, unit, wish.target)
        already = deed.check(unit, operation)
    if already is not None:
        return already
    draft = deed.draft(desk, operation)
    guard_real(desk, draft)
    return draft


def guard_live(desk: Desk) -> None:
    """LiveNotSaid (6) where a write would reach a live programme without that having been said aloud."""
    # profile     --live said     a write is
    # simulator   any             sent
    # sandbox     any             sent
    # live        no              refused
    # live        yes             sent
    if desk.provider.environment == "live" and not desk.live:
        raise LiveNotSaid(f"this writes to the live programme {desk.programme}")


def came_to_nothing(operation: Operation) -> bool:
    """Whether it surely never reached its provider: no answer to it, and done again under the same key."""
    return operation.state is _S.REFUSED and (operation.sent_at is None or operation.error_code in _NEVER_RAN)


def claim(desk: Desk, deed: Deed, wish: Wish, then: Sequence[tuple[Deed, Wish]] = ()) -> list[Operation] | Done:
    """Commit the intent, and in the same transaction those of what is to follow `then`, each knowing which it comes `after`;
    waits for a live write on the same target. Or the Done that makes it unnecessary."""
    guard_live(desk)
    waited = 0.0
    operation = intended(desk, deed, wish)
    while True:
        with desk.books.write() as unit:
            prior = _prior(desk, unit, wish.caller_key)
            if prior is not None and not works_on(desk, prior):
                break
            busy = prior or _in_flight(desk, deed, unit, wish.target)
            if busy is None:
                return _intend(desk, deed, unit, operation, then)
        if waited >= WAIT_SECONDS:
            raise TargetBusy(f"{busy.kind} {busy.id} has been in flight on {busy.target} for over {WAIT_SECONDS:.0f} s")
        desk.sleep(_POLL)
        waited += _POLL
    return _first_result_again(desk, deed, prior, operation)


def _prior(desk: Desk, unit: Unit, caller_key: str | None) -> Operation | None:
    """The operation that has the caller's key; one that was never sent, or surely never ran, gives the key back."""
    prior = unit.operations.by_caller_key(desk.programme, caller_key) if caller_key else None
    if prior is not None and came_to_nothing(prior):
        give_back(desk, unit, prior)
        return None
    return prior


def _in_flight(desk: Desk, deed: Deed, unit: Unit, target: str) -> Operation | None:
    """The live operation on the target to wait for; OutcomeUnknown where one is in doubt. Urgent deeds pass both."""
    others = [] if deed.urgent else unit.operations.open_for(target)
    for other in others:
        if not works_on(desk, other):
            raise OutcomeUnknown(f"{other.kind} {other.id} on {other.target} is in doubt", operation_id=other.id)
    return others[0] if others else None


def _intend(
    desk: Desk, deed: Deed, unit: Unit, operation: Operation, then: Sequence[tuple[Deed, Wish]]
) -> list[Operation] | Done:
    already = deed.check(unit, operation)
    if already is not None:
        return Done(already, None, (Warned("ALREADY", "nothing to do: it is already so"),))
    entered = [enter(desk, unit, operation)]
    for next_deed, next_wish in then:
        taken = _prior(desk, unit, next_wish.caller_key)
        if taken is not None:
            raise _reused(taken)
        following = intended(desk, next_deed, next_wish)
        told = following.arguments | {"after": entered[-1].id}
        entered.append(enter(desk, unit, replace(following, arguments=told)))
    return entered


def _first_result_again(desk: Desk, deed: Deed, prior: Operation, wanted: Operation) -> Done:
    if prior.digest != wanted.digest:
        raise _reused(prior)
    if prior.state in OPEN:
        prior = settle(desk, deed, prior.id)
    if prior.state in OPEN:
        raise OutcomeUnknown(f"{prior.kind} {prior.id} is in doubt", operation_id=prior.id)
    if prior.state is _S.REFUSED:
        raise _refused_as(prior.error_code, prior.error or "refused")
    with desk.books.read() as unit:
        return Done(deed.load(unit, prior), prior, (Warned("REPEATED", f"done before as {prior.id}"),))


def _reused(prior: Operation) -> KeyReused:
    return KeyReused(f"the key {prior.caller_key!r} was used for {prior.kind} {prior.id} with other arguments")


def _refused_as(code: str | None, message: str) -> CardctlError:
    """An earlier refusal once more, by the error_code that it was kept under; ProviderRefused where no plain error has it."""
    if code == RESOLVED:
        return ProviderRefused(message, vendor_code=RESOLVED)
    kinds = [CardctlError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
        if kind.error_code == code and kind.__init__ in (CardctlError.__init__, ProviderRefused.__init__):
            return kind(message)
    return ProviderRefused(message)
