"""The repository of what moved for orders: rows of `wallet_topups` and `sale_refunds` ⇄ their domain objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from cardctl.db.columns import free, moment_to_text
from cardctl.db.many import chunks
from cardctl.db.order_tables import SaleRefundRow, WalletTopUpRow
from cardctl.db.putting import put_row
from cardctl.db.selecting import stream, within
from cardctl.db.tables import table_of
from cardctl.domain.money import Money
from cardctl.domain.orders import SaleRefund, WalletTopUp
from cardctl.domain.payments import RefundState
from cardctl.domain.topups import TopUpState

_T = table_of(WalletTopUpRow)
_R = table_of(SaleRefundRow)


class OrderMoney:
    """Top-ups of the wallet for orders, and what their customers were given back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def topups_of(self, order_id: str) -> list[WalletTopUp]:
        """Every top-up of the wallet for an order, oldest first."""
        query = select(_T).where(_T.c.order_id == order_id).order_by(_T.c.created_at, _T.c.id)
        return [topup_from_row(row) for row in self._connection.execute(query)]

    def topups_of_many(self, order_ids: Iterable[str]) -> dict[str, list[WalletTopUp]]:
        """The same of many orders, by their ids."""
        known: dict[str, list[WalletTopUp]] = {}
        for chunk in chunks(order_ids):
            query = select(_T).where(_T.c.order_id.in_(chunk)).order_by(_T.c.created_at, _T.c.id)
            for topup in map(topup_from_row, self._connection.execute(query)):
                known.setdefault(topup.order_id, []).append(topup)
        return known

    def topup(self, id: str) -> WalletTopUp | None:  # noqa: A002
        row = self._connection.execute(select(_T).where(_T.c.id == id)).one_or_none()
        return None if row is None else topup_from_row(row)

    def topups(self, programme: str, *, since: datetime | None = None) -> Iterator[WalletTopUp]:
        """Every top-up of a wallet, oldest first, streamed."""
        query = within(select(_T).where(_T.c.programme == programme), _T.c.created_at, since, None)
        return map(topup_from_row, stream(self._connection, query.order_by(_T.c.created_at, _T.c.id)))

    def put_topup(self, topup: WalletTopUp) -> None:
        """The top-up as it is now, new or not."""
        row = {
            "order_id": topup.order_id,
            "programme": topup.programme,
            "ref": topup.ref,
            "card_id": topup.card_id,
            "amount_minor": topup.amount.minor,
            "amount_currency": topup.amount.currency,
            "state": topup.state,
            "created_at": moment_to_text(topup.created_at),
            "updated_at": moment_to_text(topup.updated_at),
            "reason": free(topup.reason),
        }
        put_row(self._connection, _T, {"id": topup.id}, row)

    def refunds_of(self, order_id: str) -> list[SaleRefund]:
        """Everything that was given back of an order, oldest first, what failed too."""
        query = select(_R).where(_R.c.order_id == order_id).order_by(_R.c.created_at, _R.c.id)
        return [refund_from_row(row) for row in self._connection.execute(query)]

    def refunds_of_many(self, order_ids: Iterable[str]) -> dict[str, list[SaleRefund]]:
        """The same of many orders, by their ids."""
        known: dict[str, list[SaleRefund]] = {}
        for chunk in chunks(order_ids):
            query = select(_R).where(_R.c.order_id.in_(chunk)).order_by(_R.c.created_at, _R.c.id)
            for refund in map(refund_from_row, self._connection.execute(query)):
                known.setdefault(refund.order_id, []).append(refund)
        return known

    def refunds_by_refs(self, programme: str, refs: Iterable[str]) -> dict[str, SaleRefund]:
        """Those that are in the books, by the provider's name."""
        known: dict[str, SaleRefund] = {}
        for chunk in chunks(refs):
            rows = self._connection.execute(select(_R).where(_R.c.programme == programme, _R.c.ref.in_(chunk)))
            known.update((refund.ref, refund) for refund in map(refund_from_row, rows))
        return known

    def put_refund(self, refund: SaleRefund) -> None:
        """The refund as it is now, new or not."""
        row = {
            "ref": refund.ref,
            "programme": refund.programme,
            "order_id": refund.order_id,
            "amount_minor": refund.amount.minor,
            "amount_currency": refund.amount.currency,
            "state": refund.state,
            "created_at": moment_to_text(refund.created_at),
            "updated_at": moment_to_text(refund.updated_at),
            "reason": free(refund.reason),
            "made_by": refund.made_by,
        }
        put_row(self._connection, _R, {"id": refund.id}, row)


def topup_from_row(row: Any) -> WalletTopUp:
    return WalletTopUp(
        id=row.id,
        order_id=row.order_id,
        programme=row.programme,
        ref=row.ref,
        card_id=row.card_id,
        amount=Money(row.amount_minor, row.amount_currency),
        state=TopUpState(row.state),
        created_at=datetime.fromisoformat(row.created_at),
        updated_at=datetime.fromisoformat(row.updated_at),
        reason=row.reason,
    )


def refund_from_row(row: Any) -> SaleRefund:
    return SaleRefund(
        id=row.id,
        ref=row.ref,
        programme=row.programme,
        order_id=row.order_id,
        amount=Money(row.amount_minor, row.amount_currency),
        state=RefundState(row.state),
        created_at=datetime.fromisoformat(row.created_at),
        updated_at=datetime.fromisoformat(row.updated_at),
        reason=row.reason,
        made_by=row.made_by,
    )
