"""programme.toml: read and checked whole before anything is done; BadFile names every fault with its place."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from cardctl.config.document import nearest
from cardctl.domain.accounts import Address, NewAccount
from cardctl.domain.cards import Limits
from cardctl.domain.money import Money, exponent
from cardctl.domain.programme import DeclaredAccount, DeclaredCard
from cardctl.errors import BadFile, BadInput

_Text = Annotated[str, Field(min_length=1)]


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

    def declared(self) -> DeclaredCard:
        exponent(self.currency)
        told = {name: Money.parse(text, self.currency) for name, text in self.limits.model_dump().items() if text is not None}
        fund_to = Money.parse(self.fund_to, self.currency) if self.fund_to is not None else None
        return DeclaredCard(self.key, self.currency, self.type, fund_to, Limits(**told), self.state)


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
        declared = tuple(account.declared() for account in programme.accounts)
    except OSError as error:
        raise BadFile(f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadFile(f"{file}: {error}") from None
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise BadFile(f"{file}: " + "; ".join(_fault(fault) for fault in faults)) from None
    except BadInput as error:
        raise BadFile(f"{file}: {error.message}", hint=error.hint) from None
    _check_unique(file, declared)
    return declared


def _check_unique(file: Path, declared: tuple[DeclaredAccount, ...]) -> None:
    names = Counter(account.external_id for account in declared)
    keys = Counter(f"{account.external_id}/{card.key}" for account in declared for card in account.cards)
    twice = [name for name, count in (names | keys).items() if count > 1]
    if twice:
        raise BadFile(f"{file}: declared more than once: {', '.join(twice)}")


def _fault(fault: ErrorDetails) -> str:
    at = ".".join(f"[{part}]" if isinstance(part, int) else str(part) for part in fault["loc"]).replace(".[", "[")
    if fault["type"] == "extra_forbidden":
        return f"unknown key {at}{nearest(str(fault['loc'][-1]), _keys(fault['loc'][:-1]))}"
    return f"{at} is missing" if fault["type"] == "missing" else f"{at}: {fault['msg']}"


def _keys(at: tuple[int | str, ...]) -> list[str]:
    tables: dict[str, Any] = {"": _Programme, "accounts": _Account, "cards": _Card, "limits": _Limits, "address": _Address}
    names = [part for part in at if isinstance(part, str)]
    return list(tables[names[-1] if names else ""].model_fields)
