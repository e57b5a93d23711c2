"""Accounts: whoever holds cards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from cardctl.domain.money import Money


class AccountState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Kyc(StrEnum):
    NONE = "none"
    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Account:
    """An account in our books. `ref` is the provider's, None until it has answered; `balances` one per currency."""

    id: str
    ref: str | None
    external_id: str | None
    provider: str
    programme: str
    environment: str
    name: str
    email: str | None
    state: AccountState
    kyc: Kyc
    compliance_flags: tuple[str, ...]
    balances: tuple[Money, ...]
    created_at: datetime
    updated_at: datetime

    @property
    def balance(self) -> Money | None:
        """The one balance, or None where there is none or currencies differ."""
        return self.balances[0] if len(self.balances) == 1 else None


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address, ISO 3166-1 alpha-2 country."""

    line1: str
    city: str
    postal_code: str
    country: str
    state: str | None = None
    line2: str | None = None


DOCUMENTS = ("id_number", "id_image", "photo")
"""What some providers want for KYC; passed through to them and never kept: the journal has only the names of those given."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a provider needs to know to make an account; each takes of it what it has a use for.

    `birth_date` is YYYY-MM-DD, `id_type` a provider's word (PASSPORT, SSN…). `documents` names which of DOCUMENTS are at hand;
    the documents themselves are asked for when the request is sent (`Handed.document`).
    """

    name: str
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    type: str = "individual"
    address: Address | None = None
    birth_date: str | None = None
    id_type: str | None = None
    house_number: str | None = None
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What is to be changed; None leaves a thing as it is."""

    email: str | None = None
    phone: str | None = None
    address: Address | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class RemoteAccount:
    """A provider's word about an account. `mark` is the operation that last wrote it, `created_by` the one that made it.

    `balances` are its own, where the provider keeps money on accounts; None where it does not, or this answer does not tell.
    """

    ref: str
    name: str
    state: AccountState
    kyc: Kyc
    raw: dict[str, Any]
    email: str | None = None
    external_id: str | None = None
    compliance_flags: tuple[str, ...] = ()
    created_at: datetime | None = None
    mark: str | None = None
    created_by: str | None = None
    balances: tuple[Money, ...] | None = None
