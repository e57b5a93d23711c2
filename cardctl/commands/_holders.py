"""The options that say who holds cards: name, type, postal address, and how an address is read as one. Runs no command."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cardctl.domain.accounts import Address
from cardctl.errors import BadInput


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
