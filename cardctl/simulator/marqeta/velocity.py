"""Velocity controls: which purchase they forbid and what they leave; purchases themselves live in purchases.py.

UNCONFIRMED: that a card product's control counts every user alone, and that refunds and reversals give back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.marqeta.accounts import CURRENCY
from cardctl.simulator.marqeta.lists import changed, get, made
from cardctl.simulator.marqeta.refusals import Kind, Refuses
from cardctl.simulator.rows import Record, select

TABLE = "marqeta_velocity_controls"
UNLIMITED = -1
FAMILY = "velocity_controls."
WINDOWS = ("TRANSACTION", "DAY", "WEEK", "MONTH", "LIFETIME")
"""What staff may edit of a user or a card as if it were a field of it (`velocity_controls.DAY`): the limit of a window."""
_FLAGS = ("approvals_only", "include_purchases", "include_withdrawals", "include_cashback", "include_transfers")


def add_control(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """A new control. `active` defaults to false as the documentation says, though an example of the description has true:
    who forgets to send it has no limit."""
    defaults = {"active": False, "usage_limit": UNLIMITED, "merchant_scope": {}, "include_credits": False}
    control = {**defaults, **dict.fromkeys(_FLAGS, True), **wish}
    _check(desk, control)
    return made(desk, TABLE, control)


def change_control(desk: Desk, ref: str, changes: Mapping[str, Any]) -> Record:
    """New values for some fields."""
    _check(desk, {**get(desk, TABLE, ref), **changes})
    return changed(desk, TABLE, ref, changes)


def set_limit(desk: Desk, user: str, window: str, amount: int | None) -> int | None:
    """What staff let a user spend on anything in a `window`, None: no limit. Returns what it was; of several the tightest."""
    plain = "user_token = ? AND velocity_window = ? AND deleted = 0 AND active = 1 AND merchant_scope = '{}'"
    found = select(desk, TABLE, f"{plain} AND include_purchases = 1 AND approvals_only = 1", (user, window))
    for control in found:
        changed(desk, TABLE, control["ref"], {"active": False} if amount is None else {"amount_limit": amount})
    if not found and amount is not None:
        wish = {"currency_code": CURRENCY, "velocity_window": window, "amount_limit": amount, "active": True}
        add_control(desk, {**wish, "name": None, "user_token": user, "card_product_token": None})
    return min((control["amount_limit"] for control in found), default=None)


def forbids(desk: Desk, card: Record, amount: int, merchant: Mapping[str, Any]) -> Record | None:
    """The first control that a purchase of `amount` minor units would break, with what was counted; None when there is none."""
    for control in _applying(desk, card, merchant):
        spent, uses = counted(desk, control, card["user_token"])
        if spent + amount > control["amount_limit"]:
            return {**control, "spent": spent, "by_use": False}
        if control["usage_limit"] != UNLIMITED and uses + 1 > control["usage_limit"]:
            return {**control, "spent": spent, "by_use": True}
    return None


def counted(desk: Desk, control: Record, user: str) -> tuple[int, int]:
    """Minor units and purchases that count in the control's present window: held + cleared − refunded, never below nothing.

    A reversed authorization counts for nothing, a declined one never did.
    """
    if control["velocity_window"] == "TRANSACTION":
        return 0, 0
    since = window_start(control["velocity_window"], desk.now) or control["created"]
    where = """acting_user_token = ? AND deleted = 0 AND user_transaction_time >= ? AND type IN (?, ?)
        AND preceding_related_transaction_token IS NULL AND state != 'DECLINED' AND held + cleared > 0"""
    values: list[Any] = [user, since, "authorization", "authorization.clearing"]
    if control["card_product_token"]:
        where, values = f"{where} AND card_product_token = ?", [*values, control["card_product_token"]]
    for name, value in control["merchant_scope"].items():
        where, values = f"{where} AND json_extract(card_acceptor, ?) = ?", [*values, f"$.{name}", value]
    total = f"SELECT coalesce(sum(held + cleared - refunded), 0), count(*) FROM marqeta_transactions WHERE {where}"  # noqa: S608  (our own words)
    spent, uses = desk.db.execute(total, values).fetchone()
    return max(int(spent), 0), int(uses)


def window_start(window: str, now: int) -> int | None:
    """When the window that holds `now` began: midnight UTC, Sunday, the 1st; None for one without a calendar."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0)
    starts = {
        "DAY": today,
        "WEEK": today - timedelta(days=(today.weekday() + 1) % 7),
        "MONTH": today.replace(day=1),
    }
    return int(starts[window].timestamp()) if window in starts else None


def days_remaining(window: str, now: int) -> int | None:
    """Days until the window ends, today among them; None for one that never does."""
    today = datetime.fromtimestamp(now, UTC)
    next_month = (today.replace(day=1) + timedelta(days=31)).replace(day=1)
    left = {"DAY": 1, "WEEK": 7 - (today.weekday() + 1) % 7, "MONTH": (next_month.date() - today.date()).days}
    return left.get(window)


def _applying(desk: Desk, card: Record, merchant: Mapping[str, Any]) -> list[Record]:
    """Controls over declined transactions alone (`approvals_only` false), or in another currency, forbid no purchase."""
    switched = "deleted = 0 AND active = 1 AND include_purchases = 1 AND approvals_only = 1 AND currency_code = ?"
    controls = []
    for column in ("user_token", "card_product_token"):
        controls += select(desk, TABLE, f"{column} = ? AND {switched} ORDER BY seq", (card[column], CURRENCY))
    return [one for one in controls if all(merchant.get(name) == value for name, value in one["merchant_scope"].items())]


def _check(desk: Desk, control: Mapping[str, Any]) -> None:
    user, product = control.get("user_token"), control.get("card_product_token")
    if not user and not product:
        raise Refuses(Kind.FORBIDDEN, "A program-level velocity control takes the Program Manager role")
    if user and product:
        raise Refuses(Kind.INVALID, "Invalid input(s): pass either card_product_token or user_token, not both")
    if user:
        get(desk, "marqeta_users", user, Kind.INVALID)
    else:
        get(desk, "marqeta_products", product or "", Kind.INVALID)
    if control["velocity_window"] == "TRANSACTION" and control["usage_limit"] != UNLIMITED:
        raise Refuses(Kind.INVALID, "Invalid input(s): no usage_limit with a velocity_window of TRANSACTION")
    if len(control["merchant_scope"]) > 1:
        raise Refuses(Kind.INVALID, "Invalid input(s): merchant_scope takes one of mcc, mcc_group and mid")
