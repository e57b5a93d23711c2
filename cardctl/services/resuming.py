"""Settling what was left unfinished: every kind of write that the journal may hold, and its deed. Above deeds, below flows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cardctl.domain.operations import OPEN, Operation, OperationState
from cardctl.errors import (
    CardctlError,
    OutcomeUnknown,
    Refused,
    Unsupported,
)
from cardctl.services.deeds.buying import Buy
from cardctl.services.deeds.capturing import CAPTURE_DEEDS
from cardctl.services.deeds.charging import PAY_DEEDS
from cardctl.services.deeds.checking_out import CheckOut
from cardctl.services.deeds.controls import ACCOUNT_DEEDS, MOVES, hold_freeze
from cardctl.services.deeds.funding import Fund, SetLimits, Withdraw
from cardctl.services.deeds.issuing import CreateAccount, IssueCard
from cardctl.services.deeds.refunding import GiveBack
from cardctl.services.deeds.returning import ReturnPayment
from cardctl.services.deeds.saved_cards import SAVED_CARD_DEEDS
from cardctl.services.deeds.topping_up import TopUp
from cardctl.services.desk import Desk
from cardctl.services.journal import Deed
from cardctl.services.operations import guard_live
from cardctl.services.settling import settle, unsettled
from cardctl.stopping import never

_CARDS: list[Deed] = [CreateAccount(), IssueCard(), Fund(), Withdraw(), SetLimits(), *MOVES.values(), *ACCOUNT_DEEDS]
_SAVED: list[Deed] = [*SAVED_CARD_DEEDS, *PAY_DEEDS, *CAPTURE_DEEDS, GiveBack()]
_ORDERS: list[Deed] = [CheckOut(), ReturnPayment(), Buy(), TopUp()]
_ALL: list[Deed] = [*_CARDS, *_SAVED, *_ORDERS]
DEEDS: dict[str, Deed] = {deed.kind: deed for deed in _ALL}


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a resume came to: the operations that it ended, those that are still in doubt, and how many it did not come to."""

    settled: tuple[Operation, ...]
    left: tuple[Operation, ...]
    not_reached: int = 0


def resume(desk: Desk, operation_ids: list[str] | None = None, *, late: Callable[[], bool] = never) -> Resumed:
    """Settle the named operations, or all that no live process works on, oldest first, until it is late.

    LiveNotSaid: it may send again.
    """
    guard_live(desk)
    chosen = operation_ids if operation_ids is not None else [operation.id for operation in unsettled(desk)]
    deeds = [deed_of(desk, operation_id) for operation_id in chosen]
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


def settle_all(desk: Desk) -> None:
    """Settle what earlier runs left, before a flow builds on the books; OutcomeUnknown where something stays in doubt."""
    left = resume(desk).left
    if left:
        first = left[0]
        hint = f"look at it, then `cardctl operation resolve {first.id}`" if first.error_code == "CANNOT_TELL" else None
        raise OutcomeUnknown(f"{first.kind} {first.id} is in doubt and could not be settled", operation_id=first.id, hint=hint)


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


def deed_of(desk: Desk, operation_id: str) -> Deed:
    """The deed of an operation of this programme; Refused where it is another's, Unsupported where nobody knows its kind."""
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
