"""Calling off a payment whose outcome nobody knows: cancelled by the key that it was sent under, and looked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from cardctl.db.audit import AuditFilter
from cardctl.domain.operations import OPEN, Operation, OperationState
from cardctl.domain.payments import Payment, payment_id_of
from cardctl.domain.redaction import redact
from cardctl.errors import (
    CardctlError,
    OutcomeUnknown,
    ProviderHasNot,
    ProviderRefused,
    ReplyLost,
    StateForbids,
    Unsupported,
)
from cardctl.providers.base import require
from cardctl.providers.saving import CancelsByKey
from cardctl.services.deeds.charging import PAY_DEEDS
from cardctl.services.desk import Desk
from cardctl.services.journal import Deed, drafted, end, record, take_over
from cardctl.services.operations import guard_live
from cardctl.services.resuming import deed_of
from cardctl.services.settling import CANCEL_ASKED

_CANCELS = (0.0, 1.0, 3.0)
"""Seconds before each cancel of a key."""
_SENT = f"operation.{OperationState.SENT}"
_ON_ITS_WAY = timedelta(minutes=5)
"""So long a request that was sent may still reach the provider."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancel came to: the operation as it ended, and the payment that it turned out to have made, None: none."""

    operation: Operation
    payment: Payment | None


def cancel(desk: Desk, operation_id: str, *, reason: str) -> Cancelled:
    """Have a payment in doubt cancelled by the key that it was sent under, look what is there now, and put that down.

    Found: it is done, with the payment as it stands (cancelled; or taken, where it could not be cancelled any more). Not found:
    refused. Unsupported (7) where the provider or the kind of write knows no such thing, StateForbids where it has ended;
    OutcomeUnknown (9) where the cancel's own reply is lost, or nothing can be seen: it stays in doubt, is not
    sent again, and this may be repeated.
    """
    guard_live(desk)
    deed, provider = deed_of(desk, operation_id), require(desk.provider, CancelsByKey)
    if deed not in PAY_DEEDS:
        raise Unsupported(f"a {deed.kind} is not cancelled by its key: only a charge or a hold with a saved card is")
    quiet = _is_quiet(desk, operation_id)
    ours = take_over(desk, operation_id)
    if ours is None:
        raise StateForbids(f"{operation_id} has ended, or is being worked on: only what is in doubt can be cancelled")
    operation = replace(ours, reason=redact(reason))
    if operation.state is OperationState.INTENDED:
        end(desk, operation, OperationState.REFUSED, "CANCELED", "cancelled before it was sent")
    else:
        _cancel_sent(desk, deed, provider, operation, quiet=quiet)
    with desk.books.read() as unit:
        ended, payment = unit.operations.named(operation_id), unit.payments.get(payment_id_of(operation_id))
    if ended.state in OPEN:
        raise _still_in_doubt(ended, "another process has taken it over meanwhile")
    return Cancelled(ended, payment)


def _is_quiet(desk: Desk, operation_id: str) -> bool:
    """Whether nobody has sent it for a while, so that it cannot be on its way any more; the audit tells of each time."""
    wait = timedelta(0) if desk.provider.environment == "simulator" else _ON_ITS_WAY
    with desk.books.read() as unit:
        sent = max((entry.at for entry in unit.audit.rows(AuditFilter(object=operation_id, action=_SENT))), default=None)
    return sent is None or desk.clock() - sent >= wait


def _cancel_sent(desk: Desk, deed: Deed, provider: CancelsByKey, operation: Operation, *, quiet: bool) -> None:
    """More than once: the request in doubt may reach the provider after the first cancel of its key has found nothing (which
    leaves the key free, Square's description says), and a provider's lists may be behind its writes by seconds."""
    doubtful = replace(operation, state=OperationState.IN_DOUBT)
    end(desk, operation, OperationState.IN_DOUBT, CANCEL_ASKED, "asked to be cancelled by its key")
    with desk.books.read() as unit:
        if unit.operations.named(operation.id).error_code != CANCEL_ASKED:
            raise _still_in_doubt(operation, "another process has taken it over meanwhile")
    for pause in _CANCELS:
        desk.sleep(pause)
        refusal = _cancelled(provider, operation)
        if _seen(desk, deed, doubtful):
            return
    if refusal is not None:
        raise _still_in_doubt(operation, refusal.message) from refusal
    if not quiet:
        raise _still_in_doubt(operation, "it may still be on its way for some minutes; it is not sent again")
    end(desk, doubtful, OperationState.REFUSED, "CANCELED", "cancelled by its key; the provider has no such payment")


def _cancelled(provider: CancelsByKey, operation: Operation) -> ProviderRefused | None:
    """What the provider said against it: a payment that is over cannot be cancelled, and a look tells which way it went."""
    try:
        provider.cancel_by_key(operation.idempotency_key)
    except ProviderHasNot:
        return None
    except ProviderRefused as refusal:
        return refusal
    except ReplyLost as error:
        raise _still_in_doubt(operation, error.message) from error
    return None


def _seen(desk: Desk, deed: Deed, doubtful: Operation) -> bool:
    """Whether the payment is there, and in the books now."""
    try:
        sighting = desk.provider.look_up(drafted(doubtful), doubtful.id)
    except CardctlError as error:
        raise _still_in_doubt(doubtful, error.message) from error
    if sighting.happened is None:
        raise _still_in_doubt(doubtful, "looking at the provider cannot tell whether it ran")
    if sighting.happened and sighting.remote is not None:
        record(desk, deed, doubtful, sighting.remote)
    return sighting.happened


def _still_in_doubt(operation: Operation, why: str) -> OutcomeUnknown:
    told = f"{operation.kind} {operation.id} was asked to be cancelled, and is still in doubt: {why}"
    return OutcomeUnknown(told, operation_id=operation.id, hint="ask for it again; nothing is cancelled twice")
