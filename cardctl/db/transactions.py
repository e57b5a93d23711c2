"""The repository of transactions: rows of `transactions` ⇄ `Transaction`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from cardctl.db.columns import free, moment_from_text, moment_to_text, money_to_row
from cardctl.db.many import chunks, insert_rows, save_rows
from cardctl.db.selecting import find_by_name, narrowed, stream, within
from cardctl.db.tables import CardRow, OperationRow, TransactionRow, table_of
from cardctl.domain.money import Money
from cardctl.domain.transactions import OURS, Merchant, Transaction, TransactionKind, TransactionState
from cardctl.errors import NotFound

_T = table_of(TransactionRow)
_C = table_of(CardRow)
_O = table_of(OperationRow)
_TRANSACTION = select(_T)
_NEWEST = _T.c.occurred_at.desc(), _T.c.id.desc()
_BY_REF = _TRANSACTION.where(_T.c.programme == bindparam("programme"), _T.c.ref == bindparam("ref"))
_ADD = insert(_T)
_KINDS = {str(kind): kind for kind in TransactionKind}
_STATES = {str(state): state for state in TransactionState}


@dataclass(frozen=True, slots=True)
class TransactionFilter:
    """Which transactions; that occurred from `since` on and before `until`."""

    card_id: str | None = None
    account_id: str | None = None
    provider: str | None = None
    programme: str | None = None
    kind: TransactionKind | None = None
    state: TransactionState | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


class Transactions:
    """Transactions of our books."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, id: str) -> Transaction | None:  # noqa: A002
        return self._one(_TRANSACTION.where(_T.c.id == id))

    def by_ref(self, programme: str, ref: str) -> Transaction | None:
        return self._one(_BY_REF, {"programme": programme, "ref": ref})

    def by_remote_ref(self, programme: str, ref: str) -> Transaction | None:
        """Our own funding or withdrawal for which the provider has a row called `ref`."""
        return self._one(_TRANSACTION.where(_T.c.programme == programme, _T.c.remote_ref == ref))

    def unjoined(self, card_id: str, kind: TransactionKind) -> list[Transaction]:
        """The fundings or withdrawals of our own on a card that no row of the provider was joined to, oldest first.

        Ours are those named by an operation; one that somebody made elsewhere has the provider's name from the beginning.
        """
        ours = select(_O.c.id).where(_O.c.id == _T.c.ref).exists()
        query = _TRANSACTION.where(_T.c.card_id == card_id, _T.c.kind == kind, _T.c.remote_ref.is_(None), ours)
        return [transaction_from_row(row) for row in self._connection.execute(query.order_by(_T.c.occurred_at, _T.c.id))]

    def join_remote(self, id: str, remote_ref: str, state: TransactionState) -> None:  # noqa: A002
        """The provider's row for an event of our own, and what it says of its state; our name for it stays."""
        change = update(_T).where(_T.c.id == id).values(remote_ref=remote_ref, state=state)
        if not self._connection.execute(change).rowcount:
            raise NotFound("transaction", id)

    def find(self, name: str, *, programme: str | None = None, prefix: bool = True) -> list[Transaction]:
        """Up to three transactions: our id, else the provider's ref, else a prefix (8 or more) of the id."""
        keys = [_T.c.id, _T.c.ref]
        found = find_by_name(self._connection, _TRANSACTION, keys, name, programme=programme, prefix=prefix)
        return [transaction_from_row(row) for row in found]

    def rows(self, filter: TransactionFilter = TransactionFilter()) -> Iterator[Transaction]:  # noqa: A002
        """The transactions, newest first, streamed."""
        query = _filtered(filter).order_by(*_NEWEST).limit(filter.limit)
        return map(transaction_from_row, stream(self._connection, query))

    def upsert(self, transaction: Transaction, *, programme: str, raw_digest: str | None = None) -> bool:
        """Add it, or bring the one with its (programme, ref) up to it, which keeps its id; whether anything changed.

        A row of the provider that was joined to it stays joined.
        """
        row = transaction_to_row(transaction) | {"programme": programme}
        if raw_digest is not None:
            row["raw_digest"] = raw_digest
        kept = self._connection.execute(_BY_REF, {"programme": programme, "ref": transaction.ref}).mappings().one_or_none()
        if kept is None:
            self._connection.execute(_ADD, row)
            return True
        row["id"] = kept["id"]
        if all(kept[column] == value for column, value in row.items()):
            return False
        self._connection.execute(update(_T).where(_T.c.id == kept["id"]).values(row))
        return True

    def by_refs(self, programme: str, refs: Iterable[str]) -> dict[str, Transaction]:
        """Those of the transactions that are in the books, by their ref."""
        known: dict[str, Transaction] = {}
        for chunk in chunks(refs):
            rows = self._connection.execute(_TRANSACTION.where(_T.c.programme == programme, _T.c.ref.in_(chunk)))
            known.update((row.ref, transaction_from_row(row)) for row in rows)
        return known

    def add_many(self, transactions: Sequence[Transaction], *, programme: str) -> None:
        """New transactions."""
        rows = [transaction_to_row(each) | {"programme": programme} for each in transactions]
        if rows:
            insert_rows(self._connection, _T, list(rows[0]), [tuple(row.values()) for row in rows])

    def save_many(self, transactions: Sequence[Transaction]) -> None:
        """Every field of transactions that are in the books; what of the provider's was joined to them stays."""
        rows = [transaction_to_row(each) for each in transactions]
        if rows and (absent := save_rows(self._connection, _T, list(rows[0]), [tuple(row.values()) for row in rows])):
            raise NotFound("transaction", absent)

    def find_parents(self, programme: str, refs: Iterable[str]) -> None:
        """Transactions that came before the one they belong to are joined to it; `refs` are those that are new."""
        parent = _T.alias()
        found = select(parent.c.id).where(parent.c.programme == _T.c.programme, parent.c.ref == _T.c.parent_ref)
        for chunk in chunks(refs):
            orphans = _T.c.programme == programme, _T.c.parent_ref.in_(chunk), _T.c.parent_id.is_(None)
            self._connection.execute(
                update(_T).where(*orphans, _T.c.parent_ref.is_not(None)).values(parent_id=found.scalar_subquery())
            )

    def impact_since(self, card_id: str, since: datetime, *, but: str) -> int:
        """Σ impact, in minor units, of what happened on a card since then, but for our own moves and the event called `but`."""
        query = select(func.sum(_T.c.impact_minor)).where(_T.c.card_id == card_id, _T.c.kind.not_in(OURS), _T.c.ref != but)
        return int(self._connection.execute(within(query, _T.c.occurred_at, since, None)).scalar_one() or 0)

    def oldest_open_at(self, programme: str, card_id: str | None) -> datetime | None:
        """When the oldest hold that may still change was made, on a card or in the whole programme."""
        open_ = TransactionState.PENDING, TransactionState.APPROVED, TransactionState.UNKNOWN
        return self._moment(select(func.min(_T.c.occurred_at)).where(_T.c.state.in_(open_)), card_id, programme)

    def _moment(self, query: Select[Any], card_id: str | None, programme: str) -> datetime | None:
        query = narrowed(query.where(_T.c.programme == programme), (_T.c.card_id, card_id))
        return moment_from_text(self._connection.execute(query).scalar_one())

    def _one(self, query: Select[Any], values: dict[str, str] | None = None) -> Transaction | None:
        row = self._connection.execute(query, values).one_or_none()
        return None if row is None else transaction_from_row(row)


def transaction_to_row(transaction: Transaction) -> dict[str, Any]:
    """The columns of a transaction that it knows itself, as they are stored."""
    merchant = transaction.merchant
    return {
        "id": transaction.id,
        "ref": transaction.ref,
        "provider": transaction.provider,
        "card_id": transaction.card_id,
        "kind": transaction.kind,
        "state": transaction.state,
        **money_to_row("amount", transaction.amount),
        **money_to_row("impact", transaction.impact),
        "merchant_name": free(merchant.name),
        "merchant_mcc": merchant.mcc,
        "merchant_category": free(merchant.category),
        "merchant_city": free(merchant.city),
        "merchant_country": free(merchant.country),
        "authorization_code": transaction.authorization_code,
        "parent_id": transaction.parent_id,
        "occurred_at": moment_to_text(transaction.occurred_at),
        "parent_ref": transaction.parent_ref,
        "progress": progress_to_text(transaction.progress),
    }


def progress_to_text(progress: tuple[int, ...]) -> str | None:
    """`1.2.0`; None where nothing tells."""
    return ".".join(map(str, progress)) or None


def transaction_from_row(row: Sequence[Any]) -> Transaction:
    """A transaction of all columns in the table's order; by position, since lists are long."""
    # fmt: off
    (
        id_, ref, provider, _programme, card_id, kind, state, amount, amount_in, impact, impact_in,
        name, mcc, category, city, country, code, parent_id, occurred_at, _raw_digest, _remote_ref, parent_ref, progress,
    ) = row
    # fmt: on
    return Transaction(
        id_,
        ref,
        provider,
        card_id,
        _KINDS[kind],
        _STATES[state],
        Money(amount, amount_in),
        Money(impact, impact_in),
        Merchant(name, mcc, category, city, country),
        code,
        parent_id,
        datetime.fromisoformat(occurred_at),
        parent_ref,
        tuple(map(int, progress.split("."))) if progress else (),
    )


def _filtered(filter: TransactionFilter) -> Select[Any]:  # noqa: A002
    query = narrowed(
        _TRANSACTION,
        (_T.c.card_id, filter.card_id),
        (_T.c.provider, filter.provider),
        (_T.c.programme, filter.programme),
        (_T.c.kind, filter.kind),
        (_T.c.state, filter.state),
    )
    if filter.account_id is not None:
        query = query.where(_T.c.card_id.in_(select(_C.c.id).where(_C.c.account_id == filter.account_id)))
    return within(query, _T.c.occurred_at, filter.since, filter.until)
