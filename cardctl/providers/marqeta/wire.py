"""The JSON fields of Marqeta that we use (Core API 3.0.39), any of which may be absent; paths, and what no answer keeps."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, TypedDict
from urllib.parse import quote

import orjson

USERS = "/users"
USER_TRANSITIONS = "/usertransitions"
BALANCES = "/balances"
CARDS = "/cards"
CARD_PRODUCTS = "/cardproducts"
CARD_TRANSITIONS = "/cardtransitions"
CONTROLS = "/velocitycontrols"
ORDERS = "/gpaorders"
UNLOADS = "/gpaorders/unloads"
TRANSACTIONS = "/transactions"
WEBHOOKS = "/webhooks"

_PRIVATE = frozenset(
    {
        "pan",
        "cvv_number",
        "chip_cvv_number",
        "chip_cvv_contactless_number",
        "3csc",
        "pin",
        "raw_iso8583",  # its field 2 is a whole card number
        "identifications",
        "ssn",
        "passport_number",
        "id_card_number",
        "password",
    }
)


def one_of(collection: str, token: str) -> str:
    """The path of one object."""
    return f"{collection}/{quote(token, safe='')}"


def harmless(value: Any) -> Any:
    """An answer without card numbers, security codes and identity documents."""
    if isinstance(value, list):
        return [harmless(item) for item in value]
    if isinstance(value, dict):
        return {name: harmless(item) for name, item in value.items() if name not in _PRIVATE}
    return value


def exact(body: bytes) -> Any:
    """JSON with every number as it stands. ValueError or RecursionError where it is none."""
    return json.loads(body.decode(), parse_float=Decimal, parse_constant=_no_number)


def exact_number(value: object) -> orjson.Fragment:
    """An amount as the JSON number that it is, digit for digit."""
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is no JSON")


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


Number = Decimal | int
"""An amount in major units; `10` and `10.00` both come."""


class MarqetaUser(TypedDict, total=False):
    token: str
    status: str
    first_name: str | None
    last_name: str | None
    company: str | None
    email: str | None
    parent_token: str | None
    uses_parent_account: bool
    metadata: dict[str, str] | None
    created_time: str


class MarqetaCard(TypedDict, total=False):
    """`pan` (otherwise masked) and `cvv_number` are whole only in the answer of showpan; `user` comes only by `expand`."""

    token: str
    user_token: str
    card_product_token: str
    last_four: str
    pan: str
    cvv_number: str
    expiration: str
    state: str
    state_reason: str
    instrument_type: str
    metadata: dict[str, str] | None
    created_time: str
    user: MarqetaUser


class MarqetaBalance(TypedDict, total=False):
    currency_code: str
    available_balance: Number
    balances: dict[str, MarqetaBalance] | None


class MarqetaTransition(TypedDict, total=False):
    token: str
    card_token: str
    state: str
    type: str


class MarqetaControl(TypedDict, total=False):
    token: str
    active: bool
    amount_limit: Number
    currency_code: str
    velocity_window: str
    approvals_only: bool
    include_purchases: bool
    association: dict[str, str | None] | None
    merchant_scope: dict[str, str | None] | None
    money_in_transaction: dict[str, Any] | None


class MarqetaResponse(TypedDict, total=False):
    code: str | int
    memo: str


class MarqetaOrder(TypedDict, total=False):
    """A load (`gpaorders`) or an unload, which has no `currency_code`."""

    token: str
    amount: Number
    currency_code: str
    state: str
    response: MarqetaResponse | None


class MarqetaAcceptor(TypedDict, total=False):
    """`country` in the first transaction model, `country_code` in the second."""

    name: str | None
    mcc: str | None
    city: str | None
    country: str | None
    country_code: str | None


class MarqetaTransaction(TypedDict, total=False):
    """`amount` is positive, of this message alone."""

    token: str
    type: str
    state: str
    card_token: str | None
    amount: Number
    currency_code: str
    polarity: str | None
    approval_code: str | None
    preceding_related_transaction_token: str | None
    original_transaction_token: str | None
    created_time: str
    user_transaction_time: str
    card_acceptor: MarqetaAcceptor | None
    response: MarqetaResponse | None
    gpa: MarqetaBalance | None
    gpa_order: MarqetaOrder | None
    gpa_order_unload: MarqetaOrder | None
