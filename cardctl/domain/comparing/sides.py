"""One side of a comparison: what is compared as plain tuples, the same for our books and for a provider's word.

Tuples and not objects: five million of them are looked at in one run. Times are texts as they are stored, which sort.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple


class AccountSide(NamedTuple):
    """An account; `id` is ours, empty on the provider's side."""

    ref: str
    state: str
    kyc: str
    id: str = ""
    updated_at: str = ""


class CardSide(NamedTuple):
    """A card. Amounts are minor units of `currency`, None: none of that kind.

    `state` is what its word means for us; `word` the provider's own. `balance` is what it can still spend, where that is kept
    (always here; there only where the provider keeps it, else the allowance tells). `shared`: it is the holder's. Of what the
    provider's side leaves empty (holder, last4, expiry) nothing is concluded.
    """

    ref: str
    account_ref: str
    state: str
    currency: str
    last4: str
    exp_month: int
    exp_year: int
    holder: str
    per_transaction: int | None
    daily: int | None
    weekly: int | None
    monthly: int | None
    allowance: int | None
    balance: int | None
    shared: bool
    ever_active: bool
    word: str = ""
    id: str = ""
    updated_at: str = ""
    created_at: str = ""


class MoneySide(NamedTuple):
    """A money event of the card `card_ref`. The first seven words are what two sides must agree in.

    `reference` is, there, the provider's name for a movement that we asked for; here, the provider's row that was joined to
    ours, or the card itself for money that came with its making. `progress` as in domain.transactions.
    """

    ref: str
    kind: str
    state: str
    amount: int
    impact: int
    currency: str
    parent_ref: str | None
    occurred_at: str
    merchant: str | None
    mcc: str | None
    code: str | None
    progress: str | None
    reference: str | None
    card_ref: str


class SavedCardSide(NamedTuple):
    """A buyer's card. `ref` is a keyed hash of the provider's name for it, which stands nowhere in clear; `word` says more of
    what the provider's `state` comes from. Of what its side leaves empty nothing is concluded."""

    ref: str
    state: str
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    word: str = ""
    id: str = ""
    updated_at: str = ""


class PaymentSide(NamedTuple):
    """A charge or a hold, in minor units. The first seven words are what two sides must agree in.

    `card` is the keyed hash of the provider's name for its card, `mark` the operation that made it; `saved_card_id` is ours, by
    either of the two (empty: it is a payment of the seller that is none of ours). `updated_at` is the provider's own time of
    its word.
    """

    ref: str
    state: str
    amount: int
    tip: int
    captured: int
    refunded: int
    currency: str
    expires_at: str | None
    then_capture: bool
    card: str | None
    mark: str | None
    created_at: str
    updated_at: str
    word: str = ""
    id: str = ""
    saved_card_id: str = ""


class RefundSide(NamedTuple):
    """A refund of the payment `payment_ref`. The first four words are what two sides must agree in."""

    ref: str
    state: str
    amount: int
    currency: str
    mark: str | None
    created_at: str
    updated_at: str
    word: str
    payment_ref: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What is known of a provider's records, and of this run.

    `fundings`: its history has a row for money that we put on a card or took off. `links`: a capture names its authorization,
    so that one without is a forced one. `allowances`: what limits a card is what was funded, and its balance follows.
    `cutoff`: what happened from then on is still moving (None: nothing is); `since`: what was before was not read (None:
    everything was); `begun`: what was made from then on may have been missed by the reading. `now` is the provider's clock,
    `here` ours, by which orders are judged (None: they are not). What was paid or bought before `first` is of before our books
    had any order, and another program's; `none_yet`: they have none.
    """

    provider: str
    programme: str
    now: datetime
    fundings: bool
    links: bool
    begun: str
    cutoff: str | None = None
    since: str | None = None
    here: datetime | None = None
    first: str = ""
    none_yet: bool = False


@dataclass(frozen=True, slots=True)
class Trade:
    """What is usual in a trade: how long a hold may wait for its capture, and how much more than was asked for may be captured:
    by so many percent, or up to `most` minor units (of a currency with two decimals) in all."""

    name: str
    window: timedelta = timedelta(days=7)
    percent: int = 0
    most: int = 0
