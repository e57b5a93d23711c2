"""Our side of orders and purchases as a piece of evidence has it: as it was kept where it differed, else theirs."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from operator import itemgetter

from cardctl.db.stage import Stage
from cardctl.domain.comparing.moving import is_history
from cardctl.domain.comparing.order_sides import PurchaseSide, SaleRefundSide, SaleSide
from cardctl.domain.comparing.orders import is_order, same_order
from cardctl.domain.comparing.purchases import same_purchase
from cardctl.domain.comparing.sides import Rules
from cardctl.services.flows.reconciling.comparing_supply import OurSupply
from cardctl.services.flows.reconciling.merging import Row, merged


def kept_orders(stage: Stage, rules: Rules) -> Iterator[Row]:
    """A payment that names no order stays none of ours."""
    return merge(_same_orders(stage, rules), stage.sides("sales", ours=True), key=itemgetter(0))


def kept_supply(stage: Stage, rules: Rules) -> OurSupply:
    """A purchase of an earlier attempt stays that."""
    return OurSupply(
        merge(_same_purchases(stage, rules), stage.sides("purchases", ours=True), key=itemgetter(0)),
        list(stage.claims()),
        stage.sides("wallet_topups", ours=True),
        stage.sides("paying_cards", ours=True),
    )


def _same_orders(stage: Stage, rules: Rules) -> Iterator[Row]:
    apart = stage.apart("sales")
    for name, _, their, _, rows in merged(iter(()), stage.sides("sales"), iter(()), stage.sides("sale_refunds")):
        if their is None or name in apart:
            continue
        theirs = SaleSide._make(their)
        if is_order(theirs, rules):
            yield same_order(theirs, {ref: SaleRefundSide._make(row) for ref, row in rows.items()})


def _same_purchases(stage: Stage, rules: Rules) -> Iterator[Row]:
    """One that failed bought nothing, whosever it was."""
    apart = stage.apart("purchases")
    for row in stage.sides("purchases"):
        theirs = PurchaseSide._make(row)
        if theirs.ref not in apart and theirs.state != "failed" and not is_history(theirs.created_at, rules):
            yield same_purchase(theirs)
