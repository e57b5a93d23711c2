"""Settling what is unfinished: by looking, and where it surely has not run, by the same request under the same key."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from cardctl.domain.operations import OPEN, Operation, OperationState
from cardctl.domain.redaction import redact
from cardctl.errors import (
    BadInput,
    CardctlError,
    NotFound,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    Refused,
    ReplyLost,
    SecretProblem,
    StateForbids,
)
from cardctl.services.desk import Desk
from cardctl.services.entries import money_event
from cardctl.services.journal import Deed, Lapses, drafted, end, finish, lay_down, record, save, still_ours, take_over, works_on
from cardctl.services.sending import KEY_MARGIN, MONEY_KINDS, carry_out, is_proven, send

NEVER_SENT_AFTER = timedelta(hours=1)
"""An intent older than this is not sent any more."""
_NAMED = frozenset({"customer.create", "saved_card.add", "saved_card.charge", "saved_card.preauth", "saved_card.refund"})
"""Creations that no sync could find: the books would take the invoice for unpaid."""
CANCEL_ASKED = "CANCEL_ASKED"
"""Why a write is in doubt that a person asked to have cancelled: whatever comes of that, it must not be sent again."""
RESOLVED = "RESOLVED"
"""How what a person said of an operation is known: not as what made it doubtful before."""
ALREADY_SO = "never sent: it is already so"
_TOLD = (ProviderRefused, ProviderUnavailable, ReplyLost, OutcomeUnknown, SecretProblem, Refused, BadInput, NotFound)
_S = OperationState


def settle(desk: Desk, deed: Deed, operation_id: str) -> Operation:
    """Bring one unfinished operation to its end where that can be told; a live process's is left alone."""
    operation = take_over(desk, operation_id)
    if operation is not None:
        # What was said to it is in the journal by then; the caller reads the state, and goes on to the next one.
        with suppress(*_TOLD):
            _send_late(desk, deed, operation) if operation.state is _S.INTENDED else _settle_sent(desk, deed, operation)
    with desk.books.read() as unit:
        return unit.operations.named(operation_id)


def resolve(desk: Desk, operation_id: str, *, state: OperationState, reason: str) -> Operation:
    """A person's word for what became of an operation in doubt; the books follow at the next sync."""
    with desk.books.write() as unit:
        operation = unit.operations.named(operation_id)
        if operation.state not in OPEN or works_on(desk, operation):
            raise StateForbids(
                f"{operation.id} is {operation.state}: only what is in doubt, and nobody works on, can be resolved"
            )
        if state is _S.DONE and operation.kind in _NAMED:
            hint = "--as done --ref REF: how the provider calls it; or `cardctl operation resume`, which looks for it"
            raise BadInput(f"a {operation.kind} that is done made something, which the books could not know of", hint=hint)
        told = f"resolved by {desk.actor}: {redact(reason)}"
        resolved = replace(operation, state=state, finished_at=desk.clock(), error_code=RESOLVED, error=told)
        save(desk, unit, operation, resolved, reason=reason)
        card = unit.cards.get(operation.target)
        if state is _S.DONE and operation.kind in MONEY_KINDS and card is not None:  # else the ledger would lack what moved
            event = money_event(desk, operation, card, MONEY_KINDS[operation.kind])
            unit.transactions.upsert(event, programme=card.programme)
    return resolved


def unsettled(desk: Desk) -> list[Operation]:
    """Every operation of the programme that has not ended and that no live process works on, oldest first."""
    with desk.books.read() as unit:
        operations = unit.operations.open_all(desk.programme)
    return [operation for operation in operations if not works_on(desk, operation)]


def waiting_elsewhere(desk: Desk, programmes: Collection[str]) -> list[Operation]:
    """One operation of each of these programmes, other than the desk's own, that has some which have not ended."""
    with desk.books.read() as unit:
        found = {operation.programme: operation for operation in unit.operations.open_all()}
    return [found[name] for name in programmes if name in found and name != desk.programme]


def _settle_sent(desk: Desk, deed: Deed, operation: Operation) -> None:
    """Look, and only where it surely has not run and the key still lives, send the same bytes under the same key.

    What was decided while it was allowed is carried through: a funding goes on although the card was frozen since, as a frozen
    card spends nothing. Only an unfreeze that a later freeze or close has made moot does not, nor what is wanted no more (a
    deed that `Lapses`): that is given up once it cannot be on its way.
    """
    doubtful = replace(operation, state=_S.IN_DOUBT)
    if operation.state is _S.SENT:
        end(desk, operation, _S.IN_DOUBT, "PROCESS_DIED", "the process that sent it died")
    sighting = desk.provider.look_up(drafted(operation), operation.id)
    if sighting.happened and sighting.remote is not None and is_proven(desk, operation):
        record(desk, deed, doubtful, sighting.remote)
    elif sighting.happened:
        end(desk, doubtful, _S.IN_DOUBT, "CANNOT_TELL", "what was seen may be another movement of the same amount")
    elif operation.error_code == CANCEL_ASKED:
        end(desk, doubtful, _S.IN_DOUBT, CANCEL_ASKED, "a person asked to have it cancelled: it is not sent again")
    elif _superseded(desk, operation):
        end(desk, doubtful, _S.REFUSED, "SUPERSEDED", "a later freeze or close has made it moot")
    elif sighting.happened is False and _may_be_sent(desk, deed, operation):
        _send_again(desk, deed, doubtful)
    elif sighting.happened is False and _is_over(desk, operation):
        end(desk, doubtful, _S.REFUSED, "NEVER_RAN", "not found at the provider after its time was over")
    elif sighting.happened is False:
        end(desk, doubtful, _S.IN_DOUBT, "NOT_YET", "it has not taken effect so far, and may still be on its way for an hour")
    else:
        end(desk, doubtful, _S.IN_DOUBT, "CANNOT_TELL", "looking at the provider cannot tell whether it ran")


def _send_again(desk: Desk, deed: Deed, doubtful: Operation) -> None:
    """While it is on its way it is work in hand: what is in doubt another process may take over, cancel, or end by a person's
    word, and would say that nothing was sent."""
    held = replace(doubtful, state=_S.SENT)
    with desk.books.write() as unit:
        if not still_ours(unit, doubtful):
            return
        save(desk, unit, doubtful, held)
    send(desk, deed, held, again=True)


def _send_late(desk: Desk, deed: Deed, operation: Operation) -> None:
    before = _state_before(desk, operation)
    if before in OPEN:
        lay_down(desk, [operation])  # it waits for the one that it comes after
        return
    late = desk.clock() - operation.created_at > NEVER_SENT_AFTER and not _stops_what_was_replaced(operation)
    if before is _S.REFUSED or late or _superseded(desk, operation):
        end(desk, operation, _S.REFUSED, "NEVER_SENT", "never sent")
        return
    try:
        with desk.books.read() as unit:
            already = deed.check(unit, operation)
    except CardctlError as error:
        finish(desk, operation, _S.REFUSED, error)
        return
    if already is not None:
        end(desk, operation, _S.REFUSED, "NEVER_SENT", ALREADY_SO)
        return
    carry_out(desk, deed, operation)


def _stops_what_was_replaced(operation: Operation) -> bool:
    """A card whose place another has taken must not stay chargeable, however late that is seen: the books know it no more."""
    return operation.kind == "saved_card.disable" and "after" in operation.arguments


def _state_before(desk: Desk, operation: Operation) -> OperationState:
    """How the write ended that this one comes after in a chain; done where it comes after none."""
    after = operation.arguments.get("after")
    if after is None:
        return _S.DONE
    with desk.books.read() as unit:
        before = unit.operations.named(after)
    return _S.DONE if before.error_code == "NEVER_SENT" and before.error == ALREADY_SO else before.state


def _superseded(desk: Desk, operation: Operation) -> bool:
    """A card that was frozen or closed later is not made active again by an old request."""
    if operation.kind not in ("card.activate", "card.unfreeze"):
        return False
    with desk.books.read() as unit:
        later = unit.operations.for_target(operation.target, after=operation.entered)
    return any(other.kind in ("card.freeze", "card.close") and other.state is not _S.REFUSED for other in later)


def _may_be_sent(desk: Desk, deed: Deed, operation: Operation) -> bool:
    """Whether the same request does no harm, whatever became of the first, and is still wanted."""
    if isinstance(deed, Lapses):
        with desk.books.read() as unit:
            if not deed.is_wanted(unit, operation):
                return False
    return drafted(operation).repeatable or _key_lives(desk, operation)


def _key_lives(desk: Desk, operation: Operation) -> bool:
    life = desk.provider.key_life
    if life is None or operation.sent_at is None:
        return False
    return -KEY_MARGIN <= desk.clock() - operation.sent_at < life - KEY_MARGIN


def _is_over(desk: Desk, operation: Operation) -> bool:
    """Whether its key is dead, or where there is none, whether it can no longer be on its way.

    Not the opposite of `_key_lives`: a clock far behind tells neither.
    """
    life = desk.provider.key_life
    over = KEY_MARGIN if life is None else life - KEY_MARGIN
    return operation.sent_at is not None and desk.clock() - operation.sent_at >= over
