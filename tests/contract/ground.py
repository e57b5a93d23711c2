"""Ground of the provider contract: a provider, a far side, and ways to get what the tests are about; no tests here."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Protocol

import pytest

from cardctl.domain.accounts import Address, NewAccount, RemoteAccount
from cardctl.domain.cards import NewCard, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.states import Move

ADDRESS = Address(line1="123 Fake St", city="Beverly Hills", postal_code="90210", country="US", state="CA")
PAGE_AND_MORE = 103
_numbers = itertools.count(1)


class FarSide(Protocol):
    """The counter's other side."""

    def swipe(self, card_ref: str, amount: Money, *, hold: bool = False) -> Any: ...
    def fault(self, kind: str, times: int = 1, delay: float | None = None) -> None: ...
    def clear_faults(self) -> None: ...


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def marks(remote: Any) -> tuple[str | None, str | None]:
    """Every operation that the object says wrote it."""
    return remote.mark, getattr(remote, "moved_by", None)


def mark() -> str:
    """A new operation's id, which is its idempotency key too."""
    return f"op_{next(_numbers)}"


def drafted_move(provider: Any, ref: str, move: Move, operation: str, reason: str | None = None) -> Draft:
    """Any move of a card's state, closing among them."""
    drafted: Draft = (
        provider.draft_close(ref, operation, reason)
        if move is Move.CLOSE
        else provider.draft_move(ref, move, operation, reason)
    )
    return drafted


class Contract:
    """Ground of every class below: a provider, and ways to get what the tests are about."""

    @pytest.fixture
    def provider(self) -> Any:
        raise NotImplementedError("a provider's test file says how it is built")

    @pytest.fixture
    def far_side(self) -> FarSide:
        raise NotImplementedError("a provider's test file says what stands behind it")

    def do(self, provider: Any, drafted: Callable[[str], Draft]) -> Any:
        """Drafts and sends under a new mark."""
        operation = mark()
        return provider.send(drafted(operation), operation)

    def an_account(self, provider: Any, **fields: Any) -> RemoteAccount:
        wanted = NewAccount(**{"name": "Jenny Rosen", "address": ADDRESS, **fields})
        account: RemoteAccount = self.do(provider, lambda operation: provider.draft_account(wanted, operation))
        return account

    def a_card(self, provider: Any, *, account_ref: str | None = None, **fields: Any) -> RemoteCard:
        wanted = NewCard(account_ref or self.an_account(provider).ref, "USD", **fields)
        card: RemoteCard = self.do(provider, lambda operation: provider.draft_card(wanted, operation))
        return card

    def move(self, provider: Any, card: RemoteCard, move: Move, reason: str | None = None) -> RemoteCard:
        moved: RemoteCard = self.do(provider, lambda operation: drafted_move(provider, card.ref, move, operation, reason))
        return moved
