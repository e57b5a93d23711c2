"""Marqeta's side of the truth, read through its own HTTP face: users, cards, velocity controls, balances, and every order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cardctl.domain.money import Money
from tests.machine.bank import CardSeen, assert_told_once, our_accounts, our_cards, rows
from tests.simulator.marqeta.stranger import Stranger

OPENING_FLOAT = 10_000_000_00
_STATES = {"ACTIVE": "active", "SUSPENDED": "frozen", "UNACTIVATED": "pending", "TERMINATED": "closed"}
_STATUSES = {"ACTIVE": "active", "SUSPENDED": "suspended", "CLOSED": "closed", "UNVERIFIED": "pending"}
_WINDOWS = {"TRANSACTION": "per_transaction", "DAY": "daily", "WEEK": "weekly", "MONTH": "monthly"}


def far_cards(home: Path) -> dict[str, CardSeen]:
    """The far side's cards by their token; the balance and the limits are their user's."""
    with _far(home) as far:
        return {card["token"]: seen for user in _listed(far, "/users") for card, seen in _cards_of(far, user["token"])}


def far_accounts(home: Path) -> dict[str, str]:
    """The far side's users by their token: what they are, in our words."""
    with _far(home) as far:
        return {user["token"]: _STATUSES[user["status"]] for user in _listed(far, "/users")}


def far_order(home: Path, operation: str, kind: str) -> int | None:
    """What the order of an operation moved (minor units), by its token; None where there is none."""
    path = {"card.fund": "/gpaorders", "card.withdraw": "/gpaorders/unloads"}[kind]
    with _far(home) as far:
        reply = far.get(f"{path}/{operation}")
        return None if reply.status_code == 404 else _minor(far.seen(f"{path}/{operation}")["amount"])


def assert_agreement(home: Path) -> None:
    """Our books and the far side tell the same, to the cent; each write that is done moved its money once, and no other did."""
    assert_told_once(home)
    assert our_accounts(home, "marqeta") == far_accounts(home)
    cards = far_cards(home)
    assert our_cards(home, "marqeta") == cards
    moving = "SELECT id, kind, state, amount_minor FROM operations WHERE kind IN ('card.fund', 'card.withdraw')"
    for one in rows(home, f"{moving} AND provider = 'marqeta'"):
        assert far_order(home, one["id"], one["kind"]) == (one["amount_minor"] if one["state"] == "done" else None), one
    with _far(home) as far:
        _assert_loads(home, far)
        held = sum(_minor(far.gpa(user["token"])[0]) for user in _listed(far, "/users"))
    moved = "SELECT coalesce(sum(CASE kind WHEN 'card.fund' THEN amount_minor ELSE -amount_minor END), 0) AS moved"
    told = rows(
        home, f"{moving.replace('SELECT id, kind, state, amount_minor', moved)} AND provider = 'marqeta' AND state = 'done'"
    )
    assert held + _spent(home) == told[0]["moved"]


def _assert_loads(home: Path, far: Stranger) -> None:
    """What is left of every funding, by our books and by the orders."""
    taken: dict[str, int] = {}
    for unload in _listed(far, "/gpaorders/unloads"):
        order = unload["original_order_token"]
        taken[order] = taken.get(order, 0) + _minor(unload["amount"])
    for load in rows(home, "SELECT ref, left_minor FROM loads WHERE programme LIKE 'marqeta/%'"):
        assert load["left_minor"] == _minor(far.seen(f"/gpaorders/{load['ref']}")["amount"]) - taken.get(load["ref"], 0)


def _spent(home: Path) -> int:
    """By purchases, as our books have them."""
    query = "SELECT coalesce(sum(impact_minor), 0) AS spent FROM transactions WHERE kind NOT IN ('funding', 'withdrawal')"
    return -int(rows(home, f"{query} AND provider = 'marqeta'")[0]["spent"])


def _cards_of(far: Stranger, user: str) -> list[tuple[dict[str, Any], CardSeen]]:
    cards = _listed(far, f"/cards/user/{user}")
    if not cards:
        return []
    controls = [one for one in _listed(far, "/velocitycontrols", user=user) if one["active"]]
    limits = {_WINDOWS[one["velocity_window"]]: _minor(one["amount_limit"]) for one in controls}
    balance = _minor(far.gpa(user)[1])
    return [(card, CardSeen(_STATES[card["state"]], None, balance, limits)) for card in cards]


def _minor(amount: Any) -> int:
    return Money.parse(str(amount), "USD").minor


def _far(home: Path) -> Stranger:
    return Stranger(home / "state" / "simulator.db")


def _listed(far: Stranger, path: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = far.seen(path, count=100, start_index=len(found), **query)
        found += page["data"]
        if not page.get("is_more"):
            return found
