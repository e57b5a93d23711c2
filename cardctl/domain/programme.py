"""A declared programme: the accounts and cards that ought to be, and one step towards them; reading a file is not done here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cardctl.domain.accounts import NewAccount
from cardctl.domain.cards import Limits
from cardctl.domain.money import Money


@dataclass(frozen=True, slots=True)
class DeclaredCard:
    """A card by the caller's own key within its account. `fund_to` is the least balance; `state` active, frozen or closed."""

    key: str
    currency: str
    type: str
    fund_to: Money | None
    limits: Limits
    state: str


@dataclass(frozen=True, slots=True)
class DeclaredAccount:
    """An account by its external id, with the cards that it ought to have."""

    wanted: NewAccount
    cards: tuple[DeclaredCard, ...]

    @property
    def external_id(self) -> str:
        assert self.wanted.external_id is not None
        return self.wanted.external_id


class Action(StrEnum):
    """What a step does."""

    CREATE_ACCOUNT = "create account"
    UPDATE_ACCOUNT = "update account"
    ACTIVATE_ACCOUNT = "activate account"
    ISSUE_CARD = "issue card"
    ACTIVATE_CARD = "activate card"
    UNFREEZE_CARD = "unfreeze card"
    FREEZE_CARD = "freeze card"
    CLOSE_CARD = "close card"
    SET_LIMITS = "set limits"
    FUND_CARD = "fund card"


@dataclass(frozen=True, slots=True)
class Step:
    """One difference between what is and what ought to be, and the write that would end it."""

    action: Action
    account: DeclaredAccount
    card: DeclaredCard | None = None
    card_id: str | None = None
    amount: Money | None = None

    @property
    def target(self) -> str:
        """The object in the file's own names."""
        return self.account.external_id if self.card is None else f"{self.account.external_id}/{self.card.key}"
