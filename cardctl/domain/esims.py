"""eSIMs as their supplier tells of them: offers, purchases, plans, and the ledger of the wallet that they are bought from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from cardctl.domain.money import Money
from cardctl.domain.topups import TopUpState


class PurchaseState(StrEnum):
    """The supplier's words. Only DONE and FAILED are final: anything else may take a day, and is no failure."""

    ACCEPTED = "accepted"
    PENDING = "pending"
    AUTHORIZED = "authorized"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


ENDED = frozenset({PurchaseState.DONE, PurchaseState.FAILED})
HELD = frozenset({PurchaseState.AUTHORIZED, PurchaseState.IN_PROGRESS, PurchaseState.DONE})
"""States in which the wallet has been held, or charged, for the purchase."""
_ORDER = tuple(PurchaseState)[:4]
UNDER_WAY = frozenset(_ORDER)
"""States in which the supplier works on it."""
INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
"""Why a purchase failed that the wallet could not pay: nothing was bought."""
NOT_ABOUT_THE_ORDER = frozenset({"FORBIDDEN", "NOT_AUTHORIZED"})
"""Words of a no that is said to whoever asks, and not to an order: nothing follows from it for one."""
ABOUT_THE_ORDER = frozenset({"INVALID_REQUEST", "NOT_FOUND"})
"""Words of a no to a purchase that is about what was to be bought. UNCONFIRMED what others there are: the set is open, and any
other may be about our account, or the supplier's day."""
TRANSACTION_ID_TAKEN = "TRANSACTION_ID_TAKEN"
"""Why a purchase is refused whose name another one has, of another offer."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be bought. `cost` is what the supplier charges, fee included; `price` what it proposes to sell it for. `days`
    and `data_gb` None: not told; `data_unlimited` counts over `data_gb`. `country` is ISO 3166-1 alpha-2, None for a region."""

    id: str
    brand: str
    enabled: bool
    cost: Money
    raw: dict[str, Any]
    price: Money | None = None
    country: str | None = None
    regions: tuple[str, ...] = ()
    roaming: tuple[str, ...] = ()
    days: int | None = None
    data_gb: Decimal | None = None
    data_unlimited: bool = False
    speeds: tuple[str, ...] = ()
    notes: str | None = None

    @property
    def title(self) -> str:
        """What a customer is told that this is."""
        data = "unlimited data" if self.data_unlimited else f"{self.data_gb:f} GB" if self.data_gb is not None else "data"
        where = self.country or ", ".join(self.regions) or "several countries"
        return f"eSIM {where}, {data}" + (f", {self.days} days" if self.days else "")


@dataclass(frozen=True, slots=True)
class NewPurchase:
    """An eSIM to be bought under our own name for it, `ref`, which the supplier takes once. `iccid`: onto an eSIM that is
    there. What was made before `not_before` under that name is another's."""

    offer_id: str
    ref: str
    iccid: str | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class RemotePurchase:
    """A supplier's word about a purchase. `activation` is the text of the QR code (`LPA:1$…`), a secret of whoever holds it.
    The answer to a purchase has no more than `ref` and `state`."""

    ref: str
    state: PurchaseState
    raw: dict[str, Any] = field(repr=False)
    offer_id: str | None = None
    cost: Money | None = None
    iccid: str | None = None
    activation: str | None = field(default=None, repr=False)
    instructions: str | None = field(default=None, repr=False)
    error_code: str | None = None
    error: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One movement of the wallet. `product` is the supplier's word for what it was; `credit`: into the wallet."""

    ref: str
    product: str
    credit: bool
    state: PurchaseState
    amount: Money
    created_at: datetime
    updated_at: datetime
    recharge: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What is left on an eSIM. `state` is "active", "queued" or the supplier's word."""

    iccid: str
    offer_id: str
    state: str
    unlimited: bool
    initial_gb: Decimal | None = None
    remaining_gb: Decimal | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RemoteWalletTopUp:
    """The word of whoever tops the wallet up. `ref` is its name for it; `mark` ours, the operation's id."""

    ref: str
    mark: str
    state: TopUpState
    amount: Money
    raw: dict[str, Any]
    reason: str | None = None


def goes_on(before: PurchaseState, now: PurchaseState) -> bool:
    """Whether `now` is news after `before`: in-flight words may come late, and nothing comes after an end."""
    if before in ENDED or now is before or now is PurchaseState.UNKNOWN:
        return False
    if now in ENDED or before is PurchaseState.UNKNOWN:
        return True
    return _ORDER.index(now) > _ORDER.index(before)
