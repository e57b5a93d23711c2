"""Payments with saved cards: charges, holds, refunds and disputes, in our books and in a provider's word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cardctl.domain.money import Money
from cardctl.domain.redaction import redact
from cardctl.errors import BadInput

LONGEST_INVOICE = 40
"""Characters that a provider keeps of an invoice's name (Square: reference_id of a payment)."""


class PaymentKind(StrEnum):
    CHARGE = "charge"
    PREAUTH = "preauth"


PAYING = {"saved_card.charge": PaymentKind.CHARGE, "saved_card.preauth": PaymentKind.PREAUTH}
"""What an operation that pays makes, by its kind."""


class PaymentState(StrEnum):
    """APPROVED: held, and not captured yet. UNKNOWN is neither success nor failure."""

    PENDING = "pending"
    APPROVED = "approved"
    COMPLETED = "completed"
    CANCELED = "canceled"
    FAILED = "failed"
    UNKNOWN = "unknown"


class RefundState(StrEnum):
    PENDING = "pending"
    COMPLETED = "completed"
    REJECTED = "rejected"
    FAILED = "failed"
    UNKNOWN = "unknown"


ENDED = frozenset({PaymentState.COMPLETED, PaymentState.CANCELED, PaymentState.FAILED})
"""States that no payment leaves."""
UNPAID = frozenset({PaymentState.CANCELED, PaymentState.FAILED})
"""States in which nothing was taken, so that the invoice may be paid anew."""
UNREFUNDED = frozenset({RefundState.REJECTED, RefundState.FAILED})


@dataclass(frozen=True, slots=True)
class Payment:
    """One charge or hold in our books. Amounts are of one currency; `amount` and `tip` as they stand at the provider,
    `captured` what was taken (tip included), `refunded` what went back. `expires_at`: when a hold ends by itself.
    `told_at` is the provider's own time of the last word that these books took; `asked` what our own operation asked for, None:
    it was made elsewhere."""

    id: str
    ref: str
    provider: str
    programme: str
    saved_card_id: str
    invoice: str | None
    kind: PaymentKind
    state: PaymentState
    amount: Money
    tip: Money
    captured: Money
    refunded: Money
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    told_at: datetime
    asked: Money | None = None

    @property
    def first_asked(self) -> Money:
        """What was asked for at first; a hold that was captured in part is smaller by now."""
        return self.asked or self.amount

    @property
    def held(self) -> bool:
        """Whether it is a hold that waits for its capture."""
        return self.state is PaymentState.APPROVED

    @property
    def refundable(self) -> Money:
        """What of it can still go back."""
        left = self.captured.minor - self.refunded.minor if self.state is PaymentState.COMPLETED else 0
        return Money(max(left, 0), self.amount.currency)


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund of a payment. `invoice` is what its maker called it."""

    id: str
    ref: str
    provider: str
    programme: str
    payment_id: str
    invoice: str | None
    state: RefundState
    amount: Money
    reason: str | None
    created_at: datetime
    updated_at: datetime
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Dispute:
    """A buyer's bank wants the money of a payment back. `state` is the provider's own word, in lower case."""

    programme: str
    ref: str
    payment_ref: str
    state: str
    reason: str | None
    amount: Money
    due_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A charge, or with `hold` a pre-authorisation. `hold_for`: how long it is held (None: as long as the provider does by
    itself); `then_capture`: it is captured by itself at the end of that, not released."""

    customer_ref: str
    card_ref: str
    amount: Money
    invoice: str | None = None
    hold: bool = False
    hold_for: timedelta | None = None
    then_capture: bool = False
    tip: Money | None = None
    verification: str | None = None


@dataclass(frozen=True, slots=True)
class RemotePayment:
    """A provider's word about a payment. `token` is its version, where changes want one; `decline` the provider's word for why
    it failed; `mark` the operation that made it; `then_capture`: a hold that is captured by itself at its end, not released.
    `kind`: what it seems to be by this word, None: it does not tell; one that is COMPLETED does, the same each time."""

    ref: str
    raw: dict[str, Any]
    state: PaymentState
    amount: Money
    tip: Money
    captured: Money
    refunded: Money
    card_ref: str | None
    customer_ref: str | None
    invoice: str | None
    mark: str | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    token: str | None = None
    word: str = ""
    decline: str | None = None
    then_capture: bool = False
    kind: PaymentKind | None = None


@dataclass(frozen=True, slots=True)
class RemoteRefund:
    """A provider's word about a refund. `payment_ref` None: it is of no payment."""

    ref: str
    raw: dict[str, Any]
    payment_ref: str | None
    state: RefundState
    amount: Money
    reason: str | None
    mark: str | None
    created_at: datetime
    updated_at: datetime
    word: str = ""


@dataclass(frozen=True, slots=True)
class RemoteDispute:
    """A provider's word about a dispute."""

    ref: str
    payment_ref: str
    state: str
    reason: str | None
    amount: Money
    due_at: datetime | None
    version: int


def payment_id_of(operation_id: str) -> str:
    """Our name for the payment that an operation makes: who hears of it first, the reply or an event, gives it the same."""
    return f"pay_{operation_id.removeprefix('op_')}"


def operation_id_of(payment_id: str) -> str:
    """The name of the operation that would have made a payment of ours; there is none where it was made elsewhere."""
    return f"op_{payment_id.removeprefix('pay_')}"


def refund_id_of(operation_id: str) -> str:
    """The same of a refund."""
    return f"rfd_{operation_id.removeprefix('op_')}"


def checked_invoice(invoice: str | None) -> str | None:
    """BadInput for an invoice's name that the provider would not keep whole, or that must not be kept in clear."""
    if invoice is None:
        return None
    if not invoice.strip() or len(invoice) > LONGEST_INVOICE or not invoice.isprintable():
        raise BadInput(f"an invoice has a name of 1 to {LONGEST_INVOICE} characters, not {invoice!r}")
    if redact(invoice) != invoice:
        raise BadInput("the invoice's name looks like a card number or a secret, and would be kept in clear")
    return invoice
