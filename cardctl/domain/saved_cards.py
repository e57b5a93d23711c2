"""Saved cards: a buyer's own card kept as a token with a seller; what is paid with it is in payments.py."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cardctl.domain.payments import RemoteDispute, RemotePayment, RemoteRefund
from cardctl.domain.redaction import redact
from cardctl.domain.things import Named
from cardctl.errors import BadInput


class SavedCardState(StrEnum):
    """PENDING: its customer is there, and no card yet. GONE: the provider has the card, or its customer, no more."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    DISABLED = "disabled"
    GONE = "gone"


USABLE = frozenset({SavedCardState.ACTIVE, SavedCardState.EXPIRED})
"""States of a card that is charged, or would be but for its date."""
LONGEST_PERSON = 190


_ACTIVE = SavedCardState.ACTIVE
_FARTHEST_WEST = timedelta(hours=12)
"""A card is good to the end of its month wherever that ends last."""


@dataclass(frozen=True, slots=True)
class SavedCard:
    """One saved card in our books: one for each person and seller. `ref` and `customer_ref` are the provider's names, which are
    sealed at rest; None: there is none yet. `version` is the provider's count of changes of the card."""

    id: str
    provider: str
    programme: str
    environment: str
    person: str
    state: SavedCardState
    created_at: datetime
    updated_at: datetime
    synced_at: datetime
    email: str | None = None
    customer_ref: str | None = None
    ref: str | None = None
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    version: int = 0

    def expired_at(self, now: datetime) -> bool:
        """Whether its last month is over, everywhere."""
        return is_over(self.exp_year, self.exp_month, now)

    def as_of(self, now: datetime) -> SavedCard:
        """The card as it is now: that its time is over may not have been put down yet."""
        return replace(self, state=SavedCardState.EXPIRED) if self.state is _ACTIVE and self.expired_at(now) else self


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """A person who is to be known to the seller. `person` is our name for them, by which they are found again."""

    person: str
    email: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class NewSavedCard:
    """A card to be saved from a one-time token (`nonce`). `verification` proves the buyer to their bank, where that is asked
    for; `postal_code` is the one that the buyer gave with the card."""

    customer_ref: str
    nonce: str
    holder: str | None = None
    verification: str | None = None
    postal_code: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteCustomer:
    """A provider's word about a customer. `merged_into`: another one has taken its place."""

    ref: str
    raw: dict[str, Any]
    person: str | None = None
    email: str | None = None
    deleted: bool = False
    merged_into: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteSavedCard:
    """A provider's word about a card on file. `mark` is the operation that made it; `closed`: its issuer has closed it;
    `forgotten`: the provider has it no more."""

    ref: str
    raw: dict[str, Any]
    customer_ref: str | None
    enabled: bool
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    version: int
    mark: str | None = None
    closed: bool = False
    forgotten: bool = False


RemoteSaved = RemoteCustomer | RemoteSavedCard | RemotePayment | RemoteRefund


@dataclass(frozen=True, slots=True)
class SavedTold:
    """What notifications say of saved cards: snapshots of the moment of the event, and in `look` what only a reading tells."""

    customers: tuple[RemoteCustomer, ...] = ()
    cards: tuple[RemoteSavedCard, ...] = ()
    payments: tuple[RemotePayment, ...] = ()
    refunds: tuple[RemoteRefund, ...] = ()
    disputes: tuple[RemoteDispute, ...] = ()
    look: tuple[Named, ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.customers or self.cards or self.payments or self.refunds or self.disputes or self.look)


NOTHING_SAVED = SavedTold()


def saved_card_id(programme: str, person: str) -> str:
    """Our name for the one saved card that a person has with a seller: known before there is one, so that two who save at once
    meet."""
    return "sc_" + hashlib.sha256(f"{programme}\n{person}".encode("utf-8", "replace")).hexdigest()[:20]


def first_month(now: datetime) -> tuple[int, int]:
    """The first month, as year and month, that is not over everywhere on earth."""
    there = now - _FARTHEST_WEST
    return there.year, there.month


def is_over(year: int | None, month: int | None, now: datetime) -> bool:
    """Whether a card's last month is over, everywhere on earth; one without a date goes on."""
    return year is not None and month is not None and (year, month) < first_month(now)


def word_of(remote: RemoteSavedCard) -> str:
    """Why the provider would not charge a card, whatever its date; empty: it would."""
    if remote.forgotten:
        return "forgotten"
    if not remote.enabled:
        return "disabled"
    return "closed by its issuer" if remote.closed else ""


def standing_of(remote: RemoteSavedCard, now: datetime | None = None) -> SavedCardState:
    """What a provider's word about a card makes of it; that it has expired is seen by its date alone (Square has no such
    state), which `now` None leaves out."""
    if word_of(remote):
        return SavedCardState.GONE if remote.forgotten else SavedCardState.DISABLED
    over = now is not None and is_over(remote.exp_year, remote.exp_month, now)
    return SavedCardState.EXPIRED if over else SavedCardState.ACTIVE


def checked_person(person: str) -> str:
    """BadInput for what nobody could be called, or must not be kept in clear."""
    if not person.strip() or person != person.strip() or len(person) > LONGEST_PERSON:
        raise BadInput(
            f"a person needs a name of 1 to {LONGEST_PERSON} characters", hint="an email address, or your own id for them"
        )
    if redact(person) != person:
        raise BadInput("the person looks like a card number or a secret, and would be kept in clear", hint="choose another")
    return person
