"""Both sides of the truth, each read by itself: our rows with bare sqlite3, the far side through its own HTTP face.

Nothing of the product's translation is used, since agreeing with it would prove nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cardctl.simulator.transport import SimulatorTransport

_STATES = {"active": "active", "inactive": "frozen", "canceled": "closed"}
_INTERVALS = {"per_authorization": "per_transaction", "daily": "daily", "weekly": "weekly", "monthly": "monthly"}


@dataclass(frozen=True, slots=True)
class CardSeen:
    """What one side says of a card; amounts in minor units. `state` frozen stands for inactive too: Stripe has one word."""

    state: str
    allowance: int | None
    balance: int | None
    limits: dict[str, int]


def far_cards(home: Path) -> dict[str, CardSeen]:
    """The far side's cards by their ref."""
    with _face(home) as face:
        spent: dict[str, int] = {}
        for authorization in _listed(face, "authorizations"):
            held = authorization["amount"] if authorization["approved"] and authorization["status"] == "pending" else 0
            spent[authorization["card"]["id"]] = spent.get(authorization["card"]["id"], 0) + held
        for transaction in _listed(face, "transactions"):
            spent[transaction["card"]] = spent.get(transaction["card"], 0) - transaction["amount"]
        return {card["id"]: _far_card(card, spent.get(card["id"], 0)) for card in _listed(face, "cards")}


def far_accounts(home: Path) -> dict[str, str]:
    """The far side's cardholders: ref to their word for the state."""
    with _face(home) as face:
        return {holder["id"]: holder["status"] for holder in _listed(face, "cardholders")}


def our_cards(home: Path, provider: str = "stripe") -> dict[str, CardSeen]:
    """Our cards by the provider's ref."""
    found = rows(home, f"SELECT * FROM cards WHERE provider = '{provider}'")
    return {row["ref"]: _our_card(row, "frozen" if provider == "stripe" else "inactive") for row in found}


def our_accounts(home: Path, provider: str = "stripe") -> dict[str, str]:
    """Our accounts by the provider's ref: their state, in Stripe's words where it is Stripe's."""
    words = {"active": "active", "suspended": "inactive"} if provider == "stripe" else {}
    found = rows(home, f"SELECT ref, state FROM accounts WHERE provider = '{provider}'")
    return {row["ref"]: words.get(row["state"], row["state"]) for row in found}


def operations(home: Path) -> list[dict[str, Any]]:
    """The journal, oldest first."""
    return rows(home, "SELECT id, kind, target, state, error_code FROM operations ORDER BY entered")


def rows(home: Path, query: str) -> list[dict[str, Any]]:
    """Rows of our books; none where there are no books yet."""
    path = home / "state" / "books" / "dev.db"
    if not path.exists():
        return []
    connection = sqlite3.connect(path)
    try:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]
    finally:
        connection.close()


def assert_agreement(home: Path) -> None:
    """Our books and the far side tell the same, to the cent; each operation that is done, and no other, is told of once."""
    assert_told_once(home)
    assert our_accounts(home) == far_accounts(home)
    assert our_cards(home) == far_cards(home)
    spent = "SELECT coalesce(sum(impact_minor), 0) FROM transactions WHERE card_id = cards.id AND kind NOT IN"
    for row in rows(home, f"SELECT *, ({spent} ('funding', 'withdrawal')) AS spent FROM cards WHERE provider = 'stripe'"):
        if row["allowance_minor"] is not None:
            assert row["balance_minor"] == row["allowance_minor"] + row["spent"]


def assert_told_once(home: Path) -> None:
    """Every write that was done has one entry in the audit, and if it moved money, one event in the ledger; no other has one.

    What a person resolved has no entry of the kind; a card's making that was resolved brought our books no card to hold money.
    """
    journal = rows(home, "SELECT id, kind, amount_minor, error FROM operations WHERE state = 'done'")
    audit = rows(home, 'SELECT action, "after" FROM audit')
    told = Counter((entry["action"], json.loads(entry["after"]).get("operation")) for entry in audit)
    wanted = {(one["kind"], one["id"]): 1 for one in journal if one["error"] is None}
    assert {key: told[key] for key in told if key[1]} == wanted
    money = rows(home, "SELECT ref FROM transactions WHERE kind IN ('funding', 'withdrawal')")
    ours = [one for one in journal if one["kind"].startswith("card.")]  # what a buyer's own card pays is in no ledger of cards
    moved = [one for one in ours if one["amount_minor"] and (one["error"] is None or one["kind"] != "card.issue")]
    assert sorted(row["ref"] for row in money) == sorted(one["id"] for one in moved)


def _far_card(card: dict[str, Any], spent: int) -> CardSeen:
    limits = {limit["interval"]: limit["amount"] for limit in card["spending_controls"]["spending_limits"]}
    inherited = int(card["metadata"].get("cardctl_inherited", 0))
    allowance = limits["all_time"] - inherited if "all_time" in limits else None
    return CardSeen(
        state=_STATES[card["status"]],
        allowance=allowance,
        balance=None if allowance is None else allowance - spent,
        limits={ours: limits[theirs] for theirs, ours in _INTERVALS.items() if theirs in limits},
    )


def _our_card(row: dict[str, Any], inactive: str) -> CardSeen:
    limits = {name: row[f"{name}_minor"] for name in _INTERVALS.values()}
    return CardSeen(
        state=inactive if row["state"] == "inactive" else row["state"],
        allowance=row["allowance_minor"],
        balance=row["balance_minor"],
        limits={name: minor for name, minor in limits.items() if minor is not None},
    )


def _face(home: Path) -> httpx.Client:
    transport = SimulatorTransport(home / "state" / "simulator.db")
    return httpx.Client(transport=transport, base_url="https://api.stripe.com/v1/issuing/", auth=("sk_test_look", ""))


def _listed(face: httpx.Client, noun: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        after = {"starting_after": found[-1]["id"]} if found else {}
        page = face.get(noun, params={"limit": 100, **after}).raise_for_status().json()
        found += page["data"]
        if not page["has_more"]:
            return found
