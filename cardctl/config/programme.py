"""programme.toml: read and checked whole before anything is done; BadFile names every fault with its place."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from cardctl.config.document import nearest
from cardctl.domain.accounts import Address, NewAccount
from cardctl.domain.cards import Limits
from cardctl.domain.money import Money, exponent
from cardctl.domain.programme import DeclaredAccount, DeclaredCard
from cardctl.errors import BadFile, BadInput

_Text = Annotated[str, Field(min_length=1, pattern=r"\S")]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Address(_Table):
    line1: _Text
    city: _Text
    postal_code: _Text
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    state: str | None = None
    line2: str | None = None


class _Limits(_Table):
    per_transaction: str | None = None
    daily: str | None = None
    weekly: str | None = None
    monthly: str | None = None


class _Card(_Table):
    key: _Text
    currency: str = "USD"
    type: Literal["virtual", "physical"] = "virtual"
    fund_to: str | None = None
    limits: _Limits = _Limits()
    state: Literal["active", "inactive", "frozen", "closed"] = "active"

    @model_validator(mode="after")
    def _amounts_are_amounts(self) -> _Card:
        faults = [
            f"{place}: {fault}" for place, text in self._amounts().items() if (fault := _amount_fault(text, self.currency))
        ]
        fault = _amount_fault("0", self.currency)
        if fault or faults:
            raise PydanticCustomError("amount", "{faults}", {"faults": f"currency: {fault}" if fault else "; ".join(faults)})
        return self

    def _amounts(self) -> dict[str, str]:
        told = {"fund_to": self.fund_to} | {f"limits.{name}": text for name, text in self.limits.model_dump().items()}
        return {place: text for place, text in told.items() if text is not None}

    def declared(self) -> DeclaredCard:
        amounts = {place: Money.parse(text, self.currency) for place, text in self._amounts().items()}
        fund_to = amounts.pop("fund_to", None)
        limits = Limits(**{place.removeprefix("limits."): amount for place, amount in amounts.items()})
        return DeclaredCard(self.key, self.currency, self.type, fund_to, limits, self.state)


class _Account(_Table):
    external_id: _Text
    name: _Text
    email: str | None = None
    phone: str | None = None
    type: Literal["individual", "company"] = "individual"
    address: _Address | None = None
    cards: tuple[_Card, ...] = Field(default=(), strict=False)

    def declared(self) -> DeclaredAccount:
        address = Address(**self.address.model_dump()) if self.address else None
        wanted = NewAccount(self.name, self.external_id, self.email, self.phone, self.type, address)
        return DeclaredAccount(wanted, tuple(card.declared() for card in self.cards))


class _Programme(_Table):
    accounts: tuple[_Account, ...] = Field(strict=False)


def read_programme(file: Path) -> tuple[DeclaredAccount, ...]:
    """The accounts that `file` declares, in its order; BadFile (2) where anything in it is wrong."""
    try:
        document = tomllib.loads(file.read_text("utf-8"))
        programme = _Programme.model_validate(document)
    except OSError as error:
        raise BadFile(f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadFile(f"{file}: {error}") from None
    except RecursionError:
        raise BadFile(f"{file}: nested too deeply") from None
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise BadFile(f"{file}: " + "; ".join(_fault(fault) for fault in faults)) from None
    declared = tuple(account.declared() for account in programme.accounts)
    _check_unique(file, declared)
    return declared


def _check_unique(file: Path, declared: tuple[DeclaredAccount, ...]) -> None:
    names = Counter(account.external_id for account in declared)
    keys = Counter(f"{account.external_id}/{card.key}" for account in declared for card in account.cards)
    twice = [name for name, count in (names | keys).items() if count > 1]
    if twice:
        raise BadFile(f"{file}: declared more than once: {', '.join(twice)}")


def _amount_fault(text: str, currency: str) -> str | None:
    try:
        exponent(currency)
        Money.parse(text, currency)
    except BadInput as error:
        return error.message
    return None


def _fault(fault: ErrorDetails) -> str:
    at = ".".join(f"[{part}]" if isinstance(part, int) else str(part) for part in fault["loc"]).replace(".[", "[")
    if fault["type"] == "extra_forbidden":
        return f"unknown key {at}{nearest(str(fault['loc'][-1]), _keys(fault['loc'][:-1]))}"
    return f"{at} is missing" if fault["type"] == "missing" else f"{at}: {fault['msg']}"


def _keys(at: tuple[int | str, ...]) -> list[str]:
    tables: dict[str, Any] = {"": _Programme, "accounts": _Account, "cards": _Card, "limits": _Limits, "address": _Address}
    names = [part for part in at if isinstance(part, str)]
    return list(tables[names[-1] if names else ""].model_fields)
