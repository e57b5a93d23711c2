"""Bank rules of webhook subscriptions: what can be subscribed to, how many may be active; sending to them is not known here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.marqeta.lists import changed, get, made
from cardctl.simulator.marqeta.refusals import Kind, Refuses
from cardctl.simulator.rows import Record, select

MOST_ACTIVE = 5
"""CONFIRMED: active webhooks of one programme. UNCONFIRMED: that a sixth is a 400."""

SHA_256, SHA_1 = "HMAC_SHA_256", "HMAC_SHA_1"
"""Signature algorithms. UNCONFIRMED: the second word; which of the two holds where none is named (here the first)."""

BASES = {
    "transaction": "marqeta_transactions",
    "cardtransition": "marqeta_card_transitions",
    "usertransition": "marqeta_user_transitions",
    "digitalwallettokentransition": "marqeta_wallet_token_transitions",
    "chargebacktransition": "marqeta_chargeback_transitions",
}
"""The first word of an event's name to the table of what it is about."""

SILENT = ("businesstransition", "threedstransition")
"""First words that are documented, and that nothing here is ever told under."""

_TABLE = "marqeta_webhooks"
_PARTS = (r"[0-9]", r"[a-z]", r"[A-Z]", r"[^0-9a-zA-Z]")


def subscribe(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """A new webhook, active unless it says otherwise."""
    _check(wish)
    if wish.get("active", True):
        _check_room(desk, None)
    return made(desk, _TABLE, {"active": True, **wish})


def change_webhook(desk: Desk, ref: str, wish: Mapping[str, Any]) -> Record:
    """New values in place of all of the old ones, but for what the wish does not name."""
    get(desk, _TABLE, ref)
    _check(wish)
    if wish.get("active", True):
        _check_room(desk, ref)
    return changed(desk, _TABLE, ref, {"active": True, **wish})


def set_headers(desk: Desk, ref: str, headers: Mapping[str, str]) -> Record:
    """Adds custom headers, or gives them other values."""
    config = get(desk, _TABLE, ref)["config"]
    return changed(desk, _TABLE, ref, {"config": {**config, "custom_header": {**config.get("custom_header", {}), **headers}}})


def endpoints(desk: Desk) -> list[Record]:
    """Every webhook with its secrets in clear: ref, url, username, password, secret (may be None), algorithm, headers, events,
    active."""
    return [
        {
            "ref": row["ref"],
            "url": row["config"]["url"],
            "username": row["config"]["basic_auth_username"],
            "password": row["config"]["basic_auth_password"],
            "secret": row["config"].get("secret"),
            "algorithm": row["config"].get("signature_algorithm") or SHA_256,
            "headers": row["config"].get("custom_header", {}),
            "events": row["events"],
            "active": bool(row["active"]),
        }
        for row in select(desk, _TABLE, "deleted = 0 ORDER BY seq", ())
    ]


def listens(events: Sequence[str], kind: str) -> bool:
    """Whether a subscription to `events` hears of `kind` (`cardtransition.state.suspended`): all (`*`), a base's (`base.*`), or
    that one by name."""
    base = kind.partition(".")[0]
    return any(event in ("*", f"{base}.*", kind) for event in events)


def _check(wish: Mapping[str, Any]) -> None:
    config = wish["config"]
    password = config["basic_auth_password"]
    if not all(re.search(part, password) for part in _PARTS):
        need = "a digit, a lowercase letter, an uppercase letter and a symbol"
        raise Refuses(Kind.INVALID, f"Invalid input(s): config.basic_auth_password needs {need}")
    if not config["url"].startswith(("https://", "http://")):  # https alone at Marqeta; a test's receiver has no certificate
        raise Refuses(Kind.INVALID, "Invalid input(s): config.url")
    if config.get("signature_algorithm", SHA_256) not in (SHA_256, SHA_1):
        raise Refuses(Kind.INVALID, "Invalid input(s): config.signature_algorithm")
    for event in wish["events"]:
        _check_event(event)
    if not wish["events"]:
        raise Refuses(Kind.INVALID, "Invalid input(s): events")


def _check_event(event: str) -> None:
    """CONFIRMED: a wildcard stands right behind the base. UNCONFIRMED: that a base which is not known is refused."""
    base, _, rest = event.partition(".")
    known = event == "*" or (base in (*BASES, *SILENT) and rest)
    if not known or ("*" in rest and rest != "*"):
        raise Refuses(Kind.INVALID, f"Invalid input(s): events ({event})")


def _check_room(desk: Desk, own: str | None) -> None:
    active = select(desk, _TABLE, "active = 1 AND deleted = 0 AND ref IS NOT ?", (own,))
    if len(active) >= MOST_ACTIVE:
        raise Refuses(Kind.INVALID, f"A program has at most {MOST_ACTIVE} active webhooks")
