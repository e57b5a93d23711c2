"""Bank rules of digital wallet tokens: a card's stand-in in somebody's phone, asked for, provisioned, suspended, ended."""

from __future__ import annotations

import secrets

from cardctl.simulator.desk import Desk
from cardctl.simulator.marqeta.lists import changed, get, made
from cardctl.simulator.marqeta.refusals import Kind, Refuses
from cardctl.simulator.rows import Record

WALLETS = {"apple": "APPLE_PAY", "google": "ANDROID_PAY", "samsung": "SAMSUNG_PAY"}
"""Who asks for a token. UNCONFIRMED: the words of `token_requestor_name`."""

ALLOWED = {
    "REQUESTED": ("ACTIVE", "REQUEST_DECLINED", "TERMINATED"),
    "ACTIVE": ("SUSPENDED", "TERMINATED"),
    "SUSPENDED": ("ACTIVE", "TERMINATED"),
    "REQUEST_DECLINED": (),
    "TERMINATED": (),
}
"""CONFIRMED: the first state, and the two last ones. UNCONFIRMED: the moves between."""

_TABLE = "marqeta_wallet_tokens"
_TYPES = {"SUSPENDED": "state.suspended", "TERMINATED": "state.terminated", "REQUEST_DECLINED": "state.request-declined"}


def request(desk: Desk, card_ref: str, wallet: str) -> Record:
    """A new token of a card, REQUESTED by `wallet` (a key of WALLETS). It does not follow the card afterwards (CONFIRMED)."""
    card = get(desk, "marqeta_cards", card_ref)
    token = made(
        desk,
        _TABLE,
        {
            "card_token": card["ref"],
            "wallet": WALLETS[wallet],
            "state": "REQUESTED",
            "state_reason": "Requested by the wallet",
            "fulfillment_status": "DECISION_GREEN",
            "pan_reference_id": f"V-{secrets.randbelow(10**19):019d}",
        },
    )
    _record(desk, token, "fulfillment.requested", "TOKEN_SERVICE_PROVIDER", "21")
    return token


def move(desk: Desk, ref: str, state: str) -> Record:
    """Another state of a token; the token."""
    token = get(desk, _TABLE, ref)
    if state not in ALLOWED.get(token["state"], ()):
        raise Refuses(Kind.INVALID, f"A digital wallet token cannot go from {token['state']} to {state}")
    fresh = "state.activated" if token["state"] == "REQUESTED" else "state.reinstated"
    fulfilled = {"ACTIVE": "PROVISIONED", "REQUEST_DECLINED": "REJECTED"}.get(state, token["fulfillment_status"])
    changes = {"state": state, "state_reason": f"Token {state.lower()}", "fulfillment_status": fulfilled}
    after = changed(desk, _TABLE, ref, changes)
    _record(desk, after, _TYPES.get(state, fresh), "API", "18" if state == "ACTIVE" else "01")
    return after


def _record(desk: Desk, token: Record, kind: str, channel: str, code: str) -> None:
    about = {name: token[name] for name in ("card_token", "state", "fulfillment_status")}
    why = {"channel": channel, "reason": token["state_reason"], "reason_code": code}
    made(desk, "marqeta_wallet_token_transitions", {**about, **why, "wallet_token": token["ref"], "type": kind})
