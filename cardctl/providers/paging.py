"""Whole lists read in parts that any process can go on from: where reading stands is plain JSON, and kept by whoever reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from cardctl.domain.accounts import RemoteAccount
from cardctl.domain.cards import RemoteCard
from cardctl.domain.esims import LedgerEntry, RemotePurchase
from cardctl.domain.payments import RemotePayment, RemoteRefund
from cardctl.domain.sales import RemoteSale, RemoteSaleRefund
from cardctl.domain.saved_cards import RemoteSavedCard
from cardctl.domain.transactions import RemoteTransaction


class Source(StrEnum):
    """What can be read whole."""

    ACCOUNTS = "accounts"
    CARDS = "cards"
    TRANSACTIONS = "transactions"
    SAVED_CARDS = "saved_cards"
    PAYMENTS = "payments"
    REFUNDS = "refunds"
    SALES = "sales"
    SALE_REFUNDS = "sale_refunds"
    PURCHASES = "purchases"
    LEDGER = "ledger"


ISSUED = (Source.ACCOUNTS, Source.CARDS, Source.TRANSACTIONS)
"""What a provider that issues cards has."""
SAVED = (Source.SAVED_CARDS, Source.PAYMENTS, Source.REFUNDS)
"""What a provider that keeps buyers' cards has."""
SOLD = (Source.SALES, Source.SALE_REFUNDS)
"""What a provider that takes customers' payments has of them."""
BOUGHT = (Source.PURCHASES, Source.LEDGER)
"""What a provider that sells eSIMs has."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where reading goes on: `position` is the provider's own affair, plain JSON, and says it all (no state elsewhere)."""

    source: Source
    position: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Leaf:
    """What was read at a spot, and where reading goes on from there: at none (this part has ended), or at several, which may be
    read at once, in any order. `absent`: names that were asked for one by one, and that the provider does not have (404).
    `requests` counts each once, however often it had to be repeated. Nothing in it keeps its raw JSON, but where it was asked
    for one by one."""

    spot: Spot
    accounts: list[RemoteAccount]
    cards: list[RemoteCard]
    transactions: list[RemoteTransaction]
    then: list[Spot]
    requests: int
    absent: tuple[str, ...] = ()
    saved_cards: tuple[RemoteSavedCard, ...] = ()
    payments: tuple[RemotePayment, ...] = ()
    refunds: tuple[RemoteRefund, ...] = ()
    sales: tuple[RemoteSale, ...] = ()
    sale_refunds: tuple[RemoteSaleRefund, ...] = ()
    purchases: tuple[RemotePurchase, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()


@runtime_checkable
class ReadsWhole(Protocol):
    """Reads everything of a source, part by part. Whoever does so keeps the spots that are not read yet, takes one, and
    replaces it by what `turn` gives as `then`, until none is left: then every object that was there when it began was given,
    most of them once (of one that comes again, either word is as good), and some of what was made meanwhile. `turn` asks the
    same again for the same spot, so that what a kill cut off is read again and nothing else. It keeps nothing, and may be
    called in many threads at once. The spots come to an end: ProviderUnavailable, where a list says that it goes on, and does
    not. A spot may name people (whose cards they are): it is kept as well as the books are.

    `openings` are the spots to begin with; it asks the provider nothing. `known` are the names that our books have, for a
    source that the provider does not list (accounts or cards; transactions are read by card). `since`: transactions made from
    then on, and maybe some from hours before. `lists`: whether the provider itself lists a source, so that what is not in its
    list is not there.
    `share`: fewer spots are left, those that are being read among them, than there are readers, so that a long part may be
    given on as several, at the cost of a few more requests.
    """

    def lists(self, source: Source) -> bool: ...
    def openings(self, source: Source, *, known: Iterable[str], since: datetime | None) -> Iterator[Spot]: ...
    def turn(self, spot: Spot, *, share: bool) -> Leaf: ...
