"""Sending what the journal has: every write to a provider happens once, whatever dies in between.

    intended ──commit──▶ sent ──call──▶ done | refused          (the books, the operation and the audit in ONE transaction)
                                   └──▶ in_doubt ──settle──▶ done | refused | in_doubt

What ended a call, and what that makes of the operation:

    the provider's 2xx                            done
    its explicit no (4xx)                         refused
    surely nothing ran (no connection, 429)       refused, retryable
    a 5xx                                         looked up at once: seen → done; saved and not seen → refused; else in doubt
    a lost or torn reply of a freeze or close     looked up at once too: who stops a card must know; seen → done, else in doubt
    any other lost or torn reply                  in doubt, for `settle`: the request may still be on its way
    Ctrl-C, a bug, a kill                         in doubt, likewise
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from cardctl.db.transactions import TransactionFilter
from cardctl.domain.esims import TRANSACTION_ID_TAKEN
from cardctl.domain.operations import Draft, Operation, OperationState
from cardctl.domain.transactions import RemoteTransaction, Transaction, TransactionKind, TransactionState
from cardctl.errors import (
    CardctlError,
    LiveNotSaid,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    ReplyLost,
    SecretProblem,
    ServerFailed,
    Unsupported,
)
from cardctl.providers.base import ReadsTransactions, Remote, require
from cardctl.services.desk import Desk, Done
from cardctl.services.journal import Deed, drafted, finish, keep_draft, record, still_ours

MONEY_KINDS = {"card.fund": TransactionKind.FUNDING, "card.withdraw": TransactionKind.WITHDRAWAL}
KEY_MARGIN = timedelta(hours=1)
"""What is taken off a key's life for clocks that disagree; and how long a request may be on its way."""
_SHOWN_LATE = frozenset({"esim.buy"})
"""Of what may be made and not be shown yet: while it may, a no to its repetition may mean that its name is taken, by itself."""
_LOOKS = (1.0, 3.0)
"""Seconds; how long a provider's reads may be behind its writes."""
_S = OperationState


def carry_out(desk: Desk, deed: Deed, operation: Operation) -> Done:
    """Draft an intended operation, keep the draft, and send it."""
    try:
        draft = deed.draft(desk, operation)
        guard_real(desk, draft)
    except BaseException as error:
        finish(desk, operation, _S.REFUSED, error)
        raise
    with desk.books.write() as unit:
        if not still_ours(unit, operation):
            raise _in_doubt(operation, "another process took it over before it was sent")
        sent = keep_draft(desk, unit, operation, draft)
    return send(desk, deed, sent)


def guard_real(desk: Desk, draft: Draft) -> None:
    """LiveNotSaid where a sandbox would do this for real (Strowallet's ignores its test mode in most calls)."""
    if draft.real and not desk.live:
        raise LiveNotSaid(f"{desk.provider.name} does this for real, even in a {desk.provider.environment} profile")


def send(desk: Desk, deed: Deed, operation: Operation, *, again: bool = False) -> Done:
    """Send the kept draft under its key, and end the operation as the table above says. `again`: an earlier attempt may have
    run, so that one which surely did not tells nothing."""
    draft = drafted(operation)
    guard_real(desk, draft)
    try:
        remote = desk.provider.send(draft, operation.idempotency_key)
    except ReplyLost as error:
        finish(desk, operation, _S.IN_DOUBT, error)
        if deed.urgent or isinstance(error, ServerFailed):
            return _look_at_once(desk, deed, replace(operation, state=_S.IN_DOUBT), error)
        raise _in_doubt(operation, error.message) from error
    except (ProviderRefused, ProviderUnavailable, SecretProblem) as error:
        finish(desk, operation, _S.IN_DOUBT if again and not _answers_the_first(desk, operation, error) else _S.REFUSED, error)
        raise
    except BaseException as error:
        finish(desk, operation, _S.IN_DOUBT, error)
        raise
    return record(desk, deed, operation, remote, newest=lambda: _newest(desk, operation, remote))


def _answers_the_first(desk: Desk, operation: Operation, error: CardctlError) -> bool:
    """Whether a no to a repetition says what became of the first request. A name that another has was not ours to take."""
    if not isinstance(error, ProviderRefused) or isinstance(error, Unsupported):
        return False
    if operation.kind not in _SHOWN_LATE or operation.sent_at is None or error.vendor_code == TRANSACTION_ID_TAKEN:
        return True
    return abs(desk.clock() - operation.sent_at) >= KEY_MARGIN


def _newest(desk: Desk, operation: Operation, remote: Remote) -> Remote:
    """What is there now, or where that cannot be seen the provider's answer: a freeze waits for nothing.

    Two answers may be recorded in another order than they were made in; who records last has also looked last.
    """
    with suppress(CardctlError):
        return desk.provider.look_up(drafted(operation), operation.id).remote or remote
    return remote


def _look_at_once(desk: Desk, deed: Deed, doubtful: Operation, error: ReplyLost) -> Done:
    try:
        sighting = desk.provider.look_up(drafted(doubtful), doubtful.id)
    except CardctlError as unseen:
        raise _in_doubt(doubtful, error.message) from unseen
    if sighting.happened and sighting.remote is not None and is_proven(desk, doubtful):
        return record(desk, deed, doubtful, sighting.remote)
    if sighting.happened is False and isinstance(error, ServerFailed) and error.saved and _still_not_there(desk, doubtful):
        failed = ProviderUnavailable(
            f"{desk.provider.name} failed before doing it: {error.message}", hint="nothing happened; try again"
        )
        finish(desk, doubtful, _S.REFUSED, failed)
        raise failed from error
    raise _in_doubt(doubtful, error.message) from error


def is_proven(desk: Desk, operation: Operation) -> bool:
    """Whether a sighting can be no other movement's: where a provider takes no keys, a row of the same kind and amount proves
    this one only if there are more of them than we have made."""
    kind = MONEY_KINDS.get(operation.kind)
    if desk.provider.key_life is not None or kind is None or operation.amount is None:
        return True
    with desk.books.read() as unit:
        card = unit.cards.named(operation.target)
        events = list(unit.transactions.rows(TransactionFilter(card_id=card.id, kind=kind)))
        makers = unit.operations.get_many([event.ref for event in events])
    made = {maker.id for maker in makers if maker.kind == operation.kind and maker.id != operation.id}
    ours = [event for event in events if event.ref in made and _counts(event, operation)]
    pages = require(desk.provider, ReadsTransactions).transactions_of(card.ref)
    theirs = [row for page in pages for row in page if row.kind is kind and _counts(row, operation)]
    return len(theirs) > len(ours)


def _counts(event: Transaction | RemoteTransaction, operation: Operation) -> bool:
    return event.amount == operation.amount and event.state is not TransactionState.DECLINED


def _still_not_there(desk: Desk, doubtful: Operation) -> bool:
    """More looks, a moment later each: the first may have been answered from before the write."""
    for pause in _LOOKS:
        desk.sleep(pause)
        try:
            if desk.provider.look_up(drafted(doubtful), doubtful.id).happened is not False:
                return False
        except CardctlError:
            return False
    return True


def _in_doubt(operation: Operation, why: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"the outcome of {operation.kind} {operation.id} is unknown: {why}", operation_id=operation.id)
