"""Cards of product A: create-card, create-giftcard, fetch-card-detail, action/status and the two lists of rows."""

from __future__ import annotations

from cardctl.simulator.faces.strowallet import objects
from cardctl.simulator.faces.strowallet.calls import CARD, MODE, Call, Endpoint
from cardctl.simulator.faces.strowallet.errors import ACTS, CREATES
from cardctl.simulator.faces.strowallet.parameters import Field, amount, email, one_of, text, whole
from cardctl.simulator.rows import NoSuch, Record
from cardctl.simulator.strowallet import cards, customers
from cardctl.simulator.strowallet.history import rows_of
from cardctl.simulator.strowallet.tables import CUSTOMERS

RECENT = 10
"""Rows of card-transactions. UNCONFIRMED: how many; only that it is not all."""

_GIFT = {"name_on_card": Field(text), "amount": Field(amount), "customerEmail": Field(email), **MODE}
_CREATE = {**_GIFT, "card_type": Field(one_of("visa", "mastercard")), "developer_code": Field(text, required=False)}
_ACTION = {**CARD, "action": Field(one_of("freeze", "unfreeze"))}
_LIST = {**CARD, "page": Field(whole(1, 1_000_000), required=False), "take": Field(whole(1, 50), required=False)}


def _create(call: Call) -> Record:
    wish = call.params
    holder = customers.with_email(call.desk, call.world, wish["customerEmail"])
    if holder is None:
        raise NoSuch(CUSTOMERS, wish["customerEmail"])
    brand = wish.get("card_type", "visa")
    row = cards.issue(call.desk, holder, name=wish["name_on_card"], brand=brand, amount=wish["amount"])
    return {"success": True, "message": "Card creation in progress", "response": objects.new_card(row)}


def _detail(call: Call) -> Record:
    row = cards.card_of(call.desk, call.world, call.params["card_id"])
    return {"success": True, "response": {"card_detail": objects.card_detail(call.desk, row)}}


def _act(call: Call) -> Record:
    """Two shapes were seen: `success: true`, and a truthy `status` with a message (even cards). Neither tells the new state."""
    action = call.params["action"]
    card = cards.card_of(call.desk, call.world, call.params["card_id"])
    row = cards.freeze(call.desk, card) if action == "freeze" else cards.unfreeze(call.desk, card)
    message = f"Card {action} request was successful"
    return {"success": True, "message": message} if objects.odd(row) else {"status": "success", "message": message}


def _recent(call: Call) -> Record:
    return objects.history(rows_of(call.desk, cards.card_of(call.desk, call.world, call.params["card_id"]), RECENT))


def _all(call: Call) -> Record:
    """UNCONFIRMED: the shape, here that of card-transactions, with an empty list beyond the last page."""
    card = cards.card_of(call.desk, call.world, call.params["card_id"])
    rows = rows_of(call.desk, card, call.params.get("take", 50), call.params.get("page", 1))
    return {"success": True, "response": {"card_transactions": [objects.transaction(row) for row in rows]}}


ENDPOINTS = (
    Endpoint("POST", "bitvcard/create-card", _CREATE, _create, CREATES, writes=True),
    Endpoint("POST", "bitvcard/create-giftcard", _GIFT, _create, CREATES, writes=True),
    Endpoint("POST", "bitvcard/fetch-card-detail", {**CARD, **MODE}, _detail),
    Endpoint("POST", "bitvcard/action/status", _ACTION, _act, ACTS, writes=True),
    Endpoint("POST", "bitvcard/card-transactions", {**CARD, **MODE}, _recent),
    Endpoint("GET", "apicard-transactions", _LIST, _all),
)
