"""Several writes on one object in a row: all in the journal before the first is sent, so that a kill loses none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cardctl.domain.operations import OPEN, Operation, OperationState
from cardctl.errors import CardctlError
from cardctl.services.desk import Desk, Done
from cardctl.services.journal import Deed, Wish, end, finish, give_back, lay_down
from cardctl.services.operations import claim, run_once
from cardctl.services.sending import carry_out
from cardctl.services.settling import ALREADY_SO

Link = tuple[Deed, Wish]


def run_chain(desk: Desk, links: Sequence[Link]) -> Done:
    """Do several wishes on one object, each exactly once; one that fails ends those after it, and its error says what was done.

    The Done has the object as the last one left it, the operation of the first, and everybody's warnings.
    """
    (deed, wish), *rest = links
    claimed = claim(desk, deed, wish, rest)
    if isinstance(claimed, Done):  # done before, or already so: those after it may not be
        return _gone_on(desk, claimed, rest)
    first, *later = claimed
    done = _carried(desk, deed, first, later)
    for place, ((next_deed, _), operation) in enumerate(zip(rest, later, strict=True), 1):
        try:
            done = _joined(done, _step(desk, next_deed, operation, later[place:]))
        except CardctlError as error:
            error.message = f"{first.kind} {first.id} is done, but {operation.kind} is not: {error.message}"
            raise
    return done


def _gone_on(desk: Desk, done: Done, rest: Sequence[Link]) -> Done:
    for deed, wish in rest:
        _try_anew(desk, wish.caller_key)
        done = _joined(done, run_once(desk, deed, replace(wish, target=done.object.id)))
    return done


def _try_anew(desk: Desk, caller_key: str | None) -> None:
    """What refused a later link may be gone, and only a new attempt can tell: its key serves again."""
    if caller_key is None:
        return
    with desk.books.write() as unit:
        prior = unit.operations.by_caller_key(desk.programme, caller_key)
        if prior is not None and prior.state is OperationState.REFUSED:
            give_back(desk, unit, prior)


def _step(desk: Desk, deed: Deed, operation: Operation, later: Sequence[Operation]) -> Done:
    """What was allowed when the chain began may not be any more, or may be so already (a card that became active by itself)."""
    try:
        with desk.books.read() as unit:
            already = deed.check(unit, operation)
    except CardctlError as error:
        finish(desk, operation, OperationState.REFUSED, error)
        _give_up(desk, operation, later)
        raise
    if already is None:
        return _carried(desk, deed, operation, later)
    end(desk, operation, OperationState.REFUSED, "NEVER_SENT", ALREADY_SO)
    return Done(already, None)


def _carried(desk: Desk, deed: Deed, operation: Operation, later: Sequence[Operation]) -> Done:
    try:
        return carry_out(desk, deed, operation)
    except BaseException:
        _give_up(desk, operation, later)
        raise


def _give_up(desk: Desk, failed: Operation, later: Sequence[Operation]) -> None:
    """What was to follow a refusal is never sent; what was to follow a doubt waits for the doubt to be settled."""
    with desk.books.read() as unit:
        state = unit.operations.named(failed.id).state
    if state in OPEN:
        lay_down(desk, later)
        return
    for operation in later:
        end(desk, operation, OperationState.REFUSED, "NEVER_SENT", f"never sent: {failed.id} before it came to nothing")


def _joined(done: Done, next_done: Done) -> Done:
    return Done(next_done.object, done.operation or next_done.operation, (*done.warnings, *next_done.warnings))
