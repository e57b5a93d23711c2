"""A stage: everything that one programme's provider was read to have, page by page, in one SQLite file beside the books.

Apart from the books, so that hours of reading hold up nobody who writes them. What is read and the place where reading goes on
are one transaction: a kill leaves whole pages. The file may be lost; then it is read again. It has our own names and numbers
only, those that two sides are compared in: no provider's JSON, and of a saved card a keyed hash of its name.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from cardctl.db.engine import os_failure
from cardctl.db.failures import sqlite_failure
from cardctl.db.side_file import opened
from cardctl.db.stage_queries import CAME_IN, CLAIMED, CLAIMED_CARDS, TOPPED_UP
from cardctl.domain.comparing.order_sides import (
    LedgerSide,
    PayingCardSide,
    PurchaseSide,
    SaleRefundSide,
    SaleSide,
    WalletTopUpSide,
)
from cardctl.domain.comparing.sides import AccountSide, CardSide, MoneySide, PaymentSide, RefundSide, SavedCardSide

_SIDES: dict[str, type[NamedTuple]] = {
    "accounts": AccountSide,
    "cards": CardSide,
    "money": MoneySide,
    "saved_cards": SavedCardSide,
    "payments": PaymentSide,
    "refunds": RefundSide,
    "sales": SaleSide,
    "sale_refunds": SaleRefundSide,
    "purchases": PurchaseSide,
    "ledger": LedgerSide,
    "wallet_topups": WalletTopUpSide,
    "paying_cards": PayingCardSide,
}
_KEYS = {
    "money": "card_ref",
    "refunds": "payment_ref",
    "sale_refunds": "sale_ref",
    "sales": "ref, named",
}
_TABLES = (
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS spots (n INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, position TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS absent (source TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (source, name)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS apart (source TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (source, name)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS claims (name TEXT PRIMARY KEY, id TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS findings (n INTEGER PRIMARY KEY, subject TEXT NOT NULL, value TEXT NOT NULL)",
    *(
        f"CREATE TABLE IF NOT EXISTS {prefix}{name} ({', '.join(side._fields)})"
        for name, side in _SIDES.items()
        for prefix in ("", "our_")
    ),
)
_CACHE_KB = 32_768
_FETCHED = 2_000
Place = tuple[int, str, dict[str, Any]]
"""Number, source and position of a spot that is not read yet."""
Rows = Mapping[str, Iterable[tuple[Any, ...]]]
"""Sides by the name of their table."""
_NO_ROWS: Rows = MappingProxyType({})


class Stage:
    """The file of one programme and one run, made (0600) where it is missing. One writer. Errors: BooksUnusable and its kinds.

    `our_…` tables are evidence: our side where it was not the same as theirs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._translated():
            self._connection = opened(path, _TABLES)
            self._connection.execute(f"PRAGMA cache_size=-{_CACHE_KB}")

    def close(self) -> None:
        self._connection.close()

    def is_sound(self) -> bool:
        """Whether its pages are whole; as slow as reading it."""
        with self._translated():
            return bool(self._connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")

    def fact(self, name: str) -> Any:
        """What was noted under a name; None: nothing."""
        with self._translated():
            row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    @property
    def is_sellers(self) -> bool:
        """Whether it is of a provider that keeps buyers' cards: the names of those are hashed under a key that is noted."""
        return bool(self.fact("key"))

    @property
    def has_sales(self) -> bool:
        """Whether customers' payments were read, to be compared with orders."""
        return bool(self.fact("sales"))

    @property
    def is_suppliers(self) -> bool:
        """Whether it is of a provider that sells eSIMs."""
        return bool(self.fact("purchases"))

    def note(self, **facts: Any) -> None:
        """Plain JSON, under names."""
        with self._written():
            self._note(facts)

    def begin(self, spots: Iterable[tuple[str, Mapping[str, Any]]], **facts: Any) -> None:
        """The places to begin with, and what is known of the run; all or nothing."""
        with self._written():
            self._add_spots(spots)
            self._note(facts)

    def waiting(self, after: int, limit: int) -> list[Place]:
        """The next places that are not read yet, in the order in which they were found."""
        query = "SELECT n, source, position FROM spots WHERE n > ? ORDER BY n LIMIT ?"
        with self._translated():
            rows = self._connection.execute(query, (after, limit)).fetchall()
        return [(n, source, json.loads(position)) for n, source, position in rows]

    def unread(self) -> int:
        """How many places are not read yet."""
        return self._number("SELECT count(*) FROM spots")

    def turned(
        self,
        n: int,
        accounts: Iterable[AccountSide],
        cards: Iterable[CardSide],
        money: Iterable[MoneySide],
        then: Iterable[tuple[str, Mapping[str, Any]]],
        *,
        absent: Iterable[tuple[str, str]],
        requests: int,
        saved: Rows = _NO_ROWS,
    ) -> None:
        """The place `n` was read: what was there, and where reading goes on."""
        with self._written() as connection:
            for name, rows in {"accounts": accounts, "cards": cards, "money": money, **saved}.items():
                connection.executemany(_insert(name), rows)
            connection.executemany("INSERT OR IGNORE INTO absent VALUES (?, ?)", absent)
            connection.execute("DELETE FROM spots WHERE n = ?", (n,))
            self._add_spots(then)
            again = "INSERT INTO facts VALUES ('requests', ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value"
            connection.execute(again, (str(requests),))

    def sides(self, name: str, *, ours: bool = False) -> Iterator[tuple[Any, ...]]:
        """The rows of a table, sorted by what they belong to (the card of a money event, the payment of a refund; else by their
        own name); of two about the same object the one that was read later comes later."""
        table, key = f"{'our_' if ours else ''}{name}", _KEYS.get(name, "ref")
        return self._stream(f"SELECT {', '.join(_SIDES[name]._fields)} FROM {table} ORDER BY {key}, rowid")  # noqa: S608

    def claimed(self) -> Iterator[tuple[Any, ...]]:
        """The payments that were read, sorted by their names, each with the saved card whose it is by what was claimed."""
        *words, _ = PaymentSide._fields
        return self._stream(CLAIMED.format(words=", ".join(f"p.{word}" for word in words)))

    def claimed_cards(self) -> Iterator[tuple[Any, ...]]:
        """The saved cards that were read and claimed, each with our id of it."""
        words = ("c.id" if word == "id" else f"s.{word}" for word in SavedCardSide._fields)
        return self._stream(CLAIMED_CARDS.format(words=", ".join(words)))

    def unmatched(self) -> tuple[Iterator[tuple[Any, ...]], Iterator[tuple[Any, ...]]]:
        """Our top-ups and what came into the wallet, but for what goes by one name; by currency, amount and time."""
        ours, theirs = (
            self._stream(query.format(words=", ".join(f"{letter}.{word}" for word in side._fields)))
            for query, letter, side in ((TOPPED_UP, "w", WalletTopUpSide), (CAME_IN, "l", LedgerSide))
        )
        return ours, theirs

    def claim(self, names: Iterable[tuple[str, str]]) -> None:
        """Keyed hashes and marks by which a payment is one of ours, each with the saved card whose it is."""
        with self._written() as connection:
            connection.executemany("INSERT OR IGNORE INTO claims VALUES (?, ?)", names)

    def claims(self) -> Iterator[tuple[str, str]]:
        """What was claimed."""
        return ((name, id_) for name, id_ in self._stream("SELECT name, id FROM claims"))

    def is_claimed(self, name: str) -> bool:
        """Whether that name was."""
        return bool(self.rows("SELECT 1 FROM claims WHERE name = ?", (name,)))

    def absent(self, source: str) -> set[str]:
        """What was asked for by name, and is not there."""
        with self._translated():
            return {row[0] for row in self._connection.execute("SELECT name FROM absent WHERE source = ?", (source,))}

    def apart(self, source: str) -> set[str]:
        """Of which accounts or cards our side is kept; nothing is there of those that we do not have."""
        with self._translated():
            return {row[0] for row in self._connection.execute("SELECT name FROM apart WHERE source = ?", (source,))}

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """A small sum over what was read, for figures."""
        with self._translated():
            return self._connection.execute(query, values).fetchall()

    def keep_ours(
        self,
        apart: Iterable[tuple[str, str]],
        accounts: Iterable[AccountSide],
        cards: Iterable[CardSide],
        money: Iterable[MoneySide],
        *,
        saved: Rows = _NO_ROWS,
    ) -> None:
        """Our side of what differs, as evidence; `apart` are the sources and names of it: of all others our side is theirs."""
        with self._written() as connection:
            connection.executemany("INSERT OR IGNORE INTO apart VALUES (?, ?)", apart)
            for name, rows in {"accounts": accounts, "cards": cards, "money": money, **saved}.items():
                connection.executemany(_insert(f"our_{name}"), rows)

    def forget_verdict(self) -> None:
        """A comparison that was cut off is made again from the beginning."""
        with self._written() as connection:
            for table in ("apart", "findings", "claims", *(f"our_{name}" for name in _SIDES)):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608

    def add_findings(self, findings: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Findings as plain JSON, each with its subject."""
        with self._written() as connection:
            rows = ((subject, json.dumps(value)) for subject, value in findings)
            connection.executemany("INSERT INTO findings (subject, value) VALUES (?, ?)", rows)

    def findings(self) -> Iterator[dict[str, Any]]:
        """What `add_findings` was given, in its order."""
        return (json.loads(row[0]) for row in self._stream("SELECT value FROM findings ORDER BY n"))

    def copy_to(self, path: Path) -> None:
        """A whole, compact copy, as one file that is new, 0600."""
        with self._translated():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))  # SQLite would leave the mode to the umask
            self._connection.execute("VACUUM INTO ?", (str(path),))

    def _stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        with self._translated():
            cursor = self._connection.execute(query)
            while rows := cursor.fetchmany(_FETCHED):
                yield from rows

    def _add_spots(self, spots: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        rows = ((source, json.dumps(position)) for source, position in spots)
        self._connection.executemany("INSERT INTO spots (source, position) VALUES (?, ?)", rows)

    def _note(self, facts: Mapping[str, Any]) -> None:
        rows = [(name, json.dumps(value)) for name, value in facts.items()]
        self._connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)

    def _number(self, query: str) -> int:
        with self._translated():
            return int(self._connection.execute(query).fetchone()[0])

    @contextmanager
    def _written(self) -> Iterator[sqlite3.Connection]:
        with self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, OSError) as error:
            if isinstance(error, OSError):
                raise os_failure(error, self.path) from error
            raise sqlite_failure(error, self.path, has_room=True) or error from error


def _insert(table: str) -> str:
    width = len(_SIDES[table.removeprefix("our_")]._fields)
    return f"INSERT INTO {table} VALUES ({', '.join('?' * width)})"  # noqa: S608
