"""What Strowallet answers, field by field, as public sources agree on it; where they disagree, each shape that was seen.

There is no official description of most of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

Check = Callable[[Any], bool]
Shape = dict[str, Any]
"""Field to a check, a shape, a list of one shape, or a constant; a name ending in `?` may be missing, no other may be there."""


def word(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def matches(pattern: str) -> Check:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def either(*words: str) -> Check:
    return lambda value: value in words


def money(value: Any) -> bool:
    """Major units, as text with two decimals or as a number with no more."""
    if isinstance(value, Decimal):
        return value == round(value, 2)
    return matches(r"-?[0-9]+\.[0-9]{2}")(value)


def text(value: Any) -> bool:
    return isinstance(value, str)


def list_of_words(value: Any) -> bool:
    return isinstance(value, list) and value != [] and all(map(word, value))


def messages(value: Any) -> bool:
    return isinstance(value, dict) and all(map(list_of_words, value.values()))


CUSTOMER: Shape = {
    **dict.fromkeys(("customerId", "customerEmail", "firstName", "lastName", "phoneNumber", "city", "state", "country"), word),
    **dict.fromkeys(("line1", "zipCode", "houseNumber", "idNumber", "idType", "idImage", "userPhoto"), word),
    "bvn": text,
    "dateOfBirth": matches(r"\d{4}-\d\d-\d\d"),
}
NEW_CARD: Shape = {
    **dict.fromkeys(("card_id", "name_on_card", "card_user_id", "customer_id", "reference"), word),
    "card_type": "virtual",
    "card_brand": either("visa", "mastercard"),
    "card_status": "pending",
    "card_created_date": matches(r"\d{4}-\d\d-\d\d"),
}
DETAIL: Shape = {
    **dict.fromkeys(("card_id", "customer_id", "customer_email", "card_name", "card_holder_name", "reference"), word),
    **dict.fromkeys(("billing_street", "billing_city", "billing_country", "billing_zip_code"), word),
    "card_user_id?": word,
    "user_id?": word,
    "card_type": "virtual",
    "card_brand": either("visa", "mastercard"),
    "card_status": either("pending", "active", "frozen", "terminated"),
    "balance": money,
    "expiry": matches(r"(0[1-9]|1[0-2])/(\d\d)?\d\d"),
    "card_created_date": matches(r"\d{4}-\d\d-\d\d"),
    "card_number?": matches(r"\d{16}"),
    "cvv?": matches(r"\d{3}"),
    "card_number_url?": matches(r"https://\S+"),
    "cvv_url?": matches(r"https://\S+"),
    "last4?": matches(r"\**\d{4}"),
}
MOVE: Shape = {**dict.fromkeys(("id", "cardId", "reference", "narrative"), word), "status": "pending"}
ROW: Shape = {
    **dict.fromkeys(("id", "cardId", "narrative", "reference"), word),
    "amount": money,
    "centAmount": matches(r"-?\d+"),
    "type": either("debit", "credit"),
    "currency": either("usd", "USD"),
    "createdAt": matches(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    "status": either("success", "pending", "failed"),
}
PENDING_MOVE: Shape = {"status": "pending", "reference": word}
WITHDRAWAL = r"(?i)completed|pending|failed"
SAID: Shape = {"success": True, "message": word}

SHAPES: dict[str, list[Shape]] = {
    "bitvcard/create-user": [{**SAID, "response": CUSTOMER}],
    "bitvcard/getcardholder": [
        {"success": True, "data": {**CUSTOMER, "status": matches(r"(?i)(high|low|unreview) kyc|rejected")}}
    ],
    "bitvcard/updateCardCustomer": [{**SAID, "response": CUSTOMER}],
    "bitvcard/upgradecardlimit": [SAID],
    "bitvcard/create-card": [{**SAID, "response": NEW_CARD}, {"error": word}],
    "bitvcard/create-giftcard": [{**SAID, "response": NEW_CARD}, {"error": word}],
    "bitvcard/fetch-card-detail": [{"success": True, "response": {"card_detail": DETAIL}}],
    "bitvcard/fund-card": [
        {"success": "success", "message": word, "apiresponse": {"message": word, "data": MOVE}},
        {"success": False, "message": word},
    ],
    "bitvcard/card_withdraw": [
        {**SAID, "apiresponse": {"message": word, "data": MOVE}},
        {**SAID, "data": PENDING_MOVE},
    ],
    "bitvcard/getcard_withdrawstatus": [
        {"success": True, "data": {"status": matches(WITHDRAWAL), "reference": word}},
        {"success": True, "status": matches(WITHDRAWAL), "reference": word},
    ],
    "bitvcard/action/status": [
        SAID,
        {"status": word, "message": word},
        {"error": word, "message": list_of_words},
    ],
    "bitvcard/card-transactions": [{"success": True, "response": {"card_transactions?": [ROW]}}],
    "apicard-transactions": [{"success": True, "response": {"card_transactions": [ROW]}}],
    "wallet/balance/{currency}": [{"balance": money}],
    "exchange-rate/USD/NGN": [{"rate": money}],
    "bitvcard/cardkyc": [{**SAID, "response": {"customer_id": word, "status": "pending"}}],
    "bitvcard/cardkycstatus": [{"success": True, "customer_id": word, "status": either("approved", "pending", "rejected")}],
    "bitvcard/create-nfc-card": [{**SAID, "data": NEW_CARD}],
    "bitvcard/fetch-nfccard-detail": [{"success": True, "response": {"card_detail": DETAIL}}],
    "bitvcard/nfc-card-transactions": [{"success": True, "response": {"card_transactions?": [ROW]}}],
    "bitvcard/fund-withdraw-nfccard": [{**SAID, "data": PENDING_MOVE}],
    "bitvcard/freezeactivate-nfc": [SAID],
    "bitvcard/nfc-cards/status": [SAID],
}
"""Endpoint to what it answers with a 200."""

REFUSALS: list[Shape] = [
    {"success": False, "message": word},
    {"success": False, "message": word, "errors": messages},
    {"success": False, "message": messages},
    {"errors": messages},
    {"message": word},
]
"""What any endpoint may answer with a 4xx, in JSON."""


def strays(shape: Any, value: Any, where: str = "") -> list[str]:
    """Where a value is not of its shape."""
    if isinstance(shape, list):
        return [stray for each in value for stray in strays(shape[0], each, f"{where}[]")]
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{where} is no object"]
        known = {name.removesuffix("?"): inner for name, inner in shape.items()}
        found = [f"{where}.{name} is not known" for name in value if name not in known]
        found += [f"{where}.{name} is missing" for name in shape if not name.endswith("?") and name not in value]
        return found + [
            stray for name in value if name in known for stray in strays(known[name], value[name], f"{where}.{name}")
        ]
    if callable(shape):
        return [] if shape(value) else [f"{where} is {value!r}"]
    return [] if value is shape or (isinstance(shape, str) and value == shape) else [f"{where} is {value!r}, not {shape!r}"]
