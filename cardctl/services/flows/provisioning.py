"""`provision --dev`: three accounts, a million dollars and an active virtual card each; simulator only, safe to repeat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from cardctl.db.accounts import AccountFilter
from cardctl.domain.accounts import Account, AccountChange, AccountState, NewAccount
from cardctl.domain.cards import NO_LIMITS, Card
from cardctl.domain.money import Money, zero
from cardctl.domain.programme import Action, DeclaredAccount, DeclaredCard, Step
from cardctl.domain.states import FINAL, CardState, Move
from cardctl.errors import DevelopmentOnly, ProviderHasNot
from cardctl.providers.base import IssuesCards, require
from cardctl.services.awaiting import await_money
from cardctl.services.deeds.controls import change_account, move_card
from cardctl.services.deeds.funding import fund_card
from cardctl.services.deeds.issuing import CardWish, create_account, relink_account
from cardctl.services.deeds.pulling import mark_gone, sync_account, sync_accounts, sync_card, sync_cards
from cardctl.services.deeds.revealing import wallet_payload
from cardctl.services.desk import Desk, Thing
from cardctl.services.opening import issue_card
from cardctl.services.resuming import settle_all

PEOPLE = {"acct_user1": "Ada Lovelace", "acct_user2": "Grace Hopper", "acct_user3": "Katherine Johnson"}
"""The accounts of the development programme by their external ids, and who holds them when they must be made."""
ENOUGH = Money(100_000_000, "USD")
_KEY = "dev"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What `provision` leaves: the accounts, one card for each, and how many objects were made or changed."""

    accounts: tuple[Account, ...]
    cards: tuple[Card, ...]
    created: int
    changed: int


def provision_dev(desk: Desk) -> Provisioned:
    """Make the development programme what it should be. DevelopmentOnly (6) anywhere but in the simulator."""
    if desk.provider.environment != "simulator":
        raise DevelopmentOnly(f"`provision --dev` makes accounts up: never in {desk.provider.environment}")
    require(desk.provider, IssuesCards)
    settle_all(desk)
    work = _Work(desk)
    accounts = [work.healed(account) for account in work.chosen()]
    cards = [work.card_of(account) for account in accounts]
    with desk.books.read() as unit:
        return Provisioned(
            accounts=tuple(unit.accounts.named(account.id) for account in accounts),
            cards=tuple(unit.cards.named(card.id) for card in cards),
            created=work.created,
            changed=work.changed,
        )


def plan_dev(desk: Desk) -> list[Step]:
    """What `provision_dev` would do, as far as our own books can tell; sends and writes nothing."""
    require(desk.provider, IssuesCards)
    with desk.books.read() as unit:
        known = [(name, unit.accounts.by_external_id(desk.programme, name)) for name in PEOPLE]
        cards = {account.id: unit.cards.of_account(account.id) for _, account in known if account}
    return [step for name, account in known for step in _steps(name, account, cards.get(account.id, []) if account else [])]


def _steps(name: str, account: Account | None, cards: list[Card]) -> Iterator[Step]:
    wanted = DeclaredCard(_KEY, ENOUGH.currency, "virtual", ENOUGH, NO_LIMITS, "active")
    declared = DeclaredAccount(NewAccount(PEOPLE[name], name), (wanted,))
    if account is None:
        yield Step(Action.CREATE_ACCOUNT, declared)
    elif account.state is not AccountState.ACTIVE:
        yield Step(Action.ACTIVATE_ACCOUNT, declared)
    missing = ENOUGH - (_dollars(account) if account else zero(ENOUGH.currency))
    card = _fittest(cards)
    if card is None:
        yield Step(Action.ISSUE_CARD, declared, wanted, amount=max(missing, zero(ENOUGH.currency), key=_minor))
        return
    if card.state is not CardState.ACTIVE:
        yield Step(Action.UNFREEZE_CARD if card.state is CardState.FROZEN else Action.ACTIVATE_CARD, declared, wanted, card.id)
    if missing.minor > 0:
        yield Step(Action.FUND_CARD, declared, wanted, card.id, missing)


def _fittest(cards: list[Card]) -> Card | None:
    """The card to use: virtual, in dollars, not closed; an active one before others."""
    fit = [card for card in cards if card.state not in FINAL and card.type == "virtual" and card.currency == ENOUGH.currency]
    return min(fit, key=lambda card: card.state is not CardState.ACTIVE, default=None)


def _minor(money: Money) -> int:
    return money.minor


class _Work:
    """One run: counts what it made and changed."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.created = 0
        self.changed = 0

    def chosen(self) -> list[Account]:
        """The three accounts by name where they exist (here or at the provider), else rich ones, else new ones."""
        named = self._named()
        if len(named) < len(PEOPLE):
            sync_accounts(self.desk, lambda _: None)
            sync_cards(self.desk, lambda _: None)
            named = self._named()
        rich = iter(self._rich(without={account.id for account in named.values()}))
        chosen = []
        for external_id, person in PEOPLE.items():
            account = named.get(external_id) or next(rich, None)
            if account is None:
                wanted = NewAccount(name=person, external_id=external_id, email=f"{external_id}@example.com")
                made = create_account(self.desk, wanted).object
                assert isinstance(made, Account)
                account, self.created = made, self.created + 1
            chosen.append(account)
        return chosen

    def healed(self, account: Account) -> Account:
        """The account as the provider has it, active; made anew under our id where the provider has lost it."""
        try:
            account = sync_account(self.desk, account)
        except ProviderHasNot:
            wanted = NewAccount(name=account.name, external_id=account.external_id, email=account.email)
            relinked = relink_account(self.desk, account, wanted).object
            assert isinstance(relinked, Account)
            account, self.created = relinked, self.created + 1
        if account.state is not AccountState.ACTIVE:
            activated = change_account(self.desk, account, AccountChange(active=True), reason="provision --dev").object
            assert isinstance(activated, Account)
            account, self.changed = activated, self.changed + 1
        return account

    def card_of(self, account: Account) -> Card:
        """The account's card, active, with a provisioning token, the account topped up to a million (never down)."""
        card = self._usable_card(account)
        with self.desk.books.read() as unit:
            missing = ENOUGH - _dollars(unit.accounts.named(account.id))
        missing = max(missing, zero(ENOUGH.currency), key=_minor)
        if card is None:
            wish = CardWish(account_id=account.id, currency=ENOUGH.currency, allowance=missing, key=_KEY)
            card, self.created = self._card(issue_card(self.desk, wish).object), self.created + 1
        else:
            card = self._topped_up(self._activated(card), missing)
        wallet_payload(self.desk, card)  # gives it a token where it has none
        return card

    def _named(self) -> dict[str, Account]:
        with self.desk.books.read() as unit:
            found = {name: unit.accounts.by_external_id(self.desk.programme, name) for name in PEOPLE}
        return {name: account for name, account in found.items() if account and account.state is not AccountState.CLOSED}

    def _rich(self, *, without: set[str]) -> list[Account]:
        """Accounts that already hold a million, other than those `without`."""
        with self.desk.books.read() as unit:
            known = unit.accounts.rows(AccountFilter(programme=self.desk.programme))
            fit = (account for account in known if account.state is not AccountState.CLOSED and account.id not in without)
            return list(islice((account for account in fit if _dollars(account) >= ENOUGH), len(PEOPLE)))

    def _usable_card(self, account: Account) -> Card | None:
        """The fittest card of those that the provider still has."""
        sync_cards(self.desk, lambda _: None, account=account)
        with self.desk.books.read() as unit:
            cards = unit.cards.of_account(account.id)
        return _fittest([self._seen(card) for card in cards if card.state not in FINAL])

    def _seen(self, card: Card) -> Card:
        try:
            return sync_card(self.desk, card)
        except ProviderHasNot:
            self.changed += 1
            return mark_gone(self.desk, card)

    def _activated(self, card: Card) -> Card:
        if card.state is CardState.ACTIVE:
            return card
        move = Move.UNFREEZE if card.state is CardState.FROZEN else Move.ACTIVATE
        self.changed += 1
        return self._card(move_card(self.desk, card, move, reason="provision --dev").object)

    def _topped_up(self, card: Card, missing: Money) -> Card:
        if not missing.minor:
            return card
        self.changed += 1
        funded = fund_card(self.desk, card, missing, set_allowance=card.allowance is None)
        return self._card(await_money(self.desk, funded).object)

    @staticmethod
    def _card(thing: Thing) -> Card:
        assert isinstance(thing, Card)
        return thing


def _dollars(account: Account) -> Money:
    return next((held for held in account.balances if held.currency == ENOUGH.currency), zero(ENOUGH.currency))
