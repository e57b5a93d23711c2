"""The result of a write as JSON: what was written, by its kind, beside the operation that wrote it. Writes nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cardctl.domain.accounts import Account
from cardctl.domain.cards import Card
from cardctl.domain.operations import Operation
from cardctl.domain.orders import Order
from cardctl.domain.payments import Payment
from cardctl.domain.saved_cards import SavedCard
from cardctl.domain.transactions import Transaction
from cardctl.output import order_shapes, shapes
from cardctl.output.shapes import Shape

_OF: dict[type, Callable[[Any], Shape]] = {
    Account: shapes.account,
    Card: shapes.card,
    Transaction: shapes.transaction,
    SavedCard: shapes.saved_card,
    Payment: shapes.payment,
    Order: order_shapes.order,
}


def write(
    noun: str,
    object: Account | Card | Transaction | SavedCard | Payment | Order | None,  # noqa: A002 - as the JSON has it
    operation: Operation | None,
) -> Shape:
    """`{"card": …, "operation": …}`; a null operation says that nothing was sent."""
    shown = None if object is None else _OF[type(object)](object)
    return {noun: shown, "operation": None if operation is None else shapes.operation(operation)}
