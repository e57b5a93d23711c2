"""The repository of orders: rows of `orders` and `order_steps` ⇄ their domain objects; their money is in order_money.py."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, insert, or_, select, text, true, update

from cardctl.db.columns import Raw, free, moment_to_text, raw_text
from cardctl.db.many import chunks
from cardctl.db.order_rows import order_from_row, order_to_row
from cardctl.db.order_tables import RESERVED, OrderRow, OrderStepRow
from cardctl.db.putting import put_row
from cardctl.db.sealed import Box, Place
from cardctl.db.selecting import find_by_name, found, narrowed, plain_columns, stream, within
from cardctl.db.tables import table_of
from cardctl.domain.orders import Order, OrderState, Step, StepName, StepState

_O = table_of(OrderRow)
_S = table_of(OrderStepRow)
_ORDER = select(*plain_columns(_O))
_GET = _ORDER.where(_O.c.id == bindparam("id"))
_STEPS = select(_S).where(_S.c.order_id == bindparam("order_id"))
_STEP = _STEPS.where(_S.c.name == bindparam("name"))
_ADD_STEP = insert(_S)
_FIXED = frozenset(("programme", "environment", "transaction_id", "created_at"))
"""What an order is."""
_NEWEST = _O.c.created_at.desc(), _O.c.id.desc()
_STEP_PLACE = {str(name): place for place, name in enumerate(StepName)}


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders; made from `since` on and before `until`."""

    programme: str | None = None
    supplier: str | None = None
    states: Collection[OrderState] = ()
    recipient: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


class Orders:
    """Orders of our books. What is sealed (the activation, a QR code, raw JSON) is opened by its own methods alone."""

    def __init__(self, connection: Connection, box: Box) -> None:
        self._connection = connection
        self._box = box

    def get(self, id: str) -> Order | None:  # noqa: A002 - the house's word for our own name of a thing
        return self._read(_GET, {"id": id})

    def named(self, id: str) -> Order:  # noqa: A002
        """The order with our id; NotFound where there is none."""
        return found(self.get(id), "order", id)

    def by_payment(self, programme: str, payment_ref: str) -> Order | None:
        return self._one(and_(_O.c.programme == programme, _O.c.payment_ref == payment_ref))

    def by_payments(self, programme: str, refs: Iterable[str]) -> dict[str, Order]:
        """Those that are in the books, by the provider's name of the payment."""
        return {order.payment_ref or "": order for order in self._many(_O.c.programme == programme, _O.c.payment_ref, refs)}

    def by_checkouts(self, programme: str, refs: Iterable[str]) -> dict[str, Order]:
        """Those that are in the books, by the provider's name of the checkout."""
        return {order.checkout_ref or "": order for order in self._many(_O.c.programme == programme, _O.c.checkout_ref, refs)}

    def by_purchases(self, supplier: str, refs: Iterable[str]) -> dict[str, Order]:
        """Those whose purchase, of the attempt that counts, is called so."""
        return {order.purchase_ref or "": order for order in self._many(_O.c.supplier == supplier, _O.c.purchase_ref, refs)}

    def was_priced(self, offer_id: str) -> bool:
        """Whether any order, whatever became of it, was priced with that offer."""
        query = select(_O.c.id).where(_O.c.offer_id == offer_id, _O.c.cost_minor.is_not(None)).limit(1)
        return self._connection.execute(query).first() is not None

    def find(self, name: str, *, programme: str | None = None, prefix: bool = True) -> list[Order]:
        """Up to three orders: our id, else the payment, the checkout, the seller's name of it, the purchase, the ICCID, else a
        prefix (8 or more) of our id."""
        keys = [_O.c.id, _O.c.payment_ref, _O.c.checkout_ref, _O.c.transaction_id, _O.c.purchase_ref, _O.c.iccid]
        rows = find_by_name(self._connection, _ORDER, keys, name, programme=programme, prefix=prefix)
        return [order_from_row(row) for row in rows]

    def rows(self, filter: OrderFilter = OrderFilter()) -> Iterator[Order]:  # noqa: A002
        """The orders, newest first, streamed."""
        query = _filtered(_ORDER, filter).order_by(*_NEWEST).limit(filter.limit)
        return map(order_from_row, stream(self._connection, query))

    def get_many(self, ids: Iterable[str]) -> list[Order]:
        """In the order of their ids as given; those that are in the books."""
        ids = list(ids)
        known = {order.id: order for order in self._many(true(), _O.c.id, ids)}
        return [known[id_] for id_ in ids if id_ in known]

    def due(self, programme: str, states: Collection[OrderState], now: datetime, limit: int | None = None) -> list[str]:
        """Ids of orders in these states that are to be looked at by now, those that have waited longest first."""
        query = select(_O.c.id).where(_O.c.programme == programme, _O.c.state.in_([str(state) for state in states]))
        query = query.where(_O.c.due_at <= moment_to_text(now)).order_by(_O.c.due_at, _O.c.id).limit(limit)
        return list(self._connection.execute(query).scalars())

    def given_up_short(self, programme: str, limit: int) -> list[Order]:
        """Orders that ended while they waited for the wallet's money, and are noted to wait for it still."""
        over = [str(state) for state in (OrderState.REFUNDING, OrderState.REFUNDED, OrderState.STUCK)]
        query = _ORDER.where(_O.c.programme == programme, _O.c.state.in_(over), _O.c.short_since.is_not(None)).limit(limit)
        return [order_from_row(row) for row in self._connection.execute(query)]

    def reserved(self, supplier: str, currency: str, *, since: datetime) -> int:
        """What of the wallet is spoken for, in minor units: reservations, and what the wallet has held since that moment, so
        that a balance which was read then does not show it."""
        ours = and_(_O.c.supplier == supplier, _O.c.cost_currency == currency)
        open_ = select(func.coalesce(func.sum(_O.c.reserved_minor), 0)).where(ours, text(RESERVED))
        late = select(func.coalesce(func.sum(_O.c.cost_minor), 0)).where(ours, _O.c.held_at >= moment_to_text(since))
        return int(self._connection.execute(open_).scalar_one()) + int(self._connection.execute(late).scalar_one())

    def put(self, order: Order, *, raw: Raw | None = None) -> None:
        """The order as it is now, new or not; `raw` None: as it was."""
        sealed = {} if raw is None else {"raw": self._box.seal(Place("orders", "raw", order.id), raw_text(raw))}
        put_row(self._connection, _O, {"id": order.id}, order_to_row(order) | sealed, fixed=_FIXED)

    def seal_esim(
        self, order_id: str, *, activation: str | None = None, qr: bytes | None = None, instructions: str | None = None
    ) -> None:
        """Keep the text of the QR code, or its picture (PNG) where there is no text, and what the supplier says of its use."""
        row: dict[str, Any] = {}
        for column, said in (("activation", activation), ("instructions", instructions)):
            if said is not None:
                row[column] = self._box.seal(Place("orders", column, order_id), said)
        if qr is not None:
            row["qr"] = self._box.seal_bytes(Place("orders", "qr", order_id), qr)
        if row:
            self._connection.execute(update(_O).where(_O.c.id == order_id).values(row))

    def instructions(self, order_id: str) -> str | None:
        """What the supplier says of the eSIM's use: it may hold what is secret."""
        sealed = self._connection.execute(select(_O.c.instructions).where(_O.c.id == order_id)).scalar_one()
        return None if sealed is None else self._box.open(Place("orders", "instructions", order_id), sealed)

    def esim(self, order_id: str) -> tuple[str | None, bytes | None]:
        """The text of the QR code, and its picture, as far as they are there."""
        row = self._connection.execute(select(_O.c.activation, _O.c.qr).where(_O.c.id == order_id)).one()
        activation = None if row.activation is None else self._box.open(Place("orders", "activation", order_id), row.activation)
        qr = None if row.qr is None else self._box.open_bytes(Place("orders", "qr", order_id), bytes(row.qr))
        return activation, qr

    def steps(self, order_id: str) -> list[Step]:
        """In the order of the chain."""
        found = [_step_from_row(row) for row in self._connection.execute(_STEPS, {"order_id": order_id})]
        return sorted(found, key=lambda step: _STEP_PLACE[str(step.name)])

    def step(self, order_id: str, name: StepName) -> Step | None:
        row = self._connection.execute(_STEP, {"order_id": order_id, "name": str(name)}).one_or_none()
        return None if row is None else _step_from_row(row)

    def steps_of(self, order_ids: Iterable[str]) -> dict[str, list[Step]]:
        """The same of many orders."""
        known: dict[str, list[Step]] = {}
        for chunk in chunks(order_ids):
            for row in self._connection.execute(select(_S).where(_S.c.order_id.in_(chunk))):
                known.setdefault(row.order_id, []).append(_step_from_row(row))
        return {id_: sorted(steps, key=lambda step: _STEP_PLACE[str(step.name)]) for id_, steps in known.items()}

    def put_step(self, order_id: str, step: Step, *, new: bool) -> None:
        """The step as it stands now; `new`: the order has none of its name yet."""
        row = {
            "state": step.state,
            "at": moment_to_text(step.at),
            "tries": step.tries,
            "operation_id": step.operation_id,
            "error": free(step.error),
        }
        key = {"order_id": order_id, "name": step.name}
        if new:
            self._connection.execute(_ADD_STEP, key | row)
        else:
            put_row(self._connection, _S, key, row)

    def _one(self, which: Any) -> Order | None:
        return self._read(_ORDER.where(which), {})

    def _read(self, query: Select[Any], values: dict[str, Any]) -> Order | None:
        row = self._connection.execute(query, values).one_or_none()
        return None if row is None else order_from_row(row)

    def _many(self, which: Any, column: Any, refs: Iterable[str]) -> Iterator[Order]:
        for chunk in chunks(refs):
            yield from map(order_from_row, self._connection.execute(_ORDER.where(which, column.in_(chunk))))


def _step_from_row(row: Any) -> Step:
    return Step(
        name=StepName(row.name),
        state=StepState(row.state),
        at=datetime.fromisoformat(row.at),
        tries=row.tries,
        operation_id=row.operation_id,
        error=row.error,
    )


def _filtered(query: Select[Any], filter: OrderFilter) -> Select[Any]:  # noqa: A002
    query = narrowed(
        query, (_O.c.programme, filter.programme), (_O.c.supplier, filter.supplier), (_O.c.recipient, filter.recipient)
    )
    if filter.states:
        query = query.where(or_(*(_O.c.state == str(state) for state in filter.states)))
    return within(query, _O.c.created_at, filter.since, filter.until)
