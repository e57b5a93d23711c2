"""Saving a buyer's card with a seller, and stopping it: customer.create, saved_card.add, saved_card.disable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from cardctl.db.unit import Unit
from cardctl.domain.operations import Draft, Operation
from cardctl.domain.saved_cards import (
    NewCustomer,
    NewSavedCard,
    RemoteCustomer,
    RemoteSavedCard,
    SavedCard,
    SavedCardState,
    checked_person,
    saved_card_id,
)
from cardctl.errors import BadInput, ProviderHasNot, StateForbids
from cardctl.providers.base import Remote, require
from cardctl.providers.saving import ReadsSavedCards, SavesCards
from cardctl.services.chaining import Link, run_chain
from cardctl.services.desk import Desk, Done, Thing
from cardctl.services.entries import audit_change
from cardctl.services.journal import Change, Wish, refuse_sensitive
from cardctl.services.operations import guard_live, rehearse, run_once
from cardctl.services.saving import take_saved_card


@dataclass(frozen=True, slots=True)
class SaveWish:
    """A card that is to be saved for a person. `nonce` is the one-time token of the seller's own page; `replace`: it takes the
    place of the card that the person has. The others as in domain.saved_cards."""

    person: str
    nonce: str
    email: str | None = None
    name: str | None = None
    holder: str | None = None
    postal_code: str | None = None
    verification: str | None = None
    replace: bool = False


def save_card(desk: Desk, wanted: SaveWish, *, caller_key: str | None = None) -> Done:
    """Save a card: the person's customer is that of our books, still there, or found at the provider, or made; then the card.

    StateForbids (6) where the person has a good card and `replace` was not said. The old card of a replaced one is disabled at
    the provider once the new one is there.
    """
    require(desk.provider, SavesCards)
    _check_words(wanted)
    guard_live(desk)
    prior = _done_before(desk, caller_key)
    if prior is None:
        known = _known(desk, wanted.person)
        if known is not None:
            check_free(known, wanted.replace, desk)
        _with_customer(desk, wanted, known)
    return run_chain(desk, _links(desk, wanted, caller_key))


def rehearse_save(desk: Desk, wanted: SaveWish, *, caller_key: str | None = None) -> list[Draft | Thing]:
    """What `save_card` would send: the customer, where there is none yet (what follows needs it to be there), or the card."""
    require(desk.provider, SavesCards)
    _check_words(wanted)
    known = _known(desk, wanted.person)
    if known is not None:
        check_free(known, wanted.replace, desk)
    if known is None or known.customer_ref is None or not _lives(desk, known.customer_ref):
        if require(desk.provider, ReadsSavedCards).find_customer(wanted.person) is None:
            return [rehearse(desk, CreateCustomer(), _customer_wish(desk, wanted, known))]
        return []
    return [rehearse(desk, deed, wish) for deed, wish in _links(desk, wanted, caller_key)]


def disable_card(desk: Desk, card: SavedCard, *, reason: str | None = None) -> Done:
    """Stop a saved card for good; waits for nothing. StateForbids where there is no card to stop."""
    return run_once(desk, DisableCard(), _disable_wish(card, reason))


def rehearse_disable(desk: Desk, card: SavedCard) -> Draft | Thing:
    return rehearse(desk, DisableCard(), _disable_wish(card, None))


def check_free(card: SavedCard, replace_it: bool, desk: Desk) -> None:
    """StateForbids where a person has a card that is good, and nobody said that another takes its place."""
    if card.state is SavedCardState.ACTIVE and not card.expired_at(desk.clock()) and not replace_it:
        raise StateForbids(
            f"{card.person} has a saved card already: {card.id}, {card.brand or 'card'} ending in {card.last4}",
            hint="--replace saves the new one in its place, and disables the old one",
        )


class CreateCustomer:
    """customer.create: the person becomes known to the seller; `lost` is a customer of ours that the provider has no more."""

    kind: ClassVar[str] = "customer.create"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> SavedCard | None:
        card = unit.saved_cards.get(operation.target)
        return card if card is not None and card.customer_ref not in (None, operation.arguments["lost"]) else None

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        told = operation.arguments
        wanted = NewCustomer(told["person"], told["email"], told["name"])
        return require(desk.provider, SavesCards).draft_customer(wanted, operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteCustomer)
        told = operation.arguments
        return Change(*_take_customer(desk, unit, told["person"], told["email"], remote))

    def load(self, unit: Unit, operation: Operation) -> SavedCard:
        return unit.saved_cards.named(operation.target)


class AddCard:
    """saved_card.add: `replaces` is the provider's name of the card whose place it takes, None: there is none."""

    kind: ClassVar[str] = "saved_card.add"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> None:
        card = unit.saved_cards.named(operation.target)
        if card.customer_ref is None:
            raise StateForbids(f"{card.person} is no customer of this seller yet")
        good = card.state is SavedCardState.ACTIVE and not card.expired_at(operation.created_at)
        if good and card.ref != operation.arguments["replaces"]:
            raise StateForbids(f"{card.person} has a saved card already: {card.id}", hint="another run has just saved it")

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        with desk.books.read() as unit:
            card = unit.saved_cards.named(operation.target)
        told = operation.arguments
        assert card.customer_ref is not None
        wanted = NewSavedCard(card.customer_ref, told["nonce"], told["holder"], told["verification"], told["postal_code"])
        return require(desk.provider, SavesCards).draft_saved_card(wanted, operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteSavedCard)
        return Change(*take_saved_card(desk, unit, unit.saved_cards.named(operation.target), remote, read=True))

    def load(self, unit: Unit, operation: Operation) -> SavedCard:
        return unit.saved_cards.named(operation.target)


class DisableCard:
    """saved_card.disable: `ref` is the provider's name of the card, which another may have taken the place of since."""

    kind: ClassVar[str] = "saved_card.disable"
    urgent: ClassVar[bool] = True
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> SavedCard | None:
        card = unit.saved_cards.named(operation.target)
        if operation.arguments["ref"] is None:
            raise StateForbids(f"{card.id} has no card that could be disabled")
        stopped = card.state in (SavedCardState.DISABLED, SavedCardState.GONE)
        return card if stopped and card.ref == operation.arguments["ref"] else None

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        return require(desk.provider, SavesCards).draft_disable(operation.arguments["ref"], operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteSavedCard)
        card = unit.saved_cards.named(operation.target)
        if card.ref != remote.ref:
            return Change(card, {}, {"replaced": True})
        return Change(*take_saved_card(desk, unit, card, remote, read=True))

    def load(self, unit: Unit, operation: Operation) -> SavedCard:
        return unit.saved_cards.named(operation.target)


SAVED_CARD_DEEDS: list[CreateCustomer | AddCard | DisableCard] = [CreateCustomer(), AddCard(), DisableCard()]


def _known(desk: Desk, person: str) -> SavedCard | None:
    with desk.books.read() as unit:
        return unit.saved_cards.of_person(desk.programme, person)


def _done_before(desk: Desk, caller_key: str | None) -> Operation | None:
    """The operation that has the caller's key: whatever it came to, nobody need be found or made for it again."""
    if caller_key is None:
        return None
    with desk.books.read() as unit:
        return unit.operations.by_caller_key(desk.programme, caller_key)


def _with_customer(desk: Desk, wanted: SaveWish, known: SavedCard | None) -> None:
    """See that the person is a customer: the one of our books where the provider still has it, one that the provider has for
    the person, or a new one."""
    if known is not None and known.customer_ref is not None and _lives(desk, known.customer_ref):
        return
    found = require(desk.provider, ReadsSavedCards).find_customer(wanted.person)
    if found is None:
        run_once(desk, CreateCustomer(), _customer_wish(desk, wanted, known))
        return
    with desk.books.write() as unit:
        card, before, after = _take_customer(desk, unit, wanted.person, wanted.email, found)
        audit_change(desk, unit, "customer.found", card.id, before, after)


def _lives(desk: Desk, customer_ref: str) -> bool:
    try:
        return not require(desk.provider, ReadsSavedCards).customer(customer_ref).deleted
    except ProviderHasNot:
        return False


def _take_customer(
    desk: Desk, unit: Unit, person: str, email: str | None, remote: RemoteCustomer
) -> tuple[SavedCard, dict[str, Any], dict[str, Any]]:
    """The person's record with this customer; a card that belonged to another is gone with it. No ref is in what is told."""
    now = desk.clock()
    known = unit.saved_cards.get(saved_card_id(desk.programme, person))
    if known is None:
        known = SavedCard(
            id=saved_card_id(desk.programme, person),
            provider=desk.provider.name,
            programme=desk.programme,
            environment=desk.provider.environment,
            person=person,
            state=SavedCardState.PENDING,
            created_at=now,
            updated_at=now,
            synced_at=now,
        )
        before: dict[str, Any] = {}
    else:
        before = {"state": str(known.state), "customer": "lost" if known.customer_ref else None}
    card = replace(known, email=remote.email or email or known.email, updated_at=now)
    if known.customer_ref != remote.ref:
        state = SavedCardState.PENDING if known.ref is None else SavedCardState.GONE
        card = replace(card, customer_ref=remote.ref, state=state)
    unit.saved_cards.put(card)
    return card, before, {"state": str(card.state), "customer": "known"}


def _check_words(wanted: SaveWish) -> None:
    """BadInput for what nobody could be called, or must not be kept in clear."""
    checked_person(wanted.person)
    refuse_sensitive("email", wanted.email)
    if not wanted.nonce.strip() or not wanted.nonce.isascii() or not wanted.nonce.isprintable():
        raise BadInput("the nonce is empty, or no one-time token at all", hint="one line from the seller's own payment page")


def _links(desk: Desk, wanted: SaveWish, caller_key: str | None) -> list[Link]:
    """The saving, and where it replaces a card that still works, the stopping of that one."""
    known = _known(desk, wanted.person)
    old = known.ref if known is not None and known.state is SavedCardState.ACTIVE else None
    words = ("nonce", "holder", "verification", "postal_code")
    target = saved_card_id(desk.programme, wanted.person)
    told = {word: getattr(wanted, word) for word in words} | {"replaces": old if wanted.replace else None}
    prior = _done_before(desk, caller_key)
    if prior is not None and prior.target == target:  # by now the card that was replaced is another one
        told["replaces"] = prior.arguments.get("replaces")
        old = None
    links: list[Link] = [(AddCard(), Wish(target, told, caller_key=caller_key))]
    if old is not None and wanted.replace:
        links.append((DisableCard(), Wish(target, {"ref": old}, reason="another card has taken its place")))
    return links


def _customer_wish(desk: Desk, wanted: SaveWish, known: SavedCard | None) -> Wish:
    told = {"person": wanted.person, "email": wanted.email or _email_in(wanted.person), "name": wanted.name}
    lost = known.customer_ref if known else None
    return Wish(saved_card_id(desk.programme, wanted.person), {**told, "lost": lost})


def _email_in(person: str) -> str | None:
    return person if "@" in person[1:-1] and " " not in person else None


def _disable_wish(card: SavedCard, reason: str | None) -> Wish:
    return Wish(card.id, {"ref": card.ref}, reason=reason)
