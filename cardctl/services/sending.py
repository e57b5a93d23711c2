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

from dataclasses import replace

from cardctl.domain.operations import Operation, OperationState
from cardctl.errors import (
    CardctlError,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    ReplyLost,
    SecretProblem,
    ServerFailed,
)
from cardctl.services.desk import Desk, Done
from cardctl.services.journal import Deed, drafted, finish, record, save

_S = OperationState


def carry_out(desk: Desk, deed: Deed, operation: Operation) -> Done:
    try:
        draft = deed.draft(desk, operation)
    except BaseException as error:
        finish(desk, operation, _S.REFUSED, error)
        raise
    sent = replace(operation, state=_S.SENT, draft=draft, sent_at=desk.clock())
    with desk.books.write() as unit:
        save(desk, unit, operation, sent)
    return send(desk, deed, sent)


def send(desk: Desk, deed: Deed, operation: Operation) -> Done:
    """Send the kept draft under its key, and end the operation as the table above says."""
    draft = drafted(operation)
    try:
        remote = desk.provider.send(draft, operation.idempotency_key)
    except ServerFailed as error:
        return _after_server_error(desk, deed, operation, error)
    except (ProviderRefused, ProviderUnavailable, SecretProblem) as error:
        if operation.state is _S.IN_DOUBT and not isinstance(error, ProviderRefused):
            raise  # this attempt did not run; an earlier one may have
        finish(desk, operation, _S.REFUSED, error)
        raise
    except BaseException as error:
        finish(desk, operation, _S.IN_DOUBT, error)
        if isinstance(error, ReplyLost):
            raise _in_doubt(operation, error) from error
        raise
    return record(desk, deed, operation, remote)


def _after_server_error(desk: Desk, deed: Deed, operation: Operation, error: ServerFailed) -> Done:
    finish(desk, operation, _S.IN_DOUBT, error)
    doubtful = replace(operation, state=_S.IN_DOUBT)
    try:
        sighting = desk.provider.look_up(drafted(operation), operation.id)
    except CardctlError as unseen:
        raise _in_doubt(operation, error) from unseen
    if sighting.happened and sighting.remote is not None:
        return record(desk, deed, doubtful, sighting.remote)
    if sighting.happened is False and error.saved:
        failed = ProviderUnavailable(
            f"{desk.provider.name} failed before doing it: {error.message}", hint="nothing happened; try again"
        )
        finish(desk, doubtful, _S.REFUSED, failed)
        raise failed from error
    raise _in_doubt(operation, error) from error


def _in_doubt(operation: Operation, error: CardctlError) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{operation.kind} {operation.id} was sent; its outcome is unknown: {error.message}", operation_id=operation.id
    )
