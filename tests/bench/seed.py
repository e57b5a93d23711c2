"""Fills a home's books through the product's own tables, fast: `python -m tests.bench.seed HOME CARDS [TRANSACTIONS]`.

The same rows on every run. The simulator knows nothing of them: they are there to be listed, not to be written to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, insert

from cardctl import runtime
from cardctl.db import unit
from cardctl.db.accounts import account_to_row
from cardctl.db.cards import card_to_row
from cardctl.db.columns import exact_json
from cardctl.db.engine import open_engine
from cardctl.db.sealed import Box, Place, Ring
from cardctl.db.tables import AccountRow, CardRow, Row, TransactionRow, table_of
from cardctl.db.transactions import transaction_to_row
from cardctl.domain.accounts import Account, AccountState, Kyc
from cardctl.domain.cards import Card, Limits
from cardctl.domain.money import Money
from cardctl.domain.states import CardState
from cardctl.domain.transactions import Merchant, Transaction, TransactionKind, TransactionState

CARDS_EACH = 10
"""Cards of one account."""

T = TypeVar("T", Account, Card, Transaction)

_BATCH = 5000
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_HOLDERS = "Jenny Rosen", "Zoë Østergård", "山田 太郎", "Maximilian von und zu Hohenzollern-Beispiel", "Ana Pérez"
_MERCHANTS = "Rocket Rides", "Bäckerei Süß", "ACME GmbH & Co", "Café Noir"
_STATES = [CardState.ACTIVE] * 7 + [CardState.FROZEN, CardState.CLOSED, CardState.INACTIVE]
_RAW = exact_json({"object": "seeded", "livemode": False, "metadata": {"made_by": "tests/bench/seed.py"}})


def seed(run: runtime.Run, cards: int, transactions: int = 0) -> None:
    """So many cards, ten to an account, and transactions spread over them, into the new books of `run`."""
    run.books.prepare()
    programme = run.settings.programme("stripe")
    ring = Ring(run.encryption_keys())
    engine = open_engine(run.database)

    def transaction_row(transaction: Transaction) -> dict[str, Any]:
        return transaction_to_row(transaction) | {"programme": programme}

    try:
        accounts = (account(number, programme) for number in range(accounts_of(cards)))
        _fill(engine, ring, AccountRow, account_to_row, accounts)
        _fill(engine, ring, CardRow, card_to_row, (card(number, programme) for number in range(cards)))
        _fill(engine, ring, TransactionRow, transaction_row, (transaction(n, n % cards) for n in range(transactions)))
    finally:
        engine.dispose()


def accounts_of(cards: int) -> int:
    """How many accounts so many cards have."""
    return -(-cards // CARDS_EACH)


def account(number: int, programme: str = "stripe/default") -> Account:
    """The account of that number."""
    made, id_ = _EPOCH + timedelta(seconds=number), _id("account", number)
    name, mail = _HOLDERS[number % len(_HOLDERS)], f"{id_}@example.com"
    states = AccountState.ACTIVE, Kyc.VERIFIED
    return Account(
        id_, f"ich_{id_[-16:]}", f"user-{number}", "stripe", programme, "simulator", name, mail, *states, (), (), made, made
    )


def card(number: int, programme: str = "stripe/default") -> Card:
    """The card of that number."""
    id_, account_id = _id("card", number), _id("account", number // CARDS_EACH)
    made = _EPOCH + timedelta(seconds=number, microseconds=number % 1000)
    allowance = Money(100_000_00, "USD")
    return Card(
        id=id_,
        ref=f"ic_{id_[-16:]}",
        provider="stripe",
        programme=programme,
        account_id=account_id,
        holder=_HOLDERS[number // CARDS_EACH % len(_HOLDERS)],
        brand="visa",
        type="virtual",
        last4=f"{number % 10_000:04d}",
        exp_month=number % 12 + 1,
        exp_year=2029 + number % 3,
        currency="USD",
        state=_STATES[number % len(_STATES)],
        state_reason="lost" if number % 50 == 8 else None,
        balance=allowance - Money(number % 9_999, "USD"),
        limits=Limits(daily=Money(5_000_00, "USD"), monthly=Money(50_000_00, "USD") if number % 2 else None),
        created_at=made,
        updated_at=made + timedelta(days=number % 30),
        synced_at=made + timedelta(days=30),
        ever_active=True,
        allowance=allowance,
    )


def transaction(number: int, card_number: int) -> Transaction:
    """The transaction of that number, a settled purchase."""
    id_ = _id("transaction", number)
    amount = Money(100 + number % 50_000, "USD")
    return Transaction(
        id=id_,
        ref=f"ipi_{id_[-16:]}",
        provider="stripe",
        card_id=_id("card", card_number),
        kind=TransactionKind.SETTLEMENT,
        state=TransactionState.SETTLED,
        amount=amount,
        impact=-amount,
        merchant=Merchant(_MERCHANTS[number % len(_MERCHANTS)], "5814", "fast_food_restaurants", "Berlin", "DE"),
        authorization_code=None,
        parent_id=None,
        occurred_at=_EPOCH + timedelta(days=31, seconds=number),
    )


def _id(prefix: str, number: int) -> str:
    return f"{prefix}_{sha256(f'{prefix}{number}'.encode()).hexdigest()[:20]}"


def _fill(engine: Engine, ring: Ring, row: type[Row], to_row: Callable[[T], dict[str, Any]], items: Iterable[T]) -> None:
    items = iter(items)
    while batch := [to_row(item) for item in islice(items, _BATCH)]:
        with unit.transaction(engine, write=True) as connection:
            _insert(connection, Box(connection, lambda: ring, writable=True), row, batch)


def _insert(connection: Connection, box: Box, row: type[Row], batch: list[dict[str, Any]]) -> None:
    table = table_of(row)
    if "raw" in table.columns:
        batch = [each | {"raw": box.seal(Place(table.name, "raw", each["id"]), _RAW)} for each in batch]
    connection.execute(insert(table), batch)


def main(home: str, *counts: str) -> None:
    """Seed the `dev` profile of a home."""
    os.environ["CARDCTL_HOME"] = str(Path(home).absolute())
    os.environ.setdefault("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    with runtime.opened(profile="dev") as run:
        seed(run, *map(int, counts))


if __name__ == "__main__":
    main(*sys.argv[1:])
