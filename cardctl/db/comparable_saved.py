"""Our books' side of a comparison of one programme's saved cards, payments and refunds, streamed; the rest is comparable.py.

A saved card goes by the keyed hash of the provider's name for it under the key in use, so that both sides say the same, even
while a rotation of the key is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from heapq import merge
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, func, select

from cardctl.db.comparable import mark_of, streamed
from cardctl.db.many import chunks
from cardctl.db.saved_tables import PaymentRow, SavedCardRow
from cardctl.db.sealed import Box, Place
from cardctl.db.tables import OperationRow, table_of
from cardctl.domain.operations import OPEN
from cardctl.domain.payments import PAYING

_S, _P, _O = table_of(SavedCardRow), table_of(PaymentRow), table_of(OperationRow)
_CARDS = (
    "SELECT {hash}, s.state, s.brand, s.last4, s.exp_month, s.exp_year, '', s.id, s.updated_at FROM saved_cards s"
    " WHERE s.programme = {mark} AND s.ref IS NOT NULL AND substr(s.ref, 1, {length}) {now} {mark} ORDER BY 1"
)
_PAYMENTS = (
    "SELECT p.ref, p.state, p.amount_minor, p.tip_minor, p.captured_minor, p.refunded_minor, p.currency, p.expires_at, {never},"
    " NULL, NULL, p.created_at, p.told_at, '', p.id, p.saved_card_id FROM payments p WHERE p.programme = {mark}{since}"
    " ORDER BY p.ref"
)
_REFUNDS = (
    "SELECT r.ref, r.state, r.amount_minor, r.amount_currency, NULL, r.created_at, r.told_at, '', p.ref"
    " FROM payments p JOIN refunds r ON r.payment_id = p.id WHERE p.programme = {mark}{since} ORDER BY p.ref"
)


class ComparableSaved:
    """Reads for comparing; rows are tuples of the words of SavedCardSide, PaymentSide and RefundSide, in their order."""

    def __init__(self, connection: Connection, box: Box) -> None:
        self._connection = connection
        self._box = box

    @property
    def key(self) -> str:
        """The short name of the key under which a card's name is hashed."""
        return self._box.ring.current.id

    def hasher(self) -> Callable[[str], str]:
        """What makes of the provider's name of a card the name by which it is compared, under the key in use now; it needs no
        books."""
        return partial(self._box.ring.current.digest, "saved_cards", "ref")

    def cards(self, programme: str) -> Iterator[tuple[Any, ...]]:
        """Those that the provider has a name for, by its hash. What another key has sealed still is opened, and hashed anew."""
        fresh, prefix = self._sealed(programme, "=", "s.ref_digest"), self._box.ring.current.prefix
        if self._connection.execute(select(func.count()).where(_S.c.programme == programme, _old(prefix))).scalar_one():
            old = ((self._opened(row), *row[1:]) for row in self._sealed(programme, "<>", "s.ref"))
            return merge(fresh, iter(sorted(old, key=itemgetter(0))), key=itemgetter(0))
        return fresh

    def payments(self, programme: str, since: str | None) -> Iterator[tuple[Any, ...]]:
        """By the provider's name; those that were made from `since` on."""
        return self._rows(_PAYMENTS, programme, since, "p.created_at")

    def refunds(self, programme: str, since: str | None) -> Iterator[tuple[Any, ...]]:
        """By the provider's name of their payment; those that were made from `since` on."""
        return self._rows(_REFUNDS, programme, since, "r.created_at")

    def makers(self, programme: str, marks: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Which of these marks are operations of ours that pay with a saved card; each with that card's id."""
        for chunk in chunks(marks):
            wanted = _O.c.id.in_(chunk), _O.c.programme == programme, _O.c.kind.in_(list(PAYING))
            yield from map(tuple, self._connection.execute(select(_O.c.id, _O.c.target).where(*wanted)))

    def open_operations(self, programme: str) -> list[tuple[str, str, str]]:
        """Id, kind and target of those of which nobody knows yet how they end."""
        wanted = _O.c.programme == programme, _O.c.state.in_(sorted(map(str, OPEN)))
        return [tuple(row) for row in self._connection.execute(select(_O.c.id, _O.c.kind, _O.c.target).where(*wanted))]

    def payment_refs(self, programme: str, ids: Iterable[str]) -> dict[str, str]:
        """The provider's names of payments, by our ids."""
        known: dict[str, str] = {}
        for chunk in chunks(ids):
            query = select(_P.c.id, _P.c.ref).where(_P.c.programme == programme, _P.c.id.in_(chunk))
            known.update((id_, ref) for id_, ref in self._connection.execute(query))
        return known

    def cards_of_payments(self, programme: str, refs: Iterable[str]) -> dict[str, str]:
        """Our ids of the saved cards with which these payments were made, by the provider's name of the payment."""
        known: dict[str, str] = {}
        for chunk in chunks(refs):
            query = select(_P.c.ref, _P.c.saved_card_id).where(_P.c.programme == programme, _P.c.ref.in_(chunk))
            known.update((ref, card_id) for ref, card_id in self._connection.execute(query))
        return known

    def sellers(self) -> list[tuple[str, str]]:
        """Providers and programmes that have saved cards."""
        query = select(_S.c.provider, _S.c.programme).distinct().order_by(_S.c.provider, _S.c.programme)
        return [(str(provider), str(programme)) for provider, programme in self._connection.execute(query)]

    def states(self, programme: str) -> dict[str, int]:
        """How many saved cards are in which state."""
        query = select(_S.c.state, func.count()).where(_S.c.programme == programme).group_by(_S.c.state)
        return {str(state): int(many) for state, many in self._connection.execute(query.order_by(_S.c.state))}

    def sums(self, programme: str) -> dict[str, tuple[int, int, int]]:
        """What is held, was captured and went back, by currency, in minor units."""
        held = func.sum(_P.c.amount_minor + _P.c.tip_minor).filter(_P.c.state == "approved")
        columns = func.coalesce(held, 0), func.sum(_P.c.captured_minor), func.sum(_P.c.refunded_minor)
        query = select(_P.c.currency, *columns).where(_P.c.programme == programme).group_by(_P.c.currency)
        return {str(currency): (int(a), int(b), int(c)) for currency, a, b, c in self._connection.execute(query)}

    def _sealed(self, programme: str, now: str, hashed: str) -> Iterator[tuple[Any, ...]]:
        prefix = self._box.ring.current.prefix
        statement = _CARDS.format(hash=hashed, mark=mark_of(self._connection), length=len(prefix), now=now)
        return streamed(self._connection, statement, (programme, prefix))

    def _opened(self, row: tuple[Any, ...]) -> str:
        return self._box.digest("saved_cards", "ref", self._box.open(Place("saved_cards", "ref", row[7]), row[0]))

    def _rows(self, query: str, programme: str, since: str | None, made: str) -> Iterator[tuple[Any, ...]]:
        mark = mark_of(self._connection)
        limited = "" if since is None else f" AND {made} >= {mark}"
        statement = query.format(mark=mark, since=limited, never="0" if mark == "?" else "false")
        return streamed(self._connection, statement, (programme,) if since is None else (programme, since))


def _old(prefix: str) -> Any:
    return _S.c.ref.is_not(None) & (func.substr(_S.c.ref, 1, len(prefix)) != prefix)
