"""Objects by token and lists of them, page by page from any place; no bank rules."""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.marqeta.refusals import Kind, Refuses
from cardctl.simulator.rows import Record, change, insert, select

NOUNS = {
    "marqeta_users": "Cardholder",
    "marqeta_cards": "Card",
    "marqeta_products": "Card product",
    "marqeta_velocity_controls": "Velocity control",
    "marqeta_funding_sources": "Funding source",
    "marqeta_orders": "GPA order",
    "marqeta_unloads": "GPA unload",
    "marqeta_transactions": "Transaction",
    "marqeta_card_transitions": "Card transition",
    "marqeta_user_transitions": "User transition",
    "marqeta_kyc": "KYC",
    "marqeta_chargebacks": "Chargeback",
    "marqeta_chargeback_transitions": "Chargeback transition",
    "marqeta_wallet_tokens": "Digital wallet token",
    "marqeta_wallet_token_transitions": "Digital wallet token transition",
    "marqeta_webhooks": "Webhook",
}


@dataclass(frozen=True, slots=True)
class Sort:
    """By which column of times, between which two; later ones first where `descending`.

    Rows of one second go in the order they were made.
    """

    column: str
    descending: bool
    earliest: int | None = None
    latest: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page; `more`: there are others after it."""

    rows: list[Record]
    more: bool


class Bookmarks:
    """Where the next pages begin of lists that were asked for, as long as nobody has written since.

    So a walk through a list costs the same on every page, though a page is asked for by its number.
    """

    _MOST = 1000

    def __init__(self) -> None:
        self._version: tuple[int, ...] = ()
        self._places: dict[Hashable, tuple[int, int]] = {}

    def find(self, desk: Desk, key: Hashable) -> tuple[int, int] | None:
        """The last row (its time and seq) before the page `key`; None for one that is not known, or not any more."""
        others = desk.db.execute("PRAGMA data_version").fetchone()[0]  # moved by every write of another connection
        undone = desk.db.execute("SELECT max(seq) FROM undo").fetchone()[0]  # of its own only while a read is a stale one
        version = (others, desk.db.total_changes, undone or 0)
        if version != self._version or len(self._places) > self._MOST:
            self._places.clear()
            self._version = version
        return self._places.get(key)

    def keep(self, key: Hashable, place: tuple[int, int]) -> None:
        self._places[key] = place


def new_token() -> str:
    """A token as Marqeta makes them: a UUID."""
    return str(uuid.uuid4())


def made(desk: Desk, table: str, wish: Mapping[str, Any]) -> Record:
    """A new object, with a token of its own unless the wish brings one."""
    return insert(desk, table, {**wish, "ref": wish.get("ref") or new_token(), "modified": desk.now})


def changed(desk: Desk, table: str, ref: str, changes: Mapping[str, Any]) -> Record:
    """Writes some columns of one object, which counts as its last modification."""
    return change(desk, table, ref, {**changes, "modified": desk.now})


def known(desk: Desk, table: str, ref: str) -> Record | None:
    """The object with this token, if there is one."""
    found = select(desk, table, "ref = ? AND deleted = 0", (ref,))
    return found[0] if found else None


def ever_known(desk: Desk, table: str, ref: str) -> Record | None:
    """The same, even if it was deleted: its token is used up."""
    found = select(desk, table, "ref = ?", (ref,))
    return found[0] if found else None


def get(desk: Desk, table: str, ref: str, kind: Kind = Kind.MISSING) -> Record:
    """The object with this token; Refuses where there is none, by `kind` where a body and not the path names it."""
    found = known(desk, table, ref)
    if found is None:
        raise Refuses(kind, f"{NOUNS[table]} not found")
    return found


def one_of(column: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """The condition that a column has one of some values."""
    return f"{column} IN ({', '.join('?' * len(values))})", list(values)


def page(
    desk: Desk,
    table: str,
    conditions: Sequence[tuple[str, Sequence[Any]]],
    sort: Sort,
    start: int,
    count: int,
    marks: Bookmarks,
) -> Page:
    """`count` rows from place `start` on that meet every condition; an index alone finds them, and they alone are read."""
    where = " AND ".join(["deleted = 0", *(condition for condition, _ in conditions)])
    values = [value for _, given in conditions for value in given]
    direction = "DESC" if sort.descending else "ASC"
    order = f"ORDER BY {sort.column} {direction}, seq {direction}"
    asked = (table, where, tuple(values), sort)
    place = marks.find(desk, (asked, start))
    bounds, ends = _bounds(sort, place)
    places = f"SELECT seq FROM {table} WHERE {where}{bounds} {order} LIMIT ? OFFSET ?"  # noqa: S608  (our own words)
    rows = select(desk, table, f"seq IN ({places}) {order}", [*values, *ends, count + 1, 0 if place else start])
    if len(rows) > count:
        last = rows[count - 1]
        marks.keep((asked, start + count), (last[sort.column], last["seq"]))
    return Page(rows[:count], len(rows) > count)


def _bounds(sort: Sort, place: tuple[int, int] | None) -> tuple[str, list[int]]:
    """Where to begin and to end; a place makes the bound on its side needless, and SQLite heeds but one."""
    column, bounds, ends = sort.column, "", []
    if place is not None:
        bounds, ends = f" AND ({column}, seq) {'<' if sort.descending else '>'} (?, ?)", [*place]
    if sort.earliest is not None and (place is None or sort.descending):
        bounds, ends = f"{bounds} AND {column} >= ?", [*ends, sort.earliest]
    if sort.latest is not None and (place is None or not sort.descending):
        bounds, ends = f"{bounds} AND {column} <= ?", [*ends, sort.latest]
    return bounds, ends
