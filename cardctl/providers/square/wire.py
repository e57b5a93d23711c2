"""The JSON fields of Square that we use (API 2025-08-20), any of which may be absent; paths, and how a log may name them."""

from __future__ import annotations

import re
from typing import Any, TypedDict
from urllib.parse import quote

VERSION = "2025-08-20"
LIVE = "https://connect.squareup.com"
SANDBOX = "https://connect.squareupsandbox.com"

CUSTOMERS = "/v2/customers"
CUSTOMER_SEARCH = "/v2/customers/search"
CARDS = "/v2/cards"
PAYMENTS = "/v2/payments"
CANCEL_BY_KEY = "/v2/payments/cancel"
REFUNDS = "/v2/refunds"
LOCATIONS = "/v2/locations"
EVENTS = "/v2/events"
TOKEN = "/oauth2/token"  # noqa: S105 - a path

LONGEST_REASON = 192
LONGEST_REFERENCE = 40

_NAMED = re.compile(r"(/v2/(?:customers|cards)/)(?!search(?:/|\Z))[^/]+")


def one_of(collection: str, name: str) -> str:
    """The path of one object."""
    return f"{collection}/{quote(name, safe='')}"


def shown_path(path: str) -> str:
    """A path without the name of a customer or a card in it, which must lie nowhere in clear."""
    return _NAMED.sub(r"\1{id}", path)


class SquareMoney(TypedDict, total=False):
    """Whole minor units."""

    amount: int
    currency: str


class SquareError(TypedDict, total=False):
    category: str
    code: str
    detail: str
    field: str


class SquareCustomer(TypedDict, total=False):
    id: str
    reference_id: str
    email_address: str
    created_at: str


class SquareCard(TypedDict, total=False):
    """A card on file; that of a payment has an `id` only where it is one."""

    id: str
    card_brand: str
    last_4: str
    exp_month: int
    exp_year: int
    customer_id: str
    reference_id: str
    enabled: bool
    version: int
    issuer_alert: str


class SquareTimeline(TypedDict, total=False):
    """When a payment with a card went through its steps."""

    captured_at: str


class SquareCardDetails(TypedDict, total=False):
    status: str
    card: SquareCard
    card_payment_timeline: SquareTimeline
    errors: list[SquareError]


class SquarePayment(TypedDict, total=False):
    id: str
    status: str
    amount_money: SquareMoney
    tip_money: SquareMoney
    total_money: SquareMoney
    refunded_money: SquareMoney
    customer_id: str
    card_details: SquareCardDetails
    reference_id: str
    note: str
    delay_action: str
    delayed_until: str
    capabilities: list[str]
    refund_ids: list[str]
    version_token: str
    created_at: str
    updated_at: str


class SquareRefund(TypedDict, total=False):
    id: str
    status: str
    amount_money: SquareMoney
    payment_id: str
    reason: str
    created_at: str
    updated_at: str


class SquareDispute(TypedDict, total=False):
    """`dispute_id` is the older name of `id`."""

    id: str
    dispute_id: str
    state: str
    reason: str
    amount_money: SquareMoney
    disputed_payment: dict[str, Any]
    due_at: str
    version: int
