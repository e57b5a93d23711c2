"""A provider's word about customers' payments, purchases and the wallet, as it is compared; no activation code is in it."""

from __future__ import annotations

from typing import Any

from cardctl.db.columns import moment_to_text
from cardctl.domain.comparing.order_sides import LedgerSide, PurchaseSide, SaleRefundSide, SaleSide
from cardctl.domain.esims import LedgerEntry, RemotePurchase
from cardctl.domain.money import minor_or_none
from cardctl.domain.sales import RemoteSale, RemoteSaleRefund
from cardctl.providers.paging import Leaf


def orders_in(leaf: Leaf) -> int:
    """How many objects there are."""
    return len(leaf.sales) + len(leaf.sale_refunds) + len(leaf.purchases) + len(leaf.ledger)


def order_rows(leaf: Leaf, since: str | None) -> dict[str, Any]:
    """What was read at a spot, by table; nothing that was made before `since`."""
    sides: dict[str, list[Any]] = {
        "sales": list(map(sale_side, leaf.sales)),
        "sale_refunds": list(map(sale_refund_side, leaf.sale_refunds)),
        "purchases": list(map(purchase_side, leaf.purchases)),
        "ledger": list(map(ledger_side, leaf.ledger)),
    }
    return {name: [row for row in rows if since is None or row.created_at >= since] for name, rows in sides.items()}


def sale_side(remote: RemoteSale) -> SaleSide:
    return SaleSide(
        remote.ref,
        str(remote.state),
        remote.amount.minor,
        minor_or_none(remote.refunded),
        remote.amount.currency,
        moment_to_text(remote.paid_at or remote.created_at),
        remote.data is not None,
        bool(remote.disputed),
    )


def sale_refund_side(remote: RemoteSaleRefund) -> SaleRefundSide:
    money, at = remote.amount, moment_to_text(remote.created_at)
    return SaleRefundSide(remote.ref, str(remote.state), money.minor, money.currency, remote.mark, at, remote.sale_ref)


def purchase_side(remote: RemotePurchase) -> PurchaseSide:
    """One that tells no time is as old as can be."""
    created = "" if remote.created_at is None else moment_to_text(remote.created_at)
    updated = created if remote.updated_at is None else moment_to_text(remote.updated_at)
    cost = remote.cost
    told = minor_or_none(cost), None if cost is None else cost.currency
    return PurchaseSide(remote.ref, str(remote.state), *told, created, updated, remote.error_code or "")


def ledger_side(entry: LedgerEntry) -> LedgerSide:
    kind = ("recharge" if entry.recharge else "credit") if entry.credit else "debit"
    return LedgerSide(
        kind,
        entry.product.lower(),
        str(entry.state),
        entry.amount.minor,
        entry.amount.currency,
        moment_to_text(entry.created_at),
        moment_to_text(entry.updated_at),
        entry.ref,
    )
