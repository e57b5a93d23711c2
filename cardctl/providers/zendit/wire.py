"""The JSON fields of Zendit that we use (SDK 1.9.0), any of which may be absent; hosts, paths, and how a log names them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, TypedDict
from urllib.parse import quote

LIVE = "https://api.zendit.io/v1"
TEST = "https://test-api.zendit.io/v1"
TEST_HOST = "test-api.zendit.io"
OWN_DOMAIN = "zendit.io"

BALANCE = "/balance"
OFFERS = "/esim/offers"
PURCHASES = "/esim/purchases"
TRANSACTIONS = "/transactions"
REPORTS = "/reports/transactions"
REFUND = "/refund"
QR_CODE = "/qrcode"

PAGE = 500
"""Rows of a page; a list gives 1024 at most (SDK), and the page of so many purchases is megabytes long."""

_ESIM = re.compile(r"(/esim/)[^/]+(/plans)\Z")


def one_of(collection: str, name: str) -> str:
    """The path of one object."""
    return f"{collection}/{quote(name, safe='')}"


def plans_of(iccid: str) -> str:
    return f"/esim/{quote(iccid, safe='')}/plans"


def shown_path(path: str) -> str:
    """A path without the number of a customer's eSIM in it."""
    return _ESIM.sub(r"\1{iccid}\2", path)


Number = int | Decimal
"""As the HTTP client gives JSON's numbers."""


class ZenditCost(TypedDict, total=False):
    """Of an offer: what we are charged (`cost`), or what Zendit proposes to sell it for (`price`)."""

    currency: str
    currencyDivisor: int
    fixed: int
    max: int
    fee: int
    feePct: Number


class ZenditRoaming(TypedDict, total=False):
    country: str


class ZenditOffer(TypedDict, total=False):
    offerId: str
    brand: str
    brandName: str
    country: str
    regions: list[str]
    enabled: bool
    durationDays: int
    dataGB: Number
    dataUnlimited: bool
    dataSpeeds: list[str]
    roaming: list[ZenditRoaming]
    notes: str
    shortNotes: str
    cost: ZenditCost
    price: ZenditCost


class ZenditConfirmation(TypedDict, total=False):
    """`activationCode` is a secret of whoever holds it, and `redemptionInstructions` may have it in them."""

    iccid: str
    smdpAddress: str
    activationCode: str
    redemptionInstructions: str


class ZenditError(TypedDict, total=False):
    """Why a transaction failed that had been accepted."""

    code: str
    description: str
    message: str


class ZenditPurchase(TypedDict, total=False):
    transactionId: str
    status: str
    productType: str
    offerId: str
    cost: int
    costBase: int
    costFee: int
    costCurrency: str
    costCurrencyDivisor: int
    confirmation: ZenditConfirmation | None
    error: ZenditError | None
    createdAt: str
    updatedAt: str


class ZenditTransaction(TypedDict, total=False):
    """A movement of the wallet; a refund of a purchase has the same shape."""

    transactionId: str
    productType: str
    type: str
    status: str
    amount: int
    currency: str
    currencyDivisor: int
    createdAt: str
    updatedAt: str


class ZenditPlan(TypedDict, total=False):
    """`reamainingDataGB` is how an older sample of the documentation spells it."""

    iccid: str
    offerId: str
    status: str
    initialDataGB: Number
    remainingDataGB: Number
    reamainingDataGB: Number
    unlimited: bool
    startAt: str
    endAt: str


class ZenditReport(TypedDict, total=False):
    reportId: str
    status: str
    file: dict[str, Any] | None
    error: Any
