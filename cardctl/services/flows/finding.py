"""Finding things in our own books: by every name that a person may use, and as lists. Asks no provider, writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

from cardctl.db.accounts import AccountFilter
from cardctl.db.cards import CardFilter
from cardctl.db.operations import OperationFilter
from cardctl.db.transactions import TransactionFilter
from cardctl.db.unit import Books
from cardctl.domain.accounts import Account, AccountState
from cardctl.domain.cards import Card
from cardctl.domain.operations import Operation, OperationState
from cardctl.domain.states import CardState
from cardctl.domain.transactions import Transaction, TransactionKind, TransactionState
from cardctl.errors import AmbiguousName, BadInput, NotFound

T = TypeVar("T")


def concerned(books: Books, provider: str, programme_of: Callable[[str], str]) -> list[str]:
    """The providers that a profile has to do with: its own, those that issued any card here, and those that keep one, or have
    an order, for the profile's own programme, since other profiles' may be in the same books. `programme_of` gives the
    profile's programme at a provider."""
    with books.read() as unit:
        saved = [name for name, programme in unit.comparable_saved.sellers() if programme == programme_of(name)]
        ordered = [(each.partition("/")[0], each) for each in unit.comparable_orders.programmes()]
        sold = [name for name, programme in ordered if programme == programme_of(name)]
        return list(dict.fromkeys([provider, *unit.cards.providers(), *saved, *sold]))


def find_card(books: Books, name: str | None, *, last4: str | None = None, prefix: bool = True) -> Card:
    """The card that `name` (our id, a prefix of 8 or more, the provider's ref) or `last4` means. NotFound, AmbiguousName."""
    if (name is None) == (last4 is None):
        raise BadInput("name one card: by its id, its provider's ref, or --last4")
    with books.read() as unit:
        if last4 is not None:
            return _only(unit.cards.by_last4(last4), "card", last4)
        assert name is not None
        return _only(unit.cards.find(name, prefix=prefix), "card", name)


def find_account(books: Books, name: str, *, programme: str | None = None, prefix: bool = True) -> Account:
    """The account that `name` (our id or a prefix, its external id, the provider's ref) means; one programme's, or any."""
    with books.read() as unit:
        return _only(unit.accounts.find(name, programme=programme, prefix=prefix), "account", name)


def find_operation(books: Books, name: str, *, prefix: bool = True) -> Operation:
    """The operation with that id, or a prefix of it, whole."""
    with books.read() as unit:
        return _only(unit.operations.find(name, prefix=prefix), "operation", name)


def find_transaction(books: Books, name: str) -> Transaction:
    """The transaction with that id, or a prefix of it, or the provider's ref."""
    with books.read() as unit:
        return _only(unit.transactions.find(name), "transaction", name)


def list_cards(
    books: Books,
    *,
    account_id: str | None = None,
    provider: str | None = None,
    state: CardState | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> Iterator[Card]:
    """Cards, newest first, streamed; the books are read for as long as the iterator is used."""
    wanted = CardFilter(account_id=account_id, provider=provider, state=state, since=since, until=until, limit=limit)
    with books.read() as unit:
        yield from unit.cards.rows(wanted)


def list_accounts(
    books: Books,
    *,
    provider: str | None = None,
    state: AccountState | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> Iterator[Account]:
    """Accounts, newest first, streamed."""
    wanted = AccountFilter(provider=provider, state=state, since=since, until=until, limit=limit)
    with books.read() as unit:
        yield from unit.accounts.rows(wanted)


def list_transactions(
    books: Books,
    *,
    card_id: str | None = None,
    account_id: str | None = None,
    provider: str | None = None,
    kind: TransactionKind | None = None,
    state: TransactionState | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> Iterator[Transaction]:
    """Money events, newest first, streamed."""
    wanted = TransactionFilter(
        card_id=card_id,
        account_id=account_id,
        provider=provider,
        kind=kind,
        state=state,
        since=since,
        until=until,
        limit=limit,
    )
    with books.read() as unit:
        yield from unit.transactions.rows(wanted)


def list_operations(
    books: Books,
    *,
    target: str | None = None,
    account_id: str | None = None,
    provider: str | None = None,
    state: OperationState | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> Iterator[Operation]:
    """Operations, newest first, streamed, without their arguments; `account_id` means those on it and on its cards."""
    wanted = OperationFilter(
        state=state, kind=kind, target=target, account_id=account_id, provider=provider, since=since, until=until, limit=limit
    )
    with books.read() as unit:
        yield from unit.operations.rows(wanted)


def _only(found: list[T], noun: str, name: str) -> T:
    if not found:
        raise NotFound(noun, name, hint=f"see `cardctl {noun} list`")
    if len(found) > 1:
        hint = "give more of the id" + (", or name its provider with --provider" if noun == "account" else "")
        raise AmbiguousName(f"more than one {noun} answers to {name!r}", hint=hint)
    return found[0]
