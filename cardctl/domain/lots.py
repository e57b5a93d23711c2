"""The words of the pre-authorisation policy for auctions: lots, how each stands, steps; preauthorization.py makes the plan."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cardctl.domain.money import Money, zero
from cardctl.domain.payments import LONGEST_INVOICE, Payment
from cardctl.domain.saved_cards import SavedCard

WINDOW = timedelta(hours=4)
"""Before a lot's start, where the file says nothing."""
KEEP = timedelta(days=1)
"""After a lot's end, the same: so long an open lot stays covered, and so long a completed one without a hold may be charged."""
BACK_OFF = timedelta(hours=1)
"""A declined card is not asked for the same again before that."""
LONGEST_LOT = LONGEST_INVOICE - 4
"""Characters of a lot's invoice: the rest is for `~2`, `~3`, …"""

_AHEAD = timedelta(hours=6)
_GENERATION = re.compile(r"~[1-9][0-9]*\Z", re.ASCII)


class LotStatus(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Action(StrEnum):
    """HOLD, TOP_UP and RENEW place a new hold of the whole amount; those before it are released once it stands."""

    HOLD = "hold"
    TOP_UP = "top_up"
    RENEW = "renew"
    CAPTURE = "capture"
    CHARGE = "charge"
    RELEASE = "release"


PLACING = frozenset({Action.HOLD, Action.TOP_UP, Action.RENEW})


class Cover(StrEnum):
    """How a lot stands. WAITING: its window is not open. LAPSING: covered, by a hold that ends too early and cannot be renewed.
    DUE: what the file says is still to be captured or released. OVERDUE: it is long over, and the file says open."""

    WAITING = "waiting"
    COVERED = "covered"
    LAPSING = "lapsing"
    MISSING = "missing"
    DUE = "due"
    PAID = "paid"
    RELEASED = "released"
    OVERDUE = "overdue"


_WANTING = frozenset({Cover.LAPSING, Cover.MISSING, Cover.DUE, Cover.OVERDUE})


@dataclass(frozen=True, slots=True)
class Lot:
    """One buyer's part in an auction. `final` is what is taken of a completed lot (None: the amount), `tip` what comes on top;
    all of one currency. `end` is not before `start`."""

    person: str
    invoice: str
    amount: Money
    start: datetime
    end: datetime
    status: LotStatus = LotStatus.OPEN
    final: Money | None = None
    tip: Money | None = None

    @property
    def due(self) -> Money:
        """What is to be taken in all: nothing while it is open, or where it was cancelled."""
        if self.status is not LotStatus.COMPLETED:
            return zero(self.amount.currency)
        final = self.amount if self.final is None else self.final
        return final + (self.tip or zero(final.currency)) if final.minor else final


@dataclass(frozen=True, slots=True)
class Policy:
    """Every lot, in the file's order. `hold_for`: how long a hold is asked for (None: as long as the provider does)."""

    lots: tuple[Lot, ...]
    window: timedelta = WINDOW
    keep: timedelta = KEEP
    hold_for: timedelta | None = None

    @property
    def ahead(self) -> timedelta:
        """So long before its end a hold is renewed: a quarter of a short one, at most six hours."""
        return _AHEAD if self.hold_for is None else min(_AHEAD, self.hold_for / 4)


@dataclass(frozen=True, slots=True)
class Decline:
    """The last no to a hold or charge of a lot: its amount, and what the provider said."""

    at: datetime
    amount: Money
    said: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What the books know of a lot: its person's card, and every payment under the lot's names, the newest last.

    `doubt` is an unfinished operation about this lot, `card_doubt` one about the card, whatever it pays.
    """

    card: SavedCard | None = None
    payments: tuple[Payment, ...] = ()
    doubt: str | None = None
    card_doubt: str | None = None
    declined: Decline | None = None

    @property
    def holds(self) -> list[Payment]:
        """Holds that nothing has ended, also those whose time is over by our clock."""
        return [payment for payment in self.payments if payment.held]

    def taken(self, currency: str) -> Money:
        """What was captured of it, tips included; what went back later is not taken again."""
        captured = (payment.captured for payment in self.payments)
        return Money(sum(money.minor for money in captured if money.currency == currency), currency)


@dataclass(frozen=True, slots=True)
class Step:
    """One write: `payment` is what is captured or released, `invoice` how a new hold or charge is named. `amount` is all that
    moves, `tip` the part of it that is a tip."""

    action: Action
    lot: Lot
    amount: Money
    payment: Payment | None = None
    invoice: str | None = None
    tip: Money | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a lot stands, why that is so where it is not as wanted, and the steps that would follow from it, in their order."""

    lot: Lot
    cover: Cover
    held: Money
    taken: Money
    reason: str | None = None
    steps: tuple[Step, ...] = field(default=())

    @property
    def wanting(self) -> bool:
        """Whether a person should know: somebody is not covered, or money is not where the file wants it."""
        return self.cover in _WANTING or (self.cover in (Cover.PAID, Cover.RELEASED) and self.reason is not None)


def invoice_of(lot_invoice: str, generation: int) -> str:
    """How the payments of a lot are named, since one invoice has one live payment: the invoice, then `~2`, `~3`, …"""
    return lot_invoice if generation == 1 else f"{lot_invoice}~{generation}"


def looks_renewed(invoice: str) -> bool:
    """Whether an invoice ends as those of later holds do: no lot's own may."""
    return _GENERATION.search(invoice) is not None


def belongs(lot: Lot, invoice: str | None) -> bool:
    """Whether a payment of that name is the lot's."""
    return invoice is not None and (invoice == lot.invoice or _GENERATION.sub("", invoice) == lot.invoice)
