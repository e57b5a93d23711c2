"""Strowallet's side of the truth: details through its own HTTP face; what it lists nowhere, as its staff would look it up."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cardctl.domain.money import Money
from tests.machine.bank import CardSeen, assert_told_once, our_cards, rows
from tests.simulator.strowallet.client import Virtual

OPENING_FLOAT = 10_000_000_00
_STATES = {"active": "active", "frozen": "frozen", "terminated": "closed"}


@dataclass(frozen=True, slots=True)
class Row:
    """A movement of money in the far side's own file; minor units, never negative."""

    ref: str
    card: str
    kind: str
    amount: int
    status: str


def far_cards(home: Path) -> dict[str, CardSeen]:
    """The far side's cards by their id."""
    refs = [row["ref"] for row in staff(home, "SELECT ref FROM strowallet_cards")]
    with Virtual(home / "state" / "simulator.db") as far:
        return {ref: _seen(far.detail(ref)) for ref in refs}


def far_emails(home: Path) -> set[str]:
    """The far side's customers, by what names one."""
    return {row["customerEmail"] for row in staff(home, 'SELECT "customerEmail" FROM strowallet_customers')}


def movements(home: Path) -> list[Row]:
    """Every funding and withdrawal of the far side, oldest first."""
    query = "SELECT ref, cardId, kind, abs(amount) AS amount, status FROM strowallet_transactions"
    found = staff(home, f"{query} WHERE kind IN ('funding', 'withdrawal') ORDER BY seq")
    return [Row(row["ref"], row["cardId"], row["kind"], row["amount"], row["status"]) for row in found]


def assert_agreement(home: Path, *, unknown: int = 0) -> None:
    """Our books and the far side tell the same, to the cent, but for the `unknown` cards that it made and whose answer nobody
    ever saw; each write that is done moved its money once, and no other did."""
    assert_told_once(home)
    assert _our_emails(home) == far_emails(home)
    ours, far = our_cards(home, "strowallet"), far_cards(home)
    assert {ref: far[ref] for ref in ours} == ours
    assert len(far) - len(ours) == unknown
    refs = {row["id"]: row["ref"] for row in rows(home, "SELECT id, ref FROM cards")}
    query = "SELECT kind, target, amount_minor FROM operations WHERE provider = 'strowallet' AND state = 'done'"
    journal = rows(home, f"{query} AND kind IN ('card.fund', 'card.withdraw')")
    words = {"card.fund": "funding", "card.withdraw": "withdrawal"}
    wanted = sorted((refs[one["target"]], words[one["kind"]], one["amount_minor"]) for one in journal)
    assert sorted((row.card, row.kind, row.amount) for row in movements(home) if row.status == "success") == wanted
    events = rows(home, "SELECT remote_ref FROM transactions WHERE provider = 'strowallet' AND ref LIKE 'op_%'")
    joined = [event["remote_ref"] for event in events if event["remote_ref"]]
    assert len(joined) == len(set(joined))
    balances = sum(card.balance or 0 for card in far.values())
    assert _float(home) + balances + _spent(home) == OPENING_FLOAT


def staff(home: Path, query: str) -> list[dict[str, Any]]:
    """Rows of the far side's own file."""
    with closing(sqlite3.connect(home / "state" / "simulator.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


def _our_emails(home: Path) -> set[str]:
    found = rows(home, "SELECT email FROM accounts WHERE provider = 'strowallet'")
    return {row["email"] for row in found}


def _seen(detail: dict[str, Any]) -> CardSeen:
    return CardSeen(_STATES[detail["card_status"]], None, Money.parse(str(detail["balance"]), "USD").minor, {})


def _float(home: Path) -> int:
    with Virtual(home / "state" / "simulator.db") as far:
        return Money.parse(str(far.float()), "USD").minor


def _spent(home: Path) -> int:
    """By purchases and fees, and on its way between float and card."""
    kinds = "SELECT coalesce(sum(-amount), 0) AS spent FROM strowallet_transactions WHERE kind IN ('purchase', 'fee')"
    waiting = "SELECT coalesce(sum(abs(amount)), 0) AS spent FROM strowallet_transactions WHERE status = 'pending'"
    found = [*staff(home, f"{kinds} AND status != 'failed'"), *staff(home, f"{waiting} AND due IS NOT NULL")]
    return sum(int(row["spent"]) for row in found)
