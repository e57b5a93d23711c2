"""What Square's words for a no mean: plain words, and what to do; which errors they make is judging.py."""

from __future__ import annotations

from typing import NamedTuple

EXPIRED = "CARD_EXPIRED"
_OTHER = "ask the buyer for another card"
_BANK = "the buyer has to ask the bank of the card"
_ANEW = "have the buyer enter the card anew, and save it"
_PRESENT = "a saved card cannot do this; ask the buyer for another one"
_SELLER = "see the seller's account at Square"
_AMOUNT = "try a smaller amount, or ask the buyer for another card"
_REPORT = "this is a fault of cardctl's request: please report it"


class Meaning(NamedTuple):
    """`words` end the sentence "square declined it: …" or "square said no: …"."""

    words: str
    hint: str


DECLINES: dict[str, Meaning] = {
    "ACCOUNT_UNUSABLE": Meaning("the buyer's account cannot pay", _OTHER),
    "ADDRESS_VERIFICATION_FAILURE": Meaning("the postal code is not the one that the card's bank knows", _ANEW),
    "ALLOWABLE_PIN_TRIES_EXCEEDED": Meaning("a wrong PIN was entered too often", _BANK),
    "APPLE_TTP_PIN_TOKEN": Meaning("the card's bank asks for its PIN", _PRESENT),
    "BAD_EXPIRATION": Meaning("the card's expiry is missing or no date", _ANEW),
    "BUYER_REFUSED_PAYMENT": Meaning("the buyer's bank did not allow it", _BANK),
    "CARDHOLDER_INSUFFICIENT_PERMISSIONS": Meaning("the card may not be used at this seller", _OTHER),
    "CARD_DECLINED": Meaning("the card was declined", _OTHER),
    "CARD_DECLINED_CALL_ISSUER": Meaning("the card's bank wants to be called first", _BANK),
    "CARD_DECLINED_VERIFICATION_REQUIRED": Meaning(
        "the card's bank wants the buyer to be verified", "have the buyer verified (verifyBuyer), and hand over that token"
    ),
    EXPIRED: Meaning("the card has expired", "ask the buyer for a new card, and save it with --replace"),
    "CARD_NOT_SUPPORTED": Meaning("the card is not taken in this region or trade", _OTHER),
    "CHIP_INSERTION_REQUIRED": Meaning("the card's bank wants its chip to be read", _PRESENT),
    "CURRENCY_MISMATCH": Meaning("the card cannot pay in this currency", "charge in the currency of the seller's location"),
    "CVV_FAILURE": Meaning("the security code is wrong", _ANEW),
    "EXPIRATION_FAILURE": Meaning("the expiry is wrong, or the card has expired", _ANEW),
    "GENERIC_DECLINE": Meaning("the card's bank gave no reason", _BANK),
    "GIFT_CARD_AVAILABLE_AMOUNT": Meaning("the gift card has less than that", _AMOUNT),
    "INSUFFICIENT_FUNDS": Meaning("there is not enough money on the card", _AMOUNT),
    "INSUFFICIENT_PERMISSIONS": Meaning("the seller may not take this kind of payment", _SELLER),
    "INVALID_ACCOUNT": Meaning("the card's bank does not know the account", _OTHER),
    "INVALID_CARD": Meaning("the card's details are not valid", _ANEW),
    "INVALID_ENCRYPTED_CARD": Meaning("the card's details could not be read", _ANEW),
    "INVALID_EXPIRATION": Meaning("the card's expiry is not valid", _ANEW),
    "INVALID_FEES": Meaning("the application's fee is too high", _SELLER),
    "INVALID_LOCATION": Meaning("the seller takes no payments from this region", _SELLER),
    "INVALID_PIN": Meaning("the PIN is wrong", _PRESENT),
    "INVALID_POSTAL_CODE": Meaning("the postal code is not one", _ANEW),
    "MANUALLY_ENTERED_PAYMENT_NOT_SUPPORTED": Meaning("the card must be there in person", _PRESENT),
    "MISSING_ACCOUNT_TYPE": Meaning("the kind of account is missing", _PRESENT),
    "MISSING_PIN": Meaning("the card's PIN is missing", _PRESENT),
    "PAN_FAILURE": Meaning("the card's number is wrong", _ANEW),
    "PAYMENT_AMOUNT_MISMATCH": Meaning("Square expected another amount", "see the payment at Square before trying again"),
    "PAYMENT_LIMIT_EXCEEDED": Meaning("it is more than this seller may take at once", _SELLER),
    "READER_DECLINED": Meaning("the card reader declined it", _PRESENT),
    "TRANSACTION_LIMIT": Meaning("the amount is above (or below) the card's limit", _AMOUNT),
    "UNSUPPORTED_CARD_BRAND": Meaning("Square does not take this brand of card", _OTHER),
    "UNSUPPORTED_ENTRY_METHOD": Meaning("the card cannot be read in this way", _PRESENT),
    "VERIFY_AVS_FAILURE": Meaning("the address could not be verified", _ANEW),
    "VERIFY_CVV_FAILURE": Meaning("the security code could not be verified", _ANEW),
    "VOICE_FAILURE": Meaning("the card's bank wants the buyer to allow it by telephone", _BANK),
}
"""Every PAYMENT_METHOD_ERROR of the description but TEMPORARY_ERROR, which is no decline."""

REFUSALS: dict[str, Meaning] = {
    "CARD_MISMATCH": Meaning("the refund is for another card than the payment's", _SELLER),
    "INSUFFICIENT_PERMISSIONS_FOR_REFUND": Meaning("the seller may not give refunds", _SELLER),
    "PAYMENT_NOT_REFUNDABLE": Meaning("the payment cannot be refunded, for it may be too old", _SELLER),
    "PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE": Meaning("the payment is disputed", "see the dispute at Square"),
    "REFUND_ALREADY_PENDING": Meaning("a refund of the payment is on its way", "wait until that has ended"),
    "REFUND_AMOUNT_INVALID": Meaning("it is more than is left to refund", "see what is left with `cardctl saved-card sync`"),
    "REFUND_DECLINED": Meaning("the card's bank declined the refund", _BANK),
    "REFUND_ERROR_PAYMENT_NEEDS_COMPLETION": Meaning(
        "the payment is a hold", "release it with `cardctl saved-card cancel`, or capture it first"
    ),
    "RESERVATION_DECLINED": Meaning("the card's bank declined the refund", _BANK),
    "AMOUNT_TOO_HIGH": Meaning("the amount is too high", _AMOUNT),
    "CARD_PROCESSING_NOT_ENABLED": Meaning("this location takes no cards", _SELLER),
    "CARD_TOKEN_EXPIRED": Meaning("the card's one-time token has expired", _ANEW),
    "CARD_TOKEN_USED": Meaning("the card's one-time token was used before", _ANEW),
    "SOURCE_EXPIRED": Meaning("the card's one-time token has expired", _ANEW),
    "SOURCE_USED": Meaning("the card's one-time token was used before", _ANEW),
    "INVALID_CARD_DATA": Meaning("the card's details are not valid", _ANEW),
    "CUSTOMER_NOT_FOUND": Meaning("the customer is not there any more", "find out more with `cardctl saved-card sync`"),
    "DELAYED_TRANSACTION_CANCELED": Meaning("the hold was released", "hold the money anew"),
    "DELAYED_TRANSACTION_CAPTURED": Meaning("the payment is captured", "give it back with `cardctl saved-card refund`"),
    "DELAYED_TRANSACTION_EXPIRED": Meaning("the hold has ended by itself", "hold the money anew"),
    "DELAYED_TRANSACTION_FAILED": Meaning("the payment failed", "hold the money anew"),
    "VERSION_MISMATCH": Meaning(
        "the payment has changed meanwhile", "look at it with `cardctl saved-card sync`, then try again"
    ),
    "IDEMPOTENCY_KEY_REUSED": Meaning(
        "its key was used for something else", "see at Square what was done under it before trying again"
    ),
    "INSUFFICIENT_SCOPES": Meaning(
        "the access token lacks a permission",
        "it needs CUSTOMERS_, PAYMENTS_ and DISPUTES_READ and _WRITE, MERCHANT_PROFILE_READ",
    ),
    "FORBIDDEN": Meaning("the access token may not do this", _SELLER),
    "CLIENT_DISABLED": Meaning("Square has disabled the application", "see it in Square's developer console"),
    "APPLICATION_DISABLED": Meaning("Square has disabled the application", "see it in Square's developer console"),
    "SANDBOX_NOT_SUPPORTED": Meaning("Square's sandbox cannot do this", "only a live seller can"),
    "UNKNOWN_BODY_PARAMETER": Meaning("the request has a field that Square does not know", _REPORT),
}
"""Other words that a person may meet."""
