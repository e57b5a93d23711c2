"""Events: one notification of a provider, as it came, as it is kept, and what it says in our words; verifies nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cardctl.domain.accounts import RemoteAccount
from cardctl.domain.cards import RemoteCard
from cardctl.domain.sales import NOTHING_SOLD, SoldTold
from cardctl.domain.saved_cards import NOTHING_SAVED, SavedTold
from cardctl.domain.states import CardState
from cardctl.domain.topups import RemoteTopUp
from cardctl.domain.transactions import RemoteTransaction


class Signature(StrEnum):
    """What can be said of where an event came from. STALE: genuine, but too old when it came. ABSENT: nothing proves it."""

    VALID = "valid"
    INVALID = "invalid"
    STALE = "stale"
    ABSENT = "absent"


class EventState(StrEnum):
    """RECEIVED: durable, not applied yet. IGNORED: it changes nothing by its nature. DEAD: it failed too often to be tried
    again unasked. QUARANTINED: not believed, and kept apart from the books."""

    RECEIVED = "received"
    APPLIED = "applied"
    IGNORED = "ignored"
    FAILED = "failed"
    DEAD = "dead"
    QUARANTINED = "quarantined"


class Source(StrEnum):
    """How an event reached us. What the provider's own API gave (BACKFILLED) is believed without a signature."""

    SERVED = "served"
    INGESTED = "ingested"
    IMPORTED = "imported"
    BACKFILLED = "backfilled"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request, or a file of one. `headers` by their lower-case names; `query` is the URL's, which may hold a secret."""

    body: bytes
    headers: Mapping[str, str]
    received_at: datetime
    query: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification of a body: what keeping it needs. A body may have several, told apart by `position`.

    `event_id` is the provider's own id, or the documented tuple where there is none, so that the same notification always has
    the same. `live`: whether it is about real money, where it says so. `item` is its JSON (numbers as int or Decimal).
    """

    event_id: str
    type: str
    object_ref: str | None
    card_ref: str | None
    occurred_at: datetime | None
    item: Mapping[str, Any]
    position: int = 0
    live: bool | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What an event says of a card's state; believed only where the provider has the card no more."""

    card_ref: str
    state: CardState
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a notification says. `cards` and `accounts` are snapshots of the moment of the event; `transactions` are money
    events with their `progress`. `look` and `look_accounts` name what only a reading can tell: there the event is a hint.

    `decided`: whether the transactions may be taken by their progress alone; else the cards in `look` are read with theirs, and
    what is told is kept only where the reading does not have it (yet). `known` False: a type that nobody here has heard of.
    `saved` is what it says of saved cards and of what is paid with them, `sold` of what customers paid and what was bought for
    them.
    """

    cards: tuple[RemoteCard, ...] = ()
    accounts: tuple[RemoteAccount, ...] = ()
    transactions: tuple[RemoteTransaction, ...] = ()
    topups: tuple[RemoteTopUp, ...] = ()
    look: tuple[str, ...] = ()
    look_accounts: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    decided: bool = True
    known: bool = True
    saved: SavedTold = NOTHING_SAVED
    sold: SoldTold = NOTHING_SOLD

    @property
    def informs(self) -> bool:
        """Whether it is information only: nothing in the books follows from it."""
        cards = self.cards or self.accounts or self.transactions or self.topups or self.look or self.look_accounts
        return not (cards or self.saved or self.sold)


NOTHING = Told()
UNHEARD = Told(known=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """A notification that must have been sent: `event_id` as a Notice has it, `kind` and `token` as a resend wants them."""

    event_id: str
    kind: str
    token: str


@dataclass(frozen=True, slots=True)
class Event:
    """An event in our books. `id` is made of programme and event id, so that the same notification is one row wherever it is
    kept; `waits_for` names the object without which it cannot be applied; `times` is how often it came."""

    id: str
    provider: str
    programme: str
    event_id: str
    type: str
    object_ref: str | None
    card_ref: str | None
    occurred_at: datetime | None
    received_at: datetime
    signature: Signature
    source: Source
    state: EventState
    attempts: int = 0
    error: str | None = None
    waits_for: str | None = None
    times: int = 1
    position: int = 0
    digest: str = ""
    """SHA-256 of the raw body, hex."""

    @property
    def believed(self) -> bool:
        """Whether what it says may be taken without reading the object again."""
        return self.signature is Signature.VALID or self.source is Source.BACKFILLED


@dataclass(frozen=True, slots=True)
class Arrival:
    """The events of one request, with what is sealed of it: the raw body (None: dropped, only its digest is kept) and the
    headers that prove it, credentials cut."""

    events: tuple[Event, ...]
    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one event that came: `new` here, or `proven` now where it was here without proof; else a duplicate."""

    id: str
    new: bool
    proven: bool = False


def own_id(programme: str, event_id: str) -> str:
    """Our id for an event: the same wherever and however often it is kept."""
    return "evt_" + hashlib.sha256(f"{programme}\n{event_id}".encode("utf-8", "replace")).hexdigest()[:24]
