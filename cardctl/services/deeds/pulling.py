"""Intakes from a provider: accounts, cards, and the money events since a moment; nothing is written to the provider."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cardctl.db.unit import Unit
from cardctl.domain.accounts import Account, RemoteAccount
from cardctl.domain.cards import Card, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.states import CardState
from cardctl.domain.transactions import RemoteTransaction, Transaction
from cardctl.errors import ProviderHasNot, TargetBusy
from cardctl.providers.base import ListsCards, ListsTransactions, ReadsCards, ReadsTransactions, require
from cardctl.services.desk import Desk
from cardctl.services.entries import (
    account_id_for,
    audit_change,
    made_by,
    new_account,
    new_card,
    shown,
    take_account,
    take_card,
)

OVERLAP = timedelta(hours=1)
"""How far before its end a pull begins again, for clocks that disagree and events that come late."""
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_STREAM = "transactions"
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Pulled:
    """What an intake brought: objects read, new here, changed, or belonging to cards that we do not know."""

    read: int = 0
    new: int = 0
    changed: int = 0
    strangers: int = 0

    def __add__(self, other: Pulled) -> Pulled:
        return Pulled(
            self.read + other.read, self.new + other.new, self.changed + other.changed, self.strangers + other.strangers
        )


def sync_card(desk: Desk, card: Card) -> Card:
    """The card as its provider has it now, its money events included, taken into the books. ProviderHasNot where it is gone."""
    for _ in range(_TRIES):
        begun = _now_in(desk)
        remote = require(desk.provider, ReadsCards).card(card.ref)
        pull_transactions(desk, card=card)
        with desk.books.write() as unit:
            if not _written_since(unit, card.id, begun):
                taken, before, after = take_card(desk, unit, unit.cards.named(card.id), remote)
                audit_change(desk, unit, "card.sync", card.id, before, after)
                return taken
        desk.sleep(0.1)
    raise TargetBusy(f"{card.id} is being written to; what was read of it may be outdated already")


def sync_account(desk: Desk, account: Account) -> Account:
    """The account as its provider has it now, taken into the books. ProviderHasNot where it is gone."""
    for _ in range(_TRIES):
        begun = _now_in(desk)
        remote = require(desk.provider, ReadsCards).account(account.ref or "")
        with desk.books.write() as unit:
            if not _written_since(unit, account.id, begun):
                taken, before, after = take_account(desk, unit, unit.accounts.named(account.id), remote)
                audit_change(desk, unit, "account.sync", account.id, before, after)
                return unit.accounts.named(taken.id)
        desk.sleep(0.1)
    raise TargetBusy(f"{account.id} is being written to; what was read of it may be outdated already")


def sync_accounts(desk: Desk, progress: Callable[[int], None]) -> Pulled:
    """Read every account of the programme; unknown ones are added."""
    total, begun = Pulled(), _now_in(desk)
    for page in require(desk.provider, ListsCards).accounts():
        for remote in page:
            total += _take_account(desk, remote, begun)
        progress(len(page))
        begun = _now_in(desk)
    return total


def sync_cards(desk: Desk, progress: Callable[[int], None], *, account: Account | None = None) -> Pulled:
    """Read every card and money event of the programme, or every card of one account; unknown cards and holders are added."""
    total, begun = Pulled(), _now_in(desk)
    for page in require(desk.provider, ListsCards).cards(account_ref=account.ref if account else None):
        for remote in page:
            total += _take_card(desk, remote, begun)
        progress(len(page))
        begun = _now_in(desk)
    if account is None:
        pull_transactions(desk)
    return total


def unspent(desk: Desk, card: Card) -> Money | None:
    """What the card can still spend by its provider's word alone; None where nothing limits it. The books are not touched."""
    remote = require(desk.provider, ReadsCards).card(card.ref)
    if remote.balance is not None or remote.allowance is None:
        return remote.balance
    pages = require(desk.provider, ReadsTransactions).transactions_of(card.ref)
    return sum((event.impact for page in pages for event in page), remote.allowance)


def mark_gone(desk: Desk, card: Card) -> Card:
    """A card that its provider has no more is closed here, saying so."""
    gone = replace(card, state=CardState.CLOSED, state_reason="gone at the provider", updated_at=desk.clock())
    with desk.books.write() as unit:
        unit.cards.save(gone)
        audit_change(desk, unit, "card.gone", card.id, {"state": str(card.state)}, {"state": str(gone.state)})
    return gone


def pull_transactions(
    desk: Desk,
    *,
    card: Card | None = None,
    since: datetime | None = None,
    progress: Callable[[int], None] = lambda _count: None,
) -> Pulled:
    """Take in the money events of one card, or of all, from `since` (default: from where the books may be outdated).

    How far a stream was read is kept once a pull has come to its end, since pages come newest first: what a broken pull has
    left out lies before what it took. Events of cards that we do not know hold that mark back until the card is known.
    """
    pulled, reached = Pulled(), BEGINNING
    with desk.books.read() as unit:
        start = since or _resume_from(unit, desk, card)
    for page in _events(desk, card, start):
        with desk.books.write() as unit:
            pulled += _take_page(desk, unit, page)
        reached = max([reached, *(event.occurred_at for event in page)])
        progress(len(page))
    if not pulled.strangers:
        _reached(desk, card, start, reached)
    return pulled


def _events(desk: Desk, card: Card | None, since: datetime | None) -> Iterator[list[RemoteTransaction]]:
    if card is not None:
        return require(desk.provider, ReadsTransactions).transactions_of(card.ref, since=since)
    return require(desk.provider, ListsTransactions).transactions(since=since)


def _now_in(desk: Desk) -> int:
    """How far the audit goes: a moment in the books that no clock can move."""
    with desk.books.read() as unit:
        return unit.audit.head().seq


def _written_since(unit: Unit, object_id: str, begun: int) -> bool:
    """Whether anything but a balance was written since `begun`: then the books have what is newer than what was read."""
    return unit.audit.touched(object_id, after=begun, but="card.balance")


def _take_account(desk: Desk, remote: RemoteAccount, begun: int) -> Pulled:
    with desk.books.write() as unit:
        known = unit.accounts.by_ref(desk.programme, remote.ref)
        if known is not None and _written_since(unit, known.id, begun):
            return Pulled(read=1)
        if known is not None:
            _, before, after = take_account(desk, unit, known, remote)
            audit_change(desk, unit, "account.sync", known.id, before, after)
            return Pulled(read=1, changed=int(bool(after)))
        made = made_by(unit, "account.create", remote.created_by)
        lost = unit.accounts.get(made.target) if made else None
        if lost is not None:  # ours already, under the reference that the provider has lost
            _, before, after = take_account(desk, unit, lost, remote)
            audit_change(desk, unit, "account.sync", lost.id, before, after)
            return Pulled(read=1, changed=1)
        taken = remote.external_id and unit.accounts.by_external_id(desk.programme, remote.external_id)
        external_id = None if taken else remote.external_id
        account_id = made.target if made else account_id_for(desk, external_id)
        account = new_account(desk, account_id, external_id, remote)
        unit.accounts.add(account, raw=remote.raw)
        audit_change(desk, unit, "account.sync", account.id, {}, {"ref": account.ref, "state": str(account.state)})
    return Pulled(read=1, new=1)


def _take_card(desk: Desk, remote: RemoteCard, begun: int) -> Pulled:
    account = _holder(desk, remote)
    with desk.books.write() as unit:
        known = unit.cards.by_ref(desk.programme, remote.ref)
        if known is None:
            made = made_by(unit, "card.issue", remote.created_by)
            card = new_card(desk, made.target if made else desk.new_id("card"), account.id, remote)
            unit.cards.add(card, raw=remote.raw, key=made.arguments["key"] if made else None)
            audit_change(desk, unit, "card.sync", card.id, {}, {"ref": card.ref, "state": str(card.state)})
            return Pulled(read=1, new=1)
        if _written_since(unit, known.id, begun):
            return Pulled(read=1)
        _, before, after = take_card(desk, unit, known, remote)
        audit_change(desk, unit, "card.sync", known.id, before, after)
    return Pulled(read=1, changed=int(bool(after)))


def _holder(desk: Desk, remote: RemoteCard) -> Account:
    """The account of a card; one that our books do not have is read by itself."""
    if remote.account_ref is None:
        raise ProviderHasNot(f"{desk.provider.name} names no holder for the card {remote.ref}")
    for attempt in range(2):
        with desk.books.read() as unit:
            known = unit.accounts.by_ref(desk.programme, remote.account_ref)
        if known is not None:
            return known
        if not attempt:
            begun = _now_in(desk)
            _take_account(desk, require(desk.provider, ReadsCards).account(remote.account_ref), begun)
    raise ProviderHasNot(f"{desk.provider.name} has no holder {remote.account_ref}")


def _resume_from(unit: Unit, desk: Desk, card: Card | None) -> datetime | None:
    """The oldest event that may still change (an open hold), else where the last whole pull ended; None: from the beginning.

    Never later than now: a simulator whose clock was moved on may have been reset since.
    """
    reached = unit.cursors.get(desk.programme, _stream(card))
    if reached is None:
        return None
    pending = unit.transactions.oldest_open_at(desk.programme, card.id if card else None)
    return min(datetime.fromisoformat(reached), pending or desk.clock(), desk.clock()) - OVERLAP


def _reached(desk: Desk, card: Card | None, start: datetime | None, newest: datetime) -> None:
    """Keep that everything up to `newest` is in the books, where the pull joined on to what was there."""
    with desk.books.read() as unit:
        told = unit.cursors.get(desk.programme, _stream(card))
    known = datetime.fromisoformat(told) if told else BEGINNING
    if newest > known and (start is None or start <= known):
        with desk.books.write() as unit:
            unit.cursors.set(desk.programme, _stream(card), newest.isoformat())


def _stream(card: Card | None) -> str:
    return f"{_STREAM}:{card.id}" if card else _STREAM


def _take_page(desk: Desk, unit: Unit, page: Iterable[RemoteTransaction]) -> Pulled:
    total, touched = Pulled(), set()
    for remote in page:
        card = unit.cards.by_ref(desk.programme, remote.card_ref)
        if card is None:
            total += Pulled(read=1, strangers=1)
        elif unit.transactions.upsert(_event(desk, unit, card, remote), programme=desk.programme):
            total += Pulled(read=1, changed=1)
            touched.add(card.id)
        else:
            total += Pulled(read=1)
    for card_id in sorted(touched):
        before, after = unit.cards.rebalance(card_id)
        if before != after:
            audit_change(desk, unit, "card.balance", card_id, {"balance": shown(before)}, {"balance": shown(after)})
    return total


def _event(desk: Desk, unit: Unit, card: Card, remote: RemoteTransaction) -> Transaction:
    parent = unit.transactions.by_ref(desk.programme, remote.parent_ref) if remote.parent_ref else None
    return Transaction(
        id=desk.new_id("txn"),
        ref=remote.ref,
        provider=card.provider,
        card_id=card.id,
        kind=remote.kind,
        state=remote.state,
        amount=remote.amount,
        impact=remote.impact,
        merchant=remote.merchant,
        authorization_code=remote.authorization_code,
        parent_id=parent.id if parent else None,
        occurred_at=remote.occurred_at,
    )
