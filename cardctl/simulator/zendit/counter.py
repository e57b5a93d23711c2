"""What Zendit's staff does behind the wire, and what a partner does in its console; a visit may come without a face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.errors import BadInput
from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record
from cardctl.simulator.zendit import hooks, purchases, settling, topping_up, wallet
from cardctl.simulator.zendit.tables import LEDGER, OFFERS, PURCHASES, TOPUPS
from cardctl.simulator.zendit.words import FACE

__all__ = ["ALIASES", "FACE", "FIELDS", "SETTINGS", "follow", "set_up", "settle"]

ALIASES = {
    "cost.fixed": "cost_fixed",
    "cost.fee": "cost_fee",
    "price.fixed": "price_fixed",
    "price.fee": "price_fee",
    "cost": "costBase",
    "price": "priceBase",
}
"""Other names of fields that staff may use."""

_OBJECT = {"deleted": "flag", "created": "whole"}
FIELDS: dict[str, dict[str, str]] = {
    OFFERS: {
        **_OBJECT,
        **dict.fromkeys(("cost.fixed", "cost.fee", "price.fixed", "price.fee", *list(ALIASES.values())[:4]), "amount"),
        **dict.fromkeys(("enabled", "codeless", "dataUnlimited"), "flag"),
        **dict.fromkeys(("takes", "currencyDivisor", "durationDays"), "whole"),
        **dict.fromkeys(("brand", "brandName", "currency", "notes"), "word"),
        **dict.fromkeys(("country", "failure"), "maybe"),
        **dict.fromkeys(("regions", "subTypes", "dataSpeeds"), "list"),
    },
    PURCHASES: {
        **_OBJECT,
        **dict.fromkeys(("cost", "costBase", "costFee", "price", "priceBase", "priceFee"), "amount"),
        **dict.fromkeys(("status", "currency", "offerId"), "word"),
        **dict.fromkeys(("takes", "pace", "currencyDivisor", "usedMB"), "whole"),
        **dict.fromkeys(("due", "installedAt"), "maybe_whole"),
        **dict.fromkeys(("failure", "iccid", "smdpAddress"), "maybe"),
        "activationCode": "secret",
        "codeless": "flag",
    },
    LEDGER: {
        **_OBJECT,
        **dict.fromkeys(("status", "currency", "productType", "type", "transactionId"), "word"),
        **dict.fromkeys(("due", "finished"), "maybe_whole"),
        "amount": "amount",
    },
    TOPUPS: {**_OBJECT, **dict.fromkeys(("status", "currency"), "word"), "amount": "amount", "due": "maybe_whole"},
}
"""Table to what `simulator edit` may set: the wire's field name to how its value is read (amount: minor units; `due`,
`installedAt` and `finished` in Unix seconds). `failure` is the code that a purchase is to fail with, `takes` the seconds that
it is IN_PROGRESS. An entry of the ledger is called `ledger:` and its transactionId, and nothing follows what is edited
there."""

SETTINGS = ("pace", "topup_pace", "webhook_header")
"""What may be set on `zendit` itself: seconds between a purchase's states, seconds until a top-up is in the wallet, and the
name of the header that proves a webhook."""


def follow(desk: Desk, table: str, before: Record, columns: Mapping[str, Any]) -> Record:
    """What changes with edited columns: of a purchase the wallet, the ledger and what was bought go with its state and cost. A
    state that staff have set stays until they set another, or a time when it is `due`."""
    if table not in FIELDS:
        return {}
    halts = "status" in columns and "due" not in columns and "due" in before
    changes: Record = {"updated": desk.now, **({"due": None} if halts else {})}
    if table != PURCHASES or not {"status", "costBase", "costFee", "currencyDivisor"} & columns.keys():
        return changes
    row = {**before, **columns}
    return changes | purchases.entered(desk, row, row["status"], desk.now)


def settle(desk: Desk) -> None:
    """Whatever the clock has brought about."""
    settling.settle(wallet.visit(desk))


def set_up(desk: Desk, name: str, text: str) -> tuple[str, str]:
    """One of SETTINGS, as it was and as it is; BadInput."""
    if name == "webhook_header":
        was = hooks.header(desk)
        hooks.name_header(desk, text)
        return was, text
    if not (text.isascii() and text.isdigit()):
        raise BadInput(f"{text!r} is no number of seconds")
    room = wallet if name == "pace" else topping_up
    was = str(room.pace(desk))
    room.set_pace(desk, int(text))
    return was, text
