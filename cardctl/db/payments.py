"""The repository of payments with saved cards: rows of `payments`, `refunds` and `disputes` ⇄ their domain objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from cardctl.db.columns import Raw, free, moment_from_text, moment_or_none, moment_to_text, raw_text
from cardctl.db.many import chunks
from cardctl.db.putting import put_row
from cardctl.db.saved_tables import DisputeRow, PaymentRow, RefundRow
from cardctl.db.sealed import Box, Place
from cardctl.db.selecting import find_by_name, found, narrowed, plain_columns, stream, within
from cardctl.db.tables import table_of
from cardctl.domain.money import Money
from cardctl.domain.payments import Dispute, Payment, PaymentKind, PaymentState, Refund, RefundState

_P = table_of(PaymentRow)
_R = table_of(RefundRow)
_D = table_of(DisputeRow)
_PAYMENT = select(*plain_columns(_P))
_REFUND = select(*plain_columns(_R))
_NEWEST = _P.c.created_at.desc(), _P.c.id.desc()


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """Which payments; made from `since` on and before `until`."""

    saved_card_id: str | None = None
    provider: str | None = None
    programme: str | None = None
    invoice: str | None = None
    kind: PaymentKind | None = None
    state: PaymentState | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


class Payments:
    """Payments of our books, with their refunds and disputes. What is sealed (raw JSON) is not opened here."""

    def __init__(self, connection: Connection, box: Box) -> None:
        self._connection = connection
        self._box = box

    def get(self, id: str) -> Payment | None:  # noqa: A002 - the house's word for our own name of a thing
        row = self._connection.execute(_PAYMENT.where(_P.c.id == id)).one_or_none()
        return None if row is None else payment_from_row(row)

    def named(self, id: str) -> Payment:  # noqa: A002
        """The payment with our id; NotFound where there is none."""
        return found(self.get(id), "payment", id)

    def by_refs(self, programme: str, refs: Iterable[str]) -> dict[str, Payment]:
        """Those that are in the books, by the provider's name."""
        known: dict[str, Payment] = {}
        for chunk in chunks(refs):
            rows = self._connection.execute(_PAYMENT.where(_P.c.programme == programme, _P.c.ref.in_(chunk)))
            known.update((payment.ref, payment) for payment in map(payment_from_row, rows))
        return known

    def of_invoice(self, programme: str, invoice: str) -> list[Payment]:
        """Every payment of an invoice, oldest first, failed ones too."""
        query = _PAYMENT.where(_P.c.programme == programme, _P.c.invoice == invoice).order_by(_P.c.created_at, _P.c.id)
        return [payment_from_row(row) for row in self._connection.execute(query)]

    def find(self, name: str, *, programme: str | None = None, prefix: bool = True) -> list[Payment]:
        """Up to three payments: our id, else the provider's, else a prefix (8 or more) of our id."""
        keys = [_P.c.id, _P.c.ref]
        rows = find_by_name(self._connection, _PAYMENT, keys, name, programme=programme, prefix=prefix)
        return [payment_from_row(row) for row in rows]

    def rows(self, filter: PaymentFilter = PaymentFilter()) -> Iterator[Payment]:  # noqa: A002
        """The payments, newest first, streamed."""
        query = _filtered(_PAYMENT, filter).order_by(*_NEWEST).limit(filter.limit)
        return map(payment_from_row, stream(self._connection, query))

    def put(self, payment: Payment, *, raw: Raw | None = None) -> None:
        """The payment as it is now, new or not; `raw` None: as it was."""
        put_row(self._connection, _P, {"id": payment.id}, payment_to_row(payment) | self._raw("payments", payment.id, raw))

    def refunds_of(self, payment_id: str) -> list[Refund]:
        """Every refund of a payment, oldest first."""
        query = _REFUND.where(_R.c.payment_id == payment_id).order_by(_R.c.created_at, _R.c.id)
        return [refund_from_row(row) for row in self._connection.execute(query)]

    def refund(self, id: str) -> Refund | None:  # noqa: A002
        """The refund with our id."""
        row = self._connection.execute(_REFUND.where(_R.c.id == id)).one_or_none()
        return None if row is None else refund_from_row(row)

    def refunds_by_refs(self, programme: str, refs: Iterable[str]) -> dict[str, Refund]:
        """Those that are in the books, by the provider's name."""
        known: dict[str, Refund] = {}
        for chunk in chunks(refs):
            rows = self._connection.execute(_REFUND.where(_R.c.programme == programme, _R.c.ref.in_(chunk)))
            known.update((refund.ref, refund) for refund in map(refund_from_row, rows))
        return known

    def put_refund(self, refund: Refund, *, raw: Raw | None = None) -> None:
        """The refund as it is now, new or not."""
        put_row(self._connection, _R, {"id": refund.id}, refund_to_row(refund) | self._raw("refunds", refund.id, raw))

    def disputes_of(self, programme: str, payment_ref: str) -> list[Dispute]:
        """Every dispute of a payment."""
        query = select(_D).where(_D.c.programme == programme, _D.c.payment_ref == payment_ref).order_by(_D.c.ref)
        return [_dispute_from_row(row) for row in self._connection.execute(query)]

    def dispute(self, programme: str, ref: str) -> Dispute | None:
        row = self._connection.execute(select(_D).where(_D.c.programme == programme, _D.c.ref == ref)).one_or_none()
        return None if row is None else _dispute_from_row(row)

    def put_dispute(self, dispute: Dispute) -> None:
        """The dispute as it is now, new or not."""
        row = {
            "payment_ref": dispute.payment_ref,
            "state": dispute.state,
            "reason": free(dispute.reason),
            "amount_minor": dispute.amount.minor,
            "amount_currency": dispute.amount.currency,
            "due_at": moment_or_none(dispute.due_at),
            "version": dispute.version,
        }
        put_row(self._connection, _D, {"programme": dispute.programme, "ref": dispute.ref}, row)

    def _raw(self, table: str, id: str, raw: Raw | None) -> dict[str, str]:  # noqa: A002
        return {} if raw is None else {"raw": self._box.seal(Place(table, "raw", id), raw_text(raw))}


def payment_to_row(payment: Payment) -> dict[str, Any]:
    """The plain columns of a payment, as they are stored."""
    return {
        "id": payment.id,
        "ref": payment.ref,
        "provider": payment.provider,
        "programme": payment.programme,
        "saved_card_id": payment.saved_card_id,
        "invoice": payment.invoice,
        "kind": payment.kind,
        "state": payment.state,
        "currency": payment.amount.currency,
        "amount_minor": payment.amount.minor,
        "tip_minor": payment.tip.minor,
        "captured_minor": payment.captured.minor,
        "refunded_minor": payment.refunded.minor,
        "expires_at": moment_or_none(payment.expires_at),
        "created_at": moment_to_text(payment.created_at),
        "updated_at": moment_to_text(payment.updated_at),
        "told_at": moment_to_text(payment.told_at),
        "asked_minor": None if payment.asked is None else payment.asked.minor,
    }


def payment_from_row(row: Any) -> Payment:
    """A payment of the plain columns."""
    return Payment(
        id=row.id,
        ref=row.ref,
        provider=row.provider,
        programme=row.programme,
        saved_card_id=row.saved_card_id,
        invoice=row.invoice,
        kind=PaymentKind(row.kind),
        state=PaymentState(row.state),
        amount=Money(row.amount_minor, row.currency),
        tip=Money(row.tip_minor, row.currency),
        captured=Money(row.captured_minor, row.currency),
        refunded=Money(row.refunded_minor, row.currency),
        expires_at=moment_from_text(row.expires_at),
        created_at=datetime.fromisoformat(row.created_at),
        updated_at=datetime.fromisoformat(row.updated_at),
        told_at=datetime.fromisoformat(row.told_at),
        asked=None if row.asked_minor is None else Money(row.asked_minor, row.currency),
    )


def refund_to_row(refund: Refund) -> dict[str, Any]:
    """The plain columns of a refund, as they are stored."""
    return {
        "id": refund.id,
        "ref": refund.ref,
        "provider": refund.provider,
        "programme": refund.programme,
        "payment_id": refund.payment_id,
        "invoice": refund.invoice,
        "state": refund.state,
        "amount_minor": refund.amount.minor,
        "amount_currency": refund.amount.currency,
        "reason": free(refund.reason),
        "created_at": moment_to_text(refund.created_at),
        "updated_at": moment_to_text(refund.updated_at),
        "told_at": moment_to_text(refund.told_at),
    }


def refund_from_row(row: Any) -> Refund:
    """A refund of the plain columns."""
    return Refund(
        id=row.id,
        ref=row.ref,
        provider=row.provider,
        programme=row.programme,
        payment_id=row.payment_id,
        invoice=row.invoice,
        state=RefundState(row.state),
        amount=Money(row.amount_minor, row.amount_currency),
        reason=row.reason,
        created_at=datetime.fromisoformat(row.created_at),
        updated_at=datetime.fromisoformat(row.updated_at),
        told_at=datetime.fromisoformat(row.told_at),
    )


def _dispute_from_row(row: Any) -> Dispute:
    return Dispute(
        programme=row.programme,
        ref=row.ref,
        payment_ref=row.payment_ref,
        state=row.state,
        reason=row.reason,
        amount=Money(row.amount_minor, row.amount_currency),
        due_at=moment_from_text(row.due_at),
        version=row.version,
    )


def _filtered(query: Select[Any], filter: PaymentFilter) -> Select[Any]:  # noqa: A002
    query = narrowed(
        query,
        (_P.c.saved_card_id, filter.saved_card_id),
        (_P.c.provider, filter.provider),
        (_P.c.programme, filter.programme),
        (_P.c.invoice, filter.invoice),
        (_P.c.kind, filter.kind),
        (_P.c.state, filter.state),
    )
    return within(query, _P.c.created_at, filter.since, filter.until)
