"""What was done so far to fill the wallet for an order, by the journal and what became of it; nothing is sent but what lets go
of cards that have done their work."""

from __future__ import annotations

from dataclasses import dataclass

from cardctl.db.unit import Unit
from cardctl.domain.operations import OPEN, Operation, OperationState
from cardctl.domain.orders import Order, WalletTopUp
from cardctl.domain.topups import TopUpState
from cardctl.services.deeds.topping_up import TopUp
from cardctl.services.flows.fulfilling.paying_cards import is_used_up, retire
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.operations import came_to_nothing

ON_THE_WAY = frozenset({TopUpState.PENDING, TopUpState.UNKNOWN})
_CAME_TO_NOTHING = frozenset({TopUpState.FAILED, TopUpState.REVERSED})


@dataclass(frozen=True, slots=True)
class Topups:
    """`filled`: the wallet was filled for this attempt of the order, by all that was asked for. `brought`: money was put into
    it for the order in any attempt, or a person says so: if the wallet does not show it, it is late, and not put there again.
    `failed` top-ups came to nothing, `last` is why."""

    filled: bool = False
    brought: bool = False
    pending: WalletTopUp | None = None
    failed: int = 0
    last: str | None = None


def so_far(shop: Shop, order: Order) -> Topups:
    """Cards of top-ups that have ended are let go of; one that is under way may still have to pay, and one that reached nobody
    is none."""
    with shop.books.read() as unit:
        made = [each for each in topups_of(unit, order) if each.state not in OPEN]
        rows = {each.id: unit.order_money.topup(each.id) for each in made}
        ended = [each for each in made if (row := rows[each.id]) is None or row.state not in ON_THE_WAY]
        cards = [(each, unit.cards.named(each.arguments["card"])) for each in ended]
    for each, card in cards:
        retire(shop, card, each.arguments["name"], paid=is_paid(each, rows[each.id]))
    refused = [each.error for each in made if each.state is OperationState.REFUSED]
    failed = [row.reason for row in rows.values() if row is not None and row.state in _CAME_TO_NOTHING]
    paid = [each for each in made if is_paid(each, rows[each.id])]
    pending = next((row for row in rows.values() if row is not None and row.state in ON_THE_WAY), None)
    return Topups(
        filled=any(_is_whole(order, each, rows[each.id]) for each in paid),
        brought=bool(paid),
        pending=None if paid else pending,
        failed=len(refused) + len(failed),
        last=next(iter(refused[::-1] + failed[::-1]), None),
    )


def topups_of(unit: Unit, order: Order) -> list[Operation]:
    """The top-ups for an order, with all that they were meant to do; those left out that reached nobody."""
    made = [each for each in unit.operations.for_target(order.id) if each.kind == TopUp.kind and not came_to_nothing(each)]
    return [unit.operations.named(each.id) for each in made]


def is_paid(operation: Operation, row: WalletTopUp | None) -> bool:
    """Whether the card has paid; a person's word that it was done has no row."""
    if row is None:
        return operation.state is OperationState.DONE
    return row.state is TopUpState.SETTLED


def next_name(shop: Shop, order: Order, done: Topups) -> str:
    """Of the next top-up: each has its own, which its card bears too; one whose card was let go of is used up."""
    number = done.failed + 1
    while is_used_up(shop, name := f"{order.id}.{order.attempt}.{number}"):
        number += 1
    return name


def _is_whole(order: Order, operation: Operation, row: WalletTopUp | None) -> bool:
    """Of an earlier attempt's the supplier has said that it does not see it; of a person's word nobody knows how much."""
    asked, name = operation.amount, str(operation.arguments["name"])
    if row is None or asked is None or not name.startswith(f"{order.id}.{order.attempt}."):
        return False
    return row.amount.currency == asked.currency and row.amount >= asked
