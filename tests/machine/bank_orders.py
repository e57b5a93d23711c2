"""Orders, as both sides tell them: our rows with bare sqlite3; payments, refunds, purchases, top-ups and the two purses of the
far side from its own file."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.machine.bank import assert_told_once, operations, rows

OPENING = 10_000_000_00
"""What Stripe's Issuing balance and Zendit's wallet have at first, in cents."""
ENDED = ("delivered", "refunded")


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one payment, as one side tells it; amounts in cents. `cost` is what the supplier took for it."""

    paid: int
    refunded: int
    cost: int


@dataclass(frozen=True, slots=True)
class Purses:
    """What is there, in cents: what customers paid, what cards pay from, what eSIMs are bought from."""

    payments: int
    issuing: int
    wallet: int


def staff(home: Path, query: str) -> list[dict[str, Any]]:
    """Rows of the far side's own file."""
    with closing(sqlite3.connect(home / "state" / "simulator.db", timeout=30)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(query)]


def far_fates(home: Path) -> dict[str, Fate]:
    """What was paid, given back and bought, by the payment; what was bought for it, our books say."""
    captured = {row["ref"]: row["captured"] for row in staff(home, "SELECT ref, captured FROM zendit_purchases")}
    cost = {row["payment_ref"]: captured.get(row["purchase_ref"], 0) for row in orders(home)}
    paid = staff(home, "SELECT payment_intent, amount, amount_refunded FROM stripe_charges WHERE status = 'succeeded'")
    told = {row["payment_intent"]: (row["amount"], row["amount_refunded"]) for row in paid}
    return {ref: Fate(*money, cost=cost.get(ref, 0)) for ref, money in told.items()}


def our_fates(home: Path) -> dict[str, Fate]:
    """The same of our books."""
    return {row["payment_ref"]: fate(row) for row in orders(home) if row["payment_ref"] is not None}


def fate(row: dict[str, Any]) -> Fate:
    """What one of our orders says."""
    return Fate(row["price_minor"], row["refunded_minor"] or 0, row["cost_minor"] if row["state"] == "delivered" else 0)


def orders(home: Path) -> list[dict[str, Any]]:
    """Our orders, oldest first."""
    return rows(home, "SELECT * FROM orders ORDER BY created_at, id")


def purses(home: Path) -> Purses:
    """The far side's."""
    found = {
        (row["face"], row["purse"]): row["available"] for row in staff(home, "SELECT * FROM floats WHERE currency = 'usd'")
    }
    return Purses(found.get(("stripe", "payments"), 0), found["stripe", "issuing"], found["zendit", "issuing"])


def expected_purses(home: Path) -> Purses:
    """What must be there by what our books say was paid, given back, bought and topped up, and by what a person put into the
    wallet."""
    fates = our_fates(home).values()
    topped = sum(row["amount_minor"] for row in rows(home, "SELECT * FROM wallet_topups WHERE state = 'settled'"))
    return Purses(
        payments=sum(fate.paid - fate.refunded for fate in fates),
        issuing=OPENING - topped,
        wallet=OPENING + put_in(home) + topped - sum(fate.cost for fate in fates),
    )


def put_in(home: Path) -> int:
    """What people put into the wallet, less what they took out of it, in cents."""
    ours = {row["ref"] for row in staff(home, "SELECT ref FROM zendit_wallet_topups")}
    query = "SELECT transactionId, type, amount FROM zendit_ledger WHERE status = 'DONE' AND productType != 'ESIM'"
    moved = [row for row in staff(home, query) if row["transactionId"] not in ours]
    return sum(row["amount"] if row["type"] == "CREDIT" else -row["amount"] for row in moved)


def assert_ended(home: Path) -> None:
    """Every order that was paid is delivered or refunded, exactly once, and no cent is anywhere else; nobody works on one."""
    assert not (left := list(_left(home))), left
    assert our_fates(home) == far_fates(home)
    for row in orders(home):
        ended = fate(row)
        wanted = (True, 0) if row["state"] == "delivered" else (False, ended.paid)
        assert (ended.cost > 0, ended.refunded) == wanted, row
    assert purses(home) == expected_purses(home)
    assert {row["state"] for row in operations(home)} <= {"done", "refused"}
    assert_told_once(home)
    _assert_once(home)


def _left(home: Path) -> Iterator[tuple[str, str, str | None]]:
    for row in orders(home):
        if row["state"] not in ENDED or row["lease"] or row["reserved_minor"]:
            yield row["id"], row["state"], row["reason"]


def _assert_once(home: Path) -> None:
    """No order has two live purchases, no payment two refunds, no top-up two debits of cards."""
    done = [row["ref"] for row in staff(home, "SELECT ref FROM zendit_purchases WHERE status != 'FAILED'")]
    assert sorted(done) == sorted(row["purchase_ref"] for row in orders(home) if row["state"] == "delivered")
    back = "SELECT ref, payment_intent, amount FROM stripe_refunds WHERE status = 'succeeded' ORDER BY ref"
    there = [(row["ref"], row["amount"]) for row in staff(home, back)]
    ours = rows(home, "SELECT ref, amount_minor FROM sale_refunds WHERE state = 'completed' ORDER BY ref")
    assert there == [(row["ref"], row["amount_minor"]) for row in ours]
    given = Counter(row["payment_intent"] for row in staff(home, back))
    assert set(given.values()) <= {1}, given
    topups = staff(home, "SELECT reference, amount FROM zendit_wallet_topups WHERE status = 'succeeded' ORDER BY reference")
    known = rows(home, "SELECT id, amount_minor FROM wallet_topups WHERE state = 'settled' ORDER BY id")
    assert [tuple(row.values()) for row in topups] == [tuple(row.values()) for row in known]
