"""Finding orders in our own books: by every name that a person may use, as lists, and one with all that came of it. Asks
nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from cardctl.db.orders import OrderFilter
from cardctl.db.unit import Books
from cardctl.domain.orders import Order, OrderState, SaleRefund, Step, WalletTopUp
from cardctl.domain.redaction import Secret
from cardctl.errors import AmbiguousName, NotFound, StateForbids
from cardctl.services.desk import Desk
from cardctl.services.entries import audit_change


@dataclass(frozen=True, slots=True)
class Whole:
    """An order with its steps, the top-ups of the wallet for it, and what its customer was given back."""

    order: Order
    steps: list[Step]
    topups: list[WalletTopUp]
    refunds: list[SaleRefund]


@dataclass(frozen=True, slots=True)
class Code:
    """The QR code of an eSIM: its text, or the supplier's picture (PNG) where there is no text."""

    activation: Secret | None
    picture: bytes | None


def find_order(books: Books, name: str, *, prefix: bool = True) -> Order:
    """The order that `name` means: our id, a prefix of 8 or more, its payment, checkout, purchase or eSIM, or the seller's
    name for it. NotFound, AmbiguousName."""
    with books.read() as unit:
        found = unit.orders.find(name, prefix=prefix)
    if not found:
        raise NotFound("order", name)
    if len(found) > 1:
        hint = f"name one by its id: {', '.join(order.id for order in found)}"
        raise AmbiguousName(f"more than one order answers to {name!r}", hint=hint)
    return found[0]


def list_orders(
    books: Books,
    *,
    states: Collection[OrderState] = (),
    recipient: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> Iterator[Order]:
    """The orders of the books, newest first, streamed."""
    wanted = OrderFilter(states=states, recipient=recipient, since=since, until=until, limit=limit)
    with books.read() as unit:
        yield from unit.orders.rows(wanted)


def whole_order(books: Books, order: Order) -> Whole:
    with books.read() as unit:
        refunds, topups = unit.order_money.refunds_of(order.id), unit.order_money.topups_of(order.id)
        return Whole(unit.orders.named(order.id), unit.orders.steps(order.id), topups, refunds)


def steps_of(books: Books, order_id: str) -> list[Step]:
    with books.read() as unit:
        return unit.orders.steps(order_id)


def reveal_code(desk: Desk, order: Order) -> Code:
    """The QR code of an order's eSIM, for one look; audited before it is opened. StateForbids (6) where there is none yet."""
    with desk.books.write() as unit:
        activation, picture = unit.orders.esim(order.id)
        if activation is None and picture is None:
            raise StateForbids(f"{order.id} is {order.state}: it has no eSIM yet", hint="see `cardctl esim show`")
        audit_change(desk, unit, "esim.reveal", order.id, {}, {"code": "***"})
    desk.log("security", "esim.reveal", {"object": order.id})
    return Code(None if activation is None else Secret(activation), picture)
