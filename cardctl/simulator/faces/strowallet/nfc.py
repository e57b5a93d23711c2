"""Product B: KYC and NFC cards at ziiropay.com, and the older form of the same names at strowallet.com.

Ids come back under `response`, `data` or at the top (all three were seen): here under `response` from cardkyc, at the top from
cardkycstatus, under `data` from the others. UNCONFIRMED: which does which.
"""

from __future__ import annotations

from cardctl.simulator.faces.strowallet import objects, parameters
from cardctl.simulator.faces.strowallet.calls import CARD, CARD_AND_AMOUNT, NO_MODE, STROWALLET, ZIIROPAY, Call, Endpoint
from cardctl.simulator.faces.strowallet.errors import NFC
from cardctl.simulator.faces.strowallet.parameters import Field, alpha_3, amount, email, long_address, one_of, text
from cardctl.simulator.rows import NoSuch, Record
from cardctl.simulator.strowallet import cards, customers, funding
from cardctl.simulator.strowallet.history import rows_of
from cardctl.simulator.strowallet.tables import CUSTOMERS
from cardctl.simulator.strowallet.words import FROZEN, PENDING

_BOTH = (STROWALLET, ZIIROPAY)
_LONGEST = 50
"""Rows of nfc-card-transactions. UNCONFIRMED."""

_PERSON = {
    **dict.fromkeys(("first_name", "last_name", "id_type", "id_number", "city", "state", "postal_code"), Field(text)),
    "email": Field(email),
    "line1": Field(long_address),
    "country": Field(alpha_3),
}
_KYC = {
    **_PERSON,
    **dict.fromkeys(("phone_number", "dial_code"), Field(text)),
    **dict.fromkeys(("occupation", "employment_status", "account_purpose", "annual_salary"), Field(text)),
    **dict.fromkeys(("expected_monthly_volume", "place_of_birth"), Field(text)),
    "id_front_image": Field(parameters.image),
    "date_of_birth": Field(parameters.iso_date),
    **NO_MODE,
}
_CREATE = {"customer_id": Field(text), "name": Field(text), "amount": Field(amount), **NO_MODE}
_OLD_CREATE = {
    **_PERSON,
    "name": Field(text),
    "dob": Field(parameters.american_date),
    "amount_usd": Field(amount),
    "phone": Field(text),
    **NO_MODE,
}
_ONE = {**CARD, **NO_MODE}
_MOVE = {**CARD_AND_AMOUNT, "type": Field(one_of("fund", "withdraw")), **NO_MODE}
_STATUS = {**CARD, "status": Field(one_of("frozen", "active")), **NO_MODE}

_NAMES = {
    "first_name": "firstName",
    "last_name": "lastName",
    "id_type": "idType",
    "id_number": "idNumber",
    "email": "customerEmail",
    "line1": "line1",
    "city": "city",
    "state": "state",
    "postal_code": "zipCode",
    "country": "country",
    "phone_number": "phoneNumber",
    "phone": "phoneNumber",
    "date_of_birth": "dateOfBirth",
    "dob": "dateOfBirth",
}
"""Parameter to column; what else was asked is not kept."""


def _kyc(call: Call) -> Record:
    """Answers pending, though the customer is approved at once."""
    row = customers.enrol(call.desk, call.world, _columns(call))
    return {"success": True, "message": "KYC submitted", "response": {"customer_id": row["ref"], "status": PENDING}}


def _kyc_status(call: Call) -> Record:
    row = customers.with_email(call.desk, call.world, call.params["email"])
    if row is None:
        raise NoSuch(CUSTOMERS, call.params["email"])
    return {"success": True, "customer_id": row["ref"], "status": row["status"]}


def _create(call: Call) -> Record:
    holder = customers.customer(call.desk, call.world, call.params["customer_id"])
    return _issued(call, holder, call.params["amount"])


def _old_create(call: Call) -> Record:
    """The older form has no KYC step: whoever is new is enrolled on the way."""
    holder = customers.with_email(call.desk, call.world, call.params["email"])
    return _issued(call, holder or customers.enrol(call.desk, call.world, _columns(call)), call.params["amount_usd"])


def _detail(call: Call) -> Record:
    row = cards.card_of(call.desk, call.world, call.params["card_id"])
    return {"success": True, "response": {"card_detail": objects.card_detail(call.desk, row)}}


def _history(call: Call) -> Record:
    return objects.history(rows_of(call.desk, cards.card_of(call.desk, call.world, call.params["card_id"]), _LONGEST))


def _move(call: Call) -> Record:
    card = cards.card_of(call.desk, call.world, call.params["card_id"])
    move = funding.fund if call.params["type"] == "fund" else funding.withdraw
    row = move(call.desk, card, call.params["amount"])
    message = f"Card {call.params['type']} in progress"
    return {"success": True, "message": message, "data": {"status": PENDING, "reference": row["reference"]}}


def _turn(call: Call) -> Record:
    """A write, though ziiropay.com takes it by GET."""
    card = cards.card_of(call.desk, call.world, call.params["card_id"])
    turn = cards.freeze if call.params["status"] == FROZEN else cards.unfreeze
    turn(call.desk, card)
    return {"success": True, "message": "Card status request was successful"}


def _issued(call: Call, holder: Record, cents: int) -> Record:
    row = cards.issue(call.desk, holder, name=call.params["name"], brand="visa", amount=cents)
    return {"success": True, "message": "Card creation in progress", "data": objects.new_card(row)}


def _columns(call: Call) -> dict[str, str | None]:
    return {column: call.params[name] for name, column in _NAMES.items() if name in call.params}


ENDPOINTS = (
    Endpoint("POST", "bitvcard/cardkyc", _KYC, _kyc, NFC, writes=True, sites=(ZIIROPAY,), nfc=True),
    Endpoint(
        "GET", "bitvcard/cardkycstatus", {"email": Field(email), **NO_MODE}, _kyc_status, NFC, sites=(ZIIROPAY,), nfc=True
    ),
    Endpoint("POST", "bitvcard/create-nfc-card", _CREATE, _create, NFC, writes=True, sites=(ZIIROPAY,), nfc=True),
    Endpoint("POST", "bitvcard/create-nfc-card", _OLD_CREATE, _old_create, NFC, writes=True, nfc=True),
    Endpoint("GET", "bitvcard/fetch-nfccard-detail", _ONE, _detail, NFC, sites=_BOTH, nfc=True),
    Endpoint("GET", "bitvcard/nfc-card-transactions", _ONE, _history, NFC, sites=_BOTH, nfc=True),
    Endpoint("POST", "bitvcard/fund-withdraw-nfccard", _MOVE, _move, NFC, writes=True, sites=_BOTH, nfc=True),
    Endpoint("GET", "bitvcard/freezeactivate-nfc", _STATUS, _turn, NFC, writes=True, sites=_BOTH, nfc=True),
    Endpoint("POST", "bitvcard/nfc-cards/status", _STATUS, _turn, NFC, writes=True, sites=_BOTH, nfc=True),
)
