"""Both sides put where they belong: ours into books, in the order in which it happened; theirs into a stage, newest first.

Neither is held in memory: what was written goes through a scratch file, which sorts it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from cardctl.db import unit
from cardctl.db.engine import open_engine
from cardctl.db.stage import Stage
from cardctl.domain.comparing.sides import AccountSide, CardSide, MoneySide
from tests.corpus.houses import House
from tests.corpus.pen import Holder

_BATCH = 20_000
_CACHE_KB = 3_000_000
_SIDES: dict[str, type[NamedTuple]] = {"accounts": AccountSide, "cards": CardSide, "money": MoneySide}
_NAMES = frozenset({"ref", "id", "account_ref", "card_ref", "card_id", "parent_ref", "reference", "owner"})
_RAW = "s" * 700
"""About what a sealed card of a provider takes."""
_ACCOUNTS = (
    "INSERT INTO accounts (id, ref, provider, programme, environment, name, state, kyc, compliance_flags, created_at,"
    " updated_at, raw) VALUES (?, ?, ?, ?, 'simulator', 'Jenny Rosen', ?, ?, '[]', ?, ?, '')"
)
_CARDS = (
    "INSERT INTO cards (id, ref, provider, programme, account_id, holder, brand, type, last4, exp_month, exp_year, currency,"
    " state, balance_minor, balance_currency, per_transaction_minor, per_transaction_currency, daily_minor, daily_currency,"
    " weekly_minor, weekly_currency, monthly_minor, monthly_currency, created_at, updated_at, synced_at, ever_active,"
    f" allowance_minor, allowance_currency, raw) VALUES ({', '.join('?' * 30)})"
)
_MONEY = (
    "INSERT INTO transactions (id, ref, provider, programme, card_id, kind, state, amount_minor, amount_currency,"
    " impact_minor, impact_currency, merchant_name, merchant_mcc, authorization_code, parent_ref, occurred_at, progress,"
    f" remote_ref) VALUES ({', '.join('?' * 18)})"
)
_AUDIT = (
    "INSERT INTO audit (seq, at, actor, action, object, before, after, correlation_id, hash)"
    " VALUES (?, ?, 'corpus', 'card.freeze', ?, '{\"state\":\"active\"}', '{\"state\":\"frozen\"}', 'run_1', '')"
)


class Scratch:
    """A file that takes holders as they are written, and gives each side sorted."""

    def __init__(self, path: Path, house: House) -> None:
        self.house = house
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-65536"):
            self._connection.execute(f"PRAGMA {pragma}")
        for name, side in _SIDES.items():
            self._connection.execute(f"CREATE TABLE our_{name} ({', '.join(side._fields)}, owner)")
            self._connection.execute(f"CREATE TABLE {name} ({', '.join(side._fields)})")
        self._connection.execute("CREATE TABLE frozen (card_id, at)")

    def close(self) -> None:
        self._connection.close()

    def take(self, holders: Iterable[Holder]) -> None:
        """Write them down."""
        self._connection.execute("BEGIN")
        holders = iter(holders)
        while batch := list(islice(holders, 2_000)):
            self._take(batch)
        self._connection.execute("COMMIT")

    def _take(self, batch: list[Holder]) -> None:
        cards = [(owner, each) for owner in batch for each in owner.holdings]
        self._put("our_accounts", ((*owner.here, owner.id) for owner in batch if owner.here is not None))
        self._put("accounts", (owner.there for owner in batch if owner.there is not None))
        self._put("our_cards", ((*each.here, owner.id) for owner, each in cards if each.here is not None))
        self._put("cards", (each.there for _, each in cards if each.there is not None))
        self._put("our_money", ((*row, each.id) for _, each in cards for row in each.ours))
        self._put("money", (row for _, each in cards for row in each.theirs))
        self._put("money", (row for owner in batch for row in owner.strays))
        frozen = ((each.id, each.frozen_at) for _, each in cards if each.here is not None and each.frozen_at is not None)
        self._put("frozen", frozen)

    def _put(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        width = len(self._connection.execute(f"SELECT * FROM {table} LIMIT 0").description)
        self._connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)

    def multiply(self, copies: int) -> None:
        """So many more of everything that was taken, under names of their own, all over the order of names."""
        tables = ["frozen", *(f"{whose}{name}" for name in _SIDES for whose in ("our_", ""))]
        self._connection.execute("BEGIN")
        for table in tables:
            columns = [row[1] for row in self._connection.execute(f"PRAGMA table_info({table})")]
            last = self._connection.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0]
            for copy in range(1, copies + 1):
                names = ", ".join(_copied(column, copy) for column in columns)
                self._connection.execute(f"INSERT INTO {table} SELECT {names} FROM {table} WHERE rowid <= ?", (last,))
        self._connection.execute("COMMIT")

    def count(self, table: str) -> int:
        return int(self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def into_stage(self, path: Path) -> Stage:
        """A stage of their side, as lists that begin with the newest are read."""
        stage = Stage(path)
        for name, order in (("accounts", "ref"), ("cards", "last4, ref"), ("money", "occurred_at DESC")):
            rows: Iterator[Any] = self._sorted(name, order)
            while batch := list(islice(rows, _BATCH)):
                parts = {each: batch if each == name else () for each in _SIDES}
                stage.turned(0, parts["accounts"], parts["cards"], parts["money"], (), absent=(), requests=1)
        return stage

    def into_books(self, target: str) -> None:
        """Our side, into books that are there already; the audit knows when cards were frozen."""
        engine = open_engine(target)
        try:
            with unit.transaction(engine, write=True) as connection:
                indexes = _drop_indexes(connection) if self.count("our_money") > _BATCH else []
                if indexes:  # names come in no order: what they make of an index is kept in memory, or written again and again
                    connection.exec_driver_sql(f"PRAGMA cache_size=-{_CACHE_KB}")
                self._fill(connection)
                for index in indexes:
                    connection.exec_driver_sql(index)
        finally:
            engine.dispose()

    def _fill(self, connection: Connection) -> None:
        provider, programme = self.house.provider, self.house.programme
        start = connection.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM audit").scalar_one()

        def account(row: tuple[Any, ...]) -> tuple[Any, ...]:
            side = AccountSide(*row[:-1])
            return side.id, side.ref, provider, programme, side.state, side.kyc, side.updated_at, side.updated_at

        def card(row: tuple[Any, ...]) -> tuple[Any, ...]:
            side, money = CardSide(*row[:-1]), []
            for minor in (side.balance, side.per_transaction, side.daily, side.weekly, side.monthly):
                money += [minor, None if minor is None else side.currency]
            allowance = side.allowance, None if side.allowance is None else side.currency
            known = side.last4, side.exp_month, side.exp_year, side.currency, side.state
            made = side.created_at, side.updated_at, side.updated_at, bool(side.ever_active)
            names = side.id, side.ref, provider, programme, row[-1], side.holder, "visa", "virtual"
            return *names, *known, *money, *made, *allowance, _RAW

        def event(row: tuple[Any, ...]) -> tuple[Any, ...]:
            side = MoneySide(*row[:-1])
            id_ = f"transaction_{side.ref.partition('_')[2]}"
            amounts = side.amount, side.currency, side.impact, side.currency
            rest = side.merchant, side.mcc, side.code, side.parent_ref, side.occurred_at, side.progress, side.reference
            return id_, side.ref, provider, programme, row[-1], side.kind, side.state, *amounts, *rest

        frozen = ((seq, at, card_id) for seq, (card_id, at) in enumerate(self._sorted("frozen", "at, card_id"), start + 1))
        self._pour(connection, _ACCOUNTS, map(account, self._sorted("our_accounts", "ref")))
        self._pour(connection, _CARDS, map(card, self._sorted("our_cards", "last4, ref")))
        self._pour(connection, _MONEY, map(event, self._sorted("our_money", "occurred_at")))
        self._pour(connection, _AUDIT, frozen)

    def _pour(self, connection: Connection, statement: str, rows: Iterator[tuple[Any, ...]]) -> None:
        mark: Callable[[str], str] = lambda text: text if connection.dialect.name == "sqlite" else text.replace("?", "%s")  # noqa: E731
        while batch := list(islice(rows, _BATCH)):
            connection.exec_driver_sql(mark(statement), batch)

    def _sorted(self, table: str, order: str) -> Iterator[tuple[Any, ...]]:
        with closing(self._connection.execute(f"SELECT * FROM {table} ORDER BY {order}")) as cursor:
            while rows := cursor.fetchmany(_BATCH):
                yield from rows


def _copied(column: str, copy: int) -> str:
    """A name is a word, `_`, and hexadecimal digits: the first of those become those of the copy, mixed."""
    if column not in _NAMES:
        return column
    mixed = f"{copy * 0x9E3779B1 % 2**32:08x}"
    return f"substr({column}, 1, instr({column}, '_')) || '{mixed}' || substr({column}, instr({column}, '_') + 1)"


def _drop_indexes(connection: Connection) -> list[str]:
    """Those of transactions, to be made again once all rows are there; SQLite alone, where that is ten times faster."""
    if connection.dialect.name != "sqlite":
        return []
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'transactions' AND sql IS NOT NULL"
    found = connection.exec_driver_sql(query).all()
    for name, _ in found:
        connection.exec_driver_sql(f'DROP INDEX "{name}"')
    return [sql for _, sql in found]
