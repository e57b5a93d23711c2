"""The options that say who holds cards: name, type, postal address, papers, and how they are read. Runs no command."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cardctl.domain.accounts import Address, Kyc, NewAccount
from cardctl.errors import BadFile, BadInput

if TYPE_CHECKING:
    from cardctl.runtime import Run

_LARGEST = 5 * 1024 * 1024
"""Bytes of one document."""


class AccountType(StrEnum):
    """What --type takes."""

    INDIVIDUAL = "individual"
    COMPANY = "company"


NameOption = Annotated[str, typer.Option("--name", metavar="NAME", help="Who holds the cards.")]
ExternalIdOption = Annotated[
    str | None, typer.Option("--external-id", metavar="ID", help="Your own key for it; one account for each.")
]
EmailOption = Annotated[str | None, typer.Option("--email", metavar="ADDRESS", help="Where the holder is written to.")]
PhoneOption = Annotated[str | None, typer.Option("--phone", metavar="NUMBER", help="With its country code: +14155550100.")]
TypeOption = Annotated[AccountType, typer.Option("--type", help="A person or a company.")]
Line1Option = Annotated[str | None, typer.Option("--line1", metavar="TEXT", help="Address: street and number.")]
Line2Option = Annotated[str | None, typer.Option("--line2", metavar="TEXT", help="Address: flat, floor, building.")]
CityOption = Annotated[str | None, typer.Option("--city", metavar="NAME", help="Address: city.")]
RegionOption = Annotated[
    str | None, typer.Option("--state", metavar="NAME", help="Address: state or province, where it has one.")
]
PostalCodeOption = Annotated[str | None, typer.Option("--postal-code", metavar="CODE", help="Address: postal code.")]
CountryOption = Annotated[str | None, typer.Option("--country", metavar="CODE", help="Address: two letters, such as US.")]

HouseNumberOption = Annotated[
    str | None, typer.Option("--house-number", metavar="TEXT", help="Address: where it is wanted apart.")
]
BirthDateOption = Annotated[str | None, typer.Option("--birth-date", metavar="DATE", help="For KYC: 1990-01-15.")]
IdTypeOption = Annotated[
    str | None, typer.Option("--id-type", metavar="WORD", help="For KYC, in the provider's words: PASSPORT, NIN, SSN.")
]
IdNumberOption = Annotated[
    str | None, typer.Option("--id-number", metavar="-|FILE", help="For KYC: a file with the number, or - to be asked for it.")
]
IdImageOption = Annotated[
    str | None, typer.Option("--id-image", metavar="FILE|URL", help="For KYC: a picture of the document.")
]
PhotoOption = Annotated[str | None, typer.Option("--photo", metavar="FILE|URL", help="For KYC: a picture of the holder.")]
KycOption = Annotated[Kyc | None, typer.Option("--kyc", help="Simulator only: what its staff finds.")]


def birth_date_of(text: str | None) -> str | None:
    """A date as YYYY-MM-DD; BadInput where it is none."""
    try:
        return date.fromisoformat(text).isoformat() if text is not None else None
    except ValueError:
        raise BadInput(f"{text!r} is no date of birth", hint="such as 1990-01-15") from None


def documents_of(run: Run, wanted: NewAccount, id_number: str | None, id_image: str | None, photo: str | None) -> NewAccount:
    """The wish with the names of its documents; the documents themselves are handed to the provider, and kept nowhere."""
    if id_number is not None:
        asked = (
            run.console.hidden("number of the document") if id_number == "-" else _read(id_number).decode("utf-8", "replace")
        )
        run.documents["id_number"] = asked.strip()
    for name, where in (("id_image", id_image), ("photo", photo)):
        if where is not None:
            run.documents[name] = where if where.startswith("https://") else base64.b64encode(_read(where)).decode()
    return replace(wanted, documents=tuple(sorted(run.documents)))


def _read(path: str) -> bytes:
    try:
        with Path(path).expanduser().open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise BadFile(f"cannot read {path}: {error.strerror or error}") from None
    if not 0 < len(content) <= _LARGEST:
        raise BadFile(f"{path} is empty, or larger than {_LARGEST // (1 << 20)} MiB")
    return content


def address_of(**told: str | None) -> Address | None:
    """None where no part was told; BadInput where it is not whole."""
    given = {name: text.strip() for name, text in told.items() if text is not None}
    if not given:
        return None
    missing = [name for name in ("line1", "city", "postal_code", "country") if not given.get(name)]
    if missing:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise BadInput(f"the address is not whole: {options} missing")
    country = given["country"].upper()
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise BadInput(f"{country!r} is no country", hint="two letters of ISO 3166-1, such as US")
    return Address(**{**given, "country": country})
