"""Ground of the provider contract: a provider, a far side, and ways to get what the tests are about; no tests here.

A provider's own file says how it is built (`name`, `secrets`, `settings`) and what differs: the facts of `Contract`, beside
those that its class states itself (`issue_carries`, `limits_together`, `needs_load`, `starts_itself`, `limits_shared`,
`key_life`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cardctl.domain.accounts import AccountChange, Address, NewAccount, RemoteAccount
from cardctl.domain.cards import NO_LIMITS, Limits, NewCard, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.redaction import Secret
from cardctl.domain.states import CardState, Move, settle
from cardctl.domain.transactions import OURS
from cardctl.providers import registry
from cardctl.providers.base import Handed
from cardctl.providers.guarding import Call
from cardctl.simulator.control import Control
from cardctl.simulator.transport import SimulatorTransport

ADDRESS = Address(line1="123 Fake St", city="Beverly Hills", postal_code="90210", country="US", state="CA")
HOLDER = "Jenny Rosen"
SAVING = frozenset({"saves_cards", "reads_saved_cards", "charges_saved_cards", "reads_payments", "cancels_by_key"})
"""What only those can who keep buyers' own cards."""
PAGE_AND_MORE = 103
_numbers = itertools.count(1)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


FUNDS = usd(1_000)
"""What a card has where a test does not care."""


def mark() -> str:
    """A new operation's id, which is its idempotency key too."""
    return f"op_{next(_numbers)}"


def clashes(one: Any, other: Any) -> list[str]:
    """What two words about one object tell differently, among what both of them tell; how it was put does not matter."""
    both = {field.name for field in fields(one)} & {field.name for field in fields(other)} - {"raw", "word"}
    told = {name: (getattr(one, name), getattr(other, name)) for name in sorted(both)}
    return [name for name, (mine, theirs) in told.items() if mine and theirs and _plain(mine) != _plain(theirs)]


def _plain(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def known_state(card: RemoteCard) -> CardState:
    """A card's state as our books would have it."""
    return settle(card.state, ever_active=bool(card.ever_active))


def drafted_move(provider: Any, ref: str, move: Move, operation: str, reason: str | None = None) -> Draft:
    """Any move of a card's state, closing among them."""
    drafted: Draft = (
        provider.draft_close(ref, operation, reason)
        if move is Move.CLOSE
        else provider.draft_move(ref, move, operation, reason)
    )
    return drafted


class Contract:
    """Ground of every class: a provider, its far side, and how a test gets what it is about."""

    name: ClassVar[str]
    secrets: ClassVar[Mapping[str, str]]
    settings: ClassVar[Mapping[str, Any]] = {}

    keeps_external_id: ClassVar[bool] = True
    keeps_marks: ClassVar[bool] = True
    """An operation's id stays at the provider, on whatever it wrote."""
    keeps_moves: ClassVar[bool] = False
    """A move of a card's state is an object of its own, and is found though another one followed."""
    changes: ClassVar[frozenset[str]] = frozenset({"email", "phone", "address", "active"})
    """What of an account can be changed; all else is Unsupported."""
    nobody: ClassVar[str] = "nobody"
    """How an account could be called that does not exist."""
    needs_funds: ClassVar[bool] = False
    """No card is made without money on it."""
    prefunded: ClassVar[bool] = True
    """Funding takes from the float; elsewhere it permits, and only spending takes."""
    settles_apart: ClassVar[bool] = True
    """A settlement is a money event of its own beside its authorization."""
    most_events: ClassVar[int | None] = None
    """How many events of a card are told at most; None is all."""
    decline_fee: ClassVar[Money] = usd(0)
    """What the far side takes for a purchase that the card cannot pay."""

    @pytest.fixture
    def provider(self, tmp_path: Path) -> Iterator[Any]:
        provider = registry.build(self.name, self.handed(tmp_path))
        yield provider
        provider.close()

    def handed(self, path: Path, on_call: Callable[[Call], None] | None = None) -> Handed:
        """What the provider is built of, over the far side that lies in `path`."""
        return Handed(
            environment="simulator",
            programme=f"{self.name}/simulator",
            settings=self.settings,
            secret=lambda name: Secret(self.secrets[name]),
            transport=SimulatorTransport(path / "simulator.db", sleep=lambda _seconds: None),
            timeout=60.0,
            sleep=lambda _seconds: None,
            random=lambda: 0.0,
            on_call=on_call,
        )

    @pytest.fixture
    def far_side(self, tmp_path: Path) -> Iterator[Control]:
        control = Control(tmp_path / "simulator.db")
        yield control
        control.close()

    def do(self, provider: Any, drafted: Callable[[str], Draft]) -> Any:
        """Drafts and sends under a new mark."""
        operation = mark()
        return provider.send(drafted(operation), operation)

    def an_account(self, provider: Any, **told: Any) -> RemoteAccount:
        wanted = NewAccount(**{"name": HOLDER, "address": ADDRESS, **told})
        account: RemoteAccount = self.do(provider, lambda operation: provider.draft_account(wanted, operation))
        return account

    def change(self, provider: Any, ref: str, change: AccountChange) -> RemoteAccount:
        changed: RemoteAccount = self.do(provider, lambda operation: provider.draft_account_change(ref, change, operation))
        return changed

    def a_card(
        self,
        provider: Any,
        *,
        account_ref: str | None = None,
        active: bool = True,
        limits: Limits = NO_LIMITS,
        funds: Money | None = FUNDS,
        **told: Any,
    ) -> RemoteCard:
        """A card as it was wanted, by as many writes as the provider needs; `funds` None where it need not have any."""
        carried, account_ref = provider.issue_carries, account_ref or self.an_account(provider).ref
        wanted = NewCard(
            account_ref,
            "USD",
            active=active or "active" not in carried or provider.starts_itself,
            limits=limits if "limits" in carried else NO_LIMITS,
            allowance=(funds or (FUNDS if self.needs_funds else None)) if "allowance" in carried else None,
            holder=HOLDER,
            **told,
        )
        ref = self.do(provider, lambda operation: provider.draft_card(wanted, operation)).ref
        card = self.read(provider, ref)
        if limits != NO_LIMITS and "limits" not in carried:
            self.limit(provider, card, {one.name: limit for one in fields(limits) if (limit := getattr(limits, one.name))})
        if active and "active" not in carried:
            self.move(provider, card, Move.ACTIVATE)
        if funds is not None and "allowance" not in carried:
            self.fund(provider, card, funds.minor)
        return self.read(provider, ref)

    def read(self, provider: Any, ref: str) -> RemoteCard:
        card: RemoteCard = provider.card(ref)
        return card

    def move(self, provider: Any, card: RemoteCard, move: Move, reason: str | None = None) -> Any:
        return self.do(provider, lambda operation: drafted_move(provider, card.ref, move, operation, reason))

    def limit(self, provider: Any, card: RemoteCard, changes: Mapping[str, Money | None]) -> Any:
        """One write, or one for each limit; the last answer."""
        steps = [changes] if provider.limits_together else [{name: limit} for name, limit in changes.items()]
        marks = [mark() for _ in steps]
        answers = [provider.send(provider.draft_limits(card.ref, step, op), op) for step, op in zip(steps, marks, strict=True)]
        return answers[-1]

    def fund(self, provider: Any, card: RemoteCard, minor: int, **options: bool) -> Any:
        """The answer; what it brought is remembered, to be taken back."""
        operation = mark()
        draft = provider.draft_fund(card.ref, usd(minor), operation, account_ref=card.account_ref, **options)
        news = provider.send(draft, operation)
        if provider.needs_load:
            self.loads(card).append([news.reference, minor])
        return news

    def withdraw(self, provider: Any, card: RemoteCard, minor: int) -> Any:
        """The answer; out of as many loads as it takes, the newest first."""
        while provider.needs_load and minor > self.loads(card)[-1][1]:
            load, left = self.loads(card).pop()
            operation = mark()
            provider.send(self.draft_withdraw(provider, card, left, operation, load), operation)
            minor -= left
        operation = mark()
        return provider.send(self.draft_withdraw(provider, card, minor, operation), operation)

    def draft_withdraw(self, provider: Any, card: RemoteCard, minor: int, operation: str, load: str | None = None) -> Draft:
        """Out of `load`, or of the newest that is remembered."""
        newest = self.loads(card)[-1] if provider.needs_load and load is None else None
        named = newest[0] if newest else load
        draft: Draft = provider.draft_withdraw(card.ref, usd(minor), operation, account_ref=card.account_ref, load=named)
        if newest:
            newest[1] -= minor
        return draft

    def loads(self, card: RemoteCard) -> list[list[Any]]:
        """The fundings of a card's account, and what is left of each; a test has an instance of its own."""
        kept: dict[Any, list[list[Any]]] = self.__dict__.setdefault("_loads", {})
        return kept.setdefault(card.account_ref, [])

    def spendable(self, provider: Any, ref: str) -> Money:
        """What a card can still spend: its balance, or what is left of its allowance."""
        card = self.read(provider, ref)
        if card.balance is not None:
            return card.balance
        assert card.allowance is not None
        events = [event for page in provider.transactions_of(ref) for event in page if event.kind not in OURS]
        return sum((event.impact for event in events), card.allowance)

    def float_of(self, far_side: Control) -> Money:
        """What the programme has at the provider, seen from behind the counter."""
        (money,) = far_side.status()["float"][self.name]
        assert isinstance(money, Money)
        return money
