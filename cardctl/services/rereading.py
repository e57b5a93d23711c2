"""What notifications only hint at, read from the provider: cards with holders and money events, accounts; and taken in. Saved
cards, orders and what belongs to them are only read here: placing.py and placing_orders.py take them in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import cast

from cardctl.db.unit import Unit
from cardctl.domain.accounts import RemoteAccount
from cardctl.domain.cards import RemoteCard
from cardctl.domain.saved_cards import RemoteSaved
from cardctl.domain.states import CardState
from cardctl.domain.things import Kind, Named
from cardctl.domain.transactions import RemoteTransaction
from cardctl.errors import (
    BooksLocked,
    BooksUnusable,
    CardctlError,
    ProviderHasNot,
    ProviderUnavailable,
    ReplyLost,
    SecretProblem,
)
from cardctl.providers.base import ReadsCards, ReadsTransactions, RemoteSold, require
from cardctl.providers.saving import ReadsPayments, ReadsSavedCards
from cardctl.providers.selling import ReadsSales, SellsEsims
from cardctl.services.desk import Desk
from cardctl.services.intake import now_in, take_accounts, take_cards, take_events, written_since
from cardctl.sidebyside import side_by_side
from cardctl.stopping import never

EVER = datetime(2000, 1, 1, tzinfo=UTC)
WORKERS = 16
TRANSIENT = (ProviderUnavailable, ReplyLost, SecretProblem, BooksLocked, BooksUnusable)
"""What says nothing about an event: it is tried again, however often."""
_TRIES = 3
_YOUNG = timedelta(seconds=60)


@dataclass(slots=True)
class Wish:
    """One card to be read; with its money events from `since` on (None: without). `expects` is the state that a notification of
    the moment `at` told: a reading that does not show it yet may be stale."""

    ref: str
    since: datetime | None = None
    expects: CardState | None = None
    at: datetime | None = None

    def widen(self, other: Wish) -> None:
        """Also what `other` wants of the same card."""
        if other.since is not None:
            self.since = other.since if self.since is None else min(self.since, other.since)
        if other.expects is not None and (self.at is None or (other.at is not None and other.at >= self.at)):
            self.expects, self.at = other.expects, other.at


@dataclass(slots=True)
class Wishes:
    """What is to be read, each object once."""

    cards: dict[str, Wish] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)
    things: set[Named] = field(default_factory=set)

    def card(self, wish: Wish) -> None:
        self.cards.setdefault(wish.ref, wish).widen(wish)

    def __bool__(self) -> bool:
        return bool(self.cards or self.accounts or self.things)


@dataclass(slots=True)
class Readings:
    """What was read at `begun` (a moment of the audit). Gone: the provider has it no more. `failed`: could not be read."""

    begun: int = 0
    cards: dict[str, RemoteCard] = field(default_factory=dict)
    transactions: dict[str, list[RemoteTransaction]] = field(default_factory=dict)
    accounts: dict[str, RemoteAccount] = field(default_factory=dict)
    since: dict[str, datetime | None] = field(default_factory=dict)
    things: dict[Named, RemoteSaved | RemoteSold] = field(default_factory=dict)
    gone: set[str | Named] = field(default_factory=set)
    failed: dict[str | Named, CardctlError] = field(default_factory=dict)

    def answers(self, wish: Wish) -> bool:
        """Whether all that is wished for of a card was read, or it is gone."""
        if wish.ref not in self.cards:
            return wish.ref in self.gone
        since = self.since[wish.ref]
        return wish.since is None or (since is not None and since <= wish.since)

    def has_account(self, ref: str) -> bool:
        return ref in self.accounts or ref in self.gone

    def has_thing(self, name: Named) -> bool:
        return name in self.things or name in self.gone

    def forget(self, refs: Iterable[str]) -> None:
        """What was read of these is outdated."""
        for ref in refs:
            self.cards.pop(ref, None)
            self.transactions.pop(ref, None)


def read(desk: Desk, wishes: Wishes, late: Callable[[], bool] = never) -> Readings:
    """Everything that is wished for, several at a time; what was not begun before it was late is not read."""
    with desk.books.read() as unit:
        readings = Readings(now_in(unit))
    wanted: list[Wish | str | Named] = [*wishes.cards.values(), *wishes.accounts, *sorted(wishes.things)]
    begun = takewhile(lambda _wish: not late(), wanted)
    for wish, answer in side_by_side(lambda wish: _read_one(desk, wish), begun, workers=WORKERS):
        ref = wish.ref if isinstance(wish, Wish) else wish
        if isinstance(answer, ProviderHasNot):
            readings.gone.add(ref)
        elif isinstance(answer, CardctlError):
            readings.failed[ref] = answer
        elif isinstance(answer, Exception):
            raise answer
        elif isinstance(wish, Named):
            readings.things[wish] = cast(RemoteSaved | RemoteSold, answer)
        else:
            card, account, transactions = cast(_Answer, answer)
            if card is not None and isinstance(wish, Wish):
                readings.cards[wish.ref] = card
                readings.transactions[wish.ref], readings.since[wish.ref] = transactions, wish.since
            if account is not None:
                readings.accounts[account.ref] = account
    return readings


def take(desk: Desk, unit: Unit, readings: Readings) -> None:
    """What was read, into the books; what of it is older than our own last write is forgotten, to be read again."""
    if not (readings.cards or readings.accounts):
        return
    known = unit.cards.by_refs(desk.programme, readings.cards)
    newer = written_since(unit, [card.id for card in known.values()], readings.begun)
    readings.forget([ref for ref, card in known.items() if card.id in newer])
    take_accounts(desk, unit, list(readings.accounts.values()), readings.begun)
    take_cards(desk, unit, list(readings.cards.values()), readings.begun)
    take_events(desk, unit, [one for each in readings.transactions.values() for one in each])


_Answer = tuple[RemoteCard | None, RemoteAccount | None, list[RemoteTransaction]]


def _read_one(desk: Desk, wish: Wish | str | Named) -> _Answer | RemoteSaved | RemoteSold:
    if isinstance(wish, Named):
        return _read_thing(desk, wish)
    reader = require(desk.provider, ReadsCards)
    if isinstance(wish, str):
        return None, reader.account(wish), []
    card = _fresh(desk, wish, reader)
    with desk.books.read() as unit:
        holder = unit.accounts.by_refs(desk.programme, [card.account_ref or ""])
    account = None if holder or not card.account_ref else reader.account(card.account_ref)
    if wish.since is None or not isinstance(desk.provider, ReadsTransactions):
        return card, account, []
    since = None if wish.since <= EVER else wish.since
    return card, account, [one for page in desk.provider.transactions_of(wish.ref, since=since) for one in page]


def _read_thing(desk: Desk, name: Named) -> RemoteSaved | RemoteSold:
    capability, method = _READERS[name.kind]
    read: RemoteSaved | RemoteSold = getattr(require(desk.provider, capability), method)(name.ref)
    return read


def _fresh(desk: Desk, wish: Wish, reader: ReadsCards) -> RemoteCard:
    """The card, read again for a while where what a young notification told does not show yet."""
    for _ in range(_TRIES):
        card = reader.card(wish.ref)
        if wish.expects in (None, card.state) or wish.at is None or abs(desk.clock() - wish.at) > _YOUNG:
            return card
        desk.sleep(1.0)
    return card


_READERS: dict[Kind, tuple[type, str]] = {
    Kind.CUSTOMER: (ReadsSavedCards, "customer"),
    Kind.SAVED_CARD: (ReadsSavedCards, "saved_card"),
    Kind.REFUND: (ReadsPayments, "refund"),
    Kind.PAYMENT: (ReadsPayments, "payment"),
    Kind.CHECKOUT: (ReadsSales, "checkout"),
    Kind.SALE: (ReadsSales, "sale"),
    Kind.SALE_REFUND: (ReadsSales, "sale_refund"),
    Kind.PURCHASE: (SellsEsims, "purchase"),
}
"""Who reads what may be named, and by which of its methods."""
