"""One-time payment tokens of the sandbox: which card each stands for, and how the others are refused; nothing is kept here."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from cardctl.simulator.square.words import Refused

OK = "cnon:card-nonce-ok"
TEST_CARD = "ccof:customer-card-id-ok"
"""Anybody's card on file, in every sandbox."""

_YEARS_VALID = 3


@dataclass(frozen=True, slots=True)
class Plastic:
    """The buyer's card behind a token. `soon`: this month is its last; `declines`: what its bank says to every charge."""

    brand: str = "VISA"
    bin: str = "411111"
    last_4: str = "1111"
    type: str = "CREDIT"
    prepaid: str = "NOT_PREPAID"
    soon: bool = False
    declines: str | None = None

    def expiry(self, now: int) -> tuple[int, int]:
        """Month and year; the end of the year three years on, unless it is soon."""
        today = time.gmtime(now)
        return (today.tm_mon, today.tm_year) if self.soon else (12, today.tm_year + _YEARS_VALID)


_VISA = Plastic()
PLASTIC = {
    OK: _VISA,
    # Everything below is the simulator's own: Square has other ways to get them.
    "cnon:card-nonce-mastercard": Plastic("MASTERCARD", "510510", "5100"),
    "cnon:card-nonce-amex": Plastic("AMERICAN_EXPRESS", "340000", "0009"),
    "cnon:card-nonce-debit": Plastic("VISA", "411111", "1111", "DEBIT"),
    "cnon:card-nonce-prepaid": Plastic("MASTERCARD", "510510", "5100", "CREDIT", "PREPAID"),
    "cnon:card-nonce-expires-this-month": replace(_VISA, last_4="0341", soon=True),
    "cnon:card-nonce-declines-charge": replace(_VISA, last_4="0002", declines="GENERIC_DECLINE"),
    "cnon:card-nonce-insufficient-funds": replace(_VISA, last_4="9995", declines="INSUFFICIENT_FUNDS"),
    "cnon:card-nonce-verification-required": replace(_VISA, last_4="3220", declines="CARD_DECLINED_VERIFICATION_REQUIRED"),
    "cnon:card-nonce-transaction-limit": replace(_VISA, last_4="9979", declines="TRANSACTION_LIMIT"),
    "cnon:card-nonce-temporary-error": replace(_VISA, last_4="0119", declines="TEMPORARY_ERROR"),
}
"""Tokens that make a card. A sandbox token can be used again and again, and each time makes another card."""

_REFUSED = {
    "cnon:card-nonce-declined": ("CARD_DECLINED", "GENERIC_DECLINE", "Card declined."),
    "cnon:card-nonce-rejected-cvv": ("VERIFY_CVV_FAILURE", "CVV_FAILURE", "The CVV could not be verified."),
    "cnon:card-nonce-rejected-postalcode": (
        "VERIFY_AVS_FAILURE",
        "ADDRESS_VERIFICATION_FAILURE",
        "The postal code could not be verified.",
    ),
    "cnon:card-nonce-rejected-expiration": ("INVALID_EXPIRATION", "INVALID_EXPIRATION", "Invalid card expiration date."),
    "cnon:card-nonce-already-used": ("SOURCE_USED", "CARD_TOKEN_USED", "The card nonce was already used."),
}
"""Token to its code when a card is saved, when it pays at once, and the words. CONFIRMED: the tokens. UNCONFIRMED: the codes,
of which the description of CreateCard names SOURCE_USED alone."""


def plastic(nonce: str, *, paying: bool = False) -> Plastic:
    """Refused for a token that is meant to fail, and for one that nobody made."""
    if nonce in PLASTIC:
        return PLASTIC[nonce]
    if nonce in _REFUSED:
        saving, charging, detail = _REFUSED[nonce]
        raise Refused(charging if paying else saving, detail, "source_id")
    raise Refused("NOT_FOUND" if paying else "INVALID_CARD_DATA", f"Invalid card data: `{nonce}`.", "source_id")
