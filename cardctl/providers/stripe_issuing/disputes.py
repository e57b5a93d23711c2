"""Stripe's words for disputes and top-ups as ours: pure functions and tables; all that is on a card is translate.py."""

from __future__ import annotations

from datetime import UTC, datetime

from cardctl.domain.money import Money
from cardctl.domain.topups import RemoteTopUp, TopUpState
from cardctl.domain.transactions import RemoteTransaction, TransactionKind, TransactionState
from cardctl.providers.stripe_issuing import wire
from cardctl.providers.stripe_issuing.translate import checked

_DISPUTES = {  # status: what it means, and how far the dispute is (SDK 16.1.0: it is unsubmitted, then submitted, then closed)
    "unsubmitted": (TransactionState.PENDING, 1),
    "submitted": (TransactionState.PENDING, 2),
    "won": (TransactionState.SETTLED, 3),
    "lost": (TransactionState.DECLINED, 3),
    "expired": (TransactionState.DECLINED, 3),
}
_UNKNOWN_DISPUTE = (TransactionState.UNKNOWN, 0)
_TOP_UPS = {
    "pending": TopUpState.PENDING,
    "succeeded": TopUpState.SETTLED,
    "failed": TopUpState.FAILED,
    "canceled": TopUpState.FAILED,
    "reversed": TopUpState.REVERSED,
}


def dispute_from_wire(dispute: wire.StripeDispute) -> RemoteTransaction:
    """A dispute of one of a card's transactions, which is its parent. Its object names no card, unless that transaction is
    expanded in it: then `card_ref` is empty.

    It counts nothing: the money comes back to the Issuing balance, and it is UNCONFIRMED whether a card's allowance gets room
    back for it.
    """
    state, progress = _DISPUTES.get(dispute.get("status", ""), _UNKNOWN_DISPUTE)
    disputed = dispute.get("transaction")
    card = None if disputed is None or isinstance(disputed, str) else disputed.get("card")
    currency = dispute["currency"].upper()
    return RemoteTransaction(
        ref=dispute["id"],
        card_ref=((card if isinstance(card, str) else card.get("id")) if card else None) or "",
        kind=TransactionKind.CHARGEBACK,
        state=state,
        amount=Money(abs(dispute["amount"]), currency),
        impact=Money(0, currency),
        occurred_at=datetime.fromtimestamp(dispute["created"], UTC),
        raw={},
        parent_ref=(disputed if isinstance(disputed, str) else disputed.get("id")) if disputed else None,
        progress=(progress,),
    )


def top_up_from_wire(top_up: wire.StripeTopUp) -> RemoteTopUp:
    """KeyError where it has no id, amount, currency or time: then it is no top-up."""
    return RemoteTopUp(
        ref=top_up["id"],
        amount=checked(Money(top_up["amount"], top_up["currency"].upper())),
        state=_TOP_UPS.get(top_up.get("status", ""), TopUpState.UNKNOWN),
        occurred_at=datetime.fromtimestamp(top_up["created"], UTC),
    )
