"""The issued cards that top the wallet up: their holder found or made, a card for each top-up or one for all, its numbers in
memory alone for as long as one request takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import cast

from cardctl.db.unit import Unit
from cardctl.domain.accounts import Account
from cardctl.domain.cards import Card, Limits
from cardctl.domain.money import Money
from cardctl.domain.operations import OperationState
from cardctl.domain.orders import CARD_FOR_ONE, Order
from cardctl.domain.states import FINAL, CardState, Move
from cardctl.errors import CardctlError, Refused
from cardctl.providers.base import IssuesCards, Provider, require
from cardctl.providers.selling import TopsUpWallet
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.funding import fund_card, withdraw
from cardctl.services.deeds.issuing import CardWish, create_account
from cardctl.services.deeds.revealing import reveal
from cardctl.services.desk import Desk
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.opening import issue_card
from cardctl.services.resuming import resume

_REUSED = "wallet-topup"
_REASON = "tops the eSIM wallet up"


def check_card_taken(supply: Provider, sales: Provider) -> None:
    """Unsupported (7), with the reason, where nobody takes a card for the wallet, or nobody here issues one."""
    require(supply, TopsUpWallet).draft_wallet_topup(Money(1, "USD"), "op_check")
    require(sales, IssuesCards)


def card_for(shop: Shop, order: Order, amount: Money, name: str) -> Card:
    """A card that can pay `amount`, once: `name` is the top-up's, so that asked again it is the same card with the same
    money."""
    account = _holder(shop)
    if not shop.terms.reuse_card:
        once = Limits(per_transaction=amount)
        wish = CardWish(account.id, amount.currency, limits=once, allowance=amount, key=f"{CARD_FOR_ONE}{name}")
        return _card(issue_card(shop.sales, wish, caller_key=f"{name}:card").object)
    card = _living(shop, account, amount.currency)
    if card is None:
        wish = CardWish(account.id, amount.currency, allowance=amount, key=f"{_REUSED}-{amount.currency}")
        return _card(issue_card(shop.sales, wish, caller_key=f"{name}:card").object)
    with shop.books.read() as unit:
        made_for_it = unit.operations.by_caller_key(shop.sales.programme, f"{name}:card")
    if made_for_it is not None and made_for_it.target == card.id:
        return card
    return _card(fund_card(shop.sales, card, amount, caller_key=f"{name}:fund").object)


@contextmanager
def paying(shop: Shop, card: Card) -> Iterator[Desk]:
    """The supplier's desk with the card's numbers at hand. Looking at them is audited."""
    provider = require(shop.supply.provider, TopsUpWallet)
    credentials = reveal(shop.sales, card, reason=_REASON)
    able = cast(Provider, provider.paying_with(credentials))
    yield replace(shop.supply, provider=able)


def begun_with(shop: Shop, name: str) -> Money | None:
    """What the card of a top-up was made or funded for by somebody who died before it paid: what lacks by now is another sum,
    and the same name for it would be refused."""
    with shop.books.read() as unit:
        keys = [f"{name}:topup", f"{name}:card", f"{name}:fund"]
        made = [unit.operations.by_caller_key(desk.programme, key) for desk in (shop.supply, shop.sales) for key in keys]
    return next((each.amount for each in made if each is not None and each.amount is not None), None)


def retire(shop: Shop, card: Card, name: str, *, paid: bool) -> None:
    """The card of a top-up that has ended, or is not needed any more: one that was made for it is closed, and from one that is
    used again is taken what was put on for it, unless it has `paid`. What somebody left who died meanwhile is ended too. What
    cannot be done now is done by a later run (tidying.py)."""
    with shop.books.read() as unit:
        known, opened = unit.cards.named(card.id), unit.operations.open_for(card.id)
        once = unit.cards.key(card.id) == f"{CARD_FOR_ONE}{name}"
    if known.state in FINAL or (paid and not once):
        return
    with suppress(CardctlError):
        resume(shop.sales, [operation.id for operation in opened])
        if once:
            move_card(shop.sales, known, Move.CLOSE, reason=_REASON)
        else:
            take_back(shop, known, name)


def take_back(shop: Shop, card: Card, name: str) -> None:
    """What was put on a card for a top-up that came to nothing, taken off it, once. InsufficientBalance where the card has
    spent it."""
    with shop.books.read() as unit:
        made = [unit.operations.by_caller_key(shop.sales.programme, f"{name}:{what}") for what in ("card", "fund")]
    put = next((one for one in made if one is not None and one.target == card.id and one.state is OperationState.DONE), None)
    if put is not None and put.amount is not None:
        withdraw(shop.sales, card, put.amount, caller_key=f"{name}:back")


def is_used_up(shop: Shop, name: str) -> bool:
    """Whether the card that was to pay a top-up of that name has been let go of."""
    account = known_holder(shop)
    with shop.books.read() as unit:
        cards = [] if account is None else unit.cards.by_key(account.id, f"{CARD_FOR_ONE}{name}")
        back = unit.operations.by_caller_key(shop.sales.programme, f"{name}:back")
    return any(card.state in FINAL for card in cards) or (back is not None and back.state is OperationState.DONE)


def reused_cards(unit: Unit, account: Account, order: Order) -> list[Card]:
    """Living cards that are used for one top-up after the other, in the currency of the order's cost."""
    cards = [] if order.cost is None else unit.cards.by_key(account.id, f"{_REUSED}-{order.cost.currency}")
    return [card for card in cards if card.state not in FINAL]


def known_holder(shop: Shop) -> Account | None:
    """Who cards are issued to that top the wallet up; None where none was made yet."""
    assert shop.holder.external_id is not None
    with shop.books.read() as unit:
        return unit.accounts.by_external_id(shop.sales.programme, shop.holder.external_id)


def _holder(shop: Shop) -> Account:
    """The cardholder by our own name for it; made where there is none."""
    known = known_holder(shop)
    if known is not None:
        return known
    try:
        made = create_account(shop.sales, shop.holder, caller_key=f"{shop.holder.external_id}:holder").object
    except Refused:  # another process has made it just now
        known = known_holder(shop)
        if known is None:
            raise
        return known
    assert isinstance(made, Account)
    return made


def _living(shop: Shop, account: Account, currency: str) -> Card | None:
    with shop.books.read() as unit:
        cards = unit.cards.by_key(account.id, f"{_REUSED}-{currency}")
    return next((card for card in cards if card.state is CardState.ACTIVE), None)


def _card(thing: object) -> Card:
    assert isinstance(thing, Card)
    return thing
