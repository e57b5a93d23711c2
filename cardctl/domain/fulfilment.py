"""The chain from a paid order to a delivered eSIM: what is to be done next, and how long to wait; does nothing itself.

paid ──price──▶ paid ──wallet──▶ buying ──buy──▶ ordered ──look──▶ ready ──mail──▶ delivered
  │              │ short          │ no             │ FAILED
  │              ▼                │                │
  │            funding            │                │         no wallet money in time, no offer, no recipient, a purchase
  │              │                │                │         that was refused or failed: the customer gets the money back
  └──────────────┴────────────────┴────────────────┴──▶ refunding ──refund──▶ refunded ──tell──▶ (the end)
                                                               └── no ──▶ stuck
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from cardctl.domain.esims import PurchaseState
from cardctl.domain.money import Money
from cardctl.domain.orders import Order, OrderState, Step, StepName, StepState

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
"""When an order is due that the chain has nothing to do for."""
STALE = timedelta(minutes=5)
"""How old what is known of a payment may be when money is spent on it: it may have been given back elsewhere."""
OVERDUE = timedelta(hours=25)
"""After which a purchase should have ended: Zendit retries for 24 hours (its queue-and-retry page)."""
TOO_LONG = timedelta(hours=26)
"""How long an order may take, whatever comes between: what nobody else tells of by then is told as stuck."""
LATE = timedelta(hours=72)
"""How old a payment may be that is heard of unasked, and begun with: a backfill must not fulfil what another program did.
Stripe goes on delivering for three days (docs.stripe.com/webhooks)."""
ATTEMPTS = 5
"""So many names of one order's purchase may be taken before it is given up."""
LACKS = (10, 60, 300, 900)
"""Seconds: what the wallet was said to have did not suffice, so that it is not believed again at once; the last for ever."""
REFUSABLE = timedelta(hours=24)
"""How long a supplier may refuse a paid order for reasons that are not the order's, before a person is told."""
ACCEPTING = "zendit.accept_currencies = [{!r}] takes it for any cost in another currency"
"""What a person can do about money that nothing here can compare."""
_PAUSES = (1, 3, 10, 60, 300, 900)
"""Seconds before a step is tried again that may be; the last one for ever."""
_LOOKS = ((15, 1), (60, 5), (600, 30), (3600, 120))
"""How often a purchase is looked at, in seconds, up to an age; older ones as often as their supplier tries again."""
_SLOWLY = 900


class Topup(StrEnum):
    """How the wallet is filled."""

    CARD = "card"
    REQUEST = "request"
    PREFUNDED = "prefunded"


class Do(StrEnum):
    """What is to be done next for an order."""

    READ_SALE = "read_sale"
    PRICE = "price"
    PROVIDE = "provide"
    BUY = "buy"
    LOOK = "look"
    FETCH_QR = "fetch_qr"
    MAIL = "mail"
    REFUND = "refund"
    TELL = "tell"
    NOTHING = "nothing"


class Why(StrEnum):
    """Why an order waits, is given up, or is stuck (`reason_code`)."""

    TOO_OLD = "TOO_OLD"
    PAID_TWICE = "PAID_TWICE"
    OFFER_UNKNOWN = "OFFER_UNKNOWN"
    OTHER_CURRENCY = "OTHER_CURRENCY"
    NO_RECIPIENT = "NO_RECIPIENT"
    OFFER_GONE = "OFFER_GONE"
    COST_ABOVE_PRICE = "COST_ABOVE_PRICE"
    WALLET_SHORT = "WALLET_SHORT"
    TOPUP_FAILED = "TOPUP_FAILED"
    TOPUP_PENDING = "TOPUP_PENDING"
    PURCHASE_REFUSED = "PURCHASE_REFUSED"
    PURCHASE_FAILED = "PURCHASE_FAILED"
    REFUNDED_ELSEWHERE = "REFUNDED_ELSEWHERE"
    DISPUTED = "DISPUTED"
    REFUND_REFUSED = "REFUND_REFUSED"
    REFUND_FAILED = "REFUND_FAILED"
    IN_DOUBT = "IN_DOUBT"
    UNAVAILABLE = "UNAVAILABLE"
    NO_MAIL_SERVER = "NO_MAIL_SERVER"
    MAIL_REFUSED = "MAIL_REFUSED"
    MAIL_UNAVAILABLE = "MAIL_UNAVAILABLE"
    CANCELED = "CANCELED"


SAID_TO_CUSTOMERS: dict[str, str] = {
    Why.OFFER_GONE: "it is not sold any more",
    Why.COST_ABOVE_PRICE: "its price has changed",
    Why.WALLET_SHORT: "it could not be provided in time",
    Why.TOPUP_FAILED: "it could not be provided in time",
    Why.PURCHASE_REFUSED: "the operator could not provide it",
    Why.PURCHASE_FAILED: "the operator could not provide it",
}
"""Why an order was given up, as its customer is told."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How orders are fulfilled. `funds_within`: how long money for the wallet is waited for before an order is given up.
    `accept_currencies`: in which a payment is taken for a cost in another one, with which nothing here can compare it.
    `must_mail`: whether an order without a mail is not delivered."""

    topup: Topup = Topup.REQUEST
    reuse_card: bool = False
    funds_within: timedelta = timedelta(hours=24)
    sell_below_cost: bool = False
    accept_currencies: frozenset[str] = frozenset()
    must_mail: bool = True


def next_step(order: Order, steps: dict[StepName, Step], now: datetime) -> Do:
    """What is to be done next for an order, by what the books say of it."""
    if order.state is OrderState.PAID and order.cost is None:
        return Do.PRICE
    if order.state in (OrderState.PAID, OrderState.FUNDING):
        return Do.READ_SALE if is_stale(order, now) else Do.PROVIDE
    if order.state is OrderState.ORDERED:
        return Do.FETCH_QR if order.purchase is PurchaseState.DONE else Do.LOOK
    if order.state is OrderState.REFUNDED and order.reason_code != Why.REFUNDED_ELSEWHERE:
        told = steps.get(StepName.TELL)
        return Do.NOTHING if told is not None and told.state in (StepState.DONE, StepState.FAILED) else Do.TELL
    return _OF.get(order.state, Do.NOTHING)


def is_stale(order: Order, now: datetime) -> bool:
    """Whether what is known of its payment is too old to move money for, or was seen by a clock that was ahead."""
    return order.seen_at is None or not timedelta(0) <= now - order.seen_at <= STALE


def underpaid(terms: Terms, paid: Money, cost: Money) -> Why | None:
    """Why so much is not taken for what costs so much; None where it is."""
    if terms.sell_below_cost:
        return None
    if paid.currency == cost.currency:
        return Why.COST_ABOVE_PRICE if paid < cost else None
    return None if paid.currency in terms.accept_currencies else Why.OTHER_CURRENCY


def pause(tries: int) -> timedelta:
    """How long to wait after so many tries that failed."""
    return timedelta(seconds=_PAUSES[min(max(tries - 1, 0), len(_PAUSES) - 1)])


def look_again(order: Order, now: datetime) -> timedelta:
    """How long to wait before a purchase is looked at again; notifications come sooner."""
    age = (now - (order.bought_at or now)).total_seconds()
    return timedelta(seconds=next((every for until, every in _LOOKS if age < until), _SLOWLY))


_OF = {
    OrderState.BUYING: Do.BUY,
    OrderState.READY: Do.MAIL,
    OrderState.REFUNDING: Do.REFUND,
}
