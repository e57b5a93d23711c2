"""The repository of cards: rows of `cards` ⇄ `Card`. What is sealed (raw JSON, provisioning token) is opened only on demand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from cardctl.db.columns import (
    Raw,
    exact_value,
    free,
    moment_to_text,
    money_from_row,
    money_to_pair,
    money_to_row,
    raw_text,
)
from cardctl.db.many import Values, chunks, insert_rows, save_rows
from cardctl.db.sealed import Box, Place
from cardctl.db.selecting import find_by_name, found, narrowed, plain_columns, stream, within
from cardctl.db.tables import CardRow, TransactionRow, table_of
from cardctl.domain.cards import Card, Limits
from cardctl.domain.money import Money
from cardctl.domain.states import CardState
from cardctl.domain.transactions import OURS
from cardctl.errors import NotFound

_C = table_of(CardRow)
_T = table_of(TransactionRow)
_CARD = select(*plain_columns(_C))
_NEWEST = _C.c.created_at.desc(), _C.c.id.desc()
_GET = _CARD.where(_C.c.id == bindparam("id"))
_BY_REF = _CARD.where(_C.c.programme == bindparam("programme"), _C.c.ref == bindparam("ref"))
_BY_KEY = _CARD.where(_C.c.account_id == bindparam("account_id"), _C.c.key == bindparam("key"))
_ADD = insert(_C)
_CHANGE = update(_C).where(_C.c.id == bindparam("which"))
_STATES = {str(state): state for state in CardState}
_FIELDS = [column.name for column in plain_columns(_C) if column.name != "key"]


@dataclass(frozen=True, slots=True)
class CardFilter:
    """Which cards; made from `since` on and before `until`."""

    account_id: str | None = None
    provider: str | None = None
    programme: str | None = None
    state: CardState | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


class Cards:
    """Cards of our books. Domain objects in and out; the caller's own key and what is sealed go beside them."""

    def __init__(self, connection: Connection, box: Box) -> None:
        self._connection = connection
        self._box = box

    def get(self, id: str) -> Card | None:  # noqa: A002 - the house's word for our own name of a thing
        return self._one(_GET, {"id": id})

    def named(self, id: str) -> Card:  # noqa: A002
        """The card with our id; NotFound where there is none."""
        return found(self.get(id), "card", id)

    def by_ref(self, programme: str, ref: str) -> Card | None:
        return self._one(_BY_REF, {"programme": programme, "ref": ref})

    def by_refs(self, programme: str, refs: Iterable[str]) -> dict[str, Card]:
        """Those of the cards that are in the books, by their ref."""
        known: dict[str, Card] = {}
        for chunk in chunks(refs):
            rows = self._connection.execute(_CARD.where(_C.c.programme == programme, _C.c.ref.in_(chunk)))
            known.update((card.ref, card) for card in map(card_from_row, rows))
        return known

    def by_last4(self, last4: str) -> list[Card]:
        return self._all(_CARD.where(_C.c.last4 == last4).order_by(*_NEWEST))

    def by_key(self, account_id: str, key: str) -> list[Card]:
        """Cards with the caller's own key within an account, newest first (a replaced card keeps its key)."""
        found = self._all(_BY_KEY, {"account_id": account_id, "key": key})  # in order, SQLite would walk the account's cards
        return sorted(found, key=lambda card: (card.created_at, card.id), reverse=True)

    def of_account(self, account_id: str) -> list[Card]:
        """Every card of an account, oldest first."""
        return self._all(_CARD.where(_C.c.account_id == account_id).order_by(_C.c.created_at, _C.c.id))

    def find(self, name: str, *, programme: str | None = None, prefix: bool = True) -> list[Card]:
        """Up to three cards that answer to a name: our id, else the provider's ref, else a prefix (8 or more) of the id."""
        found = find_by_name(self._connection, _CARD, [_C.c.id, _C.c.ref], name, programme=programme, prefix=prefix)
        return [card_from_row(row) for row in found]

    def rows(self, filter: CardFilter = CardFilter()) -> Iterator[Card]:  # noqa: A002
        """The cards, newest first, streamed."""
        query = _filtered(_CARD, filter).order_by(*_NEWEST).limit(filter.limit)
        return map(card_from_row, stream(self._connection, query))

    def count(self, filter: CardFilter = CardFilter()) -> int:  # noqa: A002
        """How many cards the filter finds; its limit does not cut the number."""
        return int(self._connection.execute(_filtered(select(func.count()).select_from(_C), filter)).scalar_one())

    def providers(self) -> list[str]:
        """Whose cards there are."""
        return list(self._connection.execute(select(_C.c.provider).distinct().order_by(_C.c.provider)).scalars())

    def add(self, card: Card, *, raw: Raw, token: str | None = None, key: str | None = None) -> None:
        """A new card, with the provider's JSON (no numbers in it), a provisioning token, and the caller's own key."""
        kept = {"key": key, "raw": self._seal(card.id, "raw", raw_text(raw))}
        sealed_token = None if token is None else self._seal(card.id, "provisioning_token", token)
        self._connection.execute(_ADD, card_to_row(card) | kept | {"provisioning_token": sealed_token})

    def add_many(self, cards: Iterable[tuple[Card, Raw, str | None]]) -> None:
        """New cards, each with the provider's JSON and the caller's own key."""
        rows = ((*_values(card), key, self._seal(card.id, "raw", raw_text(raw))) for card, raw, key in cards)
        insert_rows(self._connection, _C, [*_FIELDS, "key", "raw"], rows)

    def save(self, card: Card, *, raw: Raw | None = None) -> None:
        """Every field of a card that is in the books; `raw`, the token and the key stay where nothing new is given."""
        row = card_to_row(card)
        if raw is not None:
            row["raw"] = self._seal(card.id, "raw", raw_text(raw))
        self._change(card.id, row)

    def save_many(self, cards: Iterable[tuple[Card, Raw]]) -> None:
        """Every field of cards that are in the books, and the provider's JSON; the token and the key stay."""
        rows = ((*_values(card), self._seal(card.id, "raw", raw_text(raw))) for card, raw in cards)
        absent = save_rows(self._connection, _C, [*_FIELDS, "raw"], rows)
        if absent is not None:
            raise NotFound("card", absent)

    def raw(self, id: str) -> dict[str, Any]:  # noqa: A002
        """The provider's JSON as it was last given, decimals as Decimal."""
        value = exact_value(self._box.open(Place("cards", "raw", id), self._sealed(id, "raw") or ""))
        assert isinstance(value, dict)
        return value

    def key(self, id: str) -> str | None:  # noqa: A002
        """The caller's own name for the card within its account."""
        return self._connection.execute(select(_C.c.key).where(_C.c.id == id)).scalar_one_or_none()

    def token(self, id: str) -> str | None:  # noqa: A002
        """The simulated provisioning token, where the card has one."""
        sealed = self._sealed(id, "provisioning_token")
        return None if sealed is None else self._box.open(Place("cards", "provisioning_token", id), sealed)

    def set_token(self, id: str, token: str | None) -> None:  # noqa: A002
        self._change(id, {"provisioning_token": None if token is None else self._seal(id, "provisioning_token", token)})

    def spend(self, card_id: str) -> int:
        """Σ impact, in minor units, of the card's transactions that are not funding or withdrawal (negative: it spent)."""
        return self.spends([card_id])[card_id]

    def spends(self, card_ids: Iterable[str]) -> dict[str, int]:
        """The same of many cards, by their id."""
        totals = dict.fromkeys(card_ids, 0)
        for chunk in chunks(totals):
            query = select(_T.c.card_id, func.sum(_T.c.impact_minor)).where(_T.c.card_id.in_(chunk), _T.c.kind.not_in(OURS))
            totals.update((card_id, int(total)) for card_id, total in self._connection.execute(query.group_by(_T.c.card_id)))
        return totals

    def rebalance(self, card_id: str) -> tuple[Money | None, Money | None]:
        """Make the stored balance what allowance and transactions say; a card without an allowance keeps its own.

        The balance before, and now.
        """
        card = self.named(card_id)
        if card.allowance is None:
            return card.balance, card.balance
        balance = Money(card.allowance.minor + self.spend(card_id), card.allowance.currency)
        self._change(card_id, money_to_row("balance", balance))
        return card.balance, balance

    def set_balances(self, balances: Mapping[str, Money]) -> None:
        """What these cards, by our id, can still spend."""
        if balances:
            rows = [{"which": id_, **money_to_row("balance", balance)} for id_, balance in balances.items()]
            self._connection.execute(_CHANGE, rows)

    def _one(self, query: Select[Any], values: dict[str, str] | None = None) -> Card | None:
        row = self._connection.execute(query, values).one_or_none()
        return None if row is None else card_from_row(row)

    def _all(self, query: Select[Any], values: dict[str, str] | None = None) -> list[Card]:
        return [card_from_row(row) for row in self._connection.execute(query, values)]

    def _seal(self, id: str, column: str, text: str) -> str:  # noqa: A002
        return self._box.seal(Place("cards", column, id), text)

    def _sealed(self, id: str, column: str) -> str | None:  # noqa: A002
        row = self._connection.execute(select(_C.c[column]).where(_C.c.id == id)).one_or_none()
        if row is None:
            raise NotFound("card", id)
        return None if row[0] is None else str(row[0])

    def _change(self, id: str, row: dict[str, Any]) -> None:  # noqa: A002
        if not self._connection.execute(_CHANGE, {**row, "which": id}).rowcount:
            raise NotFound("card", id)


def card_to_row(card: Card) -> dict[str, Any]:
    """The plain columns of a card, as they are stored."""
    return dict(zip(_FIELDS, _values(card), strict=True))


def _values(card: Card) -> Values:
    """The same without their names, in the table's order, since there may be many."""
    limits = card.limits
    return (
        card.id,
        card.ref,
        card.provider,
        card.programme,
        card.account_id,
        free(card.holder),
        card.brand,
        card.type,
        card.last4,
        card.exp_month,
        card.exp_year,
        card.currency,
        str(card.state),
        free(card.state_reason),
        *money_to_pair(card.balance),
        *money_to_pair(limits.per_transaction),
        *money_to_pair(limits.daily),
        *money_to_pair(limits.weekly),
        *money_to_pair(limits.monthly),
        moment_to_text(card.created_at),
        moment_to_text(card.updated_at),
        moment_to_text(card.synced_at),
        card.ever_active,
        *money_to_pair(card.allowance),
    )


def card_from_row(row: Sequence[Any]) -> Card:
    """A card of the plain columns in the table's order; by position, since lists are long."""
    # fmt: off
    (
        id_, ref, provider, programme, account_id, holder, brand, type_, last4, exp_month, exp_year, currency, state, reason,
        balance, balance_in, per_transaction, per_transaction_in, daily, daily_in, weekly, weekly_in, monthly, monthly_in,
        created_at, updated_at, synced_at, ever_active, allowance, allowance_in, _key,
    ) = row
    # fmt: on
    return Card(
        id_,
        ref,
        provider,
        programme,
        account_id,
        holder,
        brand,
        type_,
        last4,
        exp_month,
        exp_year,
        currency,
        _STATES[state],
        reason,
        money_from_row(balance, balance_in),
        Limits(
            money_from_row(per_transaction, per_transaction_in),
            money_from_row(daily, daily_in),
            money_from_row(weekly, weekly_in),
            money_from_row(monthly, monthly_in),
        ),
        datetime.fromisoformat(created_at),
        datetime.fromisoformat(updated_at),
        datetime.fromisoformat(synced_at),
        ever_active,
        money_from_row(allowance, allowance_in),
    )


def _filtered(query: Select[Any], filter: CardFilter) -> Select[Any]:  # noqa: A002
    query = narrowed(
        query,
        (_C.c.account_id, filter.account_id),
        (_C.c.provider, filter.provider),
        (_C.c.programme, filter.programme),
        (_C.c.state, filter.state),
    )
    return within(query, _C.c.created_at, filter.since, filter.until)
