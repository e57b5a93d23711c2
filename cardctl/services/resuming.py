"""Settling what was left unfinished: every kind of write that the journal may hold, and its deed. Above deeds, below flows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cardctl.domain.operations import OPEN, Operation, OperationState
from cardctl.domain.payments import Payment, RemotePayment, RemoteRefund, payment_id_of
from cardctl.domain.redaction import redact
from cardctl.domain.saved_cards import RemoteSavedCard
from cardctl.errors import (
    CardctlError,
    OutcomeUnknown,
    ProviderHasNot,
    ProviderRefused,
    Refused,
    ReplyLost,
    StateForbids,
    Unsupported,
)
from cardctl.providers.base import Provider, ReadsCards, Remote, require
from cardctl.providers.saving import CancelsByKey, ReadsPayments, ReadsSavedCards
from cardctl.services.deeds.capturing import CAPTURE_DEEDS
from cardctl.services.deeds.charging import PAY_DEEDS
from cardctl.services.deeds.controls import ACCOUNT_DEEDS, MOVES, hold_freeze
from cardctl.services.deeds.funding import Fund, SetLimits, Withdraw
from cardctl.services.deeds.issuing import CreateAccount, IssueCard
from cardctl.services.deeds.saved_cards import SAVED_CARD_DEEDS
from cardctl.services.desk import Desk
from cardctl.services.journal import Deed, drafted, end, record, take_over
from cardctl.services.operations import guard_live
from cardctl.services.settling import CANCEL_ASKED, settle, unsettled
from cardctl.stopping import never

_CARDS: list[Deed] = [CreateAccount(), IssueCard(), Fund(), Withdraw(), SetLimits(), *MOVES.values(), *ACCOUNT_DEEDS]
_ALL: list[Deed] = [*_CARDS, *SAVED_CARD_DEEDS, *PAY_DEEDS, *CAPTURE_DEEDS]
DEEDS: dict[str, Deed] = {deed.kind: deed for deed in _ALL}
_READ: dict[str, Callable[[Provider, str], Remote]] = {
    "account.create": lambda provider, ref: require(provider, ReadsCards).account(ref),
    "card.issue": lambda provider, ref: require(provider, ReadsCards).card(ref),
    "customer.create": lambda provider, ref: require(provider, ReadsSavedCards).customer(ref),
    "saved_card.add": lambda provider, ref: require(provider, ReadsSavedCards).saved_card(ref),
    "saved_card.charge": lambda provider, ref: require(provider, ReadsPayments).payment(ref),
    "saved_card.preauth": lambda provider, ref: require(provider, ReadsPayments).payment(ref),
    "saved_card.refund": lambda provider, ref: require(provider, ReadsPayments).refund(ref),
}
"""How what a creation made is read, by the provider's name for it."""
_CANCELS = (0.0, 1.0, 3.0)
"""Seconds before each cancel of a key."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a resume came to: the operations that it ended, those that are still in doubt, and how many it did not come to."""

    settled: tuple[Operation, ...]
    left: tuple[Operation, ...]
    not_reached: int = 0


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancel came to: the operation as it ended, and the payment that it turned out to have made, None: none."""

    operation: Operation
    payment: Payment | None


def resume(desk: Desk, operation_ids: list[str] | None = None, *, late: Callable[[], bool] = never) -> Resumed:
    """Settle the named operations, or all that no live process works on, oldest first, until it is late.

    LiveNotSaid: it may send again.
    """
    guard_live(desk)
    chosen = operation_ids if operation_ids is not None else [operation.id for operation in unsettled(desk)]
    deeds = [_deed(desk, operation_id) for operation_id in chosen]
    bugs: list[Exception] = []
    ended: list[Operation] = []
    for deed, operation_id in zip(deeds, chosen, strict=True):
        if late():
            break
        ended.append(_settled(desk, deed, operation_id, bugs))
    for operation in ended:
        if operation.state is OperationState.DONE:
            hold_freeze(desk, operation)
    if bugs:
        raise bugs[0]
    return Resumed(
        settled=tuple(operation for operation in ended if operation.state not in OPEN),
        left=tuple(operation for operation in ended if operation.state in OPEN),
        not_reached=len(chosen) - len(ended),
    )


def adopt(desk: Desk, operation_id: str, ref: str, *, reason: str) -> Operation:
    """A person's word that a creation in doubt made the object `ref`: it is read, and enters the books as what was meant.

    StateForbids unless the operation is in doubt and made something that can be read; Refused where `ref` is of another card,
    payment or amount; ProviderHasNot where nothing is called so.
    """
    deed = _deed(desk, operation_id)
    if deed.kind not in _READ:
        raise StateForbids(f"a {deed.kind} makes nothing that could be named")
    made = _READ[deed.kind](desk.provider, ref)
    _check_fits(desk, operation_id, made)
    operation = take_over(desk, operation_id)
    if operation is None:
        raise StateForbids(f"{operation_id} has ended, or is being worked on: only what is in doubt can be resolved")
    record(desk, deed, replace(operation, reason=redact(reason)), made)
    with desk.books.read() as unit:
        return unit.operations.named(operation_id)


def cancel(desk: Desk, operation_id: str, *, reason: str) -> Cancelled:
    """Have a payment in doubt cancelled by the key that it was sent under, look what is there now, and put that down.

    Found: it is done, with the payment as it stands (cancelled; or taken, where it could not be cancelled any more). Not found:
    refused. Unsupported (7) where the provider or the kind of write knows no such thing, StateForbids where it has ended;
    OutcomeUnknown (9) where the cancel's own reply is lost, or nothing can be seen: it stays in doubt, is not
    sent again, and this may be repeated.
    """
    guard_live(desk)
    deed, provider = _deed(desk, operation_id), require(desk.provider, CancelsByKey)
    if deed not in PAY_DEEDS:
        raise Unsupported(f"a {deed.kind} is not cancelled by its key: only a charge or a hold with a saved card is")
    ours = take_over(desk, operation_id)
    if ours is None:
        raise StateForbids(f"{operation_id} has ended, or is being worked on: only what is in doubt can be cancelled")
    operation = replace(ours, reason=redact(reason))
    if operation.state is OperationState.INTENDED:
        end(desk, operation, OperationState.REFUSED, "CANCELLED", "cancelled before it was sent")
    else:
        _cancel_sent(desk, deed, provider, operation)
    with desk.books.read() as unit:
        return Cancelled(unit.operations.named(operation_id), unit.payments.get(payment_id_of(operation_id)))


def settle_all(desk: Desk) -> None:
    """Settle what earlier runs left, before a flow builds on the books; OutcomeUnknown where something stays in doubt."""
    left = resume(desk).left
    if left:
        first = left[0]
        hint = f"look at it, then `cardctl operation resolve {first.id}`" if first.error_code == "CANNOT_TELL" else None
        raise OutcomeUnknown(f"{first.kind} {first.id} is in doubt and could not be settled", operation_id=first.id, hint=hint)


def _check_fits(desk: Desk, operation_id: str, made: Remote) -> None:
    """Refused where what a person named cannot be what the operation made."""
    with desk.books.read() as unit:
        operation = unit.operations.named(operation_id)
        card, payment = unit.saved_cards.get(operation.target), unit.payments.get(operation.target)
    fits = True
    if isinstance(made, RemotePayment):
        fits = made.amount == operation.amount and card is not None and made.card_ref in (None, card.ref)
    elif isinstance(made, RemoteRefund):
        fits = made.amount == operation.amount and payment is not None and made.payment_ref == payment.ref
    elif isinstance(made, RemoteSavedCard):
        fits = card is not None and made.customer_ref == card.customer_ref
    if not fits:
        raise Refused(f"what --ref names is not what {operation_id} was to make: its amount, card or person is another")


def _cancel_sent(desk: Desk, deed: Deed, provider: CancelsByKey, operation: Operation) -> None:
    """More than once: the request in doubt may reach the provider after the first cancel of its key has found nothing, and a
    provider's lists may be behind its writes by seconds."""
    doubtful = replace(operation, state=OperationState.IN_DOUBT)
    end(desk, operation, OperationState.IN_DOUBT, CANCEL_ASKED, "asked to be cancelled by its key")
    for pause in _CANCELS:
        desk.sleep(pause)
        refusal = _cancelled(provider, operation)
        if _seen(desk, deed, doubtful):
            return
    if refusal is not None:
        raise _still_in_doubt(operation, refusal.message) from refusal
    end(desk, doubtful, OperationState.REFUSED, "CANCELLED", "cancelled by its key; the provider has no such payment")


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


def _settled(desk: Desk, deed: Deed, operation_id: str, bugs: list[Exception]) -> Operation:
    """One operation settled; a bug of ours in it waits until the others have had their turn."""
    try:
        return settle(desk, deed, operation_id)
    except CardctlError:
        raise
    except Exception as bug:
        bugs.append(bug)
    with desk.books.read() as unit:
        return unit.operations.named(operation_id)


def _deed(desk: Desk, operation_id: str) -> Deed:
    with desk.books.read() as unit:
        operation = unit.operations.named(operation_id)
    if operation.programme != desk.programme:
        raise Refused(
            f"{operation.id} was sent to {operation.programme}, this profile works on {desk.programme}",
            hint="choose the profile of that programme",
        )
    if operation.kind not in DEEDS:
        raise Unsupported(f"this cardctl does not know operations of the kind {operation.kind}")
    return DEEDS[operation.kind]
