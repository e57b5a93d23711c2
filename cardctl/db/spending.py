"""The repository of how cards are spent: purchases that stand out from the card's own past, and many of them in a short time;
found by the database, streamed. What of it is unusual, services/flows/alerting says. Reads alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from cardctl.db.columns import moment_to_text
from cardctl.db.selecting import stream
from cardctl.db.tables import TransactionRow, table_of
from cardctl.domain.money import Money
from cardctl.domain.transactions import TransactionKind, TransactionState

_T = table_of(TransactionRow)
_PURCHASE = and_(
    or_(
        _T.c.kind == TransactionKind.AUTHORIZATION,
        and_(_T.c.kind == TransactionKind.SETTLEMENT, _T.c.parent_id.is_(None), _T.c.parent_ref.is_(None)),
    ),
    _T.c.state != TransactionState.DECLINED,
)
"""What somebody tried to buy and the card allowed, each once: a capture belongs to its authorization, where it had one."""
_DECLINE = or_(
    _T.c.kind == TransactionKind.DECLINE,
    and_(_T.c.kind == TransactionKind.AUTHORIZATION, _T.c.state == TransactionState.DECLINED),
)
_REMEMBERED = 50
"""A card's past is so many purchases, the latest: their sum stays within 64 bits whatever the amounts are."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a card was used."""

    card_id: str
    programme: str
    provider: str
    at: datetime
    transaction_id: str


@dataclass(frozen=True, slots=True)
class Outlier:
    """A purchase beside its card's past: `before` purchases in its currency, at most 50 of the last, come to `sum_before` minor
    units; `purchases_before` counts all. `category` and `country` None: known to the card, or not told."""

    card_id: str
    programme: str
    provider: str
    transaction_id: str
    at: datetime
    amount: Money
    before: int
    sum_before: int
    purchases_before: int
    category: str | None
    country: str | None
    merchant: str | None


class Spending:
    """The spending on cards of some programmes."""

    def __init__(self, connection: Connection, programmes: Collection[str]) -> None:
        self._connection = connection
        self._ours = _T.c.programme.in_(list(programmes))

    def purchases(self, since: datetime, least: int) -> Iterator[Moment]:
        """Every purchase since then on cards that have at least so many, by card and time, streamed."""
        return self._moments(_PURCHASE, since, least)

    def declines(self, since: datetime, least: int) -> Iterator[Moment]:
        """The same of what was declined."""
        return self._moments(_DECLINE, since, least)

    def outliers(self, since: datetime, *, past: datetime, least: int, factor: int) -> Iterator[Outlier]:
        """Purchases since then on cards with at least so many before: of a category or country that the card never had since
        `past`, or roughly `factor` times its mean or more (to be looked at exactly), by card and time, streamed."""
        seen = self._with_past(since, past)
        c = seen.c
        mean = c.sum_before / func.nullif(c.before, 0)  # whole on one database, exact on the other: hence the one more
        much = and_(c.before >= least, c.amount_minor // factor + 1 > mean)
        new = and_(c.nth > least, or_(c.category_n == 1, c.country_n == 1))
        query = select(seen).where(c.occurred_at >= moment_to_text(since), or_(much, new))
        return map(_outlier, stream(self._connection, query.order_by(c.card_id, c.occurred_at, c.id)))

    def _moments(self, which: ColumnElement[bool], since: datetime, least: int) -> Iterator[Moment]:
        lately = and_(self._ours, which, _T.c.occurred_at >= moment_to_text(since))
        busy = select(_T.c.card_id).where(lately).group_by(_T.c.card_id).having(func.count() >= least)
        query = select(_T.c.card_id, _T.c.programme, _T.c.provider, _T.c.occurred_at, _T.c.id)
        query = query.where(lately, _T.c.card_id.in_(busy)).order_by(_T.c.card_id, _T.c.occurred_at, _T.c.id)
        rows = stream(self._connection, query)
        return (
            Moment(card, programme, provider, datetime.fromisoformat(at), id_) for card, programme, provider, at, id_ in rows
        )

    def _with_past(self, since: datetime, past: datetime) -> Any:
        """Every purchase since `past` on cards that were used since `since`, each beside what was before it."""
        used = select(_T.c.card_id).where(self._ours, _PURCHASE, _T.c.occurred_at >= moment_to_text(since))
        order: dict[str, Any] = {"order_by": (_T.c.occurred_at, _T.c.id)}
        same = {"partition_by": (_T.c.card_id, _T.c.amount_currency), **order, "rows": (-_REMEMBERED, -1)}
        category = func.coalesce(_T.c.merchant_category, _T.c.merchant_mcc)
        query = select(
            _T.c.card_id,
            _T.c.programme,
            _T.c.provider,
            _T.c.id,
            _T.c.occurred_at,
            _T.c.amount_minor,
            _T.c.amount_currency,
            func.count().over(**same).label("before"),
            func.sum(_T.c.amount_minor).over(**same).label("sum_before"),
            func.row_number().over(partition_by=_T.c.card_id, **order).label("nth"),
            category.label("category"),
            func.row_number().over(partition_by=(_T.c.card_id, category), **order).label("category_n"),
            _T.c.merchant_country.label("country"),
            func.row_number().over(partition_by=(_T.c.card_id, _T.c.merchant_country), **order).label("country_n"),
            _T.c.merchant_name,
        )
        return query.where(self._ours, _PURCHASE, _T.c.occurred_at >= moment_to_text(past), _T.c.card_id.in_(used)).subquery()


def _outlier(row: Sequence[Any]) -> Outlier:
    """One of the columns of `_with_past`, in their order."""
    card, programme, provider, id_, at, minor, currency, before, sum_before, nth, category, nth_of, country, nth_in, shop = row
    return Outlier(
        card_id=card,
        programme=programme,
        provider=provider,
        transaction_id=id_,
        at=datetime.fromisoformat(at),
        amount=Money(minor, currency),
        before=before,
        sum_before=int(sum_before or 0),
        purchases_before=nth - 1,
        category=category if nth_of == 1 else None,
        country=country if nth_in == 1 else None,
        merchant=shop,
    )
