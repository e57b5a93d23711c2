"""Strowallet's words as ours: pure functions and tables, no calls; histories are rows.py, the other way is drafting.py."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from cardctl.domain.accounts import AccountState, Kyc, RemoteAccount
from cardctl.domain.cards import CardNews, Credentials, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.redaction import redact_json
from cardctl.domain.states import CardState
from cardctl.providers.strowallet import wire

CURRENCY = "USD"
"""Of every card and of the float; the third product, in naira, is not spoken here."""

DONE = frozenset({"success", "successful", "completed", "complete", "ok", "approved", "settled"})
FAILED = frozenset({"failed", "failure", "declined", "decline", "rejected", "error", "cancelled", "canceled"})
PENDING = frozenset({"pending", "processing", "in progress", "initiated", "queued"})
"""What is said of a movement of money, in lower case; any other word is none of these."""

_CARD_STATES = {
    "pending": CardState.PENDING,
    "pending_activation": CardState.PENDING,
    "active": CardState.ACTIVE,
    "frozen": CardState.FROZEN,
    "inactive": CardState.FROZEN,  # UNCONFIRMED that it is sent; one client has it for frozen
    "blocked": CardState.FROZEN,  # UNCONFIRMED likewise
    "terminated": CardState.CLOSED,
    "failed": CardState.FAILED,
}
_VERIFIED = frozenset({"high", "low", "verified", "approved"})
_REJECTED = frozenset({"rejected", "failed", "declined"})
_KYC_NAMES = ("kyc_status", "kycStatus", "status", "kyc")  # UNCONFIRMED under which name the word stands
_EXPIRY = re.compile(r"\s*([0-9]{1,2})\s*[/-]\s*([0-9]{4}|[0-9]{2})\s*\Z", re.ASCII)
_GAPS = re.compile(r"[ -]")


def state_of(word: str) -> CardState:
    return _CARD_STATES.get(word.strip().lower(), CardState.UNKNOWN)


def card_from_wire(data: Mapping[str, Any], ref: str, *, nfc: bool) -> RemoteCard:
    """A card's detail. LookupError where it is no card's, or another's."""
    card = detail_in(data)
    if str(card.get("card_id") or ref) != ref:
        raise LookupError("another card's detail")
    month, year = _expiry(card.get("expiry"))
    word = str(card.get("card_status") or "")
    state = state_of(word)
    holder = card.get("customer_email" if nfc else "customer_id")
    return RemoteCard(
        ref=ref,
        account_ref=str(holder) if holder else None,
        holder=str(card.get("card_holder_name") or card.get("card_name") or card.get("name_on_card") or ""),
        type="virtual",
        last4=wire.last_four(card.get("last4")),
        exp_month=month,
        exp_year=year,
        currency=CURRENCY,
        state=state,
        word=word,
        raw=redact_json(wire.harmless(dict(card))),
        brand=str(card["card_brand"]).lower() if card.get("card_brand") else None,
        balance=balance_of(card),
        ever_active=True if state in (CardState.ACTIVE, CardState.FROZEN) else None,
        created_at=_day(card.get("card_created_date")),
    )


def made_card(data: Mapping[str, Any], *, account_ref: str, holder: str) -> RemoteCard:
    """The answer that made a card, which is still being made then. LookupError where it names none."""
    ref = wire.text_in(data, "card_id")
    if not ref:
        raise LookupError("no card_id")
    word = wire.text_in(data, "card_status") or "pending"
    brand = wire.text_in(data, "card_brand").lower()
    return RemoteCard(
        ref=ref,
        account_ref=account_ref,
        holder=wire.text_in(data, "name_on_card") or holder,
        type="virtual",
        last4="",
        exp_month=0,
        exp_year=0,
        currency=CURRENCY,
        state=state_of(word),
        word=word,
        raw=redact_json(wire.harmless(dict(data))),
        brand=brand or None,
        created_at=_day(wire.text_in(data, "card_created_date")),
    )


def detail_in(data: Mapping[str, Any]) -> wire.StrowalletCard:
    """The card's own fields in the envelope. LookupError where there are none."""
    for place in (*wire.inner(data), data):
        if "card_status" in place or "card_id" in place:
            return cast(wire.StrowalletCard, place)
    raise LookupError("no card_detail")


def balance_of(card: Mapping[str, Any]) -> Money | None:
    """What the card can spend; a number in some answers and a text in others."""
    balance = card.get("balance")
    return None if balance in (None, "") else money_of(balance)


def money_of(value: Any, currency: str = CURRENCY) -> Money:
    """Major units as they come. ValueError or BadInput where it is no amount of whole cents, or in no currency."""
    try:
        return Money.of_decimal(Decimal(str(value).strip()), currency)
    except InvalidOperation:
        raise ValueError("no amount") from None


def credentials_from_wire(data: Mapping[str, Any]) -> Credentials | None:
    """The numbers in a detail that still has them; None where they are not there."""
    card = detail_in(data)
    number, cvv = _GAPS.sub("", str(card.get("card_number") or "")), str(card.get("cvv") or "")
    if not (number.isascii() and number.isdigit() and cvv):
        return None
    month, year = _expiry(card.get("expiry"))
    return Credentials(number, cvv, month, year)


def account_from_wire(data: Mapping[str, Any], *, nfc: bool, email: str | None = None, name: str = "") -> RemoteAccount:
    """A customer. LookupError where it names none. An NFC customer goes by the email, since that is all it can be read by;
    `email` and `name` are what the customer is known by where the answer does not tell."""
    ref = customer_id(data)
    email = email_in(data) or email
    ref = (email or "").lower() if nfc else ref
    if not ref:
        raise LookupError("no customerId")
    word = wire.text_in(data, *_KYC_NAMES, envelope=nfc)
    kyc, flags = kyc_of(word)
    return RemoteAccount(
        ref=ref,
        name=name_in(data) or name,
        state=AccountState.ACTIVE if kyc is Kyc.VERIFIED else AccountState.PENDING,
        kyc=kyc,
        raw=redact_json(wire.harmless(dict(data))),
        email=email or None,
        compliance_flags=flags,
    )


def customer_id(data: Mapping[str, Any]) -> str:
    """Empty where there is none, or none yet."""
    return wire.text_in(data, "customerId", "customer_id", "bitvcard_customer_id")


def email_in(data: Mapping[str, Any]) -> str:
    return wire.text_in(data, "customerEmail", "customer_email", "email")


def name_in(data: Mapping[str, Any]) -> str:
    """UNCONFIRMED that a customer's answer has a name at all; empty where it has none."""
    parts = [wire.text_in(data, "firstName", "first_name"), wire.text_in(data, "lastName", "last_name")]
    return " ".join(part for part in parts if part) or wire.text_in(data, "name", "customerName", "customer_name")


def kyc_of(word: str) -> tuple[Kyc, tuple[str, ...]]:
    """What a KYC word means, and the word as a compliance flag where it is no verification."""
    plain = re.sub(r"[\s_]*kyc$", "", word.strip().lower())
    if plain in _VERIFIED:
        return Kyc.VERIFIED, ()
    return Kyc.REJECTED if plain in _REJECTED else Kyc.PENDING, (word or "kyc_status_missing",)


def moved_money(data: Mapping[str, Any], ref: str) -> CardNews:
    """The answer to a funding or withdrawal; a word that does not say done leaves it on its way."""
    reference = wire.text_in(data, "reference", "id", envelope=False)
    raw = redact_json(wire.harmless(dict(data)))
    return CardNews(ref=ref, raw=raw, settled=movement_word(data) in DONE, reference=reference or None)


def movement_word(data: Mapping[str, Any]) -> str:
    """What an answer says of its movement of money, in lower case; empty where it says nothing (the status of
    `apiresponse` itself would be a request's)."""
    answer = data.get("apiresponse")
    movement = {"data": answer.get("data")} if isinstance(answer, dict) else data
    return wire.text_in(movement, "status", envelope=False).lower()


def withdrawal_word(data: Mapping[str, Any]) -> str:
    """The same of a withdrawal that was asked after: one client reads it from `data`, another from the outmost `status`, where
    a mere success may be the request's."""
    outmost = wire.text_in({"data": {"status": data.get("status")}}, "status").lower()
    return movement_word(data) or ("" if outmost in ("success", "ok", "true") else outmost)


def float_from_wire(data: Mapping[str, Any]) -> tuple[Money, ...]:
    inner = data.get("data")
    balance = data.get("balance", inner.get("balance") if isinstance(inner, Mapping) else None)
    return (money_of(balance),)


def _expiry(text: Any) -> tuple[int, int]:
    """Month and year of MM/YY or MM/YYYY; zeros where it is neither."""
    match = _EXPIRY.match(str(text or ""))
    if match is None or not 1 <= int(match[1]) <= 12:
        return 0, 0
    year = int(match[2])
    return int(match[1]), year if year > 99 else 2000 + year


def _day(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
