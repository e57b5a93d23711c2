"""What was read of paid orders, looked up by name in a stage: payments, their refunds, purchases, what the wallet paid. Of what
was read twice the later word counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from cardctl.db.stage import Stage
from cardctl.domain.comparing.order_sides import LedgerSide, PurchaseSide, SaleRefundSide, SaleSide

S = TypeVar("S", bound=NamedTuple)


def staged_sales(stage: Stage, refs: Iterable[str | None]) -> dict[str, SaleSide]:
    """Payments; of one that was read with its order and without, the word that names it."""
    return {side.ref: side for side in _found(stage, "sales", SaleSide, SaleSide._make, "ref", refs, order="named, rowid")}


def staged_refunds(stage: Stage, sale_refs: Iterable[str]) -> dict[str, dict[str, SaleRefundSide]]:
    """What was given back of these payments, by payment and by its own name."""
    known: dict[str, dict[str, SaleRefundSide]] = defaultdict(dict)
    for side in _found(stage, "sale_refunds", SaleRefundSide, SaleRefundSide._make, "sale_ref", sale_refs):
        known[side.sale_ref][side.ref] = side
    return known


def staged_purchases(stage: Stage, refs: Iterable[str | None]) -> dict[str, PurchaseSide]:
    """Purchases, by our names for them."""
    return {side.ref: side for side in _found(stage, "purchases", PurchaseSide, PurchaseSide._make, "ref", refs)}


def staged_debits(stage: Stage, refs: Iterable[str | None]) -> dict[str, LedgerSide]:
    """What the wallet paid or holds, by the purchase that it is for."""
    entries = _found(stage, "ledger", LedgerSide, LedgerSide._make, "ref", refs)
    return {side.ref: side for side in entries if side.kind == "debit"}


def _found(
    stage: Stage,
    table: str,
    side: type[S],
    made: Callable[[tuple[Any, ...]], S],
    key: str,
    names: Iterable[str | None],
    *,
    order: str = "rowid",
) -> list[S]:
    """The index is made when it is first of use: a run that reads all in order needs none."""
    stage.rows(f"CREATE INDEX IF NOT EXISTS {table}_by_{key} ON {table} ({key})")
    wanted = [name for name in names if name]
    words, marks = ", ".join(side._fields), ", ".join("?" * len(wanted))
    query = f"SELECT {words} FROM {table} WHERE {key} IN ({marks}) ORDER BY {order}"  # noqa: S608 - no text of anybody's
    return [made(row) for row in stage.rows(query, wanted)]
