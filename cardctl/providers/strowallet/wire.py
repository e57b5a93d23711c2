"""Where Strowallet's requests go and what its answers hold: endpoints, the fields that we use, and the ones nobody may keep.

Facts are from the fact sheet of public clients; no official description of the whole API exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

BITVCARD, NFC = "bitvcard", "nfc"
"""The two products: keys, customers and cards of one are unknown to the other."""

BASE_URLS = {BITVCARD: "https://strowallet.com/api", NFC: "https://ziiropay.com/api"}

CREATE_USER = "bitvcard/create-user"
UPDATE_USER = "bitvcard/updateCardCustomer"
CUSTOMER = "bitvcard/getcardholder"
CREATE_CARD = "bitvcard/create-card"
FUND_CARD = "bitvcard/fund-card"
CARD_DETAIL = "bitvcard/fetch-card-detail"
RECENT = "bitvcard/card-transactions"
HISTORY = "apicard-transactions"  # not under bitvcard/
STATUS = "bitvcard/action/status"
WITHDRAW = "bitvcard/card_withdraw"
WITHDRAW_STATUS = "bitvcard/getcard_withdrawstatus"
WALLET = "wallet/balance/USD"

NFC_KYC = "bitvcard/cardkyc"
NFC_CUSTOMER = "bitvcard/cardkycstatus"
NFC_CREATE_CARD = "bitvcard/create-nfc-card"
NFC_CARD_DETAIL = "bitvcard/fetch-nfccard-detail"
NFC_RECENT = "bitvcard/nfc-card-transactions"
NFC_MONEY = "bitvcard/fund-withdraw-nfccard"
NFC_STATUS = "bitvcard/freezeactivate-nfc"

MODED = frozenset({CREATE_CARD, FUND_CARD, CARD_DETAIL, RECENT})
"""What takes `mode=sandbox`; everything else does its work for real, whatever it is sent."""

ACCOUNT_MAKING = frozenset({CREATE_USER, NFC_KYC})
CARD_MAKING = frozenset({CREATE_CARD, NFC_CREATE_CARD})
MOVING = frozenset({STATUS, NFC_STATUS})

_DOCUMENTS = ("bvn", "nin", "idnumber", "idimage", "idfrontimage", "userphoto")
_NUMBERS = ("cardnumber", "cardnumberurl", "pan", "cvv", "cvv2", "cvvurl", "cvc", "cvc2", "pin", "cardpin")
_KEYS = ("publickey", "secretkey", "authorizationcode")
_SENSITIVE = frozenset((*_DOCUMENTS, *_NUMBERS, *_KEYS))
"""Members of any answer that are dropped, by their names in small letters alone."""


class StrowalletCard(TypedDict, total=False):
    """Of a card's detail or of the answer that made it; its numbers are gone by then."""

    card_id: str
    card_name: str
    card_holder_name: str
    name_on_card: str
    card_type: str
    card_brand: str
    card_status: str
    card_created_date: str
    customer_id: str
    customer_email: str
    balance: Any
    expiry: str
    last4: str


class StrowalletRow(TypedDict, total=False):
    """One line of a card's history. `amount` is in major units, `centAmount` in cents; both may be negative."""

    id: str
    amount: Any
    centAmount: Any
    currency: str
    type: str
    narrative: str
    description: str
    merchant: str
    status: str
    reference: str
    createdAt: str
    created_at: str


def path_of(endpoint: str, *, slash: bool) -> str:
    """The path below the base URL: strowallet.com redirects without the slash at the end, ziiropay.com with it."""
    return f"/{endpoint}/" if slash else f"/{endpoint}"


def endpoint_of(path: str) -> str:
    """The endpoint that a draft's path leads to."""
    return path.strip("/")


def harmless(value: Any) -> Any:
    """The answer without card numbers, security codes, identity documents and keys; `last4` is taken from the number first."""
    if isinstance(value, list):
        return [harmless(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: harmless(item) for name, item in value.items() if _plain(name) not in _SENSITIVE}
    number = next((item for name, item in value.items() if _plain(name) in ("cardnumber", "pan")), None)
    if number and not last_four(kept.get("last4")):
        kept["last4"] = last_four(number)
    return kept


def last_four(text: Any) -> str:
    """The last four digits of what may be masked; empty where there are not four."""
    digits = re.sub(r"[^0-9]", "", str(text or ""))
    return digits[-4:] if len(digits) >= 4 else ""


def inner(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Where an answer may keep its fields: clients disagree on the envelope, so each place is looked at, inmost first."""
    for outer in (data.get("apiresponse"), data.get("response"), data.get("data")):
        if isinstance(outer, dict):
            yield from (outer[name] for name in ("card_detail", "data") if isinstance(outer.get(name), dict))
            yield outer


def text_in(data: Mapping[str, Any], *names: str, envelope: bool = True) -> str:
    """The first text (or whole number) that answers to one of `names`; empty where there is none.

    `envelope` False leaves out the outmost members, where `status` is a word about the request.
    """
    for name in names:
        for place in (*inner(data), data) if envelope else inner(data):
            value = place.get(name)
            if (isinstance(value, str) and value.strip()) or (isinstance(value, int) and not isinstance(value, bool)):
                return str(value).strip()
    return ""


def rows_in(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a history: the first list among the places where one was seen or may be; none where it has no rows."""
    response, inner = data.get("response"), data.get("data")
    candidates = [
        response.get("card_transactions") if isinstance(response, dict) else response,
        *((inner.get("card_transactions"), inner.get("transactions")) if isinstance(inner, dict) else (inner,)),
        data.get("card_transactions"),
        data.get("transactions"),
    ]
    return next(([row for row in rows if isinstance(row, dict)] for rows in candidates if isinstance(rows, list)), [])


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
