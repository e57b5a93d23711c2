"""What customers bought and paid at the provider that takes their money: checkouts, sales, refunds, as it tells of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cardctl.domain.money import Money
from cardctl.domain.payments import RefundState
from cardctl.domain.things import Named


class SaleState(StrEnum):
    """OPEN: not paid (yet)."""

    OPEN = "open"
    PAID = "paid"
    CANCELED = "canceled"
    UNKNOWN = "unknown"


class CheckoutState(StrEnum):
    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class OrderData:
    """What a payment says of the order that it pays. `transaction_id` is the seller's own name of the order, for whom two
    payments under one name pay the same order."""

    offer_id: str
    recipient: str | None = None
    full_name: str | None = None
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewCheckout:
    """A page on which a customer shall pay `price` for what `data` says (its `transaction_id` is set)."""

    data: OrderData
    price: Money
    title: str
    success_url: str
    cancel_url: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteSale:
    """A provider's word about one payment of a customer. `amount` is what was received, where it is PAID. `refunded` and
    `disputed` None: this word does not tell. `paid_at` is when the customer paid, as far as it tells. `email` is the
    customer's, where the order names none."""

    ref: str
    state: SaleState
    amount: Money
    raw: dict[str, Any]
    created_at: datetime
    data: OrderData | None = None
    email: str | None = None
    refunded: Money | None = None
    disputed: bool | None = None
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RemoteCheckout:
    """A provider's word about a checkout. `url` is where the customer pays, while it is open. `mark` is the operation that made
    it."""

    ref: str
    state: CheckoutState
    paid: bool
    amount: Money
    raw: dict[str, Any]
    created_at: datetime
    data: OrderData | None = None
    email: str | None = None
    sale_ref: str | None = None
    url: str | None = None
    expires_at: datetime | None = None
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteSaleRefund:
    """A provider's word about money given back to a customer. `mark` is the operation that did it; `failure` why it failed."""

    ref: str
    sale_ref: str
    state: RefundState
    amount: Money
    raw: dict[str, Any]
    created_at: datetime
    reason: str | None = None
    mark: str | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class SoldTold:
    """What notifications say of sales and purchases: snapshots of the moment of the event, and in `look` what only a reading
    tells."""

    sales: tuple[RemoteSale, ...] = ()
    checkouts: tuple[RemoteCheckout, ...] = ()
    refunds: tuple[RemoteSaleRefund, ...] = ()
    look: tuple[Named, ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.sales or self.checkouts or self.refunds or self.look)


NOTHING_SOLD = SoldTold()
