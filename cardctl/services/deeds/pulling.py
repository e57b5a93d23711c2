"""Reading from a provider what it knows of accounts, cards and money events; how it enters the books is services/intake.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeVar

from cardctl.db.accounts import AccountFilter
from cardctl.db.cards import CardFilter
from cardctl.db.unit import Unit
from cardctl.domain.accounts import Account, AccountState, RemoteAccount
from cardctl.domain.cards import Card, CardNews, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.states import FINAL, CardState
from cardctl.domain.transactions import OURS, RemoteTransaction, TransactionState
from cardctl.errors import ProviderHasNot, TargetBusy
from cardctl.providers.base import ListsCards, ListsTransactions, ReadsCards, ReadsTransactions, require
from cardctl.services.desk import Desk
from cardctl.services.entries import audit_change
from cardctl.services.intake import Pulled, now_in, take_accounts, take_cards, take_events, written_since
from cardctl.sidebyside import side_by_side

OVERLAP = timedelta(hours=1)
"""How far before its end a pull begins again, for clocks that disagree and events that come late."""
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
WORKERS = 48
"""Requests in flight where objects are read one by one: enough for 100 a second at 300 ms each."""
_STREAM = "transactions"
_TRIES = 5
_PAGE = 100
_AT_ONCE = 1_000
T = TypeVar("T")
R = TypeVar("R")


def sync_card(desk: Desk, card: Card) -> Card:
    """The card as its provider has it now, its money events included, taken into the books. ProviderHasNot where it is gone."""
    for _ in range(_TRIES):
        begun = _now_in(desk)
        remote = require(desk.provider, ReadsCards).card(card.ref)
        if isinstance(desk.provider, ReadsTransactions):
            pull_transactions(desk, card=card)
        _look_at_pending(desk, card)
        with desk.books.write() as unit:
            if not written_since(unit, [card.id], begun):
                take_cards(desk, unit, [remote], begun)
                return unit.cards.named(card.id)
        desk.sleep(0.1)
    raise TargetBusy(f"{card.id} is being written to; what was read of it may be outdated already")


def bring_card(desk: Desk, ref: str) -> Card:
    """A card that the books do not have, by its provider's name, with its holder and all its money events. ProviderHasNot."""
    begun = _now_in(desk)
    remote = require(desk.provider, ReadsCards).card(ref)
    _bring_holders(desk, [remote])
    with desk.books.write() as unit:
        take_cards(desk, unit, [remote], begun)
        card = unit.cards.by_ref(desk.programme, ref)
    assert card is not None
    pull_transactions(desk, card=card, since=BEGINNING)
    with desk.books.read() as unit:
        return unit.cards.named(card.id)


def bring_account(desk: Desk, ref: str) -> Account:
    """An account by its provider's name, in the books or not. ProviderHasNot."""
    begun = _now_in(desk)
    remote = require(desk.provider, ReadsCards).account(ref)
    with desk.books.write() as unit:
        take_accounts(desk, unit, [remote], begun)
        account = unit.accounts.by_ref(desk.programme, ref)
    assert account is not None
    return account


def sync_account(desk: Desk, account: Account) -> Account:
    """The account as its provider has it now, taken into the books. ProviderHasNot where it is gone."""
    for _ in range(_TRIES):
        begun = _now_in(desk)
        remote = require(desk.provider, ReadsCards).account(account.ref or "")
        with desk.books.write() as unit:
            if not written_since(unit, [account.id], begun):
                take_accounts(desk, unit, [remote], begun)
                return unit.accounts.named(account.id)
        desk.sleep(0.1)
    raise TargetBusy(f"{account.id} is being written to; what was read of it may be outdated already")


def sync_accounts(desk: Desk, progress: Callable[[int], None]) -> Pulled:
    """Read every account of the programme; unknown ones are added. Where the provider has no list, those that we know."""
    total, begun = Pulled(), _now_in(desk)
    for page in _gathered(_account_pages(desk)):
        with desk.books.write() as unit:
            total += take_accounts(desk, unit, page, begun)
        progress(len(page))
    return total


def sync_cards(desk: Desk, progress: Callable[[int], None], *, account: Account | None = None) -> Pulled:
    """Read every card and money event of the programme, or every card of one account; unknown cards and holders are added.

    Where the provider has no list, the cards that we know are read one by one, and their money events are left to
    `pull_transactions`: one request for each card.
    """
    total, begun = Pulled(), _now_in(desk)
    for page in _gathered(_card_pages(desk, account)):
        _bring_holders(desk, page)
        with desk.books.write() as unit:
            total += take_cards(desk, unit, page, begun)
        progress(len(page))
    if account is None and isinstance(desk.provider, ListsTransactions):
        pull_transactions(desk)
    return total


def unspent(desk: Desk, card: Card) -> Money | None:
    """What the card itself can still spend by its provider's word alone; None where nothing limits it, or where the money is
    its holder's. The books are not touched."""
    remote = require(desk.provider, ReadsCards).card(card.ref)
    if remote.shared:
        return None
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
    left out lies before what it took. Events of cards that we do not know hold that mark back until the card is known, and so
    do those that an unfinished write of ours may tell of itself.
    """
    if card is None and not isinstance(desk.provider, ListsTransactions):
        require(desk.provider, ReadsTransactions)
        return sum((pull_transactions(desk, card=each, since=since, progress=progress) for each in _open_cards(desk)), Pulled())
    pulled, reached = Pulled(), BEGINNING
    with desk.books.read() as unit:
        start = since or _resume_from(unit, desk, card)
    for page in _events(desk, card, start):
        with desk.books.write() as unit:
            pulled += take_events(desk, unit, page)
        reached = max([reached, *(event.occurred_at for event in page)])
        progress(len(page))
    if not (pulled.strangers or pulled.waiting):
        _reached(desk, card, start, reached)
    return pulled


def _look_at_pending(desk: Desk, card: Card) -> None:
    """Money of ours that was on its way and that no row told of: whether its order has been carried out by now."""
    with desk.books.read() as unit:
        events = [event for kind in OURS for event in unit.transactions.unjoined(card.id, kind)]
        waiting = [(event, unit.operations.get(event.ref)) for event in events if event.state is TransactionState.PENDING]
    for event, operation in waiting:
        if operation is None or operation.draft is None:
            continue
        news = desk.provider.look_up(operation.draft, operation.id).remote
        if isinstance(news, CardNews) and news.settled:
            with desk.books.write() as unit:
                unit.transactions.upsert(replace(event, state=TransactionState.SETTLED), programme=card.programme)


def _now_in(desk: Desk) -> int:
    with desk.books.read() as unit:
        return now_in(unit)


def _events(desk: Desk, card: Card | None, since: datetime | None) -> Iterator[list[RemoteTransaction]]:
    if card is not None:
        return require(desk.provider, ReadsTransactions).transactions_of(card.ref, since=since)
    return require(desk.provider, ListsTransactions).transactions(since=since)


def _card_pages(desk: Desk, account: Account | None) -> Iterator[list[RemoteCard]]:
    if isinstance(desk.provider, ListsCards):
        return desk.provider.cards(account_ref=account.ref if account else None)
    return _walked(require(desk.provider, ReadsCards).card, [card.ref for card in _open_cards(desk, account)])


def _account_pages(desk: Desk) -> Iterator[list[RemoteAccount]]:
    if isinstance(desk.provider, ListsCards):
        return desk.provider.accounts()
    with desk.books.read() as unit:
        known = list(unit.accounts.rows(AccountFilter(programme=desk.programme)))
    refs = [account.ref for account in known if account.ref and account.state is not AccountState.CLOSED]
    return _walked(require(desk.provider, ReadsCards).account, refs)


def _gathered(pages: Iterator[list[R]]) -> Iterator[list[R]]:
    """Several pages as one: a transaction of a thousand rows costs half of ten of a hundred each."""
    gathered: list[R] = []
    for page in pages:
        gathered += page
        if len(gathered) >= _AT_ONCE:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def _open_cards(desk: Desk, account: Account | None = None) -> list[Card]:
    """All at once: a walk takes long, and no snapshot of the books should be held open for as long."""
    wanted = CardFilter(programme=desk.programme, account_id=account.id if account else None)
    with desk.books.read() as unit:
        return [card for card in unit.cards.rows(wanted) if card.state not in FINAL]


def _walked(read: Callable[[str], R], refs: Iterable[str]) -> Iterator[list[R]]:
    """What we know, read one by one and side by side; what the provider has no more is left for a reconcile to find."""
    answers = _answers(read, refs)
    while page := list(islice(answers, _PAGE)):
        yield page


def _answers(read: Callable[[str], R], refs: Iterable[str]) -> Iterator[R]:
    for _, answer in side_by_side(read, refs, workers=WORKERS):
        if isinstance(answer, ProviderHasNot):
            continue
        if isinstance(answer, Exception):
            raise answer
        yield answer


def _bring_holders(desk: Desk, page: Iterable[RemoteCard]) -> None:
    """The accounts of these cards; one that our books do not have is read by itself."""
    refs = {remote.account_ref or "": remote for remote in page}
    if "" in refs:
        raise ProviderHasNot(f"{desk.provider.name} names no holder for the card {refs[''].ref}")
    with desk.books.read() as unit:
        missing, begun = set(refs) - set(unit.accounts.by_refs(desk.programme, list(refs))), now_in(unit)
    for ref in sorted(missing):
        found = require(desk.provider, ReadsCards).account(ref)
        with desk.books.write() as unit:
            take_accounts(desk, unit, [found], begun)


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
