"""Cards that topped the wallet up and have nothing left to pay for: closed, or what was put on for nothing taken off them. Done
when an order ends to wait for money, and by every run for what was left over."""

from __future__ import annotations

from contextlib import suppress

from cardctl.db.cards import CardFilter
from cardctl.db.unit import Unit
from cardctl.domain.accounts import Account
from cardctl.domain.cards import Card
from cardctl.domain.operations import OPEN, Operation
from cardctl.domain.orders import CARD_FOR_ONE, Order, OrderState, WalletTopUp, order_of_card
from cardctl.domain.states import FINAL, CardState
from cardctl.errors import CardctlError, Refused
from cardctl.services.flows.fulfilling.paying_cards import known_holder, retire, reused_cards, take_back
from cardctl.services.flows.fulfilling.providing import with_card
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.flows.fulfilling.topups import ON_THE_WAY, is_paid, topups_of
from cardctl.services.journal import works_on
from cardctl.services.resuming import resume

_OPEN = sorted(set(CardState) - FINAL)
_MOST = 500
"""Orders that one run lets go of."""


def tidy(shop: Shop) -> None:
    """Let go of every card whose order waits for no money any more; what cannot be done now, the next run does."""
    account = known_holder(shop)
    if account is None:
        return
    with shop.books.read() as unit:
        over = [(card, name) for card, name in _made_for_one(unit, account) if _is_over(unit, name)]
        ended = unit.orders.given_up_short(shop.sales.programme, _MOST)
    for card, name in over:
        if _is_settled(shop, name):
            retire(shop, card, name, paid=False)
    for order in ended:
        let_go(shop, order)


def let_go(shop: Shop, order: Order) -> None:
    """What was put on cards that are used again, for an order that waits for no money any more, and paid nothing with it."""
    account = known_holder(shop)
    if account is None or order.state is OrderState.FUNDING or not _is_settled(shop, order.id):
        return
    with shop.books.read() as unit:
        names = _unpaid(unit, order)
        cards = reused_cards(unit, account, order)
    try:
        for card in cards:
            for name in names:
                with suppress(Refused):  # it is spent, or the card is closed
                    take_back(shop, card, name)
    except CardctlError:
        return
    shop.forget_short(order)


def _made_for_one(unit: Unit, account: Account) -> list[tuple[Card, str]]:
    """Open cards that were made for one top-up, with its name."""
    found = [card for state in _OPEN for card in unit.cards.rows(CardFilter(account_id=account.id, state=state))]
    keys = [(card, unit.cards.key(card.id) or "") for card in found]
    return [(card, key.removeprefix(CARD_FOR_ONE)) for card, key in keys if key.startswith(CARD_FOR_ONE)]


def _is_over(unit: Unit, name: str) -> bool:
    """Whether nobody pays with the card of that top-up any more: a key that names no order of ours is somebody else's."""
    order = unit.orders.get(order_of_card(name))
    return order is not None and order.state is not OrderState.FUNDING


def _is_settled(shop: Shop, name: str) -> bool:
    """Whether no top-up of the order is in doubt any more: one that was sent is looked for while its card can still pay."""
    with shop.books.read() as unit:
        order = unit.orders.named(order_of_card(name))
        opened = [one for one in topups_of(unit, order) if one.state in OPEN]
    return all(_settle(shop, one) for one in opened)


def _settle(shop: Shop, operation: Operation) -> bool:
    if works_on(shop.supply, operation):
        return False
    try:
        with with_card(shop, shop.supply, operation) as able:
            return not resume(able, [operation.id]).left
    except CardctlError:
        return False


def _unpaid(unit: Unit, order: Order) -> list[str]:
    """Names of top-ups that paid nothing: those that ended so, and the one that was begun when the order ended to wait."""
    made = {str(one.arguments["name"]): one for one in topups_of(unit, order)}
    rows = {name: unit.order_money.topup(one.id) for name, one in made.items()}
    names = [name for name, one in made.items() if not _may_have_paid(one, rows[name])]
    last = [f"{order.id}.{order.attempt}.{number}" for number in range(1, len(made) + 2)]
    return [*names, *(name for name in last if name not in made)]


def _may_have_paid(operation: Operation, row: WalletTopUp | None) -> bool:
    return is_paid(operation, row) or (row is not None and row.state in ON_THE_WAY)
