"""A seller's world with one saved card, for tests of what notifications make of it: both sides asked, none made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cardctl.domain.money import Money
from cardctl.domain.payments import Payment, PaymentState
from cardctl.domain.saved_cards import SavedCard
from cardctl.services.deeds.charging import charge, preauth
from cardctl.services.deeds.saved_cards import SaveWish, save_card
from cardctl.simulator.delivering import Posted
from tests.contract.seller import Paid, Seller
from tests.services import mail
from tests.services.world import World, usd

BUYER = "buyer@example.com"


@dataclass
class Selling:
    """`far` is the seller's own view of Square; `seen` is how many of the far side's posts were taken from `news` by now."""

    world: World
    far: Seller
    seen: int = 0

    def save(self, person: str = BUYER, nonce: str = "cnon:card-nonce-ok") -> SavedCard:
        made = save_card(self.world.desk, SaveWish(person, nonce)).object
        assert isinstance(made, SavedCard)
        return made

    def charge(self, card: SavedCard, amount: str, **how: Any) -> Payment:
        return _payment(charge(self.world.desk, card, usd(amount), **how).object)

    def hold(self, card: SavedCard, amount: str, **how: Any) -> Payment:
        return _payment(preauth(self.world.desk, card, usd(amount), **how).object)

    def news(self) -> list[Posted]:
        """What was told since this was asked last, in the order of happening."""
        told = mail.posts(self.world)
        fresh = told[self.seen :]
        self.seen = len(told)
        return fresh

    def card(self, card: SavedCard) -> SavedCard:
        with self.world.books.read() as unit:
            return unit.saved_cards.named(card.id)

    def payment(self, ref: str) -> Payment:
        """As the books have it now, by Square's name."""
        with self.world.books.read() as unit:
            return unit.payments.by_refs(self.world.desk.programme, [ref])[ref]

    def amounts(self, ref: str) -> tuple[PaymentState, Money, Money]:
        found = self.payment(ref)
        return found.state, found.captured, found.refunded

    def agree(self) -> None:
        """Every payment with a card of ours stands in the books as Square has it, to the cent."""
        with self.world.books.read() as unit:
            ours = {one.ref: one for one in list(unit.payments.rows())}
            cards = {card.ref for card in unit.saved_cards.rows()}
        theirs = {one["id"]: one for one in self.far.listed("payments")}
        theirs = {ref: one for ref, one in theirs.items() if one.get("card_details", {}).get("card", {}).get("id") in cards}
        assert {ref: _here(one) for ref, one in ours.items()} == {ref: self.far.payments()[ref] for ref in theirs}


def _here(one: Payment) -> Paid:
    return Paid(one.state.upper(), one.amount.minor, one.tip.minor, one.captured.minor, one.refunded.minor)


def _payment(found: object) -> Payment:
    assert isinstance(found, Payment)
    return found
