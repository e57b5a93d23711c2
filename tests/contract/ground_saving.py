"""Ground of the contract of saved cards: customers, cards and payments as a test needs them; no tests here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cardctl.domain.money import Money
from cardctl.domain.payments import NewPayment, RemotePayment, RemoteRefund
from cardctl.domain.redaction import Secret
from cardctl.domain.saved_cards import NewCustomer, NewSavedCard, RemoteCustomer, RemoteSavedCard
from cardctl.providers import registry
from cardctl.providers.base import Handed
from tests.contract.ground import Contract, mark, usd

HELD = 5_000
"""What a hold has where a test does not care."""


def someone() -> str:
    """A person whom nobody knows yet."""
    return f"{mark()}@example.com"


@dataclass(frozen=True)
class Paid:
    """One payment as the far side has it: its state in our words, and minor units; `captured` has the tip in it."""

    state: str
    amount: int
    tip: int
    captured: int
    refunded: int


@dataclass(frozen=True)
class Till:
    """All that a seller has at the far side. `enabled` are cards that can be charged."""

    customers: int
    cards: int
    enabled: int
    payments: Mapping[str, Paid]
    refunds: int

    @property
    def taken(self) -> int:
        """What the seller has of it all: captured, and not given back."""
        return sum(one.captured - one.refunded for one in self.payments.values())

    @property
    def held(self) -> int:
        return sum(one.amount + one.tip for one in self.payments.values() if one.state == "approved")

    def paid(self, ref: str, **changes: Any) -> Till:
        """The same with another word about one payment."""
        return replace(self, payments={**self.payments, ref: replace(self.payments[ref], **changes)})


class SavingContract(Contract):
    """What a provider's own file says of the far side beside `Contract`."""

    nonce: ClassVar[str]
    """A one-time token that makes a good card."""
    bad_nonces: ClassVar[Mapping[str, str]]
    """Tokens that make none, and the provider's word for why."""
    declining: ClassVar[Mapping[str, str]]
    """Tokens of cards that are saved, and declined when they shall pay; and the provider's word for why."""

    @pytest.fixture
    def far_till(self, tmp_path: Path) -> Iterator[Any]:
        """Something that can tell the `Till`, and gives the raw view behind it: see `till`."""
        raise NotImplementedError

    def till(self, far_till: Any) -> Till:
        raise NotImplementedError

    def other_seller(self, path: Path) -> Any:
        """A provider with another seller's secrets over the same far side; whoever gets it closes it."""
        return registry.build(
            self.name, self.handed_with(path, {name: f"another-{at}" for at, name in enumerate(self.secrets)})
        )

    def handed_with(self, path: Path, secrets: Mapping[str, str]) -> Handed:
        return replace(self.handed(path), secret=lambda name: Secret(secrets[name]))

    def a_customer(self, provider: Any, person: str | None = None, **told: Any) -> RemoteCustomer:
        wanted = NewCustomer(person or someone(), **{"email": "buyer@example.com", **told})
        made: RemoteCustomer = self.do(provider, lambda operation: provider.draft_customer(wanted, operation))
        return made

    def a_saved_card(
        self, provider: Any, customer: RemoteCustomer | None = None, *, nonce: str | None = None, **told: Any
    ) -> RemoteSavedCard:
        owner = customer or self.a_customer(provider)
        wanted = NewSavedCard(owner.ref, nonce or self.nonce, **told)
        made: RemoteSavedCard = self.do(provider, lambda operation: provider.draft_saved_card(wanted, operation))
        return made

    def wish(self, card: RemoteSavedCard, amount: Money | int = HELD, **told: Any) -> NewPayment:
        money = usd(amount) if isinstance(amount, int) else amount
        return NewPayment(str(card.customer_ref), card.ref, money, **told)

    def pay(self, provider: Any, card: RemoteSavedCard, amount: Money | int = HELD, **told: Any) -> RemotePayment:
        wanted = self.wish(card, amount, **told)
        paid: RemotePayment = self.do(provider, lambda operation: provider.draft_payment(wanted, operation))
        return paid

    def hold(
        self, provider: Any, card: RemoteSavedCard | None = None, amount: Money | int = HELD, **told: Any
    ) -> RemotePayment:
        return self.pay(provider, card or self.a_saved_card(provider), amount, hold=True, **told)

    def capture(
        self, provider: Any, payment: RemotePayment, amount: Money | None = None, tip: Money | None = None
    ) -> RemotePayment:
        done: RemotePayment = self.do(
            provider, lambda operation: provider.draft_capture(payment.ref, operation, amount=amount, tip=tip)
        )
        return done

    def cancel(self, provider: Any, payment: RemotePayment) -> RemotePayment:
        done: RemotePayment = self.do(provider, lambda operation: provider.draft_cancel(payment.ref, operation))
        return done

    def refund(self, provider: Any, payment: RemotePayment, amount: Money | int, reason: str | None = None) -> RemoteRefund:
        money = usd(amount) if isinstance(amount, int) else amount
        done: RemoteRefund = self.do(
            provider, lambda operation: provider.draft_refund(payment.ref, money, operation, reason=reason)
        )
        return done
