"""Bank rules of holds: completing, cancelling, changing them, and what happens by itself when their time is over; no wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, select
from cardctl.simulator.square.lists import changed, moment, visit
from cardctl.simulator.square.sources import standing
from cardctl.simulator.square.tables import CARDS, PAYMENTS
from cardctl.simulator.square.words import APPROVED, CANCELED, CAPTURED, COMPLETED, FAILED, VOIDED, Refused

_WHY_NOT = {COMPLETED: "CAPTURED", CANCELED: "CANCELED", FAILED: "FAILED"}
_DUE = "status = 'APPROVED' AND delayed_until IS NOT NULL AND delayed_until <= ? AND deleted = 0"


def complete(desk: Desk, row: Record, version_token: str | None = None) -> Record:
    """Captures an approved payment, whole as it stands. Refused for any other, and for a version that is not the last."""
    check_open(row)
    _check_token(row, version_token)
    at = moment(desk, row["updated"])
    return changed(desk, PAYMENTS, row, {"status": COMPLETED, "card_status": CAPTURED, "captured_at": at, "updated": at})


def cancel(desk: Desk, row: Record) -> Record:
    """Voids an approved payment. Refused for any other."""
    check_open(row)
    return _void(desk, row, moment(desk, row["updated"]))


def update(desk: Desk, row: Record, wish: Mapping[str, Any]) -> Record:
    """New `amount_money`, `tip_money` (None: no tip) or `delay_action` of an approved payment. More than was approved is asked
    of the card's bank again. UNCONFIRMED: that it says yes whenever it would to a new charge."""
    check_open(row)
    _check_token(row, wish.get("version_token"))
    changes: Record = {}
    if (asked := wish.get("amount_money")) is not None:
        check_currency(asked, row["currency"], "payment.amount_money")
        if asked["amount"] < 1:
            raise Refused("VALUE_TOO_LOW", "The amount must be at least 1.", "payment.amount_money.amount")
        changes["amount"] = asked["amount"]
    if "tip_money" in wish:
        changes["tip"] = _tip(wish["tip_money"], row["currency"])
    if wish.get("delay_action"):
        changes["delay_action"] = wish["delay_action"]
    after = {**row, **changes}
    total = after["amount"] + (after["tip"] or 0)
    if total > row["approved"]:
        _ask_again(desk, row)
        changes["approved"] = total
    return changed(desk, PAYMENTS, row, changes) if changes else row


def any_due(desk: Desk) -> bool:
    """Whether `settle` would do anything."""
    found = desk.db.execute(f"SELECT 1 FROM {PAYMENTS} WHERE {_DUE} LIMIT 1", (desk.now * 1000,)).fetchone()  # noqa: S608
    return found is not None


def settle(desk: Desk) -> None:
    """What was to happen by now happens, at the time at which it was due: holds are voided, or captured."""
    visiting = visit(desk)
    for row in select(visiting, PAYMENTS, f"{_DUE} ORDER BY delayed_until, seq", (desk.now * 1000,)):
        at = max(row["delayed_until"], row["updated"] + 1)
        if row["delay_action"] == "COMPLETE":
            done = {"status": COMPLETED, "card_status": CAPTURED, "captured_at": at, "updated": at}
            changed(visiting, PAYMENTS, row, done)
        else:
            _void(visiting, row, at, lapsed=1)


def check_open(row: Record) -> None:
    """CONFIRMED: the codes. UNCONFIRMED: which of them is for a hold that has lapsed and is then cancelled."""
    if row["status"] != APPROVED:
        word = "EXPIRED" if row["lapsed"] else _WHY_NOT.get(row["status"], "FAILED")
        raise Refused(f"DELAYED_TRANSACTION_{word}", f"The payment `{row['ref']}` is {row['status']}, not APPROVED.")


def check_currency(asked: Mapping[str, Any], currency: str, field: str) -> None:
    """Refused for another currency than that of the payment, and for less than nothing."""
    if asked["currency"] != currency:
        raise Refused("INVALID_VALUE", f"The currency must be {currency}, not {asked['currency']}.", f"{field}.currency")
    if asked["amount"] < 0:
        raise Refused("VALUE_TOO_LOW", "The amount must not be negative.", f"{field}.amount")


def _void(desk: Desk, row: Record, at: int, *, lapsed: int = 0) -> Record:
    gone = {"status": CANCELED, "card_status": VOIDED, "voided_at": at, "updated": at, "lapsed": lapsed}
    return changed(desk, PAYMENTS, row, gone)


def _tip(asked: Mapping[str, Any] | None, currency: str) -> int | None:
    if asked is None:
        return None
    check_currency(asked, currency, "payment.tip_money")
    return int(asked["amount"])


def _ask_again(desk: Desk, row: Record) -> None:
    for card in select(desk, CARDS, "ref = ? AND deleted = 0", (row["card_id"],)):
        if code := standing(card, desk.now):
            raise Refused(code, f"Authorization error: '{code}'")


def _check_token(row: Record, token: str | None) -> None:
    if token is not None and token != row["version_token"]:
        raise Refused("VERSION_MISMATCH", "The version_token is not that of the payment as it is now.", "version_token")
