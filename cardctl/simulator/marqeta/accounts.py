"""The GPA of every user: whose money a user spends, what is there, and the transactions that say how it moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.marqeta.lists import get, made
from cardctl.simulator.rows import Record, change

CURRENCY = "USD"
"""The programme's one currency."""

APPROVED = {"code": "0000", "memo": "Approved or completed successfully"}

_DAY = 86400


def account_of(desk: Desk, user: Record) -> Record:
    """The user whose GPA this one spends from: its own, or that of the parent that it shares with."""
    while user["uses_parent_account"]:
        user = get(desk, "marqeta_users", user["parent_token"])
    return user


def available(account: Record) -> int:
    """The ledger balance without what open authorizations hold, in minor units."""
    return int(account["ledger_balance"]) - int(account["held"])


def move(desk: Desk, account: Record, *, ledger: int = 0, held: int = 0) -> Record:
    """Adds to the ledger balance and to what is held; either may be negative. Returns the account as it is now."""
    changes = {
        "ledger_balance": account["ledger_balance"] + ledger,
        "held": account["held"] + held,
        "balance_changed": desk.now,
    }
    return change(desk, "marqeta_users", account["ref"], changes)


def book(desk: Desk, kind: str, state: str, account: Record, amount: int, impacted: int, **more: Any) -> Record:
    """Writes a transaction: `amount` is never negative, `impacted` has the sign; the GPA is shown as it is after it."""
    gpa = {
        "ledger_balance": account["ledger_balance"],
        "available_balance": available(account),
        "impacted_amount": impacted,
    }
    defaults: Mapping[str, Any] = {
        "type": kind,
        "state": state,
        "user_token": account["ref"],
        "acting_user_token": account["ref"],
        "amount": amount,
        "request_amount": amount,
        "currency_code": CURRENCY,
        "user_transaction_time": desk.now,
        "settlement_date": desk.now - desk.now % _DAY,
        "response": APPROVED,
        "gpa": gpa,
    }
    return made(desk, "marqeta_transactions", {**defaults, **more})
