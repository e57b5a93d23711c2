"""Orders: a paid order on its way to a delivered eSIM, or to a refund; what the chain does next is in fulfilment.py."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cardctl.domain.esims import PurchaseState
from cardctl.domain.money import Money, zero
from cardctl.domain.payments import RefundState
from cardctl.domain.topups import TopUpState


class OrderState(StrEnum):
    """UNPAID: a checkout was made, and nobody has paid. PAID: nothing was bought yet. FUNDING: the wallet is short, and money
    is on its way to it, or waited for. BUYING: it was decided to buy; from here nothing is given back before the supplier has
    said FAILED, or it is known that nothing was bought. ORDERED: the supplier works on it. READY: the eSIM is here, and its
    mail is not gone. REFUNDING: the customer is to get the money back. STUCK: neither delivered nor refunded, and a person is
    needed."""

    UNPAID = "unpaid"
    PAID = "paid"
    FUNDING = "funding"
    BUYING = "buying"
    ORDERED = "ordered"
    READY = "ready"
    DELIVERED = "delivered"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    STUCK = "stuck"


UNFINISHED = frozenset(OrderState) - {OrderState.UNPAID, OrderState.DELIVERED, OrderState.REFUNDED, OrderState.STUCK}
"""States in which the chain goes on by itself."""
BOUGHT = frozenset({OrderState.BUYING, OrderState.ORDERED, OrderState.READY, OrderState.DELIVERED})
"""States in which something was bought, or may have been."""
GIVEN_UP = frozenset({OrderState.REFUNDING, OrderState.REFUNDED})
"""States whose reason is why the customer gets the money back."""


class StepName(StrEnum):
    """Steps of the chain, in the order in which they are shown."""

    PAY = "pay"
    PRICE = "price"
    FUND = "fund"
    BUY = "buy"
    ISSUE = "issue"
    MAIL = "mail"
    REFUND = "refund"
    TELL = "tell"


class StepState(StrEnum):
    """WAITING: for somebody else (the wallet's money, the supplier, a mail server). RUNNING: begun, and not known to have
    ended."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """Where one step of an order stands. `tries` counts how often it was begun; `error` is why it waits or failed."""

    name: StepName
    state: StepState
    at: datetime
    tries: int = 1
    operation_id: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `programme` is where its customer paid, `supplier` the programme that it is bought in (None: not chosen yet).

    `transaction_id` is the seller's name for it, unique in the programme. `price` is what was paid (asked, while UNPAID),
    `refunded` what of it was given back, `cost` what the supplier charges. `purchase_ref` is our name of the purchase there,
    and `purchase` how that stands; `attempt` counts purchases: a new one is made only where the one before it surely failed.

    `reserved` is the part of the wallet that is spoken for by this order and not held there yet; `held_at` is when the wallet
    was first seen to have held it. `due_at` is when the chain looks at it next; `reason_code` and `reason` say why it waits,
    failed, or is refunded. `lease` is the process that works on it. The text of its QR code is a secret, and asked for by
    itself.
    """

    id: str
    programme: str
    environment: str
    transaction_id: str
    state: OrderState
    offer_id: str
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    recipient: str | None = None
    full_name: str | None = None
    title: str | None = None
    """What the customer bought, in words."""
    checkout_ref: str | None = None
    payment_ref: str | None = None
    price: Money | None = None
    refunded: Money | None = None
    paid_at: datetime | None = None
    seen_at: datetime | None = None
    """When the payment was last read or told of."""
    supplier: str | None = None
    cost: Money | None = None
    attempt: int = 1
    purchase_ref: str | None = None
    purchase: PurchaseState | None = None
    reserved: Money | None = None
    held_at: datetime | None = None
    bought_at: datetime | None = None
    issued_at: datetime | None = None
    iccid: str | None = None
    delivered_at: datetime | None = None
    refunded_at: datetime | None = None
    reason_code: str | None = None
    reason: str | None = None
    tries: int = 0
    disputed: bool = False
    """Whether the customer's bank wants the money back, as far as it was told."""
    asked: bool = False
    """Whether a person has said to go on with it: then what nobody knew before is believed."""
    short_since: datetime | None = None
    """Since when it waits for the wallet's money."""
    lease: str = ""
    leased_until: datetime | None = None

    @property
    def refundable(self) -> Money | None:
        """What is left of what was paid; None where nothing was."""
        if self.price is None or self.payment_ref is None:
            return None
        return self.price - (self.refunded or zero(self.price.currency))


@dataclass(frozen=True, slots=True)
class WalletTopUp:
    """Money put into the wallet for an order. Its id is the operation's that did it; `card_id` the card (ours) that paid."""

    id: str
    order_id: str
    programme: str
    ref: str | None
    card_id: str | None
    amount: Money
    state: TopUpState
    created_at: datetime
    updated_at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SaleRefund:
    """Money given back to the customer of an order. `made_by` is the operation that did it, None: it was given back
    elsewhere."""

    id: str
    ref: str
    programme: str
    order_id: str
    amount: Money
    state: RefundState
    created_at: datetime
    updated_at: datetime
    reason: str | None = None
    made_by: str | None = None


CARD_FOR_ONE = "topup-"
"""How the key of a card begins that is made for one top-up of the wallet, before the top-up's name: the order's id, the number
of the attempt and that of the top-up, with points between."""
_PLAIN = re.compile(r"[A-Za-z0-9-]{1,60}\Z", re.ASCII)


def order_id_of(programme: str, transaction_id: str) -> str:
    """Our name for the order that a seller calls so: known before there is one, so that all who hear of it mean one order."""
    return "order_" + _hash(programme, transaction_id)


def transaction_id_for(programme: str, payment_ref: str) -> str:
    """The name of an order whose payment names none, or one that another payment has paid already: such a twin is never
    fulfilled, and its money given back."""
    return f"cc-{_hash(programme, payment_ref)}"


def purchase_ref_of(order: Order, *, taken: bool = False) -> str:
    """Our name of an order's purchase at the supplier. An id is taken once there, and letters, digits and hyphens are what
    every source agrees on; so another name is hashed, and each attempt has its own. It is none that a seller would give to
    another order (`A-1-2`); `taken`: the plain one is another programme's."""
    plain = order.transaction_id if _PLAIN.match(order.transaction_id) else f"cc-{_hash(order.programme, order.transaction_id)}"
    return plain if order.attempt == 1 and not taken else f"{plain}-{_hash(order.id, str(order.attempt))[:12]}"


def order_of_card(key: str) -> str:
    """The id of the order that a card with such a key was made for."""
    return key.removeprefix(CARD_FOR_ONE).partition(".")[0]


def _hash(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode("utf-8", "replace")).hexdigest()[:20]
