"""Square's words for states and its codes for a no, with the category of each; who says no, and when, is elsewhere."""

from __future__ import annotations

FACE = "square"

APPROVED, PENDING, COMPLETED, CANCELED, FAILED = "APPROVED", "PENDING", "COMPLETED", "CANCELED", "FAILED"
AUTHORIZED, CAPTURED, VOIDED = "AUTHORIZED", "CAPTURED", "VOIDED"

_REASONS = """
    AMOUNT_DIFFERS CANCELLED DUPLICATE NO_KNOWLEDGE NOT_AS_DESCRIBED NOT_RECEIVED PAID_BY_OTHER_MEANS
    CUSTOMER_REQUESTS_CREDIT EMV_LIABILITY_SHIFT
"""
DISPUTE_REASONS = tuple(_REASONS.split())

API = "API_ERROR"
AUTHENTICATION = "AUTHENTICATION_ERROR"
INVALID = "INVALID_REQUEST_ERROR"
METHOD = "PAYMENT_METHOD_ERROR"
REFUND = "REFUND_ERROR"

_OF = {
    API: "INTERNAL_SERVER_ERROR NOT_IMPLEMENTED BAD_GATEWAY SERVICE_UNAVAILABLE GATEWAY_TIMEOUT",
    AUTHENTICATION: "UNAUTHORIZED ACCESS_TOKEN_EXPIRED ACCESS_TOKEN_REVOKED FORBIDDEN INSUFFICIENT_SCOPES",
    "RATE_LIMIT_ERROR": "RATE_LIMITED",
    METHOD: """CARD_EXPIRED INVALID_EXPIRATION UNSUPPORTED_CARD_BRAND INVALID_CARD GENERIC_DECLINE CVV_FAILURE
        ADDRESS_VERIFICATION_FAILURE INVALID_ACCOUNT CURRENCY_MISMATCH INSUFFICIENT_FUNDS INSUFFICIENT_PERMISSIONS
        CARDHOLDER_INSUFFICIENT_PERMISSIONS TRANSACTION_LIMIT VOICE_FAILURE PAN_FAILURE EXPIRATION_FAILURE
        CARD_NOT_SUPPORTED INVALID_PIN PAYMENT_LIMIT_EXCEEDED CARD_DECLINED VERIFY_CVV_FAILURE VERIFY_AVS_FAILURE
        CARD_DECLINED_CALL_ISSUER CARD_DECLINED_VERIFICATION_REQUIRED BAD_EXPIRATION CHIP_INSERTION_REQUIRED
        ALLOWABLE_PIN_TRIES_EXCEEDED TEMPORARY_ERROR""",
    REFUND: """REFUND_AMOUNT_INVALID REFUND_ALREADY_PENDING PAYMENT_NOT_REFUNDABLE PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE
        REFUND_ERROR_PAYMENT_NEEDS_COMPLETION REFUND_DECLINED INSUFFICIENT_PERMISSIONS_FOR_REFUND RESERVATION_DECLINED""",
}
CATEGORIES = {code: category for category, codes in _OF.items() for code in codes.split()}
"""Code to category, as the official description has it for each code; every other code is an INVALID_REQUEST_ERROR."""


class Refused(Exception):
    """Square's no. `field` is the name on the wire; the category goes by the code."""

    def __init__(self, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field

    @property
    def category(self) -> str:
        return CATEGORIES.get(self.code, INVALID)


def missing(noun: str, ref: str) -> Refused:
    """There is nothing that is called so. UNCONFIRMED: the words; they name the object, as Square's do."""
    return Refused("NOT_FOUND", f"{noun} with ID `{ref}` not found.")


def money(amount: int, currency: str) -> str:
    """How a detail names an amount."""
    return f"{amount} {currency}"
