"""Every order that is due, several at a time: what the scheduler runs, and what goes on after a kill."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from cardctl.db.orders import OrderFilter
from cardctl.db.unit import Books
from cardctl.domain.fulfilment import FOREVER, Why
from cardctl.domain.orders import GIVEN_UP, UNFINISHED, Order, OrderState
from cardctl.errors import CardctlError, ExitCode
from cardctl.services.flows.fulfilling.advancing import FATAL, advance
from cardctl.services.flows.fulfilling.beginning import try_again
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.flows.fulfilling.tidying import tidy
from cardctl.services.operations import guard_live
from cardctl.sidebyside import side_by_side
from cardctl.stopping import never

WORKERS = 8
_PORTION = 500
_FOR_NOW = frozenset({Why.UNAVAILABLE, Why.MAIL_UNAVAILABLE})
_BEGUN = frozenset({OrderState.BUYING, OrderState.ORDERED, OrderState.READY, OrderState.REFUNDING, OrderState.REFUNDED})
_TURNS = (_BEGUN, UNFINISHED - _BEGUN)
"""What was begun is brought to its end before anything more is bought: a customer whose eSIM is there waits for no others. A
refunded order may have a letter to come."""


@dataclass(slots=True)
class Ran:
    """How a run ended: the orders as they are now, errors of those that raised one, and how many were not come to. `held_up`
    says why orders wait, by id."""

    orders: list[Order] = field(default_factory=list)
    held_up: dict[str, Why] = field(default_factory=dict)
    errors: dict[str, CardctlError] = field(default_factory=dict)
    not_reached: int = 0

    def add(self, other: Ran) -> None:
        known = {order.id for order in other.orders}
        self.orders = [*(order for order in self.orders if order.id not in known), *other.orders]
        self.held_up = {id_: why for id_, why in self.held_up.items() if id_ in {order.id for order in self.orders}}
        self.held_up |= other.held_up
        self.errors |= other.errors
        self.not_reached += other.not_reached

    @property
    def exit_code(self) -> ExitCode:
        """9 while a write is in doubt, 10 where something failed or was not come to, 3 where a person should know."""
        if Why.IN_DOUBT in self.held_up.values():
            return ExitCode.IN_DOUBT
        if self.errors or self.not_reached or _FOR_NOW & set(self.held_up.values()):
            return ExitCode.PARTLY
        return ExitCode.FINDINGS if any(map(needs_a_person, self.orders)) else ExitCode.DONE


def needs_a_person(order: Order) -> bool:
    """Whether an order waits for something that only a person can bring about."""
    if order.state is OrderState.STUCK:
        return True
    waits = (Why.WALLET_SHORT, Why.TOPUP_FAILED, Why.NO_MAIL_SERVER, Why.MAIL_REFUSED, Why.TOO_OLD)
    return order.state in UNFINISHED and order.reason_code in waits


def held_up(books: Books, order: Order) -> Why | None:
    """Why an order waits; None where it does not. The reason of one that is given up is another: why the money goes back."""
    if order.state not in GIVEN_UP:
        return Why(order.reason_code) if order.state in UNFINISHED and order.reason_code else None
    if not order.tries or order.due_at == FOREVER:
        return None
    if order.state is OrderState.REFUNDED:
        return Why.MAIL_UNAVAILABLE
    with books.read() as unit:
        return Why.IN_DOUBT if unit.operations.open_for(order.id) else Why.UNAVAILABLE


def waiting(shop: Shop) -> list[Order]:
    """All orders that a run would go on with: those that were begun, then the others; who has waited longest comes first."""
    with shop.books.read() as unit:
        due = [id_ for states in _TURNS for id_ in unit.orders.due(shop.sales.programme, states, shop.now())]
        return unit.orders.get_many(due)


def failed(shop: Shop) -> list[Order]:
    """The orders that nobody goes on with unless a person asks: stuck ones, and eSIMs whose mail was refused."""
    states = (OrderState.STUCK, OrderState.READY)
    with shop.books.read() as unit:
        found = list(unit.orders.rows(OrderFilter(programme=shop.sales.programme, states=states)))
    return [order for order in found if order.state is OrderState.STUCK or order.due_at == FOREVER]


def run(
    shop: Shop,
    chosen: Sequence[Order] | None = None,
    *,
    named: Collection[str] | None = None,
    workers: int = WORKERS,
    late: Callable[[], bool] = never,
    progress: Callable[[int], None] = lambda _: None,
) -> Ran:
    """Take the chosen orders (None: all that are due) as far as they go; one that fails stops no other, and what no order would
    fare better with is raised once all that have begun have ended. `named` are those that a person meant one by one (None: all
    that are chosen)."""
    guard_live(shop.supply)
    guard_live(shop.sales)
    ran = Ran()
    if chosen is not None:
        ids = [try_again(shop, one, asked=named is None or one.id in named).id for one in chosen]
        _work(shop, ids, workers, late, progress, ran)
        tidy(shop)
        return ran
    for ids in _portions(shop):
        _work(shop, ids, workers, late, progress, ran)
        if late():
            return ran
    tidy(shop)
    return ran


def _portions(shop: Shop) -> Iterator[list[str]]:
    """The orders that are due, as `waiting` has them, each once."""
    seen: set[str] = set()
    for states in _TURNS:
        while ids := [order_id for order_id in _due(shop, states) if order_id not in seen]:
            seen.update(ids)
            yield ids


def _due(shop: Shop, states: Collection[OrderState]) -> list[str]:
    with shop.books.read() as unit:
        return unit.orders.due(shop.sales.programme, states, shop.now(), _PORTION)


def _work(
    shop: Shop,
    ids: Sequence[str],
    workers: int,
    late: Callable[[], bool],
    progress: Callable[[int], None],
    ran: Ran,
) -> None:
    begun, fatal = 0, list[Exception]()

    def taken() -> bool:
        nonlocal begun
        if fatal or late():
            return False
        begun += 1
        return True

    for order_id, answer in side_by_side(
        lambda order_id: advance(shop, order_id), takewhile(lambda _: taken(), ids), workers=workers
    ):
        progress(1)
        if isinstance(answer, FATAL) or (isinstance(answer, Exception) and not isinstance(answer, CardctlError)):
            fatal.append(answer)
        elif isinstance(answer, CardctlError):
            ran.errors[order_id] = answer
        else:
            _count(shop, ran, answer)
    if fatal:
        raise fatal[0]
    ran.not_reached += len(ids) - begun


def _count(shop: Shop, ran: Ran, order: Order) -> None:
    ran.orders.append(order)
    why = held_up(shop.books, order)
    if why is not None:
        ran.held_up[order.id] = why
