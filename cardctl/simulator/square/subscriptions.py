"""Bank rules of webhook subscriptions: who is told of what, with which key; sending to them is not known here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, select, write
from cardctl.simulator.square.lists import changed, get, made
from cardctl.simulator.square.tables import SUBSCRIPTIONS
from cardctl.simulator.square.words import Refused

NOUN = "Subscription"
_TYPES = """
    card.automatically_updated card.created card.disabled card.forgotten card.updated customer.created customer.deleted
    customer.updated dispute.created dispute.state.updated payment.created payment.updated refund.created refund.updated
"""
TYPES = tuple(_TYPES.split())
"""What is told here; Square tells more."""

VERSION = "2025-08-20"


def new_key() -> str:
    """As Square makes them: 22 letters."""
    return secrets.token_urlsafe(16)


def subscribe(desk: Desk, merchant: str, wish: Mapping[str, Any]) -> Record:
    """A new subscription, switched on unless it says otherwise."""
    for name in ("name", "event_types", "notification_url"):
        if not wish.get(name):
            raise Refused("MISSING_REQUIRED_PARAMETER", f"Missing required parameter: {name}.", f"subscription.{name}")
    _check(wish)
    record = {"enabled": True, "api_version": VERSION, **{name: wish[name] for name in wish if wish[name] is not None}}
    record["enabled"] = int(record["enabled"])
    return made(desk, SUBSCRIPTIONS, merchant, {**record, "ref": f"wbhk_{secrets.token_hex(16)}", "signature_key": new_key()})


def subscription(desk: Desk, merchant: str, ref: str) -> Record:
    """Refused where there is none."""
    return get(desk, SUBSCRIPTIONS, merchant, ref, NOUN)


def update(desk: Desk, row: Record, wish: Mapping[str, Any]) -> Record:
    """New values of what is named."""
    _check(wish)
    changes = {name: value for name, value in wish.items() if value is not None}
    if "enabled" in changes:
        changes["enabled"] = int(changes["enabled"])
    return changed(desk, SUBSCRIPTIONS, row, changes)


def rotate(desk: Desk, row: Record) -> Record:
    """A new key; the old one signs nothing any more."""
    return changed(desk, SUBSCRIPTIONS, row, {"signature_key": new_key()})


def delete(desk: Desk, row: Record) -> None:
    write(desk, SUBSCRIPTIONS, row["ref"], {"deleted": 1})


def active(desk: Desk) -> list[Record]:
    """Every seller's, those that are switched on."""
    return select(desk, SUBSCRIPTIONS, "enabled = 1 AND deleted = 0 ORDER BY seq", ())


def _check(wish: Mapping[str, Any]) -> None:
    """Square takes https alone; a test's receiver has no certificate."""
    url = wish.get("notification_url")
    if url is not None and not url.startswith(("http://", "https://")):
        raise Refused("INVALID_VALUE", "The notification_url must be a URL.", "subscription.notification_url")
    for name in wish.get("event_types") or ():
        if name not in TYPES:
            raise Refused("INVALID_ARRAY_VALUE", f"`{name}` is not an event type.", "subscription.event_types")
