"""Cards: ours (`Card`), a wish (`NewCard`), and a provider's word (`RemoteCard`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cardctl.domain.money import Money
from cardctl.domain.states import CardState


@dataclass(frozen=True, slots=True)
class Limits:
    """Spending limits of a card; None is no limit of that kind. The allowance (what was funded) is not among them."""

    per_transaction: Money | None = None
    daily: Money | None = None
    weekly: Money | None = None
    monthly: Money | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Card:
    """A card in our books. `balance` is what it can still spend, None where nothing limits it."""

    id: str
    ref: str
    provider: str
    programme: str
    account_id: str
    holder: str
    brand: str | None
    type: str
    last4: str
    exp_month: int
    exp_year: int
    currency: str
    state: CardState
    state_reason: str | None
    balance: Money | None
    limits: Limits
    created_at: datetime
    updated_at: datetime
    synced_at: datetime
    ever_active: bool
    allowance: Money | None

    @property
    def masked(self) -> str:
        """The number as it may be shown."""
        return f"**** **** **** {self.last4}"


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card that is wanted. `allowance` (funding) None leaves it without one; `holder` is the name that stands on it."""

    account_ref: str
    currency: str
    type: str = "virtual"
    active: bool = True
    limits: Limits = NO_LIMITS
    allowance: Money | None = None
    replaces_ref: str | None = None
    replaces_reason: str | None = None
    holder: str = ""


@dataclass(frozen=True, slots=True)
class RemoteCard:
    """A provider's word about a card, without its numbers.

    `state` is what its word alone says; `ever_active` is True where the provider's object proves that it once was active,
    None where it cannot tell. `balance` is filled only where the provider keeps one; `shared`: it is the holder's, and
    all cards of the account spend from it. `word` is its own word for the state. What an answer leaves out (`holder`) is empty.
    `raw` is its JSON, as a text where it came in a long list.
    Of our operations, where kept: `mark` last wrote its money or limits, `moved_by` its state, `created_by` made it.
    """

    ref: str
    account_ref: str | None
    holder: str
    type: str
    last4: str
    exp_month: int
    exp_year: int
    currency: str
    state: CardState
    word: str
    raw: dict[str, Any] | str
    brand: str | None = None
    state_reason: str | None = None
    limits: Limits = NO_LIMITS
    allowance: Money | None = None
    balance: Money | None = None
    ever_active: bool | None = None
    created_at: datetime | None = None
    mark: str | None = None
    moved_by: str | None = None
    created_by: str | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class CardNews:
    """What the answer to a write tells of a card where it does not give the whole card; None is what it does not tell.

    `limits` are all of them as they are now. `settled` False: the money is on its way, not there yet. `reference` is the
    provider's own name for a movement of money. `mark` and `moved_by` as in RemoteCard.
    """

    ref: str
    raw: dict[str, Any] | str
    state: CardState | None = None
    word: str = ""
    limits: Limits | None = None
    balance: Money | None = None
    shared: bool = False
    settled: bool = True
    reference: str | None = None
    mark: str | None = None
    moved_by: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """One funding that can be taken back only by its name: `ref` is the provider's, `left` what was not yet taken back."""

    ref: str
    account_id: str
    left: Money


@dataclass(frozen=True, slots=True)
class Credentials:
    """A card's numbers, for one look on a terminal. Never stored; prints as stars."""

    number: str
    cvc: str
    exp_month: int
    exp_year: int

    def __repr__(self) -> str:
        return "Credentials(***)"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class WalletEligibility:
    """What a provider says of putting a card into a phone's wallet."""

    wallet: str
    eligible: bool
    reason: str | None = None
