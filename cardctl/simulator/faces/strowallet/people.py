"""Customers of product A: create-user, getcardholder, updateCardCustomer, upgradecardlimit."""

from __future__ import annotations

from cardctl.simulator.faces.strowallet import objects
from cardctl.simulator.faces.strowallet.calls import Call, Endpoint
from cardctl.simulator.faces.strowallet.errors import PEOPLE
from cardctl.simulator.faces.strowallet.parameters import Field, american_date, digits, email, one_of, text
from cardctl.simulator.rows import NoSuch, Record
from cardctl.simulator.strowallet import customers
from cardctl.simulator.strowallet.tables import CUSTOMERS
from cardctl.simulator.strowallet.words import Refused

_ID_TYPES = one_of("BVN", "NIN", "PASSPORT", "DRIVING_LICENSE", "DRIVERS_LICENSE")
_CHANGES = {
    **dict.fromkeys(("firstName", "lastName", "line1", "houseNumber", "city", "state", "zipCode", "country"), text),
    **dict.fromkeys(("idImage", "userPhoto"), text),  # an address or base64; nothing is fetched
    "phoneNumber": digits,
}
_NEW = {**_CHANGES, "customerEmail": email, "dateOfBirth": american_date, "idType": _ID_TYPES, "idNumber": text}

_CREATE = {name: Field(kind) for name, kind in _NEW.items()}
_FIND = {"customerId": Field(text, required=False), "customerEmail": Field(email, required=False)}
_UPDATE = {"customerId": Field(text), **{name: Field(kind, required=False) for name, kind in _CHANGES.items()}}
_UPGRADE = {
    **dict.fromkeys(("customerId", "cardUserId", "firstName", "lastName", "line1"), Field(text)),
    "dateOfBirth": Field(american_date),
}


def _create(call: Call) -> Record:
    row = customers.enrol(call.desk, call.world, call.params)
    return {"success": True, "message": "successfully registered user", "response": objects.customer(row)}


def _find(call: Call) -> Record:
    """CONFIRMED: under `data`, not `response`. Where id and address are both sent, both must fit."""
    ref, address = call.params.get("customerId"), call.params.get("customerEmail")
    if ref is None and address is None:
        raise Refused("customerId or customerEmail is required")
    row = customers.with_email(call.desk, call.world, address) if address else None
    if ref is not None and address is None:
        row = customers.customer(call.desk, call.world, ref)
    if row is None or ref not in (None, row["ref"]):
        raise NoSuch(CUSTOMERS, ref or address or "")
    return {"success": True, "data": objects.cardholder(row)}


def _update(call: Call) -> Record:
    changes = {name: value for name, value in call.params.items() if name != "customerId"}
    row = customers.update(call.desk, call.world, call.params["customerId"], changes)
    return {"success": True, "message": "Customer updated successfully", "response": objects.customer(row)}


def _upgrade(call: Call) -> Record:
    """No effect is documented, and there is none here."""
    customers.customer(call.desk, call.world, call.params["customerId"])
    return {"success": True, "message": "Card limit upgrade requested"}


ENDPOINTS = (
    Endpoint("POST", "bitvcard/create-user", _CREATE, _create, PEOPLE, writes=True),
    Endpoint("GET", "bitvcard/getcardholder", _FIND, _find),
    Endpoint("PUT", "bitvcard/updateCardCustomer", _UPDATE, _update, PEOPLE, writes=True),
    Endpoint("PUT", "bitvcard/upgradecardlimit", _UPGRADE, _upgrade, PEOPLE, writes=True),
)
