"""The repository of how cards are spent: purchases and declines by card and time, streamed. What of it is unusual,
services/flows/alerting says. Reads alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from cardctl.db.columns import moment_to_text
from cardctl.db.selecting import stream
from cardctl.db.tables import TransactionRow, table_of
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
_WHEN = _T.c.card_id, _T.c.programme, _T.c.provider, _T.c.occurred_at, _T.c.id
_ORDER = _T.c.card_id, _T.c.occurred_at, _T.c.id


@dataclass(frozen=True, slots=True)
class Moment:
    """When a card was used."""

    card_id: str
    programme: str
    provider: str
    at: datetime
    transaction_id: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """What was bought; `minor` in minor units of `currency`. `category` is the trade's name, or else its four digits."""

    card_id: str
    programme: str
    provider: str
    at: datetime
    transaction_id: str
    minor: int
    currency: str
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

    def histories(self, since: datetime, past: datetime) -> Iterator[Purchase]:
        """Every purchase since `past` on cards on which anything was bought since `since`, by card and time, streamed."""
        used = select(_T.c.card_id).where(self._ours, _PURCHASE, _T.c.occurred_at >= moment_to_text(since))
        query = select(
            *_WHEN,
            _T.c.amount_minor,
            _T.c.amount_currency,
            func.coalesce(_T.c.merchant_category, _T.c.merchant_mcc),
            _T.c.merchant_country,
            _T.c.merchant_name,
        )
        # A card is of one programme: to name that again would have SQLite read all of it, and not the cards alone.
        query = query.where(_PURCHASE, _T.c.occurred_at >= moment_to_text(past), _T.c.card_id.in_(used)).order_by(*_ORDER)
        return map(_purchase, stream(self._connection, query))

    def _moments(self, which: ColumnElement[bool], since: datetime, least: int) -> Iterator[Moment]:
        lately = and_(self._ours, which, _T.c.occurred_at >= moment_to_text(since))
        busy = select(_T.c.card_id).where(lately).group_by(_T.c.card_id).having(func.count() >= least)
        query = select(*_WHEN).where(lately, _T.c.card_id.in_(busy)).order_by(*_ORDER)
        return map(_moment, stream(self._connection, query))


def _moment(row: Sequence[Any]) -> Moment:
    card_id, programme, provider, at, id_ = row
    return Moment(card_id, programme, provider, datetime.fromisoformat(at), id_)


def _purchase(row: Sequence[Any]) -> Purchase:
    card_id, programme, provider, at, id_, minor, currency, category, country, merchant = row
    moment = datetime.fromisoformat(at)
    return Purchase(card_id, programme, provider, moment, id_, minor, currency, category, country, merchant)
