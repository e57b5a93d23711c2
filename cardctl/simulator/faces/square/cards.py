"""/v2/cards: save, find, list and disable cards on file."""

from __future__ import annotations

from cardctl.simulator.faces.square import objects
from cardctl.simulator.faces.square.calls import SORT, Call, Endpoint, listed
from cardctl.simulator.faces.square.parameters import ADDRESS, KEY, Fields, flag, text, whole
from cardctl.simulator.rows import Record
from cardctl.simulator.square import cards
from cardctl.simulator.square.lists import Condition, Order, page
from cardctl.simulator.square.tables import CARDS

MOST = 25
"""CONFIRMED: at most so many a page, and no limit to ask for."""

_PATH = "/v2/cards"
_ONE = f"{_PATH}/{{card_id}}"
_CARD = Fields(
    {
        "customer_id": text(192),
        "cardholder_name": text(96),
        "billing_address": ADDRESS,
        "reference_id": text(128),
        "exp_month": whole,
        "exp_year": whole,
        "version": whole,
    }
)
_CREATE = Fields(
    {"idempotency_key": KEY, "source_id": text(16384, 1), "verification_token": text(), "card": _CARD},
    required=("idempotency_key", "source_id", "card"),
)


def _save(call: Call) -> Record:
    return {"card": objects.card(cards.save(call.desk, call.merchant, call.body["source_id"], call.body["card"]))}


def _retrieve(call: Call) -> Record:
    return {"card": objects.card(cards.card(call.desk, call.merchant, call.ref))}


def _disable(call: Call) -> Record:
    return {"card": objects.card(cards.disable(call.desk, call.merchant, call.ref))}


def _list(call: Call) -> Record:
    conditions: list[Condition] = [("forgotten = 0", [])]
    if not call.query.get("include_disabled"):
        conditions.append(("enabled = 1", []))
    conditions += [(f"{name} = ?", [call.query[name]]) for name in ("customer_id", "reference_id") if name in call.query]
    order = Order("made", call.query.get("sort_order") == "DESC")
    found = page(call.desk, CARDS, call.merchant, conditions, order, MOST, call.query.get("cursor"))
    return listed("cards", found, objects.cards(call.desk, found.rows))


ENDPOINTS = (
    Endpoint("POST", _PATH, _save, body=_CREATE, keyed=True),
    Endpoint("GET", _PATH, _list, {**SORT, "customer_id": text(), "reference_id": text(), "include_disabled": flag}),
    Endpoint("GET", _ONE, _retrieve),
    Endpoint("POST", f"{_ONE}/disable", _disable),
)
