"""Bank rules of money between the programme and its users: funding sources, loads (GPA orders) and unloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.simulator import purses
from cardctl.simulator.desk import Desk
from cardctl.simulator.marqeta.accounts import APPROVED, CURRENCY, account_of, available, book, move
from cardctl.simulator.marqeta.lists import get, known, made, new_token
from cardctl.simulator.marqeta.refusals import Kind, Refuses
from cardctl.simulator.marqeta.users import ACTIVE
from cardctl.simulator.rows import Record

SANDBOX_SOURCE = "sandbox_program_funding"
"""The funding source that a sandbox has from the start (UNCONFIRMED); it is no object of anybody's making."""

_TABLE = "marqeta_funding_sources"


def open_source(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """A new programme funding source. All of them pay out of the programme's one float."""
    return made(desk, _TABLE, {"active": True, **wish, "account": new_token()})


def source(desk: Desk, ref: str, kind: Kind = Kind.MISSING) -> Record:
    """The funding source with this token."""
    if ref == SANDBOX_SOURCE and known(desk, _TABLE, ref) is None:
        return {"ref": ref, "name": "Sandbox program funding", "active": 1, "account": ref, "created": 0, "modified": 0}
    return get(desk, _TABLE, ref, kind)


def load(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """Moves money from the float to the user's GPA; returns the order. A refusal leaves no order behind (UNCONFIRMED)."""
    user = get(desk, "marqeta_users", wish["user_token"], Kind.INVALID)
    paying = source(desk, wish["funding_source_token"], Kind.INVALID)
    amount = wish["amount"]
    if amount < 1:
        raise Refuses(Kind.INVALID, "Invalid input(s): amount must be greater than zero")
    if wish["currency_code"] != CURRENCY:
        raise Refuses(Kind.INVALID, f"The program has no currency {wish['currency_code']}")
    account = account_of(desk, user)
    if user["status"] not in ACTIVE or account["status"] not in ACTIVE:
        raise Refuses(Kind.RULE, "Cardholder not active")
    if not paying["active"]:
        raise Refuses(Kind.RULE, "Funding source is not active")
    if amount > purses.available(desk).get(CURRENCY.lower(), 0):
        raise Refuses(Kind.RULE, "Not sufficient funds in the funding source")
    purses.pay(desk, CURRENCY.lower(), amount)
    account = move(desk, account, ledger=amount)
    ref = wish.get("ref") or new_token()
    booked = book(desk, "gpa.credit", "COMPLETION", account, amount, amount, acting_user_token=user["ref"], order_token=ref)
    return made(desk, "marqeta_orders", {**wish, "ref": ref, **_done(booked)})


def unload(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """Moves a part of a load back to the float; returns the unload.

    All unloads of one order together never exceed it. UNCONFIRMED: that money which was spent since is a 422.
    """
    order = get(desk, "marqeta_orders", wish["original_order_token"])
    amount = wish["amount"]
    if amount < 1:
        raise Refuses(Kind.INVALID, "Invalid input(s): amount must be greater than zero")
    if amount > order["amount"] - unloaded(desk, order["ref"]):
        raise Refuses(Kind.PRECONDITION, "Unload amount is greater than load amount")
    user = get(desk, "marqeta_users", order["user_token"])
    account = account_of(desk, user)
    if amount > available(account):
        raise Refuses(Kind.RULE, "Not sufficient funds")
    purses.receive(desk, CURRENCY.lower(), amount)
    account = move(desk, account, ledger=-amount)
    ref = wish.get("ref") or new_token()
    booked = book(desk, "gpa.debit", "COMPLETION", account, amount, -amount, acting_user_token=user["ref"], unload_token=ref)
    inherited = {name: order[name] for name in ("user_token", "currency_code", "funding_source_token")}
    return made(desk, "marqeta_unloads", {**wish, "ref": ref, **inherited, **_done(booked)})


def unloaded(desk: Desk, order: str) -> int:
    """How much of an order went back, in minor units."""
    total = "SELECT coalesce(sum(amount), 0) FROM marqeta_unloads WHERE original_order_token = ? AND deleted = 0"
    return int(desk.db.execute(total, (order,)).fetchone()[0])


def _done(booked: Record) -> Record:
    return {"state": "COMPLETION", "response": APPROVED, "transaction_token": booked["ref"]}
