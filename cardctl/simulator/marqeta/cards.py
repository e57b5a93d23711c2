"""Bank rules of card products and cards: making them, moving a card's state; what cards buy lives in purchases.py."""

from __future__ import annotations

import calendar
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.issuing import luhn_digit
from cardctl.simulator.marqeta.lists import changed, get, made
from cardctl.simulator.marqeta.refusals import Kind, Refuses
from cardctl.simulator.marqeta.users import ACTIVE
from cardctl.simulator.rows import Record

ALLOWED = {
    "UNACTIVATED": ("ACTIVE", "SUSPENDED", "TERMINATED"),
    "ACTIVE": ("SUSPENDED", "LIMITED", "TERMINATED"),
    "SUSPENDED": ("ACTIVE", "LIMITED", "TERMINATED"),
    "LIMITED": ("ACTIVE", "SUSPENDED", "TERMINATED"),
    "TERMINATED": (),
}
"""UNCONFIRMED as a whole; that TERMINATED is final agrees with all that was seen."""

_TYPES = {"SUSPENDED": "state.suspended", "TERMINATED": "state.terminated", "LIMITED": "state.limited"}
_BIN = "111111"  # every sandbox card begins so
_DEFAULT_OFFSET = {"unit": "YEARS", "value": 4}
_FULFILLMENT: Record = {
    "payment_instrument": "PHYSICAL_MSR",
    "allow_card_creation": True,
    "card_personalization": {"text": {"name_line_1": {}}},
}
_SECONDS = {"DAYS": 86400, "HOURS": 3600, "MINUTES": 60, "SECONDS": 1}


def make_product(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """A new card product; `active` does not decide whether cards can be made of it."""
    config = wish.get("config", {})
    filled = {**config, "fulfillment": {**_FULFILLMENT, **config.get("fulfillment", {})}}
    return made(desk, "marqeta_products", {"active": False, **wish, "config": filled})


def issue_card(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """A new card, UNACTIVATED unless its product activates upon issue.

    One user may have several: a setting of the programme, which this one has. A card with the number of another one
    (`reissue_pan_from_card_token`) retires it when it is activated; one that comes in its place (`new_pan_from_card_token`)
    retires it at once.
    """
    user = get(desk, "marqeta_users", wish["user_token"], Kind.INVALID)
    product = get(desk, "marqeta_products", wish["card_product_token"], Kind.INVALID)
    config = product["config"]
    if not config["fulfillment"]["allow_card_creation"]:
        raise Refuses(Kind.INVALID, "Card product does not allow card creation")
    number = _number(desk, wish.get("reissue_pan_from_card_token"))
    card = made(
        desk,
        "marqeta_cards",
        {
            "expedite": False,
            "metadata": {},
            **{name: value for name, value in wish.items() if name != "expiration_offset"},
            "state": "UNACTIVATED",
            "state_reason": "New card",
            "fulfillment_status": "ISSUED",
            "instrument_type": config["fulfillment"]["payment_instrument"],
            "pan": number,
            "last_four": number[-4:],
            "cvv_number": f"{secrets.randbelow(1000):03d}",
            "barcode": "".join(str(secrets.randbelow(10)) for _ in range(20)),
            "pin_is_set": False,
            **_expiry(desk.now, wish.get("expiration_offset") or _offset_of(config)),
        },
    )
    _record(desk, card, "fulfillment.issued", {"channel": "API", "reason": "New card"})
    if wish.get("new_pan_from_card_token"):
        _retire(desk, wish["new_pan_from_card_token"], "10", "Replaced by a new card")
    if config.get("card_life_cycle", {}).get("activate_upon_issue") and user["status"] in ACTIVE:
        _go(desk, card, "ACTIVE", {"channel": "SYSTEM", "reason": "Activated upon issue", "reason_code": "00"})
    return get(desk, "marqeta_cards", card["ref"])


def change_card(desk: Desk, ref: str, changes: Mapping[str, Any]) -> Record:
    """New values for some fields; its state is none of them."""
    get(desk, "marqeta_cards", ref)
    if "user_token" in changes:
        get(desk, "marqeta_users", changes["user_token"], Kind.INVALID)
    return changed(desk, "marqeta_cards", ref, changes)


def present(desk: Desk, ref: str) -> Record:
    """A card whose number is shown counts as digitally presented."""
    get(desk, "marqeta_cards", ref)
    return changed(desk, "marqeta_cards", ref, {"fulfillment_status": "DIGITALLY_PRESENTED"})


def move_card(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """Another state; returns the transition. UNCONFIRMED: that a move which is not allowed is a 400."""
    card = get(desk, "marqeta_cards", wish["card_token"], Kind.INVALID)
    if wish["state"] not in ALLOWED.get(card["state"], ()):
        raise Refuses(Kind.INVALID, f"A card cannot go from {card['state']} to {wish['state']}")
    user = get(desk, "marqeta_users", card["user_token"])
    if wish["state"] == "ACTIVE" and user["status"] not in ACTIVE:
        raise Refuses(Kind.RULE, "Cardholder not active")
    return _go(desk, card, wish["state"], wish)


def _go(desk: Desk, card: Record, state: str, why: Mapping[str, Any]) -> Record:
    fresh = "state.activated" if card["state"] == "UNACTIVATED" else "state.reinstated"
    reason = why.get("reason") or f"Card {state.lower()}"
    changes = {"state": state, "state_reason": reason, "reason_code": why.get("reason_code")}
    after = changed(desk, "marqeta_cards", card["ref"], changes)
    source = card["reissue_pan_from_card_token"]
    keeps = (card["activation_actions"] or {}).get("terminate_reissued_source_card") is False
    if state == "ACTIVE" and fresh == "state.activated" and source and not keeps:
        _retire(desk, source, "01", "Reissued")
    return _record(desk, after, _TYPES.get(state, fresh), why)


def _retire(desk: Desk, ref: str, code: str, reason: str) -> None:
    card = get(desk, "marqeta_cards", ref, Kind.INVALID)
    if card["state"] != "TERMINATED":
        _go(desk, card, "TERMINATED", {"channel": "SYSTEM", "reason": reason, "reason_code": code})


def _record(desk: Desk, card: Record, kind: str, why: Mapping[str, Any]) -> Record:
    """A transition shows the card as it was then."""
    shown = ("fulfillment_status", "card_product_token", "last_four", "pan", "expiration", "expiration_time", "barcode")
    snapshot = {name: card[name] for name in (*shown, "pin_is_set", "expedite", "metadata")}
    snapshot["pan"] = masked(card["pan"])
    given = {"ref": why.get("ref"), "fingerprint": why.get("fingerprint"), "channel": why["channel"]}
    given |= {"reason": why.get("reason"), "reason_code": why.get("reason_code")}
    about = {"card_token": card["ref"], "user_token": card["user_token"], "state": card["state"], "type": kind}
    return made(desk, "marqeta_card_transitions", {**given, **about, "card": snapshot})


def masked(pan: str) -> str:
    """First six, six underscores, last four."""
    return f"{pan[:6]}______{pan[-4:]}"


def _number(desk: Desk, source: str | None) -> str:
    if source is not None:
        return str(get(desk, "marqeta_cards", source, Kind.INVALID)["pan"])
    digits = _BIN + "".join(str(secrets.randbelow(10)) for _ in range(9))
    return digits + luhn_digit(digits)


def _offset_of(config: Mapping[str, Any]) -> Mapping[str, Any]:
    offset = config.get("card_life_cycle", {}).get("expiration_offset") or {}
    return {**_DEFAULT_OFFSET, **offset}


def _expiry(now: int, offset: Mapping[str, Any]) -> Record:
    """The end of a month for an offset in years or months. UNCONFIRMED: that one in days or less ends to the second."""
    unit, value = offset["unit"], offset["value"]
    begin = datetime.fromtimestamp(now, UTC)
    try:
        end = begin + timedelta(seconds=value * _SECONDS[unit]) if unit in _SECONDS else _month_end(begin, unit, value)
    except (OverflowError, ValueError):
        raise Refuses(Kind.INVALID, "Invalid input(s): expiration_offset") from None
    return {"expiration": end.strftime("%m%y"), "expiration_time": int(end.timestamp())}


def _month_end(begin: datetime, unit: str, value: int) -> datetime:
    months = begin.year * 12 + begin.month - 1 + value * (12 if unit == "YEARS" else 1)
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return datetime(year, month + 1, last, 23, 59, 59, tzinfo=UTC)
