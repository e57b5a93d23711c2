"""Customers as Strowallet wants to know them: the bodies of the two products' KYC; documents are only named in a draft."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from cardctl.domain.accounts import DOCUMENTS, AccountChange, Address, NewAccount
from cardctl.errors import BadInput, ProviderUnavailable, Unsupported
from cardctl.providers.strowallet.countries import alpha3

DOCUMENT = "$document"
"""Stands in a draft for a document, which is put in when the draft is sent: {"$document": "id_image"}."""

_MADE_UP_ADDRESS = Address(line1="1 Development Way", city="Ikeja", postal_code="100001", country="NG", state="Lagos")
_MADE_UP_DOCUMENTS = {
    "id_number": "A00000000",
    "id_image": "https://example.com/id.jpg",
    "photo": "https://example.com/photo.jpg",
}
_MADE_UP_NFC = {  # what the NFC product's KYC also asks, and no option of ours holds
    "dial_code": "+234",
    "occupation": "Engineer",
    "employment_status": "employed",
    "account_purpose": "personal",
    "annual_salary": "10000",
    "expected_monthly_volume": "1000",
    "place_of_birth": "Ikeja",
}
_DOCUMENT_OPTIONS = {"id_number": "--id-number", "id_image": "--id-image", "photo": "--photo"}
_BITVCARD_DOCUMENTS, _NFC_DOCUMENTS = DOCUMENTS, ("id_number", "id_image")


def customer_body(wanted: NewAccount, *, made_up: str | None) -> dict[str, Any]:
    """The body of create-user, all of which is required. BadInput names everything that is missing.

    `made_up` is the operation's mark in the simulator, where what is missing is made up; None elsewhere.
    """
    whole = _whole(wanted, _BITVCARD_DOCUMENTS, house=True, made_up=made_up)
    address = _address(whole)
    first, last = _names(whole.name)
    documents = {name: _document(whole, name) for name in _BITVCARD_DOCUMENTS}
    return {
        "firstName": first,
        "lastName": last,
        "customerEmail": str(whole.email),
        "phoneNumber": _digits(str(whole.phone)),
        "dateOfBirth": _born(whole).strftime("%m/%d/%Y"),
        "idType": str(whole.id_type).upper(),
        "idNumber": documents["id_number"],
        "idImage": documents["id_image"],
        "userPhoto": documents["photo"],
        "houseNumber": str(whole.house_number),
        **_address_to_wire(address),
    }


def nfc_customer_body(wanted: NewAccount, *, made_up: str | None) -> dict[str, Any]:
    """The body of cardkyc. What it also asks and no option of ours holds is left out, for its own refusal to name; in the
    simulator it is made up."""
    whole = _whole(wanted, _NFC_DOCUMENTS, house=False, made_up=made_up)
    address = _address(whole)
    first, last = _names(whole.name)
    return {
        "first_name": first,
        "last_name": last,
        "email": str(whole.email),
        "phone_number": _digits(str(whole.phone)),
        "date_of_birth": _born(whole).isoformat(),
        "id_type": str(whole.id_type).upper(),
        "id_number": _document(whole, "id_number"),
        "id_front_image": _document(whole, "id_image"),
        "line1": _line(address),
        "city": address.city,
        "state": str(address.state),
        "postal_code": address.postal_code,
        "country": alpha3(address.country),
        **(_MADE_UP_NFC if made_up else {}),
    }


def change_body(ref: str, change: AccountChange) -> dict[str, Any]:
    """The body of updateCardCustomer: phone and address alone. Unsupported or BadInput for anything else."""
    if change.active is not None:
        verb = "activate" if change.active else "suspend"
        raise Unsupported(f"strowallet cannot {verb} a customer", hint="its KYC alone decides whether a customer is active")
    if change.email is not None:
        raise Unsupported("strowallet cannot change a customer's email")
    if change.phone is None and change.address is None:
        raise BadInput("nothing is to be changed")
    phone = {} if change.phone is None else {"phoneNumber": _digits(change.phone)}
    return {"customerId": ref, **phone, **(_address_to_wire(change.address) if change.address else {})}


def email_of(body: Mapping[str, Any]) -> str:
    """The email in either product's body."""
    return str(body["customerEmail"] if "customerEmail" in body else body["email"])


def name_of(body: Mapping[str, Any]) -> str:
    """The whole name in either product's body."""
    first, last = ("firstName", "lastName") if "firstName" in body else ("first_name", "last_name")
    return f"{body[first]} {body[last]}".strip()


def with_documents(body: Mapping[str, Any], document: Callable[[str], str | None]) -> dict[str, Any]:
    """The body as it is sent. ProviderUnavailable where a document that was named is not at hand: nothing was sent then."""
    named = [value[DOCUMENT] for value in body.values() if isinstance(value, dict)]
    found = {name: document(name) for name in named}
    missing = [_DOCUMENT_OPTIONS.get(name, name) for name, value in found.items() if not value]
    if missing:
        hint = "documents are never kept: make the account again, and name them again"
        raise ProviderUnavailable(f"nothing was sent: {' and '.join(missing)} is not at hand any more", hint=hint)
    return {name: found[value[DOCUMENT]] if isinstance(value, dict) else value for name, value in body.items()}


def _whole(wanted: NewAccount, documents: tuple[str, ...], *, house: bool, made_up: str | None) -> NewAccount:
    """The wish with nothing missing: made up in the simulator, and refused elsewhere with every option that is wanting."""
    if wanted.type != "individual":
        raise BadInput(f"strowallet has no accounts of type {wanted.type!r}", hint="its customers are individuals")
    if made_up:
        return _completed(wanted, made_up)
    address = wanted.address
    given = {
        "--name with a first and a last name": len(wanted.name.split()) > 1,
        "--email": wanted.email,
        "--phone": wanted.phone and _digits(wanted.phone),
        "--birth-date": wanted.birth_date,
        "--id-type": wanted.id_type,
        **{_DOCUMENT_OPTIONS[name]: name in wanted.documents for name in documents},
        "--line1": address and address.line1,
        "--city": address and address.city,
        "--state": address and address.state,
        "--postal-code": address and address.postal_code,
        "--country": address and address.country,
        **({"--house-number": wanted.house_number} if house else {}),
    }
    missing = [option for option, value in given.items() if not value]
    if missing:
        raise BadInput(f"strowallet wants to know more of a customer: {', '.join(missing)}")
    return wanted


def _completed(wanted: NewAccount, mark: str) -> NewAccount:
    stem = re.sub(r"[^a-z0-9]+", "-", (wanted.external_id or wanted.name).lower()).strip("-")[:30] or "holder"
    address = wanted.address or _MADE_UP_ADDRESS
    return replace(
        wanted,
        name=wanted.name if len(wanted.name.split()) > 1 else f"{wanted.name} {wanted.name}",
        email=wanted.email or f"{stem}.{mark}@example.com",
        phone=wanted.phone or "2348000000000",
        birth_date=wanted.birth_date or "1990-01-15",
        id_type=wanted.id_type or "PASSPORT",
        house_number=wanted.house_number or "1",
        address=replace(address, state=address.state or _MADE_UP_ADDRESS.state),
    )


def _document(whole: NewAccount, name: str) -> Any:
    """Its name, for the real one to be put in; a made-up one can only be missing in the simulator."""
    return {DOCUMENT: name} if name in whole.documents else _MADE_UP_DOCUMENTS[name]


def _names(name: str) -> tuple[str, str]:
    first, *rest = name.split()
    return first, " ".join(rest)


def _born(whole: NewAccount) -> date:
    try:
        return date.fromisoformat(str(whole.birth_date))
    except ValueError:
        raise BadInput(f"--birth-date is {whole.birth_date!r}; a date is written YYYY-MM-DD") from None


def _digits(phone: str) -> str:
    """International digits without the +, as Strowallet takes them."""
    return re.sub(r"[^0-9]", "", phone).removeprefix("00")


def _address(whole: NewAccount) -> Address:
    assert whole.address is not None
    return whole.address


def _line(address: Address) -> str:
    return f"{address.line1}, {address.line2}" if address.line2 else address.line1


def _address_to_wire(address: Address) -> dict[str, str]:
    """The country as alpha-2, as the public copy of the reference has it."""
    told = {"line1": _line(address), "city": address.city, "state": address.state, "zipCode": address.postal_code}
    return {name: value for name, value in {**told, "country": address.country}.items() if value}
