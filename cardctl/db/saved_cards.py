"""The repository of saved cards: rows of `saved_cards` ⇄ `SavedCard`; the provider's names are sealed, and found by a hash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, insert, not_, or_, select, update

from cardctl.db.columns import Raw, moment_to_text, raw_text
from cardctl.db.many import chunks
from cardctl.db.saved_tables import SavedCardRow
from cardctl.db.sealed import Box, Place
from cardctl.db.selecting import find_by_name, found, narrowed, stream, within
from cardctl.db.tables import table_of
from cardctl.domain.saved_cards import SavedCard, SavedCardState
from cardctl.errors import NotFound

_S = table_of(SavedCardRow)
_NEWEST = _S.c.created_at.desc(), _S.c.id.desc()
_KEPT_ELSEWHERE = frozenset({"customer_digest", "ref_digest", "raw"})
_COLUMNS = [column for column in _S.columns if column.name not in _KEPT_ELSEWHERE]
_WHOLE = select(*_COLUMNS)


@dataclass(frozen=True, slots=True)
class SavedCardFilter:
    """Which saved cards; made from `since` on and before `until`. `past` is the first month that is not over yet (year, month):
    an active card from before it counts as expired."""

    person: str | None = None
    provider: str | None = None
    programme: str | None = None
    state: SavedCardState | None = None
    past: tuple[int, int] | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


class SavedCards:
    """Saved cards of our books, with the provider's names opened."""

    def __init__(self, connection: Connection, box: Box) -> None:
        self._connection = connection
        self._box = box

    def get(self, id: str) -> SavedCard | None:  # noqa: A002 - the house's word for our own name of a thing
        return self._one(_WHOLE.where(_S.c.id == id))

    def named(self, id: str) -> SavedCard:  # noqa: A002
        """The saved card with our id; NotFound where there is none."""
        return found(self.get(id), "saved card", id)

    def of_person(self, programme: str, person: str) -> SavedCard | None:
        return self._one(_WHOLE.where(_S.c.programme == programme, _S.c.person == person))

    def by_ref(self, programme: str, ref: str) -> SavedCard | None:
        """By the provider's name of the card."""
        return self.by_refs(programme, [ref]).get(ref)

    def by_refs(self, programme: str, refs: Iterable[str]) -> dict[str, SavedCard]:
        """Those that are in the books, by the provider's name of the card."""
        return {card.ref: card for card in self._by_hash(programme, "ref", "ref_digest", refs) if card.ref is not None}

    def of_customers(self, programme: str, refs: Iterable[str]) -> list[SavedCard]:
        """By the provider's name of the customer, all of them: customers that were merged there are several people here."""
        return list(self._by_hash(programme, "customer_ref", "customer_digest", refs))

    def find(self, name: str, *, programme: str | None = None, prefix: bool = True) -> list[SavedCard]:
        """Up to three saved cards that answer to a name: our id, else the person, else the provider's name of the card, else a
        prefix (8 or more) of the id."""
        rows = find_by_name(self._connection, _WHOLE, [_S.c.id, _S.c.person], name, programme=programme, prefix=False)
        if not rows and name.startswith("ccof:"):
            digests = self._box.digests("saved_cards", "ref", name)
            query = narrowed(_WHOLE.where(_S.c.ref_digest.in_(digests)), (_S.c.programme, programme))
            rows = list(self._connection.execute(query.limit(3)))
        if not rows and prefix:
            rows = find_by_name(self._connection, _WHOLE, [_S.c.id], name, programme=programme, prefix=True)
        return [self._from_row(row) for row in rows]

    def rows(self, filter: SavedCardFilter = SavedCardFilter()) -> Iterator[SavedCard]:  # noqa: A002
        """The saved cards, newest first, streamed."""
        query = _filtered(_WHOLE, filter).order_by(*_NEWEST).limit(filter.limit)
        return map(self._from_row, stream(self._connection, query))

    def put(self, card: SavedCard, *, raw: Raw | None = None) -> None:
        """The saved card as it is now, new or not; `raw` is the provider's JSON of the card, None: as it was."""
        row = self._to_row(card)
        if raw is not None:
            row["raw"] = self._box.seal(Place("saved_cards", "raw", card.id), raw_text(raw))
        if not self._connection.execute(update(_S).where(_S.c.id == card.id).values(row)).rowcount:
            self._connection.execute(insert(_S).values(row))

    def expire(self, id: str, at: datetime) -> None:  # noqa: A002
        """An active card's last month is over. NotFound where there is no such card."""
        values = {"state": str(SavedCardState.EXPIRED), "updated_at": moment_to_text(at)}
        if not self._connection.execute(update(_S).where(_S.c.id == id).values(values)).rowcount:
            raise NotFound("saved card", id)

    def _by_hash(self, programme: str, column: str, hashed: str, refs: Iterable[str]) -> Iterator[SavedCard]:
        wanted = set(refs)
        digests = [digest for ref in wanted for digest in self._box.digests("saved_cards", column, ref)]
        for chunk in chunks(digests):
            query = _WHOLE.where(_S.c.programme == programme, _S.c[hashed].in_(chunk)).order_by(_S.c.created_at, _S.c.id)
            yield from map(self._from_row, self._connection.execute(query).all())

    def _one(self, query: Select[Any]) -> SavedCard | None:
        row = self._connection.execute(query).one_or_none()
        return None if row is None else self._from_row(row)

    def _seal(self, id: str, column: str, text: str | None) -> str | None:  # noqa: A002
        return None if text is None else self._box.seal(Place("saved_cards", column, id), text)

    def _digest(self, column: str, text: str | None) -> str | None:
        return None if text is None else self._box.digest("saved_cards", column, text)

    def _open(self, id: str, column: str, sealed: str | None) -> str | None:  # noqa: A002
        return None if sealed is None else self._box.open(Place("saved_cards", column, id), sealed)

    def _to_row(self, card: SavedCard) -> dict[str, Any]:
        return {
            "id": card.id,
            "provider": card.provider,
            "programme": card.programme,
            "environment": card.environment,
            "person": card.person,
            "email": card.email,
            "state": card.state,
            "brand": card.brand,
            "last4": card.last4,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "version": card.version,
            "created_at": moment_to_text(card.created_at),
            "updated_at": moment_to_text(card.updated_at),
            "synced_at": moment_to_text(card.synced_at),
            "customer_digest": self._digest("customer_ref", card.customer_ref),
            "ref_digest": self._digest("ref", card.ref),
            "customer_ref": self._seal(card.id, "customer_ref", card.customer_ref),
            "ref": self._seal(card.id, "ref", card.ref),
        }

    def _from_row(self, row: Any) -> SavedCard:
        return SavedCard(
            id=row.id,
            provider=row.provider,
            programme=row.programme,
            environment=row.environment,
            person=row.person,
            state=SavedCardState(row.state),
            created_at=datetime.fromisoformat(row.created_at),
            updated_at=datetime.fromisoformat(row.updated_at),
            synced_at=datetime.fromisoformat(row.synced_at),
            email=row.email,
            customer_ref=self._open(row.id, "customer_ref", row.customer_ref),
            ref=self._open(row.id, "ref", row.ref),
            brand=row.brand,
            last4=row.last4,
            exp_month=row.exp_month,
            exp_year=row.exp_year,
            version=row.version,
        )


def _filtered(query: Select[Any], filter: SavedCardFilter) -> Select[Any]:  # noqa: A002
    query = narrowed(query, (_S.c.person, filter.person), (_S.c.provider, filter.provider), (_S.c.programme, filter.programme))
    if filter.state is not None:
        query = query.where(_in_state(filter.state, filter.past))
    return within(query, _S.c.created_at, filter.since, filter.until)


def _in_state(state: SavedCardState, past: tuple[int, int] | None) -> ColumnElement[bool]:
    """An active card whose last month is over is expired, whether or not anybody has looked at it since."""
    plain: ColumnElement[bool] = _S.c.state == str(state)
    if past is None or state not in (SavedCardState.ACTIVE, SavedCardState.EXPIRED):
        return plain
    year, month = past
    over = or_(_S.c.exp_year < year, and_(_S.c.exp_year == year, _S.c.exp_month < month))
    active = _S.c.state == str(SavedCardState.ACTIVE)
    return and_(active, not_(over)) if state is SavedCardState.ACTIVE else or_(plain, and_(active, over))
